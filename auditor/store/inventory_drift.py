"""What differs between two scans' inventories, out of the intervals.

A resource is *there* in a scan that saw it, and *not there* in one that read its scope completely and did not; of what a
scan did not read nothing is known, so it is neither new nor gone. Only versions that began or ended between the two scans
are looked at, and only what is there in both and hashed differently is unpacked.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from auditor.drift import Drift, FieldChange, FieldKind, Incomparable, Newly, ResourceChange, ResourceRef, compare
from auditor.model import CoverageState, Scan, Scope
from auditor.store.codec import Unpacker
from auditor.store.numbers import chunks, numbers
from auditor.store.schema import coverage, resources, scopes, versions

__all__ = ["documents", "drift", "touched", "touched_types"]

NOT_READ = "not read"
_NOTHING: Mapping[str, frozenset[str]] = {}


class _Reading(NamedTuple):
    """How one scan read a scope."""

    state: str
    whole: bool
    seen: frozenset[int]
    """What it saw, where it did not see all."""


class _Version(NamedTuple):
    """A version that began or ended between the scans."""

    resource: int
    since: int
    until: int | None
    scope: int
    hash: bytes


def drift(
    connection: Connection,
    before: Scan | None,
    after: Scan,
    *,
    volatile: Mapping[str, Collection[str]] = _NOTHING,
    types: Collection[str] = (),
    regions: Collection[str] = (),
    last_known: bool = False,
) -> Drift:
    """What differs between two scans of an account; BEFORE ``None``: nothing was known.

    LAST_KNOWN: what scan BEFORE did not read is as it was when it was last read whole before that.

    VOLATILE names, by type, the fields that change by themselves: one that was not known as such before is no drift either.
    TYPES and REGIONS narrow it.
    """
    places = _places(connection, after.account, types, regions)
    whole = _Reading(CoverageState.COMPLETE, True, frozenset())
    was = _readings(connection, before) if before else dict.fromkeys(places, whole)
    if before and last_known:
        was |= dict.fromkeys(_read_by(connection, before), whole)
    now = _readings(connection, after)
    both = {number for number in places if number in was and number in now}
    old, new = before.id if before else 0, after.id
    then, here = _between(connection, both, old, new)
    there = {
        number: (_there(then.get(number), was[scope]), _there(here.get(number), now[scope]))
        for number, scope in {row.resource: row.scope for row in (*then.values(), *here.values())}.items()
    }
    added = [number for number, seen in there.items() if seen == (False, True)]
    gone = [number for number, seen in there.items() if seen == (True, False)]
    other = [n for n, seen in there.items() if seen == (True, True) and then[n].hash != here[n].hash]
    changes = dict(_changes(connection, places, other, then, here, volatile))
    newly: tuple[Newly, ...] = ()
    if before and before.types_digest != after.types_digest:
        newly = _newly(connection, places, both, changes, (old, new))
    refs = _refs(connection, places, [*added, *gone, *changes])
    order = sorted(refs, key=lambda number: refs[number])
    apart = sorted(
        Incomparable(scope, _said(was.get(number)), _said(now.get(number)))
        for number, scope in places.items()
        if (number in was or number in now) and not (_whole(was.get(number)) and _whole(now.get(number)))
    )
    return Drift(
        added=tuple(refs[number] for number in order if there[number] == (False, True)),
        changed=tuple(ResourceChange(refs[number], *changes[number]) for number in order if number in changes),
        gone=tuple(refs[number] for number in order if there[number] == (True, False)),
        incomparable=tuple(apart),
        newly=newly,
    )


def touched(connection: Connection, candidates: Iterable[int], before: int, after: int) -> set[int]:
    """Which of the resources have another version after scan AFTER than after scan BEFORE, or had none."""
    found: set[int] = set()
    version = versions.c
    low, high = min(before, after), max(before, after)
    began = select(version.resource_id).where(version.since_scan > low, version.since_scan <= high)
    for some in chunks(sorted(set(candidates))):
        found.update(connection.scalars(began.where(version.resource_id.in_(some))))
    return found


def touched_types(connection: Connection, account: str, low: int, high: int) -> set[str]:
    """The resource types of an account of which a version began or ended after scan LOW and until scan HIGH."""
    version = versions.c
    began = and_(version.since_scan > low, version.since_scan <= high)
    ended = and_(version.until_scan > low, version.until_scan <= high)
    moved = select(version.scope_id).where(or_(began, ended))
    query = select(scopes.c.type).where(scopes.c.account == account, scopes.c.id.in_(moved))
    return set(connection.scalars(query.distinct()))


def documents(connection: Connection, wanted: Iterable[int], scan: int) -> dict[int, dict[str, Any]]:
    """What the resources of those numbers were like at a scan, as far as was known, without what changes by itself."""
    unpacker, version = Unpacker(connection), versions.c
    holds = or_(version.until_scan.is_(None), version.until_scan > scan)
    query = select(version.resource_id, version.codec, version.body).where(version.since_scan <= scan, holds)
    found = {}
    for some in chunks(sorted(wanted)):
        for row in connection.execute(query.where(version.resource_id.in_(some))):
            body = unpacker.unpack(row.codec, row.body)
            found[row.resource_id] = body["d"] | {"Tags": body["t"]}
    return found


def _places(connection: Connection, account: str, types: Collection[str], regions: Collection[str]) -> dict[int, Scope]:
    query = select(scopes).where(scopes.c.account == account)
    if types:
        query = query.where(scopes.c.type.in_(list(types)))
    if regions:
        query = query.where(scopes.c.region.in_(list(regions)))
    return {row.id: Scope(row.account, row.region, row.type) for row in connection.execute(query)}


def _readings(connection: Connection, scan: Scan) -> dict[int, _Reading]:
    unpacker = Unpacker(connection)
    query = select(coverage.c.scope_id, coverage.c.state, coverage.c.codec, coverage.c.seen)
    return {
        row.scope_id: _Reading(
            row.state,
            CoverageState(row.state).known,
            frozenset() if row.seen is None else frozenset(numbers(unpacker.unpack(row.codec, row.seen))),
        )
        for row in connection.execute(query.where(coverage.c.scan_id == scan.id))
    }


def _read_by(connection: Connection, scan: Scan) -> set[int]:
    """The scopes of the account that had been read whole by a scan, or earlier."""
    known = [state for state in CoverageState if state.known]
    query = select(coverage.c.scope_id).join(scopes).where(scopes.c.account == scan.account)
    return set(connection.scalars(query.where(coverage.c.scan_id <= scan.id, coverage.c.state.in_(known)).distinct()))


def _between(
    connection: Connection, wanted: Collection[int], old: int, new: int
) -> tuple[dict[int, _Version], dict[int, _Version]]:
    """The versions that held at the one scan and at the other, of the resources that have another one (or none) there."""
    version, low, high = versions.c, min(old, new), max(old, new)
    columns = (version.resource_id, version.since_scan, version.until_scan, version.scope_id, version.hash)
    query = select(*columns).where(
        version.since_scan <= high,
        or_(version.until_scan.is_(None), version.until_scan > low),
        or_(version.since_scan > low, version.until_scan <= high),
    )
    held: dict[int, dict[int, _Version]] = {old: {}, new: {}}
    for some in chunks(sorted(wanted)):
        for row in connection.execute(query.where(version.scope_id.in_(some))):
            found = _Version(*row)
            for scan, by_resource in held.items():
                if found.since <= scan and (found.until is None or found.until > scan):
                    by_resource[found.resource] = found
    return held[old], held[new]


def _there(version: _Version | None, reading: _Reading) -> bool | None:
    """Whether a scan found a resource; ``None``: it cannot say."""
    if reading.whole:
        return version is not None
    return True if version is not None and version.resource in reading.seen else None


def _whole(reading: _Reading | None) -> bool:
    return reading is not None and reading.whole


def _said(reading: _Reading | None) -> str:
    return NOT_READ if reading is None else reading.state


_Difference = tuple[tuple[FieldChange, ...], tuple[str, ...]]


def _changes(
    connection: Connection,
    places: Mapping[int, Scope],
    wanted: Sequence[int],
    then: Mapping[int, _Version],
    here: Mapping[int, _Version],
    volatile: Mapping[str, Collection[str]],
) -> Iterable[tuple[int, _Difference]]:
    for some in chunks(wanted):
        bodies = _bodies(connection, some, {held[number].since for held in (then, here) for number in some})
        for number in some:
            was, now = (bodies[number, held[number].since] for held in (then, here))
            fields, unread = _differ(was, now, volatile.get(places[here[number].scope].type, ()))
            if fields:
                yield number, (fields, unread)


def _bodies(
    connection: Connection, wanted: Sequence[int], since: Collection[int]
) -> dict[tuple[int, int], Mapping[str, Any]]:
    """The versions of the resources WANTED that began with one of the scans SINCE, by resource and scan."""
    version, unpacker = versions.c, Unpacker(connection)
    query = select(version.resource_id, version.since_scan, version.codec, version.body)
    query = query.where(version.since_scan.in_(list(since)), version.resource_id.in_(wanted))
    rows = connection.execute(query).all()
    return {(row.resource_id, row.since_scan): unpacker.unpack(row.codec, row.body) for row in rows}


def _differ(was: Mapping[str, Any], now: Mapping[str, Any], volatile: Collection[str]) -> _Difference:
    """The differences of two bodies; a field that one of the two could not read is none."""
    unread = {*was.get("g", ()), *now.get("g", ())}
    left_out = unread.union(volatile)
    documents = [{name: held for name, held in body["d"].items() if name not in left_out} for body in (was, now)]
    fields = compare(*documents)
    if "Tags" not in unread and not any("tag" in str(change.path[0]).lower() for change in fields):
        fields += compare({"tags": was["t"]}, {"tags": now["t"]})
    if not fields:
        fields = compare({"name": was["n"]}, {"name": now["n"]})
    return fields, tuple(sorted(unread))


def _newly(
    connection: Connection,
    places: Mapping[int, Scope],
    both: Collection[int],
    changes: dict[int, _Difference],
    scans: tuple[int, int],
) -> tuple[Newly, ...]:
    """Take out of CHANGES what another version of the program reads, or reads no more, and return it.

    That is a field which appeared, or went, on every single resource of its type at once.
    """
    rows = _refs(connection, places, list(changes))
    counts: Counter[tuple[str, FieldChange]] = Counter()
    seen: dict[str, int] = defaultdict(int)
    for number, (fields, _) in changes.items():
        type = rows[number].type
        seen[type] += 1
        counts.update((type, FieldChange(f.path, f.kind)) for f in fields if _is_whole_field(f))
    unchanged = _unchanged(connection, places, both, scans, {type for type, _ in counts})
    found = {
        (type, change) for (type, change), count in counts.items() if count == seen[type] and not unchanged.get(type, 0)
    }
    for number, (fields, unread) in list(changes.items()):
        type = rows[number].type
        kept = tuple(f for f in fields if (type, FieldChange(f.path, f.kind)) not in found)
        if kept:
            changes[number] = (kept, unread)
        else:
            del changes[number]
    return tuple(sorted(Newly(type, change.where, counts[type, change]) for type, change in found))


def _is_whole_field(change: FieldChange) -> bool:
    return len(change.path) == 1 and change.kind in (FieldKind.ADDED, FieldKind.REMOVED)


def _unchanged(
    connection: Connection,
    places: Mapping[int, Scope],
    both: Collection[int],
    scans: tuple[int, int],
    types: Collection[str],
) -> Mapping[str, int]:
    """How many resources of the types have one version over both scans."""
    version, low, high = versions.c, min(scans), max(scans)
    wanted = [number for number in both if places[number].type in types]
    lasted = and_(version.since_scan <= low, or_(version.until_scan.is_(None), version.until_scan > high))
    found: Counter[str] = Counter()
    query = select(version.scope_id, func.count().label("resources")).where(lasted).group_by(version.scope_id)
    for some in chunks(wanted):
        for row in connection.execute(query.where(version.scope_id.in_(some))):
            found[places[row.scope_id].type] += row.resources
    return found


def _refs(connection: Connection, places: Mapping[int, Scope], wanted: Sequence[int]) -> dict[int, ResourceRef]:
    query = select(resources.c.id, resources.c.scope_id, resources.c.arn, resources.c.name)
    return {
        row.id: ResourceRef(places[row.scope_id].type, places[row.scope_id].region, row.arn, row.name)
        for some in chunks(wanted)
        for row in connection.execute(query.where(resources.c.id.in_(some)))
    }
