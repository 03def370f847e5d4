"""The queue: single API calls, the longest remaining chain first, made by a few threads, tried again by being put back."""

import contextvars
import heapq
import itertools
import logging
import queue
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from auditor.aws.answer import Answer, Caller, CallError, Fault
from auditor.aws.faults import ends_session
from auditor.aws.limits import Lane, Limiter
from auditor.collect.items import Budget, Item, ServiceStatistics
from auditor.logs import about

__all__ = ["CallQueue"]

logger = logging.getLogger(__name__)

_TICK = 0.2
_TIMES_SESSION_OVER = 5
"""So often in a row AWS must say that the session is over before nothing more is asked."""


@dataclass(order=True, slots=True)
class _Timer:
    when: float
    number: int
    item: Item | None = field(compare=False)
    lane: Lane | None = field(compare=False)


@dataclass(eq=False, slots=True)
class _Parking:
    """The calls that wait for a token of one lane."""

    entries: list[tuple[int, int, Item]] = field(default_factory=list)
    """A heap: the longest chain first."""
    waking: bool = False
    """Whether a timer will come back to them."""


class CallQueue:
    """Runs items until none is left. ``put`` and ``deliver`` may be called from any thread."""

    def __init__(
        self,
        caller: Caller,
        *,
        threads: int,
        limiter: Limiter | None = None,
    ) -> None:
        """THREADS make calls, as LIMITER lets them; its clock counts the seconds of delays and deadlines, too."""
        self.caller = caller
        self.ended: CallError | None = None
        """Set when no further call is made: what everything that was left comes to."""
        self.statistics: dict[str, ServiceStatistics] = defaultdict(ServiceStatistics)
        self._threads = threads
        self._limiter = limiter or Limiter()
        self._pace = self._limiter.pace
        self._clock = self._limiter.clock
        self._changed = threading.Condition()
        self._ready: list[tuple[int, int, Item]] = []
        self._timers: list[_Timer] = []
        self._parked: dict[Lane, _Parking] = {}
        self._running: set[Item] = set()
        self._budgets: set[Budget] = set()
        self._orphans: list[Item] = []
        self._number = itertools.count()
        self._outstanding = 0
        self._closed = False
        self._session_over = 0
        self._outbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._random = random.Random()  # noqa: S311  (jitter, no secret)

    # ---- from any thread ---------------------------------------------------------------------------------------------

    def put(self, item: Item) -> None:
        """Add a call. After the end it comes to nothing at once."""
        with self._changed:
            self._outstanding += 1
            if item.operation:
                self.statistics[item.service].known += 1
            if self.ended is not None:
                self._orphans.append(item)
                self._outbox.put(None)
            else:
                self._make_ready(item)

    def pause(
        self, seconds: float, resume: Callable[[Answer | CallError], None], broken: Callable[[Exception], None]
    ) -> None:
        """Call RESUME so many seconds later, without holding a worker."""
        item = Item("", "", {}, "", 1_000, resume, broken)
        with self._changed:
            self._outstanding += 1
            if self.ended is not None:
                self._orphans.append(item)
                self._outbox.put(None)
            else:
                self._at(self._clock() + seconds, item)

    def deliver(self, message: Callable[[], None]) -> None:
        """Have MESSAGE called by the thread that runs the queue, in the order they come."""
        self._outbox.put(message)

    def under_way(self) -> dict[str, float]:
        """Return for each service that is being asked how many seconds its longest call has taken so far."""
        now, longest = self._clock(), dict[str, float]()
        with self._changed:
            for item in self._running:
                if item.operation:
                    longest[item.service] = max(now - item.started, longest.get(item.service, 0.0))
        return longest

    # ---- the thread that runs the queue ------------------------------------------------------------------------------

    def run(self, tick: Callable[[], CallError | None], idle: Callable[[], bool] = lambda: False) -> None:
        """Work until nothing is left. TICK is called a few times a second; an error it returns ends everything with it.

        IDLE is called when nothing is left, and returns whether it found more to do. Raises what a delivered message raises.
        """
        workers = [self._start_worker(number) for number in range(self._threads)]
        ticked = self._clock()
        try:
            while True:
                message = self._wait_for_message()
                if message is not None:
                    message()
                now = self._clock()
                if message is None or now - ticked >= _TICK:
                    ticked = now
                    error = tick()
                    if error is not None and self.ended is None:
                        self.end(error)
                    self._give_up_late(now)
                    for _ in range(self._give_up_stuck(now)):
                        workers.append(self._start_worker(len(workers)))
                self._conclude_orphans()
                with self._changed:
                    over = self._outstanding == 0 and self._outbox.empty()
                if over and not idle():
                    return
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
            until = time.monotonic() + 0.5
            for worker in workers:  # one that hangs in a call is left behind: it is a daemon
                worker.join(max(0.0, until - time.monotonic()))

    def drain(self) -> None:
        """Call the messages that are left, after the run."""
        while not self._outbox.empty():
            message = self._outbox.get()
            if message is not None:
                message()

    def _wait_for_message(self) -> Callable[[], None] | None:
        try:
            return self._outbox.get(timeout=_TICK)
        except queue.Empty:
            return None

    def end(self, error: CallError) -> None:
        """Make no further call: everything that is left, running calls included, comes to ERROR."""
        with self._changed:
            self.ended = error
            left = [entry[-1] for entry in self._ready]
            left += [entry[-1] for parking in self._parked.values() for entry in parking.entries]
            left += [timer.item for timer in self._timers if timer.item is not None]
            left += self._running
            self._parked.clear()
            self._ready.clear()
            self._timers.clear()
            self._running.clear()
            for item in left:
                item.finished = True
        for item in left:
            self._conclude(item, error)

    def _conclude_orphans(self) -> None:
        while self.ended is not None:
            with self._changed:
                orphans, self._orphans = self._orphans, []
            if not orphans:
                return
            for item in orphans:
                self._conclude(item, self.ended)

    def _give_up_stuck(self, now: float) -> int:
        with self._changed:
            stuck = [item for item in self._running if now - item.started > self._pace.call_seconds]
            for item in stuck:
                item.finished = True
                self._running.discard(item)
                numbers = self.statistics[item.service]
                numbers.calls += 1
                numbers.failed += 1
                numbers.seconds += now - item.started
        for item in stuck:
            seconds = f"{self._pace.call_seconds:.0f} s"
            self._conclude(item, CallError(Fault.DEADLINE, "DeadlineExceeded", f"no answer within {seconds}"))
        return len(stuck)

    def _give_up_late(self, now: float) -> None:
        """Let go of all that waits and whose type has no time left; what is under way may come to its end."""
        with self._changed:
            late = self._take_late(now) if any(budget.is_over(now) for budget in self._budgets) else []
        for item in late:
            self._conclude(item, _too_late(item))

    def _take_late(self, now: float) -> list[Item]:
        late: list[Item] = []

        def keep(item: Item | None) -> bool:
            if item is None or not item.is_late(now):
                return True
            item.finished = True
            late.append(item)
            return False

        self._ready = [entry for entry in self._ready if keep(entry[-1])]
        heapq.heapify(self._ready)
        for parking in self._parked.values():
            parking.entries = [entry for entry in parking.entries if keep(entry[-1])]
            heapq.heapify(parking.entries)
        self._timers = [timer for timer in self._timers if keep(timer.item)]
        heapq.heapify(self._timers)
        self._budgets = {budget for budget in self._budgets if not budget.is_over(now)}
        return late

    # ---- the workers -------------------------------------------------------------------------------------------------

    def _start_worker(self, number: int) -> threading.Thread:
        # What is logged on the way is about the scan this thread works for.
        context = contextvars.copy_context()
        worker = threading.Thread(target=context.run, args=(self._work,), name=f"collect-{number}", daemon=True)
        worker.start()
        return worker

    def _work(self) -> None:
        while (item := self._next()) is not None:
            with about(service=item.service, operation=item.operation, region=item.region):
                goes_on = self._perform(item)
            if not goes_on:
                return

    def _next(self) -> Item | None:
        """Return the most urgent call that may be made now, waiting for one; ``None`` at the end."""
        with self._changed:
            while not self._closed:
                if self.ended is not None:
                    self._changed.wait()
                    continue
                now = self._clock()
                self._fire_timers(now)
                while self._ready:
                    entry = heapq.heappop(self._ready)
                    item = entry[-1]
                    if item.is_late(now) or self._admit(entry, now):
                        item.started = now
                        self._running.add(item)
                        if item.budget is not None:
                            item.budget.start(now)
                            self._budgets.add(item.budget)
                        if self._ready or self._timers:
                            self._changed.notify()  # somebody else must watch the clock now
                        return item
                self._changed.wait(max(0.0, self._timers[0].when - now) if self._timers else None)
            return None

    def _perform(self, item: Item) -> bool:
        """Make one call. Returns whether this worker goes on: not when it was given up and replaced."""
        outcome: Answer | CallError | Exception
        late = item.is_late(item.started)
        try:
            if late:
                outcome = _too_late(item)
            elif item.operation:
                outcome = self.caller.call(item.service, item.operation, item.params, item.region)
            else:
                outcome = Answer({}, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  (whatever it is, this call has no answer, and the scan goes on)
            outcome = error
        with self._changed:
            if item.finished:
                return self.ended is not None
            self._running.discard(item)
            if item.operation and not late and self._put_back(item, outcome):
                return True
            item.finished = True
        self._conclude(item, outcome)
        return True

    def _put_back(self, item: Item, outcome: Answer | CallError | Exception) -> bool:
        """Count the attempt, and put the call back for another one if that makes sense."""
        now = self._clock()
        item.attempts += 1
        numbers, lanes = self.statistics[item.service], self._lanes(item)
        numbers.calls += 1
        numbers.seconds += now - item.started
        if not isinstance(outcome, CallError) or outcome.code in item.expected:
            if isinstance(outcome, Answer):
                self._limiter.answered(lanes[0])
                self._session_over = 0
            return False
        logger.debug("answered %s (attempt %s): %s", outcome.code, item.attempts, outcome.message)
        if ends_session(outcome):
            self._session_over += 1
            if self._session_over >= _TIMES_SESSION_OVER and self.ended is None:
                self.ended = outcome
                self._outbox.put(lambda: self.end(outcome))
        if outcome.fault is Fault.THROTTLED:
            numbers.throttled += 1
            self._limiter.throttled(lanes[0], item.started, now)
        attempts = {
            Fault.THROTTLED: self._pace.throttled_attempts,
            Fault.TRANSIENT: self._pace.transient_attempts,
            Fault.CREDENTIALS: self._pace.credentials_attempts,
        }.get(outcome.fault, 1)
        if item.attempts >= attempts or self.ended is not None:
            numbers.failed += 1
            return False
        numbers.retried += 1
        item.granted = 0
        wait = self._pace.wait(item.attempts, outcome.fault is Fault.THROTTLED, self._random)
        self._at(now + wait, item)
        return True

    def _conclude(self, item: Item, outcome: Answer | CallError | Exception) -> None:
        """Hand the outcome on. Whatever goes wrong there is told, and neither kills a worker nor hangs the scan."""
        if item.operation:
            with self._changed:
                self.statistics[item.service].done += 1
        try:
            if isinstance(outcome, (Answer, CallError)):
                item.done(outcome)
            else:
                raise outcome
        except Exception as error:
            logger.exception("%s:%s in %s broke", item.service, item.operation, item.region)
            try:
                item.broken(error)
            except Exception:
                logger.exception("and so did telling it")
        finally:
            with self._changed:
                self._outstanding -= 1
                if self._outstanding == 0:
                    self._outbox.put(None)

    # ---- under the lock ----------------------------------------------------------------------------------------------

    def _make_ready(self, item: Item) -> None:
        heapq.heappush(self._ready, (-item.chain, next(self._number), item))
        self._changed.notify()

    def _at(self, when: float, item: Item | None, lane: Lane | None = None) -> None:
        heapq.heappush(self._timers, _Timer(when, next(self._number), item, lane))
        self._changed.notify()

    def _admit(self, entry: tuple[int, int, Item], now: float) -> bool:
        """Whether the call may be made now; else it is parked where the token is missing."""
        item = entry[-1]
        if not item.operation:
            return True
        lanes = self._lanes(item)
        while item.granted < len(lanes):
            lane = lanes[item.granted]
            parking = self._parked.get(lane)
            # Whoever waits already comes first.
            if (parking is not None and parking.entries) or not self._limiter.take(lane, now):
                heapq.heappush(self._parked.setdefault(lane, _Parking()).entries, entry)
                self._wake(lane)
                return False
            item.granted += 1
        return True

    def _wake(self, lane: Lane) -> None:
        parking = self._parked[lane]
        if not parking.waking:
            parking.waking = True
            self._at(self._limiter.next_token(lane), None, lane)

    def _fire_timers(self, now: float) -> None:
        while self._timers and self._timers[0].when <= now:
            timer = heapq.heappop(self._timers)
            if timer.item is not None:
                self._make_ready(timer.item)
            if timer.lane is not None:
                self._grant(timer.lane, now)

    def _grant(self, lane: Lane, now: float) -> None:
        """Give LANE's tokens to those who wait for them, the longest chain first."""
        parking = self._parked.get(lane)
        if parking is None:  # everything has ended
            return
        parking.waking = False
        while parking.entries and self._limiter.take(lane, now):
            entry = heapq.heappop(parking.entries)
            entry[-1].granted += 1
            heapq.heappush(self._ready, entry)
            self._changed.notify()
        if parking.entries:
            self._wake(lane)

    def _lanes(self, item: Item) -> tuple[Lane, ...]:
        return self._limiter.lanes(item.service, item.operation, item.region)


def _too_late(item: Item) -> CallError:
    assert item.budget is not None  # noqa: S101  (only what has one can be late)
    return CallError(
        Fault.DEADLINE, "TypeDeadlineExceeded", f"{item.budget.what} took longer than {item.budget.seconds:.0f} s"
    )
