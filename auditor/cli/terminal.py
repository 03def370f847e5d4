"""What stands on the terminal: values from an account made harmless, verdicts and scores, progress and log lines."""

import logging
import re
from typing import Any

from auditor.model import Severity

__all__ = ["SEVERITY_STYLES", "bar", "console", "plain", "set_up_logging"]

_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]|[\r\n\t]+"
)

SEVERITY_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def plain(text: object, length: int = 0) -> str:
    """Return TEXT on one line without control, bidirectional and invisible characters, cut in the middle to LENGTH (0: not)."""
    clean = _HARMFUL.sub(lambda found: " " if found[0].isspace() else f"\\u{ord(found[0]):04x}", str(text))
    if not length or len(clean) <= length:
        return clean
    half = (length - 1) // 2
    return f"{clean[:half]}…{clean[len(clean) - (length - 1 - half) :]}"


def console(*, error: bool = False, width: int | None = None) -> Any:
    """Return rich's console, WIDTH columns wide (``None``: the terminal's): colours only on a terminal, without NO_COLOR."""
    from rich.console import Console

    return Console(stderr=error, highlight=False, markup=False, emoji=False, width=width)


def bar(value: float | None, width: int = 20) -> str:
    """Return a score from 0 to 100 as a bar of WIDTH characters; dots where there is none."""
    if value is None:
        return "·" * width
    filled = round(value / 100 * width)
    return "█" * filled + "░" * (width - filled)


class _OneLine(logging.Formatter):
    """Log lines stay lines, whatever an account's values hold; a traceback is indented below its line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        trace = record.exc_info
        record.exc_info = record.exc_text = None
        line = plain(super().format(record))
        if trace:
            line += "".join(f"\n    {plain(part)}" for part in self.formatException(trace).splitlines())
        record.exc_info = trace
        return line


def set_up_logging(level: str) -> None:
    """Send log lines of LEVEL (``debug`` … ``error``) and above to standard error: date, level, message."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger("auditor").setLevel(level.upper())
