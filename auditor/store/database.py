"""The connection to SQLite or PostgreSQL: transactions, the few things the two do differently, and errors in one line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from auditor.errors import StoreError

__all__ = ["Database"]

_BUSY_SECONDS = 30
_FORMS = "use sqlite:////absolute/path/file.db or postgresql://user@host/database"


class Database:
    """One SQLAlchemy engine. Reading and writing are short transactions; several processes may do both at once.

    SQLite: WAL, so readers and the one writer do not wait for each other; writing begins with BEGIN IMMEDIATE, so two
    writers queue up (30 s) instead of failing half way. PostgreSQL: writers of the same account queue up on an advisory lock.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        # As the user writes it: the driver is our affair.
        shown = parsed.set(drivername=parsed.get_backend_name())
        self.url = shown.render_as_string(hide_password=True)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        with self._told():
            self.engine = _sqlite_engine(parsed) if self.sqlite else _postgresql_engine(parsed)

    @property
    def file(self) -> Path | None:
        """The SQLite file; ``None`` for PostgreSQL, and for what SQLite takes for a URI of its own."""
        name = self.engine.url.database or ""
        return Path(name) if self.sqlite and not name.startswith("file:") else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store from its first statement on."""
        with self._told(), self.engine.connect() as connection:
            if not self.sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, account: str = "") -> Iterator[Connection]:
        """A transaction nobody else writes beside; on PostgreSQL, nobody else to the same account."""
        with self._told(), self.engine.connect() as connection:
            connection = connection.execution_options(auditor_writes=True)
            with connection.begin():
                if not self.sqlite:
                    connection.execute(
                        select(func.pg_advisory_xact_lock(func.hashtextextended(f"auditor:{account}", 0)))
                    )
                yield connection

    @contextmanager
    def unmanaged(self) -> Iterator[Any]:
        """The driver's own connection, in no transaction."""
        with self._told():
            connection = self.engine.raw_connection()
            try:
                yield connection.driver_connection
            except self.engine.dialect.loaded_dbapi.Error as error:
                raise DBAPIError.instance("", None, error, type(error)) from error
            finally:
                connection.close()

    def dispose(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def upsert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert of the dialect, which knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
        return sqlite.insert(table) if self.sqlite else postgresql.insert(table)

    def allocate(self, connection: Connection, table: Table, count: int) -> Sequence[int]:
        """``count`` new ids of the table, for rows that other rows of the same transaction refer to."""
        if not count:
            return ()
        if self.sqlite:
            last = connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0
            return range(last + 1, last + 1 + count)
        sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        return connection.scalars(select(sequence).select_from(func.generate_series(1, count).alias())).all()

    def bulk_insert(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows, each with all of the table's columns in their order, past SQLAlchemy's own handling.

        Values are the driver's: text must have been through ``encode_text``. Four times as fast as Core.
        """
        if not rows:
            return
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        if self.sqlite:
            marks = ", ".join("?" * len(table.columns))
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))  # noqa: S608 - names are the schema's
            return
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        except driver.Error as error:
            raise DBAPIError.instance("COPY", None, error, driver.Error, dialect=connection.dialect) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLAlchemy and the drivers raise into one line for people."""
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(self._told_line(error)) from error
        except OSError as error:
            raise StoreError(f"the store {self.url} cannot be used: {error.strerror or error}") from error

    def _told_line(self, error: SQLAlchemyError) -> str:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        words = " ".join(str(cause).split())
        for sign, told in _SIGNS.items():
            if sign in words:
                return told.format(url=self.url)
        return f"the store {self.url} answered: {words[:300]}"


_SIGNS = {
    "database is locked": "the store {url} has been locked by another process for 30 seconds: try again when that is done",
    "readonly database": "the store {url} cannot be written: give it write permission, or name another with --store",
    "disk is full": "the disk of the store {url} is full: make room and start again; what was written before is kept",
    "No space left": "the disk of the store {url} is full: make room and start again; what was written before is kept",
    "unable to open database file": "the store {url} cannot be opened: check that the folder exists and can be written",
    "file is not a database": "{url} is not a store: it is another kind of file; name another with --store",
    "is malformed": "the store {url} is damaged: restore it from a backup, or name another with --store",
}


def _parse(url: str) -> URL:
    # Never repeat a URL that could not be taken apart: it may hold a password.
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"the store's URL is not understood: {_FORMS}") from error
    backend = parsed.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"a store cannot be kept in {backend!r}: {_FORMS}")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError(f"the store's URL names no file: {_FORMS}")
    return parsed.set(drivername="sqlite+pysqlite")


def _postgresql_engine(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as error:
        raise StoreError("a store in PostgreSQL needs psycopg: pip install 'aws-account-auditor[postgres]'") from error


def _sqlite_engine(url: URL) -> Engine:
    database = url.database or ""
    if not database.startswith("file:"):
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # SQLAlchemy begins transactions (below), not the driver with rules of its own.
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=NORMAL", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("auditor_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
