"""Rows as a table for people, JSON or CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from auditor.cli.terminal import console, plain

__all__ = ["Listing"]

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"); some do with the wide forms, too."""


_WIDE = 1000
"""Columns of a table that does not go to a terminal."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows under named columns."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    empty: str
    """What a person is told when there is no row."""

    def show(self, form: str) -> None:
        """Print the rows as ``table``, ``json`` (a list of objects) or ``csv``."""
        {"table": self._table, "json": self._json, "csv": self._csv}[form]()

    def _table(self) -> None:
        if not self.rows:
            click.echo(self.empty)
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
        for name in self.columns:
            numeric = all(isinstance(row[self.columns.index(name)], int | float | None) for row in self.rows)
            table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text("" if cell is None else plain(cell, 200)) for cell in row))
        # In a pipe or a file nothing is folded: what reads it wants whole cells.
        console(width=None if sys.stdout.isatty() else _WIDE).print(table)

    def _json(self) -> None:
        rows = [dict(zip(self.columns, map(_encodable, row), strict=True)) for row in self.rows]
        click.echo(json.dumps(rows, indent=2, default=str))

    def _csv(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(value) for value in row] for row in self.rows)
        sys.stdout.write(text.getvalue())


def _encodable(value: Any) -> Any:
    """Return VALUE, without halves of characters (lone surrogates), which are no UTF-8 and which few parsers take."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _cell(value: object) -> object:
    """Return VALUE for a CSV cell: one line, and never a formula."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
