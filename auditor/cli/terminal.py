"""What stands on the terminal: values from an account made harmless, verdicts and scores."""

import logging
import sys
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from auditor.cli.hangup import discard
from auditor.model import Severity

__all__ = [
    "SEVERITY_STYLES",
    "Part",
    "bar",
    "complain",
    "console",
    "discard_output",
    "line",
    "object_handler",
    "plain",
    "print_rows",
    "say",
]

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters by Unicode's books, and yet nothing is seen of them."""

SEVERITY_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def plain(text: object, length: int = 0) -> str:
    """Return TEXT on one line without control, bidirectional and invisible characters, cut in the middle to LENGTH (0: not)."""
    clean = str(text)
    if not (clean.isascii() and clean.isprintable()):
        clean = "".join(map(_seen, clean.replace("\r\n", "\n")))
    if not length or len(clean) <= length:
        return clean
    half = (length - 1) // 2
    return f"{clean[:half]}…{clean[len(clean) - (length - 1 - half) :]}"


def _seen(character: str) -> str:
    if character.isprintable() and character not in _FILLERS:
        return character
    if character in "\t\n\v\f\r" or unicodedata.category(character) == "Zs":
        return " "
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def complain(message: str) -> None:
    """Say in one line on standard error what is wrong; an object where log lines are JSON."""
    say(message, logging.ERROR)


def say(message: str, level: int = logging.INFO) -> None:
    """Say in one line on standard error what is no log line, whatever is logged; an object where log lines are JSON."""
    import click

    click.echo(line(message, level), err=True)


def line(message: str, level: int = logging.INFO) -> str:
    """Return the line with which MESSAGE is said on standard error."""
    if handler := object_handler():
        return handler.format(logging.LogRecord("auditor", level, "", 0, message, None, None))
    return f"auditor: {plain(message)}"


def object_handler() -> logging.Handler | None:
    """Return what writes log lines as JSON objects; ``None`` where they are text, or not written."""
    handlers = logging.root.handlers
    return next((one for one in handlers if getattr(one.formatter, "one_object_a_line", False)), None)


def discard_output() -> None:
    """Send what is still to be printed nowhere: nobody reads standard output any more."""
    with suppress(OSError, ValueError):  # it is no file
        discard([sys.stdout.fileno()])


def console(*, error: bool = False, width: int | None = None) -> Any:
    """Return rich's console, WIDTH columns wide (``None``: the terminal's): colours only on a terminal, without NO_COLOR."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program with the exit code of findings

    return Terminal(stderr=error, highlight=False, markup=False, emoji=False, width=width)


Part = tuple[str, str]
"""A text and its style."""


def print_rows(out: Any, rows: Iterable[Sequence[Part]], *, right: Collection[int] = (), widest: int = 0) -> None:
    """Print rows of cells, indented by two; the last cell takes what is left of the line and wraps under itself.

    RIGHT names the columns that stand right. WIDEST limits the line (0: the terminal does). Texts are made harmless.
    """
    from rich.cells import cell_len
    from rich.text import Text

    cells = [[Text(plain(text), style=style) for text, style in row] for row in rows]
    widths = [max(cell_len(row[number].plain) for row in cells) for number in range(len(cells[0]) - 1)] if cells else []
    left = min(out.width, widest or out.width) - 2 - sum(width + 2 for width in widths)
    for row in cells:
        first = Text("  ")
        for number, (cell, width) in enumerate(zip(row, widths, strict=False)):
            space = " " * (width - cell_len(cell.plain))
            first += Text.assemble(space, cell, "  ") if number in right else Text.assemble(cell, space, "  ")
        for number, line in enumerate(row[-1].wrap(out, max(left, 16))):
            line.rstrip()
            out.print(Text.assemble(" " * cell_len(first.plain) if number else first, line), soft_wrap=True)


def bar(value: float | None, width: int = 20) -> str:
    """Return a score from 0 to 100 as a bar of WIDTH characters; dots where there is none."""
    if value is None:
        return "·" * width
    filled = round(value / 100 * width)
    return "█" * filled + "░" * (width - filled)
