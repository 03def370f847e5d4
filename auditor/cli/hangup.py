"""What ends a command from outside: Ctrl-C, SIGTERM, and a terminal that was closed (SIGHUP), whose output goes nowhere."""

import os
import signal
from collections.abc import Iterable

__all__ = ["discard", "ending_signals", "hung_up"]


def ending_signals() -> tuple[int, ...]:
    """Return the signals that end a command in order. What was started with nohup goes on when its terminal is closed."""
    ours = (signal.SIGINT, signal.SIGTERM)
    return ours if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*ours, signal.SIGHUP)


def hung_up() -> None:
    """Go on without a terminal: what would be written to it is discarded, files and pipes still get theirs.

    More than one SIGHUP may come, from the shell and from the system; the others say nothing new.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    discard(filter(_terminal, (1, 2)))


def discard(streams: Iterable[int]) -> None:
    """Send what is still to be written to STREAMS, by their numbers, nowhere. Raises OSError for one that is no file."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in streams:
            os.dup2(nowhere, stream)
    finally:
        os.close(nowhere)


def _terminal(stream: int) -> bool:
    """Whether it is a terminal, be it one that is gone already: that is no terminal to isatty, and cannot be asked."""
    import errno
    import termios

    try:
        termios.tcgetattr(stream)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return True
