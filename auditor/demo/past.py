"""Ages for the demo's resources: moto dates everything now, so its own records are moved into the past."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from moto import backends as moto_backends

__all__ = ["ago", "backend", "set_date"]

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
        if not hasattr(record, name):
            raise AttributeError(f"moto's {type(record).__name__} has no {name} any more: the demo's ages need mending")
        setattr(record, name, moment)
