"""The numbers that unused resources are judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AutomatedCleanup:
    """How long something may lie unused, and the tags that keep it; times in days."""

    automation_patterns: tuple[str, ...]
    automation_run_max_days: int
    grace_days: int
    keep_tag: str
    legal_hold_tag: str
    ebs_snapshot_max_age_days: int
    ami_max_age_days: int
    ec2_stopped_days: int
    rds_stopped_days: int
    rds_stopped_lookback_days: int
    rds_snapshot_max_age_days: int
    elb_lookback_days: int
    elb_min_requests_per_day: int
    nat_lookback_days: int
    vpc_endpoint_lookback_days: int
    lambda_unused_days: int
    secret_unused_days: int
    log_group_stale_days: int
