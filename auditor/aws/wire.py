"""Turns what AWS sends into JSON values: timestamps into ISO 8601 UTC text, blobs into text."""

import base64
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from botocore.utils import parse_timestamp

__all__ = ["blob_text", "header_date", "utc_text"]

_PLAIN = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$", re.ASCII)
_APART = timedelta(days=2)


def utc_text(value: object) -> str:
    """Return a timestamp in any of AWS's forms (ISO 8601, RFC 822, seconds since 1970) as ``2026-06-15T03:00:00+00:00``.

    Fractions of a second are kept, in six digits. Raises ValueError for what is no timestamp.
    """
    if isinstance(value, str):
        plain = _PLAIN.match(value)
        if plain:  # the usual form; parsing and printing it again would cost thirty times as much
            fraction = (plain[2] or "").ljust(6, "0")
            return f"{plain[1]}+00:00" if fraction == "000000" else f"{plain[1]}.{fraction}+00:00"
    return _cached(value) if isinstance(value, int | float) else _parsed(value)


def _parsed(value: object) -> str:
    moment = parse_timestamp(value)  # type: ignore[arg-type]  # numbers are fine
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat()


# The metrics of an answer have the same moments, hundreds of them, as seconds since 1970.
_cached = lru_cache(maxsize=4096)(_parsed)


def blob_text(value: str | bytes) -> str:
    """Return a blob as text: what it encodes when that is UTF-8, else the base64 as it came."""
    raw = value if isinstance(value, bytes) else base64.b64decode(value)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode()


def header_date(value: str | None) -> datetime:
    """Return a Date header as an aware UTC datetime; this machine's time when there is none or it cannot be AWS's.

    A request has to reach AWS within minutes of when it was signed (IAM User Guide, "Elements of an AWS API request signature"):
    a date that is days away is of something on the way.
    """
    now = datetime.now(UTC)
    try:
        date = parsedate_to_datetime(value or "").astimezone(UTC)
    except (ValueError, OverflowError):  # near the year 1 or 9999
        return now
    return date if abs(date - now) < _APART else now
