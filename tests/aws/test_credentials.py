"""Sessions that end before their time: had anew where they can be, and said where they cannot."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from misbehaving import Request, misbehaving

from auditor.aws.answer import CallError
from auditor.aws.session import Connection, connect
from auditor.collect.declare import Call

VPCS = Call("ec2", "DescribeVpcs", "Vpcs")
ROLE = "arn:aws:iam::123456789012:role/auditor"
ANSWER = "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>"


def credentials(number: int) -> str:
    ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"<Credentials><AccessKeyId>ASIAROLE{number:012}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>token-{number}</SessionToken><Expiration>{ends}</Expiration></Credentials>"
    )


class Sessions:
    """Hands out sessions, and says of all but the newest that they are over."""

    def __init__(self) -> None:
        self.newest = 0
        self.ended = 0

    def __call__(self, request: Request) -> None:
        if "Action=AssumeRole" in request.form:
            self.newest += 1
            given = credentials(self.newest)
            request.reply(200, f"<AssumeRoleResponse><AssumeRoleResult>{given}</AssumeRoleResult></AssumeRoleResponse>")
        elif request.headers.get("X-Amz-Security-Token") in [f"token-{n}" for n in range(1, self.ended + 1)]:
            request.error(403, "ExpiredToken", "The security token included in the request is expired")
        else:
            request.reply(200, ANSWER)


def ask(connection: Connection) -> None:
    connection.caller().call("ec2", "DescribeVpcs", {}, "eu-west-1")


def test_a_role_whose_session_was_ended_is_assumed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions()
    with misbehaving(sessions) as (url, received):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect([VPCS], role_arn=ROLE)
        ask(connection)
        sessions.ended = 1
        ask(connection)
        ask(connection)
    assert sessions.newest == 2
    used = [request.key[-1] for request in received if "DescribeVpcs" in request.form]
    assert used == ["1", "1", "2", "2"]


def test_through_two_roles_both_are_assumed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions()
    with misbehaving(sessions) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect([VPCS], role_arn=ROLE, via_role_arn=ROLE.replace("auditor", "first"))
        ask(connection)
        sessions.ended = sessions.newest
        ask(connection)
    assert sessions.newest == 4


def test_a_session_that_is_over_at_once_again_is_not_asked_for_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions()
    sessions.ended = 1_000
    with misbehaving(sessions) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect([VPCS], role_arn=ROLE)
        for _ in range(5):
            with pytest.raises(CallError, match="ExpiredToken"):
                ask(connection)
    assert sessions.newest == 2


def test_keys_that_somebody_else_renews_in_the_file_are_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = home / ".aws" / "credentials"
    file.parent.mkdir(parents=True)
    lines = "[default]\naws_access_key_id = ASIAFILE{n:012}\naws_secret_access_key = s\naws_session_token = token-{n}\n"
    file.write_text(lines.format(n=1))
    sessions = Sessions()
    with misbehaving(sessions) as (url, received):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect([VPCS])
        ask(connection)
        sessions.ended = 1
        file.write_text(lines.format(n=2))
        ask(connection)
    assert [request.key[-1] for request in received] == ["1", "1", "2"]


def test_keys_of_the_environment_cannot_be_had_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-1")
    sessions = Sessions()
    sessions.ended = 1
    with misbehaving(sessions) as (url, received):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(CallError, match="ExpiredToken"):
            ask(connect([VPCS]))
    assert len(received) == 1


def test_a_process_that_hands_out_credentials_is_run_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    given = home / "given.json"
    config = home / ".aws" / "config"
    config.parent.mkdir(parents=True)
    config.write_text(f"[default]\ncredential_process = cat {given}\n")

    def give(number: int) -> None:
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        keys = {"AccessKeyId": f"ASIAPROC{number:012}", "SecretAccessKey": "s", "SessionToken": f"token-{number}"}
        given.write_text(json.dumps({"Version": 1, "Expiration": ends, **keys}))

    give(1)
    sessions = Sessions()
    with misbehaving(sessions) as (url, received):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect([VPCS])
        ask(connection)
        sessions.ended = 1
        give(2)
        ask(connection)
    assert [request.key[-1] for request in received] == ["1", "1", "2"]
