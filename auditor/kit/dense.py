"""Resources as they lie in a shelf's file: plain tuples without what many share, and metrics apart, which few checks ask for."""

import pickle
from array import array
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from auditor.model import Document, Gap, Resource

__all__ = ["METRICS", "Dense", "Packed"]

METRICS = "Metrics"
_TIMES, _VALUES = "Timestamps", "Values"
_CODES = {frozenset({float}): "d", frozenset({int}): "q"}
"""What lies in an array of which kind: a count that was written without a fraction comes back without one."""
_MOST_MOMENTS = 64
_MOST_SHARED = 1024

Packed = tuple[Any, ...]
"""Where and when it was read, id, name, the names and the values of its fields without metrics, gaps and tags (``None``: none),
and the metrics (bytes, or ``None``)."""


class _Shared:
    """What many resources have alike, each once and known by its number; a few, so that it stays small whatever comes."""

    def __init__(self) -> None:
        self._held: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def packed(self, value: tuple[Any, ...]) -> Any:
        """Return the number that stands for VALUE, or VALUE itself when there are too many."""
        number = self._numbers.get(value)
        if number is not None:
            return number
        if len(self._held) >= _MOST_SHARED:
            return value
        self._held.append(value)
        self._numbers[value] = len(self._held) - 1
        return len(self._held) - 1

    def unpacked(self, packed: Any) -> Any:
        """Return what ``packed`` was given."""
        return self._held[packed] if type(packed) is int else packed


class Dense:
    """Packs resources of one process and unpacks them again: what they share stays in memory.

    That is the moments of metrics, the names of fields, and where and when a page was read. Making these anew for each
    resource takes longer than all the rest of it.
    """

    def __init__(self) -> None:
        self._moments: list[list[str]] = []
        self._places = _Shared()
        self._names = _Shared()

    def packed(self, resource: Resource) -> Packed:
        """Return RESOURCE as it lies in the file, its metrics packed."""
        document, metrics = resource.document, None
        held = document.get(METRICS)
        if isinstance(held, dict) and held:
            document = {key: value for key, value in document.items() if key != METRICS}
            dense = {name: self._packed(series) for name, series in held.items()}
            metrics = pickle.dumps(dense, pickle.HIGHEST_PROTOCOL)
        gaps = {field: (gap.operation, gap.code, gap.message) for field, gap in resource.gaps.items()}
        return (
            self._places.packed((resource.type, resource.account, resource.region, resource.observed_at)),
            resource.id,
            resource.name,
            self._names.packed(tuple(document)),
            tuple(document.values()),
            gaps or None,
            resource.tags or None,
            metrics,
        )

    def unpacked(self, packed: Packed) -> Resource:
        """Return what ``packed`` was given, without its metrics (see ``metrics``)."""
        place, id, name, names, values, gaps, tags, _ = packed
        type, account, region, observed_at = self._places.unpacked(place)
        document = dict(zip(self._names.unpacked(names), values, strict=True))
        missing = {field: Gap(*gap) for field, gap in gaps.items()} if gaps else {}
        return Resource(type, id, name, account, region, observed_at, document, missing, tags or {})

    def region(self, packed: Packed) -> str:
        """Return the region of what ``packed`` was given."""
        region: str = self._places.unpacked(packed[0])[2]
        return region

    def found_by(self, packed: Packed) -> tuple[str, Document]:
        """Return the id of what ``packed`` was given, and its document without its metrics."""
        return packed[1], dict(zip(self._names.unpacked(packed[3]), packed[4], strict=True))

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
        if isinstance(values, list) and (code := _CODES.get(frozenset(map(type, values)))):
            try:
                packed = array(code, values).tobytes()  # unpickled in a tenth of the time an array takes
            except OverflowError:
                return dense
            dense[_VALUES] = packed if code == "d" else (code, packed)
        return dense

    def _unpacked(self, series: Any) -> Any:
        if isinstance(series, dict):
            if type(number := series.get(_TIMES)) is int:
                series[_TIMES] = self._moments[number]
            if type(values := series.get(_VALUES)) is bytes:  # JSON has none, and no tuples
                series[_VALUES] = array("d", values)
            elif type(values) is tuple:
                series[_VALUES] = array(*values)
        return series
