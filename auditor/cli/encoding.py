"""Standard streams that are closed, or not UTF-8: our own signs in ASCII, every other character as an escape."""

import codecs
import io
import os
import sys
from pathlib import Path

__all__ = ["fit_encoding", "open_closed_streams"]

_SIGNS = {
    **dict(zip("\u2588\u2591\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2501", "#-_.:-=+*-", strict=True)),
    **dict(zip("\u00b7\u2026\u2013\u2014\u2212\u00d7\u2192", "-~---x>", strict=True)),
    **dict(zip("\u201c\u201d\u2018\u2019", "\"\"''", strict=True)),
}
"""What we draw and write -> one ASCII character each, so that columns stay where they are."""


def open_closed_streams() -> None:
    """Have something at standard input, output and error where whoever started us closed them (``>&-``).

    Python has None there, and the next file that is opened, the store's, would get the number of standard output: what a
    library writes to that number would be written into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest that is free
        pass
    os.close(number)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115  (it stays)


def fit_encoding() -> None:
    r"""Let standard output and error write what their encoding lacks as signs and escapes (``\u00e4``, as JSON writes it).

    Under UTF-8 nothing changes, but on a terminal whose locale is set to C or POSIX: Python writes UTF-8 there all the
    same, and the terminal shows it as something else.
    """
    codecs.register_error("auditor", _written)
    plain = _locale() in ("C", "POSIX")
    for stream in (sys.stdout, sys.stderr):
        # What tests and other programs put in their place has an encoding of its own.
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if plain and stream.isatty():
            stream.reconfigure(encoding="ascii", errors="auditor")
        elif (stream.encoding or "").lower().replace("-", "") not in ("utf8", "utf8sig"):
            stream.reconfigure(errors="auditor")
        else:
            stream.reconfigure(errors="backslashreplace")


def _locale() -> str:
    """Return the locale for characters that the environment sets; empty where it sets none.

    In the locale C Python itself sets LC_CTYPE to C.UTF-8 (PEP 538), which says nothing about the terminal.
    """
    held = [os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if held[1] == "C.UTF-8":
        held[1] = ""
    return next(filter(None, held), "")


def _written(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_sign, error.object[error.start : error.end])), error.end


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
