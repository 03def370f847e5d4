"""Resources with many datapoints as they lie in a shelf's file: what metrics share stays in memory, values are machine numbers."""

from array import array
from dataclasses import replace
from typing import Any

from auditor.model import Resource

__all__ = ["Dense"]

_METRICS, _TIMES, _VALUES = "Metrics", "Timestamps", "Values"
_MOST_MOMENTS = 64


class Dense:
    """Packs resources of one process and unpacks them again."""

    def __init__(self) -> None:
        self._moments: list[list[str]] = []

    def packed(self, resource: Resource) -> Resource:
        """Return RESOURCE with its metrics packed; it is no resource for a check until it is unpacked."""
        metrics = resource.document.get(_METRICS)
        if not isinstance(metrics, dict) or not metrics:
            return resource
        dense = {name: self._packed(series) for name, series in metrics.items()}
        return replace(resource, document={**resource.document, _METRICS: dense})

    def unpacked(self, resource: Resource) -> Resource:
        """Return what ``packed`` was given."""
        metrics = resource.document.get(_METRICS)
        if not isinstance(metrics, dict) or not metrics:
            return resource
        whole = {name: self._unpacked(series) for name, series in metrics.items()}
        return replace(resource, document={**resource.document, _METRICS: whole})

    def _packed(self, series: Any) -> Any:
        if not isinstance(series, dict):
            return series
        dense, times, values = dict(series), series.get(_TIMES), series.get(_VALUES)
        if isinstance(times, list) and times:
            number = next((n for n, known in enumerate(self._moments) if known is times or known == times), None)
            if number is None and len(self._moments) < _MOST_MOMENTS:
                number = len(self._moments)
                self._moments.append(times)
            dense[_TIMES] = times if number is None else number
        if isinstance(values, list) and set(map(type, values)) == {float}:
            dense[_VALUES] = array("d", values)
        return dense

    def _unpacked(self, series: Any) -> Any:
        if not isinstance(series, dict):
            return series
        times, values = series.get(_TIMES), series.get(_VALUES)
        whole = dict(series)
        if type(times) is int:
            whole[_TIMES] = self._moments[times]
        if isinstance(values, array):
            whole[_VALUES] = values.tolist()
        return whole
