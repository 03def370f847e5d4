"""How an account goes from night to night, and how long what fails stays so: the nouns, and what is counted from them."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from auditor.model import Lifecycle, Scan, Severity

__all__ = ["Life", "Night", "Repairs", "Turn", "repairs"]


@dataclass(frozen=True, slots=True)
class Night:
    """One judged scan in a row of them."""

    scan: Scan
    score: float | None
    """The account's, 0 to 100; ``None``: nothing to score."""
    letter: str | None
    sections: Mapping[str, float | None]
    """Section id -> score."""
    severities: Mapping[Severity, int]
    """Failing findings of the tallies the scan judged, without waived ones; all five keys."""
    waived: int
    """Failing findings that were accepted."""
    unverified: int
    """Findings that were failing and could not be judged."""
    savings: float | None
    """USD a month: per resource the largest saving, never the sum, without waived findings and commitments; ``None``: cost
    was not judged."""
    scopes: int
    """Resource types times regions that were asked for."""
    known: int
    """Those that were read whole, every field of each."""
    differences: tuple[str, ...] = ()
    """In words, what was asked otherwise than in the newest night; nothing: the scores compare."""

    @property
    def coverage(self) -> float | None:
        """How much of what was asked for was read, 0 to 100; ``None`` when nothing was asked."""
        return 100 * self.known / self.scopes if self.scopes else None

    @property
    def open(self) -> int:
        """All failing findings, waived ones among them."""
        return sum(self.severities.values()) + self.waived


class Turn(NamedTuple):
    """One turn in a finding's life."""

    at: datetime
    """When the scan began that saw it."""
    scan: int
    what: Lifecycle
    """``OPEN``: it was unverified, and fails still."""


class Life(NamedTuple):
    """A time in which one finding failed, from being opened (or reopened) to its end or until now."""

    severity: Severity
    opened: datetime
    ended: datetime | None
    """The first scan that saw it mended or gone; ``None``: it stands."""
    how: Lifecycle
    """Resolved, vanished, open or unverified."""
    sure: bool
    """Whether the scan before its end saw it fail. If not it was unverified then, and may have been mended earlier."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """Ages of what fails, and times to repair, of one severity. Days, with fractions; ``None``: there is none to count."""

    severity: Severity
    open: int
    age_median: float | None
    age_90: float | None
    """Nine of ten are younger, or as old."""
    unverified: int
    """Could not be judged last time: neither their age nor their repair is known, so they are in no other number."""
    repaired: int
    repair_median: float | None
    repair_90: float | None
    at_most: int
    """How many of the repaired were unverified before they were seen mended: they took so long at most."""
    vanished: int
    """Ended because the resource is gone: no repair, and in no other number."""


def repairs(lives: Iterable[Life], now: datetime) -> tuple[Repairs, ...]:
    """Return the statistics of LIVES by severity, worst first, all five. NOW is the moment ages are counted to."""
    held: dict[Severity, list[Life]] = {severity: [] for severity in Severity}
    for life in lives:
        held[life.severity].append(life)
    return tuple(_of(severity, found, now) for severity, found in held.items())


def _of(severity: Severity, lives: Sequence[Life], now: datetime) -> Repairs:
    ages = sorted(_days(now - life.opened) for life in lives if life.how is Lifecycle.OPEN)
    mended = [life for life in lives if life.how is Lifecycle.RESOLVED]
    times = sorted(_days(life.ended - life.opened) for life in mended if life.ended)
    return Repairs(
        severity=severity,
        open=len(ages),
        age_median=_median(ages),
        age_90=_percentile(ages, 0.9),
        unverified=sum(life.how is Lifecycle.UNVERIFIED for life in lives),
        repaired=len(mended),
        repair_median=_median(times),
        repair_90=_percentile(times, 0.9),
        at_most=sum(not life.sure for life in mended),
        vanished=sum(life.how is Lifecycle.VANISHED for life in lives),
    )


def _days(length: timedelta) -> float:
    # A clock that jumped back makes nothing younger than new.
    return max(0.0, length.total_seconds() / 86400)


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 2) if values else None


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest of the ORDERED values that at least SHARE of them do not exceed (nearest rank)."""
    return round(ordered[math.ceil(share * len(ordered)) - 1], 2) if ordered else None
