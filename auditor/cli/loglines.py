"""Log lines on standard error: text for people, or JSON, one object a line, for programs; never a secret in either."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from auditor import logs
from auditor.cli.terminal import plain

__all__ = ["set_up_logging"]


def set_up_logging(level: str, form: str = "text") -> None:
    """Send log lines of LEVEL (``debug`` … ``error``) and above to standard error, as FORM: ``text`` or ``json``."""
    handler = _StandardError()
    handler.setFormatter(
        _Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    logging.root.handlers[:] = [handler]
    # What libraries complain about is told by the errors they raise, in one line (botocore would add a traceback).
    logging.root.setLevel(logging.ERROR)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("auditor").setLevel(level.upper())
    if form == "json":
        logs.take_what_python_says()


def _harmless(text: object) -> str:
    return plain(logs.masked(str(text)))


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    """The traceback, line by line; one that came from another process is text already."""
    text = formatter.formatException(record.exc_info) if record.exc_info else record.exc_text
    return [_harmless(line) for line in (text or "").splitlines()]


class _Text(logging.Formatter):
    """A line stays a line, whatever an account's values hold; a traceback is indented below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as date, level, message, and what it is about as ``name=value``."""
        trace, held = _trace(self, record), (record.exc_info, record.exc_text)
        record.exc_info = record.exc_text = None
        line = _harmless(super().format(record))
        record.exc_info, record.exc_text = held
        line += "".join(f" {name}={_harmless(value)}" for name, value in logs.fields_of(record).items())
        return line + "".join(f"\n    {part}" for part in trace)


class _Json(logging.Formatter):
    """One JSON object a line, ASCII alone: ``time`` (UTC), ``level``, ``logger``, ``message``, what it is about, ``trace``."""

    one_object_a_line = True
    """What is no log line (``terminal.say``) has to be one here, too: whoever reads objects can read nothing else."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON text without a line break."""
        moment = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _harmless(record.getMessage()),
        }
        fields = logs.fields_of(record).items()
        told |= {name: value if isinstance(value, int) else _harmless(value) for name, value in fields}
        if trace := _trace(self, record):
            told["trace"] = trace
        return json.dumps(told)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment: a progress display puts itself before it."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        self.stream = sys.stderr
        super().emit(record)
