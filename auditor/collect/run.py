"""Reads one account: puts the plan's calls into the queue, makes resources of the answers and hands them to the sink."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from auditor.aws.answer import Caller, CallError, Fault
from auditor.aws.limits import Limiter
from auditor.collect.context import Context, Sink
from auditor.collect.garbage import seldom_collected
from auditor.collect.generators import Lists, Stepper
from auditor.collect.items import ServiceStatistics
from auditor.collect.listing import Subscription
from auditor.collect.plan import Plan
from auditor.collect.queue import CallQueue
from auditor.collect.scope import ScopeRun
from auditor.model import Coverage, Gap, Scope

__all__ = ["TYPE_SECONDS", "Collected", "Progress", "ServiceStatistics", "Sink", "collect"]

logger = logging.getLogger(__name__)

MOST_ROWS_IN_MEMORY = 1_500
TYPE_SECONDS = 90 * 60.0
SLOW_SECONDS = 2.0
"""A service whose calls take so long is named while it is read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection is, for the terminal; ``known`` grows while pages and resources come in."""

    done: int
    known: int
    services: Mapping[str, tuple[int, int]]
    """Service -> calls done, calls known to come (done ones included)."""
    throttled: tuple[str, ...] = ()
    """Services that were throttled."""
    slow: Mapping[str, float] = field(default_factory=dict)
    """Services whose calls take long -> seconds: of one on average, or of the longest that is under way, whichever is more."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection came to."""

    coverage: Mapping[Scope, Coverage]
    """One for each scope of the plan."""
    services: Mapping[str, ServiceStatistics] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False
    """Whether it was stopped before everything was read."""
    ended: str = ""
    """The code with which it ended early (``Interrupted``, ``DeadlineExceeded``, ``ExpiredToken``); empty: it did not."""

    @property
    def statistics(self) -> Mapping[str, Any]:
        """The numbers as JSON values, for ``Scan.statistics``: ``seconds``, ``calls`` …, and ``services`` by name."""
        services = {
            name: {key: round(value, 3) for key, value in asdict(numbers).items() if key not in ("known", "done")}
            for name, numbers in sorted(self.services.items())
        }
        totals = {
            key: sum(service[key] for service in services.values())
            for key in ("calls", "retried", "throttled", "failed")
        }
        ended = {"ended": self.ended} if self.ended else {}
        return {"seconds": round(self.seconds, 3), **totals, **ended, "services": services}


def collect(
    plan: Plan,
    caller: Caller,
    sink: Sink,
    *,
    threads: int = 32,
    deadline_seconds: float = 3 * 3600.0,
    type_seconds: float = TYPE_SECONDS,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    limiter: Limiter | None = None,
    most_rows: int = MOST_ROWS_IN_MEMORY,
) -> Collected:
    """Read everything in PLAN through CALLER into SINK and return how completely.

    Never raises for what AWS answers: that is coverage. Whatever the sink raises ends the collection and is raised.
    STOP ends it within two seconds, DEADLINE_SECONDS when they are over; what was not finished then is partial or failed
    with the code ``Interrupted`` or ``DeadlineExceeded``. A type that takes longer than TYPE_SECONDS in one region, from
    its first call on, is cut off there with the code ``TypeDeadlineExceeded``. LIMITER says how fast calls are made, how
    often they are tried again, and what a second is; with more than MOST_ROWS in memory lists wait for the rows before.
    """
    limiter = limiter or Limiter()
    clock = limiter.clock
    queue = CallQueue(caller, threads=threads, limiter=limiter)
    context = Context(plan, queue, sink, most_rows, type_seconds)
    began = clock()
    scopes = _begin(context)

    def tick() -> CallError | None:
        if on_progress is not None:
            on_progress(_progress(queue))
        if stop is not None and stop.is_set():
            return CallError(Fault.INTERRUPTED, "Interrupted", "the scan was stopped")
        if clock() - began > deadline_seconds:
            return CallError(Fault.DEADLINE, "DeadlineExceeded", f"the scan took longer than {deadline_seconds:.0f} s")
        return None

    with seldom_collected():
        queue.run(tick, context.idle)
    context.release()
    queue.drain()
    for scope in scopes:
        if scope.scope not in context.coverage:
            logger.error("%s was never closed", scope.scope)
            scope.give_up(Gap(scope.type.type, "Unfinished", "a fault of the auditor: the scope was never closed"))
    queue.drain()
    if on_progress is not None:
        on_progress(_progress(queue))
    _log_calls(queue.statistics)
    end = queue.ended
    if end is not None:
        logger.warning("reading ended early, what was read is kept: %s", end)
    interrupted = end is not None and end.fault is Fault.INTERRUPTED
    return Collected(
        context.coverage, dict(queue.statistics), clock() - began, interrupted, end.code if end is not None else ""
    )


def _begin(context: Context) -> list[ScopeRun]:
    """Start every scope of the plan: its lists, its code, or its waiting for its parent."""
    plan, lists = context.plan, Lists(context)
    scopes = {scope: ScopeRun(context, plan.types[scope.type], scope) for scope in plan.scopes}
    steppers = []
    for scope, run in scopes.items():
        if run.type.parent:
            scopes[Scope(scope.account, scope.region, run.type.parent)].children.append(run)
            continue
        for call in run.type.lists:
            lists.get(call, run.asked_in).subscribe(Subscription(run, call))
        if run.type.collect is not None:
            steppers.append(Stepper(context, run, lists))
    lists.start()
    for stepper in steppers:
        stepper.start()
    for run in scopes.values():
        if not run.type.parent:
            run.leave()
    return list(scopes.values())


def _log_calls(statistics: Mapping[str, ServiceStatistics]) -> None:
    """Log how many calls were made, and how many of them were throttled, tried again or failed: in all and per service."""
    said = [f"{name} {_counts(numbers)}" for name, numbers in sorted(statistics.items()) if numbers.calls]
    total = ServiceStatistics(
        **{name: sum(getattr(numbers, name) for numbers in statistics.values()) for name in _COUNTED}
    )
    logger.info("calls: %s%s", _counts(total, every=True), f" ({'; '.join(said)})" if said else "")


_COUNTED = ("calls", "throttled", "retried", "failed")


def _counts(numbers: ServiceStatistics, *, every: bool = False) -> str:
    words = (f"{getattr(numbers, name)} {'made' if name == 'calls' else name}" for name in _COUNTED)
    return ", ".join(word for word in words if every or not word.startswith("0 "))


def _progress(queue: CallQueue) -> Progress:
    statistics = dict(queue.statistics)
    services = {name: (numbers.done, numbers.known) for name, numbers in statistics.items()}
    seconds = {name: numbers.seconds / numbers.calls for name, numbers in statistics.items() if numbers.calls}
    for name, longest in queue.under_way().items():
        seconds[name] = max(longest, seconds.get(name, 0.0))
    return Progress(
        done=sum(done for done, _ in services.values()),
        known=sum(known for _, known in services.values()),
        services=services,
        throttled=tuple(name for name, numbers in statistics.items() if numbers.throttled),
        slow={name: lasted for name, lasted in seconds.items() if lasted >= SLOW_SECONDS},
    )
