"""A user's row of the IAM credential report: words and dates as AWS writes them into its columns."""

from collections.abc import Mapping
from datetime import datetime

from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.kit.time import hours_between, parse_time
from auditor.model import Gap

__all__ = ["CREATED", "KEYS", "credential_report", "is_active", "when"]

KEYS = ("access_key_1", "access_key_2")
"""The report's two places for access keys: a user has two at most (IAM quotas)."""
CREATED = "user_creation_time"
_ROOT = "<root_account>"
_NEVER = frozenset({"n/a", "no_information", "not_supported"})
"""What stands for "no such date" (IAM User Guide, "Generate credential reports": the report's format)."""


def credential_report(user: Facts, max_age_hours: float) -> Mapping[str, str]:
    """Return USER's row of the report, column -> text; GeneratedTime stands beside the columns.

    Raises Unavailable when there is none or it was made more than MAX_AGE_HOURS before the observation, and NotApplicable for
    the root user, which is judged by checks of its own.
    """
    row: Mapping[str, str] = user["CredentialReport"]
    made = when(row, "GeneratedTime")
    if made is None:
        raise _unavailable("FieldMissing", "when the credential report was made is not known")
    age = hours_between(made, user.observed_at)
    if age > max_age_hours:
        raise _unavailable(
            "ReportTooOld", f"the credential report is {age:.0f} hours old, {max_age_hours:g} at most are wanted"
        )
    if row.get("user") == _ROOT:
        raise NotApplicable("the root user is judged by checks of its own")
    return row


def _unavailable(code: str, message: str) -> Unavailable:
    return Unavailable(Gap("iam:GetCredentialReport", code, message))


def _text(row: Mapping[str, str], column: str) -> str:
    try:
        return row[column].strip()
    except KeyError:
        raise _unavailable("FieldMissing", f"the credential report has no column {column}") from None


def is_active(row: Mapping[str, str], column: str) -> bool:
    """Return whether COLUMN (``password_enabled``, ``access_key_1_active``, ``mfa_active``) says true.

    ``not_supported`` and ``N/A`` say that there is no such thing. Raises Unavailable for any other word.
    """
    text = _text(row, column).lower()
    if text == "true":
        return True
    if text == "false" or text in _NEVER - {"no_information"}:
        return False
    raise _unavailable("NoInformation", f"{column} says neither true nor false")


def when(row: Mapping[str, str], column: str) -> datetime | None:
    """Return the date in COLUMN (UTC); ``None`` where AWS writes N/A, no_information or not_supported: never, or none known."""
    text = _text(row, column)
    if text.lower() in _NEVER:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise _unavailable("Unparseable", f"{column} is no date") from None
