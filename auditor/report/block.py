"""All findings as compressed columns, which the page's script unpacks into its table: some at once, the rest when it is asked for.

The block is lines of base64, each of zlib-compressed JSON: first the legend, then the columns in the order of ``COLUMNS``, then
``evidence`` in pages of ``PAGE`` findings. It is written while the findings go by, so that only the compressed bytes are kept.
"""

import base64
import functools
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from auditor.kit import Fix, iso
from auditor.model import Evidence, Finding, FindingState, Lifecycle, Severity, Verdict
from auditor.report.findings import LONGEST, TURNS, FindingViews, own_tags
from auditor.report.fix import Filler, fix_places, is_plain
from auditor.report.inputs import Known, ReportInputs
from auditor.report.links import console_marks
from auditor.report.tags import environment, owner
from auditor.report.text import json_text, service, short, type_words, visible, word
from auditor.report.view import ReportView, TurnView

__all__ = ["COLUMNS", "PAGE", "Block", "block_text", "pack"]

PAGE = 4096
_NUMBERS = ("severity", "verdict", "check", "type", "region", "account", "since", "fresh", "owner", "environment")
_TEXTS = ("name", "resource", "sentence", "tags", "command", "console", "reason", "history")
COLUMNS = (*_NUMBERS, *_TEXTS)
"""Numbers point into the legend's lists (``severity`` is a rank). Of texts, 0 stands for that of the finding before; in all but
``name`` and ``sentence`` U+0001 stands for the finding's name, U+0002 for its ARN, and in ``console`` U+0003 and U+0004 as
``console_marks`` says; there they are percent-encoded. No text of a view holds such characters."""
_LEVEL = 6
_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)
_NOTHING = Known()
_SHORT_TAGS = 256
_NAMED = 1024
"""Characters of a name and an ARN that marks may stand for."""


def pack(value: object) -> str:
    """Return VALUE as base64 of zlib-compressed JSON: nothing in it can end a script element."""
    return base64.b64encode(zlib.compress(orjson.dumps(value), _LEVEL)).decode()


class _Column:
    """A JSON list, compressed while it grows."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL)
        self._made = [self._compressor.compress(b"[")]
        self._empty = True

    def extend(self, values: list[Any]) -> None:
        text = orjson.dumps(values)[1:-1]
        if text:
            self._made.append(self._compressor.compress(text if self._empty else b"," + text))
            self._empty = False

    def text(self) -> str:
        """Return the list as base64 of its compressed JSON; nothing can be added any more."""
        self._made += [self._compressor.compress(b"]"), self._compressor.flush()]
        return base64.b64encode(b"".join(self._made)).decode()


class _Numbers(dict[str, int]):
    """Texts, numbered as they come; several that look the same have one number."""

    def __init__(self) -> None:
        self.shown: dict[str, int] = {}

    def __missing__(self, text: str) -> int:
        number = self[text] = self.shown.setdefault(visible(text), len(self.shown))
        return number


class Block:
    """Takes the findings of a report in their order, and writes them down as the page's script reads them."""

    def __init__(self, inputs: ReportInputs, views: FindingViews) -> None:
        self._inputs, self._views = inputs, views
        self._first = inputs.previous is None
        self._filler = Filler()
        self._columns = {name: _Column() for name in COLUMNS}
        self._last: dict[str, str] = dict.fromkeys(_TEXTS, "")
        self._pages: list[str] = []
        self._numbers = {name: _Numbers() for name in ("check", "type", "region", "account", "owner", "environment")}
        self._owners, self._environments = self._numbers["owner"], self._numbers["environment"]
        self._days = _Numbers()
        self._alike: tuple[object, ...] = ()
        self._same: tuple[int, ...] = ()
        self._console = ""
        self._fix: Fix | None = None
        self._place: dict[str, str] = {}
        self._every: str | None = None
        """The command of all of a run, where nothing but name and ARN differs."""
        self._rows: list[tuple[Any, ...]] = []
        self._evidence: list[list[Any]] = []
        self._ranks = {severity: severity.rank for severity in Severity}

    def add(self, state: FindingState) -> None:
        """Write down one finding."""
        finding, inputs = state.finding, self._inputs
        alike = finding.check, finding.type, finding.region, finding.account, finding.verdict, finding.severity
        if alike != self._alike:
            self._alike = alike
            self._begin(finding)
        id = finding.resource
        known = inputs.resources.get(id, _NOTHING)
        name = known.name or finding.name or id
        shown, arn = _clean(name), _clean(id)
        plain = shown is name and arn is id and len(name) + len(id) < _NAMED
        evidence = finding.evidence
        reason = _clean(finding.reason) if finding.reason else ""
        command = self._command(known, name, id) if plain else None if self._fix else ""
        console = self._console if plain else None
        if command is None or console is None:
            view = self._views(state)
            command = view.command if command is None else command
            console = view.console if console is None else console
        turns = inputs.histories.get(finding.key)
        tags, of, at = _tags(known.tags)
        self._rows.append(
            (
                *self._same,
                self._days[_day(state.since)],
                0 if self._first or state.lifecycle not in _NEW else 1,
                self._owners[of],
                self._environments[at],
                shown,
                arn.replace(shown, "\x01") if plain else arn,
                _clean(evidence[0].sentence) if evidence else reason,
                tags.replace(shown, "\x01") if plain and tags else tags,
                command,
                console,
                reason,
                ", ".join([_turn(turn.at, turn.what) for turn in turns[-TURNS:]]) if turns else "",
            )
        )
        self._evidence.append([_said(item) for item in evidence])
        if len(self._rows) == PAGE:
            self._flush()

    def _begin(self, finding: Finding) -> None:
        """Make what a run of findings has in common."""
        numbers, inputs = self._numbers, self._inputs
        failing = finding.verdict is Verdict.FAIL
        self._same = (
            self._ranks[finding.severity],
            0 if failing else 1,
            numbers["check"][finding.check],
            numbers["type"][finding.type],
            numbers["region"][finding.region],
            numbers["account"][finding.account],
        )
        self._console = console_marks(inputs.scan.partition, finding.type, finding.region)
        check = inputs.checks.get(finding.check)
        self._fix = check.fix if check and failing and check.fix.cli else None
        self._place = {"region": finding.region, "account": finding.account}
        self._every = None

    def _command(self, known: Known, name: str, id: str) -> str | None:
        """Return the command with marks; ``None`` where it must be filled in whole."""
        fix = self._fix
        if fix is None:
            return ""
        if self._every is not None and is_plain(name) and is_plain(id):
            return self._every
        command = self._filler.marks(fix, {**known.fields, **self._place}, name, id)
        if command is not None and not fix_places(fix):
            self._every = command
        return command

    def _flush(self) -> None:
        if not self._rows:
            return
        for name, values in zip(COLUMNS, zip(*self._rows, strict=True), strict=True):
            self._columns[name].extend(self._repeated(name, values) if name in self._last else list(values))
        self._pages.append(pack(self._evidence))
        self._rows, self._evidence = [], []

    def _repeated(self, name: str, values: tuple[str, ...]) -> list[str | int]:
        """Return VALUES with 0 for each that is the one before it."""
        before = (self._last[name], *values)
        self._last[name] = values[-1]
        return [0 if text == last else text for last, text in zip(before, values, strict=False)]

    def lines(self) -> tuple[dict[str, list[str]], tuple[str, ...]]:
        """Return what the numbers point to, and the block without its legend; nothing can be added any more."""
        self._flush()
        held = {name: list(numbers.shown) for name, numbers in self._numbers.items()}
        held["days"] = list(self._days.shown)
        return held, (*(column.text() for column in self._columns.values()), *self._pages)


def block_text(view: ReportView) -> str:
    """Return the whole block: the legend of VIEW's findings, and the findings.

    ``checks``: id, title, ids of its bullets, number of its section; the rest is in the check's page, in the same file.
    """
    held, lines = view.block
    if not view.findings:
        return ""
    names = {section.id: section.name for section in view.sections}
    checks = [_check(view, id) for id in held["check"]]
    section_of = [names.get(bullets[0].partition(".")[0], "Other") if bullets else "Other" for *_, bullets in checks]
    sections = list(dict.fromkeys(section_of))
    legend = {
        "account": view.account,
        "scan": view.scan,
        "today": (view.finished or view.started)[:10],
        "columns": COLUMNS,
        "texts": _TEXTS,
        "page": PAGE,
        "checks": [(*check, sections.index(name)) for check, name in zip(checks, section_of, strict=True)],
        "severities": list(Severity),
        "verdicts": ["Fail", "Unknown"],
        "sections": sections,
        "types": [type_words(name) for name in held["type"]],
        "services": [service(name) for name in held["type"]],
        "regions": held["region"],
        "accounts": held["account"],
        "owners": held["owner"],
        "environments": held["environment"],
        "bullets": {bullet.id: bullet.name for section in view.sections for bullet in section.bullets},
        "days": held["days"],
        "count": len(view.findings),
    }
    return "\n".join([pack(legend), *lines])


def _check(view: ReportView, id: str) -> tuple[str, str, tuple[str, ...]]:
    check = view.checks.get(id)
    return (check.id, check.title, check.patterns) if check else (id, id, ())


def _clean(text: str) -> str:
    """Return TEXT itself where it is plain and not endless, else what readers may see of it."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return text
    return visible(short(text, LONGEST) if len(text) > LONGEST else text)


def _said(item: Evidence) -> list[Any]:
    """Return an evidence as the page reads it: a sentence, and pairs of field and value."""
    facts: list[Any] = []
    for key, value in item.facts.items():
        if type(value) is str and value and value.isascii() and value.isprintable() and len(value) <= LONGEST:
            facts.append((word(key), value))
        elif type(value) is int:
            facts.append((word(key), str(value)))
        else:
            text = json_text(value)
            facts.append((word(key), text if len(text) <= LONGEST else short(text, LONGEST)))
    return [_clean(item.sentence), facts]


@functools.lru_cache(maxsize=4096)
def _day(moment: Any) -> str:
    return iso(moment)[:10]


@functools.lru_cache(maxsize=4096)
def _turn(at: Any, what: Lifecycle) -> str:
    return TurnView(iso(at), 0, what).words


def _tags(tags: Mapping[str, str]) -> tuple[str, str, str]:
    """Return a resource's tags as one text, whose it is and where it runs."""
    if not tags:
        return "", "", ""
    text = ", ".join([f"{key}={value}" for key, value in tags.items()])
    if len(text) > _SHORT_TAGS or not (text.isascii() and text.isprintable()):
        tags = own_tags(tags)
        text = ", ".join([f"{key}={value}" for key, value in tags.items()])
    of, at = _keys(tuple(tags))
    return text, tags[of] if of else "", tags[at] if at else ""


@functools.lru_cache(maxsize=1024)
def _keys(keys: tuple[str, ...]) -> tuple[str, str]:
    """Return the tags that say whose a resource is and where it runs, of one that has KEYS; empty where none does."""
    named = {key: key for key in keys}
    return owner(named), environment(named)
