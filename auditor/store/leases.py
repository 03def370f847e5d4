"""Leases: one holder at a time, across processes and machines; they end by themselves when the holder dies."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Connection, Function, delete, func, select, update

from auditor.errors import LeaseTaken
from auditor.store.columns import Moment
from auditor.store.database import Database
from auditor.store.schema import leases

__all__ = ["Lease", "acquire", "free", "leased_account", "live", "now", "scan_lease", "set_back"]

_SCAN = "scan:"


def scan_lease(account: str) -> str:
    """The name of the lease that scans of the account share."""
    return f"{_SCAN}{account}"


def leased_account(name: str) -> str:
    """The account whose scans share the lease of that name; empty for any other lease."""
    return name.removeprefix(_SCAN) if name.startswith(_SCAN) else ""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was taken; a context manager that gives it back at its end."""

    name: str
    holder: str
    token: str
    """Given to this very taking of the lease, and to no other."""
    acquired_at: datetime
    ttl_seconds: float
    database: Database

    def heartbeat(self) -> None:
        """Hold it for another ``ttl_seconds``; ``LeaseTaken`` when it has been lost to another holder.

        One that ran out is still ours as long as nobody took it.
        """
        with self.database.writing() as connection:
            moment = now(self.database, connection)
            until = moment + timedelta(seconds=self.ttl_seconds)
            ours = update(leases).where(leases.c.name == self.name, leases.c.token == self.token)
            beaten = connection.execute(ours.values(heartbeat_at=moment, expires_at=until)).rowcount
        if not beaten:
            raise LeaseTaken(f"the lease {self.name!r} of {self.holder} ran out and was taken by another")

    def release(self) -> None:
        """Give it back; nothing happens when it was lost already."""
        with self.database.writing() as connection:
            connection.execute(delete(leases).where(leases.c.name == self.name, leases.c.token == self.token))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(database: Database, name: str, holder: str, ttl_seconds: float) -> Lease:
    """Take the lease, also one that ran out, or raise ``LeaseTaken``; atomic on both databases."""
    token = secrets.token_hex(16)
    with database.writing() as connection:
        moment = now(database, connection)
        values = {
            "holder": holder,
            "token": token,
            "acquired_at": moment,
            "heartbeat_at": moment,
            "expires_at": moment + timedelta(seconds=ttl_seconds),
        }
        set_back(connection, moment)
        taken = database.upsert(leases).values(name=name, **values)
        ran_out = leases.c.expires_at <= moment
        connection.execute(taken.on_conflict_do_update(index_elements=["name"], set_=values, where=ran_out))
        held = connection.execute(select(leases).where(leases.c.name == name)).one()
    if held.token != token:
        raise LeaseTaken(
            f"{name!r} is held by {held.holder} since {held.acquired_at:%Y-%m-%d %H:%M:%S} UTC: wait for it to end "
            f"(a dead holder's lease ends at {held.expires_at:%H:%M:%S} UTC)",
            name,
            held.holder,
        )
    return Lease(name, holder, token, moment, ttl_seconds, database)


def free(database: Database, holder: str) -> None:
    """Give back every lease of HOLDER, which is known to be dead: nobody has to wait until they run out."""
    with database.writing() as connection:
        connection.execute(delete(leases).where(leases.c.holder == holder))


def now(database: Database, connection: Connection) -> datetime:
    """The one clock all holders share: PostgreSQL's own, or, on one machine with SQLite, the machine's."""
    if database.sqlite:
        return datetime.now(UTC)
    clock: Function[datetime] = func.clock_timestamp(type_=Moment)
    return connection.execute(select(clock)).scalar_one()


def set_back(connection: Connection, moment: datetime) -> None:
    """Have leases that were beaten after this MOMENT end as long after it as they were given for.

    The clock was set back since: else the lease of a process that died would hold until it has caught up. A living holder
    beats on and notices nothing.
    """
    for row in connection.execute(select(leases).where(leases.c.heartbeat_at > moment)).all():
        held_for = row.expires_at - row.heartbeat_at
        this = update(leases).where(leases.c.name == row.name, leases.c.token == row.token)
        connection.execute(this.values(heartbeat_at=moment, expires_at=moment + held_for))


def live(moment: datetime) -> ColumnElement[bool]:
    """Whether a lease is held at that moment."""
    return leases.c.expires_at > moment
