"""What the store hands out that is not a noun of the audit itself: plain frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

__all__ = ["CachedPrice", "ResourceChanges", "ResourceRef"]


class ResourceRef(NamedTuple):
    """A resource without its document."""

    type: str
    region: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ResourceChanges:
    """What a scan found different in the inventory since the scan before it; ``len()`` of each is the count.

    Fields that change by themselves are no change. Nothing is gone from a scope that was not read completely.
    """

    added: tuple[ResourceRef, ...] = ()
    """Seen for the first time, or again after it was gone."""
    changed: tuple[ResourceRef, ...] = ()
    gone: tuple[ResourceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class CachedPrice:
    """A price answer kept in the store."""

    key: str
    body: Mapping[str, Any]
    """What ``save_price`` was given: JSON values."""
    fetched_at: datetime
    """When it was asked for, UTC."""
    published: str
    """AWS's publication date as the answer gave it; empty when it gave none."""
