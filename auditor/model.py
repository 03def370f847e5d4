"""The nouns. Plain frozen data; what people say of them is in ``acceptance``. Field names of AWS stay AWS's in a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from auditor.acceptance import Waiver
from auditor.frozen import quick

__all__ = [
    "GLOBAL",
    "SEVERITY_WEIGHTS",
    "Certainty",
    "Coverage",
    "CoverageState",
    "DatedFact",
    "Document",
    "Evidence",
    "Finding",
    "FindingState",
    "Gap",
    "Lifecycle",
    "Price",
    "Resource",
    "Saving",
    "Scan",
    "ScanStatus",
    "Scope",
    "Score",
    "Severity",
    "Tally",
    "Verdict",
    "counted",
]

Document = Mapping[str, Any]
"""What an API said of one resource, in the API's own field names; JSON values only, timestamps as ISO 8601 UTC text."""

GLOBAL = "global"
"""The region of resource types that have none (IAM users, …)."""


class Severity(StrEnum):
    """How much a finding matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    __hash__ = str.__hash__
    """Written in C, as it is for a text: it is looked up for every finding."""

    @property
    def weight(self) -> int:
        """The severity's weight in a score (10, 5, 2, 1, 0)."""
        return SEVERITY_WEIGHTS[self]

    @property
    def rank(self) -> int:
        """0 for critical … 4 for info, to sort worst first."""
        return _RANKS[self]


SEVERITY_WEIGHTS: Mapping[Severity, int] = {
    Severity.CRITICAL: 10,
    Severity.HIGH: 5,
    Severity.MEDIUM: 2,
    Severity.LOW: 1,
    Severity.INFO: 0,
}
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Verdict(StrEnum):
    """What a check concluded about one resource."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"
    """A fact the check needed could not be read, and what was read cannot decide."""
    NOT_APPLICABLE = "not_applicable"

    __hash__ = str.__hash__


class CoverageState(StrEnum):
    """How completely a scope was read."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some pages were read, then it broke off."""
    DENIED = "denied"
    FAILED = "failed"
    NOT_OFFERED = "not_offered"
    """The service does not exist in this region or is not subscribed: there is nothing, and that is known."""

    @property
    def known(self) -> bool:
        """Whether everything there is has been read."""
        return self in (CoverageState.COMPLETE, CoverageState.NOT_OFFERED)


class Certainty(StrEnum):
    """How far an amount of money can be trusted."""

    EXACT = "exact"
    ESTIMATE = "estimate"
    UPPER_BOUND = "upper_bound"


class Scope(NamedTuple):
    """What one collector reads: a resource type in one account and region."""

    account: str
    region: str
    type: str


@quick
@dataclass(frozen=True, slots=True)
class Gap:
    """A fact that could not be read, and why: the operation (``rds:DescribeDBInstances``) and the error code."""

    operation: str
    code: str
    message: str = ""

    def __str__(self) -> str:
        """One clause for people: operation and code."""
        return f"{self.operation} answered {self.code}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How completely one scope was read in one scan."""

    scope: Scope
    state: CoverageState
    gap: Gap | None = None
    """Why, when the state is partial, denied or failed."""
    observed_at: datetime | None = None
    """The Date header of the first answer (UTC); "now" for every check of the scope."""
    resources: int = 0
    calls: int = 0
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    """Fields that could not be read of some resource of the scope, with the first reason: the list is whole, they are not."""
    from_scan: int | None = None
    """The scan that read it, where this one continues another that was cut short; ``None``: this scan read it itself."""

    @property
    def whole(self) -> bool:
        """Whether everything asked for was read: all resources, and every field of each."""
        return self.state.known and not self.gaps


@quick
@dataclass(frozen=True, slots=True)
class Resource:
    """One thing in one account, as its API described it at ``observed_at`` (UTC)."""

    type: str
    id: str
    """The ARN (for what has none, an ARN-shaped id that never changes)."""
    name: str
    account: str
    region: str
    observed_at: datetime
    document: Document
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    """Top-level fields of the document that could not be read."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """The scope this resource was read in."""
        return Scope(self.account, self.region, self.type)


@quick
@dataclass(frozen=True, slots=True)
class Price:
    """A list price in USD for one unit, and where it comes from."""

    usd: float
    unit: str
    """``hour``, ``GB-month``, ``IOPS-month``, ``MiB/s-month``, …"""
    item: str
    """What is priced, for people: ``EBS gp3 storage, eu-west-1``."""
    source: str
    """``pricing-api``, ``embedded`` or ``aws-recommendation``."""
    as_of: str
    """The price's date, ``YYYY-MM-DD`` or ``YYYY-MM``."""
    certainty: Certainty = Certainty.EXACT
    region_factor: float | None = None
    """The factor applied to the us-east-1 price where the embedded table has none of the region's own."""


@quick
@dataclass(frozen=True, slots=True)
class Saving:
    """What mending a finding saves, USD a month at list price before discounts; ``None``: not priced."""

    usd_month: float | None
    formula: str
    """How the amount is made, with its numbers: ``500 GB x 0.08 + 3000 IOPS x 0.005``."""
    certainty: Certainty = Certainty.ESTIMATE
    prices: tuple[Price, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Evidence:
    """One observed fact against the standard: a sentence without the resource's name, and the values behind it."""

    sentence: str
    facts: Document = field(default_factory=dict)
    severity: Severity | None = None
    """Overrides the check's severity where what was observed makes it worse or milder."""
    saving: Saving | None = None
    since: datetime | None = None
    """What ``{days}``, ``{hours}`` or ``{minutes}`` in the sentence counts from: the number follows from the clock, so another
    one tomorrow is no other evidence."""
    template: str = ""
    """The sentence before its number was filled in; empty where there is none."""

    def at(self, now: datetime) -> "Evidence":
        """Return the evidence with the time from ``since`` to NOW filled into its sentence."""
        if self.since is None:
            return self
        template = self.template or self.sentence
        sentence = counted(template, self.since, now)
        return Evidence(sentence, self.facts, self.severity, self.saving, self.since, template)


_UNITS = {"{days}": 86400, "{hours}": 3600, "{minutes}": 60}
"""What a sentence may count, and its length in seconds."""


def counted(template: str, since: datetime, now: datetime) -> str:
    """Return the sentence TEMPLATE with the time from SINCE to NOW in place of ``{days}``, ``{hours}`` and ``{minutes}``."""
    for unit, length in _UNITS.items():
        if unit in template:
            template = template.replace(unit, f"{(now - since).total_seconds() / length:,.0f}")
            if "{" not in template:
                break
    return template


@quick
@dataclass(frozen=True, slots=True)
class Finding:
    """One check's conclusion about one resource that is not a plain pass."""

    key: str
    """Never changes, and is no other account's: a hash of check id, resource id, sub-key and an account the ARN does not name."""
    check: str
    resource: str
    """The resource's id."""
    type: str
    name: str
    account: str
    region: str
    verdict: Verdict
    severity: Severity
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""
    """Why it is unknown or not applicable, for people."""
    gaps: tuple[Gap, ...] = ()
    """What could not be read, when the verdict is unknown (or when more could have been found)."""
    fault: bool = False
    """True when the check itself broke: our bug, not the account's."""

    @property
    def saving(self) -> Saving | None:
        """The largest saving of the evidence; an unpriced one only when none is priced."""
        savings = [evidence.saving for evidence in self.evidence if evidence.saving]
        if len(savings) == 1:
            return savings[0]
        return max(savings, key=lambda s: -1.0 if s.usd_month is None else s.usd_month, default=None)


class Lifecycle(StrEnum):
    """Where a finding stands in its life, after a scan."""

    OPENED = "opened"
    OPEN = "open"
    """Still there; ``since`` says when it was opened."""
    REOPENED = "reopened"
    RESOLVED = "resolved"
    VANISHED = "vanished"
    """Its resource is gone."""
    UNVERIFIED = "unverified"
    """It was failing and could not be judged this time: neither open nor resolved is known."""


@quick
@dataclass(frozen=True, slots=True)
class FindingState:
    """A finding and its place in time, as the store remembers it."""

    finding: Finding
    lifecycle: Lifecycle
    since: datetime
    """When it was first opened (or last reopened), UTC."""
    since_scan: int
    last_seen: datetime
    """The last scan that saw this verdict, UTC."""
    waiver: Waiver | None = None
    """By what it is accepted: it fails, and weighs nothing."""


@quick
@dataclass(frozen=True, slots=True)
class Tally:
    """What one check concluded in one account and region: every resource is in exactly one of the groups."""

    check: str
    account: str
    region: str
    type: str
    passed: tuple[str, ...] = ()
    """Ids of the resources that pass."""
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    not_applicable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Reason -> ids of the resources the check cannot concern."""
    unread: Gap | None = None
    """Set when the scope itself could not be read: then the check is unknown there, whatever the lists hold."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 0 to 100 and its letter, and the counts it is made from."""

    level: str
    """``account``, ``section``, ``group`` or ``pattern``."""
    id: str
    """The pattern's or section's id; the account id for the account."""
    value: float | None
    """``None`` when nothing passed or failed: then there is nothing to score."""
    letter: str | None
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    not_applicable: int = 0
    waived: int = 0
    """How many of the failed are waived: they are failures, and weigh nothing in ``value``."""
    strict: float | None = None
    """What ``value`` would be if nothing were waived."""


class ScanStatus(StrEnum):
    """How a scan ended, or that it has not."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """It ended, and something it was asked to read could not be read."""
    INTERRUPTED = "interrupted"
    """It was stopped, or its process died."""
    FAILED = "failed"
    PRUNED = "pruned"
    """What it read was forgotten (``auditor db prune``); its moment is kept, for what began with it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One run: what was asked, when, by which program under which standard, and how it ended."""

    id: int
    account: str
    account_name: str
    partition: str
    status: ScanStatus
    started_at: datetime
    finished_at: datetime | None
    regions: tuple[str, ...]
    """The regions asked for, without ``global``."""
    selection: Mapping[str, tuple[str, ...]]
    """What narrowed the scan (``section``, ``pattern``, ``check``, ``type``, ``severity``); empty: everything."""
    program_version: str
    standard_digest: str
    checks_digest: str
    statistics: Mapping[str, Any] = field(default_factory=dict)
    """Calls made, throttled, retried and seconds, per service."""
    types_digest: str = ""
    """A hash of how resource types are read: what was read under another one is not taken over by a later scan."""

    @property
    def tape(self) -> str:
        """The tape it was scanned from, and when that was recorded; empty: from the account itself."""
        return str(self.statistics.get("tape") or "")


@dataclass(frozen=True, slots=True)
class DatedFact:
    """Something that happened at a moment, as the evidence ledger keeps it after AWS has forgotten it."""

    kind: str
    """``failover``, ``restore``, ``drill``, ``experiment``, ``copy``, ``recovery-point``, ``key-use``, …"""
    account: str
    region: str
    type: str
    """The resource type that it was read as."""
    id: str
    """The id of the resource that it was read as."""
    about: str
    """What it happened to: an ARN where the API gives one, else a name."""
    name: str
    at: datetime
    """When it happened, UTC."""
    operation: str
    """The API operation that told it."""
    document: Document
    """What the API said of it, in its own field names."""
    once_a_day: bool = False
    """One of a resource and a day (UTC) is enough."""
    scan: int = 0
    """The scan that saw it first; 0 before it is kept."""
    seen_at: datetime | None = None
    """When that scan began, UTC."""
