"""The compiled parser makes of every answer what stock botocore makes of it, and stands back where botocore is another."""

import json
import logging
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any
from xml.etree.ElementTree import Element

import botocore.session
import pytest
from bodies import FULL, MANNERS, answer
from botocore import parsers
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import ResponseParserError, ResponseParserFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import pricing
from auditor.aws import fast
from auditor.aws.clients import call_error
from auditor.aws.guard import SIGN_IN
from auditor.aws.wire import blob_text, utc_text
from auditor.collect import load_types

DECLARED = sorted(
    {(call.service, call.operation) for type in load_types().values() for call in type.every_call}
    | {(call.service, call.operation) for call in pricing.CALLS}
    | SIGN_IN
)
FAST = ("ec2", "query", "json", "rest-json", "rest-xml")
SESSION = botocore.session.get_session()


@pytest.fixture(autouse=True)
def _looked_at_again() -> Iterator[None]:
    yield
    fast._fault.cache_clear()
    fast._classes.cache_clear()


@cache
def service_model(service: str) -> ServiceModel:
    return SESSION.get_service_model(service)


def model(service: str, operation: str) -> OperationModel:
    return service_model(service).operation_model(operation)


def output_of(service: str, operation: str) -> Any:
    return model(service, operation).output_shape


def stock() -> ResponseParserFactory:
    factory = ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=utc_text, blob_parser=blob_text)
    return factory


def plain(value: Any) -> Any:
    """VALUE with what cannot be compared made comparable: elements that botocore leaves in repeated texts, NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Element):
        return ("element", value.tag, value.text)
    return (type(value), repr(value))


NO_LIST = "is no list"
"""What ours says of a text or a map in a list's place: to botocore, those are lists of letters and of keys."""


def outcome(parser: Any, response: dict[str, Any], shape: Any) -> Any:
    """What came of it: the document, or the error and its family."""
    try:
        return plain(parser.parse(dict(response), shape))
    except Exception as error:  # noqa: BLE001  (they are compared)
        return NO_LIST if str(error).endswith(NO_LIST) else (type(error), call_error(error).fault)


def assert_same(protocol: str, response: dict[str, Any], *shapes: Any, alone: bool = True, odd: bool = False) -> Any:
    """ALONE: what botocore can parse, ours parses without its help. ODD: there may be something else in a list's place."""
    ours: Any = fast.parser_factory(utc_text, blob_text).create_parser(protocol)
    theirs = stock().create_parser(protocol)
    found = None
    for shape in shapes:
        found = outcome(theirs, response, shape)
        ours.strict = alone and isinstance(found, dict)
        got = outcome(ours, response, shape)
        assert got == found or (odd and got == NO_LIST), response["body"]
    return found


def test_the_compiled_parser_is_in_use_for_every_protocol_but_cbor() -> None:
    factory = fast.parser_factory(utc_text, blob_text)
    for protocol, kind in dict[str, Any](parsers.PROTOCOL_PARSERS).items():
        parser = factory.create_parser(protocol)
        assert isinstance(parser, kind)
        assert (type(parser) is kind) == (protocol not in FAST)
        assert factory.create_parser(protocol) is parser


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("service", sorted({service for service, _ in DECLARED}))
def test_every_declared_operation_is_parsed_as_by_stock_botocore(service: str, manner: str) -> None:
    chance = Random(f"{service} {manner}")
    parsed = 0
    for name in (operation for owner, operation in DECLARED if owner == service):
        operation = model(service, name)
        for _ in range(3):
            response = answer(operation, MANNERS[manner], chance)
            protocol, alone = operation.service_model.resolved_protocol, manner != "with repeated members"
            found = assert_same(protocol, response, operation.output_shape, alone=alone, odd=manner == "odd")
            parsed += isinstance(found, dict)
    assert parsed or manner in ("odd", "with repeated members")


def _structure(**members: Any) -> dict[str, Any]:
    return {"type": "structure", "members": members}


ODD: dict[str, Any] = {
    "Out": _structure(
        Numbers={"shape": "Numbers"},
        Moments={"shape": "Moments"},
        Nested={"shape": "Nested", "locationName": "nestedSet"},
        FlatRows={"shape": "FlatRows"},
        FlatNested={"shape": "FlatNested"},
        FlatMap={"shape": "FlatMap"},
        Rows={"shape": "Rows"},
        Map={"shape": "Map", "locationName": "map"},
        Lists={"shape": "Lists"},
        Union={"shape": "Union"},
        Value={"shape": "Text", "jsonvalue": True, "location": "header", "locationName": "x-value"},
        Listed={"shape": "Texts", "location": "header", "locationName": "x-listed"},
        Seconds={"shape": "Moment", "location": "header", "locationName": "x-seconds"},
        Status={"shape": "Number", "location": "statusCode"},
        Others={"shape": "TextMap", "location": "headers", "locationName": "x-meta-"},
        TheSame={"shape": "Text", "locationName": "map"},
    ),
    "Row": _structure(
        Letter={"shape": "Letter"}, Bytes={"shape": "Blob"}, Rows={"shape": "Rows"}, Texts={"shape": "Texts"}
    ),
    "Owner": _structure(Kind={"shape": "Text", "locationName": "xsi:type", "xmlAttribute": True}, Row={"shape": "Row"}),
    "Union": _structure(One={"shape": "Text"}, Two={"shape": "Owner"}) | {"union": True},
    "Rows": {"type": "list", "member": {"shape": "Row", "locationName": "item"}},
    "FlatRows": {"type": "list", "member": {"shape": "Row", "locationName": "FlatRow"}, "flattened": True},
    "FlatNested": {"type": "list", "member": {"shape": "Numbers"}, "flattened": True},
    "Nested": {"type": "list", "member": {"shape": "FlatNumbers"}},
    "Numbers": {"type": "list", "member": {"shape": "Number"}},
    "FlatNumbers": {"type": "list", "member": {"shape": "Number"}, "flattened": True},
    "Moments": {"type": "list", "member": {"shape": "Moment"}},
    "Texts": {"type": "list", "member": {"shape": "Text"}},
    "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Owner"}},
    "Lists": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Numbers"}},
    "TextMap": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
    "FlatMap": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}, "flattened": True},
    "Text": {"type": "string"},
    "Letter": {"type": "character"},
    "Number": {"type": "long"},
    "Moment": {"type": "timestamp"},
    "Blob": {"type": "blob"},
}


@pytest.mark.parametrize("lacking", ["", "TheSame", "Union"])
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("protocol", FAST)
def test_shapes_that_are_rare_are_parsed_as_by_stock_botocore(protocol: str, manner: str, lacking: str) -> None:
    members = {name: member for name, member in ODD["Out"]["members"].items() if name not in ("TheSame", lacking)}
    if lacking:
        members["TheSame"] = ODD["Out"]["members"]["TheSame"]
    if lacking == "TheSame":
        del members["TheSame"], members["Union"]
    operation = ServiceModel(
        {
            "metadata": {"protocol": protocol, "endpointPrefix": "odd", "serviceId": "Odd"},
            "operations": {"Get": {"name": "Get", "http": {}, "output": {"shape": "Out"}}},
            "shapes": ODD | {"Out": _structure(**members)},
        }
    ).operation_model("Get")
    chance = Random(f"{protocol} {manner} {lacking}")
    for _ in range(30):
        response = answer(operation, MANNERS[manner], chance)
        response["headers"]["x-meta-One"] = "1"
        assert_same(
            protocol, response, operation.output_shape, alone=manner != "with repeated members", odd=manner == "odd"
        )


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DECLARED), st.sampled_from(sorted(MANNERS)), st.integers(0, 2**32), st.floats(0, 1))
def test_what_is_cut_off_or_garbled_ends_in_the_same_family(
    name: tuple[str, str], manner: str, seed: int, where: float
) -> None:
    chance, operation = Random(seed), model(*name)
    response = answer(operation, MANNERS[manner], chance)
    protocol, body = operation.service_model.resolved_protocol, response["body"]
    place = int(len(body) * where)
    for broken in (body[:place], body[:place] + b"\xff\x00<" + body[place:], body[:place] + body[place + 1 :]):
        assert_same(protocol, response | {"body": broken}, operation.output_shape, alone=False)


NOTHING = [b"", b" ", b"\x00garbage", b"null", b"[]", b'"x"', b"7", b"{}", b"<a/>", b"<html><body>busy</body></html>"]
ERRORS = {
    "ec2": ["<Response><Errors><Error><Code>{}</Code><Message>m &amp; é</Message></Error></Errors></Response>"],
    "query": [
        "<ErrorResponse xmlns='http://x/'><Error><Code>{}</Code><Message/></Error><RequestId>r</RequestId></ErrorResponse>"
    ],
    "rest-xml": [
        "<ErrorResponse><Error><Code>{}</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>",
        "<Error><Code>{}</Code><Message>m</Message><HostId>h</HostId></Error>",
    ],
    "json": ['{{"__type": "com.x#{}", "message": "m"}}', '{{"__type": "{}", "Message": null}}'],
    "rest-json": ['{{"code": "{}", "message": "m"}}', '{{"Code": "{}"}}'],
}


@pytest.mark.parametrize("service", sorted({service for service, _ in DECLARED}))
def test_errors_are_parsed_as_by_stock_botocore(service: str) -> None:
    protocol = service_model(service).resolved_protocol
    for name in (operation for owner, operation in DECLARED if owner == service):
        operation = model(service, name)
        shapes = [operation.output_shape, *operation.error_shapes]
        codes = ["AccessDenied", *(shape.error_code for shape in operation.error_shapes)]  # type: ignore[attr-defined]
        bodies = [body.format(code).encode() for body in ERRORS[protocol] for code in codes]
        for status in (301, 400, 403, 500, 503):
            for body in bodies if status == 400 else [bodies[0], *NOTHING]:
                response = {"status_code": status, "headers": {"x-amzn-errortype": "E:x"}, "body": body, "context": {}}
                assert_same(protocol, response, *shapes)


@pytest.mark.parametrize("protocol", FAST)
def test_modelled_errors_are_parsed_as_by_stock_botocore(protocol: str) -> None:
    members = {"message": {"shape": "Text"}, "Items": {"shape": "Items"}, "At": {"shape": "Moment"}}
    shapes: dict[str, Any] = {
        "Failed": {"type": "structure", "members": members, "exception": True},
        "Items": {"type": "list", "member": {"shape": "Item"}},
        "Item": {"type": "structure", "members": {"Name": {"shape": "Text"}}},
        "Text": {"type": "string"},
        "Moment": {"type": "timestamp"},
    }
    metadata = {"protocol": protocol, "endpointPrefix": "x", "serviceId": "X"}
    shape = ServiceModel({"metadata": metadata, "operations": {}, "shapes": shapes}).shape_for("Failed")
    content = "<message>m</message><Items><member><Name>n</Name></member></Items><At>2026-06-15T03:00:00Z</At>"
    fields = {"message": "m", "Items": [{"Name": "n"}, None], "At": 1781492400, "__type": "Failed"}
    bodies = [
        json.dumps(fields),
        f"<ErrorResponse><Error><Code>Failed</Code>{content}</Error></ErrorResponse>",
        f"<Response><Errors><Error><Code>Failed</Code>{content}</Error></Errors></Response>",
        f"<Failed>{content}</Failed>",
    ]
    for body in bodies:
        assert_same(protocol, {"status_code": 400, "headers": {}, "body": body.encode(), "context": {}}, shape)


def test_all_the_declared_operations_are_of_protocols_with_a_compiled_parser() -> None:
    protocols = {service_model(service).resolved_protocol for service, _ in DECLARED}
    assert protocols <= {*FAST, "smithy-rpc-v2-cbor"}
    assert len(protocols) >= 4


ENTITIES = '<!DOCTYPE a [<!ENTITY e "{}">]><DescribeVpcsResponse><x>&e;</x></DescribeVpcsResponse>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("entity", ["boom", "&e;&e;"])
def test_an_answer_that_declares_entities_is_refused(encoding: str, entity: str) -> None:
    parser = fast.parser_factory(utc_text, blob_text).create_parser("ec2")
    body = ENTITIES.format(entity).encode(encoding)
    response = {"status_code": 200, "headers": {}, "body": body, "context": {}}
    with pytest.raises(ResponseParserError):
        parser.parse(response, output_of("ec2", "DescribeVpcs"))


def test_words_about_entities_are_no_entities() -> None:
    body = b"<R><vpcSet><item><vpcId><![CDATA[<!ENTITY e x>]]></vpcId></item></vpcSet></R>"
    response = {"status_code": 200, "headers": {}, "body": body, "context": {}}
    found = assert_same("ec2", response, output_of("ec2", "DescribeVpcs"))
    assert "<!ENTITY e x>" in str(found)


def test_tags_nobody_knows_do_not_fill_the_memory() -> None:
    shape = output_of("ec2", "DescribeVpcs")
    body = "".join(f"<x{number}/>" for number in range(5000)) + "<nextToken>t</nextToken>"
    response = {"status_code": 200, "headers": {}, "body": f"<R>{body}</R>".encode(), "context": {}}
    assert_same("ec2", response, shape)


def _without(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    if part == "one protocol":
        monkeypatch.delitem(parsers.PROTOCOL_PARSERS, "query")
    elif part == "asking how a shape is parsed":
        monkeypatch.setattr(parsers.EC2QueryParser, "_do_parse", lambda self, response, shape: {})
    elif part == "the same numbers":
        monkeypatch.setattr(parsers.BaseXMLResponseParser, "_handle_integer", lambda self, shape, node: "7")
    else:
        owner, _, name = part.partition(".")
        monkeypatch.delattr(getattr(parsers, owner), name)


@pytest.mark.parametrize(
    "part",
    [
        "one protocol",
        "asking how a shape is parsed",
        "the same numbers",
        "BaseXMLResponseParser._member_key_name",
        "BaseXMLResponseParser._handle_map",
        "BaseXMLResponseParser._parse_xml_string_to_dom",
        "ResponseParser._parse_shape",
        "ResponseParser._default_handle",
        "BaseJSONParser",
        "BaseRestParser",
    ],
)
def test_without_a_part_of_botocore_its_own_parsers_are_used_and_one_line_says_so(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fast._fault.cache_clear()
    fast._classes.cache_clear()
    with monkeypatch.context() as changed, caplog.at_level(logging.WARNING):
        if "." in part or part in ("one protocol", "asking how a shape is parsed", "the same numbers"):
            _without(changed, part)
        else:
            changed.delattr(parsers, part)
        factory = fast.parser_factory(utc_text, blob_text)
        again = fast.parser_factory(utc_text, blob_text)
    assert type(factory) is type(again) is ResponseParserFactory
    assert len(caplog.records) == 1
    assert "stock botocore" in caplog.text
    response = answer(model("ec2", "DescribeVpcs"), FULL, Random(1))
    assert factory.create_parser("ec2").parse(response, output_of("ec2", "DescribeVpcs"))["Vpcs"]
