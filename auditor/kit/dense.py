"""Resources as they lie in a shelf's file: plain tuples, and metrics apart, which are large and which few checks ask for."""

import pickle
from array import array
from dataclasses import replace
from typing import Any

from auditor.model import Gap, Resource

__all__ = ["METRICS", "Dense", "Packed"]

METRICS = "Metrics"
_TIMES, _VALUES = "Timestamps", "Values"
_MOST_MOMENTS = 64

Packed = tuple[Any, ...]
"""Type, id, name, account, region, when, the document without its metrics, gaps (``None``: none), tags, and the metrics
(bytes, or ``None``)."""


class Dense:
    """Packs resources of one process and unpacks them again: the moments that metrics share stay in memory."""

    def __init__(self) -> None:
        self._moments: list[list[str]] = []

    def packed(self, resource: Resource) -> Packed:
        """Return RESOURCE as it lies in the file, its metrics packed."""
        document, metrics = resource.document, None
        held = document.get(METRICS)
        if isinstance(held, dict) and held:
            document = {key: value for key, value in document.items() if key != METRICS}
            dense = {name: self._packed(series) for name, series in held.items()}
            metrics = pickle.dumps(dense, pickle.HIGHEST_PROTOCOL)
        return (
            resource.type,
            resource.id,
            resource.name,
            resource.account,
            resource.region,
            resource.observed_at,
            document,
            {field: (gap.operation, gap.code, gap.message) for field, gap in resource.gaps.items()} or None,
            resource.tags,
            metrics,
        )

    def unpacked(self, packed: Packed) -> Resource:
        """Return what ``packed`` was given, without its metrics (see ``metrics``)."""
        type, id, name, account, region, observed_at, document, gaps, tags, _ = packed
        missing = {field: Gap(*gap) for field, gap in gaps.items()} if gaps else {}
        return Resource(type, id, name, account, region, observed_at, document, missing, tags)

    def whole(self, packed: Packed) -> Resource:
        """Return what ``packed`` was given."""
        resource, metrics = self.unpacked(packed), packed[-1]
        if not metrics:
            return resource
        made = self.metrics(metrics)
        for series in made.values():
            if isinstance(series, dict) and isinstance(values := series.get(_VALUES), array):
                series[_VALUES] = values.tolist()  # what stays in memory is looked at more often
        return replace(resource, document={**resource.document, METRICS: made})

    def metrics(self, packed: bytes) -> dict[str, Any]:
        """Return the metrics of a resource; their values are lists or arrays."""
        return {name: self._unpacked(series) for name, series in pickle.loads(packed).items()}  # noqa: S301  (ours)

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
        if isinstance(series, dict) and type(number := series.get(_TIMES)) is int:
            series[_TIMES] = self._moments[number]
        return series
