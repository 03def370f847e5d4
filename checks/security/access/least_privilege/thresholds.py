"""The numbers and names that permissions are judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeastPrivilege:
    """Thresholds of ``security.access.least-privilege``; names of roles may hold ``*``."""

    admin_role_allowlist: tuple[str, ...]
    sensitive_services: tuple[str, ...]
    unused_role_days: int
    unused_credential_days: int
    strict_unattached: bool
    credential_report_max_age_hours: int
