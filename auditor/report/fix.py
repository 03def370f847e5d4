"""A fix with the resource's own names in it, safe to paste into a shell."""

import functools
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from auditor.kit import Check, Fix
from auditor.model import Evidence
from auditor.report.text import visible

__all__ = [
    "Filler",
    "all_plain",
    "fill_fix",
    "fix_fields",
    "fix_places",
    "is_plain",
    "kind_of",
    "place_of",
    "with_facts",
    "with_facts_of_each",
]

_ALWAYS = frozenset({"name", "id", "region", "account", "kind"})
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLACE = re.compile(r"(?<!\{)\{((?:facts\.)?\w+)\}(?!\})")
_FACT = "facts."
_QUOTES = re.compile(r"['\"\\]")
_WIDE = {code: f"\\u{code:04x}" for code in (*range(0x80, 0xA0), 0xAD)}
"""In a shell ``\\x9b`` would be a byte, not the character."""

_LOADS = re.compile(r"(?:fileb?|https?)://", re.IGNORECASE)
"""The AWS CLI replaces a value that begins so by what it finds there."""


def fix_fields(checks: Iterable[Check]) -> frozenset[str]:
    """Return the fields of documents that the fixes of CHECKS want filled in, beside name, id, region, account and kind."""
    places = frozenset(name for check in checks for name in _PLACE.findall(check.fix.cli))
    return frozenset(name for name in places - _ALWAYS if not name.startswith(_FACT))


def with_facts(fix: Fix, fields: Mapping[str, object], evidence: Sequence[Evidence]) -> Mapping[str, object]:
    """Return FIELDS, and those facts of the first of EVIDENCE that FIX names, as ``facts.policy``."""
    wanted = _facts(fix.cli)
    if not wanted or not evidence:
        return fields
    facts = evidence[0].facts
    return {**fields, **{_FACT + name: facts[name] for name in wanted if name in facts}}


def with_facts_of_each(
    fix: Fix, fields: list[Mapping[str, object]], evidence: Iterable[tuple[Evidence, ...]]
) -> list[Mapping[str, object]]:
    """Return ``with_facts`` of many findings of one check."""
    if not _facts(fix.cli):
        return fields
    return [with_facts(fix, of, said) for of, said in zip(fields, evidence, strict=True)]


@functools.lru_cache(maxsize=1024)
def _facts(command: str) -> tuple[str, ...]:
    return tuple(name.removeprefix(_FACT) for name in _PLACE.findall(command) if name.startswith(_FACT))


def kind_of(type: str) -> str:
    """Return a type as the AWS CLI calls it in its commands: ``db-instance`` of ``AWS::RDS::DBInstance``."""
    return _WORD.sub("-", type.rpartition("::")[2]).lower()


def place_of(region: str, account: str, type: str) -> dict[str, str]:
    """Return what the fixes of all resources of one TYPE in one place are filled with; name and id are each one's own."""
    return {"region": region, "account": account, "kind": kind_of(type)}


def fill_fix(fix: Fix, fields: Mapping[str, object]) -> str:
    """Return FIX's command with FIELDS filled in, each quoted for a shell; what is missing stands in capitals.

    A value that a shell or the AWS CLI would take for more than a value (quotes, an option, ``file://``) stays a value or is
    left for a person to fill in. Control and bidirectional characters are written as ``$'\\u202e'``.
    """
    places, rest = _places(fix.cli)
    made = ""
    for before, name, quote in places:
        made += before
        field = fields.get(name)
        several = _words(field, made) if not quote else ""
        value = _scalar(field)
        if several:
            made += several
        elif value is None or _LOADS.match(value):
            made += name.removeprefix(_FACT).upper()
        elif quote:
            made += _inside(value, quote, json_string=made.endswith('"') and quote == "'")
        else:
            if value.startswith("-") and re.search(r"(?:^|\s)--?[\w-]+ $", made):
                made = made[:-1] + "="  # else the value would be read as an option
            made += _quoted(value)
    return made + rest


_PLAIN_WORD = r"[A-Za-z0-9][A-Za-z0-9_./-]*+(?::++[A-Za-z0-9_.-][A-Za-z0-9_./-]*+)*+"
_PLAIN = re.compile(_PLAIN_WORD).fullmatch
_PLAIN_LINES = re.compile(rf"(?:{_PLAIN_WORD}\n)*+").fullmatch
_NAME, _ID = "zqNAMEqz", "zqIDqz"
_STAND_INS = {"name": _NAME, "id": _ID}


def is_plain(value: str) -> bool:
    """Tell whether VALUE stands in a command as it is, wherever its place: no shell and no AWS CLI takes it for more."""
    return _PLAIN(value) is not None


def all_plain(values: list[str]) -> bool:
    """Tell whether every one of VALUES ``is_plain``, looked at together."""
    lines = "\n".join([*values, ""])
    return lines.count("\n") == len(values) and _PLAIN_LINES(lines) is not None


@functools.lru_cache(maxsize=1024)
def fix_places(fix: Fix) -> tuple[str, ...]:
    """Return the fields of a resource's document that FIX names, in order."""
    return tuple(place for _, place, _ in _places(fix.cli)[0] if place not in _ALWAYS)


class Filler:
    """Fills fixes in for many resources of a few kinds: U+0001 stands for a resource's name and U+0002 for its id."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], str] = {}

    def marks(
        self,
        fix: Fix,
        place: Mapping[str, str],
        fields: Sequence[Mapping[str, object]],
        names: list[str],
        ids: list[str],
        frame: tuple[str, str] | None = None,
    ) -> list[str | None]:
        """Return FIX's command with marks for each of many resources, which share one PLACE (region, account and kind).

        ``None`` where name and id are no plain values: it must be filled in whole. FIELDS, NAMES and IDS are of each. With name
        and id put in for their marks it is what ``fill_fix`` returns. FRAME: what stands around the name in every id.
        """
        own = [name for _, name, _ in _places(fix.cli)[0] if name not in _STAND_INS and name not in place]
        # A plain name begins and ends so that within one frame all ids are plain, or none is.
        plain = all_plain(names) and (is_plain("x".join(frame)) if frame else all_plain(ids))
        columns = [_alike([of.get(field) for of in fields], names, ids) for field in own]
        if all(len(column) == 1 for column in columns):
            every = self._filled(fix, {**dict(zip(own, [column[0] for column in columns], strict=True)), **place})
            if plain:
                return [every] * len(names)
            return [every if is_plain(name) and is_plain(id) else None for name, id in zip(names, ids, strict=True)]
        made: list[str | None] = []
        rows = zip(*[column if len(column) > 1 else repeat(column[0]) for column in columns], strict=False)
        for row, name, id in zip(rows, names, ids, strict=True):
            if not (plain or (is_plain(name) and is_plain(id))):
                made.append(None)
                continue
            values = [_NAME if value == name else _ID if value == id else value for value in row]
            key = fix.cli, place["region"], place["kind"], *values
            try:
                text = self._made.get(key)
            except TypeError:  # a list or a map: it is no single argument
                made.append(None)
                continue
            if text is None:
                if len(self._made) > _REMEMBERED:
                    self._made.clear()
                text = self._made[key] = self._filled(fix, {**dict(zip(own, values, strict=True)), **place})
            made.append(text)
        return made

    @staticmethod
    def _filled(fix: Fix, fields: Mapping[str, object]) -> str:
        text = visible(fill_fix(fix, {**fields, **_STAND_INS}))
        return text.replace(_NAME, "\x01").replace(_ID, "\x02")


def _alike(values: list[object], names: list[str], ids: list[str]) -> list[object]:
    """Return VALUES of one field, or the only one of them; a stand-in for it where it is each resource's name or id."""
    if values == names:
        return [_NAME]
    if values == ids:
        return [_ID]
    return values[:1] if type(values[0]) is str and values.count(values[0]) == len(values) else values


_REMEMBERED = 4096


@functools.lru_cache(maxsize=1024)
def _places(command: str) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """Return, for each place to fill, the text before it, its name and the quote that is open there; and the text after all."""
    places, at, quote = [], 0, ""
    for place in _PLACE.finditer(command):
        before = command[at : place.start()]
        quote = _quote_after(before, quote)
        places.append((before, place.group(1), quote))
        at = place.end()
    return tuple(places), command[at:]


def _scalar(value: object) -> str | None:
    """Return VALUE as one argument, or ``None`` where it is none; of a list of one, that one."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) and value else None


def _words(value: object, before: str) -> str:
    """Return a list's values as the AWS CLI takes several: words of their own, or after ``=`` joined by commas; else nothing."""
    if not isinstance(value, list | tuple) or len(value) < _SEVERAL:
        return ""
    words = [word for word in value if isinstance(word, str) and is_plain(word)]
    return ("," if before.endswith("=") else " ").join(words) if len(words) == len(value) else ""


_SEVERAL = 2


def _quote_after(text: str, quote: str) -> str:
    """Return the quote that is open after TEXT, when QUOTE was open before it."""
    if not _QUOTES.search(text):
        return quote
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
    return quote


def _inside(value: str, quote: str, *, json_string: bool) -> str:
    """Return VALUE for a place within QUOTE: the quote is closed, the value quoted by itself, the quote opened again."""
    if json_string:
        value = json.dumps(value, ensure_ascii=False)[1:-1]
    quoted = _quoted(value)
    return value if quoted == value else f"{quote}{quoted}{quote}"


def _quoted(value: str) -> str:
    """Return VALUE as one word of bash or zsh."""
    if visible(value) == value:
        return shlex.quote(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").translate(_WIDE)
    return f"$'{visible(escaped)}'"
