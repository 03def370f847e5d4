"""What differs between two scans' inventories, and scores over time."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from auditor.model import Scan, Score
from auditor.store.codec import Unpacker
from auditor.store.numbers import chunks
from auditor.store.records import ResourceChanges, ResourceRef
from auditor.store.scans import read as read_scan
from auditor.store.schema import resources, scans, scopes, scores, versions

__all__ = ["resource_changes", "score_history", "scores_of"]


def resource_changes(connection: Connection, scan: Scan, before: int) -> ResourceChanges:
    """What a scan found different from what was known after scan BEFORE (0: nothing was).

    A field that one of the two could not read is no difference.
    """
    version = versions.c
    columns = (version.resource_id, version.hash, version.since_scan, version.until_scan)
    named = (scopes.c.type, scopes.c.region, resources.c.arn, resources.c.name)
    query = select(*columns, *named).join_from(versions, resources).join(scopes).where(scopes.c.account == scan.account)
    query = query.order_by(scopes.c.type, scopes.c.region, resources.c.name, version.resource_id)
    began = version.since_scan.between(before + 1, scan.id)
    holds = or_(version.until_scan.is_(None), version.until_scan > scan.id)
    now = {row.resource_id: row for row in connection.execute(query.where(began, holds))}
    ended = version.until_scan.between(before + 1, scan.id)
    then = {row.resource_id: row for row in connection.execute(query.where(ended, version.since_scan <= before))}
    refs = {number: ResourceRef(row.type, row.region, row.arn, row.name) for number, row in (then | now).items()}
    other = {number for number in now if number in then and now[number].hash != then[number].hash}
    bodies = _bodies(connection, other, {row[number].since_scan for row in (now, then) for number in other})
    return ResourceChanges(
        added=tuple(refs[number] for number in now if number not in then),
        changed=tuple(
            refs[number]
            for number in now
            if number in other and _differ(*(bodies[number, row[number].since_scan] for row in (now, then)))
        ),
        gone=tuple(refs[number] for number in then if number not in now),
    )


def _bodies(
    connection: Connection, wanted: Collection[int], since: Collection[int]
) -> Mapping[tuple[int, int], Mapping[str, Any]]:
    """The versions of the resources WANTED that began with one of the scans SINCE, by resource and scan."""
    version, unpacker = versions.c, Unpacker(connection)
    query = select(version.resource_id, version.since_scan, version.codec, version.body)
    query = query.where(version.since_scan.in_(list(since)))
    rows: list[Row[Any]] = []
    for some in chunks(sorted(wanted)):
        rows += connection.execute(query.where(version.resource_id.in_(some)))
    return {(row.resource_id, row.since_scan): unpacker.unpack(row.codec, row.body) for row in rows}


def _differ(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    unread = {*now.get("g", ()), *then.get("g", ())}
    return _without(now, unread) != _without(then, unread)


def _without(body: Mapping[str, Any], unread: Collection[str]) -> Mapping[str, Any]:
    """What a body says of name, tags and fields that both bodies hold."""
    document = {name: value for name, value in body["d"].items() if name not in unread}
    return {"d": document, "n": body["n"], "t": None if "Tags" in unread else body["t"]}


def scores_of(connection: Connection, scan_id: int) -> list[Score]:
    """A scan's scores, in the order they were given."""
    columns = [scores.c[name] for name in Score.__slots__]
    rows = connection.execute(select(*columns).where(scores.c.scan_id == scan_id).order_by(scores.c.seq))
    return [Score(*row) for row in rows]


def score_history(connection: Connection, account: str, limit: int) -> list[tuple[Scan, Score]]:
    """The account's own score in its newest judged scans, newest first."""
    columns = [scores.c[name].label(f"score_{name}") for name in Score.__slots__]
    rows = connection.execute(
        select(scans, *columns)
        .join(scores, scores.c.scan_id == scans.c.id)
        .where(scans.c.account == account, scores.c.level == "account")
        .order_by(scans.c.id.desc())
        .limit(limit)
    )
    return [(read_scan(row), Score(*row[-len(columns) :])) for row in rows]
