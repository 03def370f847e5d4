"""Nothing can change the account: shown over every operation of every service that botocore knows."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ParamValidationError
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.model import ServiceModel

from auditor.aws import session as sessions
from auditor.aws.answer import CallError
from auditor.aws.guard import SIGN_IN, Guard, NotReadOnly, reads
from auditor.aws.session import _session, connect
from auditor.collect import load_types
from auditor.collect.declare import Call

DECLARED = {(call.service, call.operation) for type in load_types().values() for call in type.every_call}
NOWHERE = "http://127.0.0.1:9"
CHANGES = re.compile(
    r"(Accept|Activate|Add|Allocate|Apply|Associate|Attach|Authorize|Cancel|Complete|Confirm|Copy|Create|Deactivate|Delete|"
    r"Deregister|Detach|Disable|Disassociate|Enable|Execute|Export|Generate|Import|Invoke|Modify|Move|Publish|Purchase|Put|"
    r"Reboot|Register|Reject|Release|Remove|Replace|Request|Reset|Restore|Resume|Revoke|Run|Send|Set|Start|Stop|Suspend|"
    r"Tag|Terminate|Untag|Update|Upload|Write)[A-Z]"
)
CHANGES_NOTHING_THOUGH_NAMED_SO = {("iam", "GenerateCredentialReport")}
SIGNS_IN = {("sso-oidc", "CreateToken"), ("signin", "CreateOAuth2Token")}


@pytest.fixture(scope="module")
def every_operation() -> list[tuple[str, str]]:
    """Every operation of every service model that botocore ships."""
    loader = botocore.session.get_session().get_component("data_loader")
    return [
        (service, operation)
        for service in loader.list_available_services("service-2")
        for operation in loader.load_service_model(service, "service-2")["operations"]
    ]


@pytest.mark.parametrize("event", Guard.EVENTS)
def test_no_operation_can_be_sent_that_is_not_declared(event: str, every_operation: list[tuple[str, str]]) -> None:
    emitter = HierarchicalEmitter()
    emitter.register(event, Guard(DECLARED))
    sent = set()
    for service, operation in every_operation:
        model = SimpleNamespace(name=operation, service_model=SimpleNamespace(service_name=service))
        with suppress(NotReadOnly):
            emitter.emit_until_response(f"{event}.{service}.{operation}", model=model, params={}, context={})
            sent.add((service, operation))
    assert len(every_operation) > 15_000
    assert sent == DECLARED | SIGN_IN


def test_every_declared_operation_exists_and_none_changes_anything(every_operation: list[tuple[str, str]]) -> None:
    assert set(every_operation) >= DECLARED | SIGN_IN
    named_like_a_change = {name for name in DECLARED | SIGN_IN if CHANGES.match(name[1])}
    assert named_like_a_change <= CHANGES_NOTHING_THOUGH_NAMED_SO | SIGNS_IN


def test_no_operation_that_is_named_like_a_change_can_even_be_declared(every_operation: list[tuple[str, str]]) -> None:
    changing = [name for name in every_operation if CHANGES.match(name[1])]
    assert len(changing) > 7_000
    assert {name for name in changing if reads(*name)} == CHANGES_NOTHING_THOUGH_NAMED_SO


@pytest.mark.parametrize(
    "name",
    [("ec2", "TerminateInstances"), ("secretsmanager", "GetSecretValue"), ("ec2", "GetPasswordData")],
)
def test_declaring_what_changes_or_reveals_secrets_is_refused(name: tuple[str, str]) -> None:
    with pytest.raises(NotReadOnly, match=name[1]):
        Guard([name])


@pytest.fixture
def everything() -> list[Call]:
    return [call for type in load_types().values() for call in type.every_call]


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("ec2", "TerminateInstances", {"InstanceIds": ["i-1"]}),
        ("ec2", "DescribeKeyPairs", {}),
        ("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "x"}),
        ("iam", "CreateAccessKey", {}),
        ("s3", "ListBuckets", {}),
        ("sts", "GetSessionToken", {}),
    ],
)
def test_a_real_client_stops_before_it_sends(
    service: str, operation: str, params: dict[str, object], everything: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    caller = connect(everything).caller()
    with pytest.raises(NotReadOnly, match=f"{service}:{operation}"):
        caller.call(service, operation, params, "eu-west-1")


def test_a_declared_operation_is_let_through(everything: list[Call], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    with pytest.raises(CallError, match="EndpointConnectionError"):
        connect(everything).caller().call("ec2", "DescribeVpcs", {}, "eu-west-1")


@pytest.mark.parametrize("event", Guard.EVENTS)
def test_a_guard_on_the_session_watches_every_client_that_is_made_of_it(event: str) -> None:
    session = boto3.session.Session(botocore_session=botocore.session.get_session())
    session.events.register(event, Guard([]))
    client = session.client("sts", region_name="eu-west-1", endpoint_url=NOWHERE)
    with pytest.raises(NotReadOnly, match="sts:GetSessionToken"):
        client.get_session_token()


class Left(Exception):
    """A request that was about to leave."""


@pytest.fixture(scope="module")
def watched() -> Iterator[botocore.session.Session]:
    """A session as a scan has it; what a client sends ends in Left, and no socket is opened."""
    session = _session(Guard(DECLARED), "")
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "not-a-secret")
    # Rules for where a service lives are read for a second for each client, and none of this concerns where.
    original = Loader.load_service_model

    def without_rules(loader: Loader, service: str, kind: str, api_version: str | None = None) -> object:
        if kind == "endpoint-rule-set-1":
            return RULES
        return original(loader, service, kind, api_version)

    def leave(**_: Any) -> None:
        raise Left

    session.register("before-send", leave)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "load_service_model", without_rules)
        yield session


RULES = {
    "version": "1.0",
    "parameters": {
        "Region": {"builtIn": "AWS::Region", "required": False, "type": "String", "documentation": "-"},
        "Endpoint": {"builtIn": "SDK::Endpoint", "required": False, "type": "String", "documentation": "-"},
    },
    "rules": [{"conditions": [], "endpoint": {"url": NOWHERE, "properties": {}, "headers": {}}, "type": "endpoint"}],
}


def client_of(session: botocore.session.Session, service: str) -> Any:
    return session.create_client(service, region_name="eu-west-1", endpoint_url=NOWHERE)


def sent(client: Any, operation: str) -> bool:
    """Whether an operation gets past the guard: to where its arguments are looked at, or off."""
    try:
        client._make_api_call(operation, {})
    except NotReadOnly:
        return False
    except (Left, ParamValidationError):
        return True
    raise AssertionError(f"{operation} was answered")


@pytest.mark.parametrize("share", range(8))
def test_no_client_sends_an_operation_that_is_not_declared(
    share: int, watched: botocore.session.Session, every_operation: list[tuple[str, str]]
) -> None:
    """Really through the client of every service, also where somebody took the session's and the client's events away."""
    services = sorted({service for service, _ in every_operation})[share::8]
    tried, left = 0, set()
    for service in services:
        client = client_of(watched, service)
        for name in client.meta.service_model.operation_names:
            tried += 1
            if sent(client, name):
                left.add((service, name))
        for event in Guard.EVENTS:
            for handler in list(client.meta.events._emitter._handlers.prefix_search(event)):
                client.meta.events.unregister(event, handler)
        for name in client.meta.service_model.operation_names:
            assert sent(client, name) == ((service, name) in left), f"{service}:{name} without events"
        handed = [name for name in dir(client) if name.startswith("generate_presigned_") or name.endswith("auth_token")]
        assert len(handed) >= 1
        for name in set(handed) - {xform_name(name) for name in client.meta.service_model.operation_names}:
            with pytest.raises(NotReadOnly):
                getattr(client, name)("get_object")
    assert tried > 1000
    assert left == {name for name in DECLARED | SIGN_IN if name[0] in services}


def test_whatever_calls_a_client_is_stopped_alike(watched: botocore.session.Session) -> None:
    """Waiters, paginators, resources, a copy of a client's method, another endpoint."""
    ec2, s3 = client_of(watched, "ec2"), client_of(watched, "s3")
    resource: Any = boto3.session.Session(botocore_session=watched, region_name="eu-west-1").resource(
        "s3", endpoint_url="http://127.0.0.1:10"
    )
    for attempt in (
        lambda: s3.get_waiter("bucket_exists").wait(Bucket="b"),
        lambda: list(s3.get_paginator("list_objects_v2").paginate(Bucket="b")),
        lambda: list(resource.buckets.all()),
        lambda: resource.Bucket("b").delete(),
        lambda: ec2.terminate_instances(InstanceIds=["i-1"]),
        lambda: type(ec2).terminate_instances(ec2, InstanceIds=["i-1"]),
        lambda: s3.generate_presigned_post("b", "k"),
        lambda: client_of(watched, "rds").generate_db_auth_token("h", 1, "u"),
    ):
        with pytest.raises(NotReadOnly):
            attempt()


def test_a_model_of_ones_own_cannot_make_a_list_into_a_deletion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard knows an operation by its name: what it does is said by botocore's own files alone."""
    stock = Loader().load_service_model("lambda", "service-2")
    bad = json.loads(json.dumps(stock))
    bad["operations"]["ListFunctions"]["http"] = {"method": "DELETE", "requestUri": "/2015-03-31/functions/victim"}
    folder = tmp_path / "lambda" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(bad))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path))
    monkeypatch.setattr(sessions, "_loaders", [])
    session = _session(Guard([("lambda", "ListFunctions")]), "")
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "not-a-secret")
    left: list[str] = []

    def leave(**event: Any) -> None:
        left.append(f"{event['request'].method} {event['request'].url}")
        raise Left

    session.register("before-send", leave)
    with pytest.raises(Left):
        client_of(session, "lambda").list_functions()
    assert left[0].startswith(f"GET {NOWHERE}/2015-03-31/functions")


def test_service_names_of_the_guard_are_boto3s(everything: list[Call]) -> None:
    loader = botocore.session.get_session().get_component("data_loader")
    for service in sorted({call.service for call in everything}):
        assert ServiceModel(loader.load_service_model(service, "service-2"), service).service_name == service
