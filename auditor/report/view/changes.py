"""What is different since the scan before, and the nights in a row."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.drift import Cause
from auditor.model import Lifecycle, Severity
from auditor.report.view.finding import DateText, FindingView

__all__ = ["ChangesView", "NightView", "ResourceChangeView"]


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
