"""Tallies in and out of the store: counts in columns, ids as row numbers in the body."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, insert, or_, select, update

from auditor.model import Finding, Gap, Scan, Scope, Tally
from auditor.store.codec import Packer, Unpacker, dumps, fingerprint
from auditor.store.database import Database
from auditor.store.numbers import Marks, deltas, numbers
from auditor.store.schema import judgements, resources, scopes, tallies, tally_versions

__all__ = [
    "Decided",
    "Rows",
    "TallyKey",
    "checks_of",
    "judged",
    "of_checks",
    "read",
    "rename",
    "save",
    "tally_ids",
    "tally_of",
]


_AT_ONCE = 256
"""Tallies of one insert."""


class TallyKey(NamedTuple):
    """What identifies a tally."""

    scope: Scope
    check: str


def tally_of(finding: Finding) -> TallyKey:
    """The tally a finding belongs to."""
    return TallyKey(Scope(finding.account, finding.region, finding.type), finding.check)


_MOST_ROWS = 50_000


class Rows:
    """The row numbers of all resources that are, or ever were, in a scope: loaded when asked for, let go when there are many."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ids: dict[str, dict[Scope, int]] = {}
        self._held: dict[Scope, dict[str, int]] = {}
        self._count = 0

    def of(self, scope: Scope) -> Mapping[str, int]:
        """Resource id -> row number."""
        held = self._held.get(scope)
        if held is None:
            if scope.account not in self._ids:
                self._ids[scope.account] = _scope_ids(self._connection, [scope.account])
            query = select(resources.c.arn, resources.c.id).where(
                resources.c.scope_id == self._ids[scope.account].get(scope)
            )
            held = {row.arn: row.id for row in self._connection.execute(query)}
            if self._count + len(held) > _MOST_ROWS:
                self._held.clear()
                self._count = 0
            self._held[scope] = held
            self._count += len(held)
        return held


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


class Decided(NamedTuple):
    """What a tally says of a resource that nothing was found about."""

    unread: Gap | None
    rows: Marks
    """Those that could not be judged; where the scope was not read whole: those that were judged after all."""
    names: frozenset[str]
    """The same, of resources that the scope does not have."""

    def unknown(self, row: int | None, resource: str) -> bool:
        """Whether it could not be judged."""
        return (row in self.rows or resource in self.names) == (self.unread is None)


def save(
    database: Database,
    connection: Connection,
    packer: Packer,
    scan: Scan,
    given: Iterable[tuple[int, Tally]],
    rows: Rows,
) -> dict[int, Decided]:
    """Begin a new version of each tally that is not as it was; GIVEN is by the tally's number, scope by scope."""
    held = (
        select(tally_versions.c.tally_id, tally_versions.c.hash)
        .join(tallies, tallies.c.id == tally_versions.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == scan.account, tally_versions.c.until_scan.is_(None))
    )
    current = {row.tally_id: row.hash for row in connection.execute(held)}
    decided: dict[int, Decided] = {}
    ended: list[dict[str, int]] = []
    changed: list[tuple[Any, ...]] = []
    raws: list[bytes] = []

    def write() -> None:
        if ended:
            this = and_(tally_versions.c.tally_id == bindparam("row"), tally_versions.c.until_scan.is_(None))
            connection.execute(update(tally_versions).where(this).values(until_scan=scan.id), ended)
        packed = packer.pack(connection, "tally", raws)
        database.bulk_insert(
            connection, tally_versions, [(*row, *body) for row, body in zip(changed, packed, strict=True)]
        )
        for some in (ended, changed, raws):
            some.clear()

    for number, tally in given:
        of_scope = rows.of(Scope(tally.account, tally.region, tally.type))
        decided[number] = _decided(tally, of_scope)
        body = _body(tally, of_scope)
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
        changed.append((number, scan.id, None, *counts, tally.unread is not None, hash_))
        raws.append(dumps(body))
        if len(raws) >= _AT_ONCE:
            write()
    write()
    return decided


def _decided(tally: Tally, rows: Mapping[str, int]) -> Decided:
    ids: Iterable[str] = tally.unknown
    if tally.unread is not None:
        judged = {id for group in (tally.passed, tally.failed, *tally.not_applicable.values()) for id in group}
        ids = judged.difference(tally.unknown)
    numbered = Marks(rows[id] for id in ids if id in rows)
    return Decided(tally.unread, numbered, frozenset(id for id in ids if id not in rows))


def judged(connection: Connection, scan_id: int) -> frozenset[int] | None:
    """The numbers of the tallies a scan judged; ``None``: it was not judged."""
    row = connection.execute(select(judgements).where(judgements.c.scan_id == scan_id)).one_or_none()
    return None if row is None else frozenset(numbers(Unpacker(connection).unpack(row.codec, row.body)))


def checks_of(connection: Connection, wanted: Collection[int], account: str) -> frozenset[str]:
    """The checks of an account's tallies WANTED (their numbers)."""
    query = select(tallies.c.id, tallies.c.check).join(scopes).where(scopes.c.account == account)
    return frozenset(check for number, check in connection.execute(query) if number in wanted)


def of_checks(connection: Connection, account: str, checks: Collection[str]) -> frozenset[int]:
    """The numbers of an account's tallies of those CHECKS (ids)."""
    query = select(tallies.c.id, tallies.c.check).join(scopes).where(scopes.c.account == account)
    return frozenset(number for number, check in connection.execute(query) if check in checks)


def read(connection: Connection, scan: Scan) -> list[Tally]:
    """What a scan concluded, by check and region."""
    wanted = judged(connection, scan.id)
    if not wanted:
        return []
    found = [row for row in connection.execute(_as_of(scan)) if row.id in wanted]
    rows, arns = Rows(connection), dict[Scope, dict[int, str]]()
    unpacker = Unpacker(connection)
    result = []
    for row in found:
        scope = Scope(row.account, row.region, row.type)
        if scope not in arns:
            arns[scope] = {number: arn for arn, number in rows.of(scope).items()}
        body, names = unpacker.unpack(row.codec, row.body), arns[scope]
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
