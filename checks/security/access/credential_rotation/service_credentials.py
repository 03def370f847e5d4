"""Credentials of users for single services: CodeCommit, Keyspaces and Bedrock, SSH keys, signing certificates."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import (
    DAYS,
    LOW,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    hours_between,
    parse_time,
)

from .thresholds import CredentialRotation

KINDS = (
    ("ServiceSpecificCredentials", "CreateDate", "ServiceName", "ServiceSpecificCredentialId"),
    ("SSHPublicKeys", "UploadDate", "", "SSHPublicKeyId"),
    ("SigningCertificates", "UploadDate", "", "CertificateId"),
)
"""Field, its date, what names the service, and the credential's id."""
NAMES = {"SSHPublicKeys": "SSH public key", "SigningCertificates": "signing certificate"}
_DENIED = Gap("iam:ListSSHPublicKeys", "AccessDenied")


def user(**more: Any) -> dict[str, Any]:
    """Return a user with these credentials."""
    return {
        "UserName": "maria",
        "ServiceSpecificCredentials": [],
        "SSHPublicKeys": [],
        "SigningCertificates": [],
        **more,
    }


def git(days: float, status: str = "Active", **more: Any) -> list[dict[str, Any]]:
    """Return a credential for CodeCommit that is so many days old."""
    return [
        {
            "UserName": "maria",
            "Status": status,
            "CreateDate": ago(days=days),
            "ServiceName": "codecommit.amazonaws.com",
            "ServiceSpecificCredentialId": "ACCAEXAMPLE123EXAMPLE",
            **more,
        }
    ]


def ssh(days: float) -> list[dict[str, Any]]:
    """Return an SSH public key that is so many days old."""
    return [{"UserName": "maria", "Status": "Active", "UploadDate": ago(days=days), "SSHPublicKeyId": "APKAEXAMPLE"}]


@check(
    "iam-service-credential-rotated",
    pattern="security.access.credential-rotation",
    on="AWS::IAM::User",
    severity=LOW,
    fix=Fix(
        cli="aws iam reset-service-specific-credential --user-name {UserName} --service-specific-credential-id {facts.ServiceSpecificCredentialId}",
        terraform="aws_iam_service_specific_credential",
    ),
    same_as=("prowler:bedrock_api_key_no_long_term_credentials",),
    passes=[user(ServiceSpecificCredentials=git(10)), user(SSHPublicKeys=ssh(89))],
    fails=[
        user(ServiceSpecificCredentials=git(91)),
        user(SSHPublicKeys=ssh(400)),
        user(
            SigningCertificates=[
                {"UserName": "maria", "Status": "Active", "UploadDate": ago(days=200), "CertificateId": "TA7EXAMPLE"}
            ]
        ),
        Case(
            user(ServiceSpecificCredentials=git(200, ExpirationDate=ago(days=-165))),
            why="it expires, but lives for a year",
        ),
        Case(
            user(ServiceSpecificCredentials=git(200)), gaps={"SSHPublicKeys": _DENIED}, why="proven without the others"
        ),
    ],
    skips=[
        user(),
        Case(user(ServiceSpecificCredentials=git(400, status="Inactive")), why="switched off"),
        Case(user(ServiceSpecificCredentials=git(200, ExpirationDate=ago(days=100))), why="expired"),
    ],
    unknowns=[Case(user(ServiceSpecificCredentials=git(10)), gaps={"SSHPublicKeys": _DENIED})],
)
def iam_service_credential_rotated(user: Facts, want: CredentialRotation) -> Iterator[Evidence]:
    """A user's credentials for single services are replaced in time.

    Why: Passwords for Git, keys for Bedrock, SSH keys and signing certificates open the account's services just as access keys do,
    and are forgotten more easily, as no one sees them on the user's first page.

    Fix: Reset the credential, or make a new one and delete the old one. Better: short-lived credentials of a role.

    Source: IAM User Guide, "Service-specific credentials for IAM users" and "Use IAM with CodeCommit"; the standard's "Rotation:
    Rotate credentials regularly".
    """
    doubt: Unavailable | None = None
    judged = 0
    for field, date, service, id in KINDS:
        try:
            credentials = user[field]
        except Unavailable as unavailable:
            doubt = doubt or unavailable.kept()
            continue
        for credential in credentials:
            ends = credential.get("ExpirationDate")
            if credential["Status"] != "Active" or (ends and parse_time(ends) <= user.observed_at):
                continue
            judged += 1
            made = parse_time(credential[date])
            if hours_between(made, user.observed_at) / 24 > want.service_credential_days:
                what = NAMES.get(field) or f"credential for {credential.get(service, 'a service')}"
                yield Evidence(
                    f"its {what} is {DAYS} days old; at most {want.service_credential_days} are wanted",
                    {"kind": field, id: credential.get(id, ""), date: credential[date]},
                    since=made,
                )
    if doubt:
        raise doubt
    if not judged:
        raise NotApplicable("it has no active credential of this kind")
