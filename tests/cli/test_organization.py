"""`auditor scan --organization` over HTTP: members through their role, suspended ones listed, and the policy it needs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from auditor.store import Store, default_url
from cli.conftest import run

HOSTILE = "<b>=cmd|"


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An organisation at an endpoint; yields its accounts' ids by name, one of them suspended."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    client: Any = boto3.client("organizations", region_name="us-east-1")
    client.create_organization(FeatureSet="ALL")
    made = {
        name: client.create_account(Email="a@example.com", AccountName=name)["CreateAccountStatus"]["AccountId"]
        for name in (HOSTILE, "gone")
    }
    client.close_account(AccountId=made["gone"])
    yield made
    server.stop()


def test_an_organisation_is_scanned_and_suspended_accounts_are_listed_not_counted(members: dict[str, str]) -> None:
    done = run("scan", "--organization", "--region", "eu-west-1", "--check", "iam-user-mfa-enabled")
    assert done.exit_code in (0, 3), done.output
    shown = " ".join(done.stdout.split())
    assert "3 accounts: " in shown
    assert "1 skipped" in shown
    assert "gone the organisation says it is" in shown
    listed = json.loads(Path("audit-reports/accounts.json").read_text())["accounts"]
    assert {(a["name"], a["account"]) for a in listed} == {("master", "123456789012"), *members.items()}
    with Store.open(default_url()) as store:
        assert {scan.account for scan in store.scans()} == {"123456789012", members[HOSTILE]}
    report = Path(f"audit-reports/{members[HOSTILE]}/compliance.html").read_text()
    assert "<b>=cmd" not in report


def test_the_policy_of_an_organisation_lists_accounts_and_assumes_the_role_and_no_other() -> None:
    plain = json.loads(run("policy").stdout)
    asked = json.loads(run("policy", "--organization").stdout)
    actions = {action for statement in asked["Statement"] for action in statement["Action"]}
    more = actions - {action for statement in plain["Statement"] for action in statement["Action"]}
    assert more == {
        "organizations:ListAccounts",
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
        "organizations:ListRoots",
        "sts:AssumeRole",
    }
    [statement] = [statement for statement in asked["Statement"] if "sts:AssumeRole" in statement["Action"]]
    assert statement["Resource"] == ["arn:aws:iam::*:role/aws-account-auditor"]
    assert set(run("policy", "--organization", "--actions").stdout.split()) == actions
