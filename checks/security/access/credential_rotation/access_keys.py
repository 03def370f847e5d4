"""Access keys: replaced in time, and one at a time."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from auditor.kit import (
    CRITICAL,
    DAYS,
    HIGH,
    LOW,
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
    parse_time,
)
from auditor.kit.credential_report import KEYS, credential_report, is_active, when

from .thresholds import CredentialRotation

PATTERN = "security.access.credential-rotation"
ACCESS_KEY = "AWS::IAM::AccessKey"


def key(days: float, used: str = "N/A", status: str = "Active") -> Document:
    """Return an access key that is so many days old."""
    return {
        "UserName": "maria",
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "Status": status,
        "CreateDate": ago(days=days),
        "LastUsed": used,
    }


@check(
    "iam-access-key-rotated",
    pattern=PATTERN,
    on=ACCESS_KEY,
    severity=HIGH,
    fix=Fix(
        cli="aws iam create-access-key --user-name {UserName} && "
        "aws iam update-access-key --user-name {UserName} --access-key-id {AccessKeyId} --status Inactive",
        terraform="aws_iam_access_key (replace it)",
    ),
    same_as=(
        "prowler:iam_rotate_access_key_90_days",
        "fsbp:IAM.3",
        "cis:2.12",
        "service-screener:hasAccessKeyNoRotate90days",
    ),
    passes=[key(5), Case(key(89, used=ago(days=1)))],
    fails=[
        key(91),
        Case(key(400, used=ago(days=2)), why="critical: older than a year and in use"),
        Case(key(400, used=ago(days=200)), why="older than a year, and hardly used"),
        Case(
            key(400),
            gaps={"LastUsed": Gap("iam:GetCredentialReport", "AccessDenied")},
            why="its age is proven, its use is not known",
        ),
        Case(
            key(400),
            gaps={"LastUsed": Gap("iam:GetCredentialReport", "AccessDenied")},
            recorded={ACCESS_KEY: [key(400, used=ago(days=2)), key(400, used=ago(days=9))]},
            why="critical: the evidence ledger knows that it was in use two days ago",
        ),
    ],
    skips=[key(400, status="Inactive")],
    unknowns=[Case(key(400), gaps={"CreateDate": Gap("iam:ListAccessKeys", "AccessDenied")})],
)
def iam_access_key_rotated(key: Facts, want: CredentialRotation) -> Iterator[Evidence]:
    """An active access key is replaced in time.

    Why: Keys end up in code, in logs and on old laptops. The shorter one lives, the less a copy of it is worth. The finding is
    critical when a very old key is still in use.

    Fix: Make a new key, move what uses the old one, deactivate the old one and delete it later. Better: a role, which needs no key.

    Source: FSBP IAM.3; CIS 2.12; IAM User Guide, "Update access keys"; the standard's "Rotation: Rotate credentials
    regularly".
    """
    if key["Status"] != "Active":
        raise NotApplicable("the key is not active")
    days = key.days_since("CreateDate")
    if days <= want.access_key_days:
        return
    at = _last_used(key)
    used = hours_between(at, key.observed_at) / 24 if at else None
    in_use = used is not None and used <= want.access_key_critical_used_days
    # A key that is used every day is no other finding every day: of it the day of use is not told.
    last = None if at is None or used is None or used < 2 else f"{at:%Y-%m-%d}"
    use = "; it is in use" if used is not None and used < 2 else f"; it was last used on {last}" if last else ""
    yield Evidence(
        f"is {DAYS} days old; at most {want.access_key_days} are wanted{use}",
        {"CreateDate": key["CreateDate"], "last_used": last},
        severity=CRITICAL if in_use and days > want.access_key_critical_days else None,
        since=key.time("CreateDate"),
    )


def _last_used(key: Facts) -> datetime | None:
    """Return when the key was last used (UTC), as far as is known; ``None``: never, or not known.

    Where IAM's report could not be read, the evidence ledger knows of a use that earlier scans saw.
    """
    try:
        return _used(key)
    except Unavailable:
        known = []
        for one in key.recorded(ACCESS_KEY, "id"):
            with suppress(Unavailable):  # the key itself is among them
                known.append(_used(one))
        return max((moment for moment in known if moment), default=None)


def _used(key: Facts) -> datetime | None:
    used: str | None = key.get("LastUsed")
    try:
        return parse_time(used) if used else None
    except ValueError:  # "N/A"
        return None


def keys(first: float | None, second: float | None) -> dict[str, Any]:
    """Return a user whose keys were made so many days ago; ``None``: there is no such key."""
    row = {"user": "maria", "GeneratedTime": ago(hours=1)}
    for name, days in zip(KEYS, (first, second), strict=True):
        row[f"{name}_active"] = "false" if days is None else "true"
        row[f"{name}_last_rotated"] = "N/A" if days is None else ago(days=days)
    return {"UserName": "maria", "CredentialReport": row}


@check(
    "iam-user-single-active-key",
    pattern=PATTERN,
    on="AWS::IAM::User",
    severity=LOW,
    fix=Fix(
        cli="aws iam update-access-key --user-name {UserName} --access-key-id OLD_KEY_ID --status Inactive",
        terraform="aws_iam_access_key.status",
    ),
    same_as=("prowler:iam_user_two_active_access_key",),
    passes=[keys(50, None), Case(keys(80, 3), why="one is replacing the other")],
    fails=[keys(80, 10), keys(20, 300)],
    skips=[Case(keys(None, None), why="no active key")],
    unknowns=[Case(keys(80, 10), gaps={"CredentialReport": Gap("iam:GetCredentialReport", "AccessDenied")})],
)
def iam_user_single_active_key(user: Facts, want: CredentialRotation) -> Iterator[Evidence]:
    """A user has one active access key at most.

    Why: The second place is there for the change from one key to the next. Where both stay active, nobody knows which one is used
    where, and neither is ever replaced. While the newer key is a few days old, both may be active.

    Fix: Find out which key is in use, deactivate the other and delete it later.

    Source: IAM User Guide, "Update access keys"; the standard's "Rotation: Rotate credentials regularly".
    """
    row = credential_report(user, want.credential_report_max_age_hours)
    active = [key for key in KEYS if is_active(row, f"{key}_active")]
    if not active:
        raise NotApplicable("it has no active access key")
    if len(active) < len(KEYS):
        return
    made = [moment for key in active if (moment := when(row, f"{key}_last_rotated"))]
    if len(made) < len(active):
        raise Unavailable(Gap("iam:GetCredentialReport", "NoInformation", "the age of a key is not known"))
    newest = hours_between(max(made), user.observed_at) / 24
    if newest >= want.second_key_overlap_days:
        yield Evidence(
            f"has two active access keys, the newer one for {DAYS} days; both may be active for "
            f"{want.second_key_overlap_days} days",
            {"active_keys": len(active), "newer_key_made": iso(max(made))},
            since=max(made),
        )
