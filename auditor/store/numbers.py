"""Many row numbers: as small JSON (sorted, each as its distance from the one before), in portions for a query, and as a set."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import accumulate

__all__ = ["Marks", "chunks", "deltas", "numbers"]

_TOGETHER = 1024
"""Numbers that share one piece of a set."""


def deltas(ids: Iterable[int]) -> list[int]:
    """Sorted ids as distances: neighbours become ones, and ones pack to nothing."""
    ordered = sorted(ids)
    return [number - before for before, number in zip([0, *ordered], ordered, strict=False)]


def numbers(distances: Iterable[int]) -> list[int]:
    """The sorted ids that ``deltas`` was given."""
    return list(accumulate(distances))


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Portions that fit into one query's parameters on both databases."""
    return (ids[start : start + 10_000] for start in range(0, len(ids), 10_000))


class Marks(Container[object]):
    """A set of row numbers, a bit each where they lie close together: of 300,000 in a row it takes 100 kB, a set 20 MB."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._pieces: dict[int, bytearray] = {}
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        """Add a NUMBER, 0 or more."""
        piece, bit = divmod(number, _TOGETHER)
        held = self._pieces.get(piece)
        if held is None:
            held = self._pieces[piece] = bytearray(_TOGETHER // 8)
        held[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        piece, bit = divmod(number, _TOGETHER)
        held = self._pieces.get(piece)
        return held is not None and bool(held[bit >> 3] & 1 << (bit & 7))
