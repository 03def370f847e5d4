"""How much the demo account's things are used: CloudWatch's answers, made up when they are asked for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["answer", "tell"]


@dataclass(frozen=True, slots=True)
class _Level:
    """What a metric says: an average, or for sums what comes together in a day."""

    value: float
    until: datetime | None
    """Nothing is told after it (UTC, without a time zone)."""


_LEVELS: dict[tuple[str, str, str, str], _Level] = {}
"""Region, namespace, metric, value of the dimension -> its level."""


def tell(region: str, namespace: str, name: str, levels: Mapping[str, float], until: datetime | None = None) -> None:
    """Let NAMESPACE tell of the thing called NAME in REGION: metric -> level."""
    for metric, value in levels.items():
        _LEVELS[region, namespace, metric, name] = _Level(value, until)


def answer(region: str, queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the results of GetMetricData as moto's backend does; what nobody told of has no datapoints."""
    start, end = start.replace(tzinfo=None, microsecond=0), end.replace(tzinfo=None, microsecond=0)
    return [_series(region, query, start, end) for query in queries]


def _series(region: str, query: Mapping[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
    asked = query["MetricStat"]
    metric, period = asked["Metric"], timedelta(seconds=int(asked["Period"]))
    names = [dimension["Value"] for dimension in metric.get("Dimensions", ())]
    level = _LEVELS.get((region, metric["Namespace"], metric["MetricName"], names[0] if len(names) == 1 else ""))
    moments: list[datetime] = []
    while level and start < end:
        if level.until is None or start < level.until:
            moments.append(start)
        start += period
    values = [_value(level, asked["Stat"], moment, period) for moment in moments] if level else []
    return {
        "id": query["Id"],
        "label": metric["MetricName"],
        "values": values,
        "timestamps": moments,
        "status_code": "Complete",
    }


def _value(level: _Level, statistic: str, moment: datetime, period: timedelta) -> float:
    """More by day than by night, a little different each day, and the same whenever it is asked for."""
    share = period / timedelta(days=1) if statistic == "Sum" else 1.0
    swing = 0.0 if period >= timedelta(days=1) else 0.08 * math.sin((moment.hour - 8) / 24 * 2 * math.pi)
    drift = 0.02 * math.sin(moment.toordinal())
    return round(level.value * share * (1 + swing + drift), 4)
