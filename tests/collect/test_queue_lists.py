"""What is listed: pages, shared lists, parents and children, places, and what each failure makes of the coverage."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import (
    ACCOUNT,
    DENIED,
    EXPIRED,
    NOT_HERE,
    REGION,
    THROTTLED,
    UNAVAILABLE,
    WRONG,
    Scripted,
    a_type,
    pages,
    raises,
    read,
)

from auditor.aws.answer import CallError, Fault
from auditor.collect.declare import Call
from auditor.collect.plan import make_plan
from auditor.kit import NOW
from auditor.model import GLOBAL, CoverageState

LIST = Call("box", "ListBoxes", "Boxes")


def rows(*ids: str) -> list[dict[str, Any]]:
    return [{"Id": id} for id in ids]


def test_every_page_is_followed_and_the_scope_is_complete() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("a", "b"), rows("c"), rows("d")))
    kept, outcome = read(caller, a_type("A::B::Box", list=LIST))
    assert sorted(kept.ids("A::B::Box")) == ["a", "b", "c", "d"]
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state, coverage.gap, coverage.resources, coverage.calls) == (CoverageState.COMPLETE, None, 4, 3)
    assert coverage.observed_at == NOW
    assert outcome.statistics["calls"] == outcome.statistics["services"]["box"]["calls"] == 3
    assert not outcome.interrupted


def test_an_empty_account_is_complete() -> None:
    kept, _ = read(Scripted(ListBoxes=lambda params, region: {}), a_type("A::B::Box", list=LIST))
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE
    assert not kept.resources


def test_the_same_list_of_two_types_is_made_once_and_split() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("a1", "b1"), rows("a2")))
    only_a = a_type("A::B::A", list=LIST, only=lambda row: row["Id"].startswith("a"))
    only_b = a_type("A::B::B", list=LIST, only=lambda row: row["Id"].startswith("b"))
    kept, _ = read(caller, only_a, only_b)
    assert len(caller.calls) == 2
    assert (sorted(kept.ids("A::B::A")), kept.ids("A::B::B")) == (["a1", "a2"], ["b1"])


def test_one_answer_can_hold_the_rows_of_several_types() -> None:
    caller = Scripted(ListBoxes=lambda params, region: {"Boxes": rows("a"), "Lids": rows("b")})
    kept, _ = read(caller, a_type("A::B::Box", list=LIST), a_type("A::B::Lid", list=Call("box", "ListBoxes", "Lids")))
    assert len(caller.calls) == 1
    assert (kept.ids("A::B::Box"), kept.ids("A::B::Lid")) == (["a"], ["b"])


def test_lists_with_other_parameters_are_other_lists() -> None:
    caller = Scripted(ListBoxes=lambda params, region: {"Boxes": rows(params["Kind"])})
    lists = tuple(Call("box", "ListBoxes", "Boxes", params={"Kind": kind}) for kind in ("red", "blue"))
    kept, _ = read(caller, a_type("A::B::Box", list=lists))
    assert sorted(kept.ids("A::B::Box")) == ["blue", "red"]


def test_a_row_on_two_pages_is_one_resource() -> None:
    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a", "b"), rows("b", "c"))), a_type("A::B::Box", list=LIST))
    assert sorted(kept.ids("A::B::Box")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (DENIED, CoverageState.DENIED),
        (NOT_HERE, CoverageState.NOT_OFFERED),
        (THROTTLED, CoverageState.FAILED),
        (UNAVAILABLE, CoverageState.FAILED),
        (WRONG, CoverageState.FAILED),
        (CallError(Fault.UNSUPPORTED, "NotImplemented"), CoverageState.FAILED),
        (CallError(Fault.GONE, "ResourceNotFoundException"), CoverageState.FAILED),
        (CallError(Fault.CREDENTIALS, "InvalidClientTokenId"), CoverageState.FAILED),
        (EXPIRED, CoverageState.FAILED),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_a_list_that_fails_decides_the_coverage(error: CallError, state: CoverageState) -> None:
    kept, _ = read(Scripted(ListBoxes=raises(error)), a_type("A::B::Box", list=LIST))
    coverage = kept.coverage("A::B::Box")
    assert coverage.state is state
    assert coverage.gap is not None
    assert (coverage.gap.operation, coverage.gap.code) == ("box:ListBoxes", error.code)
    assert coverage.gap.message == error.message


def test_an_absent_code_of_a_list_means_there_is_nothing() -> None:
    listed = Call("box", "ListBoxes", "Boxes", absent=("Uninitialized",))
    caller = Scripted(ListBoxes=raises(CallError(Fault.OTHER, "Uninitialized")))
    kept, outcome = read(caller, a_type("A::B::Box", list=listed))
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE
    assert outcome.statistics["failed"] == 0


def test_a_list_that_breaks_off_is_partial_and_what_was_read_is_kept() -> None:
    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if "NextToken" in params:
            raise DENIED
        return {"Boxes": rows("a"), "NextToken": "more"}

    kept, _ = read(Scripted(ListBoxes=answer), a_type("A::B::Box", list=LIST))
    assert kept.ids("A::B::Box") == ["a"]
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.PARTIAL, "AccessDenied")


def test_a_token_that_repeats_ends_the_list_as_partial() -> None:
    caller = Scripted(ListBoxes=lambda params, region: {"Boxes": rows("a"), "NextToken": "again"})
    kept, _ = read(caller, a_type("A::B::Box", list=LIST))
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.PARTIAL, "RepeatedToken")
    assert len(caller.calls) == 2


def test_a_row_without_what_its_id_is_made_of_is_not_silently_lost() -> None:
    kept, _ = read(Scripted(ListBoxes=pages("Boxes", [{"Id": "a"}, {"Name": "b"}])), a_type("A::B::Box", list=LIST))
    coverage = kept.coverage("A::B::Box")
    assert kept.ids("A::B::Box") == ["a"]
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.PARTIAL, "FieldMissing")


# ---- children --------------------------------------------------------------------------------------------------------

LIDS = Call("box", "ListLids", "Lids", args={"BoxId": "Id"})


def family(**child: Any) -> tuple[Any, Any]:
    parent = a_type("A::B::Box", list=LIST)
    return parent, a_type("A::B::Lid", **({"list": LIDS, "parent": "A::B::Box"} | child))


def lids_of_box(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    return {"Lids": rows(f"{params['BoxId']}-lid")}


def test_children_are_listed_for_each_parent() -> None:
    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a"), rows("b")), ListLids=lids_of_box), *family())
    assert sorted(kept.ids("A::B::Lid")) == ["a-lid", "b-lid"]
    assert kept.coverage("A::B::Lid").state is CoverageState.COMPLETE


def test_a_parent_that_was_not_asked_for_is_read_too() -> None:
    parent, child = family()
    plan = make_plan([child], {type.type: type for type in (parent, child)}, ACCOUNT, "aws", (REGION,))
    assert set(plan.types) == {"A::B::Box", "A::B::Lid"}


def test_children_inherit_fields_and_are_listed_only_for_some_parents() -> None:
    parent, child = family(inherit=("Colour",), parent_when=lambda box: box["Id"] != "b")
    boxes = [{"Id": "a", "Colour": "red"}, {"Id": "b", "Colour": "blue"}]
    kept, _ = read(Scripted(ListBoxes=pages("Boxes", boxes), ListLids=lids_of_box), parent, child)
    assert [lid.document for lid in kept.of("A::B::Lid")] == [{"Id": "a-lid", "Colour": "red"}]


def test_children_that_inherit_a_detail_are_listed_once_it_is_read() -> None:
    parent = a_type("A::B::Box", list=LIST, details={"Owner": Call("box", "GetOwner", "Owner", args={"BoxId": "Id"})})
    _, child = family(inherit=("Owner",))
    caller = Scripted(
        ListBoxes=pages("Boxes", rows("a")), ListLids=lids_of_box, GetOwner=lambda params, region: {"Owner": "me"}
    )
    kept, _ = read(caller, parent, child)
    assert kept.of("A::B::Lid")[0].document["Owner"] == "me"
    caller.script["GetOwner"] = raises(DENIED)
    kept, _ = read(caller, parent, child)
    assert kept.of("A::B::Lid")[0].gaps["Owner"].code == "AccessDenied"


@pytest.mark.parametrize(
    ("error", "state"),
    [(DENIED, CoverageState.DENIED), (WRONG, CoverageState.FAILED), (NOT_HERE, CoverageState.NOT_OFFERED)],
)
def test_children_of_parents_that_cannot_be_read_are_read_no_better(error: CallError, state: CoverageState) -> None:
    kept, _ = read(Scripted(ListBoxes=raises(error)), *family())
    assert kept.coverage("A::B::Lid").state is state
    assert kept.coverage("A::B::Lid").gap == kept.coverage("A::B::Box").gap


def test_a_list_that_ends_with_the_service_not_being_here_is_partial() -> None:
    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params:
            raise NOT_HERE
        return {"Boxes": rows("a"), "NextToken": "more"}

    kept, _ = read(Scripted(ListBoxes=boxes), a_type("A::B::Box", list=LIST))
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state, coverage.gap and coverage.gap.code) == (CoverageState.PARTIAL, "OptInRequired")


def test_what_is_here_for_one_parent_is_not_absent_for_another() -> None:
    def lids(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params["BoxId"] == "b":
            raise NOT_HERE
        return lids_of_box(params, region)

    caller = Scripted(ListBoxes=pages("Boxes", rows("a", "b")), ListLids=lids)
    kept, _ = read(caller, *family())
    assert kept.coverage("A::B::Lid").state is CoverageState.PARTIAL
    caller.script["ListLids"] = raises(NOT_HERE)
    kept, _ = read(caller, *family())
    assert kept.coverage("A::B::Lid").state is CoverageState.NOT_OFFERED


def test_children_are_partial_when_their_parents_are() -> None:
    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params:
            raise DENIED
        return {"Boxes": rows("a"), "NextToken": "more"}

    kept, _ = read(Scripted(ListBoxes=boxes, ListLids=lids_of_box), *family())
    assert kept.ids("A::B::Lid") == ["a-lid"]
    assert kept.coverage("A::B::Lid").state is CoverageState.PARTIAL


def test_a_child_list_that_fails_makes_its_scope_partial() -> None:
    def lids(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params["BoxId"] == "b":
            raise DENIED
        return lids_of_box(params, region)

    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a", "b")), ListLids=lids), *family())
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE
    assert kept.coverage("A::B::Lid").state is CoverageState.PARTIAL


def test_a_parent_that_vanished_has_no_children_and_hurts_nobody() -> None:
    error = CallError(Fault.GONE, "BoxNotFound", "no box")
    kept, _ = read(Scripted(ListBoxes=pages("Boxes", rows("a")), ListLids=raises(error)), *family())
    assert kept.coverage("A::B::Lid").state is CoverageState.COMPLETE


def test_children_of_no_parents_are_complete() -> None:
    kept, _ = read(Scripted(ListBoxes=pages("Boxes")), *family())
    coverage = kept.coverage("A::B::Lid")
    assert (coverage.state, coverage.observed_at) == (CoverageState.COMPLETE, NOW)


# ---- places ----------------------------------------------------------------------------------------------------------


def test_regional_types_are_read_in_every_region_and_global_ones_once() -> None:
    caller = Scripted(ListBoxes=lambda params, region: {"Boxes": rows(region)}, ListUsers=pages("Users", rows("u")))
    user = a_type("A::B::User", list=Call("iam", "ListUsers", "Users"), scope="global")
    kept, _ = read(caller, a_type("A::B::Box", list=LIST), user, regions=("eu-west-1", "us-east-1"))
    assert {box.region: box.document["Id"] for box in kept.of("A::B::Box")} == {
        "eu-west-1": "eu-west-1",
        "us-east-1": "us-east-1",
    }
    assert caller.count()["ListUsers"] == 1
    assert kept.coverage("A::B::User", GLOBAL).state is CoverageState.COMPLETE


@pytest.mark.parametrize(
    ("partition", "regions", "asked"),
    [
        ("aws", ("eu-west-1", "us-east-1"), "us-east-1"),
        ("aws", ("eu-west-1", "eu-west-2"), "eu-west-1"),
        ("aws-cn", ("cn-north-1",), "cn-north-1"),
        ("aws-us-gov", ("us-gov-east-1", "us-gov-west-1"), "us-gov-west-1"),
    ],
)
def test_what_is_global_is_asked_where_the_partition_answers(
    partition: str, regions: tuple[str, ...], asked: str
) -> None:
    caller = Scripted(ListUsers=pages("Users", rows("u")))
    user = a_type("A::B::User", list=Call("iam", "ListUsers", "Users"), scope="global")
    kept, _ = read(caller, user, regions=regions, partition=partition)
    assert [region for _, _, region in caller.calls] == [asked]
    assert kept.resources[0].id == f"arn:{partition}:x:global:{ACCOUNT}:u"


def test_a_service_of_one_region_is_asked_there_and_not_offered_in_other_partitions() -> None:
    listed = Call("shield", "ListBoxes", "Boxes", region="us-east-1")
    caller = Scripted(ListBoxes=pages("Boxes", rows("a")))
    kept, _ = read(caller, a_type("A::B::Box", list=listed, scope="global"))
    assert caller.calls[0][2] == "us-east-1"
    kept, _ = read(
        caller, a_type("A::B::Box", list=listed, scope="global"), partition="aws-cn", regions=("cn-north-1",)
    )
    assert kept.coverage("A::B::Box", GLOBAL).state is CoverageState.NOT_OFFERED
    assert len(caller.calls) == 1


def placed(**fields: Any) -> Any:
    return a_type("A::B::Box", **({"list": LIST, "scope": "global", "region": "{Where}"} | fields))


def test_a_list_of_all_regions_is_made_once_and_each_region_asked_for_gets_its_own() -> None:
    boxes = [{"Id": region, "Where": region} for region in ("eu-west-1", "eu-west-3", "us-east-1")]
    caller = Scripted(ListBoxes=pages("Boxes", boxes), GetSize=lambda params, region: {"Size": region})
    sized = placed(details={"Size": Call("box", "GetSize", "Size", args={"Id": "Id"})})
    kept, _ = read(caller, sized, regions=("eu-west-1", "eu-west-3"))
    assert {box.region: box.document["Size"] for box in kept.resources} == {
        "eu-west-1": "eu-west-1",
        "eu-west-3": "eu-west-3",
    }
    assert caller.count()["ListBoxes"] == 1
    assert {coverage.scope.region: coverage.resources for coverage in kept.closed} == {"eu-west-1": 1, "eu-west-3": 1}


def test_a_list_of_all_regions_that_is_denied_is_denied_in_each() -> None:
    kept, _ = read(Scripted(ListBoxes=raises(DENIED)), placed(), regions=("eu-west-1", "eu-west-3"))
    assert [coverage.state for coverage in kept.closed] == [CoverageState.DENIED] * 2


def test_a_parent_is_where_its_children_are() -> None:
    child = a_type("A::B::Lid", list=LIDS, parent="A::B::Box", scope="global")
    with pytest.raises(ValueError, match="A::B::Lid and its parent A::B::Box"):
        make_plan([child], {"A::B::Box": placed()}, ACCOUNT, "aws", (REGION,))


def test_a_failure_in_one_region_stays_there() -> None:
    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if region == "us-east-1":
            raise DENIED
        return {"Boxes": rows("a")}

    kept, _ = read(Scripted(ListBoxes=answer), a_type("A::B::Box", list=LIST), regions=("eu-west-1", "us-east-1"))
    assert kept.coverage("A::B::Box", "eu-west-1").state is CoverageState.COMPLETE
    assert kept.coverage("A::B::Box", "us-east-1").state is CoverageState.DENIED


# ---- whatever happens ------------------------------------------------------------------------------------------------

ERRORS = st.sampled_from([DENIED, WRONG, UNAVAILABLE, THROTTLED, CallError(Fault.GONE, "ThingNotFoundException")])


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    breaks_at=st.none() | st.integers(0, 5),
    list_error=ERRORS,
    details=st.dictionaries(st.integers(0, 29), ERRORS, max_size=6),
    stumbles=st.integers(0, 3),
    threads=st.integers(1, 8),
    most_rows=st.sampled_from([0, 3, 10_000]),
)
def test_every_row_comes_once_and_complete_means_that_nothing_failed(
    sizes: list[int],
    breaks_at: int | None,
    list_error: CallError,
    details: dict[int, CallError],
    stumbles: int,
    threads: int,
    most_rows: int,
) -> None:
    numbers = iter(range(1000))
    content = [[{"Id": str(next(numbers))} for _ in range(size)] for size in sizes]
    whole = pages("Boxes", *content)
    stumbled: dict[str, int] = {}

    def boxes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        page = str(params.get("NextToken", 0))
        stumbled[page] = stumbled.get(page, 0) + 1
        if stumbled[page] <= stumbles:
            raise THROTTLED
        if breaks_at is not None and int(page) >= breaks_at:
            raise list_error
        return whole(params, region)

    def size(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if int(params["Id"]) in details:
            raise details[int(params["Id"])]
        return {"Size": 1}

    caller = Scripted(ListBoxes=boxes, GetSize=size)
    type = a_type("A::B::Box", list=LIST, details={"Size": Call("box", "GetSize", "Size", args={"Id": "Id"})})
    kept, _ = read(caller, type, threads=threads, most_rows=most_rows)
    reached = content if breaks_at is None else content[:breaks_at]
    expected = sorted(row["Id"] for page in reached for row in page)
    assert sorted(kept.ids("A::B::Box")) == expected
    broke = breaks_at is not None and breaks_at < len(content)
    coverage = kept.coverage("A::B::Box")
    assert (coverage.state is CoverageState.COMPLETE) == (not broke)
    assert coverage.resources == len(expected)
    failing = {id for id in expected if int(id) in details}
    assert {box.document["Id"] for box in kept.resources if "Size" in box.gaps} == failing
    assert coverage.whole == (not broke and not failing)
