"""Credentials that nobody uses."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from auditor.kit import (
    DAYS,
    MEDIUM,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    hours_between,
    iso,
)
from auditor.kit.credential_report import KEYS, credential_report, is_active, when

from .thresholds import LeastPrivilege

PASSWORDS_TRACKED_SINCE = datetime(2014, 10, 20, tzinfo=UTC)
"""AWS knows no password's use before this day (IAM User Guide, "Generate credential reports": password_last_used)."""

_NONE = {
    f"{key}_{column}": value
    for key in KEYS
    for column, value in (("active", "false"), ("last_rotated", "N/A"), ("last_used_date", "N/A"))
}


def user(made: str = "", **columns: str) -> Document:
    """Return a user without password and keys but for these columns of the report, MADE at that time (an hour ago)."""
    row = {
        "user": "maria",
        "arn": "arn:aws:iam::111122223333:user/maria",
        "user_creation_time": ago(days=400),
        "password_enabled": "false",
        "password_last_used": "N/A",
        "password_last_changed": "N/A",
        **_NONE,
        "GeneratedTime": made or ago(hours=1),
        **columns,
    }
    return {"UserName": "maria", "CredentialReport": row}


def password(used: str, changed: str) -> dict[str, str]:
    """Return the columns of a password."""
    return {"password_enabled": "true", "password_last_used": used, "password_last_changed": changed}


def key(used: str, rotated: str) -> dict[str, str]:
    """Return the columns of the first access key."""
    return {"access_key_1_active": "true", "access_key_1_last_used_date": used, "access_key_1_last_rotated": rotated}


@check(
    "iam-user-unused-credentials",
    pattern="security.access.least-privilege",
    on="AWS::IAM::User",
    severity=MEDIUM,
    fix=Fix(
        cli="aws iam update-access-key --user-name {UserName} --access-key-id ACCESS_KEY_ID --status Inactive "
        "&& aws iam delete-login-profile --user-name {UserName}",
        terraform="aws_iam_access_key.status",
    ),
    same_as=(
        "prowler:iam_user_accesskey_unused",
        "prowler:iam_user_console_access_unused",
        "fsbp:IAM.8",
        "fsbp:IAM.22",
        "cis:2.11",
        "service-screener:consoleLastAccess45",
    ),
    passes=[
        user(**password(ago(days=3), ago(days=300))),
        user(**key(ago(days=44), ago(days=300))),
        Case(user(**key("N/A", ago(days=2))), why="never used, and only two days old"),
        Case(user(**password("no_information", ago(days=2))), why="never used, and set two days ago"),
        Case(user(**password(ago(days=3), "N/A")), why="in use, whenever it was changed"),
        Case(user(**key(ago(days=3), "N/A")), why="in use, whenever it was made"),
    ],
    fails=[
        user(**password(ago(days=46), ago(days=300))),
        user(**key(ago(days=200), ago(days=300)), **password(ago(days=3), ago(days=300))),
        Case(user(**key("N/A", ago(days=46))), why="never used since it was made"),
        Case(user(**password("no_information", ago(days=60))), why="never used since it was set"),
        Case(
            user(**password("no_information", "2013-05-01T08:00:00+00:00"), **key(ago(days=200), ago(days=300))),
            why="proven by the key; of the password nothing is known",
        ),
        Case(
            user(**key("N/A", "N/A"), **password(ago(days=90), ago(days=300))),
            why="proven by the password; of the key nothing is known",
        ),
        user(**key(ago(days=90), "N/A")),
    ],
    skips=[
        Case(user(), why="nothing to use"),
        Case(user(**{**key("N/A", ago(days=100)), "access_key_1_active": "false"}), why="the key is switched off"),
        user(user="<root_account>"),
    ],
    unknowns=[
        Case(
            user(**password(ago(days=3), ago(days=9))),
            gaps={"CredentialReport": Gap("iam:GetCredentialReport", "AccessDenied")},
        ),
        Case(user(made=ago(days=2), **key(ago(days=200), ago(days=300))), why="the report is too old"),
        Case(user(**password("no_information", "2013-05-01T08:00:00+00:00")), why="set before AWS kept records of use"),
        Case(user(**key("N/A", "N/A"), **password(ago(days=3), ago(days=300))), why="of the key nothing is known"),
    ],
)
def iam_user_unused_credentials(user: Facts, want: LeastPrivilege) -> Iterator[Evidence]:
    """Every password and access key of a user is in use.

    Why: A credential that nobody uses is missed by nobody when it is stolen. One that was never used counts from the day it was
    made or last changed, so that a new one has its time.

    Fix: Deactivate the key or delete the password; delete them once nobody has complained.

    Source: FSBP IAM.8 and IAM.22; CIS 2.11; IAM User Guide, "Generate credential reports for your AWS account"; the standard's
    "Least privilege: Minimum required permissions".
    """
    row = credential_report(user, want.credential_report_max_age_hours)
    active = [key for key in KEYS if is_active(row, f"{key}_active")]
    has_password = is_active(row, "password_enabled")
    if not active and not has_password:
        raise NotApplicable("it has neither a password nor an active access key")
    kinds = [(key.replace("_", " "), f"{key}_last_used_date", f"{key}_last_rotated") for key in active]
    if has_password:
        kinds.append(("password", "password_last_used", "password_last_changed"))
    doubt: Unavailable | None = None
    for what, used_column, made_column in kinds:
        try:
            used = when(row, used_column)
            since = used or _made(row, made_column)
        except Unavailable as unavailable:
            doubt = doubt or unavailable.kept()
            continue
        days = hours_between(since, user.observed_at) / 24
        if days > want.unused_credential_days:
            idle = f"was last used {DAYS} days ago" if used else f"was never used in the {DAYS} days it exists"
            yield Evidence(
                f"its {what} {idle}; at most {want.unused_credential_days} days are wanted",
                {"credential": what, "last_used" if used else "made": iso(since), "ever_used": used is not None},
                since=since,
            )
    if doubt:
        raise doubt


def _made(row: Mapping[str, str], column: str) -> datetime:
    """Return when a credential that was never used was made or changed. Raises Unavailable when that is not known."""
    if (moment := when(row, column)) is None:
        raise Unavailable(Gap("iam:GetCredentialReport", "NoInformation", f"{column} is not known"))
    if column == "password_last_changed" and moment < PASSWORDS_TRACKED_SINCE:
        raise Unavailable(
            Gap("iam:GetCredentialReport", "NoInformation", "the password is older than AWS's records of use")
        )
    return moment
