"""The runs: begun, finished, found again, and marked interrupted when their process died."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, literal, select, update

from auditor.errors import StoreError, UnknownScan
from auditor.model import Scan, ScanStatus, Scope
from auditor.store.database import Database
from auditor.store.leases import live, now, scan_lease, set_back
from auditor.store.numbers import chunks
from auditor.store.schema import coverage, leases, observations, scans, scopes

__all__ = [
    "FINISHED",
    "WINDOW",
    "Overtaken",
    "alike",
    "asked_for",
    "before",
    "begin",
    "find",
    "finish",
    "first",
    "interrupt_abandoned",
    "latest",
    "less",
    "listed",
    "may_write",
    "previous",
    "read",
    "speaker",
    "spoken_for",
    "widest",
]

WINDOW = timedelta(days=8)
"""How far back a scan that was asked for more speaks for an account: a week, and a day for a late one."""

Asked = Row[Any] | Scan
"""A scan, or a row with its number, beginning, regions and selection."""
FINISHED = (ScanStatus.COMPLETE, ScanStatus.INCOMPLETE)


def begin(
    database: Database, values: Mapping[str, Any], continues: int | None = None, taken: Collection[Scope] = ()
) -> Scan:
    """Note a scan that begins and interrupt older ones of its account; VALUES are the columns of ``scans``.

    The coverage of the scopes TAKEN from scan CONTINUES becomes its own in the same transaction: whenever it is killed, the
    next one finds all of it again.
    """
    with database.writing(values["account"]) as connection:
        _interrupt(connection, [scan.id for scan in _running(connection, values["account"])])
        new = insert(scans).values(status=ScanStatus.RUNNING, **values).returning(scans)
        scan = read(connection.execute(new).one())
        if continues is not None and taken:
            _take_over(connection, scan, continues, taken)
        return scan


def _take_over(connection: Connection, scan: Scan, before: int, taken: Collection[Scope]) -> None:
    """Copy coverage and observations of scopes: their resources are in the store already, and nobody has touched them."""
    rows = connection.execute(select(scopes).where(scopes.c.account == scan.account))
    wanted = set(taken)
    numbers = [row.id for row in rows if Scope(row.account, row.region, row.type) in wanted]
    for some in chunks(numbers):
        for table, columns in (
            (coverage, {"from_scan": func.coalesce(coverage.c.from_scan, before)}),
            (observations, {}),
        ):
            values = {column.name: column for column in table.c} | {"scan_id": literal(scan.id)} | columns
            copied = select(*values.values()).where(table.c.scan_id == before, table.c.scope_id.in_(some))
            connection.execute(insert(table).from_select(list(values), copied))


def finish(
    database: Database, scan_id: int, status: ScanStatus, finished_at: datetime, statistics: Mapping[str, Any]
) -> Scan:
    """Note how a scan ended; one that was overtaken by a newer scan of its account stays interrupted."""
    with database.writing() as connection:
        scan = find(database, connection, scan_id)
        if _newest_number(connection, scan.account) != scan.id:
            return scan
        # A clock may have been set back: no scan ends before it began. A naive time is left for the column to refuse.
        ended_at = max(finished_at, scan.started_at) if finished_at.tzinfo else finished_at
        values = {"status": status, "finished_at": ended_at, "statistics": dict(statistics)}
        ended = update(scans).where(scans.c.id == scan_id).values(values).returning(scans)
        return read(connection.execute(ended).one())


def find(database: Database, connection: Connection, scan_id: int) -> Scan:
    """The scan of that number, or a ``StoreError``."""
    # A number beyond what the database can hold is no scan either.
    row = connection.execute(select(scans).where(scans.c.id == scan_id)).one_or_none() if 0 < scan_id < 2**63 else None
    if row is None:
        raise UnknownScan(f"there is no scan {scan_id} in the store {database.url}; `auditor scans` lists them")
    if row.status == ScanStatus.PRUNED:
        raise UnknownScan(
            f"scan {scan_id} of {row.started_at:%Y-%m-%d} was pruned; `auditor scans` lists those that are kept"
        )
    return read(row)


def listed(connection: Connection, account: str | None, limit: int | None, by: int | None = None) -> list[Scan]:
    """Scans (up to scan BY), newest first."""
    query = _newest(account) if by is None else _newest(account).where(scans.c.id <= by)
    return [read(row) for row in connection.execute(query.limit(limit))]


def accounts(connection: Connection) -> dict[str, Scan]:
    """The newest scan of each account, by account id, in the ids' order."""
    newest = select(func.max(scans.c.id)).where(scans.c.status != ScanStatus.PRUNED).group_by(scans.c.account)
    rows = connection.execute(select(scans).where(scans.c.id.in_(newest)).order_by(scans.c.account))
    return {row.account: read(row) for row in rows}


def latest(connection: Connection, account: str | None, *, finished: bool, by: datetime | None = None) -> Scan | None:
    """The newest scan, begun by BY, if there is one."""
    query = _newest(account).where(scans.c.status.in_(FINISHED)) if finished else _newest(account)
    if by is not None:
        query = query.where(scans.c.started_at <= by)
    row = connection.execute(query.limit(1)).one_or_none()
    return read(row) if row else None


def first(connection: Connection, account: str | None) -> Scan | None:
    """The oldest finished scan, if there is one."""
    query = _newest(account).where(scans.c.status.in_(FINISHED)).order_by(None).order_by(scans.c.id)
    row = connection.execute(query.limit(1)).one_or_none()
    return read(row) if row else None


def previous(connection: Connection, scan: Scan, *, alike: bool) -> Scan | None:
    """The finished scan of the account before this one; ``alike``: which was asked for the same."""
    query = _newest(scan.account).where(scans.c.status.in_(FINISHED), scans.c.id < scan.id)
    for row in connection.execute(query if alike else query.limit(1)):
        found = read(row)
        if not alike or asked_for(row) == asked_for(scan):
            return found
    return None


def alike(connection: Connection, scan: Scan, like: Scan) -> Scan | None:
    """The newest finished scan of a window's length back from SCAN that was asked for the same as LIKE, if there is one."""
    query = _newest(scan.account).where(scans.c.status.in_(FINISHED), scans.c.id <= scan.id)
    for row in connection.execute(query.where(scans.c.started_at > scan.started_at - WINDOW)):
        if asked_for(row) == asked_for(like):
            return read(row)
    return None


def widest(connection: Connection, scan: Scan) -> Scan:
    """The newest finished scan of the account, from SCAN backwards, that no scan of a window's length was asked for more than.

    That one speaks for its account: what a narrower one did not look at has not vanished.
    """
    query = _newest(scan.account).where(scans.c.status.in_(FINISHED), scans.c.id < scan.id)
    found = speaker([scan, *connection.execute(query.where(scans.c.started_at > scan.started_at - WINDOW))])
    return found if isinstance(found, Scan) else read(found)


def speaker(rows: Sequence[Asked]) -> Asked:
    """Which of an account's finished scans, newest first and at least one, speaks for it (see ``widest``)."""
    found = rows[0]
    for row in _window(rows, 0):
        if less(found, row):
            found = row
    return found


def spoken_for(rows: Sequence[Asked]) -> set[int]:
    """Which of an account's scans, newest first, another one of the window before it was asked for more than."""
    found = set()
    for place, row in enumerate(rows):
        if row.selection and any(less(row, older) for older in _window(rows, place)):
            found.add(row.id)
    return found


def _window(rows: Sequence[Asked], place: int) -> Iterable[Asked]:
    """The scans before that at PLACE, as long as they are in its window."""
    for older in rows[place + 1 :]:
        if older.started_at <= rows[place].started_at - WINDOW:
            return
        yield older


def less(one: Asked, other: Asked) -> bool:
    """Whether ONE was narrowed, and OTHER was not or less so: by checks, else by regions that were named for it alone.

    Regions that the settings leave out narrow nothing: then the account is what they say.
    """
    part, others = _part(one), _part(other)
    if part or others:
        return bool(part) and not others
    return bool(one.selection.get("region")) and set(one.regions) < set(other.regions)


def _part(scan: Asked) -> dict[str, list[str]]:
    """What narrowed the checks of a scan."""
    return {name: list(values) for name, values in scan.selection.items() if name != "region"}


def asked_for(scan: Asked) -> tuple[set[str], dict[str, list[str]]]:
    """What a scan was asked for: its regions, and what narrowed its checks."""
    return set(scan.regions), _part(scan)


def before(connection: Connection, moment: datetime) -> int | None:
    """The number of the newest scan that had begun by MOMENT, of any account; ``None``: none had."""
    number: int | None = connection.scalar(select(func.max(scans.c.id)).where(scans.c.started_at <= moment))
    return number


def interrupt_abandoned(database: Database, account: str | None) -> list[Scan]:
    """Mark running scans interrupted whose lease is not held any more.

    A scan begun with a lease needs that very one; a scan begun without needs somebody to hold its account's lease.
    """
    with database.writing(account or "") as connection:
        moment = now(database, connection)
        set_back(connection, moment)
        held = connection.execute(select(leases.c.name, leases.c.token).where(live(moment))).all()
        tokens, names = {row.token for row in held}, {row.name for row in held}
        rows = connection.execute(_running_query(account)).all()
        dead = [
            row.id for row in rows if (row.lease not in tokens if row.lease else scan_lease(row.account) not in names)
        ]
        return _interrupt(connection, dead)


class Overtaken(StoreError):
    """A scan wants to write after a newer one of its account has begun."""


def may_write(connection: Connection, scan: Scan) -> None:
    """Raise ``Overtaken`` when a newer scan of the account has begun.

    The number of a scan is its fencing token: a process that slept through the end of its lease cannot write into the
    account's history behind the back of the scan that took over, so intervals are only ever written in order.
    """
    newest = _newest_number(connection, scan.account)
    if newest != scan.id:
        raise Overtaken(
            f"scan {scan.id} of account {scan.account} was overtaken by scan {newest}: it stops here; what it wrote is kept"
        )


def judged_by(connection: Connection, scan_id: int, digests: Mapping[str, str]) -> None:
    """Note by which standard and checks a scan was judged."""
    if digests:
        connection.execute(update(scans).where(scans.c.id == scan_id).values(**digests))


def read(row: Row[Any]) -> Scan:
    """A row of ``scans`` as a ``Scan``."""
    return Scan(
        id=row.id,
        account=row.account,
        account_name=row.account_name,
        partition=row.partition,
        status=ScanStatus(row.status),
        started_at=row.started_at,
        finished_at=row.finished_at,
        regions=tuple(row.regions),
        selection={key: tuple(values) for key, values in row.selection.items()},
        program_version=row.program_version,
        standard_digest=row.standard_digest,
        checks_digest=row.checks_digest,
        statistics=row.statistics,
        types_digest=row.types_digest or "",
    )


def _newest_number(connection: Connection, account: str) -> int | None:
    newest: int | None = connection.scalar(select(func.max(scans.c.id)).where(scans.c.account == account))
    return newest


def _newest(account: str | None) -> Select[Any]:
    query = select(scans).where(scans.c.status != ScanStatus.PRUNED).order_by(scans.c.id.desc())
    return query if account is None else query.where(scans.c.account == account)


def _running_query(account: str | None) -> Select[Any]:
    return _newest(account).where(scans.c.status == ScanStatus.RUNNING)


def _running(connection: Connection, account: str) -> list[Scan]:
    return [read(row) for row in connection.execute(_running_query(account))]


def _interrupt(connection: Connection, ids: list[int]) -> list[Scan]:
    if not ids:
        return []
    marked = update(scans).where(scans.c.id.in_(ids)).values(status=ScanStatus.INTERRUPTED).returning(scans)
    return sorted((read(row) for row in connection.execute(marked)), key=lambda scan: scan.id)
