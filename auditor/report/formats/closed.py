"""How what ended since the scan before stands now, for the formats of other programs."""

from auditor.model import Lifecycle, Verdict
from auditor.report.text import visible
from auditor.report.view import FindingView, ReportView

__all__ = ["closed_verdicts", "closed_words"]


def closed_verdicts(view: ReportView) -> dict[str, Verdict]:
    """Return key -> what the check says now of each finding in ``view.closed``.

    ``pass`` only where this scan judged the resource and it passed; ``not_applicable`` for everything else: the resource is
    gone, or the check does not concern it any more, or is not asked any more. None of these was mended.
    """
    wanted = {finding.check for finding in view.closed if finding.lifecycle is Lifecycle.RESOLVED}
    passed = {
        (visible(tally.check), visible(id)) for tally in view.tallies if tally.check in wanted for id in tally.passed
    }
    return {
        finding.key: Verdict.PASS
        if finding.lifecycle is Lifecycle.RESOLVED and (finding.check, finding.resource) in passed
        else Verdict.NOT_APPLICABLE
        for finding in view.closed
    }


def closed_words(finding: FindingView, verdict: Verdict) -> str:
    """Return why a finding that ended is closed; VERDICT: of ``closed_verdicts``."""
    if finding.lifecycle is Lifecycle.VANISHED:
        return "the resource is gone"
    return "it passes now" if verdict is Verdict.PASS else "the check does not concern it any more"
