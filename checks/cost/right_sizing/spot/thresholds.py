"""The numbers that the use of Spot is judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spot:
    """Which workloads bear an interruption, and how they should use Spot."""

    fault_tolerant_tag: str
    nonprod_is_fault_tolerant: bool
    environment_tag_keys: tuple[str, ...]
    fault_tolerant_environments: tuple[str, ...]
    max_on_demand_pct: int
    min_instance_types: int
    min_azs: int
    allocation_strategies: tuple[str, ...]
    unused_group_days: int
    spot_price_days: int
    min_spot_share_pct: int
