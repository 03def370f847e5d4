"""Many row numbers: as small JSON (sorted, each as its distance from the one before), and in portions for a query."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

__all__ = ["chunks", "deltas", "numbers"]


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
