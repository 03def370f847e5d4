"""Dates as the inventory keeps them: ISO 8601 text in UTC, read into aware datetimes."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["DAYS", "HOURS", "MINUTES", "NOW", "ago", "hours_between", "iso", "parse_duration", "parse_time"]

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
"""The moment at which the cases beside a check are observed."""

DAYS, HOURS, MINUTES = "{days}", "{hours}", "{minutes}"
"""Stand in the sentence of an Evidence for the time from its ``since`` to the observation. What follows from the clock is filled
in when the sentence is read, so that a finding is not another one each night."""


@lru_cache(maxsize=8192)
def parse_time(text: str) -> datetime:
    """Return the aware UTC datetime of TEXT (ISO 8601; without an offset it is UTC). Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:  # as the inventory writes them
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """Return MOMENT as the inventory writes it: ``2026-06-15T03:00:00+00:00``, to the microsecond where it has any."""
    return moment.astimezone(UTC).isoformat()


def ago(days: float = 0, hours: float = 0, minutes: float = 0) -> str:
    """Return the date that lies so far before the moment the cases are observed, as the inventory writes it."""
    return iso(NOW - timedelta(days=days, hours=hours, minutes=minutes))


def hours_between(earlier: datetime, later: datetime) -> float:
    """Return the hours from EARLIER to LATER."""
    return (later - earlier).total_seconds() / 3600


_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Return the length of an ISO 8601 duration in days and smaller units: ``P1DT2H``, ``PT5M``. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise ValueError(f"{text!r} is no duration in days, hours, minutes and seconds")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
