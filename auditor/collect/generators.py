"""Steps the code of types that need code: each call it yields is an item of the queue, and nobody waits meanwhile."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from auditor.aws.answer import CallError, Fault
from auditor.aws.permissions import action
from auditor.collect.context import Context
from auditor.collect.declare import Call, CallFailed, Collector, Now, Wait
from auditor.collect.listing import Keep, Listing
from auditor.collect.paging import read_all
from auditor.collect.rows import call_key
from auditor.collect.scope import ScopeRun
from auditor.model import Gap

__all__ = ["Lists", "Stepper"]

logger = logging.getLogger(__name__)


class Lists:
    """The lists of one collection by their request: what types are listed by, and what code may share."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lists: dict[Any, Listing] = {}

    def get(self, call: Call, region: str) -> Listing:
        """Return the list of a call without arguments, for a scope in REGION; made when it is not there yet."""
        where = self._context.plan.region_of_call(call, region)
        key = call_key(call, call.params, where or "")
        if key not in self._lists:
            self._lists[key] = Listing(self._context, call, call.params, where)
        return self._lists[key]

    def start(self) -> None:
        """Start every list that a type is listed by; the others wait until code asks for them."""
        for listing in list(self._lists.values()):
            if listing.subscribed:
                listing.start()


class _Failed(CallFailed):
    """A CallFailed that still knows its error."""

    def __init__(self, call: Call, error: CallError) -> None:
        super().__init__(Gap(action(call), error.code, error.message))
        self.error = error


class Stepper:
    """Runs one type's generator for one scope, from answer to answer."""

    def __init__(self, context: Context, scope: ScopeRun, lists: Lists) -> None:
        """Announces to LISTS what the code may ask for; the scope stays open until the code ends."""
        assert scope.type.collect is not None  # noqa: S101  (only such types are stepped)
        self._context = context
        self._scope = scope
        self._lists = lists
        self._code: Collector = scope.type.collect()
        self._keeps: dict[Any, Keep] = {}
        self._over = False
        for call in scope.type.calls:
            if not call.args:
                self._keeps[self._key(call)] = lists.get(call, scope.asked_in).keep(call)
        scope.enter()

    def _key(self, call: Call) -> Any:
        return (*call_key(call, call.params, str(call.region)), call.result, call.fields)

    def start(self) -> None:
        """Run the code up to its first call."""
        self._context.queue.pause(0, lambda _: self.advance(None), self._broke)

    def advance(self, answer: Any) -> None:
        """Send ANSWER into the code, and go on until it waits for something."""
        try:
            sent: tuple[Any, ...] = (answer,)
            while sent:
                sent = self._step(*sent)
        except StopIteration:
            self._finish()
        except _Failed as failed:
            self._scope.failed(failed.error, failed.gap)
            self._finish()
        except CallFailed as failed:
            self._scope.failed(CallError(Fault.OTHER, failed.gap.code), failed.gap)
            self._finish()
        except Exception as error:
            logger.exception("the code that reads %s broke", self._scope.type.type)
            self._broke(error)

    def _step(self, answer: Any) -> tuple[Any, ...]:
        """Send one answer; returns what the code gets at once, alone in a tuple; nothing when it waits. Raises what it raises."""
        ended = self._context.queue.ended
        if ended is not None:
            self._code.close()
            raise _Failed(self._scope.first_call, ended)
        wanted = self._code.throw(answer) if isinstance(answer, CallFailed) else self._code.send(answer)
        if isinstance(wanted, Now):
            return (self._scope.observed(None),)
        if isinstance(wanted, Wait):
            self._context.queue.pause(wanted.seconds, lambda _: self.advance(None), self._broke)
            return ()
        calls = [wanted] if isinstance(wanted, Call) else [item for item in wanted if isinstance(item, Call)]
        if calls:
            _Together(self, calls, alone=isinstance(wanted, Call)).start()
            return ()
        if wanted:
            self._scope.take(wanted)  # type: ignore[arg-type]  # no calls: then rows
        return (None,)

    def ask(self, call: Call, done: Callable[[Any], None]) -> None:
        """Have DONE called with what CALL comes to. The first time, a list that others read as well is shared."""
        keep = self._keeps.pop(self._key(call), None) if not call.args else None
        if keep is None:
            self._read(call, done)
            return
        listing = self._lists.get(call, self._scope.asked_in)
        if not listing.shared:
            keep.release()
            self._read(call, done)
            return

        def take(outcome: Any, dates: Sequence[datetime]) -> None:
            for date in dates:
                self._scope.observed(date)
            keep.release()
            done(_outcome(call, outcome))

        listing.start()
        keep.ask(take)

    def _read(self, call: Call, done: Callable[[Any], None]) -> None:
        plan = self._context.plan
        read_all(
            self._context,
            call,
            call.params,
            plan.region_of_call(call, self._scope.asked_in),
            self._scope.chain,
            done=lambda outcome: done(_outcome(call, outcome)),
            broken=self._scope.broke,
            seen=self._scope.observed,
            budget=self._scope.budget,
        )

    def _broke(self, error: Exception) -> None:
        self._scope.broke(error)
        self._finish()

    def _finish(self) -> None:
        for keep in self._keeps.values():
            keep.release()
        self._keeps.clear()
        if not self._over:
            self._over = True
            self._scope.leave()


def _outcome(call: Call, outcome: Any) -> Any:
    if not isinstance(outcome, CallError):
        return outcome
    return None if outcome.code in call.absent else _Failed(call, outcome)


class _Together:
    """Calls made side by side; the code goes on when the last answer is in."""

    def __init__(self, stepper: Stepper, calls: Sequence[Call], alone: bool) -> None:
        self._stepper = stepper
        self._calls = calls
        self._alone = alone
        self._answers: list[Any] = [None] * len(calls)
        self._missing = len(calls)
        self._lock = threading.Lock()

    def start(self) -> None:
        for place, call in enumerate(self._calls):
            self._stepper.ask(call, partial(self._answer, place))

    def _answer(self, place: int, outcome: Any) -> None:
        self._answers[place] = outcome
        with self._lock:
            self._missing -= 1
            if self._missing:
                return
        self._stepper.advance(self._answers[0] if self._alone else self._answers)
