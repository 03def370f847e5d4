"""The resources of a type with many: they lie in a file, and in memory is only where each is and by which keys it is found."""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from secrets import token_hex
from typing import Any, overload

from auditor.kit.dense import METRICS, Dense, Packed
from auditor.kit.facts import Facts, World, keys_of
from auditor.model import GLOBAL
from auditor.pages import Pages

__all__ = ["Found", "Lately", "Shelf"]

_SECRET = token_hex(16)
"""Before each key: whoever names the resources must not be able to choose names whose marks are equal, whatever
PYTHONHASHSEED says."""
_64_BITS = 2**64 - 1
_REMEMBERED_BYTES = 2_000_000
"""So much of all the files of an inventory is kept decoded for the next join that asks; decoded it takes five times that."""
_ROWS_AT_ONCE = 256
_FEW = 64
"""So few that are found are kept decoded; more are read anew by each that looks at them."""


class Lately:
    """What the shelves of one inventory keep decoded, together no more than so much: all forget when it is too much."""

    def __init__(self) -> None:
        self._bytes = 0
        self._kept: list[dict[int, Facts]] = []

    def shelf(self) -> dict[int, Facts]:
        """Return what one more shelf keeps, by row; to be added to only after ``make_room``."""
        self._kept.append({})
        return self._kept[-1]

    def make_room(self, size: int) -> None:
        """Forget everything when SIZE bytes more, as they lie in the file, are too much."""
        self._bytes += size
        if self._bytes > _REMEMBERED_BYTES:
            for kept in self._kept:
                kept.clear()
            self._bytes = size


class Shelf(Sequence[Facts]):
    """The resources of one type in the order they were read, decoded when asked for."""

    def __init__(self, resources: Pages[Packed], dense: Dense, world: World, lately: Lately) -> None:
        """RESOURCES, which DENSE packed, come in pages of one each; WORLD is theirs, and LATELY that of all its shelves."""
        self._resources = resources
        self._dense = dense
        self._world = world
        self._places: dict[str, array[int]] = defaultdict(lambda: array("I"))
        self._indices: dict[tuple[str, str | None], tuple[array[int], array[int]]] = {}
        self._lately = lately
        self._remembered = lately.shelf()
        for row, packed in enumerate(resources):
            self._places[dense.region(packed)].append(row)

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[Facts]:
        return map(self._facts, self._resources)

    def _facts(self, packed: Packed) -> Facts:
        metrics = packed[-1]
        later = {METRICS: partial(self._dense.metrics, metrics)} if metrics else None
        return Facts(self._dense.unpacked(packed), self._world, later)

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
            self._lately.make_room(self._resources.size(row))
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
        return map(self._facts, self._packed(rows))

    def _packed(self, rows: Sequence[int]) -> Iterator[Packed]:
        start = 0
        while start < len(rows):
            end = start + 1
            while end < len(rows) and rows[end] == rows[end - 1] + 1:
                end += 1
            for page in self._resources.pages(rows[start], rows[end - 1] + 1):
                yield page[0]
            start = end

    def holding(self, by: str, key: Any, region: str | None) -> Sequence[Facts]:
        """Return those in REGION (see ``within``) that hold KEY at the path BY."""
        rows = self._rows(by, key, region)
        return Found(self, rows) if rows else ()

    def find(self, by: str, keys: Iterable[Any], region: str | None) -> Sequence[Facts]:
        """Return those in REGION that hold one of KEYS at the path BY, each once, in the keys' order."""
        rows = list(dict.fromkeys(row for key in keys for row in self._rows(by, key, region)))
        return Found(self, rows) if rows else ()

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
        for row, packed in zip(numbers, self._packed(numbers), strict=True):
            id, document = self._dense.found_by(packed)
            if packed[-1] and by.partition(".")[0].removesuffix("[]") == METRICS:
                document = {**document, METRICS: self._dense.metrics(packed[-1])}
            keys = keys_of(id, document, by)
            for key in keys if len(keys) < 2 else dict.fromkeys(keys):
                marks.append(_mark(key))
                rows.append(row)
        order = sorted(range(len(marks)), key=marks.__getitem__)
        made = (array("Q", (marks[number] for number in order)), array("I", (rows[number] for number in order)))
        self._indices[by, region] = made
        return made


def _mark(key: Any) -> int:
    """Return 64 bits that stand for KEY. Raises TypeError for what cannot be a key."""
    if not isinstance(key, str):
        # 1, 1.0 and True are one key, as everywhere in Python.
        key = f"\0{hash(key)} {int(key) if (isinstance(key, float) and key.is_integer()) or isinstance(key, int) else key!r}"
    return hash(_SECRET + key) & _64_BITS


class Found(Sequence[Facts]):
    """Many resources of a shelf, decoded one after the other when they are looked at."""

    def __init__(self, shelf: Shelf, rows: Sequence[int]) -> None:
        self._shelf = shelf
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Facts]:
        if len(self.rows) <= _FEW:
            yield from map(self._shelf.__getitem__, self.rows)
            return
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
