"""One client serves all regions as native clients would, and whatever comes back over HTTP has a family."""

import re
import socket
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import botocore.config
import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError
from misbehaving import Answer, Received, Request, misbehaving

from auditor.aws.answer import CallError, Fault
from auditor.aws.clients import AwsCaller, Clients
from auditor.aws.session import connect
from auditor.collect import load_types
from auditor.collect.declare import Call

CALLS = {call.service: call for type in load_types().values() for call in type.every_call if not call.args}
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1")
VPCS = Call("ec2", "DescribeVpcs", "Vpcs")


PAGE = "<!doctype html>\n<html lang=en>\n<title>{}</title>\n<h1>Sorry</h1>"


class Body:
    """An empty body."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield b""

    def read(self, *_: Any) -> bytes:
        return b""


class Wire:
    """Notes where requests go and what they are signed for, and answers them without a network."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        signed = request.headers["Authorization"]
        scope = re.search(r"Credential=[^/]+/\d+/([^,]+)", signed.decode() if isinstance(signed, bytes) else signed)
        assert scope is not None
        self.sent.append((request.url, scope[1]))
        return AWSResponse(request.url, 403, {}, Body())  # type: ignore[arg-type]


@pytest.mark.parametrize("service", sorted(CALLS))
def test_one_client_sends_to_every_region_what_native_clients_send(service: str) -> None:
    session = botocore.session.get_session()
    shared, native = Wire(), Wire()
    call = CALLS[service]
    clients = Clients(session, "us-east-1")
    clients._config = clients._config.merge(botocore.config.Config(parameter_validation=False))  # only where it goes
    caller = AwsCaller(clients)
    config = botocore.config.Config(parameter_validation=False, s3={"us_east_1_regional_endpoint": "regional"})
    for region in REGIONS:
        clients.client(service, region).meta.events.register("before-send", shared, unique_id="wire")
        with pytest.raises(CallError):
            caller.call(service, call.operation, call.params, region)
        client: Any = session.create_client(service, region_name=region, config=config)
        client.meta.events.register("before-send", native)
        with suppress(ClientError, ResponseParserError):
            getattr(client, xform_name(call.operation))(**call.params)
    assert shared.sent == native.sent
    assert len(shared.sent) == len(REGIONS)


def test_a_service_has_one_client_for_all_regions() -> None:
    clients = Clients(botocore.session.get_session(), "us-east-1")
    assert clients.client("rds", "eu-west-1") is clients.client("rds", "cn-north-1")


def ask(answer: Answer, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Any, list[Received]]:
    """One DescribeVpcs against a server that answers so: what came of it, and the requests."""
    with misbehaving(answer) as (url, requests):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        caller = AwsCaller(connect([VPCS]).clients, **options)
        try:
            return caller.call("ec2", "DescribeVpcs", {}, "eu-west-1"), requests
        except CallError as error:
            return error, requests


@pytest.mark.parametrize(
    ("answer", "fault", "code"),
    [
        (lambda r: r.error(403, "UnauthorizedOperation", "no"), Fault.DENIED, "UnauthorizedOperation"),
        (lambda r: r.error(503, "RequestLimitExceeded"), Fault.THROTTLED, "RequestLimitExceeded"),
        (lambda r: r.error(400, "Throttling", "Rate exceeded"), Fault.THROTTLED, "Throttling"),
        (lambda r: r.error(500, "InternalError"), Fault.TRANSIENT, "InternalError"),
        (lambda r: r.reply(503, "<html>busy</html>"), Fault.TRANSIENT, ""),
        (lambda r: r.reply(502, ""), Fault.TRANSIENT, ""),
        (lambda r: r.error(403, "OptInRequired"), Fault.NOT_HERE, "OptInRequired"),
        (lambda r: r.error(400, "InvalidAction"), Fault.NOT_HERE, "InvalidAction"),
        (lambda r: r.error(401, "AuthFailure"), Fault.CREDENTIALS, "AuthFailure"),
        (lambda r: r.error(400, "RequestExpired"), Fault.CREDENTIALS, "RequestExpired"),
        (lambda r: r.error(400, "InvalidVpcID.NotFound"), Fault.GONE, "InvalidVpcID.NotFound"),
        (lambda r: r.error(501, "NotImplemented", "Not yet implemented"), Fault.UNSUPPORTED, "NotImplemented"),
        (lambda r: r.error(404, "404", "Not yet implemented"), Fault.UNSUPPORTED, "404"),
        (lambda r: r.reply(200, "\x00garbage"), Fault.TRANSIENT, "ResponseParserError"),
        (lambda r: r.reply(200, "<DescribeVpcsResponse><vpcSet>"), Fault.TRANSIENT, "ResponseParserError"),
        (lambda r: r.reply(500, PAGE.format("500 Internal Server Error")), Fault.UNSUPPORTED, "NotImplemented"),
        (lambda r: r.reply(404, PAGE.format("404 Not Found")), Fault.UNSUPPORTED, "NotImplemented"),
        (lambda r: r.reply(503, PAGE.format("503 Service Unavailable")), Fault.TRANSIENT, ""),
        (Request.truncate, Fault.TRANSIENT, ""),
        (Request.reset, Fault.TRANSIENT, ""),
    ],
)
def test_bad_answers_have_families_and_are_asked_for_once(
    answer: Answer, fault: Fault, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, requests = ask(answer, monkeypatch)
    assert isinstance(error, CallError)
    assert error.fault is fault
    assert error.code == code or (not code and error.code)
    assert "<" not in error.message
    assert len(requests) == 1  # trying again is the queue's business


@pytest.mark.parametrize("promised", [True, False])
def test_an_answer_that_would_fill_the_memory_is_let_go_of(promised: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.aws.connections._MOST_BYTES", 1 << 20)
    sent: list[int] = []

    def endless(request: Request) -> None:
        request.send_response(200)
        request.send_header(*(("Content-Length", str(1 << 40)) if promised else ("Connection", "close")))
        request.end_headers()
        with suppress(OSError):
            while sum(sent) < 1 << 30:
                sent.append(request.wfile.write(b" " * (1 << 16)))
        request.close_connection = True

    error, requests = ask(endless, monkeypatch)
    assert (error.fault, error.code) == (Fault.OTHER, "AnswerTooLong")
    assert len(requests) == 1
    assert sum(sent) < 1 << 26, "what the sockets hold, and no more"


def test_an_answer_that_cannot_be_understood_leaves_no_piece_of_itself_in_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error, _ = ask(lambda r: r.reply(200, "<DescribeVpcsResponse><password>hunter2"), monkeypatch)
    assert "hunter2" not in error.message


def test_an_answer_has_its_date_and_texts_for_timestamps_and_no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    vpcs = "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>"
    answer, requests = ask(lambda r: r.reply(200, vpcs), monkeypatch)
    assert answer.parsed == {"Vpcs": [{"VpcId": "vpc-1"}]}
    assert answer.date.utcoffset() is not None
    assert requests[0].region == "eu-west-1"
    assert "aws-account-auditor" in requests[0].headers["User-Agent"]


def test_unknown_credentials_in_a_region_that_is_not_enabled_mean_that_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for enabled, fault in ((frozenset({"us-east-1"}), Fault.NOT_HERE), (frozenset({"eu-west-1"}), Fault.CREDENTIALS)):
        error, _ = ask(lambda r: r.error(401, "AuthFailure"), monkeypatch, enabled_regions=enabled)
        assert error.fault is fault


# ---- services that a region has not ----------------------------------------------------------------------------------

DRS = ("drs", "DescribeSourceServers", "ap-south-2")


@pytest.mark.parametrize(
    ("asked", "listed", "known", "fault"),
    [
        (DRS, ["us-east-1"], {"ec2.ap-south-2.amazonaws.com"}, Fault.NOT_HERE),
        (DRS, ["us-east-1"], set(), Fault.TRANSIENT),  # the network is down: nothing is known
        # Of these botocore lists no region: only what AWS's pages say counts.
        (("arc-region-switch", "ListPlans", "cn-north-1"), [], {"ec2.cn-north-1.amazonaws.com.cn"}, Fault.NOT_HERE),
        (("arc-region-switch", "ListPlans", "cn-north-1"), [], set(), Fault.TRANSIENT),
        (("arc-region-switch", "ListPlans", "us-gov-west-1"), [], {"ec2.us-gov-west-1.amazonaws.com"}, Fault.TRANSIENT),
        (("fis", "ListExperiments", "ap-south-2"), [], {"ec2.ap-south-2.amazonaws.com"}, Fault.NOT_HERE),
        (("fis", "ListExperiments", "cn-north-1"), [], {"ec2.cn-north-1.amazonaws.com.cn"}, Fault.NOT_HERE),
        (("fis", "ListExperiments", "eu-west-1"), [], {"ec2.eu-west-1.amazonaws.com"}, Fault.TRANSIENT),
        # botocore knows better by now.
        (("fis", "ListExperiments", "ap-south-2"), ["ap-south-2"], {"ec2.ap-south-2.amazonaws.com"}, Fault.TRANSIENT),
    ],
)
def test_a_service_is_absent_only_if_its_name_is_unknown_while_the_regions_own_is(
    asked: tuple[str, str, str], listed: list[str], known: set[str], fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.aws.clients._resolves", lambda host: host in known)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    service, operation, region = asked
    clients = Clients(botocore.session.get_session(), "us-east-1")
    monkeypatch.setattr(clients.session, "get_available_regions", lambda *_, **__: listed)

    def unreachable(request: Any, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url=request.url)

    clients.client(service, region).meta.events.register("before-send", unreachable)
    with pytest.raises(CallError) as caught:
        AwsCaller(clients).call(service, operation, {}, region)
    assert caught.value.fault is fault


def test_a_name_server_that_does_not_answer_says_nothing_of_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"drs.cn-north-1.amazonaws.com.cn": socket.EAI_NONAME}

    def lookup(host: str, *_: Any) -> None:
        if host in said:
            raise socket.gaierror(said[host], "no")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    clients = Clients(botocore.session.get_session(), "us-east-1")

    def absent() -> bool:
        return clients.is_absent("drs", "cn-north-1", "drs.cn-north-1.amazonaws.com.cn")

    assert absent(), "botocore lists the service in other partitions"
    said["ec2.cn-north-1.amazonaws.com.cn"] = socket.EAI_AGAIN
    assert not absent()
    for error in (socket.EAI_AGAIN, socket.EAI_FAIL):
        said.clear()
        said["drs.cn-north-1.amazonaws.com.cn"] = error
        assert not absent()


# ---- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "parsed", "following"),
    [
        ("rds", "DescribeDBInstances", {"Marker": "m"}, {"Marker": "m"}),
        ("rds", "DescribeDBInstances", {}, {}),
        ("elbv2", "DescribeLoadBalancers", {"NextMarker": "m"}, {"Marker": "m"}),
        ("iam", "GetAccountAuthorizationDetails", {"IsTruncated": True, "Marker": "m"}, {"Marker": "m"}),
        ("iam", "GetAccountAuthorizationDetails", {"IsTruncated": False, "Marker": "m"}, {}),
        ("cloudwatch", "GetMetricData", {"NextToken": "t"}, {"NextToken": "t"}),
        ("elbv2", "DescribeTargetHealth", {"NextMarker": "m"}, {}),
        # No paginator in botocore, yet pages.
        ("wafv2", "ListWebACLs", {"NextMarker": "m"}, {"NextMarker": "m"}),
        (
            "route53",
            "ListResourceRecordSets",
            {"IsTruncated": True, "NextRecordName": "n", "NextRecordType": "A"},
            {"StartRecordName": "n", "StartRecordType": "A"},
        ),
    ],
)
def test_pages_follow_one_another(
    service: str, operation: str, parsed: dict[str, Any], following: dict[str, Any]
) -> None:
    caller = AwsCaller(Clients(botocore.session.get_session(), "us-east-1"))
    assert caller.operation(service, operation).following(parsed) == following


def test_more_pages_without_a_way_to_them_are_no_end_of_the_list() -> None:
    caller = AwsCaller(Clients(botocore.session.get_session(), "us-east-1"))
    with pytest.raises(CallError, match="TokenMissing"):
        caller.operation("iam", "GetAccountAuthorizationDetails").following({"IsTruncated": True, "Marker": ""})


def test_the_model_says_which_members_are_lists() -> None:
    caller = AwsCaller(Clients(botocore.session.get_session(), "us-east-1"))
    assert caller.operation("rds", "DescribeDBInstances").lists == {"DBInstances"}


def test_an_operation_that_does_not_exist_is_an_error_of_the_call() -> None:
    caller = AwsCaller(Clients(botocore.session.get_session(), "us-east-1"))
    for service, operation in (("rds", "DescribeNothing"), ("nothing", "DescribeNothing")):
        with pytest.raises(CallError) as caught:
            caller.operation(service, operation)
        assert caught.value.fault is Fault.UNSUPPORTED


def test_every_declared_operation_that_takes_a_token_is_paged() -> None:
    caller = AwsCaller(Clients(botocore.session.get_session(), "us-east-1"))
    tokens = re.compile(r"^(Next|next|Pagination|pagination|Continuation|continuation)?(Token|Marker|token|marker)$")
    for call in {(call.service, call.operation) for type in load_types().values() for call in type.every_call}:
        model = caller._clients.client(call[0], "us-east-1").meta.service_model.operation_model(call[1])
        asked = model.input_shape.members if model.input_shape else {}
        if any(tokens.match(member) for member in asked):
            assert caller.operation(*call).next_page is not None, call


def test_clients_that_were_let_go_of_are_made_anew_for_the_next_call() -> None:
    session, wire = botocore.session.get_session(), Wire()
    clients = Clients(session, "us-east-1")
    caller, made = AwsCaller(clients), []
    for _ in range(2):
        client = clients.client(VPCS.service, "eu-west-1")
        client.meta.events.register("before-send", wire, unique_id="wire")
        made.append(weakref.ref(client))
        del client
        with pytest.raises(CallError):
            caller.call(VPCS.service, VPCS.operation, VPCS.params, "eu-west-1")
        clients.let_go()
    assert len(wire.sent) == 2
    assert wire.sent[0] == wire.sent[1]
    assert [reference() for reference in made] == [None, None]
