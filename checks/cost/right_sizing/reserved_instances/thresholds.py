"""The numbers that commitments are judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReservedInstances:
    """Thresholds of ``cost.right-sizing.reserved-instances``; amounts in USD a month, times in days."""

    coverage_min_pct: int
    utilization_min_pct: int
    min_monthly_on_demand_usd: int
    expiry_warning_days: int
    min_recommended_saving_usd: int
    lookback_days: int
