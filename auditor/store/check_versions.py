"""Which code and which numbers each check judged an account by, as intervals of scans."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select, update

from auditor.model import Scan
from auditor.store.schema import check_versions

__all__ = ["CheckVersion", "as_of", "changed_at", "keep", "rename"]


class CheckVersion(NamedTuple):
    """What a check judges by: digests of its code, with all that it stands on, and of its numbers."""

    code: str
    numbers: str


def keep(connection: Connection, scan: Scan, given: Mapping[str, CheckVersion]) -> None:
    """Note what the checks GIVEN (by id) judged a scan by; the newest judged one of its account, perhaps once more."""
    row = check_versions.c
    ours = and_(row.account == scan.account, row.check.in_(list(given)))
    connection.execute(delete(check_versions).where(ours, row.since_scan == scan.id))
    connection.execute(update(check_versions).where(ours, row.until_scan == scan.id).values(until_scan=None))
    current = connection.execute(select(check_versions).where(ours, row.until_scan.is_(None)))
    known = {held.check: CheckVersion(held.code, held.numbers) for held in current}
    changed = {check: version for check, version in given.items() if known.get(check) != version}
    ended: list[dict[str, Any]] = [{"named": check} for check in changed if check in known]
    if ended:
        this = and_(row.account == scan.account, row.check == bindparam("named"), row.until_scan.is_(None))
        connection.execute(update(check_versions).where(this).values(until_scan=scan.id), ended)
    begun = [
        {"account": scan.account, "check": check, "since_scan": scan.id, "until_scan": None, **version._asdict()}
        for check, version in changed.items()
    ]
    if begun:
        connection.execute(insert(check_versions), begun)


def as_of(connection: Connection, scan: Scan) -> dict[str, CheckVersion]:
    """What each check that had judged the account by then judged by at a scan."""
    row = check_versions.c
    holds = or_(row.until_scan.is_(None), row.until_scan > scan.id)
    query = select(check_versions).where(row.account == scan.account, row.since_scan <= scan.id, holds)
    return {held.check: CheckVersion(held.code, held.numbers) for held in connection.execute(query)}


def changed_at(connection: Connection, account: str) -> set[tuple[str, int]]:
    """The checks with the scans at which they were not what they had been before."""
    row = check_versions.c
    query = select(row.check, row.until_scan).where(row.account == account, row.until_scan.is_not(None))
    return {(held.check, held.until_scan) for held in connection.execute(query)}


def rename(connection: Connection, account: str, names: Mapping[str, str]) -> None:
    """Give what is known of the checks in NAMES (former id -> id) the new name, where nothing is known of that yet."""
    row = check_versions.c
    taken = set(connection.scalars(select(row.check).where(row.account == account).distinct()))
    for former, name in names.items():
        if former in taken and name not in taken:
            this = update(check_versions).where(row.account == account, row.check == former)
            connection.execute(this.values(check=name))
            taken.add(name)
