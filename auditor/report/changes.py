"""What is different since the scan before, and whether the two compare at all."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from auditor.drift import differences
from auditor.model import FindingState, Lifecycle, Score, Verdict
from auditor.report.findings import finding_view, in_order
from auditor.report.inputs import ReportInputs
from auditor.report.text import moment, visible
from auditor.report.view import ChangesView, FindingView

__all__ = ["changes_view", "scores_by_id"]

_SHOWN = 12
_KINDS = (Lifecycle.OPENED, Lifecycle.REOPENED, Lifecycle.RESOLVED, Lifecycle.VANISHED, Lifecycle.UNVERIFIED)


def scores_by_id(scores: Iterable[Score]) -> Mapping[tuple[str, str], Score]:
    """Return SCORES by level and id; the account's id is ``""``."""
    return {(score.level, "" if score.level == "account" else score.id): score for score in scores}


def changes_view(inputs: ReportInputs, checks: Iterable[str]) -> ChangesView:
    """Return the changes of findings and scores since the previous scan; CHECKS (ids) gives the order."""
    held: dict[Lifecycle, list[FindingState]] = defaultdict(list)
    for state in inputs.changes:
        held[state.lifecycle].append(state)
    counts = {kind: len(held[kind]) for kind in _KINDS}
    order = list(checks)
    resources = inputs.resource_changes
    previous = inputs.previous
    why_not = tuple(map(visible, differences(previous.scan, inputs.scan))) if previous else ()
    now = scores_by_id(inputs.scores).get(("account", ""))
    before = scores_by_id(previous.scores).get(("account", "")) if previous else None
    comparable = previous is not None and not why_not
    delta = None
    if comparable and now and before and now.value is not None and before.value is not None:
        delta = round(now.value - before.value, 2)
    return ChangesView(
        first=previous is None,
        previous=previous.scan.id if previous else 0,
        previous_at=moment(previous.scan.finished_at or previous.scan.started_at) if previous else "",
        comparable=comparable,
        why_not=why_not,
        delta=delta,
        previous_score=before.value if before else None,
        counts=counts,
        items={kind: _some(held[kind], inputs, order) for kind in _KINDS if held[kind]},
        resources=(resources.added, resources.changed, resources.gone) if resources else None,
    )


def _some(states: list[FindingState], inputs: ReportInputs, order: list[str]) -> tuple[FindingView, ...]:
    worst = sorted(states, key=lambda s: (s.finding.verdict is not Verdict.FAIL, s.finding.severity.rank))[:_SHOWN]
    return tuple(in_order((finding_view(state, inputs) for state in worst), order))
