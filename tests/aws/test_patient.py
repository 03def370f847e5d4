"""Questions that somebody waits for: the same limits, the same second chances, and a deadline."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from scripted import DENIED, EXPIRED, THROTTLED, UNAVAILABLE, Scripted, at_once

from auditor.aws.answer import CallError, Fault
from auditor.aws.limits import Limit, Pace
from auditor.aws.patient import PatientCaller

REGION = "eu-west-1"


class Stumbles:
    """Fails so many times, then answers."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error = times, error

    def __call__(self, params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return {"Rows": [1]}


@pytest.mark.parametrize(
    ("error", "attempts"), [(THROTTLED, 8), (UNAVAILABLE, 3), (DENIED, 1), (EXPIRED, 1)], ids=lambda v: str(v)
)
def test_what_passes_is_asked_again_and_only_so_often(error: CallError, attempts: int) -> None:
    caller = Scripted(Ask=Stumbles(attempts - 1, error))
    assert PatientCaller(caller, at_once()).call("box", "Ask", {}, REGION).parsed == {"Rows": [1]}
    assert len(caller.calls) == attempts
    caller = Scripted(Ask=Stumbles(100, error))
    with pytest.raises(CallError, match=error.code):
        PatientCaller(caller, at_once()).call("box", "Ask", {}, REGION)
    assert len(caller.calls) == attempts


def test_an_answer_that_never_comes_is_given_up() -> None:
    hangs = threading.Event()

    def ask(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        hangs.wait(60)
        return {}

    limiter = at_once(pace=Pace(first_delay=0.0, call_seconds=0.05))
    try:
        with pytest.raises(CallError, match="no answer within") as raised:
            PatientCaller(Scripted(Ask=ask), limiter).call("box", "Ask", {}, REGION)
    finally:
        hangs.set()
    assert raised.value.fault is Fault.DEADLINE


def test_a_fault_of_the_program_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        PatientCaller(Scripted(Ask=Stumbles(1, ZeroDivisionError())), at_once()).call("box", "Ask", {}, REGION)


def test_it_takes_tokens_of_the_same_lanes_as_the_queue_and_slows_them_down() -> None:
    limiter = at_once(limits=lambda service, operation: Limit(100.0, 2.0))
    (lane,) = limiter.lanes("box", "Ask", REGION)
    caller = Scripted(Ask=Stumbles(1, THROTTLED))
    PatientCaller(caller, limiter).call("box", "Ask", {}, REGION)
    assert 50.0 < lane.rate < 100.0
    assert lane.tokens < 1
