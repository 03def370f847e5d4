"""A long list that comes in pages: in memory while it is short, else in a file with no more in memory than where each page lies."""

import os
import pickle
import tempfile
import weakref
from array import array
from collections.abc import Collection, Iterable, Iterator
from typing import IO, Any, TypeVar

from auditor.errors import StoreError

__all__ = ["Pages"]

T = TypeVar("T")

MOST_BYTES = 3_000_000
"""Of its items as they would lie in the file; in memory they take four to six times as much."""
_SAMPLE = 8
_READ_BYTES = 256 * 1024
_WRITTEN_BYTES = 64 * 1024
"""So much waits to be written; it stays as long as the file, and there are a dozen of these."""


class Pages(Collection[T]):
    """Items in the order they were added; iterated as often as one likes, also while more are added.

    The file has no name, so nobody else can open it, and it is gone with the process. Not to be shared between threads
    while it grows. Raises StoreError when the file cannot be written.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """MOST_BYTES: with more than that the items go to the file."""
        self._most = most_bytes
        self._held: list[list[T]] = []
        self._file: IO[bytes] | None = None
        self._flushed = True
        self._ends = array("Q", (0,))
        self._count = 0
        self.bytes = 0
        """How large the items are in the file, or would be (an estimate by samples)."""

    @classmethod
    def of(cls, items: Iterable[T], page: int = 256) -> "Pages[T]":
        """Return ITEMS in pages of so many."""
        made, some = cls(), list[T]()
        for item in items:
            some.append(item)
            if len(some) == page:
                made.add(some)
                some = []
        made.add(some)
        return made

    @property
    def in_file(self) -> bool:
        """Whether the items lie in a file."""
        return self._file is not None

    def __len__(self) -> int:
        return self._count

    def __contains__(self, item: object) -> bool:
        return any(one == item for one in self)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def add(self, page: list[T]) -> None:
        """Take a page; the list is not to be changed afterwards. An empty one is none."""
        if not page:
            return
        self._count += len(page)
        if self._file is not None:
            self._write(page)
            return
        if len(self._held) % _SAMPLE == 0:
            self.bytes += _SAMPLE * len(_packed(page))
        self._held.append(page)
        if self.bytes > self._most:
            self._move()

    def pages(self, start: int = 0, end: int | None = None) -> Iterator[list[T]]:
        """Yield the pages from number START to before number END, reading the file in large pieces."""
        number = start
        while self._file is None and (end is None or number < end):
            if number >= len(self._held):
                return
            yield self._held[number]
            number += 1
        while number < (len(self._ends) - 1 if end is None else end):
            last = number + 1  # as many as fit into one piece, and at least one
            most = len(self._ends) - 1 if end is None else end
            while last < most and self._ends[last + 1] - self._ends[number] <= _READ_BYTES:
                last += 1
            piece, base = self._read(self._ends[number], self._ends[last]), self._ends[number]
            for one in range(number, last):
                yield pickle.loads(memoryview(piece)[self._ends[one] - base : self._ends[one + 1] - base])  # noqa: S301  (ours)
            number = last

    def page(self, number: int) -> list[T]:
        """Return the page of that number."""
        return self._held[number] if self._file is None else next(self.pages(number, number + 1))

    def size(self, number: int) -> int:
        """Return how many bytes the page takes in the file; 0 when it is in memory."""
        return 0 if self._file is None else self._ends[number + 1] - self._ends[number]

    def _move(self) -> None:
        try:
            self._file = tempfile.TemporaryFile(prefix="auditor-", buffering=_WRITTEN_BYTES)  # noqa: SIM115  (as long as we live)
        except OSError as error:
            raise _told(error) from error
        weakref.finalize(self, self._file.close)
        held, self._held, self.bytes = self._held, [], 0
        for page in held:
            self._write(page)

    def _write(self, page: list[T]) -> None:
        packed = _packed(page)
        try:  # and no ``with``: there is one of these for each resource
            self._file.write(packed)  # type: ignore[union-attr]
        except OSError as error:
            raise _told(error) from error
        self._flushed = False
        self.bytes += len(packed)
        self._ends.append(self.bytes)

    def _read(self, start: int, end: int) -> bytes:
        file: Any = self._file
        try:
            if not self._flushed:
                file.flush()
                self._flushed = True
            return os.pread(file.fileno(), end - start, start)
        except OSError as error:
            raise _told(error) from error


def _packed(page: Any) -> bytes:
    return pickle.dumps(page, pickle.HIGHEST_PROTOCOL)


def _told(error: OSError) -> StoreError:
    folder = tempfile.gettempdir()
    return StoreError(f"cannot keep what was read in {folder} for a while: {error.strerror}; set TMPDIR")
