"""Which resources of a scope came by already: some sixteen bytes for each, in one block, where a set would take a hundred."""

from array import array

__all__ = ["Marks"]

_SMALLEST = 64


class Marks:
    """A set of texts that only grows, kept as 64 bits of each: of a million, two are taken for one in 30 million scans."""

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * _SMALLEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> bool:
        """Add TEXT; returns whether it was new."""
        mark = hash(text) or 1  # keyed anew in each process: nobody who names resources can choose it
        slot = self._slot(mark)
        if self._slots[slot]:
            return False
        self._slots[slot] = mark
        self._count += 1
        if 3 * self._count > 2 * len(self._slots):
            held, self._slots = self._slots, array("q", bytes(16 * len(self._slots)))
            for mark in held:
                if mark:
                    self._slots[self._slot(mark)] = mark
        return True

    def _slot(self, mark: int) -> int:
        """Return where MARK is, or the free place for it."""
        slots, last = self._slots, len(self._slots) - 1
        slot = mark & last
        while slots[slot] not in (0, mark):
            slot = (slot + 1) & last
        return slot
