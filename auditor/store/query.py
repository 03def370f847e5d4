"""Answers a question in SQL from a private copy of the views it names; the store itself never sees the statement.

The copy is a temporary SQLite database of this process, for a store in SQLite and in PostgreSQL alike: one dialect, and
nothing that a statement could do reaches the store. What it could do elsewhere (attach a file, load a library, change a
setting) is refused by SQLite's authorizer, which is asked while a statement is compiled.
"""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from auditor.errors import QueryError
from auditor.store.moments import Moment
from auditor.store.views import VIEWS, Kind, View
from auditor.tomlfile import nearest, shown

__all__ = ["Answer", "ask", "create", "named", "values"]

_TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "TEXT", Kind.INTEGER: "INTEGER", Kind.NUMBER: "REAL", Kind.BOOLEAN: "INTEGER", Kind.MOMENT: "TEXT",
    Kind.JSON: "TEXT",
}  # fmt: skip
_LONGEST = 50_000_000
"""Bytes of one value: a few functions can make any length out of nothing."""
_MOST = 100_000_000
"""Bytes of a whole answer: what does not fit a screen or a sheet belongs into an export."""
_STEPS = 10_000
"""SQLite's instructions between two looks at the clock."""
_COUNT = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}
_TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})
_REFUSED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "sqlite_log"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave."""

    columns: tuple[str, ...]
    """Every name once: a second ``name`` is ``name_2``."""
    rows: Sequence[tuple[Any, ...]]
    """Text, numbers and None; bytes as hexadecimal text."""
    more: bool
    """Whether there were more rows than the limit."""


def ask(moment: Moment, statement: str, *, seconds: float, limit: int) -> Answer:
    """Answer STATEMENT as of MOMENT with at most LIMIT rows, within SECONDS of computing.

    Raises ``QueryError`` for a statement that is wrong, wants something else than reading the views, or takes too long.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=OFF")
        copy.execute("PRAGMA synchronous=OFF")
        copy.execute("BEGIN")
        for view in named(statement):
            create(copy, view, view.rows(moment))
        copy.execute("COMMIT")
        return _answer(copy, statement, seconds, limit)


def named(statement: str) -> list[View]:
    """The views whose names stand somewhere in the statement, with the columns whose names do.

    A name cannot be written otherwise in SQLite; where columns are meant without their names (``*``, NATURAL), all are there.
    """
    words = set(re.findall(r"[a-z0-9_]+", statement.lower()))
    unnamed = "*" in _COUNT.sub("", statement) or "natural" in words
    views = [view for name, view in VIEWS.items() if name in words]
    return views if unnamed else [view.only(words) for view in views]


def create(database: sqlite3.Connection, view: View, rows: Iterable[tuple[Any, ...]]) -> None:
    """Make a table of the view's name and columns, and fill it."""
    columns = ", ".join(f'"{column.name}" {_TYPES[column.kind]}' for column in view.columns)
    database.execute(f'CREATE TABLE "{view.name}" ({columns})')
    marks = ", ".join("?" * len(view.columns))
    database.executemany(f'INSERT INTO "{view.name}" VALUES ({marks})', values(view, rows))  # noqa: S608 - names are ours


def values(view: View, rows: Iterable[tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
    """The rows as SQLite takes them: moments as ISO 8601 text."""
    moments = [number for number, column in enumerate(view.columns) if column.kind is Kind.MOMENT]
    for row in rows:
        made = list(row)
        for number in moments:
            made[number] = _text(row[number])
        yield made


def _text(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z" if moment else None


def _answer(copy: sqlite3.Connection, statement: str, seconds: float, limit: int) -> Answer:
    clock = _Clock(seconds)
    copy.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    copy.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    copy.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)
    for name in _TABLE_FUNCTIONS:  # their first use writes to the list of tables, which the authorizer refuses
        copy.execute(f"SELECT count(*) FROM {name}('[]')")  # noqa: S608 - names are ours
    copy.execute("PRAGMA query_only=ON")
    copy.execute("PRAGMA trusted_schema=OFF")
    copy.set_authorizer(_authorize)
    copy.set_progress_handler(clock, _STEPS)
    try:
        cursor = copy.execute(statement)
        if cursor.description is None:
            raise QueryError("the query gives no rows: write one SELECT over the views (docs/views.md)")
        rows = list(_bounded(tuple(map(_value, row)) for row in islice(cursor, limit + 1)))
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        clock.interrupted()
        raise QueryError(_said(error, clock)) from None
    names = _unique(str(part[0]) for part in cursor.description)
    return Answer(names, rows[:limit], len(rows) > limit)


def _bounded(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows as long as they are no more than the most bytes. Raises ``QueryError``."""
    total = 0
    for row in rows:
        total += sum(len(value.encode()) if isinstance(value, str) else 8 for value in row)
        if total > _MOST:
            raise QueryError(
                f"the answer holds more than {_MOST // 1_000_000} MB: name fewer columns, give --limit, or take `auditor export`"
            )
        yield row


class _Clock:
    """Stops a statement that takes too long, and one that a signal wants to stop."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.late = False
        self._end = time.monotonic() + seconds
        self._signal: BaseException | None = None

    def __call__(self) -> int:
        try:
            self.late = time.monotonic() > self._end
        except BaseException as signal:  # noqa: BLE001 - SQLite would swallow it
            self._signal = signal
            return 1
        return int(self.late)

    def interrupted(self) -> None:
        """Raise what a signal raised in the middle of the statement."""
        if self._signal:
            raise self._signal


def _authorize(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ:
        # No column is named where rows are only counted, those of a WITH among them.
        known = not second or (first or "").lower() in VIEWS.keys() | _TABLE_FUNCTIONS
        return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (second or "").lower() in _REFUSED_FUNCTIONS else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _said(error: Exception, clock: _Clock) -> str:
    words = " ".join(str(error).split())
    if clock.late:
        return f"the query took longer than {clock.seconds:g} seconds and was stopped: narrow it, or give --timeout"
    if words.startswith(("not authorized", "authorization denied", "access to ", "vtable constructor failed")):
        return f"the query wants more than to read the views ({words}): only SELECT is allowed (docs/views.md)"
    if "one statement at a time" in words:
        return "the query holds more than one statement: give one SELECT"
    if found := re.match(r"no such table: (.*)", words):
        hint = nearest(found[1], VIEWS) or f"; there are {', '.join(VIEWS)}"
        return f"there is no view {shown(found[1])}{hint}"
    if found := re.match(r"no such column: (.*)", words):
        known = sorted({column.name for view in VIEWS.values() for column in view.columns})
        return f"there is no column {shown(found[1])}{nearest(found[1].rpartition('.')[2], known)} (docs/views.md)"
    return f"the query is not understood: {words[:300]}"


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    given: list[str] = []
    for name in names:
        made, number = name, 1
        while made in given:
            number += 1
            made = f"{name}_{number}"
        given.append(made)
    return tuple(given)


def _value(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
