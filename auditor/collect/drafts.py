"""Rows on their way to becoming resources, and the pages that hold them until all that belongs to them is read."""

from dataclasses import dataclass, field
from typing import Any

from auditor.collect.declare import Row
from auditor.model import Gap

__all__ = ["Draft", "Page"]


@dataclass(eq=False, slots=True)
class Page:
    """The rows of one answer; they go to the sink together when nothing is waited for any more."""

    drafts: list["Draft"] = field(default_factory=list)
    waiting: int = 1
    """Answers that are still to come; one more while the page is being taken in."""
    weight: int = 0
    """How many usual rows would take as much memory."""


@dataclass(eq=False, slots=True)
class Draft:
    """One row, and what was read for it so far."""

    page: Page
    row: Row
    """As declared predicates, arguments and templates see it: shaped, without details."""
    region: str
    """Where calls for this row are sent."""
    values: dict[str, Any]
    """The row and its details; a Gap is a field that could not be read."""
    metrics: dict[str, Any] | None = None
    metrics_gap: Gap | None = None
    gone: bool = False
    """It vanished between the list and a detail."""

    def complete(self) -> dict[str, Any]:
        """Return everything that was read, metrics included."""
        if self.metrics is None:
            return self.values
        unread = self.metrics_gap is not None and not self.metrics
        return {**self.values, "Metrics": self.metrics_gap if unread else self.metrics}
