"""Makes single calls for whoever waits for the answer: questions about the account itself, and prices.

The queue makes a scan's many calls and never waits; these few are made one after the other by a thread that has nothing
else to do. They keep to the same limits, are tried again by the same rules and have a deadline like all others.
"""

import queue
import random
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditor.aws.answer import Answer, Caller, CallError, Fault, Operation
from auditor.aws.limits import Limiter

__all__ = ["PatientCaller"]

_CALL_SECONDS = 60.0
_TRANSIENT_ATTEMPTS = 3
_LOOK_SECONDS = 0.2
"""How often a waiting call looks whether it is to stop: an event that is made of two wakes nobody."""


class PatientCaller:
    """A caller that waits for its turn and tries again. Any thread may use it; each waits for itself."""

    def __init__(
        self, caller: Caller, limiter: Limiter, *, stop: threading.Event | None = None, deadline: float | None = None
    ) -> None:
        """CALLER makes the calls; LIMITER is the account's.

        Once STOP is set, or DEADLINE is over (a moment of the limiter's clock, seconds), no call is begun or waited for.
        """
        self._caller = caller
        self._limiter = limiter
        self._stop = stop or threading.Event()
        self._deadline = deadline
        pace = limiter.pace
        self._pace = replace(
            pace,
            call_seconds=min(pace.call_seconds, _CALL_SECONDS),
            transient_attempts=min(pace.transient_attempts, _TRANSIENT_ATTEMPTS),
        )
        self._random = random.Random()  # noqa: S311  (jitter, no secret)

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Make one call and return its answer. Raises CallError, after it was tried as often as makes sense.

        So it does with the fault INTERRUPTED when it was told to stop, and DEADLINE when there is no time left.
        """
        lanes, attempt = self._limiter.lanes(service, operation, region), 0
        while True:
            for lane in lanes:
                while not self._limiter.take(lane, now := self._limiter.clock()):
                    self._sleep(max(0.001, self._limiter.next_token(lane) - now))
            self._look()
            started, attempt = self._limiter.clock(), attempt + 1
            try:
                answer = self._call(service, operation, params, region)
            except CallError as error:
                if error.fault is Fault.THROTTLED:
                    self._limiter.throttled(lanes[0], started, self._limiter.clock())
                if attempt >= self._attempts(error):
                    raise
                self._sleep(self._pace.wait(attempt, error.fault is Fault.THROTTLED, self._random))
            else:
                self._limiter.answered(lanes[0])
                return answer

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation. Raises CallError when there is no such operation."""
        return self._caller.operation(service, operation)

    def _look(self) -> None:
        """Raise CallError when nothing is to be waited for any more."""
        if self._stop.is_set():
            raise CallError(Fault.INTERRUPTED, "Interrupted", "the scan was stopped")
        if self._deadline is not None and self._limiter.clock() >= self._deadline:
            raise CallError(Fault.DEADLINE, "DeadlineExceeded", "the scan's time is over")

    def _sleep(self, seconds: float) -> None:
        """Wait so many seconds. Raises CallError as soon as nothing is to be waited for any more."""
        until = self._limiter.clock() + seconds
        self._look()
        while (left := until - self._limiter.clock()) > 0:
            self._stop.wait(min(left, _LOOK_SECONDS))
            self._look()

    def _attempts(self, error: CallError) -> int:
        return {
            Fault.THROTTLED: self._pace.throttled_attempts,
            Fault.TRANSIENT: self._pace.transient_attempts,
        }.get(error.fault, 1)

    def _call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Make one call with a deadline: an answer that never ends is left to a thread that nobody waits for."""
        outcome: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()

        def make() -> None:
            try:
                outcome.put(self._caller.call(service, operation, params, region))
            except Exception as error:  # noqa: BLE001  (raised again by whoever waits)
                outcome.put(error)

        threading.Thread(target=make, name=f"ask-{service}", daemon=True).start()
        until = self._limiter.clock() + self._pace.call_seconds
        while (left := until - self._limiter.clock()) > 0:
            try:
                came = outcome.get(timeout=min(left, _LOOK_SECONDS))
            except queue.Empty:
                self._look()
                continue
            if isinstance(came, Exception):
                raise came
            return came
        said = f"no answer within {self._pace.call_seconds:.0f} s"
        raise CallError(Fault.DEADLINE, "DeadlineExceeded", said)
