"""How completely the account was read, and what is blind for what could not be."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.model import CoverageState

__all__ = ["CoverageView", "GapView", "ScopeRow", "TakenView"]


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
