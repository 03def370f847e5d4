"""All findings as compressed columns, which the page's script unpacks into its table: some at once, the rest when it is asked for.

The block is lines of base64, each of zlib-compressed JSON: first the legend, then the columns in the order of ``COLUMNS``, then
``evidence`` in pages. The legend's ``runs`` says how many findings each run of them has, ``pages`` at which run each page begins.
A column is a list of a piece for each run (see ``columns``). ``tags`` and the evidence have a list for each run instead: of the
tags, or of the facts, with the same names, ``[kind, where, piece, …]`` and ``[kind, where, sentences, piece, …]``. KIND is the
number of the names in the legend's ``kinds``; WHERE lists the places of the findings in the run, 0 for all; the sentences are
a piece, too, and 0 stands for each finding's own. The block is written while the findings go by, so that only the compressed
bytes are kept.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any

from auditor.kit import iso
from auditor.model import Document, Lifecycle, Severity, Verdict
from auditor.report.columns import NAME, Piece, alike, fact_piece, picked, piece, text_piece
from auditor.report.findings import TURNS, FindingViews, command_of
from auditor.report.fix import Filler, place_of, with_facts_of_each
from auditor.report.inputs import ReportInputs
from auditor.report.links import console_marks
from auditor.report.packed import PackedList, pack
from auditor.report.runs import Run
from auditor.report.text import clean_all, service, type_words, visible, word
from auditor.report.view import ReportView, TurnView

__all__ = ["COLUMNS", "Block", "block_text"]

_PAGE = 4096
"""Findings after which a page of evidence ends."""
COLUMNS = (
    "severity", "verdict", "check", "type", "region", "account", "since", "fresh", "owner", "environment",
    "name", "resource", "sentence", "tags", "command", "console", "reason", "history",
)  # fmt: skip
"""Up to ``environment`` numbers that point into the legend's lists (``severity`` is a rank). In all others but ``name`` and
``sentence`` U+0001 stands for the finding's name, U+0002 for its ARN, and in ``console`` U+0003 and U+0004 as ``console_marks``
says; there they are percent-encoded. No text of a view holds such characters."""
_NAMED = 1024
"""Characters of a name and an ARN that marks may stand for."""


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


class _Turns(dict[tuple[datetime, int], str]):
    """Moments and ids of lifecycles (hashing those themselves is dear) -> the turn in a few words."""

    def __missing__(self, turn: tuple[datetime, int]) -> str:
        at, which = turn
        text = self[turn] = TurnView(iso(at), 0, _LIFECYCLES[which]).words
        return text


_LIFECYCLES = {id(lifecycle): lifecycle for lifecycle in Lifecycle}


class Block:
    """Takes the findings of a report in their order, and writes them down as the page's script reads them."""

    def __init__(self, inputs: ReportInputs, views: FindingViews) -> None:
        self._inputs, self._views = inputs, views
        self._filler = Filler()
        self._columns = {name: PackedList() for name in COLUMNS}
        self._numbers = {name: _Numbers() for name in ("check", "type", "region", "account")}
        self._owners: dict[str, int] = {}
        self._environments: dict[str, int] = {}
        self._days, self._turns = _Days(), _Turns()
        self._kinds: dict[tuple[str, ...], int] = {}
        self._runs: list[int] = []
        self._pages: list[str] = []
        self._begins: list[int] = []
        self._evidence: list[list[list[Any]]] = []
        self._waiting = 0
        """Findings whose evidence is in no page yet."""

    def add(self, run: Run) -> None:
        """Write down findings that are alike."""
        inputs, numbers, count = self._inputs, self._numbers, len(run.states)
        plain = _plain(run)
        made = {
            "severity": run.severity.rank,
            "verdict": 0 if run.verdict is Verdict.FAIL else 1,
            "check": numbers["check"][run.check],
            "type": numbers["type"][run.type],
            "region": numbers["region"][run.region],
            "account": numbers["account"][run.account],
            "since": piece([self._days[since] for since in run.own.since]),
            "fresh": 0 if inputs.previous is None else piece(run.new),
            "owner": _numbered(run.tags.owners, self._owners),
            "environment": _numbered(run.tags.environments, self._environments),
            "name": piece(run.shown),
            "resource": _resources(run, plain),
            "sentence": piece(clean_all(run.sentences)),
            "tags": [
                [self._kind(keys), where or 0, *[text_piece(values, *_own(run, where)) for values in columns]]
                for keys, where, columns in run.tags.alike
                if keys
            ],
            "command": self._commands(run, plain),
            "console": self._consoles(run, plain),
            "reason": piece(clean_all(list(run.own.reasons))),
            "history": self._histories(run),
        }
        for name, value in made.items():
            self._columns[name].add(value)
        if not self._waiting:
            self._begins.append(len(self._runs))
        self._runs.append(count)
        self._evidence.append(list(self._said(run)))
        self._waiting += count
        if self._waiting >= _PAGE:
            self._end_page()

    def _end_page(self) -> None:
        column = PackedList()
        for said in self._evidence:
            column.add(said)
        self._pages.append(column.text())
        self._evidence, self._waiting = [], 0

    def _kind(self, names: tuple[str, ...]) -> int:
        return self._kinds.setdefault(names, len(self._kinds))

    def _said(self, run: Run) -> Iterator[list[Any]]:
        """Yield the evidence of all findings: the first of each, the second, …; in each of these, those of the same facts."""
        if run.first:
            yield from self._facts(run, None, list(run.first.facts), None)
            number, places = 1, run.more
        else:
            number, places = 0, [place for place, said in enumerate(run.own.evidence) if said]
        while places:
            every = [run.own.evidence[place][number] for place in places]
            yield from self._facts(
                run, places, [of.facts for of in every], [of.sentence for of in every] if number else None
            )
            number += 1
            places = [place for place in places if len(run.own.evidence[place]) > number]

    def _facts(
        self, run: Run, places: list[int] | None, facts: list[Document], sentences: list[str] | None
    ) -> Iterator[list[Any]]:
        """Yield FACTS of the findings at PLACES, those of the same names together; no SENTENCES: each is its finding's own."""
        for names, some, columns in alike(facts):
            where = picked(places, some) if places else some
            own = _own(run, where)
            said = piece(clean_all(picked(sentences, some))) if sentences else 0
            yield [self._kind(names), where or 0, said, *[fact_piece(values, *own) for values in columns]]

    def _commands(self, run: Run, plain: list[bool] | None) -> Piece:
        """Return the filled-in fixes, with marks where nothing in the way of a shell stands in a name or an ARN."""
        check = self._inputs.checks.get(run.check)
        if not (check and run.verdict is Verdict.FAIL and check.fix.cli):
            return ""
        place = place_of(run.region, run.account, run.type)
        fields = with_facts_of_each(check.fix, [known.fields for known in run.known], run.own.evidence)
        made = self._filler.marks(check.fix, place, fields, run.names, run.ids, run.frame)
        if plain is not None:
            made = [text if may else None for text, may in zip(made, plain, strict=True)]
        for at in [at for at, text in enumerate(made) if text is None] if None in made else ():
            own = {**run.known[at].fields, **place, "name": run.names[at], "id": run.ids[at]}
            made[at] = command_of(check, own, run.own.evidence[at])
        return piece(made)

    def _consoles(self, run: Run, plain: list[bool] | None) -> Piece:
        marks = console_marks(self._inputs.scan.partition, run.type, run.region)
        if plain is None:
            return marks
        return piece(
            [marks if way else self._views(state).console for way, state in zip(plain, run.states, strict=True)]
        )

    def _histories(self, run: Run) -> Piece:
        if not self._inputs.histories:
            return ""
        get = self._inputs.histories.get
        told = [get(key) for key in run.own.keys]
        if not any(told):
            return ""
        words = self._turns
        return piece(
            [", ".join([words[turn.at, id(turn.what)] for turn in turns[-TURNS:]]) if turns else "" for turns in told]
        )

    def lines(self) -> tuple[dict[str, Sequence[Any]], tuple[str, ...]]:
        """Return what the numbers point to, and the block without its legend; nothing can be added any more."""
        if self._waiting:
            self._end_page()
        held: dict[str, Sequence[Any]] = {name: list(numbers.shown) for name, numbers in self._numbers.items()}
        held["owner"], held["environment"] = list(self._owners), list(self._environments)
        held["days"] = list(self._days.numbers.shown)
        held["kinds"] = [tuple(map(word, names)) for names in self._kinds]
        held["runs"], held["pages"] = self._runs, self._begins
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
        "runs": held["runs"],
        "pages": held["pages"],
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
        "kinds": held["kinds"],
        "count": len(view.findings),
    }
    return "\n".join([pack(legend), *lines])


def _check(view: ReportView, id: str) -> tuple[str, str, tuple[str, ...]]:
    check = view.checks.get(id)
    return (check.id, check.title, check.patterns) if check else (id, id, ())


def _numbered(texts: list[str], numbers: dict[str, int]) -> Piece:
    """Return the number of each of TEXTS as a piece; NUMBERS are those so far, and may become more."""
    return piece([numbers.setdefault(text, len(numbers)) for text in texts])


def _plain(run: Run) -> list[bool] | None:
    """Return for which findings marks may stand for a name and an ARN within other texts; ``None``: for all."""
    if run.frame or (run.shown is run.names and run.arns is run.ids and _longest(run.shown, run.arns) < _NAMED):
        return None
    every = zip(run.shown, run.names, run.arns, run.ids, strict=True)
    return [name == raw and arn == id and len(name) + len(id) < _NAMED for name, raw, arn, id in every]


def _longest(names: list[str], arns: list[str]) -> int:
    return max(map(len, names)) + max(map(len, arns))


def _resources(run: Run, plain: list[bool] | None) -> Piece:
    """Return the ARNs, with the mark for the finding's name in them."""
    if run.frame:
        return NAME.join(run.frame)
    every = zip(run.arns, run.shown, plain or repeat(True), strict=False)
    return piece([arn.replace(name, NAME) if may else arn for arn, name, may in every])


def _own(run: Run, where: list[int] | None) -> tuple[list[str], list[str]]:
    """Return names and ARNs of the findings at the places WHERE; ``None``: of all."""
    return picked(run.shown, where), picked(run.arns, where)
