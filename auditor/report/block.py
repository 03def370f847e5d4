"""All findings as compressed columns, which the page's script unpacks into its table: some at once, the rest when it is asked for.

The block is lines of base64, each of zlib-compressed JSON: first the legend, then the columns in the order of ``COLUMNS``, then
``evidence`` in pages of ``PAGE`` findings: for each finding a list of ``[kind, sentence, value, …]``, where KIND is the number of
the values' names in the legend's ``facts``, and 0 for a sentence stands for the finding's own. It is written while the findings
go by, so that only the compressed bytes are kept.
"""

import base64
import functools
import zlib
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import Any, cast

import orjson

from auditor.kit import iso
from auditor.model import FindingState, Lifecycle, Severity, Verdict
from auditor.report.findings import TURNS, FindingViews, command_of, labels
from auditor.report.fix import Filler, place_of, with_facts
from auditor.report.inputs import ReportInputs
from auditor.report.links import console_marks
from auditor.report.runs import Run
from auditor.report.text import LONGEST, clean, clean_all, json_text, service, short, type_words, visible, word
from auditor.report.view import ReportView, TurnView

__all__ = ["COLUMNS", "PAGE", "Block", "block_text", "pack"]

PAGE = 4096
_NUMBERS = ("severity", "verdict", "check", "type", "region", "account", "since", "fresh", "owner", "environment")
_TEXTS = ("name", "resource", "sentence", "tags", "command", "console", "reason", "history")
COLUMNS = (*_NUMBERS, *_TEXTS)
"""Numbers point into the legend's lists (``severity`` is a rank). Of texts, 0 stands for that of the finding before; in all but
``name`` and ``sentence`` U+0001 stands for the finding's name, U+0002 for its ARN, and in ``console`` U+0003 and U+0004 as
``console_marks`` says; there they are percent-encoded. A value in the evidence may be one of the first two. No text of a view
holds such characters."""
_LEVEL = 6
_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)
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


class _Days(dict[datetime, int]):
    """Moments, numbered by their days."""

    def __init__(self) -> None:
        self.numbers = _Numbers()

    def __missing__(self, moment: datetime) -> int:
        number = self[moment] = self.numbers[iso(moment)[:10]]
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
        self._days = _Days()
        self._facts: dict[tuple[str, ...], int] = {}
        self._evidence: list[list[Any]] = []

    def add(self, run: Run) -> None:
        """Write down findings that are alike."""
        inputs, numbers, count = self._inputs, self._numbers, len(run.states)
        failing = run.verdict is Verdict.FAIL
        for name, number in (
            ("severity", run.severity.rank),
            ("verdict", 0 if failing else 1),
            ("check", numbers["check"][run.check]),
            ("type", numbers["type"][run.type]),
            ("region", numbers["region"][run.region]),
            ("account", numbers["account"][run.account]),
        ):
            self._columns[name].extend([number] * count)
        self._columns["since"].extend([self._days[state.since] for state in run.states])
        new = [0] * count if self._first else [1 if state.lifecycle in _NEW else 0 for state in run.states]
        self._columns["fresh"].extend(new)
        names, arns = run.shown, run.arns
        if names is run.names and arns is run.ids and max(map(len, names)) + max(map(len, arns)) < _NAMED:
            plain = None
        else:
            ways = zip(names, run.names, arns, run.ids, strict=True)
            plain = [name == raw and arn == id and len(name) + len(id) < _NAMED for name, raw, arn, id in ways]
        tags, owners, environments = labels([known.tags for known in run.known])
        self._columns["owner"].extend([numbers["owner"][of] for of in owners])
        self._columns["environment"].extend([numbers["environment"][at] for at in environments])
        self._texts("name", names)
        self._texts("resource", _marked(arns, names, plain))
        sentences = clean_all(run.sentences)
        self._texts("sentence", sentences)
        self._texts("tags", _marked(tags, names, plain))
        self._texts("command", self._commands(run, plain))
        console = console_marks(inputs.scan.partition, run.type, run.region)
        self._made("console", run, [console if way else None for way in plain or repeat(True, count)])
        self._texts("reason", clean_all([state.finding.reason for state in run.states]))
        self._texts("history", self._histories(run.states))
        self._evidence += _said(run, self._facts)
        while len(self._evidence) >= PAGE:
            self._pages.append(pack(self._evidence[:PAGE]))
            del self._evidence[:PAGE]

    def _texts(self, name: str, values: list[str]) -> None:
        """Add VALUES to a column, with 0 for each that is the one before it."""
        before = [self._last[name], *values]
        self._last[name] = values[-1]
        self._columns[name].extend([0 if text == last else text for last, text in zip(before, values, strict=False)])

    def _made(self, name: str, run: Run, values: list[str | None]) -> None:
        """Add VALUES; for ``None`` what the finding's view says."""
        if None in values:
            made = zip(values, run.states, strict=True)
            values = [getattr(self._views(state), name) if text is None else text for text, state in made]
        self._texts(name, cast("list[str]", values))

    def _commands(self, run: Run, plain: list[bool] | None) -> list[str]:
        """Return the filled-in fixes, with marks where nothing in the way of a shell stands in a name or an ARN."""
        check = self._inputs.checks.get(run.check)
        if not (check and run.verdict is Verdict.FAIL and check.fix.cli):
            return [""] * len(run.states)
        place = place_of(run.region, run.account, run.type)
        told = zip(run.known, run.states, strict=True)
        own = [with_facts(check.fix, known.fields, state.finding.evidence) for known, state in told]
        made = self._filler.marks(check.fix, place, own, run.names, run.ids)
        if plain is not None:
            made = [text if may else None for text, may in zip(made, plain, strict=True)]
        for at, text in enumerate(made):
            if text is None:
                fields = {**run.known[at].fields, **place, "name": run.names[at], "id": run.ids[at]}
                made[at] = command_of(check, fields, run.states[at].finding.evidence)
        return cast("list[str]", made)

    def _histories(self, states: list[FindingState]) -> list[str]:
        get = self._inputs.histories.get
        told = [get(state.finding.key, ()) for state in states] if self._inputs.histories else [()] * len(states)
        return [", ".join([_turn(turn.at, turn.what) for turn in turns[-TURNS:]]) if turns else "" for turns in told]

    def lines(self) -> tuple[dict[str, Sequence[Any]], tuple[str, ...]]:
        """Return what the numbers point to, and the block without its legend; nothing can be added any more."""
        if self._evidence:
            self._pages.append(pack(self._evidence))
            self._evidence = []
        held: dict[str, Sequence[Any]] = {name: list(numbers.shown) for name, numbers in self._numbers.items()}
        held["days"] = list(self._days.numbers.shown)
        held["facts"] = [tuple(map(word, names)) for names in self._facts]
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
        "facts": held["facts"],
        "count": len(view.findings),
    }
    return "\n".join([pack(legend), *lines])


def _check(view: ReportView, id: str) -> tuple[str, str, tuple[str, ...]]:
    check = view.checks.get(id)
    return (check.id, check.title, check.patterns) if check else (id, id, ())


def _marked(texts: list[str], names: list[str], plain: list[bool] | None) -> list[str]:
    """Return TEXTS with U+0001 for the finding's name; PLAIN: where that may be, ``None`` for everywhere."""
    if plain is None:
        return [text.replace(name, "\x01") for text, name in zip(texts, names, strict=True)]
    every = zip(texts, names, plain, strict=True)
    return [text.replace(name, "\x01") if may else text for text, name, may in every]


def _said(run: Run, kinds: dict[tuple[str, ...], int]) -> list[list[tuple[Any, ...]]]:
    """Return for each finding its evidence as the page reads it; KINDS: names of facts -> their number, which may come to be."""
    every = [state.finding.evidence for state in run.states]
    made: list[list[tuple[Any, ...]]] = [[] for _ in every]
    places: dict[tuple[str, ...], list[int]] = {}
    for place, evidence in enumerate(every):
        if evidence:
            places.setdefault(tuple(evidence[0].facts), []).append(place)
    for names, some in places.items():
        number, alike = kinds.setdefault(names, len(kinds)), every
        shown, arns = run.shown, run.arns
        if len(some) < len(every):
            alike = [every[place] for place in some]
            shown, arns = [shown[place] for place in some], [arns[place] for place in some]
        rows = zip(*[evidence[0].facts.values() for evidence in alike], strict=True)
        columns = [_own(_values(list(column)), shown, arns) for column in rows]
        for place, row in zip(some, zip([number] * len(some), [0] * len(some), *columns, strict=True), strict=True):
            made[place].append(row)
    for said, evidence in zip(made, every, strict=True):
        for item in evidence[1:]:
            number = kinds.setdefault(tuple(item.facts), len(kinds))
            said.append((number, clean(item.sentence), *_values(list(item.facts.values()))))
    return made


def _own(values: list[str], names: list[str], arns: list[str]) -> list[str]:
    """Return VALUES with a mark for each that is its finding's name or ARN."""
    every = zip(values, names, arns, strict=True)
    return ["\x01" if text == name else "\x02" if text == arn else text for text, name, arn in every]


def _values(values: list[Any]) -> list[str]:
    """Return values of one fact as texts: ``json_text`` of each, not endless; those of a kind are made together."""
    kinds = set(map(type, values))
    if kinds == {str} and all(values):
        joined = "".join(values)
        if joined.isascii() and joined.isprintable() and max(map(len, values)) <= LONGEST:
            return values
    elif kinds == {int}:
        return list(map(str, values))
    elif kinds == {list} and all(values):
        within = list(chain.from_iterable(values))
        if set(map(type, within)) == {str} and _values(within) is within:
            values = [", ".join(some) for some in values]
            return [short(text, LONGEST) for text in values]
    return [short(json_text(value), LONGEST) for value in values]


@functools.lru_cache(maxsize=4096)
def _turn(at: Any, what: Lifecycle) -> str:
    return TurnView(iso(at), 0, what).words
