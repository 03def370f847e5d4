"""The whole view of a scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.model import Severity, Tally
from auditor.report.spending import SpendingView
from auditor.report.view.changes import ChangesView, NightView
from auditor.report.view.coverage import CoverageView
from auditor.report.view.finding import AttestationView, DateText, FindingView, IsoText, WaiverView
from auditor.report.view.money import MoneyView
from auditor.report.view.standing import CheckView, Counts, RiskView, SectionView, Standing

__all__ = ["ReportView"]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A scan, ready to be shown. Every text in it is free of control, bidirectional and surrogate characters."""

    title: str
    standard: str
    """The document's title."""
    account: str
    account_name: str
    partition: str
    """``aws``, ``aws-cn``, ``aws-us-gov``."""
    tape: str
    """The tape it was read from, and when that was recorded; empty: from the account itself."""
    scan: int
    status: str
    started: IsoText
    finished: IsoText
    when: DateText
    """When it ended, or began where it has not ended."""
    seconds: float | None
    regions: tuple[str, ...]
    selection: tuple[tuple[str, tuple[str, ...]], ...]
    """What narrowed the scan; empty: nothing."""
    version: str
    standard_digest: str
    checks_digest: str
    verdict: str
    """The whole report in one sentence."""
    score: float | None
    letter: str | None
    strict: float | None
    """The score if nothing were waived."""
    counts: Counts
    severities: Mapping[Severity, int]
    """Failing findings that are not waived, by severity; all five keys."""
    standings: Mapping[Standing, int]
    """Bullets by standing; all five keys."""
    coverage: CoverageView
    changes: ChangesView
    nights: tuple[NightView, ...]
    """The last nights up to this one, oldest first."""
    risks: tuple[RiskView, ...]
    sections: tuple[SectionView, ...]
    checks: Mapping[str, CheckView]
    """By id, in the standard's order; a check whose bullets are all unknown to the standard comes last."""
    money: MoneyView
    spending: SpendingView
    findings: Sequence[FindingView]
    """Failures first, worst first; then unknowns; faults of checks are among the unknowns and in ``faults``. Each is made when
    it is read."""
    faults: tuple[FindingView, ...]
    """Unknown because the check itself broke."""
    block: tuple[Mapping[str, Sequence[Any]], tuple[str, ...]] = field(repr=False)
    """The same findings as the page's script reads them: what their numbers point to, and the columns, compressed."""
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Check id -> the filled-in fixes of its first few failures; not the very long ones."""
    waived: Sequence[FindingView] = ()
    """Failures that are accepted, worst first; they are not among ``findings``."""
    closed: Sequence[FindingView] = ()
    """Failures that ended since the scan before, as they were last seen: ``resolved`` and ``vanished`` ones."""
    waivers: tuple[WaiverView, ...] = ()
    attestations: tuple[AttestationView, ...] = ()
    notices: tuple[str, ...] = ()
    """What somebody should look at of both: ended, ending soon, matching nothing, not known."""
    tallies: tuple[Tally, ...] = field(default=(), repr=False)
    """Every verdict, for the machine formats; its texts are as the account gave them."""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Resource id -> name, where known; texts as the account gave them."""
