"""Entries that people write, in a file or on the command line, and everything that can be wrong with them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from auditor.errors import ConfigError
from auditor.tomlfile import TomlFile, nearest, quoted, shown

__all__ = ["Entry", "Field", "Form", "day", "is_url", "read_entries"]

_LONGEST = 4000
"""Characters of one text: more is a mistake."""
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"global|[a-z]{2,3}(-[a-z]+)+-\d")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SECRET = re.compile(r"^sig$|(signature|token|password|passwd|secret|api_?key)$", re.IGNORECASE)
"""Parameters of a URL that let whoever reads it in: signed links of AWS, Google and Azure, tokens."""


def day(value: object) -> date | None:
    """Return the day VALUE is: a date, or its ``YYYY-MM-DD``; ``None`` when it is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def is_url(evidence: str) -> bool:
    """Whether evidence is a URL and no file."""
    return evidence.lower().startswith(("https://", "http://"))


def _text(value: object) -> str:
    if not isinstance(value, str):
        return f"must be a text, not {quoted(value)}"
    return f"has {len(value)} characters, {_LONGEST} are allowed" if len(value) > _LONGEST else ""


def _day(value: object) -> str:
    return "" if day(value) else f"must be a day, YYYY-MM-DD, not {quoted(value)}"


def _shaped(shape: re.Pattern[str], said: str) -> Callable[[object], str]:
    def fault(value: object) -> str:
        return "" if isinstance(value, str) and shape.fullmatch(value) else f"must be {said}, not {quoted(value)}"

    return fault


def _tag(value: object) -> str:
    if isinstance(value, str) and value.partition("=")[0] and "=" in value:
        return _text(value)
    return f'must be "key=value", not {quoted(value)}'


def _evidence(value: object) -> str:
    """Say what is wrong with a URL or a file's name; a secret in it is not repeated, for it is stored and shown to all."""
    if not isinstance(value, str) or not is_url(value):
        return _text(value)
    try:
        url = urlsplit(value)
        host, named = url.hostname, [name for name, _ in parse_qsl(f"{url.query}&{url.fragment}", max_num_fields=100)]
    except ValueError:  # brackets without their like, or no end of parameters
        return f"is no URL: {quoted(value)}"
    if "@" in url.netloc:
        return "holds a user or a password before the host: name the page without it"
    if secret := next((name for name in named if _SECRET.search(name)), ""):
        return f"holds a secret in {quoted(secret)}: name the page without it"
    return _text(value) if host else f"is a URL without a host: {quoted(value)}"


_KINDS: Mapping[str, Callable[[object], str]] = {
    "text": _text,
    "day": _day,
    "evidence": _evidence,
    "tag": _tag,
    "account": _shaped(_ACCOUNT, "an account id of 12 digits"),
    "region": _shaped(_REGION, "a region (eu-west-1) or global"),
    "sha256": _shaped(_SHA256, "a SHA-256 of 64 hex digits"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A key of an entry."""

    kind: str = "text"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that is well formed, and where it stands."""

    values: Mapping[str, Any]
    place: str
    """``waivers.toml:12``."""


@dataclass(frozen=True, slots=True)
class Form:
    """What an entry must look like."""

    name: str
    """``waiver``: the file holds ``[[waiver]]`` tables."""
    fields: Mapping[str, Field]
    begins: str = ""
    """The field with the day an entry begins, from which its longest time is counted; empty: today."""

    def faults(self, given: Mapping[str, Any], max_days: int, today: date) -> list[tuple[str, str]]:
        """Return what is wrong with GIVEN: a key (empty: the whole) and a clause for each fault."""
        found = [("", f"has no {shown(key)}{nearest(key, self.fields)}") for key in given if key not in self.fields]
        for key, field in self.fields.items():
            value = given.get(key)
            empty = isinstance(value, str) and not value.strip()
            if field.required and (value is None or empty):
                found.append((key if key in given else "", f"needs {key}"))
            elif empty:
                found.append((key, f"{key} is empty: leave it out"))
            elif value is not None and (fault := _KINDS[field.kind](value)):
                found.append((key, f"{key} {fault}"))
        if bool(given.get("check")) == bool(given.get("pattern")):
            found.append(("", "needs either a check or a pattern"))
        return found + self._too_long(given, max_days, today)

    def _too_long(self, given: Mapping[str, Any], max_days: int, today: date) -> list[tuple[str, str]]:
        until, begun = day(given.get("until")), today
        if self.begins:
            stated = day(given.get(self.begins))
            if stated is None:
                return []
            begun = stated
            if begun > today + timedelta(days=1):  # somewhere it is tomorrow already
                return [(self.begins, f"begins on {begun}, which is yet to come")]
        if until is None:
            return []
        if self.begins and until < begun:
            return [("until", f"ends on {until}, before it begins on {begun}")]
        if (until - begun).days > max_days:
            return [("until", f"ends on {until}, {(until - begun).days} days from {begun}: {max_days} are allowed")]
        return []


def read_entries(path: Path, form: Form, max_days: int, today: date) -> tuple[list[Entry], list[str]]:
    """Return the entries of the file at PATH, and a line for everything that is wrong in it: file, line, what.

    An entry that is wrong is not among them. Whoever uses a file uses all of it, or nothing.
    """
    try:
        file = TomlFile(path, ConfigError)
    except ConfigError as error:
        return [], [str(error)]
    faults = [
        f"{file.place(name)}: there is no {shown(name)} here{nearest(name, [form.name])}; entries are [[{form.name}]]"
        for name in file.data
        if name != form.name
    ]
    held = file.data.get(form.name, [])
    if not isinstance(held, list) or not all(isinstance(item, dict) for item in held):
        return [], [*faults, f"{file.place(form.name)}: {form.name} must be written as [[{form.name}]]"]
    entries = []
    for number, item in enumerate(held):
        wrong = form.faults(item, max_days, today)
        for key, said in wrong:
            keys = (key,) if key else ()
            words = f"{form.name}: {said}" if key else f"this {form.name} {said}"
            faults.append(f"{file.place(form.name, str(number), *keys)}: {words}")
        if not wrong:
            entries.append(Entry(item, file.place(form.name, str(number))))
    return entries, faults


def first_of(faults: Sequence[str], command: str) -> ConfigError:
    """Return the error that says the first of FAULTS and how many more COMMAND shows."""
    more = f" (and {len(faults) - 1} more: see `{command}`)" if len(faults) > 1 else ""
    return ConfigError(faults[0] + more)
