"""Metrics as observations keep them: of datapoints one period apart only the first moment and their number."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

__all__ = ["METRICS", "packed", "unpacked"]

METRICS = "Metrics"
"""The field of a document that holds them, by name."""
_FIRST, _COUNT = "First", "Count"


def packed(metrics: Any) -> Any:
    """METRICS with moments as short as they can be; what is no regular series stays as it is."""
    if not isinstance(metrics, Mapping):
        return metrics
    return {name: _packed(series) for name, series in metrics.items()}


def unpacked(metrics: Any) -> Any:
    """What ``packed`` was given. Series with the same moments share one list of them."""
    if not isinstance(metrics, dict):
        return metrics
    return {name: _unpacked(series) for name, series in metrics.items()}


def _packed(series: Any) -> Any:
    if not isinstance(series, Mapping):
        return series
    times, period = series.get("Timestamps"), series.get("Period")
    if not isinstance(times, list) or len(times) < 2 or not isinstance(times[0], str):
        return series
    if type(period) is not int or period <= 0 or times != _moments(times[0], period, len(times)):
        return series
    return {**series, "Timestamps": {_FIRST: times[0], _COUNT: len(times)}}


def _unpacked(series: Any) -> Any:
    times = series.get("Timestamps") if isinstance(series, dict) else None
    if not isinstance(times, dict) or times.keys() != {_FIRST, _COUNT}:
        return series
    return {**series, "Timestamps": _moments(times[_FIRST], series["Period"], times[_COUNT])}


@lru_cache(maxsize=64)
def _moments(first: str, period: int, count: int) -> list[str]:
    """COUNT moments PERIOD seconds apart; not to be changed. None where FIRST is no moment."""
    try:
        start = datetime.fromisoformat(first)
        return [(start + timedelta(seconds=number * period)).isoformat() for number in range(count)]
    except (ValueError, OverflowError):
        return []
