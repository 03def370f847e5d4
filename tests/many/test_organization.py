"""An organisation's accounts: sorted out by unit, state and name, each entered by its role; and what goes wrong in listing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import settings as thorough
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from scripted import DENIED, THROTTLED, Scripted, pages, raises

from auditor.accounts import accounts_of, pick
from auditor.aws.limits import Limit, Limiter
from auditor.aws.session import Connection, Identity
from auditor.config import AccountSettings, OrganizationSettings, Settings
from auditor.errors import CredentialsError, UsageError
from auditor.organization import Members, members_of, sort_out

OWN, PROD, OLD, TEST = "111111111111", "222222222222", "333333333333", "444444444444"
ACCOUNTS = [
    {"Id": OWN, "Name": "management", "State": "ACTIVE", "Status": "ACTIVE"},
    {"Id": PROD, "Name": "production", "State": "ACTIVE"},
    {"Id": OLD, "Name": "old", "State": "SUSPENDED", "Status": "ACTIVE"},
    {"Id": TEST, "Name": "Test", "Status": "ACTIVE"},
    {"Id": "555555555555", "Name": "leaving", "Status": "PENDING_CLOSURE"},
]


def unit(id: str, parent: str | None, path: str, *accounts: str) -> Mapping[str, Any]:
    names = path.split("/") if path else []
    return {
        "Id": id, "Name": names[-1] if names else "Root", "ParentId": parent, "Path": names, "AccountIds": list(accounts),
    }  # fmt: skip


UNITS = [
    unit("r-ab12", None, "", OWN),
    unit("ou-1", "r-ab12", "Workloads"),
    unit("ou-2", "r-ab12", "Sandbox", OLD),
    unit("ou-3", "ou-1", "Workloads/Prod", PROD),
    unit("ou-4", "ou-2", "Sandbox/Prod", TEST),
]


def sorted_out(partition: str = "aws", base: AccountSettings | None = None, **organization: Any) -> Members:
    settings = Settings(account=base or AccountSettings(), organization=OrganizationSettings(**organization))
    return sort_out(settings, OWN, partition, ACCOUNTS, UNITS)


def test_active_accounts_are_entered_by_the_role_and_the_own_one_as_it_is() -> None:
    base = AccountSettings(
        profile="audit", role_arn=f"arn:aws:iam::{OWN}:role/lister", external_id="first", regions=("eu-west-1",)
    )
    members = sorted_out(base=base, role="path/auditor", external_id="second")
    assert [account.name for account in members.accounts] == ["management", "production", "Test"]
    own, prod, _ = members.accounts
    assert (own.id, own.role_arn, own.via_role_arn) == (OWN, base.role_arn, "")
    assert prod.role_arn == f"arn:aws:iam::{PROD}:role/path/auditor"
    assert (prod.external_id, prod.via_role_arn, prod.via_external_id) == ("second", base.role_arn, "first")
    assert (prod.profile, prod.regions) == ("audit", ("eu-west-1",))
    [own] = [account for account in sorted_out(assume_in_own=True).accounts if account.id == OWN]
    assert own.role_arn == f"arn:aws:iam::{OWN}:role/aws-account-auditor"


def test_a_template_says_partition_and_account() -> None:
    members = sorted_out("aws-us-gov", role="arn:{partition}:iam::{account}:role/x")
    assert members.accounts[1].role_arn == f"arn:aws-us-gov:iam::{PROD}:role/x"


def test_what_the_settings_leave_out_is_said_too_unless_another_entry_scans_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = {
        account.name: why for account, why in sorted_out(exclude_units=("Sandbox",), exclude_accounts=(OWN,)).left_out
    }
    assert reasons["Test"] == "organization.exclude_units names a unit it is in"
    assert reasons["management"] == "organization.exclude_accounts names it"
    assert "it is in none of organization.units" in dict(sorted_out(units=("Workloads",)).left_out).values()
    members = sorted_out(exclude_accounts=("production",))
    monkeypatch.setattr("auditor.accounts.members_of", lambda settings: members)
    own = AccountSettings(id=PROD, profile="prod")
    settings = Settings(accounts=(own,), organization=OrganizationSettings(enabled=True))
    assert own in accounts_of(settings).accounts
    assert "production" not in {account.name for account, _ in accounts_of(settings).left_out}


def test_suspended_and_closing_accounts_are_left_out_and_said() -> None:
    assert [(account.name, why) for account, why in sorted_out().left_out] == [
        ("leaving", "the organisation says it is pending closure"),
        ("old", "the organisation says it is suspended"),
    ]


@pytest.mark.parametrize(
    ("organization", "wanted"),
    [
        ({"units": ("Workloads",)}, ["production"]),
        ({"units": ("ou-1", "sandbox/prod")}, ["production", "Test"]),
        ({"units": ("r-ab12",)}, ["management", "production", "Test"]),
        ({"units": ("Root/Workloads/Prod/",)}, ["production"]),
        ({"exclude_units": ("Sandbox",)}, ["management", "production"]),
        ({"units": ("Workloads", "Sandbox"), "exclude_units": ("Workloads/Prod",)}, ["Test"]),
        ({"exclude_accounts": (OWN, "Test")}, ["production"]),
    ],
)
def test_units_and_accounts_are_included_and_excluded_by_id_name_and_path(
    organization: dict[str, Any], wanted: list[str]
) -> None:
    assert [account.name for account in sorted_out(**organization).accounts] == wanted


@pytest.mark.parametrize(
    ("organization", "said"),
    [
        ({"units": ("Workload",)}, "the organisation has no unit Workload; did you mean Workloads?"),
        (
            {"units": ("Prod",)},
            r"several units of the organisation are called Prod: write the path \(Workloads/Prod, San",
        ),
        ({"exclude_units": ("\x1b[2J",)}, r"the organisation has no unit '\\x1b\[2J'; there are Root, Workloads"),
        ({"exclude_accounts": ("productoin",)}, "has no account productoin; did you mean production?"),
        ({"units": ("Sandbox",), "exclude_accounts": ("Test",)}, "no account of the organisation is left to scan"),
    ],
)
def test_what_cannot_be_meant_is_said_with_the_nearest_name(organization: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sorted_out(**organization)


@given(st.dictionaries(st.sampled_from([OWN, PROD, OLD, TEST]), st.sampled_from(["a", "b", "c", "d"]), min_size=1))
@thorough(max_examples=50)
def test_including_all_units_and_excluding_some_is_everything_but_them(homes: dict[str, str]) -> None:
    tree = [
        unit("r-1", None, ""),
        *(unit(name, "r-1", name, *(i for i in homes if homes[i] == name)) for name in "abcd"),
    ]
    accounts = [{"Id": id, "Name": id, "State": "ACTIVE"} for id in homes]
    excluded = {id for id, home in homes.items() if home in "ab"}
    settings = Settings(organization=OrganizationSettings(units=("r-1",), exclude_units=("a", "b")))
    if excluded == set(homes):
        with pytest.raises(UsageError):
            sort_out(settings, OWN, "aws", accounts, tree)
    else:
        members = sort_out(settings, OWN, "aws", accounts, tree)
        assert {account.id for account in members.accounts} == set(homes) - excluded


def test_accounts_are_picked_by_id_before_name_and_a_name_of_several_by_id_only() -> None:
    accounts = [
        AccountSettings(name="a", id=PROD),
        AccountSettings(name="a", id=TEST),
        AccountSettings(name=PROD, id=OWN),
    ]
    assert pick(accounts, [PROD]) == (accounts[0],)
    assert pick(accounts, [OWN, TEST]) == (accounts[1], accounts[2])
    with pytest.raises(UsageError, match=f"several accounts are called a: name one by its id .*{PROD}, {TEST}"):
        pick(accounts, ["a"])


def test_a_suspended_account_that_is_asked_for_is_said_to_be_suspended() -> None:
    gone = AccountSettings(name="gone", id=TEST), "the organisation says it is suspended"
    for text in ("gone", TEST):
        with pytest.raises(UsageError, match=f"account {text} is not scanned: the organisation says it is suspended"):
            pick([AccountSettings(name="a", id=PROD)], [text], [gone])


# ---- asking AWS ------------------------------------------------------------------------------------------------------


class _Connection(Connection):
    """A connection whose calls are scripted."""

    def __init__(self, script: Scripted) -> None:
        self.script = script

    def identify(self) -> Identity:
        return Identity(OWN, "aws", "arn:aws:iam::x:user/x")

    def caller(self) -> Any:
        return self.script


def asked(monkeypatch: pytest.MonkeyPatch, script: Scripted, **organization: Any) -> Members:
    monkeypatch.setattr("auditor.organization.connection_of", lambda settings, types: _Connection(script))
    return members_of(Settings(organization=OrganizationSettings(enabled=True, **organization)))


def arn(account: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**account, "Arn": f"arn:aws:organizations::{OWN}:account/o-1/{account['Id']}", "Email": "a@example.com"}


def test_hundreds_of_accounts_come_page_by_page_and_throttling_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        [arn({"Id": f"{page * 20 + n:012}", "Name": f"n{n}", "State": "ACTIVE"}) for n in range(20)]
        for page in range(4)
    ]
    answer, throttled = pages("Accounts", *rows), [True]

    def sometimes(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params.get("NextToken") == "2" and throttled:
            throttled.clear()
            raise THROTTLED
        return answer(params, region)

    assert len(asked(monkeypatch, Scripted(ListAccounts=sometimes)).accounts) == 80


def test_two_thousand_accounts_in_nested_units_take_a_call_a_page_and_two_a_unit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = [arn({"Id": f"{n:012}", "Name": f"n{n}", "State": "ACTIVE"}) for n in range(2000)]
    # Unit N holds twenty accounts; below it are the units 2N and 2N+1. The root is unit 1, and there are a hundred.
    units = {f"ou-{n}": n for n in range(1, 101)}

    def below(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        n = units[params["ParentId"]]
        children = [child for child in (2 * n, 2 * n + 1) if child <= 100]
        made = [
            {"Id": f"ou-{c}", "Name": f"u{c}", "Arn": f"arn:aws:organizations::{OWN}:ou/o-1/ou-{c}"} for c in children
        ]
        return {"OrganizationalUnits": made}

    def right_in(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        n = units[params["ParentId"]]
        return {"Accounts": accounts[(n - 1) * 20 : n * 20]}

    root = {"Id": "ou-1", "Name": "Root", "Arn": f"arn:aws:organizations::{OWN}:root/o-1/ou-1"}
    script = Scripted(
        ListAccounts=pages("Accounts", *(accounts[n : n + 20] for n in range(0, 2000, 20))),
        ListRoots=pages("Roots", [root]),
        ListOrganizationalUnitsForParent=below,
        ListAccountsForParent=right_in,
    )
    monkeypatch.setattr("auditor.collect.run.Limiter", lambda: Limiter(limits=lambda *_: Limit(1e6, 1e6)))
    members = asked(monkeypatch, script, exclude_units=("u2",))
    # All below u2: of each level the first half, 1 + 2 + 4 + 8 + 16 and the 32 of 64 to 95.
    assert len(members.accounts) == 2000 - 20 * 63
    assert script.count() == {
        "ListAccounts": 100, "ListRoots": 1, "ListOrganizationalUnitsForParent": 100, "ListAccountsForParent": 100
    }  # fmt: skip


def test_who_may_not_list_is_told_who_may(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match="management account or a delegated administrator") as caught:
        asked(monkeypatch, Scripted(ListAccounts=raises(DENIED)))
    assert "organizations:ListAccounts answered AccessDenied" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_unit_that_may_not_be_looked_into_ends_it_rather_than_leaving_accounts_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def below(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        if params["ParentId"] == "ou-1":
            raise DENIED
        return {"OrganizationalUnits": [{"Id": "ou-1", "Arn": "arn:ou-1", "Name": "One"}]}

    script = Scripted(
        ListAccounts=pages("Accounts", [arn(ACCOUNTS[1])]),
        ListRoots=pages("Roots", [{"Id": "r-1", "Arn": "arn:r-1", "Name": "Root"}]),
        ListAccountsForParent=pages("Accounts", []),
        ListOrganizationalUnitsForParent=below,
    )
    with pytest.raises(CredentialsError, match="ListOrganizationalUnitsForParent answered AccessDenied"):
        asked(monkeypatch, script, units=("One",))


def test_an_account_in_no_organisation_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.aws.answer import CallError, Fault

    lonely = CallError(Fault.OTHER, "AWSOrganizationsNotInUseException", "no")
    with pytest.raises(CredentialsError, match="is in no organisation"):
        asked(monkeypatch, Scripted(ListAccounts=raises(lonely)))


@pytest.fixture(scope="module")
def organisation() -> Iterator[str]:
    """An organisation at an endpoint: two units, three accounts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_an_organisation_is_read_over_http(organisation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", organisation)
    # An account of its own: simulated ones are shared by all tests of a process.
    sts: Any = boto3.client("sts", region_name="us-east-1")
    keys = sts.assume_role(RoleArn="arn:aws:iam::888888888888:role/x", RoleSessionName="test")["Credentials"]
    for variable, key in (("ACCESS_KEY_ID", "AccessKeyId"), ("SECRET_ACCESS_KEY", "SecretAccessKey")):
        monkeypatch.setenv(f"AWS_{variable}", keys[key])
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
    client: Any = boto3.session.Session().client("organizations", region_name="us-east-1")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    workloads = client.create_organizational_unit(ParentId=root, Name="Workloads")["OrganizationalUnit"]["Id"]
    deep = client.create_organizational_unit(ParentId=workloads, Name="Prod")["OrganizationalUnit"]["Id"]
    made = {}
    for name, home in (("prod", deep), ("sandbox", root)):
        status = client.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
        made[name] = status["AccountId"]
        if home != root:
            client.move_account(AccountId=status["AccountId"], SourceParentId=root, DestinationParentId=home)
    settings = Settings(organization=OrganizationSettings(enabled=True, units=("Workloads",)))
    assert [(a.name, a.id) for a in accounts_of(settings).accounts] == [("prod", made["prod"])]
    everything = Settings(
        organization=OrganizationSettings(enabled=True),
        accounts=(AccountSettings(name="ours", id=made["prod"], profile="p"),),
    )
    found = {account.id: account.name for account in accounts_of(everything).accounts}
    assert found[made["prod"]] == "ours", "what [[accounts]] says of a member holds"
    assert set(made.values()) < set(found)
    assert "888888888888" in found
