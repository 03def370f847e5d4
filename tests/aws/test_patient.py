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


def test_told_to_stop_it_does_not_wait_for_its_next_try() -> None:
    stop = threading.Event()

    def ask(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        threading.Thread(target=stop.set).start()
        raise THROTTLED

    caller = Scripted(Ask=ask)
    limiter = at_once(pace=Pace(first_delay=1e6, longest_delay=1e6))
    with pytest.raises(CallError) as raised:
        PatientCaller(caller, limiter, stop=stop).call("box", "Ask", {}, REGION)
    assert raised.value.fault is Fault.INTERRUPTED
    assert len(caller.calls) == 1


def test_told_to_stop_it_waits_neither_for_its_turn_nor_for_an_answer() -> None:
    stop, hangs = threading.Event(), threading.Event()

    def ask(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        stop.set()
        hangs.wait(60)
        return {}

    caller = Scripted(Ask=ask)
    limiter = at_once(limits=lambda service, operation: Limit(1e-6, 1.0))
    try:
        for _ in ("for an answer", "for its turn"):
            with pytest.raises(CallError) as raised:
                PatientCaller(caller, limiter, stop=stop).call("box", "Ask", {}, REGION)
            assert raised.value.fault is Fault.INTERRUPTED
    finally:
        hangs.set()
    assert len(caller.calls) == 1


def test_an_event_that_is_made_of_two_is_heard_of() -> None:
    """Such a one is set with another and wakes nobody who waits for it."""
    other = threading.Event()

    class Either(threading.Event):
        def is_set(self) -> bool:
            return super().is_set() or other.is_set()

    def ask(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        threading.Thread(target=other.set).start()
        raise THROTTLED

    limiter = at_once(pace=Pace(first_delay=1e6, longest_delay=1e6))
    with pytest.raises(CallError, match="stopped"):
        PatientCaller(Scripted(Ask=ask), limiter, stop=Either()).call("box", "Ask", {}, REGION)


def test_once_the_scans_time_is_over_nothing_is_asked_or_tried_again() -> None:
    now = 0.0

    def ask(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        nonlocal now
        now = 10.0
        raise UNAVAILABLE

    caller = Scripted(Ask=ask)
    patient = PatientCaller(caller, at_once(clock=lambda: now), deadline=5.0)
    for _ in ("while it is asked", "before it is asked"):
        with pytest.raises(CallError) as raised:
            patient.call("box", "Ask", {}, REGION)
        assert raised.value.fault is Fault.DEADLINE
    assert len(caller.calls) == 1
