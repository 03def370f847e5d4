"""What a report is made from: the nouns of one scan, as the caller read them from wherever they are kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from auditor.acceptance import NOTHING_ACCEPTED, Accepted
from auditor.drift import Cause, Drift
from auditor.kit import Check
from auditor.model import Coverage, FindingState, Resource, Scan, Scope, Score, Tally
from auditor.standard import Standard
from auditor.trend import Night, Turn

__all__ = ["NOTHING_KNOWN", "Batches", "Known", "Names", "Permission", "Previous", "ReportInputs"]


@dataclass(frozen=True, slots=True)
class Previous:
    """The scan before this one, and what it scored."""

    scan: Scan
    scores: Sequence[Score] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a resource beside its findings."""

    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Top-level fields of its document that a fix names (see ``fix_fields``); more does no harm."""


NOTHING_KNOWN = Known()


class Names(Mapping[str, str]):
    """Resource id -> name, of those that are known."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        self._known = known

    def __getitem__(self, id: str) -> str:
        return self._known[id].name

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@dataclass(frozen=True, slots=True)
class Permission:
    """Which IAM action opens an operation, and what is blind without it."""

    action: str
    """``elasticloadbalancing:DescribeLoadBalancers``."""
    types: tuple[str, ...] = ()
    """Resource types that are read with it."""
    checks: tuple[str, ...] = ()
    """Ids of the checks that need it."""


class Batches(Protocol):
    """Findings that lie elsewhere and are read a batch at a time, as often as it is asked for."""

    def __call__(self, checks: Sequence[str]) -> Iterable[Sequence[FindingState]]:
        """Return them with failures first, worst first, then in the order of CHECKS (ids) and by region.

        Findings that are alike in all four are in one batch, in any order.
        """


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Everything a report says, before it is put into words. Only the first seven must be given."""

    scan: Scan
    standard: Standard
    checks: Mapping[str, Check]
    """All checks the scan knew, by id."""
    coverage: Iterable[Coverage]
    """One for every scope that was asked for."""
    states: Sequence[FindingState] | Batches
    """The findings of this scan: what fails, and what is unknown."""
    tallies: Sequence[Tally]
    """Every verdict of this scan."""
    scores: Sequence[Score]
    previous: Previous | None = None
    """``None``: this is the first scan of the account."""
    changes: Sequence[FindingState] | None = ()
    """What is different since the previous scan: opened, reopened, resolved, vanished, unverified; ``None``: all that fails
    was opened by this scan."""
    causes: Mapping[str, Cause] = field(default_factory=dict)
    """Key of a finding that turned -> what made it turn; one that is not here was turned by the account."""
    histories: Mapping[str, Sequence[Turn]] = field(default_factory=dict)
    """Key of a finding that turned more than once -> its turns up to this scan, oldest first."""
    drift: Drift | None = None
    """What differs in the inventory since the previous scan; ``None``: not known (the first scan)."""
    nights: Sequence[Night] = ()
    """The last nights up to this scan, oldest first."""
    bullets: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    """Bullet's id -> its score on each of those nights; ``None``: it had none."""
    resources: Mapping[str, Known] = field(default_factory=dict)
    """Resource id -> what else is known; needed for those with findings only."""
    offerings: Mapping[Scope, int] = field(default_factory=dict)
    """How many of a scope's resources are what AWS offers (instance types, zones, …) and not what the account has."""
    accepted: Accepted = NOTHING_ACCEPTED
    """What people said of the scan; which findings are waived stands with the states."""
    spending: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    """Budgets, anomalies and commitments as they were read, by type (see ``SPENDING_TYPES``)."""
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    """Operation (``elbv2:DescribeLoadBalancers``, as in a Gap) -> what opens it."""
