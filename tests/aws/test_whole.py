"""An answer that is broken is never taken for one that says there is nothing."""

from typing import Any

import pytest
from misbehaving import Answer, Request, misbehaving

from auditor.aws.answer import CallError, Fault
from auditor.aws.session import connect
from auditor.collect.declare import Call

CALLS = {
    "ec2": (Call("ec2", "DescribeVpcs"), b"<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>"),
    "query": (Call("sns", "ListTopics"), b"<ListTopicsResponse><ListTopicsResult/></ListTopicsResponse>"),
    "json": (Call("secretsmanager", "ListSecrets"), b'{"SecretList": [{"Name": "orders"}]}'),
    "rest-json": (Call("eks", "ListClusters"), b'{"clusters": ["main"]}'),
    "rest-xml": (
        Call("route53", "ListHostedZones"),
        b"<ListHostedZonesResponse><HostedZones/></ListHostedZonesResponse>",
    ),
}


def ask(protocol: str, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Any:
    call, _ = CALLS[protocol]
    with misbehaving(answer) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return connect([call]).caller().call(call.service, call.operation, {}, "us-east-1").parsed


def cut(length: int) -> Any:
    def answer(protocol: str, request: Request) -> None:
        body = CALLS[protocol][1]
        request.reply(200, body[:length], Content_Length=str(len(body)))
        request.close_connection = True

    return answer


def says(body: bytes, **headers: str) -> Any:
    return lambda protocol, request: request.reply(200, body, **headers)


BROKEN = {
    "cut after the head": cut(0),
    "cut in the middle": cut(15),
    "cut before the end": cut(-1),
    "empty": says(b""),
    "blank": says(b"  \n"),
    "garbage": says(b"\x00\xff<<<{{garbage"),
    "a web page": says(b"<html><head><title>Sign in</title></head><body/></html>", Content_Type="text/html"),
    "a web page with its type": says(b"<!DOCTYPE html>\n<html><body/></html>", Content_Type="text/html"),
    "another JSON value": says(b'["not", "an", "object"]'),
    "half of JSON": says(b'{"SecretList": ['),
    "nothing, with a status of success": lambda protocol, request: request.reply(204, b""),
    "other words than those asked for": says(b'{"error": "log in first"}'),
    "an error that is called a success": says(b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
    "another answer": says(b"<Other><Thing/></Other>"),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("protocol", CALLS)
def test_a_broken_answer_is_a_fault_that_passes(protocol: str, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CallError) as raised:
        ask(protocol, lambda request: BROKEN[broken](protocol, request), monkeypatch)
    assert raised.value.fault is Fault.TRANSIENT, raised.value


STRANGE: dict[str, tuple[Call, bytes]] = {
    "a map for a list": (CALLS["json"][0], b'{"SecretList": {}}'),
    "a text for a list": (CALLS["rest-json"][0], b'{"clusters": ""}'),
    "words for a list": (CALLS["ec2"][0], b"<DescribeVpcsResponse><vpcSet>none</vpcSet></DescribeVpcsResponse>"),
    "a map for a list within": (CALLS["json"][0], b'{"SecretList": [{"Name": "orders", "Tags": {}}]}'),
    "a web page that is XML": (Call("cloudfront", "ListDistributions"), b"<html><body/></html>"),
    "JSON in place of CBOR": (Call("cloudwatch", "DescribeAlarms"), b'{"error": "log in first"}'),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_what_is_not_of_the_form_that_was_promised_is_a_fault_that_passes(
    strange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, body = STRANGE[strange]
    with misbehaving(lambda request: request.reply(200, body)) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(CallError) as raised:
            connect([call]).caller().call(call.service, call.operation, {}, "us-east-1")
    assert raised.value.fault is Fault.TRANSIENT, raised.value


@pytest.mark.parametrize("protocol", CALLS)
def test_too_many_requests_is_understood_without_a_word(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CallError) as raised:
        ask(protocol, lambda request: request.reply(429, b""), monkeypatch)
    assert raised.value.fault is Fault.THROTTLED, raised.value


@pytest.mark.parametrize("protocol", CALLS)
def test_a_whole_answer_is_taken(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(protocol, lambda request: request.reply(200, CALLS[protocol][1]), monkeypatch)


@pytest.mark.parametrize(
    ("protocol", "nothing"),
    [
        ("json", b"{}"),
        ("json", b'{"SecretList": []}'),
        ("rest-json", b"{}"),
        ("ec2", b"<DescribeVpcsResponse/>"),
        ("query", b"<ListTopicsResponse><ListTopicsResult/></ListTopicsResponse>"),
        ("rest-xml", b'<?xml version="1.0"?>\n<ListHostedZonesResponse/>'),
    ],
)
def test_an_answer_that_says_there_is_nothing_is_taken(
    protocol: str, nothing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = ask(protocol, lambda request: request.reply(200, nothing), monkeypatch)
    assert not any(value for value in parsed.values() if isinstance(value, list))
