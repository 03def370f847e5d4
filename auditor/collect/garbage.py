"""Memory while an account is read: pages are many objects, next to none of them are cycles, and many threads make them."""

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["seldom_collected"]

_THRESHOLDS = (50_000, 20, 50)
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""mallopt(3): glibc's numbers for how many pools threads allocate from, and for what is large."""
_ARENAS = 1
"""Each of 32 threads would keep a pool of its own, and one after the other Python lets them run: two are 8 MB of holes more."""
_LARGE_BYTES = 128 * 1024
"""What is larger goes back to the system when it is let go of; glibc would raise that as it goes, and keep the holes."""
_lock = threading.Lock()
_inside = 0
_before: tuple[int, int, int] = gc.get_threshold()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the collector run seldom, and not over what exists already, as long as anybody in the process is inside.

    Looking at every object of every page at Python's usual thresholds costs as much as parsing the pages. Threads share
    what they allocate from, and at the end what is free goes back to the system, where the C library can do that.
    """
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = gc.get_threshold()
            gc.freeze()
            gc.set_threshold(*_THRESHOLDS)
            _allocator("mallopt", _M_ARENA_MAX, _ARENAS)
            _allocator("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)
            _allocator("malloc_trim", 0)  # what loading the program and the service models left behind
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                gc.set_threshold(*_before)
                gc.unfreeze()
                _allocator("malloc_trim", 0)


def _allocator(function: str, *numbers: int) -> None:
    """Call a FUNCTION of glibc's allocator; other C libraries do not have it, and need not."""
    try:
        getattr(ctypes.CDLL(None), function)(*numbers)
    except (AttributeError, OSError, TypeError):
        return
