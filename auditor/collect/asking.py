"""What the generators of resource types share: many calls side by side, and batches of names."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from auditor.collect.declare import Call, CallFailed, Collector

__all__ = ["batches", "one_of", "raise_first", "read", "rows_of", "side_by_side"]


def side_by_side(calls: Iterable[Call]) -> Generator[Sequence[Call], Any, Sequence[Any]]:
    """Make CALLS at once; return their answers in order, a CallFailed in the place of one that failed."""
    made = list(calls)
    return (yield made) if made else ()


def rows_of(calls: Iterable[Call]) -> Collector:
    """Make CALLS at once and yield the rows of their answers; then raise the first failure, so that what was read is kept."""
    answers = yield from side_by_side(calls)
    for rows in answers:
        if not isinstance(rows, CallFailed):
            yield rows
    raise_first(answers)


def read(answers: Iterable[Any]) -> Iterator[Any]:
    """Yield every item of the answers that succeeded."""
    for answer in answers:
        if not isinstance(answer, CallFailed):
            yield from answer


def one_of(answer: Any) -> Any:
    """Return the one thing that a call answers, or ``None``: where others list by the same call, it comes as the only row."""
    return next(iter(answer), None) if isinstance(answer, list) else answer


def raise_first(answers: Iterable[Any]) -> None:
    """Raise the first failure among ANSWERS."""
    for answer in answers:
        if isinstance(answer, CallFailed):
            raise answer


def batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield NAMES in lists of SIZE at most."""
    for start in range(0, len(names), size):
        yield names[start : start + size]
