"""Passwords of users: changed in time, where the standard's owner asks for it."""

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
    iso,
)
from auditor.kit.credential_report import credential_report, is_active, when

from .thresholds import CredentialRotation


def user(enabled: str, changed: str, made: str = "") -> dict[str, Any]:
    """Return a user whose password was changed at that time, in a report MADE at that time (an hour ago)."""
    row = {
        "user": "maria",
        "password_enabled": enabled,
        "password_last_changed": changed,
        "GeneratedTime": made or ago(hours=1),
    }
    return {"UserName": "maria", "CredentialReport": row}


@check(
    "iam-user-password-rotated",
    pattern="security.access.credential-rotation",
    on="AWS::IAM::User",
    severity=LOW,
    fix=Fix(
        cli="aws iam update-login-profile --user-name {UserName} --password-reset-required",
        terraform="aws_iam_account_password_policy.max_password_age",
    ),
    same_as=(
        "service-screener:passwordLastChange90",
        "prowler:iam_password_policy_expires_passwords_within_90_days_or_less",
    ),
    passes=[user("true", ago(days=89))],
    fails=[user("true", ago(days=91))],
    skips=[user("false", "N/A"), user("not_supported", "not_supported")],
    unknowns=[
        Case(user("true", ago(days=91)), gaps={"CredentialReport": Gap("iam:GetCredentialReport", "AccessDenied")}),
        Case(user("true", ago(days=91), made=ago(days=2)), why="the report is too old"),
        Case(user("true", "N/A"), why="AWS does not say when it was changed"),
    ],
)
def iam_user_password_rotated(user: Facts, want: CredentialRotation) -> Iterator[Evidence]:
    """A user's password is changed in time.

    Why: An old password has had the longest time to be copied, guessed or reused elsewhere. NIST and CIS no longer ask for regular
    changes; set password_days to 0 to follow them.

    Fix: Make the user choose a new password at the next sign-in; better, take the password away and use federation.

    Source: IAM User Guide, "Set an account password policy for IAM users"; the standard's "Rotation: Rotate credentials
    regularly".
    """
    if not want.password_days:
        raise NotApplicable("the standard asks for no change of passwords (password_days is 0)")
    row = credential_report(user, want.credential_report_max_age_hours)
    if not is_active(row, "password_enabled"):
        raise NotApplicable("it has no console password")
    changed = when(row, "password_last_changed")
    if changed is None:
        raise Unavailable(Gap("iam:GetCredentialReport", "NoInformation", "when the password was changed is not known"))
    days = hours_between(changed, user.observed_at) / 24
    if days > want.password_days:
        yield Evidence(
            f"its password was changed {DAYS} days ago; at most {want.password_days} are wanted",
            {"password_last_changed": iso(changed)},
            since=changed,
        )
