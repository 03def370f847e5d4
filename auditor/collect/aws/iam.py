"""IAM: users with their row of the credential report and their keys, groups, roles and policies."""

import csv
import io
import json
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import unquote

from auditor.collect.declare import Call, CallFailed, Collector, Dated, ResourceType, Row, Wait, is_of_aws
from auditor.model import Gap

# ---- account authorization details -----------------------------------------------------------------------------------


def _authorization(result: str) -> Call:
    """Return the call that holds all principals and policies in one paged answer; RESULT is the part that is wanted."""
    kinds = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]
    return Call("iam", "GetAccountAuthorizationDetails", result, params={"Filter": kinds, "MaxItems": 1000})


_DOCUMENTS = ("AssumeRolePolicyDocument", "Document", "PolicyDocument")


def with_documents(value: Any) -> Any:
    """Return VALUE with its policy documents as mappings: on the wire they are URL-encoded JSON.

    What is no JSON stays the text it is.
    """
    if isinstance(value, Mapping):
        return {
            key: _document(item) if key in _DOCUMENTS and isinstance(item, str) else with_documents(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [with_documents(item) for item in value]
    return value


def _document(text: str) -> Any:
    # JSON begins with a bracket; where it does, a percent sign is the policy's own.
    plain = text.lstrip().startswith(("{", "["))
    try:
        return json.loads(text if plain else unquote(text))
    except ValueError:
        return text


# ---- the credential report -------------------------------------------------------------------------------------------

_GENERATE = Call("iam", "GenerateCredentialReport")
_REPORT = Call("iam", "GetCredentialReport")
_MISSING = ("ReportNotPresent", "ReportExpired")
_NOT_READY = ("ReportInProgress", *_MISSING)
_WAITS = (0.5, 1, 2, 3, 5, 5, 10, 10, 10, 15, 15, 20, 20)
"""Seconds between asking for a report that is being made: two minutes in all; AWS needs seconds to a minute."""


def _credential_report() -> Generator[Call | Wait, Any, Mapping[str, Any] | Gap]:
    """Have the report made (AWS does so once in four hours at most), wait for it, and return its answer or why there is none."""
    last = Gap("iam:GetCredentialReport", "ReportInProgress", "the credential report was not ready in time")
    try:
        yield _GENERATE
        for wait in (*_WAITS, 0):
            try:
                return (yield _REPORT)  # type: ignore[no-any-return]
            except CallFailed as failed:
                if failed.gap.code not in _NOT_READY:
                    return failed.gap
                last = failed.gap
            if wait:
                yield Wait(wait)
            if last.code in _MISSING:
                yield _GENERATE
    except CallFailed as failed:
        return failed.gap
    return last


_DATES = (
    "user_creation_time",
    "password_last_used",
    "password_last_changed",
    *(f"access_key_{slot}_{event}" for slot in (1, 2) for event in ("last_rotated", "last_used_date")),
    *(f"cert_{slot}_last_rotated" for slot in (1, 2)),
)


def report_rows(report: Row) -> dict[str, dict[str, str]]:
    """Return the rows of GetCredentialReport's answer by the user's ARN, each a mapping of the report's column names.

    Each gets a GeneratedTime: the answer's, unless a date in the report is later. A report cannot be older than what
    it tells, whatever the endpoint says of it.
    """
    rows = list(csv.DictReader(io.StringIO(report["Content"])))
    told = (row.get(column) or "" for row in rows for column in _DATES)
    moments = [moment for moment in (*told, report.get("GeneratedTime") or "") if moment[:1].isdigit()]
    made = max(map(_second, moments), default="1970-01-01T00:00:00")
    return {row["arn"]: {**row, "GeneratedTime": f"{made}+00:00"} for row in rows}


def _second(moment: str) -> str:
    """Return the date without fraction and offset; the report's and the API's are all UTC."""
    return moment[:19].replace(" ", "T")


# ---- users -----------------------------------------------------------------------------------------------------------

_USERS = _authorization("UserDetailList")
_SERVICE_CREDENTIALS = Call(
    "iam", "ListServiceSpecificCredentials", "ServiceSpecificCredentials", params={"AllUsers": True}
)


def _users() -> Collector:
    """Yield the users, each with its row of the credential report and its service-specific credentials."""
    users, credentials = yield [_USERS, _SERVICE_CREDENTIALS]
    if isinstance(users, CallFailed):
        raise users
    report = yield from _credential_report()
    rows = {} if isinstance(report, Gap) else report_rows(report)
    newer = Gap("iam:GetCredentialReport", "UserNotInReport", "the user is newer than the credential report")
    missing = report if isinstance(report, Gap) else newer
    yield [
        {
            **with_documents(user),
            "CredentialReport": rows.get(user["Arn"], missing),
            "SigningCertificates": [],  # asked for where the report says that there are some
            "ServiceSpecificCredentials": credentials.gap
            if isinstance(credentials, CallFailed)
            else [credential for credential in credentials if credential.get("UserName") == user["UserName"]],
        }
        for user in users
    ]


def _may_have(*columns: str) -> Any:
    """Return whether a user's credential report says true in one of COLUMNS, or could not be read."""

    def may_have(user: Row) -> bool:
        report = user.get("CredentialReport")
        return not isinstance(report, Mapping) or any(report.get(column) not in ("false", "N/A") for column in columns)

    return may_have


_USER_NAME = {"UserName": "UserName"}

USER = ResourceType(
    "AWS::IAM::User",
    "An IAM user with its policies, its row of the credential report and its other credentials; root is none.",
    collect=_users,
    calls=(_USERS, _GENERATE, _REPORT, _SERVICE_CREDENTIALS),
    id="{Arn}",
    name="{UserName}",
    tags="Tags",
    scope="global",
    # Of SSH keys the report says nothing, and no call lists them for all users.
    details={
        "SSHPublicKeys": Call("iam", "ListSSHPublicKeys", "SSHPublicKeys", args=_USER_NAME),
        "SigningCertificates": Call("iam", "ListSigningCertificates", "Certificates", args=_USER_NAME),
    },
    details_when={"SigningCertificates": _may_have("cert_1_last_rotated", "cert_2_last_rotated")},
    # Its columns of last use change by themselves, every day.
    volatile=("CredentialReport",),
    drop=("SigningCertificates[].CertificateBody",),
)

# ---- access keys -----------------------------------------------------------------------------------------------------


def _with_last_use(key: Row) -> Row:
    """Return the key with LastUsed from its user's row of the report: the slot that was filled when the key was made."""
    row = dict(key)
    report = row.pop("CredentialReport", None)
    if not isinstance(report, Mapping):
        unread = Gap("iam:GetCredentialReport", "NotRead", "the credential report was not read")
        return {**row, "LastUsed": report if isinstance(report, Gap) else unread}
    for slot in ("access_key_1", "access_key_2"):
        if _second(report.get(f"{slot}_last_rotated", "")) == _second(row.get("CreateDate", "")):
            return {**row, "LastUsed": report.get(f"{slot}_last_used_date", "N/A")}
    newer = Gap("iam:GetCredentialReport", "KeyNotInReport", "the key is newer than the credential report")
    return {**row, "LastUsed": newer}


ACCESS_KEY = ResourceType(
    "AWS::IAM::AccessKey",
    "An access key of a user, active or not; LastUsed is the report's date, or its word for never (N/A).",
    parent="AWS::IAM::User",
    parent_when=_may_have("access_key_1_last_rotated", "access_key_2_last_rotated"),
    inherit=("CredentialReport",),
    list=Call("iam", "ListAccessKeys", "AccessKeyMetadata", args=_USER_NAME),
    shape=_with_last_use,
    id="arn:{partition}:iam::{account}:user/{UserName}/accesskey/{AccessKeyId}",
    name="{AccessKeyId}",
    scope="global",
    volatile=("LastUsed",),
    dated=(
        Dated(
            "key-use",
            at="LastUsed",
            keep=("UserName", "AccessKeyId", "LastUsed"),
            once_a_day=True,
            operation="iam:GetCredentialReport",
        ),
    ),
)

# ---- groups, roles, policies -----------------------------------------------------------------------------------------

GROUP = ResourceType(
    "AWS::IAM::Group",
    "An IAM group with its policies.",
    list=_authorization("GroupDetailList"),
    shape=with_documents,
    id="{Arn}",
    name="{GroupName}",
    scope="global",
)

ROLE = ResourceType(
    "AWS::IAM::Role",
    "An IAM role with its trust policy and its permissions.",
    list=_authorization("RoleDetailList"),
    shape=with_documents,
    id="{Arn}",
    name="{RoleName}",
    tags="Tags",
    scope="global",
    volatile=("RoleLastUsed",),
)


def _in_force(policy: Row) -> bool:
    """Return whether the policy is the account's own, or AWS's and attached or used as a boundary: AWS has over a thousand."""
    own: bool = policy["Arn"].split(":")[4] != "aws"
    uses: int = policy.get("AttachmentCount", 1) + policy.get("PermissionsBoundaryUsageCount", 0)
    return own or uses > 0


MANAGED_POLICY = ResourceType(
    "AWS::IAM::ManagedPolicy",
    "A managed policy of the account, or one of AWS's that is in use, with its versions.",
    list=_authorization("Policies"),
    only=_in_force,
    shape=with_documents,
    offering=is_of_aws,
    id="{Arn}",
    name="{PolicyName}",
    scope="global",
)
