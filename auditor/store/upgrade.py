"""Creates a store's tables, tells how old they are, and brings them up to date; Alembic is imported only to upgrade."""

import time
from typing import NoReturn

from sqlalchemy import Connection, inspect, text

from auditor.errors import StoreError
from auditor.store.database import NO_STORE, Database
from auditor.store.schema import HEAD, REVISIONS, metadata

__all__ = ["must_be_current", "prepare", "revision", "upgrade"]


def prepare(database: Database, *, migrate: bool, create: bool = True) -> None:
    """Make the store ready for use: create it when ``create``, upgrade it when ``migrate``, or say why it cannot be used."""
    with database.reading() as connection:
        found = revision(connection)
    if found == HEAD:
        return
    if found and not migrate:
        _refuse(database, found)
    upgrade(database, create=create)


def must_be_current(database: Database) -> None:
    """Raise ``StoreError`` when there is no store, or one of an older or newer program; change nothing."""
    with database.reading() as connection:
        found = revision(connection)
    if not found:
        raise StoreError(NO_STORE.format(url=database.url))
    if found != HEAD:
        _refuse(database, found)


def _refuse(database: Database, found: str) -> NoReturn:
    _known(database, found)
    raise StoreError(f"the store {database.url} is of an older program: run `auditor db upgrade`")


def upgrade(database: Database, *, create: bool = True) -> tuple[str, str]:
    """Create or upgrade the tables in one transaction; returns the revisions before (``""``: none) and after.

    Another program's database is refused before anything is written, as is one with no store in it unless ``create``.
    """
    with database.reading() as connection:
        if not revision(connection):
            _must_be_free(database, connection)
            if not create:
                raise StoreError(NO_STORE.format(url=database.url))
    if database.sqlite:
        _enable_wal(database)
    with database.writing() as connection:
        # Looked up again: another process may have been quicker.
        found = revision(connection)
        if not found:
            _create(database, connection)
        elif found != HEAD:
            _known(database, found)
            _migrate(connection)
    return found, HEAD


def revision(connection: Connection) -> str:
    """The revision of the tables; ``""`` when there are none: many a program has an ``alembic_version``, but no scans."""
    tables = inspect(connection)
    if not (tables.has_table("alembic_version") and tables.has_table("scans")):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def _known(database: Database, found: str) -> None:
    if found not in REVISIONS:
        raise StoreError(
            f"the store {database.url} is of a newer program (schema {found}, this one knows {HEAD}): update the auditor"
        )


def _must_be_free(database: Database, connection: Connection) -> None:
    """Refuse what belongs to another program: a file with any tables, or a schema with a table of a name that we need.

    Programs share a schema of PostgreSQL on purpose, but never a file.
    """
    found = set(inspect(connection).get_table_names())
    taken = sorted(found if database.sqlite else found & {*metadata.tables, "alembic_version"})
    if taken:
        raise StoreError(
            f"the database {database.url} has tables of another program ({', '.join(taken[:3])}): give the auditor its own"
        )


def _create(database: Database, connection: Connection) -> None:
    _must_be_free(database, connection)
    metadata.create_all(connection)
    # What Alembic itself would leave behind.
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"))  # fmt: skip
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    from auditor.catalog import bundled

    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _enable_wal(database: Database) -> None:
    # Two processes that create the same file at once: SQLite answers "locked" here without waiting.
    for attempt in range(50):
        try:
            with database.unmanaged() as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except StoreError as error:
            if "locked" not in str(error) or attempt == 49:
                raise
            time.sleep(0.1)
