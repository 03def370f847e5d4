"""The numbers that sizes are judged by."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RightSize:
    """How little use is too little, for each kind of resource; ratios are 0 to 1."""

    lookback_days: int
    min_metric_coverage_ratio: float
    keep_tag: str
    ec2_idle_cpu_max_pct: float
    ec2_idle_network_mb_per_day: float
    ec2_under_cpu_max_pct: float
    ec2_under_memory_max_pct: float
    ec2_over_cpu_p95_pct: float
    ec2_over_memory_max_pct: float
    ec2_over_min_days: int
    ec2_extra_previous_families: tuple[str, ...]
    ebs_utilization_min_ratio: float
    provisioned_keep_factor: float
    rds_idle_days: int
    rds_idle_connections_max: int
    rds_keep_replicas: bool
    rds_under_cpu_max_pct: float
    rds_free_memory_min_ratio: float
    rds_storage_free_ratio: float
    rds_storage_min_gib: int
    rds_storage_keep_factor: float
    rds_previous_families: tuple[str, ...]
    rds_newer_families: Mapping[str, str]
    ecs_under_max_pct: float
    elasticache_cpu_max_pct: float
    elasticache_memory_max_pct: float
    elasticache_idle_connections_max: int
    dynamodb_utilization_min_ratio: float
    dynamodb_idle_days: int
