"""How the standard stands: its chapters and bullets, the checks that measure them, and the worst risks."""

from dataclasses import dataclass
from enum import StrEnum

from auditor.model import Severity
from auditor.report.view.finding import SameView

__all__ = ["BulletView", "CheckView", "Counts", "GroupView", "RiskView", "SectionView", "Standing"]


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
