"""Rows as a table for people, JSON or CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from auditor.cli.terminal import console, plain, print_rows

__all__ = ["Listing"]

_WIDE = 1000
"""Columns of a table that does not go to a terminal."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows under named columns."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    empty: str
    """What a person is told when there is no row."""
    long: str = ""
    """The column that gets a line of its own where the table is wider than the terminal."""

    def show(self, form: str) -> None:
        """Print the rows as ``table``, ``json`` (a list of objects) or ``csv``."""
        {"table": self._table, "json": self._json, "csv": self._csv}[form]()

    def _table(self) -> None:
        if not self.rows:
            click.echo(self.empty)
            return
        from rich.measure import Measurement
        from rich.table import Table
        from rich.text import Text

        held = [
            number for number in range(len(self.columns)) if any(row[number] not in (None, "") for row in self.rows)
        ]
        table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
        for number in held:
            numeric = all(isinstance(row[number], int | float | None) for row in self.rows)
            name = self.columns[number].replace("_", " ")
            table.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(_shown(row[number])) for number in held))
        # In a pipe or a file nothing is folded: what reads it wants whole cells.
        out = console(width=None if sys.stdout.isatty() else _WIDE)
        if self.long and Measurement.get(out, out.options, table).maximum >= out.width:
            self._cards(out, held)
        else:
            out.print(table)

    def _cards(self, out: Any, held: Sequence[int]) -> None:
        """Print each row as a line, and its long cell below it."""
        long = self.columns.index(self.long)
        for row in self.rows:
            head = "  ".join(text for number in held if number != long and (text := _shown(row[number])))
            print_rows(out, [[(head, "bold")]])
            print_rows(out, [[(" ", ""), (_shown(row[long]), "")]])

    def _json(self) -> None:
        rows = [dict(zip(self.columns, map(_encodable, row), strict=True)) for row in self.rows]
        click.echo(json.dumps(rows, indent=2, default=str))

    def _csv(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(value) for value in row] for row in self.rows)
        sys.stdout.write(text.getvalue())


def _shown(cell: object) -> str:
    return "" if cell is None else plain(cell, 200)


def _encodable(value: Any) -> Any:
    """Return VALUE, without halves of characters (lone surrogates), which are no UTF-8 and which few parsers take."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _cell(value: object) -> object:
    """Return VALUE for a CSV cell: one line, and never a formula."""
    from auditor.report.cells import cell

    return cell(plain(value) if isinstance(value, str) else value)
