"""What all scopes of one collection share: the plan, the queue, the way to the sink, and how much is in memory."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from auditor.aws.answer import Operation
from auditor.collect.closed import may_be_closed, told_apart
from auditor.collect.items import Budget
from auditor.collect.plan import Plan
from auditor.collect.queue import CallQueue
from auditor.model import Coverage, Resource, Scope

__all__ = ["Context", "Sink"]


class Sink(Protocol):
    """Where resources go (the store's writer). Any thread calls it, one at a time."""

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        """Take resources of a scope, each once; VOLATILE names the top-level fields that change by themselves."""

    def close(self, coverage: Coverage) -> None:
        """End a scope: nothing more comes for it."""


class Context:
    """One collection. Rows count as in memory from their answer until the sink has them."""

    def __init__(self, plan: Plan, queue: CallQueue, sink: Sink, most_rows: int, type_seconds: float) -> None:
        """MOST_ROWS: where the next page would make them more, lists wait with it. TYPE_SECONDS: see ``budget``."""
        self.plan = plan
        self._type_seconds = type_seconds
        self.queue = queue
        self.coverage: dict[Scope, Coverage] = {}
        self._sink = sink
        self._most_rows = most_rows
        self._rows = 0
        self._expected = 0
        self._denied: list[Coverage] = []
        self._held: deque[tuple[int, Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._giving = threading.Lock()
        self._refused = False

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation."""
        return self.queue.caller.operation(service, operation)

    def budget(self, what: str, region: str) -> Budget:
        """Return the time that reading one type in one REGION may take."""
        return Budget(f"{what} in {region}" if region else what, self._type_seconds)

    def took(self, rows: int) -> None:
        """Count rows that came in."""
        with self._lock:
            self._rows += rows

    def hold(self, proceed: Callable[[], None], rows: int) -> bool:
        """Keep PROCEED, which asks for so many ROWS, for later if they would be too much now; returns whether it was kept.

        If not, those rows are expected until ``came``.
        """
        with self._lock:
            if not self._held and self._fits(rows):
                self._expected += rows
                return False
            self._held.append((rows, proceed))
            return True

    def came(self, expected: int) -> None:
        """So many EXPECTED rows are expected no more: they were counted by ``took``, or will not come."""
        with self._lock:
            self._expected -= expected
        self._go_on()

    def idle(self) -> bool:
        """Let go of what is held although there is no room: nothing else is under way. Returns whether anything was."""
        with self._lock:
            held = self._held.popleft() if self._held else None
            self._expected += held[0] if held else 0
        if held:
            held[1]()
        return held is not None

    def _fits(self, rows: int) -> bool:
        taken = self._rows + self._expected
        return not taken or taken + rows <= self._most_rows

    def _go_on(self) -> None:
        """Ask for the pages that there is room for now."""
        while True:
            with self._lock:
                if not self._held or not self._fits(self._held[0][0]):
                    return
                rows, proceed = self._held.popleft()
                self._expected += rows
            proceed()

    def hand_over(self, scope: Scope, resources: Sequence[Resource], volatile: frozenset[str], rows: int) -> None:
        """Give the sink RESOURCES, which were made of so many ROWS, and let go of them.

        On the thread that made them: where the sink keeps more slowly than others read, they wait, and nothing piles up.
        """
        with self._giving:
            if resources and not self._refused:
                try:
                    self._sink.add(scope, resources, volatile)
                except BaseException as error:  # noqa: BLE001  (raised again by the thread that collects)
                    self._refused = True
                    self.queue.deliver(partial(_raise, error))
        with self._lock:
            self._rows -= rows
        self._go_on()

    def close(self, coverage: Coverage) -> None:
        """Give the sink a scope's coverage; what a policy of the organisation denied waits for ``release``."""
        if may_be_closed(coverage):
            with self._lock:
                self._denied.append(coverage)
            return
        self._close(coverage)

    def release(self) -> None:
        """Give the sink what waited: by now it is known of each region whether it is closed as a whole."""
        with self._lock:
            denied, self._denied = self._denied, []
        for coverage in told_apart(denied, self.coverage.values()):
            self._close(coverage)

    def _close(self, coverage: Coverage) -> None:
        def close() -> None:
            self.coverage[coverage.scope] = coverage
            with self._giving:
                self._sink.close(coverage)

        self.queue.deliver(close)


def _raise(error: BaseException) -> None:
    raise error
