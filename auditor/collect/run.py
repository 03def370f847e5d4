"""Reads one account: puts the plan's calls into the queue, makes resources of the answers and hands them to the sink."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from auditor.aws.answer import Caller
from auditor.collect.plan import Plan
from auditor.model import Coverage, Resource, Scope

__all__ = ["Collected", "Progress", "ServiceStatistics", "Sink", "collect"]


class Sink(Protocol):
    """Where resources go (the store's writer). Only the thread that called ``collect`` calls it."""

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        """Take resources of a scope, each once; VOLATILE names the top-level fields that change by themselves."""

    def close(self, coverage: Coverage) -> None:
        """End a scope: nothing more comes for it."""


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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection is, for the terminal; ``known`` grows while pages and resources come in."""

    done: int
    known: int
    services: Mapping[str, tuple[int, int]]
    """Service -> calls done, calls known to come (done ones included)."""
    throttled: tuple[str, ...] = ()
    """Services that were throttled."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection came to."""

    coverage: Mapping[Scope, Coverage]
    """One for each scope of the plan."""
    services: Mapping[str, ServiceStatistics] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def statistics(self) -> Mapping[str, Any]:
        """The numbers as JSON values, for ``Scan.statistics``: ``seconds``, ``calls`` …, and ``services`` by name."""
        raise NotImplementedError


def collect(
    plan: Plan,
    caller: Caller,
    sink: Sink,
    *,
    threads: int = 32,
    deadline_seconds: float = 3 * 3600.0,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Collected:
    """Read everything in PLAN through CALLER into SINK and return how completely.

    Never raises for what AWS answers: that is coverage. Whatever the sink raises ends the collection and is raised.
    STOP ends it within two seconds, DEADLINE_SECONDS when they are over; what was not finished then is partial or failed
    with the code ``Interrupted`` or ``DeadlineExceeded``.
    """
    raise NotImplementedError
