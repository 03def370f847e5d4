"""What a log line is about, beside its words: scan, account, region, service; and words without secrets."""

import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

__all__ = ["FIELDS", "about", "fields_of", "masked", "note", "take_what_python_says"]

FIELDS = ("scan", "account", "region", "service", "operation")
"""What a line may be about, in the order it is said."""

_MASK = "***"
_SECRETS = re.compile(
    r"(?P<url>\w://[^\s/:@]*:)[^\s/@]+(?=@)"
    r"|(?P<name>\b(?:X-Amz-(?:Security-Token|Signature|Credential)|aws_secret_access_key|aws_session_token|SecretAccessKey"
    r"|SessionToken|(?:Web)?IdentityToken|password|passwd|pwd)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&;,}]+"
    r"|(?P<scheme>\bAWS4-HMAC-SHA256\s|\bBearer\s)\S.*",
    re.IGNORECASE,
)
"""Passwords in URLs, what a signed request carries, and keys by their names."""
_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")
_SHORTEST = 8

_NOTHING: Mapping[str, object] = MappingProxyType({})
_ABOUT: ContextVar[Mapping[str, object]] = ContextVar("about", default=_NOTHING)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Say of all that this thread logs meanwhile what it is about: names are those of FIELDS.

    A thread that is started meanwhile knows it only when it runs in a copy of this context (``contextvars.copy_context``).
    """
    before = _ABOUT.set({**_ABOUT.get(), **fields})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def note(**fields: object) -> None:
    """Add to what this thread's log lines are about, until the surrounding ``about`` ends."""
    _ABOUT.set({**_ABOUT.get(), **fields})


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record is about, by FIELDS: what its call says (``extra``), else what this thread does."""
    known = {**_ABOUT.get(), **{name: getattr(record, name) for name in FIELDS if hasattr(record, name)}}
    return {name: known[name] for name in FIELDS if known.get(name) not in (None, "")}


def masked(text: str) -> str:
    """Return TEXT with secrets masked: what looks like one, and the values this process was given in its environment."""
    for name in _VARIABLES:
        value = os.environ.get(name, "")
        if len(value) >= _SHORTEST and value in text:
            text = text.replace(value, _MASK)
    return _SECRETS.sub(lambda found: f"{found['url'] or found['name'] or found['scheme']}{_MASK}", text)


def take_what_python_says() -> None:
    """Log what Python itself would write as text to standard error: warnings, and faults that end a thread or nothing."""
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING)
    threading.excepthook = _thread_broke
    sys.unraisablehook = _passed_over


def _thread_broke(fault: threading.ExceptHookArgs) -> None:
    if not issubclass(fault.exc_type, SystemExit):
        name = fault.thread.name if fault.thread else "a thread"
        _say(f"a fault of the auditor, please report it: thread {name} ended", fault.exc_value or fault.exc_type())


def _passed_over(fault: "sys.UnraisableHookArgs") -> None:
    _say(fault.err_msg or "an exception was ignored", fault.exc_value or fault.exc_type())


def _say(message: str, error: BaseException) -> None:
    logging.getLogger("auditor").error(message, exc_info=error)
