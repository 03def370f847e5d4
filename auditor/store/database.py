"""The connection to SQLite or PostgreSQL: transactions, the few things the two do differently, and errors in one line."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from auditor.errors import StoreError

__all__ = ["NO_STORE", "PATIENCE_SECONDS", "Database", "Unavailable"]

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""So long a PostgreSQL that has answered before, and does not any more, is waited for."""
NO_STORE = "there is no store in {url} yet: `auditor scan` makes one; or name another with --store"
_BUSY_SECONDS = 30
_RETRY_SECONDS = 0.5
_GONE = ("08", "57P01", "57P02", "57P03", "53300")
"""SQLSTATE of a server that went away or takes no connections now (PostgreSQL, appendix A); without one it did not answer."""
_FORMS = "use sqlite:////absolute/path/file.db or postgresql://user@host/database"


Result = TypeVar("Result")


class Unavailable(StoreError):
    """The database went away; what was asked of it may be asked again when it is back."""


class Database:
    """One SQLAlchemy engine. Reading and writing are short transactions; several processes may do both at once.

    A transaction waits for a server that has answered before; one that is lost on its way raises ``Unavailable``, and
    whoever can do all of it once more does so by ``patiently``.

    SQLite: WAL, so readers and the one writer do not wait for each other; writing begins with BEGIN IMMEDIATE, so two
    writers queue up (30 s) instead of failing half way. PostgreSQL: writers of the same account queue up on an advisory lock.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        parsed = _parse(url)
        # As the user writes it: the driver is our affair.
        shown = parsed.set(drivername=parsed.get_backend_name())
        self.url = shown.render_as_string(hide_password=True)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._answered = False
        name = parsed.database or ""
        self.file = Path(name) if self.sqlite and not name.startswith("file:") else None
        """The SQLite file; ``None`` for PostgreSQL, and for what SQLite takes for a URI of its own."""
        with self._told():
            self._untouched = self._found(self.file, create=create) if self.file else None
            """What the file must stay like, where it is read as if nobody wrote to it."""
            self.engine = (
                _sqlite_engine(parsed, self.file if self._untouched else None)
                if self.sqlite
                else _postgresql_engine(parsed)
            )

    def _found(self, file: Path, *, create: bool) -> tuple[int, int] | None:
        """Make room for the FILE, or see that it is there (else a StoreError); return its version if its folder is read-only."""
        if create:
            file.parent.mkdir(parents=True, exist_ok=True)
            return None
        if not file.exists():
            raise StoreError(NO_STORE.format(url=self.url))
        return _version(file) if _lies_in_a_read_only_folder(file) else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store from its first statement on."""
        with self._told(), self._begun({} if self.sqlite else {"isolation_level": "REPEATABLE READ"}) as connection:
            yield connection
            if self._untouched and self.file is not None and _version(self.file) != self._untouched:
                raise StoreError(
                    f"the store {self.url} was written while it was read from a read-only folder: try again"
                )

    @contextmanager
    def writing(self, account: str = "") -> Iterator[Connection]:
        """A transaction nobody else writes beside; on PostgreSQL, nobody else to the same account."""
        with self._told(), self._begun({"auditor_writes": True}, f"auditor:{account}") as connection:
            yield connection

    def patiently(self, work: Callable[[], Result]) -> Result:
        """Do WORK, and all of it again when the database went away in the middle: it must be able to happen twice."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return work()
            except Unavailable as error:
                if not self._answered or time.monotonic() >= until:
                    raise
                log.warning("%s; it is tried again", error)

    @contextmanager
    def _begun(self, options: dict[str, Any], queue: str = "") -> Iterator[Connection]:
        """A transaction, begun; QUEUE names the advisory lock it holds."""
        connection = self._begin_patiently(options, queue)
        with connection, connection.get_transaction() or connection.begin():
            yield connection

    def _begin_patiently(self, options: dict[str, Any], queue: str) -> Connection:
        until, told = time.monotonic() + PATIENCE_SECONDS, False
        while True:
            try:
                connection = self._begin(options, queue)
            except DBAPIError as error:
                if not (self._answered and self._gone(error)):
                    raise
                if time.monotonic() >= until:
                    # Whoever comes next need not wait for it once more.
                    self._answered = False
                    raise
                if not told:
                    log.warning("%s; waiting for it, %.0f s at most", self._told_line(error), PATIENCE_SECONDS)
                told = True
                time.sleep(_RETRY_SECONDS)
            else:
                self._answered = True
                if told:
                    log.warning("the store %s answers again", self.url)
                return connection

    def _begin(self, options: dict[str, Any], queue: str) -> Connection:
        connection = self.engine.connect()
        try:
            connection = connection.execution_options(**options)
            connection.begin()
            if queue and not self.sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(queue, 0))))
        except BaseException:
            connection.close()
            raise
        return connection

    def _gone(self, error: SQLAlchemyError) -> bool:
        """Whether the server went away; what SQLite cannot do it has waited for itself."""
        if self.sqlite or not isinstance(error, DBAPIError):
            return False
        state = getattr(error.orig, "sqlstate", None)
        unanswered = isinstance(error, OperationalError) and state is None
        return error.connection_invalidated or unanswered or (state or "").startswith(_GONE)

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
            lost = bool(driver.closed)
            raise DBAPIError.instance(
                "COPY", None, error, driver.Error, connection_invalidated=lost, dialect=connection.dialect
            ) from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLAlchemy and the drivers raise into one line for people."""
        try:
            yield
        except SQLAlchemyError as error:
            kind = Unavailable if self._gone(error) else StoreError
            raise kind(self._told_line(error)) from error
        except UnicodeDecodeError as error:  # SQLite repeats what it found in the file, whatever bytes these are
            raise StoreError(_DAMAGED.format(url=self.url)) from error
        except OSError as error:
            raise StoreError(f"the store {self.url} cannot be used: {error.strerror or error}") from error

    def _told_line(self, error: SQLAlchemyError) -> str:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        words = " ".join(str(cause).split())
        for sign, told in _SIGNS.items():
            if sign in words:
                return told.format(url=self.url)
        return f"the store {self.url} {'does not answer' if self._gone(error) else 'answered'}: {words[:300]}"


_DAMAGED = "the store {url} is damaged: restore it from a backup, or name another with --store"
_SIGNS = {
    "database is locked": "the store {url} has been locked by another process for 30 seconds: try again when that is done",
    "readonly database": "the store {url} cannot be written: give it write permission, or name another with --store",
    "disk is full": "the disk of the store {url} is full: make room and start again; what was written before is kept",
    "No space left": "the disk of the store {url} is full: make room and start again; what was written before is kept",
    "unable to open database file": "the store {url} cannot be opened: check that the folder exists and can be written",
    "in a read-only transaction": (
        "the store {url} cannot be written: it takes no changes now (a replica, or read-only by its settings)"
    ),
    "file is not a database": "{url} is not a store: it is another kind of file; name another with --store",
    "malformed": _DAMAGED,
    "decode to UTF-8": _DAMAGED,
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


def _lies_in_a_read_only_folder(file: Path) -> bool:
    """Whether SQLite could not even read the file as it is: a store in WAL needs two more files, which nobody made yet."""
    return not os.access(file.parent, os.W_OK) and not file.with_name(f"{file.name}-wal").exists()


def _version(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_size


def _sqlite_engine(url: URL, immutable: Path | None) -> Engine:
    """Return the engine; IMMUTABLE is the file where SQLite is told that nobody writes to it."""
    more: dict[str, Any] = {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}}
    if immutable is not None:
        uri = f"{immutable.absolute().as_uri()}?immutable=1"
        more = {"creator": lambda: sqlite3.connect(uri, uri=True, check_same_thread=False)}
    engine = create_engine(url, pool_use_lifo=True, **more)  # rather the last one again: each keeps pages of the file

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # SQLAlchemy begins transactions (below), not the driver with rules of its own.
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=NORMAL", "cache_size=-8000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("auditor_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
