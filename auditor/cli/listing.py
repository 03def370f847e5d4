"""Rows as a table for people, JSON or CSV for programs."""

import csv
import io
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from auditor.cli.terminal import console, plain, print_rows

__all__ = ["Listing"]

_WIDE = 1000
"""Columns of a table that does not go to a terminal."""
_BETWEEN = "  "
"""Two columns of a table."""


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
        from rich.cells import cell_len
        from rich.text import Text

        held = [
            number for number in range(len(self.columns)) if any(row[number] not in (None, "") for row in self.rows)
        ]
        names = [self.columns[number].replace("_", " ") for number in held]
        right = [all(isinstance(row[number], int | float | None) for row in self.rows) for number in held]
        cells = [[_shown(row[number]) for number in held] for row in self.rows]
        widths = [max(map(cell_len, column)) for column in zip(names, *cells, strict=True)]
        # In a pipe or a file nothing is folded: what reads it wants whole cells.
        out = console(width=None if sys.stdout.isatty() else _WIDE)
        if sum(widths) + len(_BETWEEN) * (len(held) - 1) < out.width:
            # Not by rich's tables, which measure and lay out each cell several times: 24 s for 33,000 rows of nine.
            out.print(Text(_line(names, widths, right), style="bold"), soft_wrap=True)
            click.echo("\n".join([_line(row, widths, right) for row in cells]))
        elif self.long:
            self._cards(out, held)
        else:
            self._folded(out, names, right, cells)

    def _folded(self, out: Any, names: Sequence[str], right: Sequence[bool], cells: Sequence[Sequence[str]]) -> None:
        """Print a table that is wider than the terminal: long cells go on in the next line."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
        for name, numeric in zip(names, right, strict=True):
            table.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in cells:
            table.add_row(*map(Text, row))
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
        click.echo(json.dumps(rows, indent=2, default=str, allow_nan=False))

    def _csv(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(value) for value in row] for row in self.rows)
        sys.stdout.write(text.getvalue())


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """One line of a table whose columns are so wide; RIGHT says which stand right."""
    from rich.cells import cell_len

    padded = []
    for cell, width, numeric in zip(cells, widths, right, strict=True):
        space = " " * (width - cell_len(cell))
        padded.append(space + cell if numeric else cell + space)
    return _BETWEEN.join(padded).rstrip()


def _shown(cell: object) -> str:
    return "" if cell is None else plain(cell, 200)


def _encodable(value: Any) -> Any:
    """Return VALUE as JSON has it: no halves of characters (lone surrogates), which are no UTF-8, and null for infinite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _cell(value: object) -> object:
    """Return VALUE for a CSV cell: one line, and never a formula."""
    from auditor.report.cells import cell

    return cell(plain(value) if isinstance(value, str) else value)
