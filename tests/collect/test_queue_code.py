"""Types that need code: calls one by one and side by side, waiting, sharing, failing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from scripted import DENIED, NOT_HERE, Scripted, a_type, pages, raises, read

from auditor.aws.answer import CallError, Fault
from auditor.collect.declare import Call, CallFailed, Collector, Wait
from auditor.model import CoverageState

LIST = Call("box", "ListBoxes", "Boxes")
REPORT = Call("box", "GetReport", "Report", absent=("NoReport",))


def rows(*ids: str) -> list[dict[str, Any]]:
    return [{"Id": id} for id in ids]


def code(collect: Any, *calls: Call, name: str = "A::B::Code") -> Any:
    return a_type(name, collect=collect, calls=calls)


def test_code_is_sent_the_rows_of_all_pages_and_yields_its_own() -> None:
    def collect() -> Collector:
        boxes = yield LIST
        yield [{"Id": f"{box['Id']}!"} for box in boxes]

    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a"), rows("b"))), code(collect, LIST))
    assert sorted(kept.ids("A::B::Code")) == ["a!", "b!"]
    assert kept.coverage("A::B::Code").state is CoverageState.COMPLETE


def test_calls_side_by_side_come_back_in_their_order_the_failed_ones_too() -> None:
    def sized(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params["Id"] == "b":
            raise DENIED
        return {"Size": params["Id"] * 2}

    def collect() -> Collector:
        answers = yield [Call("box", "GetSize", "Size", params={"Id": id}) for id in "abc"]
        yield [{"Id": answer.gap.code if isinstance(answer, CallFailed) else answer} for answer in answers]

    kept, _ = read(Scripted(GetSize=sized), code(collect, Call("box", "GetSize", "Size")))
    assert sorted(kept.ids("A::B::Code")) == ["AccessDenied", "aa", "cc"]
    assert kept.coverage("A::B::Code").state is CoverageState.COMPLETE


def test_a_failed_call_is_raised_in_the_code_and_an_absent_one_is_none() -> None:
    def collect() -> Collector:
        try:
            yield LIST
        except CallFailed as failed:
            yield rows(failed.gap.operation)
        assert (yield REPORT) is None
        yield rows("absent")

    caller = Scripted(ListBoxes=raises(DENIED), GetReport=raises(CallError(Fault.OTHER, "NoReport")))
    kept, _ = read(caller, code(collect, LIST, REPORT))
    assert sorted(kept.ids("A::B::Code")) == ["absent", "box:ListBoxes"]


def test_a_service_that_has_answered_the_code_is_here() -> None:
    def collect() -> Collector:
        boxes = yield LIST
        yield Call("box", "GetSize", "Size", params={"Id": boxes[0]["Id"]})

    caller = Scripted(ListBoxes=pages("Boxes", rows("a")), GetSize=raises(NOT_HERE))
    kept, _ = read(caller, code(collect, LIST, Call("box", "GetSize", "Size")))
    assert kept.coverage("A::B::Code").state is CoverageState.FAILED


@pytest.mark.parametrize(
    ("error", "before", "state"),
    [
        (DENIED, [], CoverageState.DENIED),
        (DENIED, rows("a"), CoverageState.PARTIAL),
        (NOT_HERE, [], CoverageState.NOT_OFFERED),
        (CallError(Fault.PARAMETER, "Wrong"), [], CoverageState.FAILED),
    ],
)
def test_what_the_code_does_not_catch_decides_the_coverage(error: CallError, before: Any, state: CoverageState) -> None:
    def collect() -> Collector:
        yield before
        yield LIST

    kept, _ = read(Scripted(ListBoxes=raises(error)), code(collect, LIST))
    coverage = kept.coverage("A::B::Code")
    assert coverage.state is state
    assert coverage.gap is not None
    assert coverage.gap.code == error.code


def test_code_can_wait_and_a_call_asked_again_is_made_again() -> None:
    answers = iter(["", "", "ready"])

    def collect() -> Collector:
        while not (yield REPORT):
            yield Wait(0.001)
        yield rows("done")

    caller = Scripted(GetReport=lambda params, region: {"Report": next(answers)})
    kept, _ = read(caller, code(collect, REPORT))
    assert kept.ids("A::B::Code") == ["done"]
    assert caller.count() == {"GetReport": 3}


@pytest.mark.parametrize("listed_too", [True, False])
def test_code_gets_the_fields_of_a_list_that_it_names_and_nothing_else_is_held(listed_too: bool) -> None:
    named, seen = replace(LIST, fields=("Id", "Size")), list[Any]()

    def collect() -> Collector:
        seen.extend((yield named))

    whole = [{"Id": "a", "Size": 1, "More": "x"}, {"Id": "b", "More": "y"}]
    caller = Scripted(ListBoxes=pages("Boxes", whole))
    kept, _ = read(caller, code(collect, named), *([a_type("A::B::Box", list=LIST)] if listed_too else []))
    assert seen == [{"Id": "a", "Size": 1}, {"Id": "b"}]
    assert [box.document for box in kept.of("A::B::Box")] == (whole if listed_too else [])
    assert caller.count() == {"ListBoxes": 1}


def test_a_call_that_lists_a_type_as_well_is_made_once() -> None:
    def collect() -> Collector:
        boxes = yield LIST
        yield [{"Id": f"{box['Id']}!"} for box in boxes]

    caller = Scripted(ListBoxes=pages("Boxes", rows("a"), rows("b")))
    kept, _ = read(caller, a_type("A::B::Box", list=LIST), code(collect, LIST))
    assert caller.count() == {"ListBoxes": 2}
    assert sorted(kept.ids("A::B::Code")) == ["a!", "b!"]


def test_a_call_that_two_types_code_announces_is_made_once() -> None:
    def collect() -> Collector:
        boxes = yield LIST
        yield list(boxes)

    def ids() -> Collector:
        found = yield Call("box", "ListBoxes", "Boxes[].Id")
        yield rows(*found)

    caller = Scripted(ListBoxes=pages("Boxes", rows("a"), rows("b")))
    kept, _ = read(caller, code(collect, LIST), code(ids, Call("box", "ListBoxes", "Boxes[].Id"), name="A::B::Ids"))
    assert caller.count() == {"ListBoxes": 2}
    assert sorted(kept.ids("A::B::Code")) == sorted(kept.ids("A::B::Ids")) == ["a", "b"]


def test_a_shared_list_that_fails_fails_for_everybody() -> None:
    def collect() -> Collector:
        yield rows(*(yield LIST))

    kept, _ = read(Scripted(ListBoxes=raises(DENIED)), a_type("A::B::Box", list=LIST), code(collect, LIST))
    assert {coverage.state for coverage in kept.closed} == {CoverageState.DENIED}


def test_a_bug_in_the_code_fails_its_scope_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def collect() -> Collector:
        boxes = yield LIST
        yield rows(boxes[5])

    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a"))), a_type("A::B::Box", list=LIST), code(collect, LIST))
    coverage = kept.coverage("A::B::Code")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.FAILED, "IndexError")
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE
    assert "IndexError" in caplog.text


def test_code_that_catches_every_failure_cannot_keep_an_ended_scan_alive() -> None:
    def collect() -> Collector:
        while True:
            try:
                yield REPORT
            except CallFailed:
                yield Wait(0.0)

    caller = Scripted(GetReport=raises(CallError(Fault.CREDENTIALS, "ExpiredToken")))
    kept, outcome = read(caller, code(collect, REPORT))
    assert outcome.ended == "ExpiredToken"
    gap = kept.coverage("A::B::Code").gap
    assert gap is not None
    assert gap.code == "ExpiredToken"
