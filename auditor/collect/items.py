"""What the queue holds, and what it counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.aws.answer import Answer, CallError

__all__ = ["Item", "ServiceStatistics"]


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
    granted: bool = False
    finished: bool = False
    started: float = 0.0
