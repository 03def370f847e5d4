"""The numbers of "RPO", and what is said of a point that is too old."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rpo:
    """The numbers of "RPO"."""

    rpo_minutes: int
    redshift_grace_minutes: int
    new_resource_grace_hours: int
    unattached_max_days: int
    data_class_tag_key: str
    excluded_data_classes: tuple[str, ...]
    excluded_bucket_classes: tuple[str, ...]
    rebuildable_tag: str
    primary_cache_tag: str


def minutes_between(point: datetime, now: datetime) -> float:
    """Return how many minutes POINT lies before NOW."""
    return (now - point).total_seconds() / 60


def too_old(point: datetime | None, minutes: str, want: Rpo) -> str:
    """Return what is wrong with a newest POINT that is so many MINUTES old."""
    if point is None:
        return "has no recovery point at all"
    return f"its newest recovery point is {minutes} minutes old, {want.rpo_minutes} allowed"
