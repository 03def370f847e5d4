"""An account is read through the compiled parser and shared connections, and they keep no more than they need."""

from typing import Any

import pytest
from botocore import parsers
from misbehaving import Request, misbehaving

from auditor.aws import fast
from auditor.aws.answer import CallError
from auditor.aws.connections import SharedConnections
from auditor.aws.session import Connection, connect
from auditor.collect.declare import Call

CALLS = [Call("ec2", "DescribeVpcs", "Vpcs"), Call("rds", "DescribeDBInstances", "DBInstances")]
ROWS = "<vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item></vpcSet>"
VPCS = f"<DescribeVpcsResponse>{ROWS}</DescribeVpcsResponse>"


def endpoint_of(connection: Connection, service: str) -> Any:
    return connection.clients.client(service, "eu-west-1")._endpoint


def test_the_clients_of_a_connection_share_parsers_and_connections() -> None:
    connection, other = connect(CALLS), connect(CALLS)
    ec2, rds = endpoint_of(connection, "ec2"), endpoint_of(connection, "rds")
    assert ec2.http_session is rds.http_session
    assert endpoint_of(other, "ec2").http_session is not ec2.http_session
    assert isinstance(ec2._response_parser_factory, fast._Factory)
    assert ec2._response_parser_factory is rds._response_parser_factory


def test_what_was_compiled_for_an_answer_serves_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> None:
        if "eu-west-1" in request.headers["Authorization"]:
            request.reply(200, VPCS)
        else:
            request.error(403, "UnauthorizedOperation", "no")

    with misbehaving(answer) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect(CALLS)
        caller, compiled = connection.caller(), []
        for _ in range(3):
            assert caller.call("ec2", "DescribeVpcs", {}, "eu-west-1").parsed == {
                "Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]
            }
            with pytest.raises(CallError, match="UnauthorizedOperation"):
                caller.call("ec2", "DescribeVpcs", {}, "us-east-1")
            parser: Any = endpoint_of(connection, "ec2")._response_parser_factory.create_parser("ec2")
            compiled.append(len(parser._made))
        endpoint_of(connection, "ec2").http_session.close()
    assert len(set(compiled)) == 1


def test_with_a_botocore_that_lacks_the_parts_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "_fault", lambda: "parts are missing")
    monkeypatch.setattr(SharedConnections, "share", lambda self, client: False)
    with misbehaving(lambda request: request.reply(200, VPCS)) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect(CALLS)
        parsed = connection.caller().call("ec2", "DescribeVpcs", {}, "eu-west-1").parsed
    assert type(endpoint_of(connection, "ec2")._response_parser_factory) is parsers.ResponseParserFactory
    assert parsed == {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]}
