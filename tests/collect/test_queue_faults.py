"""What goes wrong: throttling, faults that pass, credentials that end, deadlines, interruption, our own bugs; and memory."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from scripted import (
    DENIED,
    EXPIRED,
    REGION,
    THROTTLED,
    UNAVAILABLE,
    WRONG,
    Kept,
    Scripted,
    a_type,
    pages,
    raises,
    read,
)

from auditor.aws.answer import CallError, Fault
from auditor.aws.limits import Limit, Pace
from auditor.collect.declare import Call
from auditor.collect.run import Progress
from auditor.errors import StoreError
from auditor.model import CoverageState, Resource, Scope

LIST = Call("box", "ListBoxes", "Boxes")
SIZE = Call("box", "GetSize", "Size", args={"BoxId": "Id"})
BOX = a_type("A::B::Box", list=LIST)
SIZED = a_type("A::B::Box", list=LIST, details={"Size": SIZE})


def rows(*ids: object) -> list[dict[str, Any]]:
    return [{"Id": str(id)} for id in ids]


class Stumbles:
    """Fails so many times, then answers."""

    def __init__(self, times: int, error: CallError) -> None:
        self.left = times
        self.error = error

    def __call__(self, params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return {"Boxes": rows("a")}


# ---- trying again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (THROTTLED, 8),
        (UNAVAILABLE, 5),
        (EXPIRED, 2),
        (DENIED, 1),
        (WRONG, 1),
        (CallError(Fault.UNSUPPORTED, "NotImplemented"), 1),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_passes_is_tried_again_and_only_so_often(error: CallError, attempts: int) -> None:
    caller = Scripted(ListBoxes=Stumbles(attempts - 1, error))
    kept, outcome = read(caller, BOX)
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE
    assert outcome.statistics["calls"] == attempts
    assert outcome.statistics["retried"] == attempts - 1
    assert outcome.statistics["failed"] == 0
    caller = Scripted(ListBoxes=raises(error))
    kept, outcome = read(caller, BOX)
    gap = kept.coverage("A::B::Box").gap
    assert gap is not None
    assert gap.code == error.code
    assert outcome.statistics["calls"] == attempts
    assert outcome.statistics["failed"] == 1
    assert outcome.statistics["throttled"] == (attempts if error is THROTTLED else 0)


def test_an_expected_code_is_not_tried_again_even_if_it_looks_as_if_it_passed() -> None:
    listed = Call("box", "ListBoxes", "Boxes", absent=("ServiceUnavailable",))
    caller = Scripted(ListBoxes=raises(UNAVAILABLE))
    read(caller, a_type("A::B::Box", list=listed))
    assert len(caller.calls) == 1


def test_credentials_that_have_ended_end_the_scan_and_what_was_read_is_kept() -> None:
    def size(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if int(params["BoxId"]) >= 3:
            raise EXPIRED
        return {"Size": 1}

    caller = Scripted(ListBoxes=pages("Boxes", rows(*range(200))), GetSize=size)
    kept, outcome = read(caller, SIZED, threads=1)
    assert (outcome.ended, outcome.interrupted) == ("ExpiredToken", False)
    assert len(caller.calls) < 200
    assert len(kept.resources) == 200
    assert {box.document["Id"] for box in kept.resources if not box.gaps} == {"0", "1", "2"}
    assert {gap.code for box in kept.resources for gap in box.gaps.values()} == {"ExpiredToken"}


# ---- the end comes early ---------------------------------------------------------------------------------------------


def test_an_interruption_ends_the_scan_though_a_call_hangs() -> None:
    stop, hangs = threading.Event(), threading.Event()

    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if "NextToken" in params:
            stop.set()
            hangs.wait(60)
        return {"Boxes": rows("a"), "NextToken": "more"}

    never = a_type("A::B::Never", list=Call("box", "ListNever", "Boxes"))

    def never_answers(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        hangs.wait(60)
        return {}

    try:
        kept, outcome = read(Scripted(ListBoxes=boxes, ListNever=never_answers), BOX, never, stop=stop, threads=2)
        assert not hangs.is_set()
    finally:
        hangs.set()
    assert (outcome.ended, outcome.interrupted) == ("Interrupted", True)
    assert kept.ids("A::B::Box") == ["a"]
    states = {coverage.scope.type: (coverage.state, coverage.gap and coverage.gap.code) for coverage in kept.closed}
    assert states == {
        "A::B::Box": (CoverageState.PARTIAL, "Interrupted"),
        "A::B::Never": (CoverageState.FAILED, "Interrupted"),
    }


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_scan_that_takes_too_long_ends_with_what_it_has() -> None:
    clock = Clock()

    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        number = int(params.get("NextToken", 0))
        clock.seconds += 10
        return {"Boxes": rows(number), "NextToken": str(number + 1)}

    kept, outcome = read(Scripted(ListBoxes=boxes), BOX, clock=clock, deadline_seconds=100.0, type_seconds=1e9)
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.PARTIAL, "DeadlineExceeded")
    assert kept.resources
    assert (outcome.ended, outcome.interrupted) == ("DeadlineExceeded", False)


def test_a_type_that_takes_too_long_is_cut_off_and_the_others_go_on() -> None:
    clock = Clock()

    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        number = int(params.get("NextToken", 0))
        clock.seconds += 10
        return {"Boxes": rows(number), "NextToken": str(number + 1)}

    other = a_type("A::B::Other", list=Call("box", "ListOthers", "Boxes"))
    caller = Scripted(ListBoxes=boxes, ListOthers=pages("Boxes", rows("b")))
    kept, outcome = read(caller, BOX, other, clock=clock, deadline_seconds=1e9, type_seconds=100.0)
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.PARTIAL, "TypeDeadlineExceeded")
    assert len(kept.ids("A::B::Box")) in range(10, 13)
    assert kept.coverage("A::B::Other").state is CoverageState.COMPLETE
    assert (outcome.ended, outcome.interrupted) == ("", False)


def test_what_waits_for_its_turn_when_its_type_is_out_of_time_is_let_go_at_once() -> None:
    clock, asked = Clock(), threading.Event()

    def size(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        clock.seconds += 200
        asked.set()
        return {"Size": 1}

    limits = {"ListBoxes": Limit(1e9, 1e9), "GetSize": Limit(0.001, 1)}  # the second detail comes after 1,000 s
    caller = Scripted(ListBoxes=pages("Boxes", rows(*range(500))), GetSize=size)
    kept, outcome = read(
        caller,
        SIZED,
        clock=clock,
        limits=lambda service, operation: limits[operation],
        type_seconds=100.0,
        deadline_seconds=1e9,
    )
    assert len(kept.resources) == 500
    assert {gap.code for box in kept.resources for gap in box.gaps.values()} == {"TypeDeadlineExceeded"}
    assert outcome.statistics["calls"] <= 3


def test_one_call_that_never_ends_is_given_up_and_the_rest_goes_on_though_all_threads_were_busy() -> None:
    clock, hangs = Clock(), threading.Event()

    def hanging(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        clock.seconds += 1000
        hangs.wait(60)
        return {"Boxes": rows("late")}

    other = a_type("A::B::Other", list=Call("box", "ListOthers", "Boxes"))
    caller = Scripted(ListBoxes=hanging, ListOthers=pages("Boxes", rows("b")))
    try:
        kept, outcome = read(caller, BOX, other, clock=clock, threads=1, pace=Pace(call_seconds=60))
    finally:
        hangs.set()
    gap = kept.coverage("A::B::Box").gap
    assert kept.coverage("A::B::Box").state is CoverageState.FAILED
    assert gap is not None
    assert gap.code == "DeadlineExceeded"
    assert kept.ids("A::B::Other") == ["b"]
    assert not outcome.ended


# ---- our own faults --------------------------------------------------------------------------------------------------


def failing(row: Any) -> Any:
    raise ZeroDivisionError("ours")


@pytest.mark.parametrize(
    "type",
    [
        a_type("A::B::Bad", list=LIST, only=failing),
        a_type("A::B::Bad", list=LIST, shape=failing),
        a_type("A::B::Bad", list=LIST, details={"Size": SIZE}, details_when={"Size": failing}),
    ],
    ids=["only", "shape", "details_when"],
)
def test_a_bug_in_a_declaration_fails_its_scope_and_no_other(type: Any, caplog: pytest.LogCaptureFixture) -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("a"), rows("b")), GetSize=lambda params, region: {"Size": 1})
    kept, _ = read(caller, type, BOX)
    coverage = kept.coverage("A::B::Bad")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.FAILED, "ZeroDivisionError")
    assert sorted(kept.ids("A::B::Box")) == ["a", "b"]
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE
    assert "ZeroDivisionError: ours" in caplog.text


@pytest.mark.parametrize("operation", ["ListBoxes", "GetSize"])
def test_a_bug_in_the_caller_fails_the_scope_and_hangs_nothing(
    operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    script: dict[str, Any] = {"ListBoxes": pages("Boxes", rows("a")), "GetSize": lambda params, region: {"Size": 1}}
    kept, _ = read(Scripted(**(script | {operation: raises(RuntimeError("ours"))})), SIZED)
    gap = kept.coverage("A::B::Box").gap
    assert kept.coverage("A::B::Box").state is CoverageState.FAILED
    assert gap is not None
    assert gap.code == "RuntimeError"
    assert "RuntimeError: ours" in caplog.text


def test_a_store_that_cannot_write_ends_the_collection() -> None:
    class Full(Kept):
        def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
            raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="the disk is full"):
        read(Scripted(ListBoxes=pages("Boxes", rows("a"))), BOX, sink=Full())


# ---- order, memory, progress -----------------------------------------------------------------------------------------


def test_the_sink_is_called_by_one_thread_at_a_time_and_who_reads_waits_for_it() -> None:
    inside, most = [0], [0]

    class Slow(Kept):
        def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.002)
            super().add(scope, page, volatile)
            inside[0] -= 1

    regions = [f"r-{number}" for number in range(12)]
    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a"))), BOX, regions=regions, sink=Slow(), threads=8)
    assert (len(kept.resources), most[0]) == (12, 1)
    assert threading.get_ident() not in kept.threads  # it was given its rows by those who read them


def test_the_longest_chain_goes_first() -> None:
    parent = a_type("A::C::Box", list=Call("box", "ListLong", "Boxes"))
    child = a_type("A::C::Lid", list=Call("box", "ListLids", "Lids", args={"Id": "Id"}), parent="A::C::Box")
    caller = Scripted(
        ListBoxes=pages("Boxes", rows("a")),
        ListLong=pages("Boxes", rows("a")),
        ListLids=lambda params, region: {"Lids": rows("l")},
    )
    read(caller, BOX, parent, child, threads=1)
    assert caller.calls[0][0] == "ListLong"


def test_rows_do_not_pile_up_in_memory_however_many_there_are() -> None:
    lock, answered, most = threading.Lock(), [0], [0]

    class Counting(Kept):
        def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
            super().add(scope, page, volatile)
            with lock:
                answered[0] -= len(page)

    whole = pages("Boxes", *(rows(*range(start, start + 50)) for start in range(0, 3000, 50)))

    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        answer = whole(params, region)
        with lock:
            answered[0] += len(answer["Boxes"])
            most[0] = max(most[0], answered[0])
        return answer

    caller = Scripted(ListBoxes=boxes, GetSize=lambda params, region: {"Size": 1})
    kept, _ = read(caller, SIZED, most_rows=100, sink=Counting(), threads=8)
    assert len(kept.resources) == 3000
    assert most[0] <= 200  # what may wait, and the page that found it so


def test_rows_for_which_nothing_more_is_read_do_not_wait_for_the_others_of_their_page() -> None:
    kept, there = Kept(), threading.Event()

    def size(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        there.wait(10 if len(kept.resources) < 9 else 0)  # until the other nine are kept
        return {"Size": len(kept.resources)}

    class Telling(Kept):
        def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
            kept.resources.extend(page)
            there.set()

    type = a_type("A::B::Box", list=LIST, details={"Size": SIZE}, details_when={"Size": lambda row: row["Id"] == "0"})
    read(Scripted(ListBoxes=pages("Boxes", rows(*map(str, range(10)))), GetSize=size), type, sink=Telling())
    assert [resource.document["Id"] for resource in kept.resources] == [*map(str, range(1, 10)), "0"]
    assert kept.resources[-1].document["Size"] == 9


def test_batches_that_are_not_full_do_not_hold_up_a_list_that_waits_for_memory() -> None:
    from auditor.collect.declare import Metric

    def measured(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        return {"MetricDataResults": []}

    caller = Scripted(ListBoxes=pages("Boxes", *(rows(n) for n in range(40))), GetMetricData=measured)
    type = a_type("A::B::Box", list=LIST, metrics=(Metric("N", "Load", "Sum", {"Box": "Id"}),))
    kept, _ = read(caller, type, most_rows=3)
    assert len(kept.resources) == 40


def test_progress_ends_with_everything_done() -> None:
    told: list[Progress] = []
    caller = Scripted(ListBoxes=pages("Boxes", rows("a", "b")), GetSize=Stumbles(1, THROTTLED))
    read(caller, SIZED, on_progress=told.append)
    assert (told[-1].done, told[-1].known) == (3, 3)
    assert told[-1].services == {"box": (3, 3)}
    assert told[-1].throttled == ("box",)
    assert [region for _, _, region in caller.calls] == [REGION] * 4
