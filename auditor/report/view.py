"""What every format renders: one frozen view of a scan, in words and numbers, clean of control characters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from auditor.drift import Cause
from auditor.model import Certainty, CoverageState, FindingState, Lifecycle, Saving, Severity, Tally, Verdict
from auditor.report.spending import SpendingView
from auditor.report.text import visible

__all__ = [
    "AttestationView",
    "BulletView",
    "ChangesView",
    "CheckView",
    "Counts",
    "CoverageView",
    "EvidenceView",
    "FindingView",
    "GapView",
    "GroupView",
    "MoneyItem",
    "MoneyShare",
    "MoneyView",
    "NightView",
    "PriceView",
    "ReportView",
    "ResourceChangeView",
    "RiskView",
    "SameView",
    "ScopeRow",
    "SectionView",
    "Standing",
    "WaiverView",
    "Way",
]

DateText = str
"""``2026-06-15 03:00 UTC``."""

IsoText = str
"""``2026-06-15T03:00:00+00:00``; empty where there is none."""


class Standing(StrEnum):
    """How a bullet of the standard stands."""

    BROKEN = "does not hold"
    UNREAD = "could not be read"
    HOLDS = "holds"
    EMPTY = "nothing to judge"
    UNJUDGED = "not judged"
    """No check measures it yet, or the scan left its checks out."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Verdicts, counted."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    not_applicable: int = 0
    waived: int = 0
    """How many of the failed are waived."""

    @property
    def judged(self) -> int:
        """Those a score is made from."""
        return self.passed + self.failed


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check's page and what it concluded in this scan."""

    id: str
    title: str
    why: str
    fix: str
    """In words."""
    source: str
    severity: Severity
    types: tuple[str, ...]
    patterns: tuple[str, ...]
    """Ids of the bullets it serves."""
    command: str
    """The fix as a command, names not filled in; may be empty."""
    terraform: str
    same_as: tuple[str, ...]
    counts: Counts
    ran: bool
    """Whether it was part of this scan."""


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One observed fact: the sentence and its values."""

    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    """Field -> value as text."""


@dataclass(frozen=True, slots=True)
class WaiverView:
    """An accepted finding's waiver: who, why, until when, and where it is written."""

    subject: str
    """The check's or the pattern's id."""
    scope: str
    """Where it holds, in words; empty: everywhere."""
    reason: str
    owner: str
    ticket: str
    until: str
    """``2026-12-31``: the last day."""
    source: str
    state: str = "active"
    """``active``, ``ending``, ``expired``, ``unused``, ``unknown`` or ``unread``."""
    findings: int = 0
    """Findings it waives in this scan; of an expired one, those it would waive."""

    @property
    def words(self) -> str:
        """How it stands, in a few words."""
        return _WAIVING.get(self.state, self.state)


_WAIVING = {
    "active": "holds",
    "ending": "holds, and ends soon",
    "expired": "has ended",
    "unused": "matches nothing",
    "unknown": "names nothing that is known",
    "unread": "what it is about was not read",
}


@dataclass(frozen=True, slots=True)
class AttestationView:
    """What a person states where no API can show it."""

    subject: str
    """The check's or the pattern's id."""
    scope: str
    statement: str
    author: str
    given: str
    until: str
    evidence: str
    sha256: str
    source: str
    fault: str
    """Why it proves nothing; empty when it holds."""
    verdicts: tuple[tuple[str, str], ...]
    """Check and resource of each verdict that was given by it."""


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn in a finding's life."""

    at: IsoText
    scan: int
    what: Lifecycle
    """``open``: it was unverified, and fails still."""

    @property
    def words(self) -> str:
        """The turn in a few words: ``2026-01-15 reopened``."""
        return f"{self.at[:10]} {_TURNS.get(self.what, self.what)}"


_TURNS = {Lifecycle.OPEN: "fails still", Lifecycle.VANISHED: "gone", Lifecycle.UNVERIFIED: "could not be judged"}


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding that fails or is unknown, with everything a reader needs to act."""

    key: str
    check: str
    """The check's id; its title, why and Terraform attribute are in ``ReportView.checks``."""
    verdict: Verdict
    severity: Severity
    section: str
    """Id of the section of the check's first bullet."""
    resource: str
    name: str
    type: str
    region: str
    account: str
    evidence: tuple[EvidenceView, ...]
    reason: str
    """Why it is unknown, or what could not be read beside what fails."""
    gaps: tuple[str, ...]
    """``operation answered code``, for each."""
    command: str
    """The fix with the resource's own names filled in and quoted for a shell."""
    console: str
    """A page of AWS's console, or empty."""
    since: IsoText
    since_scan: int
    lifecycle: Lifecycle
    last_seen: IsoText
    usd_month: float | None
    """What mending it saves; ``None``: nothing, or not priced."""
    fault: bool
    tags: Mapping[str, str]
    waiver: WaiverView | None = None
    """By what it is accepted."""
    history: tuple[TurnView, ...] = ()
    """Its last turns, oldest first; nothing where it was opened once and has failed since."""

    @property
    def day(self) -> str:
        """The date it was first seen."""
        return self.since[:10]

    @property
    def sentence(self) -> str:
        """The first evidence's sentence, or the reason."""
        return self.evidence[0].sentence if self.evidence else self.reason


@dataclass(frozen=True, slots=True)
class SameView:
    """Failures of one check that read the same, said once."""

    check: str
    severity: Severity
    sentence: str
    type: str
    names: tuple[str, ...]
    """Some of the resources."""
    count: int
    """Of all of them."""
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BulletView:
    """One bullet of the standard."""

    id: str
    name: str
    statement: str
    standing: Standing
    note: str
    """The standing in a clause: ``14 of 120 fail``."""
    score: float | None
    letter: str | None
    delta: float | None
    """Against the previous scan; ``None`` where the two do not compare."""
    trend: tuple[float | None, ...]
    """Its score on each of the report's nights, oldest first; empty: on none of them it had one."""
    counts: Counts
    checks: tuple[str, ...]
    """Ids of the checks that measure it."""
    worst: tuple["SameView", ...]
    """Its evidence: its failures, worst first, those that read the same together; a few."""
    thresholds: tuple[tuple[str, str], ...]
    """Name -> value, as text."""


@dataclass(frozen=True, slots=True)
class GroupView:
    """A sub-chapter of the standard."""

    id: str
    name: str
    score: float | None
    letter: str | None
    bullets: tuple[BulletView, ...]


@dataclass(frozen=True, slots=True)
class SectionView:
    """A chapter of the standard."""

    id: str
    name: str
    score: float | None
    letter: str | None
    delta: float | None
    """Against the previous scan; ``None`` where the two do not compare."""
    strict: float | None
    """The score if nothing were waived."""
    counts: Counts
    groups: tuple[GroupView, ...]

    @property
    def bullets(self) -> tuple[BulletView, ...]:
        """All bullets of its groups."""
        return tuple(bullet for group in self.groups for bullet in group.bullets)


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """How one service was read, over all regions asked."""

    service: str
    """``EC2``."""
    states: Mapping[CoverageState, int]
    """State -> scopes (resource type and region)."""
    resources: int

    @property
    def quiet(self) -> bool:
        """Whether everything was read and there is nothing."""
        return not self.resources and all(state.known for state in self.states)


@dataclass(frozen=True, slots=True)
class GapView:
    """One thing that could not be read: an operation and the error it met, and all that is blind for it."""

    operation: str
    code: str
    message: str
    action: str
    """The IAM action that opens it, where a permission is what lacks; else empty."""
    advice: str
    """What to do, in a sentence."""
    scopes: int
    """Scopes that were not read completely for it."""
    findings: int
    """Verdicts about single resources that are unknown for it."""
    states: tuple[CoverageState, ...]
    types: tuple[str, ...]
    regions: tuple[str, ...]
    checks: tuple[str, ...]
    """Ids of the checks that are blind for it, wholly or partly."""
    patterns: tuple[str, ...]
    """Ids of the standard's bullets that those checks measure."""
    resources: tuple[str, ...]
    """Names of some of the resources whose verdict is unknown for it."""


@dataclass(frozen=True, slots=True)
class TakenView:
    """What another scan, which was cut short, had read and this one did not read again."""

    scan: int
    scopes: int
    oldest: str
    """When the oldest of it was observed, ``2026-06-15 03:00 UTC``; empty: not known."""


@dataclass(frozen=True, slots=True)
class CoverageView:
    """How completely the account was read."""

    asked: int
    """Scopes: resource types times regions."""
    states: Mapping[CoverageState, int]
    """State -> scopes; one of whose resources some field could not be read counts as partial."""
    resources: int
    """What the account has; not what AWS offers there."""
    services: tuple[ScopeRow, ...]
    gaps: tuple[GapView, ...]
    """Most blinding first."""
    taken: tuple[TakenView, ...] = ()
    """Where this scan continues others: what it took over, by scan."""

    @property
    def known(self) -> int:
        """Scopes of which everything is known: all resources, and every field of each."""
        return sum(count for state, count in self.states.items() if state.known)

    @property
    def unread(self) -> int:
        """Scopes that could not be read, or not completely."""
        return self.asked - self.known

    @property
    def percent(self) -> float | None:
        """Share of the scopes asked for that is known, 0 to 100; ``None`` when nothing was asked."""
        return 100 * self.known / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class ResourceChangeView:
    """A resource that is new, gone, or not as it was."""

    kind: str
    """``added``, ``changed`` or ``gone``."""
    type: str
    name: str
    region: str
    resource: str
    fields: tuple[str, ...] = ()
    """What changed, each in a line: ``Tags[Key=env].Value: test to production``; a few."""
    more: int = 0
    """Fields beyond those."""


@dataclass(frozen=True, slots=True)
class NightView:
    """One night in a row of them."""

    scan: int
    day: str
    """``2026-06-15``."""
    comparable: bool
    """Whether it was asked the same as the last one: else the scores do not compare."""
    score: float | None
    letter: str | None
    sections: Mapping[str, float | None]
    severities: Mapping[Severity, int]
    """Failing findings that are not waived; all five keys."""
    unverified: int
    savings: float | None
    """USD a month, counted as the report's total is; none where cost was not judged."""
    coverage: float | None
    """Per cent of the scopes asked for."""
    waived: int = 0
    """Failing findings that are accepted."""


@dataclass(frozen=True, slots=True)
class ChangesView:
    """What is different since the scan before."""

    first: bool
    """There is no scan before."""
    previous: int
    """The previous scan's number; 0 without one."""
    previous_at: DateText
    comparable: bool
    """Whether the two scores mean the same."""
    why_not: tuple[str, ...]
    """In words, what is different between the two scans' questions."""
    delta: float | None
    """Of the account's score, when comparable."""
    previous_score: float | None
    counts: Mapping[Lifecycle, int]
    """Of failing findings: opened, reopened, resolved, vanished, unverified."""
    items: Mapping[Lifecycle, tuple[FindingView, ...]]
    """Some of each, worst first."""
    resources: tuple[int, int, int] | None
    """Added, changed, gone; ``None``: not known."""
    drift: tuple[ResourceChangeView, ...] = ()
    """Some of each, added first."""
    incomparable: int = 0
    """Scopes that one of the two did not read whole: nothing of them is new or gone."""
    newly: tuple[str, ...] = ()
    """Fields that another version of the program reads, in words: no resource changed by that."""
    not_by_account: Mapping[Cause, int] = field(default_factory=dict)
    """How many findings turned for another reason than a changed account."""


@dataclass(frozen=True, slots=True)
class RiskView:
    """One line of the top risks: a check that fails, and where worst."""

    check: str
    severity: Severity
    """Of the worst of its failures."""
    count: int
    worst: int
    """How many of its failures have that severity; the others are milder."""
    regions: tuple[str, ...]
    same: tuple[SameView, ...]
    """Its failures, worst first, those that read the same together; a few."""
    new: int
    """How many of them were opened or reopened by this scan."""


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price an amount stands on."""

    item: str
    usd: float
    unit: str
    source: str
    as_of: str
    certainty: Certainty
    factor: float | None = None


class Way(StrEnum):
    """The way in which a saving is made."""

    WASTE = "waste removal"
    """What nobody uses is deleted."""
    RIGHT_SIZING = "right-sizing"
    """What is used is made smaller, newer or bought by another model, as Spot."""
    COMMITMENTS = "commitments"
    """What stays is promised for a year or three: Reserved Instances and Savings Plans."""
    OTHER = "other"


class MoneyItem(NamedTuple):
    """What mending one finding saves. There may be very many: what only a shown one needs is made when it is read."""

    state: FindingState
    """The finding; its texts are as the account gave them."""
    saving: Saving
    place: int
    """Number of the evidence the saving belongs to."""
    usd_month: float | None
    """``None``: not priced."""
    bullet: str
    """The bullet of the standard it serves: ``Automated cleanup``."""
    category: str
    """The sub-chapter of the standard: ``Resource Cleanup``."""
    way: Way
    counted: bool
    """False where another finding of the same resource saves more, and for commitments: then it is not added up."""
    views: Callable[[FindingState], FindingView]
    """Makes the view of a finding."""

    @property
    def finding(self) -> FindingView:
        """The finding, as readers see it."""
        return self.views(self.state)

    @property
    def evidence(self) -> EvidenceView:
        """What the amount stands on."""
        return self.finding.evidence[self.place]

    @property
    def others(self) -> tuple[EvidenceView, ...]:
        """What else the finding stands on."""
        evidence = self.finding.evidence
        return evidence[: self.place] + evidence[self.place + 1 :]

    @property
    def certainty(self) -> Certainty:
        """Of the amount."""
        return self.saving.certainty

    @property
    def formula(self) -> str:
        """How the amount is made of the prices."""
        return visible(self.saving.formula)

    @property
    def prices(self) -> tuple[PriceView, ...]:
        """What the amount stands on."""
        return tuple(
            PriceView(
                item=visible(price.item),
                usd=price.usd,
                unit=visible(price.unit),
                source=visible(price.source),
                as_of=visible(price.as_of),
                certainty=price.certainty,
                factor=price.region_factor,
            )
            for price in self.saving.prices
        )

    @property
    def last_use(self) -> str:
        """When the resource was last used: a date, or words where the evidence has only those; empty: it does not say."""
        facts = self.state.finding.evidence[self.place].facts
        name = next((name for name in _LAST_USE if name in facts), "")
        said = dict(self.evidence.facts)[name] if name else ""
        try:
            return datetime.fromisoformat(said).date().isoformat()
        except ValueError:
            return said


_LAST_USE = ("last_used", "last_used_at", "stopped_at", "unattached_since")
"""Facts by which checks say when a resource was last used."""


@dataclass(frozen=True, slots=True)
class MoneyShare:
    """A part of the total: a way, a bullet, a category, a service, a region, an account, a tag's value."""

    name: str
    usd_month: float
    items: int


@dataclass(frozen=True, slots=True)
class MoneyView:
    """What can be saved a month, at list price before discounts."""

    total: float
    """USD a month: per resource the largest saving, never the sum; without commitments."""
    by_certainty: Mapping[Certainty, float]
    items: tuple[MoneyItem, ...]
    """Priced ones, largest first."""
    unpriced: tuple[MoneyItem, ...]
    by_bullet: tuple[MoneyShare, ...]
    by_category: tuple[MoneyShare, ...]
    by_service: tuple[MoneyShare, ...]
    by_region: tuple[MoneyShare, ...]
    by_account: tuple[MoneyShare, ...]
    by_environment: tuple[MoneyShare, ...]
    """By the value of the tag ``environment``, ``env`` or ``stage``; without one: ``not tagged``."""
    by_owner: tuple[MoneyShare, ...]
    """By the value of the tag ``owner``, ``team`` or ``contact``; without one: ``not tagged``."""
    by_way: tuple[MoneyShare, ...]
    """Waste removal, right-sizing, commitments: always these three, ``other`` where there is any. All but commitments make the
    total; commitments are bought for what stays, so theirs is what could be saved if nothing else were done."""
    oldest_price: str
    """Date of the oldest price used; empty without any."""
    stale: bool
    """The oldest price is older than 365 days at the time of the scan."""


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
