"""Nothing can change the account: shown over every operation of every service that botocore knows."""

import re
from contextlib import suppress
from types import SimpleNamespace

import boto3
import botocore.session
import pytest
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceModel

from auditor.aws.answer import CallError
from auditor.aws.guard import SIGN_IN, Guard, NotReadOnly, reads
from auditor.aws.session import connect
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


def test_service_names_of_the_guard_are_boto3s(everything: list[Call]) -> None:
    loader = botocore.session.get_session().get_component("data_loader")
    for service in sorted({call.service for call in everything}):
        assert ServiceModel(loader.load_service_model(service, "service-2"), service).service_name == service
