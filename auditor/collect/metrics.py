"""CloudWatch metrics: queries of many resources in one GetMetricData, and the datapoints back to each."""

from array import array
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.collect.declare import Metric, Row
from auditor.kit.facts import values_at
from auditor.model import Gap

__all__ = ["POINTS_OF_A_ROW", "dimensions", "key_of", "queries_per_call", "request", "series_of"]

QUERIES_PER_CALL = 500
"""CloudWatch API reference, GetMetricData: "a single call can include up to 500 MetricDataQuery structures"."""
POINTS_PER_CALL = 8_400
"""An answer could hold 100,800 datapoints (the same page). That many take 12 MB while it is understood, and 32 may be under way;
and with few of them a call, the calls that are allowed a second stay below the datapoints that are (``auditor.aws.limits``)."""

POINTS_OF_A_ROW = 512
"""So many datapoints take as much memory as a row without any."""

_Entry = tuple[Metric, Mapping[str, str]]


def key_of(metric: Metric) -> str:
    """Return the metric's name in a document's ``Metrics``."""
    return metric.key or f"{metric.name}.{metric.statistic}"


def dimensions(metric: Metric, row: Row) -> dict[str, str] | None:
    """Return the metric's dimensions for ROW; ``None`` when it is not read for it, or the row lacks a value."""
    if metric.when is not None and not metric.when(row):
        return None
    found = {name: next(values_at(row, path), None) for name, path in metric.dimensions.items()}
    return None if None in found.values() else {name: str(value) for name, value in found.items()}


def queries_per_call(days: int, period: int) -> int:
    """Return how many queries fit into one call without making its answer go on."""
    points = max(1, days * 86400 // period)
    return max(1, min(QUERIES_PER_CALL, POINTS_PER_CALL // points))


def _window(days: int, period: int, now: datetime) -> tuple[datetime, datetime]:
    """Return from when to when: whole periods before NOW (UTC), daily ones from midnight to midnight."""
    seconds = int(now.timestamp())
    end = datetime.fromtimestamp(seconds - seconds % period, UTC)
    return end - timedelta(days=days), end


def request(entries: Sequence[_Entry], days: int, period: int, now: datetime) -> dict[str, Any]:
    """Return the input of GetMetricData for ENTRIES, whose queries are called q0, q1, … in their order."""
    start, end = _window(days, period, now)
    return {
        "MetricDataQueries": [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(where.items())],
                    },
                    "Period": metric.period,
                    "Stat": metric.statistic,
                },
            }
            for number, (metric, where) in enumerate(entries)
        ],
        "StartTime": start.isoformat(),
        "EndTime": end.isoformat(),
        "ScanBy": "TimestampAscending",
    }


def series_of(results: Sequence[Row], entries: Sequence[_Entry], action: str) -> list[dict[str, Any] | Gap]:
    """Return the datapoints of each of ENTRIES, in their order; a Gap where CloudWatch would not or could not say.

    Values are machine numbers (an array): as objects they take four times as much, and many wait until their page is whole.
    """
    found: list[dict[str, Any] | Gap] = [
        {"Days": metric.days, "Period": metric.period, "Timestamps": [], "Values": []} for metric, _ in entries
    ]
    last = ["Missing"] * len(entries)
    for result in results:
        number = int(str(result.get("Id", ""))[1:])
        series, last[number] = found[number], str(result.get("StatusCode", "Complete"))
        if last[number] in ("Forbidden", "InternalError"):
            found[number] = Gap(action, last[number], "CloudWatch gave no datapoints")
        elif not isinstance(series, Gap):
            series["Timestamps"] += result.get("Timestamps", ())
            series["Values"] += result.get("Values", ())
    moments: list[Any] = []
    for series in found:
        if not isinstance(series, Gap):
            # Most metrics of an answer have the same moments, and those take more room than the values.
            moments = moments if moments == series["Timestamps"] else series["Timestamps"]
            series["Timestamps"] = moments
            if set(map(type, series["Values"])) == {float}:
                series["Values"] = array("d", series["Values"])
    return [
        Gap(action, status, "CloudWatch did not give all datapoints")
        if status in ("Missing", "PartialData")
        else series
        for series, status in zip(found, last, strict=True)
    ]
