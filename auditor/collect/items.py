"""What the queue holds, and what it counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.aws.answer import Answer, CallError

__all__ = ["Budget", "Item", "ServiceStatistics"]


@dataclass(slots=True)
class ServiceStatistics:
    """What one service cost."""

    calls: int = 0
    """Requests sent, retries included."""
    retried: int = 0
    throttled: int = 0
    failed: int = 0
    """Calls that ended without an answer after all retries, denied ones included."""
    seconds: float = 0.0
    """The sum of all calls' durations."""
    known: int = 0
    """Calls that were put into the queue; grows while pages and resources come in."""
    done: int = 0
    """Calls that came to an end, one way or the other."""


@dataclass(eq=False, slots=True)
class Budget:
    """The time that reading one resource type in one place may take, from its first call on."""

    what: str
    """The type and where, for people."""
    seconds: float
    started: float | None = None

    def start(self, now: float) -> None:
        """Note the first call."""
        if self.started is None:
            self.started = now

    def is_over(self, now: float) -> bool:
        """Whether nothing is left."""
        return self.started is not None and now - self.started > self.seconds


@dataclass(eq=False, slots=True)
class Item:
    """One API call in the queue; without an operation: a pause."""

    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    chain: int
    """How many calls, this one included, must still follow one another: the most go first."""
    done: Callable[[Answer | CallError], None]
    """Takes the outcome, on a worker; called exactly once."""
    broken: Callable[[Exception], None]
    """Told what ``done`` or the caller raised that is no CallError: a fault of the program."""
    expected: tuple[str, ...] = ()
    """Error codes that are an answer: neither tried again nor counted as failed."""
    attempts: int = 0
    granted: int = 0
    """How many of the tokens it needs it has."""
    finished: bool = False
    started: float = 0.0
    budget: Budget | None = None
    """The time it shares with all calls of its type and place; ``None``: only its own deadline and the scan's hold."""

    def is_late(self, now: float) -> bool:
        """Whether its type has no time left."""
        return self.budget is not None and self.budget.is_over(now)
