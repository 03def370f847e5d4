"""Publishes the views as plain tables that any program reads without the auditor: BI tools, notebooks, SQL clients.

PostgreSQL: the schema ``auditor_views`` of the store's own database, JSON as ``jsonb``. SQLite: a file of its own. Both
are replaced in one step, so whoever reads sees the views of one moment. Who may read the tables in PostgreSQL is the
database's business; what was granted stays while a view's columns do.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from auditor.errors import StoreError
from auditor.store.database import Database
from auditor.store.moments import Moment
from auditor.store.query import create
from auditor.store.views import VIEWS, Kind, View

__all__ = ["SCHEMA", "views"]

SCHEMA = "auditor_views"
_TYPES = {
    Kind.TEXT: "text", Kind.INTEGER: "bigint", Kind.NUMBER: "double precision", Kind.BOOLEAN: "boolean",
    Kind.MOMENT: "timestamptz", Kind.JSON: "jsonb",
}  # fmt: skip


def views(database: Database, file: Path | None) -> str:
    """Write the views as they are now into FILE, or where the kind of database suggests; returns where."""
    if file is None and not database.sqlite:
        _to_postgresql(database)
        return f"{database.url}, schema {SCHEMA}"
    store = database.file
    if file is None:
        if store is None:
            raise StoreError(f"the store {database.url} has no folder for the views: name a file with --to")
        file = store.with_name(f"{store.stem}-views{store.suffix}")
    elif store is not None and file.resolve() == store.resolve():
        raise StoreError(f"{file} is the store itself: give the views a file of their own")
    _to_sqlite(database, file)
    return str(file)


def _to_sqlite(database: Database, file: Path) -> None:
    """Write the views as they are now into FILE, in place of what it was. Raises ``StoreError``."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with database.reading() as connection, closing(sqlite3.connect(partial, isolation_level=None)) as made:
            moment = Moment(connection)
            made.execute("PRAGMA journal_mode=OFF")
            made.execute("BEGIN")
            for view in VIEWS.values():
                create(made, view, view.rows(moment))
            made.execute("COMMIT")
        partial.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the views cannot be written to {file}: {error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _to_postgresql(database: Database) -> None:
    """Write the views as they are now into the schema ``auditor_views`` of the store's database."""
    with database.writing("views") as writing, database.reading() as reading:
        writing.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        moment = Moment(reading)
        for view in VIEWS.values():
            _table(writing, view)
            _fill(writing, view, moment)


def _table(connection: Connection, view: View) -> None:
    """Make the view's table, or empty it when it is there with the same columns."""
    wanted = [(column.name, _TYPES[column.kind]) for column in view.columns]
    query = text(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = to_regclass(:name)"
        " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )
    long = {"timestamptz": "timestamp with time zone"}
    found = [tuple(row) for row in connection.execute(query, {"name": f"{SCHEMA}.{view.name}"})]
    if found == [(name, long.get(kind, kind)) for name, kind in wanted]:
        connection.execute(text(f"TRUNCATE {SCHEMA}.{view.name}"))
        return
    connection.execute(text(f"DROP TABLE IF EXISTS {SCHEMA}.{view.name}"))
    columns = ", ".join(f'"{name}" {kind}' for name, kind in wanted)
    connection.execute(text(f"CREATE TABLE {SCHEMA}.{view.name} ({columns})"))
    _comment(connection, f"TABLE {SCHEMA}.{view.name}", view.doc)
    for column in view.columns:
        _comment(connection, f'COLUMN {SCHEMA}.{view.name}."{column.name}"', column.doc)


def _comment(connection: Connection, what: str, doc: str) -> None:
    literal = doc.replace("'", "''")
    connection.exec_driver_sql(f"COMMENT ON {what} IS '{literal}'")


def _fill(connection: Connection, view: View, moment: Moment) -> None:
    driver: Any = connection.connection.driver_connection
    columns = ", ".join(f'"{column.name}"' for column in view.columns)
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {SCHEMA}.{view.name} ({columns}) FROM STDIN") as copy:
            for row in view.rows(moment):
                copy.write_row(row)
    except driver.Error as error:
        raise DBAPIError.instance("COPY", None, error, driver.Error, dialect=connection.dialect) from error
