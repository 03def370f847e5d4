"""What the store has of a scope while it is read: some 60 bytes for each resource, in a few large blocks.

As objects it would take four times that, and small things that live long, between pages that come and go, keep the memory
of the pages from going back to the system.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

__all__ = ["KnownHere"]

_DIGEST = 16
_GONE = -1
_SMALLEST = 64


class KnownHere:
    """The resources of one scope, each a row with a number, found by their digest (16 bytes)."""

    def __init__(self) -> None:
        self._digests = bytearray()
        self._hashes = bytearray()
        self._ids = array("q")
        self._since = array("q")
        self._seen = bytearray()
        self._slots = array("I", bytes(4 * _SMALLEST))
        """Where digests are looked for: the number of a row and 1, or 0. Two thirds are taken at most."""

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, resources: Iterable[tuple[bytes, int, int | None, bytes | None]]) -> range:
        """Add RESOURCES that are not there yet and return their rows. Each is its digest, its id in the store, where its
        current version begins and the version's hash (16 bytes); ``None`` twice: it has none, it is gone."""
        first = len(self._ids)
        for digest, id, since, hash_ in resources:
            self._digests += digest
            self._ids.append(id)
            self._since.append(_GONE if since is None else since)
            self._hashes += hash_ or bytes(_DIGEST)
        rows = range(first, len(self._ids))
        self._seen.extend(bytes(len(rows)))
        size = len(self._slots)
        while 3 * len(self._ids) > 2 * size:
            size *= 2
        if size != len(self._slots):
            self._slots = array("I", bytes(4 * size))
            self._enter(range(len(self._ids)))
        else:
            self._enter(rows)
        return rows

    def rows(self, digests: Iterable[bytes]) -> list[int]:
        """Return the row of each of DIGESTS; -1: not there."""
        slots, held, last, found = self._slots, self._digests, len(self._slots) - 1, list[int]()
        for digest in digests:
            # Python's own hash is keyed anew in each process: nobody who names resources can make them collide.
            slot = hash(digest) & last
            while row := slots[slot]:
                if held[row * _DIGEST - _DIGEST : row * _DIGEST] == digest:
                    break
                slot = (slot + 1) & last
            found.append(row - 1)
        return found

    def id(self, row: int) -> int:
        """Return a resource's id in the store."""
        return self._ids[row]

    def since(self, row: int) -> int | None:
        """Return where a resource's current version begins; ``None``: it is gone."""
        since = self._since[row]
        return None if since == _GONE else since

    def holds(self, row: int, hash: bytes) -> bool:
        """Whether a resource is there, and its current version has this HASH."""
        return self._hashes[row * _DIGEST : row * _DIGEST + _DIGEST] == hash and self._since[row] != _GONE

    def change(self, row: int, since: int, hash: bytes) -> None:
        """Note that a resource's current version begins at SINCE, and its HASH."""
        self._since[row] = since
        self._hashes[row * _DIGEST : row * _DIGEST + _DIGEST] = hash

    # ---- what this scan has seen -------------------------------------------------------------------------------------

    def saw(self, rows: Iterable[int]) -> None:
        """Note that the resources of ROWS were seen; -1 is none."""
        seen = self._seen
        for row in rows:
            if row >= 0:
                seen[row] = 1

    def seen(self) -> Iterator[bytes]:
        """Yield the digests of those that were seen."""
        return (self._digest(row) for row in compress(range(len(self)), self._seen))

    def seen_ids(self, rows: Sequence[int] = ()) -> Iterator[int]:
        """Yield the ids of those that were seen, and of ROWS; each once."""
        return compress(self._ids, self._seen_with(rows))

    def unseen(self, rows: Sequence[int] = ()) -> Iterator[tuple[int, int]]:
        """Yield id and beginning of those that are there and neither were seen nor are among ROWS."""
        seen = self._seen_with(rows)
        row = seen.find(0)
        while row >= 0:
            if self._since[row] != _GONE:
                yield self._ids[row], self._since[row]
            row = seen.find(0, row + 1)

    def count_seen(self, rows: Sequence[int] = ()) -> int:
        """Return how many were seen or are among ROWS."""
        return self._seen_with(rows).count(1)

    def _seen_with(self, rows: Sequence[int]) -> bytearray:
        seen = bytearray(self._seen)
        for row in rows:
            if row >= 0:
                seen[row] = 1
        return seen

    def _enter(self, rows: range) -> None:
        slots, held, last = self._slots, self._digests, len(self._slots) - 1
        for row in rows:
            slot = hash(bytes(held[row * _DIGEST : row * _DIGEST + _DIGEST])) & last
            while slots[slot]:
                slot = (slot + 1) & last
            slots[slot] = row + 1

    def _digest(self, row: int) -> bytes:
        return bytes(self._digests[row * _DIGEST : row * _DIGEST + _DIGEST])
