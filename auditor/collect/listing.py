"""A list call whose answer several types share: made once, each gets its rows."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from auditor.aws.answer import CallError
from auditor.collect.context import Context
from auditor.collect.declare import Call, Row
from auditor.collect.items import Budget
from auditor.collect.paging import Reading
from auditor.collect.rows import extract, held

__all__ = ["Keep", "Listing", "Subscriber", "Subscription"]


class Subscriber(Protocol):
    """A scope that wants rows of a list."""

    chain: int

    def enter(self) -> None:
        """One more list is under way."""

    def observed(self, date: datetime) -> Any:
        """An answer came."""

    def take(self, rows: Any, parent: Row | None) -> int:
        """Take in rows; returns how many usual ones would take as much memory."""

    def flush(self) -> None:
        """The next page waits: let go of rows."""

    def list_ended(self, call: Call, error: CallError | None, parent: Row | None) -> None:
        """The list is over."""

    def broke(self, error: Exception) -> None:
        """Something is wrong with the program."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants which part of the answer, and for which parent."""

    scope: Subscriber
    call: Call
    parent: Row | None = None


class Keep:
    """What code that reads a type wants of a list: all rows at once. Let go of when everybody who may ask has asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._rows: list[Any] = []
        self._dates: list[datetime] = []
        self._outcome: Any = None
        self._over = False
        self._waiting: list[Callable[[Any, list[datetime]], None]] = []

    def expect(self) -> "Keep":
        """One more may ask."""
        self._users += 1
        return self

    def take(self, rows: list[Any], date: datetime) -> None:
        """Keep a page's rows."""
        with self._lock:
            self._dates = self._dates or [date]
            if self._users:
                self._rows.extend(rows)

    def end(self, error: CallError | None) -> None:
        """No more pages come."""
        with self._lock:
            self._over = True
            self._outcome = self._rows if error is None else error
            waiting, self._waiting = self._waiting, []
        for take in waiting:
            take(self._outcome, self._dates)

    def ask(self, take: Callable[[Any, list[datetime]], None]) -> None:
        """Have TAKE called with all rows (or the CallError) and the first answer's date, now or when they are there."""
        with self._lock:
            if not self._over:
                self._waiting.append(take)
                return
        take(self._outcome, self._dates)

    def release(self) -> None:
        """One who might have asked will not ask any more."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._rows = []
                self._outcome = self._outcome if isinstance(self._outcome, CallError) else []


class Listing:
    """One list call with its pages."""

    def __init__(
        self,
        context: Context,
        call: Call,
        params: Mapping[str, Any],
        region: str | None,
        budget: Budget | None = None,
    ) -> None:
        """BUDGET: the time it shares with others of its kind; ``None``: it has as long as a type has, for itself."""
        self._context = context
        self._call = call
        self._params = params
        self._region = region
        self._budget = budget or context.budget(f"{call.service}:{call.operation}", region or "")
        self._subscriptions: list[Subscription] = []
        self._keeps: dict[tuple[str, tuple[str, ...]], tuple[Call, Keep]] = {}
        self._announced = 0
        self._weight = self._expected = 0
        """Of the last page, and of the next one where it was asked for."""
        self._started = threading.Lock()

    def subscribe(self, subscription: Subscription) -> None:
        """Give a scope its rows, and keep it open meanwhile. Only before the start."""
        subscription.scope.enter()
        self._subscriptions.append(subscription)

    def keep(self, call: Call) -> Keep:
        """Keep the rows at CALL's result, with the fields it names, for code that may ask for them, or let go of them.

        Only before the start.
        """
        self._announced += 1
        return self._keeps.setdefault((call.result, call.fields), (call, Keep()))[1].expect()

    @property
    def shared(self) -> bool:
        """Whether anybody else is interested than one type's code."""
        return self.subscribed or self._announced > 1

    @property
    def subscribed(self) -> bool:
        """Whether a type is listed by this call."""
        return bool(self._subscriptions)

    def start(self) -> None:
        """Ask for the first page; only the first time."""
        if not self._started.acquire(blocking=False):
            return
        chain = max((subscription.scope.chain for subscription in self._subscriptions), default=2)
        reading = Reading(
            self._context,
            self._call,
            self._params,
            self._region,
            chain,
            page=self._page,
            end=self._end,
            broken=self._broke,
            hold=self._hold,
            budget=self._budget,
        )
        reading.start()

    def _page(self, parsed: Mapping[str, Any], date: datetime) -> None:
        lists = self._context.operation(self._call.service, self._call.operation).lists
        self._weight = 0
        for subscription in self._subscriptions:
            subscription.scope.observed(date)
            rows = extract(parsed, subscription.call.result, lists)
            self._weight += subscription.scope.take(_rows(rows), subscription.parent)
        for call, keep in self._keeps.values():
            keep.take(held(_rows(extract(parsed, call.result, lists)), call), date)
        self._arrived()

    def _arrived(self) -> None:
        expected, self._expected = self._expected, 0
        self._context.came(expected)

    def _end(self, error: CallError | None) -> None:
        self._arrived()
        for subscription in self._subscriptions:
            subscription.scope.list_ended(subscription.call, error, subscription.parent)
        for _, keep in self._keeps.values():
            keep.end(error)

    def _broke(self, error: Exception) -> None:
        for subscription in self._subscriptions:
            subscription.scope.broke(error)

    def _hold(self, proceed: Callable[[], None]) -> bool:
        self._expected = self._weight
        if not self._context.hold(proceed, self._expected):
            return False
        for subscription in self._subscriptions:
            subscription.scope.flush()
        return True


def _rows(found: Any) -> list[Any]:
    """Return what lies at a list call's result as rows: an answer that is one thing is one row."""
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
