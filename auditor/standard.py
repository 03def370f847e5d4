"""The organisation's standard: patterns.toml and an operator's overrides become patterns or a placed error."""

import dataclasses
import functools
import hashlib
import json
import math
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from auditor.errors import StandardError
from auditor.tomlfile import TomlFile, nearest, quoted, shown

__all__ = ["Pattern", "Standard", "bind", "load", "validate"]

T = TypeVar("T")

_FIXED = ("section", "group", "bullet")
_TEXTS = (*_FIXED, "statement")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*){1,2}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One bullet of the standard."""

    id: str
    """``section.group.bullet`` in lower case, as ``cloud.multi-az.availability-zones``; never changes."""
    section: str
    """The document's chapter, quoted."""
    group: str
    """The document's sub-chapter, quoted; the section's name where the document has none."""
    bullet: str
    statement: str
    """What the document asks for, quoted."""
    thresholds: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Name -> int, float, bool, str, tuple of int and str, or dict of str; the unit is in the name (``_days``)."""
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Threshold's name -> the ``file:line`` it was read from; ``""`` -> the pattern's own."""

    @property
    def section_id(self) -> str:
        """The id's first part: ``cloud``."""
        return self.id.partition(".")[0]

    @property
    def group_id(self) -> str:
        """The id without its last part: ``cloud.multi-az``."""
        return self.id.rpartition(".")[0]


@dataclass(frozen=True)
class Standard:
    """All patterns in the document's order, overrides applied."""

    title: str
    source: str
    """The document the statements are quoted from."""
    patterns: tuple[Pattern, ...]
    digest: str
    """SHA-256 (64 hex digits) of the content: layout, comments and the order of tables do not change it."""

    def __getitem__(self, pattern_id: str) -> Pattern:
        """Return the pattern with this id; raise StandardError, with the nearest id, when there is none."""
        try:
            return self._by_id[pattern_id]
        except KeyError:
            hint = nearest(pattern_id, self._by_id)
            raise StandardError(f"the standard has no pattern {shown(pattern_id)}{hint}") from None

    def __contains__(self, pattern_id: object) -> bool:
        """Tell whether there is a pattern with this id."""
        return pattern_id in self._by_id

    def __iter__(self) -> Iterator[Pattern]:
        """Iterate over the patterns in order."""
        return iter(self.patterns)

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self.patterns)

    @functools.cached_property
    def sections(self) -> Mapping[str, str]:
        """Section id -> its name, in order: ``{"cloud": "Cloud Architecture", …}``."""
        return {pattern.section_id: pattern.section for pattern in self.patterns}

    @functools.cached_property
    def groups(self) -> Mapping[str, str]:
        """Group id -> its name, in order: ``{"cloud.multi-az": "Multi-AZ Deployment", …}``."""
        return {pattern.group_id: pattern.group for pattern in self.patterns}

    @functools.cached_property
    def _by_id(self) -> Mapping[str, Pattern]:
        return {pattern.id: pattern for pattern in self.patterns}


def load(path: Path, overrides: Sequence[Path] = ()) -> Standard:
    """Read the standard from PATH and apply OVERRIDES, the last one winning.

    An override may change a pattern's statement and thresholds (a list replaces the list, a table of texts is merged
    key by key), the standard's title and source, and add patterns. Raises StandardError with file, line, nearest name.
    """
    standard, faults = _read(path, overrides)
    if faults or standard is None:
        raise StandardError(_first(faults))
    return standard


def validate(
    path: Path, overrides: Sequence[Path] = (), bindings: Iterable[tuple[str, type[Any]]] = ()
) -> tuple[str, ...]:
    """Return every fault, one line each with its place; none when ``load`` and every ``bind`` would succeed.

    BINDINGS pairs a pattern's id with the thresholds dataclass of a check.
    """
    standard, faults = _read(path, overrides)
    if standard is not None:
        for pattern_id, cls in bindings:
            if pattern_id in standard:
                faults += _bind(standard[pattern_id], cls)[1]
            else:
                faults.append(f"{path}: [{shown(pattern_id)}] is missing: {cls.__name__} needs its thresholds")
    return tuple(dict.fromkeys(faults))


def bind(pattern: Pattern, cls: type[T]) -> T:
    """Make CLS, a dataclass of thresholds, from PATTERN's: every field given, none extra, each of its very type.

    Fields are int, float, bool, str, ``tuple[int, ...]``, ``tuple[str, ...]``, ``tuple[int | str, ...]`` or
    ``Mapping[str, str]``; a whole number is fine for a float, ``true`` is no int. A ValueError from ``__post_init__``
    says what is wrong with the numbers. Raises StandardError with the place of the first fault.
    """
    made, faults = _bind(pattern, cls)
    if made is None:
        raise StandardError(_first(faults))
    return made


# ---- reading: files -> patterns; faults are collected, so that one run shows them all ----


def _read(path: Path, overrides: Sequence[Path]) -> tuple[Standard | None, list[str]]:
    draft = _Draft()
    try:
        draft.add(TomlFile(path, StandardError), shipped=True)
    except StandardError as error:
        return None, [str(error)]
    if not draft.patterns:
        draft.faults.append(f"{path}: there is no pattern in it")
    for override in overrides:
        try:
            draft.add(TomlFile(override, StandardError), shipped=False)
        except StandardError as error:
            draft.faults.append(str(error))
    patterns = tuple(draft.patterns)
    content = sorted(
        (p.id, p.section, p.group, p.bullet, p.statement, sorted((k, _plain(v)) for k, v in p.thresholds.items()))
        for p in patterns
    )
    text = json.dumps([draft.title, draft.source, content])
    standard = Standard(draft.title, draft.source, patterns, hashlib.sha256(text.encode()).hexdigest())
    return standard, draft.faults


def _plain(value: object) -> str:
    """VALUE as text for the digest; 5.0 and 5 are the same number."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    return json.dumps(whole, sort_keys=True)


class _Draft:
    """The standard in the making."""

    def __init__(self) -> None:
        self.title = self.source = ""
        self.patterns: list[Pattern] = []
        self.faults: list[str] = []

    def add(self, file: TomlFile, *, shipped: bool) -> None:
        """Add FILE's patterns; in the SHIPPED file all are new, in others a known id changes what is there."""
        if shipped or "standard" in file.data:
            self._head(file, file.data.get("standard", {}), shipped)
        for name, table in file.data.items():
            known = next((number for number, pattern in enumerate(self.patterns) if pattern.id == name), None)
            if name == "standard":
                continue
            if not isinstance(table, dict) or ("." not in name and not table.keys() & {*_TEXTS, "thresholds"}):
                hint = 'write its whole id in quotes, as in ["cloud.multi-az.availability-zones".thresholds]'
                self.faults.append(f"{file.place(name)}: {shown(name)} is no pattern: {hint}")
            elif known is not None:
                self.patterns[known] = self._changed(file, self.patterns[known], table)
            elif not shipped and not table.keys() & set(_TEXTS):
                hint = nearest(name, [pattern.id for pattern in self.patterns])
                needs = "a pattern of your own needs section, group, bullet and statement"
                self.faults.append(f"{file.place(name)}: there is no pattern {shown(name)}{hint} ({needs})")
            else:
                self._insert(file, self._new(file, name, table))

    def _head(self, file: TomlFile, table: object, required: bool) -> None:
        if not isinstance(table, dict):
            self.faults.append(f"{file.place('standard')}: standard must be a table, [standard]")
            return
        self._unknown(file, "standard", table, ("title", "source"))
        if required or "title" in table:
            self.title = self._text(file, "standard", table, "title")
        if required or "source" in table:
            self.source = self._text(file, "standard", table, "source")

    def _new(self, file: TomlFile, name: str, table: Mapping[str, object]) -> Pattern:
        if not _ID.fullmatch(name):
            shape = "two or three parts of a-z, 0-9 and '-', joined by dots"
            self.faults.append(f"{file.place(name)}: [{shown(name)}] an id is {shape}")
        self._unknown(file, name, table, (*_TEXTS, "thresholds"))
        section, group, bullet, statement = (self._text(file, name, table, key) for key in _TEXTS)
        given = self._thresholds(file, name, table)
        places = {key: file.place(name, "thresholds", key) for key in given} | {"": file.place(name)}
        return Pattern(name, section, group, bullet, statement, given, places)

    def _insert(self, file: TomlFile, new: Pattern) -> None:
        """Put NEW behind the last pattern of its group, else of its section, else at the end."""
        place = f"{file.place(new.id)}: [{shown(new.id)}]"
        section = [number for number, old in enumerate(self.patterns) if old.section_id == new.section_id]
        group = [number for number in section if self.patterns[number].group_id == new.group_id]
        for name, numbers in (("section", section), ("group", group)):
            theirs = getattr(self.patterns[numbers[-1]], name) if numbers else getattr(new, name)
            if getattr(new, name) not in ("", theirs):
                self.faults.append(f"{place} {name} must be {theirs!r}, as in {self.patterns[numbers[-1]].id}")
        for old in self.patterns:
            if old.bullet and (old.section, old.group, old.bullet) == (new.section, new.group, new.bullet):
                self.faults.append(f"{place} is the same bullet as {old.id}: {new.bullet!r} of {new.group!r}")
        after = (group or section or [len(self.patterns) - 1])[-1]
        self.patterns.insert(after + 1, new)

    def _changed(self, file: TomlFile, old: Pattern, table: Mapping[str, object]) -> Pattern:
        self._unknown(file, old.id, table, (*_TEXTS, "thresholds"))
        for key in _FIXED:
            if key in table and table[key] != getattr(old, key):
                self.faults.append(f"{file.place(old.id, key)}: [{old.id}] {key} is {getattr(old, key)!r} and stays so")
        statement = self._text(file, old.id, table, "statement") if "statement" in table else old.statement
        thresholds, places = dict(old.thresholds), dict(old.places)
        for name, value in self._thresholds(file, old.id, table).items():
            place = file.place(old.id, "thresholds", name)
            if name not in thresholds:
                hint = nearest(name, thresholds)
                self.faults.append(f"{place}: [{old.id}.thresholds] has no {shown(name)}{hint}")
                continue
            before = thresholds[name]
            if _kind(value) != _kind(before):
                wrong = f"{name} must be {_kind(before)}, not {quoted(value)}"
                self.faults.append(f"{place}: [{old.id}.thresholds] {wrong}")
                continue
            merged = isinstance(before, dict) and isinstance(value, dict)
            thresholds[name] = {**before, **value} if merged else value  # type: ignore[dict-item]
            places[name] = place
        return dataclasses.replace(old, statement=statement, thresholds=thresholds, places=places)

    def _thresholds(self, file: TomlFile, name: str, table: Mapping[str, object]) -> dict[str, object]:
        given = table.get("thresholds", {})
        if not isinstance(given, dict):
            self.faults.append(f"{file.place(name, 'thresholds')}: [{shown(name)}] thresholds must be a table")
            return {}
        for key, value in given.items():
            if wrong := _wrong(value):
                place = file.place(name, "thresholds", key)
                self.faults.append(f"{place}: [{shown(name)}.thresholds] {shown(key)} {wrong}, not {quoted(value)}")
        return {key: tuple(v) if isinstance(v, list) else v for key, v in given.items() if not _wrong(v)}

    def _text(self, file: TomlFile, name: str, table: Mapping[str, object], key: str) -> str:
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        wrong = f"must be a text, not {quoted(value)}" if key in table else "is missing"
        self.faults.append(f"{file.place(name, key)}: [{shown(name)}] {key} {wrong}")
        return ""

    def _unknown(self, file: TomlFile, name: str, table: Mapping[str, object], known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                hint = nearest(key, known)
                self.faults.append(f"{file.place(name, key)}: [{shown(name)}] has no {shown(key)}{hint}")


def _wrong(value: object) -> str:
    """What a threshold must be when VALUE is not; empty when it is fine."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "must be a finite number"
    if isinstance(value, int):  # also true and false
        return "" if -(2**63) <= value < 2**63 else "must fit into 64 bits"
    if isinstance(value, list):
        fine = all(isinstance(item, (int, str)) and not isinstance(item, bool) for item in value)
        return "" if fine else "must be a list of whole numbers and texts"
    if isinstance(value, dict):
        return "" if all(isinstance(item, str) for item in value.values()) else "must be a table of texts"
    return "" if isinstance(value, str) else "must be a number, true or false, a text, a list or a table of texts"


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a text", tuple: "a list"}
    return kinds.get(type(value), "a table of texts")


# ---- binding: thresholds -> the dataclass of a check ----

_SCALARS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _bind(pattern: Pattern, cls: type[T]) -> tuple[T | None, list[str]]:
    fields, given = _fields(cls), pattern.thresholds
    faults: list[str] = []

    def fault(name: str, wrong: str) -> None:
        place = pattern.places.get(name) or pattern.places.get("", "patterns.toml")
        faults.append(f"{place}: [{pattern.id}.thresholds] {wrong}")

    values = {}
    for name, hint in fields.items():
        if name not in given:
            fault(name, f"{name} is missing")
            continue
        values[name], wanted = _fit(given[name], hint)
        if wanted:
            fault(name, f"{name} must be {wanted}, not {quoted(given[name])}")
    for name in given:
        if name not in fields:
            fault(name, f"has no {shown(name)}{nearest(name, fields)} ({cls.__name__} does not know it)")
    if faults:
        return None, faults
    try:
        return cls(**values), []
    except ValueError as error:
        fault("", str(error))
        return None, faults


def _fields(cls: type[Any]) -> Mapping[str, Any]:
    """The dataclass's field names and their types."""
    hints = typing.get_type_hints(cls)
    return {item.name: hints[item.name] for item in dataclasses.fields(cls) if item.init}


def _fit(value: object, hint: Any) -> tuple[object, str]:
    """VALUE as HINT asks for it and an empty text, or what HINT asks for."""
    if hint in _SCALARS:
        if hint is float and type(value) is int:
            return float(value), ""
        return value, "" if type(value) is hint else _SCALARS[hint]
    kinds = typing.get_args(hint)
    if typing.get_origin(hint) is Mapping and kinds == (str, str):
        fine = isinstance(value, Mapping) and all(type(item) is str for item in value.values())
        return value, "" if fine else "a table of texts"
    kinds = typing.get_args(kinds[0]) or kinds[:1] if kinds[1:] == (...,) else ()
    if typing.get_origin(hint) is not tuple or not kinds or not {int, str}.issuperset(kinds):
        raise StandardError(f"a threshold cannot be of type {hint}: see auditor.standard.bind for those it can be")
    fine = isinstance(value, (tuple, list)) and all(type(item) in kinds for item in value)
    names = {int: "whole numbers", str: "texts"}
    return (tuple(value) if isinstance(value, list) else value), (
        "" if fine else "a list of " + " and ".join(names[kind] for kind in kinds)
    )


# ---- words ----


def _first(faults: Sequence[str]) -> str:
    more = f" (and {len(faults) - 1} more: see `auditor standard validate`)" if len(faults) > 1 else ""
    return faults[0] + more
