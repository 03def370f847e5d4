"""Resources as of a scan, whichever scan read them last, and the versions of one of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, func, or_, select

from auditor.drift import ResourceRef
from auditor.model import CoverageState, Document, Gap, Scan, Scope
from auditor.store.codec import Unpacker, fingerprint
from auditor.store.schema import coverage, observations, resources, scans, scopes, versions

__all__ = ["Listed", "Version", "history", "listed", "regions"]

NOT_READ = "not read"


class Listed(NamedTuple):
    """A resource as of a scan."""

    resource: ResourceRef
    since: datetime
    """When it was first seen, UTC; it may have been gone in between."""
    changed: datetime
    """When it was first seen as it is."""
    read: str
    """How the scan read its scope: a coverage state, or ``not read``; then it is as it was last known."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a resource was like from one scan on until another."""

    resource: ResourceRef
    account: str
    since_scan: int
    since: datetime
    until_scan: int | None
    """The first scan that saw it otherwise, or gone; ``None``: it is so now."""
    until: datetime | None
    document: Document
    moving: Document
    """The fields that change by themselves, as the scan asked for saw them; of what ended before none are told."""
    tags: Mapping[str, str]
    gaps: Mapping[str, Gap]

    @property
    def whole(self) -> Document:
        """All fields."""
        return {**self.document, **self.moving}


def listed(connection: Connection, scan: Scan, types: Collection[str] = (), only: Collection[str] = ()) -> list[Listed]:
    """The resources of the account that were there at a scan, as far as was known, by type, region and id; ONLY names regions."""
    query = select(scopes).where(scopes.c.account == scan.account)
    query = query.where(scopes.c.type.in_(list(types))) if types else query
    query = query.where(scopes.c.region.in_(list(only))) if only else query
    places = {row.id: Scope(row.account, row.region, row.type) for row in connection.execute(query)}
    states = {
        row.scope_id: CoverageState(row.state)
        for row in connection.execute(
            select(coverage.c.scope_id, coverage.c.state).where(coverage.c.scan_id == scan.id)
        )
    }
    times = _times(connection, scan.account)
    version = versions.c
    holds = and_(version.since_scan <= scan.id, or_(version.until_scan.is_(None), version.until_scan > scan.id))
    result = []
    for number, scope in places.items():
        firsts = select(version.resource_id, func.min(version.since_scan)).where(version.scope_id == number)
        first = {row[0]: row[1] for row in connection.execute(firsts.group_by(version.resource_id))}
        held = select(version.resource_id, version.since_scan, resources.c.arn, resources.c.name)
        held = held.join(resources, resources.c.id == version.resource_id).where(version.scope_id == number, holds)
        read = str(states.get(number, NOT_READ))
        for row in connection.execute(held):
            ref = ResourceRef(scope.type, scope.region, row.arn, row.name)
            result.append(Listed(ref, times[first[row.resource_id]], times[row.since_scan], read))
    return sorted(result)


def history(connection: Connection, scan: Scan, id: str) -> Iterator[Version]:
    """The versions of the resource of that id (ARN) in the scan's account, up to the scan, oldest first.

    The one that holds has the fields that change by themselves as the scan saw them.
    """
    version = versions.c
    ours = select(scopes.c.id).where(scopes.c.account == scan.account)
    digest = fingerprint(id.encode("utf-8", "surrogatepass"))
    query = (
        select(versions, resources.c.arn, scopes.c.type, scopes.c.region, scopes.c.account)
        .join_from(versions, resources)
        .join(scopes)
        .where(resources.c.scope_id.in_(ours), resources.c.digest == digest, version.since_scan <= scan.id)
        .order_by(version.since_scan, version.resource_id)
    )
    times, unpacker = _times(connection, scan.account), Unpacker(connection)
    for row in connection.execute(query).all():
        until = row.until_scan if row.until_scan is not None and row.until_scan <= scan.id else None
        body = unpacker.unpack(row.codec, row.body)
        moving, missing = _volatile(connection, unpacker, scan, row) if until is None else ({}, {})
        gaps = {**body.get("g", {}), **missing}
        yield Version(
            ResourceRef(row.type, row.region, row.arn, body["n"]),
            row.account,
            row.since_scan,
            times[row.since_scan],
            until,
            times[until] if until else None,
            body["d"],
            moving,
            body["t"],
            {name: Gap(*gap) for name, gap in gaps.items()},
        )


def _volatile(
    connection: Connection, unpacker: Unpacker, scan: Scan, version: Row[Any]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    pages = select(observations.c.codec, observations.c.body).where(
        observations.c.scan_id == scan.id, observations.c.scope_id == version.scope_id
    )
    for page in connection.execute(pages.order_by(observations.c.seq.desc())):
        seen = unpacker.unpack(page.codec, page.body).get(str(version.resource_id))
        if seen:
            return seen[0], seen[1]
    return {}, {}


def _times(connection: Connection, account: str) -> Mapping[int, datetime]:
    rows = connection.execute(select(scans.c.id, scans.c.started_at).where(scans.c.account == account))
    return {row.id: row.started_at for row in rows}


def regions(connection: Connection, account: str) -> list[str]:
    """Every region anything of the account was ever read in."""
    query = select(scopes.c.region).where(scopes.c.account == account).distinct().order_by(scopes.c.region)
    return list(connection.scalars(query))
