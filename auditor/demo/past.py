"""Reaches into moto's own records: it dates everything now, and a four years old account must not be born today."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from moto import backends as moto_backends

__all__ = ["ACCOUNT", "ago", "backend", "set_date", "set_field"]

ACCOUNT = "123456789012"
"""The account that moto simulates."""


def backend(service: Any, region: str) -> Any:
    """Return moto's record of a service in a region (``aws`` for global services)."""
    return moto_backends.get_backend(service)[ACCOUNT][region]


def ago(now: datetime, days: float) -> datetime:
    """Return the moment DAYS before NOW, as moto keeps it: without a time zone, UTC."""
    return (now - timedelta(days=days)).replace(tzinfo=None)


def set_date(record: Any, names: Iterable[str], moment: Any) -> None:
    """Set the dates called NAMES of one of moto's records. Raises AttributeError where moto has renamed them."""
    for name in names:
        set_field(record, name, moment)


def set_field(record: Any, name: str, value: Any) -> None:
    """Set a field of one of moto's records. Raises AttributeError where moto has renamed it."""
    if not hasattr(record, name):
        raise AttributeError(f"moto's {type(record).__name__} has no {name} any more: the demo needs mending")
    setattr(record, name, value)
