"""Looks through a store for what can never be: after a crash, a restored backup, or a hand in the tables."""

from collections.abc import Iterator

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, and_, exists, func, not_, or_, select, text

from auditor.model import CoverageState, ScanStatus
from auditor.store.schema import (
    coverage,
    dictionaries,
    finding_versions,
    findings,
    judgements,
    observations,
    resources,
    scans,
    scopes,
    tallies,
    tally_versions,
    versions,
)

__all__ = ["problems"]

_INTERVALS = (
    (versions, versions.c.resource_id, "versions of a resource"),
    (tally_versions, tally_versions.c.tally_id, "versions of a tally"),
    (finding_versions, finding_versions.c.finding_id, "versions of a finding"),
)
_PACKED = (versions, tally_versions, finding_versions, judgements, observations, coverage)
_WHOLE = (CoverageState.COMPLETE, CoverageState.NOT_OFFERED)


def problems(connection: Connection, *, sqlite: bool) -> Iterator[str]:
    """Yield what is wrong, a line each: which table, what, how many rows. Reads every row's numbers, but no body."""
    if sqlite:
        yield from _file(connection)
    for table, owner, what in _INTERVALS:
        yield from _counted(connection, f"{what} end before they begin", _backwards(table))
        yield from _counted(connection, f"{what} overlap", _overlapping(table, owner))
        yield from _counted(connection, f"{what} begin with a scan that never was", _from_nowhere(table))
    yield from _counted(connection, "versions are in another scope than their resource", _elsewhere())
    for table in _PACKED:
        yield from _counted(
            connection, f"rows of {table.name} are packed with a dictionary that is gone", _unreadable(table)
        )
    yield from _counted(connection, "accounts have a running scan that is not their newest", _running_behind())
    yield from _counted(connection, "findings opened after the version that says so", _opened_late())
    yield from _counted(connection, "findings are of a tally in another scope than their resource", _strayed())
    yield from _counted(connection, "verdicts begin with a scan after the account's newest judged one", _unjudged())
    yield from _miscounted(connection)


def _file(connection: Connection) -> Iterator[str]:
    for (line,) in connection.execute(text("PRAGMA quick_check(20)")):
        if line != "ok":
            yield f"the file is damaged: {line}"
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"a row of {row[0]} refers to a row of {row[2]} that is gone"


def _counted(connection: Connection, what: str, query: Select[int]) -> Iterator[str]:
    count = connection.scalar(query)
    if count:
        yield f"{count:,} {what}"


def _count(*where: ColumnElement[bool], of: Table) -> Select[int]:
    return select(func.count()).select_from(of).where(*where)


def _backwards(table: Table) -> Select[int]:
    return _count(table.c.until_scan <= table.c.since_scan, of=table)


def _overlapping(table: Table, owner: Column[int]) -> Select[int]:
    following = func.lead(table.c.since_scan).over(partition_by=owner, order_by=table.c.since_scan).label("following")
    ordered = select(table.c.until_scan, following).subquery()
    follows, until = ordered.c.following, ordered.c.until_scan
    bad = and_(follows.is_not(None), or_(until.is_(None), until > follows))
    return select(func.count()).select_from(ordered).where(bad)


def _from_nowhere(table: Table) -> Select[int]:
    newest = select(func.coalesce(func.max(scans.c.id), 0)).scalar_subquery()
    return _count(or_(table.c.since_scan > newest, table.c.until_scan > newest), of=table)


def _elsewhere() -> Select[int]:
    joined = versions.join(resources, resources.c.id == versions.c.resource_id)
    return select(func.count()).select_from(joined).where(versions.c.scope_id != resources.c.scope_id)


def _unreadable(table: Table) -> Select[int]:
    # Codec 0 is plain, 1 needs no dictionary, n needs dictionary n - 1 (auditor.store.codec).
    known = exists().where(dictionaries.c.id == table.c.codec - 1)
    return _count(table.c.codec > 1, not_(known), of=table)


def _running_behind() -> Select[int]:
    later = scans.alias()
    newer = exists().where(later.c.account == scans.c.account, later.c.id > scans.c.id)
    return _count(scans.c.status == ScanStatus.RUNNING, newer, of=scans)


def _opened_late() -> Select[int]:
    return _count(finding_versions.c.opened_scan > finding_versions.c.since_scan, of=finding_versions)


def _strayed() -> Select[int]:
    joined = findings.join(tallies, tallies.c.id == findings.c.tally_id).join(
        resources, resources.c.id == findings.c.resource_id
    )
    return select(func.count()).select_from(joined).where(resources.c.scope_id != tallies.c.scope_id)


def _unjudged() -> Select[int]:
    judged = (
        select(scans.c.account, func.max(judgements.c.scan_id).label("newest"))
        .join(judgements, judgements.c.scan_id == scans.c.id)
        .group_by(scans.c.account)
        .subquery()
    )
    joined = (
        tally_versions.join(tallies, tallies.c.id == tally_versions.c.tally_id)
        .join(scopes, scopes.c.id == tallies.c.scope_id)
        .outerjoin(judged, judged.c.account == scopes.c.account)
    )
    late = or_(judged.c.newest.is_(None), tally_versions.c.since_scan > judged.c.newest)
    return select(func.count()).select_from(joined).where(late)


def _miscounted(connection: Connection) -> Iterator[str]:
    """A scope that the account's newest scan read whole holds as many resources as that scan counted."""
    newest = select(func.max(scans.c.id).label("id")).group_by(scans.c.account).subquery()
    held = (
        select(func.count())
        .where(versions.c.scope_id == coverage.c.scope_id, versions.c.until_scan.is_(None))
        .correlate(coverage)
        .scalar_subquery()
    )
    whole = select(scopes, coverage.c.resources, held.label("held")).join_from(coverage, scopes)
    whole = whole.join(newest, newest.c.id == coverage.c.scan_id).where(coverage.c.state.in_(_WHOLE))
    for row in connection.execute(whole):
        if row.resources != row.held:
            yield f"{row.type} in {row.account} {row.region}: the newest scan counted {row.resources:,}, {row.held:,} are held"
