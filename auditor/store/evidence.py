"""The evidence ledger: rows are added and never changed; triggers of the database hold that."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from auditor.model import DatedFact, Scan
from auditor.store.codec import dumps, fingerprint
from auditor.store.schema import evidence

__all__ = ["add", "listed"]

_PORTION = 5_000


def add(connection: Connection, scan: Scan, facts: Iterable[DatedFact]) -> int:
    """Keep those of FACTS that are not kept yet, as first seen by SCAN; returns how many those are."""
    added, rest = 0, iter(facts)
    while some := list(islice(rest, _PORTION)):
        rows = {key: fact for fact in some for key in (_key(fact),)}
        known = select(evidence.c.digest).where(evidence.c.account == scan.account, evidence.c.digest.in_(list(rows)))
        there = {bytes(digest) for digest in connection.scalars(known)}
        new = [_values(fact, key, scan) for key, fact in rows.items() if key not in there]
        if new:
            connection.execute(insert(evidence), new)
            added += len(new)
    return added


def listed(
    connection: Connection,
    *,
    account: str | None = None,
    type: str | None = None,
    kinds: Iterable[str] = (),
    region: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    until_scan: int | None = None,
) -> list[DatedFact]:
    """The facts that fit, newest first; SINCE and UNTIL are inclusive, UNTIL_SCAN is the last scan that counts."""
    query = select(evidence).order_by(evidence.c.at.desc(), evidence.c.id.desc())
    kinds, column = tuple(kinds), evidence.c
    conditions = [
        account is None or column.account == account,
        type is None or column.type == type,
        not kinds or column.kind.in_(kinds),
        region is None or column.region == region,
        since is None or column.at >= since,
        until is None or column.at <= until,
        until_scan is None or column.scan_id <= until_scan,
    ]
    query = query.where(*(condition for condition in conditions if condition is not True))
    return [_fact(row) for row in connection.execute(query)]


def _key(fact: DatedFact) -> bytes:
    """What tells a fact from all others of its account."""
    at = fact.at.astimezone(UTC)
    moment = f"{at:%Y-%m-%d}" if fact.once_a_day else at.isoformat()
    return fingerprint(dumps([fact.kind, fact.region, fact.type, fact.id, moment]))


def _values(fact: DatedFact, key: bytes, scan: Scan) -> dict[str, Any]:
    names = ("kind", "account", "region", "type", "about", "name", "at", "operation", "document")
    values = {name: getattr(fact, name) for name in names}
    return {**values, "resource": fact.id, "digest": key, "scan_id": scan.id, "seen_at": scan.started_at}


def _fact(row: Row[Any]) -> DatedFact:
    return DatedFact(
        row.kind, row.account, row.region, row.type, row.resource, row.about, row.name, row.at, row.operation,
        row.document, scan=row.scan_id, seen_at=row.seen_at,
    )  # fmt: skip
