"""What all scopes of one collection share: the plan, the queue, the way to the sink, and how much is in memory."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from auditor.aws.answer import Operation
from auditor.collect.closed import may_be_closed, told_apart
from auditor.collect.items import Budget
from auditor.collect.plan import Plan
from auditor.collect.queue import CallQueue
from auditor.model import Coverage, Resource, Scope

__all__ = ["Context", "Sink"]


class Sink(Protocol):
    """Where resources go (the store's writer). Only the thread that called ``collect`` calls it."""

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        """Take resources of a scope, each once; VOLATILE names the top-level fields that change by themselves."""

    def close(self, coverage: Coverage) -> None:
        """End a scope: nothing more comes for it."""


class Context:
    """One collection. Rows count as in memory from their answer until the sink has them."""

    def __init__(self, plan: Plan, queue: CallQueue, sink: Sink, most_rows: int, type_seconds: float) -> None:
        """MOST_ROWS: with more rows than that in memory, lists wait before their next page. TYPE_SECONDS: see ``budget``."""
        self.plan = plan
        self._type_seconds = type_seconds
        self.queue = queue
        self.coverage: dict[Scope, Coverage] = {}
        self._sink = sink
        self._most_rows = most_rows
        self._rows = 0
        self._denied: list[Coverage] = []
        self._held: list[Callable[[], None]] = []
        self._lock = threading.Lock()

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

    def hold(self, proceed: Callable[[], None]) -> bool:
        """Keep PROCEED for later if there is too much in memory; returns whether it was kept."""
        with self._lock:
            if self._rows <= self._most_rows:
                return False
            self._held.append(proceed)
            return True

    def hand_over(self, scope: Scope, resources: Sequence[Resource], volatile: frozenset[str], rows: int) -> None:
        """Give the sink RESOURCES, which were made of so many ROWS, and let go of them."""

        def add() -> None:
            if resources:
                self._sink.add(scope, resources, volatile)
            with self._lock:
                self._rows -= rows
                if self._rows > self._most_rows // 2 or not self._held:
                    return
                held, self._held = self._held, []
            for proceed in held:
                proceed()

        self.queue.deliver(add)

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
            self._sink.close(coverage)

        self.queue.deliver(close)
