"""The resources of a type with many: they lie in a file, and in memory is only where each is and by which keys it is found."""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, overload

from auditor.kit.facts import Facts
from auditor.model import GLOBAL, Resource
from auditor.pages import Pages

__all__ = ["Found", "Shelf"]

_SECRET = token_bytes(16)
"""Whoever names the resources must not be able to choose names whose marks are equal."""
_REMEMBERED_BYTES = 1_000_000
"""So much of the file is kept decoded for the next join that asks."""
_ROWS_AT_ONCE = 256
_FEW = 64


class Shelf(Sequence[Facts]):
    """The resources of one type in the order they were read, decoded when asked for."""

    def __init__(self, resources: Pages[Resource], facts: Callable[[Resource], Facts]) -> None:
        """RESOURCES come in pages of one each; FACTS makes of one what checks see."""
        self._resources = resources
        self._facts = facts
        self._places: dict[str, array[int]] = defaultdict(lambda: array("I"))
        self._indices: dict[tuple[str, str | None], tuple[array[int], array[int]]] = {}
        self._remembered: dict[int, Facts] = {}
        self._remembered_bytes = 0
        for row, resource in enumerate(resources):
            self._places[resource.region].append(row)

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[Facts]:
        return map(self._facts, self._resources)

    @overload
    def __getitem__(self, row: int) -> Facts: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Facts]: ...
    def __getitem__(self, row: int | slice) -> Facts | Sequence[Facts]:
        if isinstance(row, slice):
            return Found(self, range(len(self))[row])
        facts = self._remembered.get(row)
        if facts is None:
            facts = self._facts(self._resources.page(range(len(self))[row])[0])
            self._remembered_bytes += self._resources.size(row)
            if self._remembered_bytes > _REMEMBERED_BYTES:
                self._remembered.clear()
                self._remembered_bytes = 0
            self._remembered[row] = facts
        return facts

    @property
    def regions(self) -> list[str]:
        """The regions there are resources in, in the order they were read."""
        return list(self._places)

    def at(self, region: str) -> Sequence[Facts]:
        """Return those in REGION itself."""
        return Found(self, self._places[region])

    def within(self, region: str | None) -> Sequence[Facts]:
        """Return those in REGION and those that are global; ``None``: all."""
        if region is None:
            return self
        rows = [self._places[name] for name in dict.fromkeys((region, GLOBAL)) if name in self._places]
        return Found(self, rows[0] if len(rows) == 1 else sorted(row for some in rows for row in some))

    def stream(self, rows: Sequence[int]) -> Iterator[Facts]:
        """Yield those of the ascending ROWS; neighbours are read from the file together."""
        start = 0
        while start < len(rows):
            end = start + 1
            while end < len(rows) and rows[end] == rows[end - 1] + 1:
                end += 1
            for (resource,) in self._resources.pages(rows[start], rows[end - 1] + 1):
                yield self._facts(resource)
            start = end

    def holding(self, by: str, key: Any, region: str | None) -> Sequence[Facts]:
        """Return those in REGION (see ``within``) that hold KEY at the path BY."""
        rows = self._rows(by, key, region)
        return Found(self, rows) if len(rows) > _FEW else [self[row] for row in rows]

    def find(self, by: str, keys: Iterable[Any], region: str | None) -> Sequence[Facts]:
        """Return those in REGION that hold one of KEYS at the path BY, each once, in the keys' order."""
        rows = list(dict.fromkeys(row for key in keys for row in self._rows(by, key, region)))
        return Found(self, rows) if len(rows) > _FEW else [self[row] for row in rows]

    def _rows(self, by: str, key: Any, region: str | None) -> Sequence[int]:
        marks, rows = self._indices.get((by, region)) or self._index(by, region)
        mark = _mark(key)
        first = bisect_left(marks, mark)
        return rows[first : bisect_right(marks, mark, first)]

    def _index(self, by: str, region: str | None) -> "tuple[array[int], array[int]]":
        """Build the index of one region: 12 bytes for each key a resource is found by."""
        marks, rows = array("Q"), array("I")
        within = self.within(region)
        numbers = range(len(self)) if within is self else within.rows  # type: ignore[attr-defined]
        for row, facts in zip(numbers, within, strict=True):
            keys = facts.keys_at(by)
            for key in keys if len(keys) < 2 else dict.fromkeys(keys):
                marks.append(_mark(key))
                rows.append(row)
        order = sorted(range(len(marks)), key=marks.__getitem__)
        made = (array("Q", (marks[number] for number in order)), array("I", (rows[number] for number in order)))
        self._indices[by, region] = made
        return made


def _mark(key: Any) -> int:
    """Return 64 bits that stand for KEY. Raises TypeError for what cannot be a key."""
    if isinstance(key, str):
        text = key
    else:
        # 1, 1.0 and True are one key, as everywhere in Python.
        text = f"\0{hash(key)} {int(key) if (isinstance(key, float) and key.is_integer()) or isinstance(key, int) else key!r}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_SECRET).digest())


class Found(Sequence[Facts]):
    """Many resources of a shelf, decoded one after the other when they are looked at."""

    def __init__(self, shelf: Shelf, rows: Sequence[int]) -> None:
        self._shelf = shelf
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Facts]:
        for start in range(0, len(self.rows), _ROWS_AT_ONCE):
            yield from self._shelf.stream(self.rows[start : start + _ROWS_AT_ONCE])

    @overload
    def __getitem__(self, number: int) -> Facts: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Facts]: ...
    def __getitem__(self, number: int | slice) -> Facts | Sequence[Facts]:
        if isinstance(number, slice):
            return Found(self._shelf, self.rows[number])
        return self._shelf[self.rows[number]]
