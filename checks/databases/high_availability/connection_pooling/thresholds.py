"""The numbers of "Connection pooling", and the metrics of its cases."""

from dataclasses import dataclass
from typing import Any

from auditor.kit import ago


@dataclass(frozen=True, slots=True)
class ConnectionPooling:
    """The numbers of "Connection pooling"."""

    connection_usage_max_pct: int
    limit_uncertainty_pct: int
    churn_max: float
    min_average_connections: int
    window_days: int
    pooler_images: tuple[str, ...]
    reserved_concurrency_max: int
    attestation_max_age_days: int


def daily(**values: float) -> dict[str, Any]:
    """Metrics of 14 days with the same value each day, as the collector keeps them, for the cases: name__statistic=value."""
    times = [ago(days=day) for day in range(14, 0, -1)]
    return {
        "Metrics": {
            name.replace("__", "."): {"Days": 14, "Period": 86400, "Timestamps": times, "Values": [value] * len(times)}
            for name, value in values.items()
        }
    }
