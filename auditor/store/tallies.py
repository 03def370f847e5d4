"""Tallies in and out of the store: counts in columns, ids as row numbers in the body."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, insert, or_, select, update

from auditor.model import Finding, Gap, Scan, Scope, Tally
from auditor.store.codec import Packer, Unpacker, dumps, fingerprint
from auditor.store.database import Database
from auditor.store.numbers import deltas, numbers
from auditor.store.schema import judgements, resources, scopes, tallies, tally_versions

__all__ = ["Rows", "TallyKey", "judged", "read", "rename", "rows_of", "save", "tally_ids", "tally_of"]


class TallyKey(NamedTuple):
    """What identifies a tally."""

    scope: Scope
    check: str


def tally_of(finding: Finding) -> TallyKey:
    """The tally a finding belongs to."""
    return TallyKey(Scope(finding.account, finding.region, finding.type), finding.check)


Rows = Mapping[Scope, Mapping[str, int]]
"""Per scope: resource id -> row number."""


def rows_of(connection: Connection, wanted: Iterable[Scope]) -> Rows:
    """The row numbers of all resources that are, or ever were, in the scopes."""
    wanted = set(wanted)
    found: dict[Scope, dict[str, int]] = {scope: {} for scope in wanted}
    for scope, number in _scope_ids(connection, {scope.account for scope in wanted}).items():
        if scope in wanted:
            query = select(resources.c.arn, resources.c.id).where(resources.c.scope_id == number)
            found[scope] = {row.arn: row.id for row in connection.execute(query).all()}
    return found


def tally_ids(database: Database, connection: Connection, keys: Iterable[TallyKey]) -> dict[TallyKey, int]:
    """The numbers of the tallies, new ones among them, and of all others of the same accounts."""
    keys = list(dict.fromkeys(keys))
    accounts = {key.scope.account for key in keys}
    scope_ids = _scope_ids(connection, accounts)
    missing = list(dict.fromkeys(key.scope for key in keys if key.scope not in scope_ids))
    scope_ids.update(zip(missing, database.allocate(connection, scopes, len(missing)), strict=True))
    if missing:
        connection.execute(insert(scopes), [{"id": scope_ids[scope], **scope._asdict()} for scope in missing])
    query = select(tallies.c.id, tallies.c.check, scopes.c.account, scopes.c.region, scopes.c.type).join(scopes)
    rows = connection.execute(query.where(scopes.c.account.in_(accounts)))
    known = {TallyKey(Scope(row.account, row.region, row.type), row.check): row.id for row in rows}
    new = [key for key in keys if key not in known]
    known.update(zip(new, database.allocate(connection, tallies, len(new)), strict=True))
    if new:
        values = [{"id": known[key], "scope_id": scope_ids[key.scope], "check": key.check} for key in new]
        connection.execute(insert(tallies), values)
    return known


def rename(connection: Connection, account: str, names: Mapping[str, str]) -> None:
    """Give tallies of the checks in NAMES (former id -> id) the new name, where there is no tally of that name yet."""
    ours = tallies.c.scope_id.in_(select(scopes.c.id).where(scopes.c.account == account))
    rows = connection.execute(select(tallies).where(ours, tallies.c.check.in_([*names, *names.values()]))).all()
    taken = {(row.scope_id, row.check) for row in rows}
    for row in rows:
        new = (row.scope_id, names.get(row.check, row.check))
        if new not in taken:
            taken.add(new)
            connection.execute(update(tallies).where(tallies.c.id == row.id).values(check=new[1]))


def save(
    database: Database, connection: Connection, packer: Packer, scan: Scan, given: Mapping[int, Tally], rows: Rows
) -> None:
    """Begin a new version of each tally that is not as it was; GIVEN is by the tally's number."""
    now = scan.id
    held = (
        select(tally_versions.c.tally_id, tally_versions.c.hash)
        .join(tallies, tallies.c.id == tally_versions.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == scan.account, tally_versions.c.until_scan.is_(None))
    )
    current = {row.tally_id: row.hash for row in connection.execute(held)}
    ended, changed, raws = [], [], []
    for number, tally in given.items():
        body = _body(tally, rows[Scope(tally.account, tally.region, tally.type)])
        hash_ = fingerprint(dumps({**body, "x": body["x"] and body["x"][:2]}))
        if current.get(number) == hash_:
            continue
        if number in current:
            ended.append({"row": number})
        counts = (
            len(tally.passed),
            len(tally.failed),
            len(tally.unknown),
            sum(map(len, tally.not_applicable.values())),
        )
        changed.append((number, now, None, *counts, tally.unread is not None, hash_))
        raws.append(dumps(body))
    if ended:
        this = and_(tally_versions.c.tally_id == bindparam("row"), tally_versions.c.until_scan.is_(None))
        connection.execute(update(tally_versions).where(this).values(until_scan=now), ended)
    packed = packer.pack(connection, "tally", raws)
    database.bulk_insert(connection, tally_versions, [(*row, *body) for row, body in zip(changed, packed, strict=True)])


def judged(connection: Connection, scan_id: int) -> frozenset[int] | None:
    """The numbers of the tallies a scan judged; ``None``: it was not judged."""
    row = connection.execute(select(judgements).where(judgements.c.scan_id == scan_id)).one_or_none()
    return None if row is None else frozenset(numbers(Unpacker(connection).unpack(row.codec, row.body)))


def read(connection: Connection, scan: Scan) -> list[Tally]:
    """What a scan concluded, by check and region."""
    wanted = judged(connection, scan.id)
    if not wanted:
        return []
    found = [row for row in connection.execute(_as_of(scan)) if row.id in wanted]
    arns: dict[Scope, dict[int, str]] = {
        scope: {number: arn for arn, number in by_arn.items()}
        for scope, by_arn in rows_of(connection, {Scope(row.account, row.region, row.type) for row in found}).items()
    }
    unpacker = Unpacker(connection)
    result = []
    for row in found:
        body, names = unpacker.unpack(row.codec, row.body), arns[Scope(row.account, row.region, row.type)]
        unread = Gap(*body["x"]) if body["x"] else None
        passed, failed, unknown = (_ids(body[group], names) for group in "pfu")
        skipped = {reason: _ids(group, names) for reason, group in body["n"].items()}
        result.append(Tally(row.check, row.account, row.region, row.type, passed, failed, unknown, skipped, unread))
    return result


def _as_of(scan: Scan) -> Select[Any]:
    holds = or_(tally_versions.c.until_scan.is_(None), tally_versions.c.until_scan > scan.id)
    columns = (tallies.c.id, tallies.c.check, scopes.c.account, scopes.c.region, scopes.c.type)
    return (
        select(*columns, tally_versions.c.codec, tally_versions.c.body)
        .join_from(tallies, scopes)
        .join(tally_versions, tally_versions.c.tally_id == tallies.c.id)
        .where(scopes.c.account == scan.account, tally_versions.c.since_scan <= scan.id, holds)
        .order_by(tallies.c.check, scopes.c.region, tallies.c.id)
    )


def _body(tally: Tally, rows: Mapping[str, int]) -> dict[str, Any]:
    gap = tally.unread
    return {
        "p": _packed(tally.passed, rows),
        "f": _packed(tally.failed, rows),
        "u": _packed(tally.unknown, rows),
        "n": {reason: _packed(ids, rows) for reason, ids in tally.not_applicable.items()},
        "x": [gap.operation, gap.code, gap.message] if gap else None,
    }


def _packed(ids: Sequence[str], rows: Mapping[str, int]) -> list[list[Any]]:
    """Row numbers, and as they are the ids the scope does not have."""
    return [deltas(rows[id] for id in ids if id in rows), sorted(id for id in ids if id not in rows)]


def _ids(packed: list[list[Any]], names: Mapping[int, str]) -> tuple[str, ...]:
    return (*(names[number] for number in numbers(packed[0])), *packed[1])


def _scope_ids(connection: Connection, accounts: Iterable[str]) -> dict[Scope, int]:
    rows = connection.execute(select(scopes).where(scopes.c.account.in_(list(accounts))))
    return {Scope(row.account, row.region, row.type): row.id for row in rows}
