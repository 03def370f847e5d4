"""What is read for each row: details, batches and metrics, and what becomes of those that fail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from scripted import DENIED, EXPIRED, REGION, WRONG, Scripted, a_type, pages, raises, read

from auditor.aws.answer import Answer, CallError, Fault, Operation
from auditor.collect.declare import Batch, Call, Metric
from auditor.model import CoverageState, Gap

LIST = Call("box", "ListBoxes", "Boxes")
SIZE = Call("box", "GetSize", "Size", args={"BoxId": "Id"}, absent=("NoSuchSizeConfiguration",))


def rows(*ids: str) -> list[dict[str, Any]]:
    return [{"Id": id} for id in ids]


def sized(**fields: Any) -> Any:
    return a_type("A::B::Box", **({"list": LIST, "details": {"Size": SIZE}} | fields))


def boxes_and(answer: Any, *ids: str) -> Scripted:
    return Scripted(ListBoxes=pages("Boxes", rows(*(ids or ("a",)))), GetSize=answer)


# ---- one by one ------------------------------------------------------------------------------------------------------


def test_a_detail_lies_under_its_name() -> None:
    kept, _ = read(boxes_and(lambda params, region: {"Size": {"Of": params["BoxId"]}}, "a", "b"), sized())
    assert {box.document["Id"]: box.document["Size"]["Of"] for box in kept.resources} == {"a": "a", "b": "b"}


def test_a_detail_without_a_result_is_the_whole_answer() -> None:
    whole = Call("box", "GetSize", args={"BoxId": "Id"})
    kept, _ = read(boxes_and(lambda params, region: {"Width": 1, "Height": 2}), sized(details={"Size": whole}))
    assert kept.resources[0].document["Size"] == {"Width": 1, "Height": 2}


def test_a_detail_is_followed_over_its_pages() -> None:
    kept, _ = read(boxes_and(pages("Size", [1, 2], [3])), sized())
    assert kept.resources[0].document["Size"] == [1, 2, 3]


def test_a_declared_absence_is_none() -> None:
    kept, outcome = read(boxes_and(raises(CallError(Fault.GONE, "NoSuchSizeConfiguration"))), sized())
    assert kept.resources[0].document["Size"] is None
    assert not kept.resources[0].gaps
    assert outcome.statistics["failed"] == 0


def test_a_list_that_an_answer_leaves_out_is_empty_and_a_value_is_none() -> None:
    class WithModel(Scripted):
        def operation(self, service: str, operation: str) -> Operation:
            return Operation(lists=frozenset({"Sizes"}))

    caller = WithModel(ListBoxes=pages("Boxes", rows("a")), GetSize=lambda params, region: {})
    details = {"Size": SIZE, "Sizes": Call("box", "GetSize", "Sizes", args={"BoxId": "Id"})}
    kept, _ = read(caller, sized(details=details))
    assert kept.resources[0].document == {"Id": "a", "Size": None, "Sizes": []}


@pytest.mark.parametrize("error", [DENIED, WRONG, EXPIRED], ids=lambda error: error.code)
def test_a_detail_that_fails_is_a_gap_and_the_list_is_still_whole(error: CallError) -> None:
    kept, _ = read(boxes_and(raises(error)), sized())
    gap = Gap("box:GetSize", error.code, error.message)
    assert "Size" not in kept.resources[0].document
    assert kept.resources[0].gaps == {"Size": gap}
    coverage = kept.coverage("A::B::Box")
    assert coverage.state is CoverageState.COMPLETE
    assert coverage.gaps == {"Size": gap}
    assert not coverage.whole


@pytest.mark.parametrize(
    ("code", "message", "gone"),
    [
        ("BoxNotFound", "", True),
        ("BoxNotFoundFault", "", True),
        ("InvalidBoxID.NotFound", "", True),
        ("NoSuchEntity", "there is no a1", True),
        ("ResourceNotFoundException", "a1 does not exist", True),
        ("ResourceNotFoundException", "there is no policy", False),
        ("LidNotFoundException", "a1 has no lid", False),
        ("NoSuchTagSet", "a1 has none", False),
    ],
)
def test_a_resource_is_dropped_only_when_the_error_says_that_it_itself_is_gone(
    code: str, message: str, gone: bool
) -> None:
    def size(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params["BoxId"] == "a1":
            raise CallError(Fault.GONE, code, message)
        return {"Size": 1}

    kept, _ = read(boxes_and(size, "a1", "b2"), sized())
    assert sorted(kept.ids("A::B::Box")) == (["b2"] if gone else ["a1", "b2"])
    assert kept.coverage("A::B::Box").state is CoverageState.COMPLETE


def test_a_detail_is_read_only_of_the_rows_it_is_meant_for() -> None:
    caller = boxes_and(lambda params, region: {"Size": 1}, "a", "b")
    kept, _ = read(caller, sized(details_when={"Size": lambda box: box["Id"] == "a"}))
    assert [params["BoxId"] for params in caller.params("GetSize")] == ["a"]
    assert {box.document["Id"]: "Size" in box.document for box in kept.resources} == {"a": True, "b": False}


def test_a_row_without_the_argument_has_a_gap_and_no_call_is_made() -> None:
    caller = boxes_and(lambda params, region: {"Size": 1})
    lacking = Call("box", "GetSize", "Size", args={"Names[]": "Name"})
    kept, _ = read(caller, sized(details={"Size": lacking}))
    assert kept.resources[0].gaps["Size"].code == "FieldMissing"
    assert caller.count() == {"ListBoxes": 1}


def test_arguments_can_be_lists_of_one_and_come_with_fixed_values() -> None:
    caller = boxes_and(lambda params, region: {"Size": 1})
    read(caller, sized(details={"Size": Call("box", "GetSize", "Size", args={"Ids[]": "Id"}, params={"Unit": "m"})}))
    assert caller.params("GetSize") == [{"Ids": ["a"], "Unit": "m"}]


def test_what_is_dropped_is_dropped_before_it_is_kept_and_shared_rows_stay_as_they_are() -> None:
    row = {"Id": "a", "Secret": "x", "Parts": [{"Name": "p", "Key": "y"}]}
    caller = Scripted(ListBoxes=pages("Boxes", [row]))
    plain, bare = a_type("A::B::Plain", list=LIST), a_type("A::B::Bare", list=LIST, drop=("Secret", "Parts[].Key"))
    kept, _ = read(caller, plain, bare)
    assert kept.of("A::B::Plain")[0].document == row
    assert kept.of("A::B::Bare")[0].document == {"Id": "a", "Parts": [{"Name": "p"}]}


def test_volatile_fields_are_named_to_the_sink() -> None:
    kept, _ = read(boxes_and(lambda params, region: {"Size": 1}), sized(volatile=("Progress",)))
    assert kept.volatile["A::B::Box"] == {"Progress"}


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "k", "Value": "v"}],
        [{"key": "k", "value": "v"}],
        [{"TagKey": "k", "TagValue": "v"}],
        {"k": "v"},
    ],
)
def test_tags_are_understood_in_all_of_aws_forms(tags: Any) -> None:
    kept, _ = read(
        Scripted(ListBoxes=pages("Boxes", [{"Id": "a", "TagList": tags}])), sized(details={}, tags="TagList")
    )
    assert kept.resources[0].tags == {"k": "v"}


def test_tags_that_cannot_be_read_are_a_gap_of_tags_whatever_the_field_is_called() -> None:
    kept, _ = read(boxes_and(raises(DENIED)), sized(tags="Size.Tags"))
    assert kept.resources[0].gaps["Tags"].code == "AccessDenied"


def test_a_gap_within_a_row_is_a_gap_of_the_resource() -> None:
    gap = Gap("x:Y", "Nope")
    caller = Scripted(ListBoxes=pages("Boxes", rows("a")))
    kept, _ = read(caller, sized(details={}, shape=lambda row: {**row, "Owner": gap}))
    assert kept.resources[0].gaps == {"Owner": gap}
    assert kept.resources[0].document == {"Id": "a"}


# ---- batches ---------------------------------------------------------------------------------------------------------

TAGS = Batch(Call("box", "GetTags", "Found"), ids="Ids", by="Id", size=3, match="Id", value="Tags")


def tags_of(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    return {"Found": [{"Id": id, "Tags": [{"Key": "of", "Value": id}]} for id in params["Ids"] if id != "untagged"]}


def test_batches_fill_up_across_pages_and_each_row_gets_its_answer() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", *(rows(str(n)) for n in range(7))), GetTags=tags_of)
    kept, _ = read(caller, sized(details={"Tags": TAGS}, tags="Tags"))
    assert sorted(len(params["Ids"]) for params in caller.params("GetTags")) == [1, 3, 3]
    assert all(box.tags == {"of": box.document["Id"]} for box in kept.resources)
    assert len(kept.resources) == 7


def test_a_row_that_the_batch_leaves_out_was_not_read() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("a", "untagged")), GetTags=tags_of)
    kept, _ = read(caller, sized(details={"Tags": TAGS}))
    assert {box.document["Id"]: [gap.code for gap in box.gaps.values()] for box in kept.resources} == {
        "a": [],
        "untagged": ["NotInAnswer"],
    }
    assert not kept.coverage("A::B::Box").whole


def test_a_batch_that_is_denied_is_a_gap_of_each_row() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("a", "b")), GetTags=raises(DENIED))
    kept, _ = read(caller, sized(details={"Tags": TAGS}, tags="Tags"))
    assert [box.gaps["Tags"].code for box in kept.resources] == ["AccessDenied"] * 2


def test_one_vanished_resource_does_not_cost_the_others_their_batch() -> None:
    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if "b" in params["Ids"]:
            raise CallError(Fault.GONE, "BoxNotFound", "one is gone")
        return tags_of(params, region)

    caller = Scripted(ListBoxes=pages("Boxes", rows("a", "b", "c")), GetTags=answer)
    kept, _ = read(caller, sized(details={"Tags": TAGS}))
    assert sorted(kept.ids("A::B::Box")) == ["a", "c"]
    assert not any(box.gaps for box in kept.resources)


# ---- metrics ---------------------------------------------------------------------------------------------------------


def metric(name: str = "Load", **fields: Any) -> Metric:
    return Metric(**({"namespace": "N", "name": name, "statistic": "Sum", "dimensions": {"Box": "Id"}} | fields))


def measured(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    def value(query: Mapping[str, Any]) -> dict[str, Any]:
        asked = query["MetricStat"]["Metric"]
        number = float(asked["Dimensions"][0]["Value"])
        return {"Id": query["Id"], "Timestamps": [params["StartTime"]], "Values": [number], "StatusCode": "Complete"}

    return {"MetricDataResults": [value(query) for query in params["MetricDataQueries"]]}


def test_metrics_come_back_to_the_rows_they_are_of_five_hundred_to_a_call() -> None:
    several = [rows(*(str(n) for n in range(start, start + 100))) for start in range(0, 600, 100)]
    caller = Scripted(ListBoxes=pages("Boxes", *several), GetMetricData=measured)
    kept, _ = read(caller, sized(details={}, metrics=(metric(),)))
    assert sorted(len(params["MetricDataQueries"]) for params in caller.params("GetMetricData")) == [100, 500]
    assert len(kept.resources) == 600
    for box in kept.resources:
        assert list(box.document["Metrics"]["Load.Sum"]["Values"]) == [float(box.document["Id"])]
    assert kept.volatile["A::B::Box"] == {"Metrics"}


class Dated(Scripted):
    """Answers at a moment of the test's own."""

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        answer = super().call(service, operation, params, region)
        return Answer(answer.parsed, datetime(2026, 6, 15, 13, 47, 31, tzinfo=UTC))


def test_windows_end_with_the_last_whole_period_and_daily_ones_start_at_midnight() -> None:
    caller = Dated(ListBoxes=pages("Boxes", rows("1")), GetMetricData=measured)
    metrics = (metric(), metric("Fine", days=1, period=300))
    read(caller, sized(details={}, metrics=metrics))
    windows = {(params["StartTime"], params["EndTime"]) for params in caller.params("GetMetricData")}
    assert windows == {
        ("2026-06-01T00:00:00+00:00", "2026-06-15T00:00:00+00:00"),
        ("2026-06-14T13:45:00+00:00", "2026-06-15T13:45:00+00:00"),
    }


def test_metrics_are_read_only_of_rows_they_are_meant_for_and_that_have_the_dimension() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("1", "2")), GetMetricData=measured)
    metrics = (metric(when=lambda row: row["Id"] == "1"), metric("Other", dimensions={"Box": "Name"}))
    kept, _ = read(caller, sized(details={}, metrics=metrics))
    assert {box.document["Id"]: set(box.document["Metrics"]) for box in kept.resources} == {
        "1": {"Load.Sum"},
        "2": set(),
    }


def test_a_metric_that_goes_on_on_a_second_page_is_put_together() -> None:
    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        page = int(params.get("NextToken", 0))
        status = "Complete" if page else "PartialData"
        result = {"Id": "q0", "Timestamps": [f"t{page}"], "Values": [float(page)], "StatusCode": status}
        return {"MetricDataResults": [result], **({} if page else {"NextToken": "1"})}

    caller = Scripted(ListBoxes=pages("Boxes", rows("1")), GetMetricData=answer)
    kept, _ = read(caller, sized(details={}, metrics=(metric(key="mine"),)))
    assert kept.resources[0].document["Metrics"]["mine"]["Timestamps"] == ["t0", "t1"]


def test_metrics_that_are_denied_are_a_gap() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("1")), GetMetricData=raises(DENIED))
    kept, _ = read(caller, sized(details={}, metrics=(metric(),)))
    assert kept.resources[0].gaps == {"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied", "not you")}
    assert not kept.coverage("A::B::Box").whole


def test_a_metric_that_cloudwatch_could_not_tell_is_missing_and_said_to_be() -> None:
    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        return {"MetricDataResults": [{"Id": "q0", "StatusCode": "InternalError"}, {"Id": "q1", "Values": [1.0]}]}

    caller = Scripted(ListBoxes=pages("Boxes", rows("1")), GetMetricData=answer)
    kept, _ = read(caller, sized(details={}, metrics=(metric(), metric("Other"))))
    assert set(kept.resources[0].document["Metrics"]) == {"Other.Sum"}
    assert kept.coverage("A::B::Box").gaps["Metrics"].code == "InternalError"


@pytest.mark.parametrize(
    ("results", "code"),
    [([], "Missing"), ([{"Id": "q1", "Values": [1.0], "StatusCode": "PartialData"}], "PartialData")],
)
def test_datapoints_that_cloudwatch_holds_back_are_not_no_datapoints(results: Any, code: str) -> None:
    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        return {"MetricDataResults": [{"Id": "q0", "Values": []}, *results]}

    caller = Scripted(ListBoxes=pages("Boxes", rows("1")), GetMetricData=answer)
    kept, _ = read(caller, sized(details={}, metrics=(metric(), metric("Other"))))
    assert set(kept.resources[0].document["Metrics"]) == {"Load.Sum"}
    assert kept.coverage("A::B::Box").gaps["Metrics"].code == code


def test_metrics_are_asked_for_where_the_resource_is() -> None:
    caller = Scripted(ListBoxes=pages("Boxes", rows("1")), GetMetricData=measured)
    read(caller, sized(details={}, metrics=(metric(),)))
    assert {region for _, _, region in caller.calls} == {REGION}
