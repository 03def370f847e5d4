"""The numbers that budgets and the detection of anomalies are judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CostAlerts:
    """Thresholds of ``cost.cleanup.cost-alerts``; amounts in USD, times in days."""

    monitor_max_age_days: int
    max_subscription_threshold_usd: int
    budget_threshold_max_pct: int
    require_forecast: bool
    payer_account: str
    anomaly_window_days: int
    anomaly_review_days: int
