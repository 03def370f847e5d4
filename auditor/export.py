"""Exports the views of past nights as files for a data lake: Parquet or JSON lines, partitioned by date and account.

One file for each view, account and day, as of the end of the day's newest finished scan:
``FOLDER/resources/date=2026-11-28/account=123456789012/scan-12.parquet``. A file is there whole or not at all.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from auditor.errors import ExportError, UsageError
from auditor.model import Scan, ScanStatus
from auditor.store import Store
from auditor.store.views import VIEWS, Kind, View

__all__ = ["DEFAULT", "EXPORTED", "FORMATS", "Written", "export"]

EXPORTED = ("resources", "findings", "scores", "coverage", "savings", "waivers", "attestations")
"""The views that tell one moment; the others tell the past as a whole and would repeat it in each file."""
DEFAULT = ("resources", "findings", "scores")
FORMATS = ("parquet", "jsonl")
_A_DAY_SECONDS = 86_400
_BATCH = 5000
"""Rows in memory at a time, and in a row group."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file."""

    path: Path
    rows: int


def export(
    store: Store,
    folder: Path,
    *,
    form: str,
    views: Sequence[str] = DEFAULT,
    first: date | None = None,
    last: date | None = None,
    account: str | None = None,
) -> Iterator[Written]:
    """Write the VIEWS of each day from FIRST to LAST (UTC, inclusive; ``None``: all) as FORM, and yield each file.

    A file that is there already is written again: it tells the same, unless the scan was judged again since. Raises
    ``ExportError``, and ``UsageError`` when the library for Parquet is missing.
    """
    write = {"parquet": _parquet, "jsonl": _lines}[form]
    if form == "parquet":
        _library()
    for scan in _newest_of_days(store, account):
        day = scan.started_at.date()
        if (first and day < first) or (last and day > last):
            continue
        for name in views:
            place = folder / name / f"date={day}" / f"account={scan.account}"
            yield _file(store, scan, VIEWS[name], place / f"scan-{scan.id}.{form}", write)


def _newest_of_days(store: Store, account: str | None) -> list[Scan]:
    """The newest finished scan of each day and account, oldest first."""
    found: dict[tuple[str, date], Scan] = {}
    for scan in reversed(store.scans(account)):
        if scan.status in (ScanStatus.COMPLETE, ScanStatus.INCOMPLETE):
            found[scan.account, scan.started_at.date()] = scan
    return sorted(found.values(), key=lambda scan: scan.id)


def _file(store: Store, scan: Scan, view: View, path: Path, write: Any) -> Written:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.view_rows(view.name, at=scan.id, account=scan.account) as rows:
            try:
                count = write(partial, view, rows)
            except OSError as error:  # the files' fault, and none of the store's
                raise _unwritable(path, error) from error
        partial.replace(path)
        # A scan later on the same day tells the day anew.
        for older in path.parent.glob(f"scan-*{path.suffix}"):
            if older != path:
                older.unlink()
        # What an export left that was killed; one that still writes has touched its own within a day.
        for left in path.parent.glob(".scan-*.part"):
            if left.stat().st_mtime < time.time() - _A_DAY_SECONDS:
                left.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return Written(path, count)


def _unwritable(path: Path, error: OSError) -> ExportError:
    return ExportError(f"{path} cannot be written: {error.strerror or error}")


def _lines(path: Path, view: View, rows: Iterator[tuple[Any, ...]]) -> int:
    """Write JSON lines; the views' JSON stands in them as it is, not as text in text."""
    names = [column.name for column in view.columns]
    json = [number for number, column in enumerate(view.columns) if column.kind is Kind.JSON]
    count = 0
    with path.open("wb") as file:
        for row in rows:
            count += 1
            values = list(row)
            for number in json:
                values[number] = None if row[number] is None else orjson.Fragment(row[number])
            line = dict(zip(names, values, strict=True))
            file.write(orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE))
    return count


def _parquet(path: Path, view: View, rows: Iterator[tuple[Any, ...]]) -> int:
    """Write Parquet, a row group for each few thousand rows."""
    arrow, parquet = _library()
    types = {
        Kind.TEXT: arrow.string(), Kind.INTEGER: arrow.int64(), Kind.NUMBER: arrow.float64(), Kind.BOOLEAN: arrow.bool_(),
        Kind.MOMENT: arrow.timestamp("us", tz="UTC"), Kind.JSON: arrow.string(),
    }  # fmt: skip
    fields = [arrow.field(c.name, types[c.kind], metadata={"description": c.doc}) for c in view.columns]
    schema = arrow.schema(fields, metadata={"view": view.name, "description": view.doc})
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _BATCH)):
            columns = [
                arrow.array(values, field.type) for values, field in zip(zip(*batch, strict=True), fields, strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
            count += len(batch)
    return count


def _library() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UsageError(
            "Parquet needs pyarrow: pip install 'aws-account-auditor[parquet]', or export with --format jsonl"
        ) from None
    return pyarrow, parquet
