"""The ages that credentials may reach."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CredentialRotation:
    """Thresholds of ``security.access.credential-rotation``."""

    access_key_days: int
    access_key_critical_days: int
    access_key_critical_used_days: int
    second_key_overlap_days: int
    password_days: int
    password_min_length: int
    password_reuse_prevention: int
    service_credential_days: int
    credential_report_max_age_hours: int
    kms_days: int
    secret_days: int
    overdue_factor: float
    ssm_parameter_days: int
    rotation_exempt_tag: str
    certificate_expiry_days: int
