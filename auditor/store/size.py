"""How large a store is, how fast it grows, and giving freed room back to the disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import OperationalError

from auditor.model import ScanStatus
from auditor.store.database import Database
from auditor.store.schema import metadata, scans

__all__ = ["Size", "TableSize", "measure", "vacuum"]

WINDOW = timedelta(days=30)
"""Growth is counted over the nights of this time before the newest scan."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table with its indices."""

    rows: int
    bytes: int | None
    """``None``: this SQLite cannot tell."""
    rows_per_night: float | None
    """Rows that the scans of the last 30 days added, by night; ``None``: it does not grow with scans."""

    @property
    def bytes_per_night(self) -> float:
        """What those rows take, at the mean of the table's rows."""
        if self.bytes is None or not self.rows or self.rows_per_night is None:
            return 0.0
        return self.bytes / self.rows * self.rows_per_night


@dataclass(frozen=True, slots=True)
class Size:
    """A store's size in bytes."""

    bytes: int
    free: int
    """Of these, what is free for new rows and would go by ``vacuum``; 0 in PostgreSQL, which does not tell."""
    tables: Mapping[str, TableSize]
    nights: int
    """How many nights growth is counted over; 0: there was no second scan yet."""

    @property
    def bytes_per_night(self) -> float | None:
        """What a night adds; ``None`` while there is nothing to count."""
        return sum(table.bytes_per_night for table in self.tables.values()) if self.nights else None

    @property
    def in_a_year(self) -> int | None:
        """The size in a year, when every night is like the last ones."""
        return None if self.bytes_per_night is None else round(self.bytes + 365 * self.bytes_per_night)


def measure(database: Database) -> Size:
    """Measure a store; reads the whole of an SQLite file."""
    with database.reading() as connection:
        taken = _sqlite_tables(connection) if database.sqlite else _postgresql_tables(connection)
        recent, nights = _recent(connection)
        tables = {}
        for name, table in metadata.tables.items():
            rows = connection.scalar(select(func.count()).select_from(table)) or 0
            begun = table.c.get("scan_id", table.c.get("since_scan"))
            new = None
            if begun is not None and nights:
                new = (connection.scalar(select(func.count()).where(begun.in_(recent))) or 0) / nights
            tables[name] = TableSize(rows, taken.get(name, 0) if taken is not None else None, new)
        total, free = _sqlite_file(connection) if database.sqlite else (_postgresql_total(connection), 0)
    return Size(total, free, tables, nights)


def vacuum(database: Database) -> tuple[int, int]:
    """Rebuild the tables without what was deleted; returns the bytes before and after. Others must wait meanwhile."""
    before = _total(database)
    with database.unmanaged() as connection:
        if database.sqlite:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA optimize")
        else:
            connection.autocommit = True
            for name in metadata.tables:
                connection.execute(f'VACUUM (FULL, ANALYZE) "{name}"')
    return before, _total(database)


def _total(database: Database) -> int:
    with database.reading() as connection:
        return _sqlite_file(connection)[0] if database.sqlite else _postgresql_total(connection)


def _recent(connection: Connection) -> tuple[list[int], int]:
    """The finished scans of the last 30 days, without each account's first, and on how many days they were."""
    newest: datetime | None = connection.scalar(select(func.max(scans.c.started_at)))
    first = select(func.min(scans.c.id)).group_by(scans.c.account)
    if newest is None:
        return [], 0
    finished = scans.c.status.in_([ScanStatus.COMPLETE, ScanStatus.INCOMPLETE])
    rows = connection.execute(
        select(scans.c.id, scans.c.started_at).where(
            finished, scans.c.started_at >= newest - WINDOW, scans.c.id.not_in(first)
        )
    ).all()
    return [row.id for row in rows], len({row.started_at.date() for row in rows})


def _sqlite_tables(connection: Connection) -> Mapping[str, int] | None:
    query = (
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name "
        "WHERE s.aggregate = TRUE GROUP BY m.tbl_name"
    )
    try:
        return {row[0]: int(row[1]) for row in connection.execute(text(query))}
    except OperationalError:  # this SQLite was built without it
        return None


def _sqlite_file(connection: Connection) -> tuple[int, int]:
    page, count, free = (
        connection.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_size", "page_count", "freelist_count")
    )
    return page * count, page * free


def _postgresql_tables(connection: Connection) -> Mapping[str, int]:
    sized = {name: select(func.pg_total_relation_size(f'"{name}"')) for name in metadata.tables}
    return {name: connection.scalar(query) or 0 for name, query in sized.items()}


def _postgresql_total(connection: Connection) -> int:
    return sum(_postgresql_tables(connection).values())
