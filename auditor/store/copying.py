"""Copies a whole store into an empty one, from either kind of database to either: every row of every table, or nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text, update
from sqlalchemy import table as named_table
from sqlalchemy.sql import column as named_column

from auditor.errors import StoreError
from auditor.store.database import Database
from auditor.store.schema import metadata
from auditor.store.upgrade import must_be_current, prepare

__all__ = ["copy"]

_BATCH = 2000
_SEQUENCES = named_table("sqlite_sequence", named_column("name"), named_column("seq"))


def copy(source: str, target: str) -> Mapping[str, int]:
    """Copy the store at SOURCE as it is now into TARGET; returns the rows of each table.

    One reading and one writing transaction: whatever interrupts it leaves the target empty. Only a few thousand rows are
    held at a time. Raises ``StoreError`` when there is no source, or an older one, when the target holds anything, and when
    a row got lost.
    """
    old = Database(source, create=False)
    try:
        must_be_current(old)
        new = Database(target)
        try:
            prepare(new, migrate=True)
            return _copy(old, new)
        finally:
            new.dispose()
    finally:
        old.dispose()


def _copy(source: Database, target: Database) -> Mapping[str, int]:
    copied: dict[str, int] = {}
    with source.reading() as reading, target.writing("copy") as writing:
        if not target.sqlite:
            # Nobody begins a scan there meanwhile: every scan begins with a row of this table.
            writing.execute(text("LOCK TABLE scans IN EXCLUSIVE MODE"))
        _must_be_empty(target, writing)
        for table in metadata.sorted_tables:
            for rows in _batches(reading, table, _processors(table, target)):
                target.bulk_insert(writing, table, rows)
            arrived, expected = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for connection in (writing, reading)
            )
            if arrived != expected:
                raise StoreError(f"{table.name}: {arrived} of {expected} rows arrived; nothing was copied")
            copied[table.name] = arrived
            _continue_numbers(source, reading, target, writing, table)
    return copied


def _must_be_empty(target: Database, connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(select(1).select_from(table).limit(1)).first():
            raise StoreError(
                f"the store {target.url} is not empty ({table.name} has rows): copy into a new file or an empty database"
            )


def _processors(table: Table, target: Database) -> Sequence[Callable[[Any], Any] | None]:
    """How each column's value becomes what the target's driver takes."""
    dialect = target.engine.dialect
    return [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]


def _batches(
    reading: Connection, table: Table, processors: Sequence[Callable[[Any], Any] | None]
) -> Iterator[list[tuple[Any, ...]]]:
    with reading.execute(select(table), execution_options={"yield_per": _BATCH}) as rows:
        for part in rows.partitions():
            yield [
                tuple(value if make is None else make(value) for make, value in zip(processors, row, strict=True))
                for row in part
            ]


def _continue_numbers(
    source: Database, reading: Connection, target: Database, writing: Connection, table: Table
) -> None:
    """Let the target number new rows from where the source would have gone on: no number is given twice."""
    if table.autoincrement_column is None:
        return
    last = writing.scalar(select(func.max(table.autoincrement_column))) or 0
    last = max(last, _last_number(source, reading, table))
    if not last:
        return
    if not target.sqlite:
        writing.execute(text("SELECT setval(pg_get_serial_sequence(:name, :id), :last)"),
                        {"name": table.name, "id": table.autoincrement_column.name, "last": last})  # fmt: skip
    elif table.dialect_options["sqlite"]["autoincrement"]:
        ours = _SEQUENCES.c.name == table.name
        if not writing.execute(update(_SEQUENCES).where(ours).values(seq=last)).rowcount:
            writing.execute(insert(_SEQUENCES).values(name=table.name, seq=last))


def _last_number(source: Database, reading: Connection, table: Table) -> int:
    if source.sqlite:
        if not table.dialect_options["sqlite"]["autoincrement"]:
            return 0
        return reading.scalar(select(_SEQUENCES.c.seq).where(_SEQUENCES.c.name == table.name)) or 0
    column = table.autoincrement_column
    assert column is not None  # noqa: S101 - the caller looked
    sequence = reading.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    row = reading.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - PostgreSQL's own name
    return int(row.last_value) if row.is_called else 0
