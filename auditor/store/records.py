"""What the store hands out that is not a noun of the audit itself: plain frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["CachedPrice"]


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
