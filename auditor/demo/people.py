"""The demo account's people and programs: IAM users, groups, policies, and access keys young, old and forgotten."""

import json
from datetime import datetime
from typing import Any

from auditor.demo.past import ago, backend, set_date

__all__ = ["build"]

_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
_READ = "arn:aws:iam::aws:policy/ReadOnlyAccess"

PEOPLE: tuple[tuple[str, str, float, float | None, bool, tuple[tuple[float, float | None], ...]], ...] = (
    ("alice.meyer", "administrators", 900, 1, True, ()),
    ("bogdan.ionescu", "administrators", 700, 2, True, ((40, 1),)),
    ("chloe.martin", "developers", 640, 5, True, ((60, 2),)),
    ("david.oconnor", "developers", 600, 3, False, ((420, 3),)),
    ("eva.lindqvist", "developers", 580, 60, True, ((200, 30), (20, 1))),
    ("farid.haddad", "developers", 410, 130, False, ((380, 300),)),
    ("giulia.conti", "analysts", 390, 8, True, ()),
    ("hanna.virtanen", "analysts", 300, 15, False, ()),
    ("ivan.petrov", "", 1100, 400, False, ((1000, 410), (700, None))),
    ("julia.nowak", "", 25, None, False, ()),
    ("svc-deploy", "deployers", 800, None, False, ((85, 1),)),
    ("svc-backup", "", 820, None, False, ((810, 1),)),
    ("svc-erp-export", "", 1300, None, False, ((1290, 12), (1280, 500))),
    ("svc-mailer", "", 450, None, False, ((30, 1),)),
    ("svc-legacy-ftp", "", 1400, None, False, ((1395, None),)),
)
"""Name, group, age in days, days since the password was used (None: no password), MFA, access keys (age, days since use)."""


def build(iam: Any, now: datetime) -> None:
    """Make the groups and PEOPLE, with a few policies that go too far."""
    for group, policy in (("administrators", _ADMIN), ("developers", _READ), ("analysts", _READ), ("deployers", _READ)):
        iam.create_group(GroupName=group)
        iam.attach_group_policy(GroupName=group, PolicyArn=policy)
    records = backend("iam", "aws")
    for name, group, days, password_days, mfa, keys in PEOPLE:
        iam.create_user(UserName=name)
        user = records.get_user(name)
        set_date(user, ["create_date"], ago(now, days))
        if group:
            iam.add_user_to_group(GroupName=group, UserName=name)
        if not name.startswith("svc-"):
            iam.create_login_profile(UserName=name, Password="Not-a-secret-1")  # noqa: S106  (of a user that does not exist)
            if password_days is not None:
                set_date(user, ["password_last_used"], ago(now, password_days))
        if mfa:
            serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
            iam.enable_mfa_device(
                UserName=name, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
            )
        for age, used in keys:
            _key(iam, user, age, used, now)
    iam.update_access_key(
        UserName="ivan.petrov",
        AccessKeyId=records.get_user("ivan.petrov").access_keys[1].access_key_id,
        Status="Inactive",
    )
    iam.attach_user_policy(UserName="svc-erp-export", PolicyArn=_ADMIN)
    _roles(iam)
    for user_name, actions, resource in (
        ("svc-backup", ["ec2:CreateSnapshot", "ec2:DescribeVolumes"], "*"),
        ("svc-legacy-ftp", ["*"], "*"),
        ("farid.haddad", ["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"], "*"),
    ):
        iam.put_user_policy(
            UserName=user_name, PolicyName="what-it-needs", PolicyDocument=json.dumps(_document(actions, resource))
        )


def _roles(iam: Any) -> None:
    """Make the roles that programs have: one as it should be, two that go too far."""
    for name, service in (("web-server", "ec2"), ("image-builder", "ec2"), ("thumbnails", "lambda")):
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
    own = _document(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::northwind-assets/*")
    iam.put_role_policy(RoleName="web-server", PolicyName="assets", PolicyDocument=json.dumps(own))
    iam.attach_role_policy(RoleName="image-builder", PolicyArn=_ADMIN)
    iam.put_role_policy(RoleName="thumbnails", PolicyName="all", PolicyDocument=json.dumps(_document(["*"], "*")))


def _document(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}


def _key(iam: Any, user: Any, age: float, used: float | None, now: datetime) -> None:
    from moto.iam.models import AccessKeyLastUsed

    made = iam.create_access_key(UserName=user.name)["AccessKey"]["AccessKeyId"]
    record = next(key for key in user.access_keys if key.access_key_id == made)
    set_date(record, ["create_date"], ago(now, age))
    if used is not None:
        set_date(record, ["last_used"], AccessKeyLastUsed(timestamp=ago(now, used), service="s3", region="eu-west-1"))
