"""What counts as a record of all access."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditLogging:
    """Thresholds of ``security.access.audit-logging``."""

    trail_max_delivery_age_hours: int
    data_events_required: bool
    accept_cloudtrail_lake: bool
    flow_traffic_type: str
