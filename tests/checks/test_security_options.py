"""Checks of networks and access under thresholds an operator may change; the cases use the shipped ones."""

import dataclasses
from typing import Any

import pytest
from cases import judge_case

from auditor import catalog, standard
from auditor.kit import Case, Gap, ago
from auditor.model import Finding, Verdict

CHECKS = catalog.load_checks()
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")
DENIED = Gap("iam:GetCredentialReport", "AccessDenied")
ADMIN = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def judged(check_id: str, case: Case, **changes: Any) -> Finding:
    check = CHECKS[check_id]
    shipped = standard.bind(STANDARD[check.patterns[0]], check.thresholds)
    return judge_case(check, case, dataclasses.replace(shipped, **changes))


def user(name: str) -> dict[str, Any]:
    row = {"user": name, "password_enabled": "true", "mfa_active": "false", "GeneratedTime": ago(hours=1)}
    return {"UserName": name, "Arn": f"arn:aws:iam::111122223333:user/{name}", "CredentialReport": row}


def opening(protocol: str, port: int | None = None) -> Case:
    ports = {} if port is None else {"FromPort": port, "ToPort": port}
    rule = {"IpProtocol": protocol, **ports, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    return Case({"GroupId": "sg-0aa", "GroupName": "web", "VpcId": "vpc-0aa", "IpPermissions": [rule]})


@pytest.mark.parametrize("check", ["iam-user-console-password", "iam-user-permissions-via-groups"])
def test_a_user_kept_for_emergencies_is_not_judged_and_the_reason_says_so(check: str) -> None:
    case = Case(
        {**user("emergency"), "UserPolicyList": [{"PolicyName": "all", "PolicyDocument": ADMIN}]},
        gaps={"CredentialReport": DENIED},
    )
    finding = judged(check, case, break_glass_users=("emergency",))
    assert finding.verdict == Verdict.NOT_APPLICABLE
    assert "break_glass_users" in finding.reason


@pytest.mark.parametrize(
    ("accepted", "verdict"), [(0, Verdict.FAIL), (1, Verdict.FAIL), (2, Verdict.PASS), (3, Verdict.PASS)]
)
def test_so_many_users_may_have_a_password_beside_those_for_emergencies(accepted: int, verdict: Verdict) -> None:
    case = Case(user("maria"), related={"AWS::IAM::User": [user("noor"), user("emergency")]})
    finding = judged("iam-user-console-password", case, max_console_users=accepted, break_glass_users=("emergency",))
    assert finding.verdict == verdict


def test_passwords_need_no_change_where_none_is_asked_for() -> None:
    finding = judged(
        "iam-user-password-rotated", Case(user("maria"), gaps={"CredentialReport": DENIED}), password_days=0
    )
    assert finding.verdict == Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("exposure", "verdict"), [(False, Verdict.PASS), (True, Verdict.FAIL)])
def test_icmp_is_an_exposure_only_where_the_standard_says_so(exposure: bool, verdict: Verdict) -> None:
    finding = judged("security-group-open-unauthorized-port", opening("icmp"), icmp_is_exposure=exposure)
    assert finding.verdict == verdict


def test_a_port_that_is_neither_administration_nor_allowed_any_more_is_judged_as_unauthorized() -> None:
    assert (
        judged("security-group-open-unauthorized-port", opening("tcp", 22), admin_ports=(3389,)).verdict == Verdict.FAIL
    )
    assert judged("security-group-open-admin-port", opening("tcp", 22), admin_ports=(3389,)).verdict == Verdict.PASS


def test_a_role_administers_by_design_only_while_it_is_named() -> None:
    role = {
        "RoleName": "OrganizationAccountAccessRole",
        "Arn": "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
        "Path": "/",
        "RolePolicyList": [{"PolicyName": "all", "PolicyDocument": ADMIN}],
    }
    case = Case(role, type="AWS::IAM::Role")
    assert judged("iam-principal-no-admin-access", case).verdict == Verdict.NOT_APPLICABLE
    assert judged("iam-principal-no-admin-access", case, admin_role_allowlist=()).verdict == Verdict.FAIL
