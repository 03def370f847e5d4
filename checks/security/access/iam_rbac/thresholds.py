"""The numbers and names that people's and roles' access is judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoleBasedAccess:
    """Thresholds of ``security.access.iam-rbac``."""

    max_console_users: int
    break_glass_users: tuple[str, ...]
    root_use_days: int
    trusted_accounts: tuple[str, ...]
    strict_trust: bool
    allow_github_organization_wildcard: bool
    credential_report_max_age_hours: int
