"""Every declared resource type is held against botocore's models: operations, paths, ids, and that no secret gets through."""

import json
import re
import string
from collections.abc import Iterator
from contextlib import suppress

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from shapes import Answers, fields, operation, specimen, values, walk

from auditor.collect import load_types
from auditor.collect.declare import Batch, Call, CallFailed, ResourceType
from auditor.model import Gap

TYPES = tuple(load_types().values())
each_type = pytest.mark.parametrize("type", TYPES, ids=lambda type: type.type)

READING = re.compile(r"(Describe|Get|List|Lookup|BatchGet)[A-Z]")
HAS_A_REPORT_MADE = "GenerateCredentialReport"
"""The one call that starts something: IAM makes the report anew, at most every four hours. Nothing of the account changes."""
PLACES = {"account", "region", "partition"}
NAMED_BY_US = {"AWS::CE::CommitmentUsage", "AWS::CE::PurchaseRecommendation"}
"""What there is one of in an account, or of each thing we ask about."""


def list_calls(type: ResourceType) -> tuple[Call, ...]:
    return type.lists or type.calls


def row(type: ResourceType) -> dict[str, object]:
    """A row as templates, details and metrics see it: shaped, with everything in it."""
    return Answers().rows(type)[0]


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name} - PLACES


def input_member(call: Call, member: str) -> Shape:
    shape = walk(operation(call).input_shape, member.removesuffix("[]"))
    assert isinstance(shape, ListShape) == member.endswith("[]"), f"{call.operation}.{member}"
    return shape


# ---- what is called --------------------------------------------------------------------------------------------------


@each_type
def test_it_only_reads(type: ResourceType) -> None:
    for call in type.every_call:
        assert READING.match(call.operation) or call.operation == HAS_A_REPORT_MADE, call
        assert operation(call).name == call.operation


@each_type
def test_a_generator_sends_only_calls_it_declares(type: ResourceType) -> None:
    sent: set[tuple[str, str]] = set()

    class Recording(Answers):
        denied = ("", "")

        def __call__(self, call: Call) -> object:
            sent.add((call.service, call.operation))
            check_params(call)
            denied = (call.service, call.operation) == self.denied
            return CallFailed(Gap("x:Y", "AccessDenied")) if denied else super().__call__(call)

    assert Recording().rows(type)
    for operation_denied in sorted(sent) if type.collect else ():
        recording = Recording()
        recording.denied = operation_denied
        with suppress(CallFailed):
            recording.rows(type)
    assert sent <= {(call.service, call.operation) for call in (*type.lists, *type.calls, *parents_calls(type))}
    if type.collect:
        assert sent == {(call.service, call.operation) for call in type.calls}, "declares a call that it never sends"


def parents_calls(type: ResourceType) -> Iterator[Call]:
    if type.parent:
        parent = load_types()[type.parent]
        yield from (*parent.lists, *parent.calls, *parents_calls(parent))


@each_type
def test_its_calls_have_the_members_they_name(type: ResourceType) -> None:
    for call in type.every_call:
        walk(operation(call).output_shape, call.result)
        for member in call.args:
            input_member(call, member)
        check_params(call)
        assert not set(call.params) & {member.removesuffix("[]") for member in call.args}


def check_params(call: Call) -> None:
    for member, value in call.params.items():
        check_param(walk(operation(call).input_shape, member), value, f"{call.operation}.{member}")


def check_param(shape: Shape, value: object, at: str) -> None:
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), at
        for name, inner in value.items():
            check_param(shape.members[name], inner, f"{at}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), at
        for inner in value:
            check_param(shape.member, inner, f"{at}[]")
    else:
        kinds = {"string": str, "boolean": bool, "integer": int, "long": int, "double": float}
        assert isinstance(value, kinds[shape.type_name]), at
        # What a generator takes from an answer is a specimen's "x" here.
        assert value in ("x", *(getattr(shape, "enum", None) or [value])), at


@each_type
def test_what_it_needs_is_given(type: ResourceType) -> None:
    details = (detail for detail in type.details.values() if isinstance(detail, Call))
    for call in (*type.lists, *details, *([type.get] if type.get else [])):
        shape = operation(call).input_shape
        needed = set(shape.required_members) if shape else set()
        assert needed <= {*call.params, *(member.removesuffix("[]") for member in call.args)}, call.operation


# ---- what is done with the answers -----------------------------------------------------------------------------------


@each_type
def test_a_list_call_leads_to_rows(type: ResourceType) -> None:
    for call in type.lists:
        shape = walk(operation(call).output_shape, call.result)
        assert isinstance(shape.member if isinstance(shape, ListShape) else shape, StructureShape), call


@each_type
def test_its_arguments_come_from_the_row_they_are_made_for(type: ResourceType) -> None:
    if type.parent:
        above = row(load_types()[type.parent])
        for call in type.lists:
            for path in call.args.values():
                assert values(above, path), f"{type.parent} has no {path}"
    else:
        assert not any(call.args for call in type.lists)
    for detail in type.details.values():
        for path in detail.args.values() if isinstance(detail, Call) else (detail.by,):
            assert values(row(type), path), f"{type.type} has no {path}"


@each_type
def test_a_batch_is_matched_by_fields_there_are(type: ResourceType) -> None:
    for batch in (detail for detail in type.details.values() if isinstance(detail, Batch)):
        assert isinstance(walk(operation(batch.call).input_shape, batch.ids), ListShape)
        answer = walk(operation(batch.call).output_shape, batch.call.result)
        assert isinstance(answer, ListShape)
        assert isinstance(answer.member, StructureShape)
        assert batch.match in answer.member.members
        walk(answer.member, batch.value)
        assert 1 <= batch.size <= 200


@each_type
def test_its_templates_are_made_of_fields_there_are(type: ResourceType) -> None:
    assert placeholders(type.id) <= set(row(type)), type.id
    assert placeholders(type.name) <= set(row(type)), type.name
    assert placeholders(type.region) <= set(row(type)), type.region
    assert type.id.startswith(("arn:", "{"))
    assert type.name


@each_type
def test_its_tags_are_where_it_says(type: ResourceType) -> None:
    if not type.tags:
        return
    document = Answers().document(type)
    found = document[type.tags]
    assert isinstance(found, dict) or {"Key", "Value"} <= set(found[0]) or {"TagKey", "TagValue"} <= set(found[0])


@each_type
def test_its_details_do_not_hide_a_field_of_the_row(type: ResourceType) -> None:
    # One that is asked for of some resources only may have a value in the rows of the others.
    assert not (set(type.details) - set(type.details_when)) & set(row(type))
    assert set(type.details_when) <= set(type.details)


@each_type
def test_what_changes_by_itself_is_a_field_it_has(type: ResourceType) -> None:
    assert set(type.volatile) <= set(fields(type.type))


@each_type
def test_what_is_dropped_was_there(type: ResourceType) -> None:
    whole: dict[str, object] = dict(row(type))
    for name, detail in type.details.items():
        call = detail.call if isinstance(detail, Batch) else detail
        whole[name] = values(specimen(operation(call).output_shape), call.result)
    if type.shape and not type.collect:
        for call in type.lists:
            listed = values(specimen(operation(call).output_shape), call.result)
            whole = {**(listed[0] if isinstance(listed, list) else listed), **whole}
    for path in type.drop:
        assert values(whole, path), path


@each_type
def test_what_it_inherits_its_parent_has(type: ResourceType) -> None:
    assert bool(type.parent) or not (type.inherit or type.parent_when)
    if type.parent:
        assert type.parent in load_types()
        assert set(type.inherit) <= set(row(load_types()[type.parent]))


@each_type
def test_it_is_asked_for_again_by_what_it_knows(type: ResourceType) -> None:
    if not type.get:
        return
    shape = walk(operation(type.get).output_shape, type.get.result)
    assert isinstance(shape, ListShape)
    assert type.get.result in {call.result for call in type.lists}
    for path in type.get.args.values():
        assert values(row(type), path)


# ---- metrics ---------------------------------------------------------------------------------------------------------


@each_type
def test_its_metrics_can_be_asked_for(type: ResourceType) -> None:
    for metric in type.metrics:
        assert metric.statistic in {"Average", "Maximum", "Minimum", "Sum", "SampleCount"}
        assert metric.period % 60 == 0
        # AWS keeps 1-minute points 15 days, 5-minute points 63 days and 1-hour points 455 days.
        assert metric.days <= (15 if metric.period < 300 else 63 if metric.period < 3600 else 455)
        for path in metric.dimensions.values():
            assert values(row(type), path) is not None, f"{metric.name}: {type.type} has no {path}"


@each_type
def test_no_row_has_two_metrics_under_one_name(type: ResourceType) -> None:
    """Where two are called alike, no row may be asked for both."""
    seen: dict[str, list[object]] = {}
    for metric in type.metrics:
        seen.setdefault(metric.key or f"{metric.name}.{metric.statistic}", []).append(metric)
    for alike in seen.values():
        for kind in ("application", "network", "gateway"):
            asked = [metric for metric in alike if not metric.when or metric.when({"Type": kind})]  # type: ignore[attr-defined]
            assert len(asked) <= 1


# ---- names and ids ---------------------------------------------------------------------------------------------------


@each_type
def test_it_says_what_it_is(type: ResourceType) -> None:
    assert re.fullmatch(r"AWS::\w*::\w+", type.type)
    assert type.doc.endswith(".")
    assert "\n" not in type.doc
    assert type.scope in ("regional", "global")


@each_type
def test_different_rows_have_different_ids(type: ResourceType) -> None:
    """Two rows that differ in all that the API gives them differ in their id; what there is one of needs no such id."""
    if any(isinstance(walk(operation(call).output_shape, call.result), StructureShape) for call in type.lists):
        return
    if type.type in NAMED_BY_US:
        return
    here = dict.fromkeys(PLACES, "here")
    one, other = (type.id.format(**Answers(text).rows(type)[0] | here) for text in ("one", "other"))
    assert one != other


@each_type
def test_the_same_thing_keeps_its_id(type: ResourceType) -> None:
    """What changes by itself is no part of the id."""
    assert not placeholders(type.id) & set(type.volatile)


def test_no_two_types_give_the_same_id_to_what_they_read() -> None:
    """A thing that two types describe (a database and its protection) is two resources."""
    ids: dict[str, list[ResourceType]] = {}
    for type in TYPES:
        key = type.id if type.id.startswith("arn:") else f"{sorted(str(call) for call in list_calls(type))}{type.id}"
        ids.setdefault(key, []).append(type)
    for alike in ids.values():
        if len(alike) > 1:
            # Rows of one answer that are told apart by their engine.
            assert all(type.only for type in alike), [type.type for type in alike]


# ---- secrets ---------------------------------------------------------------------------------------------------------

PLANTED = "planted-secret-value"
SECRET = re.compile(
    r"(?i)^(UserData|.*Password|ClientSecret|SecretAccessKey|SessionToken|.*PrivateKey|SecretString|AuthToken|Environment"
    r"|CustomHeaders|HttpParameters|Endpoint|InitQuery|CertificateBody|AccessKeyId|SourceIpAddress)$"
)
KEPT = {
    # The addresses of databases, proxies and regions, which are no secrets.
    ("AWS::RDS::DBInstance", "Endpoint"),
    ("AWS::RDS::DBCluster", "Endpoint"),
    ("AWS::RDS::GlobalCluster", "Endpoint"),
    ("AWS::RDS::DBProxy", "Endpoint"),
    ("AWS::RDS::DBProxy", "Targets.Endpoint"),
    ("AWS::DocDB::DBInstance", "Endpoint"),
    ("AWS::DocDB::DBCluster", "Endpoint"),
    ("AWS::Neptune::DBInstance", "Endpoint"),
    ("AWS::Neptune::DBCluster", "Endpoint"),
    ("AWS::ElastiCache::CacheCluster", "CacheNodes.Endpoint"),
    ("AWS::::Region", "Endpoint"),
    # A key's id is its public half.
    ("AWS::IAM::AccessKey", "AccessKeyId"),
    # What people call accounts and units, by which they choose them.
    ("AWS::Organizations::Account", "Name"),
    ("AWS::Organizations::OrganizationalUnit", "Name"),
    # This one service marks its tags as sensitive.
    ("AWS::DRS::SourceServer", "tags"),
}


def secret_members(shape: Shape | None, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths below SHAPE that may hold a secret: botocore marks some, the rest are known by their names."""
    if shape is None or depth > 9:
        return
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            at = f"{path}.{name}" if path else name
            if member.metadata.get("sensitive") or SECRET.search(name):
                yield at
            else:
                yield from secret_members(member, at, depth + 1)
    elif isinstance(shape, ListShape):
        yield from secret_members(shape.member, path, depth + 1)
    elif isinstance(shape, MapShape):
        yield from secret_members(shape.value, path, depth + 1)


def paths(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            at = f"{path}.{name}" if path else name
            yield at
            yield from paths(inner, at)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, path)


@each_type
def test_no_secret_gets_into_a_document(type: ResourceType) -> None:
    """Every answer full of secrets: none of the places they stand in is left in the document."""
    held = set(paths(dict(fields(type.type))))
    sources: list[tuple[str, Call]] = [("", call) for call in list_calls(type)]
    sources += [(name, d.call if isinstance(d, Batch) else d) for name, d in type.details.items()]
    for prefix, call in sources:
        for member in secret_members(walk(operation(call).output_shape, call.result)):
            path = f"{prefix}.{member}" if prefix else member
            assert path not in held or (type.type, path) in KEPT, path


@pytest.mark.parametrize(("type", "path"), sorted(KEPT))
def test_what_is_kept_in_spite_of_its_name_is_there(type: str, path: str) -> None:
    assert path in set(paths(dict(fields(type))))


def test_environments_keep_the_names_of_variables_and_no_values() -> None:
    function = {"FunctionName": "f", "Environment": {"Variables": {"TOKEN": PLANTED}}}
    shape = load_types()["AWS::Lambda::Function"].shape
    assert shape
    assert shape(function) == {"FunctionName": "f", "EnvironmentVariableNames": ["TOKEN"]}


def test_a_recorded_call_keeps_what_was_asked_and_nobodys_keys() -> None:
    record = {
        "userIdentity": {"accessKeyId": PLANTED},
        "responseElements": {"password": PLANTED},
        "requestParameters": {"dBClusterIdentifier": "main"},
    }
    shape = load_types()["AWS::CloudTrail::Event"].shape
    assert shape
    kept = shape({"EventId": "1", "CloudTrailEvent": json.dumps(record)})["CloudTrailEvent"]
    assert json.loads(kept) == {"requestParameters": {"dBClusterIdentifier": "main"}}
