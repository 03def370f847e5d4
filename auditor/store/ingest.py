"""One transaction's worth of what was read, turned into intervals: what is new, what changed, what is gone."""

import struct
from array import array
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from auditor.model import Coverage, Gap, Resource, Scan, Scope
from auditor.store.codec import Packer, dumps, fingerprint, joined
from auditor.store.columns import encode_text
from auditor.store.database import Database
from auditor.store.doubt import believed
from auditor.store.numbers import deltas
from auditor.store.schema import coverage as coverage_table
from auditor.store.schema import observations, resources, versions
from auditor.store.series import METRICS, packed

__all__ = ["Ingest", "Read", "ScopeState", "read"]


class Read(NamedTuple):
    """A resource as it came in."""

    digest: bytes
    arn: str
    name: str
    hash: bytes
    raw: bytes
    volatile: bytes | None
    """The fields that change by themselves, and those of them that are gaps, as JSON."""

    @property
    def size(self) -> int:
        """Roughly how many bytes it takes."""
        return 500 + len(self.raw) + len(self.volatile or b"")


class _Known(NamedTuple):
    """A resource as the store has it."""

    id: int
    since: int | None
    """Where its current version begins; ``None``: it has none, it is gone."""
    hash: bytes | None


class _KnownBefore:
    """What the store has of a scope's resources, by digest: a third of what tuples in a dictionary would take."""

    _FORM = struct.Struct("<qq16s")
    _GONE = -1

    def __init__(self) -> None:
        self._held: dict[bytes, bytes] = {}

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._held

    def get(self, digest: bytes) -> _Known | None:
        held = self._held.get(digest)
        return None if held is None else self._unpacked(held)

    def put(self, digest: bytes, known: _Known) -> None:
        since = self._GONE if known.since is None else known.since
        self._held[digest] = self._FORM.pack(known.id, since, known.hash or b"")

    def besides(self, learnt: Container[bytes]) -> Iterator[_Known]:
        """Those that are not LEARNT anew."""
        return (self._unpacked(held) for digest, held in self._held.items() if digest not in learnt)

    def _unpacked(self, held: bytes) -> _Known:
        number, since, hash_ = self._FORM.unpack(held)
        return _Known(number, None, None) if since == self._GONE else _Known(number, since, hash_)


@dataclass(slots=True)
class ScopeState:
    """A scope that is being read: what the store knows of it, and which resources this scan has seen."""

    id: int
    known: _KnownBefore = field(default_factory=_KnownBefore)
    seen: "array[int]" = field(default_factory=lambda: array("q"))
    """May hold one twice."""
    pages: int = 0


def read(resource: Resource, volatile: frozenset[str]) -> Read:
    """Make a resource ready to be kept: its body, and the hash that says whether it changed.

    The hash covers the document without its volatile fields, tags, name, and the gaps with their codes: messages carry
    request ids. A volatile field that is a gap tonight is tonight's affair, too, and no change.
    """
    document, gaps = resource.document, resource.gaps
    moved = None
    if volatile and not (volatile.isdisjoint(document) and volatile.isdisjoint(gaps)):
        values = {name: document[name] for name in volatile if name in document}
        if METRICS in values:
            values[METRICS] = packed(values[METRICS])
        moved = dumps([values, {name: _plain(gaps[name]) for name in volatile if name in gaps}])
        document = {name: value for name, value in document.items() if name not in volatile}
        gaps = {name: gap for name, gap in gaps.items() if name not in volatile}
    body: dict[str, Any] = {"d": document, "n": resource.name, "t": resource.tags}
    if gaps:
        compared = dumps({**body, "g": {name: gap.code for name, gap in gaps.items()}})
        raw = dumps({**body, "g": {name: _plain(gap) for name, gap in gaps.items()}})
    else:
        compared = raw = dumps(body)
    digest = fingerprint(resource.id.encode("utf-8", "surrogatepass"))
    return Read(digest, resource.id, resource.name, fingerprint(compared), raw, moved)


def _plain(gap: Gap) -> list[str]:
    return [gap.operation, gap.code, gap.message]


class Ingest:
    """Works out the rows of one transaction; what is in memory changes only by ``remember``, after the commit."""

    def __init__(self, database: Database, connection: Connection, scan: Scan, packer: Packer) -> None:
        self._database, self._connection, self._scan, self._packer = database, connection, scan, packer
        self._learnt: list[tuple[ScopeState, dict[bytes, _Known], set[int], int]] = []
        self._ids: Iterator[int] = iter(())
        self._resources: list[tuple[Any, ...]] = []
        self._fresh: dict[int, tuple[ScopeState, str, Read]] = {}
        self._renamed: list[dict[str, Any]] = []
        self._ended: list[dict[str, int]] = []
        self._observations: list[tuple[Any, ...]] = []
        self._coverage: list[dict[str, Any]] = []

    def load(self, scope_id: int) -> ScopeState:
        """What the store knows of a scope."""
        current = and_(versions.c.resource_id == resources.c.id, versions.c.until_scan.is_(None))
        rows = self._connection.execute(
            select(resources.c.digest, resources.c.id, versions.c.since_scan, versions.c.hash)
            .select_from(resources.outerjoin(versions, current))
            .where(resources.c.scope_id == scope_id)
        )
        state = ScopeState(scope_id)
        for digest, *known in rows:
            state.known.put(bytes(digest), _Known(*known))
        return state

    def forget(self, pages: Mapping[int, int]) -> None:
        """Take back what a transaction that was lost may have left: coverage, and observations from a page on, by scope."""
        for scope_id, page in pages.items():
            ours = (observations.c.scan_id == self._scan.id, observations.c.scope_id == scope_id)
            self._connection.execute(delete(observations).where(*ours, observations.c.seq >= page))
            of_scan = (coverage_table.c.scan_id == self._scan.id, coverage_table.c.scope_id == scope_id)
            self._connection.execute(delete(coverage_table).where(*of_scan))

    def reserve(self, work: Iterable[tuple[ScopeState, Sequence[Read]]]) -> None:
        """Number the resources that are new, before they are taken."""
        new = sum(len({item.digest for item in page if item.digest not in state.known}) for state, page in work)
        self._ids = iter(self._database.allocate(self._connection, resources, new))

    def take(self, state: ScopeState, scope: Scope, page: Sequence[Read], coverage: Coverage | None) -> None:
        """Take what was read of a scope since the last time, and its end if it ended."""
        known, learnt = state.known, dict[bytes, _Known]()
        now, seen, moved = self._scan.id, set[int](), dict[int, bytes]()
        for item in page:
            was = learnt.get(item.digest) or known.get(item.digest)
            if was is None:
                was = _Known(next(self._ids), None, None)
                self._resources.append((was.id, state.id, item.digest, encode_text(item.arn), encode_text(item.name)))
            elif was.hash != item.hash:
                self._renamed.append({"row": was.id, "name": item.name})
            if was.hash != item.hash:
                if was.since is not None and was.since != now:
                    self._ended.append({"row": was.id, "since": was.since})
                self._fresh[was.id] = (state, scope.type, item)
                learnt[item.digest] = _Known(was.id, now, item.hash)
            seen.add(was.id)
            if item.volatile is not None:
                moved[was.id] = item.volatile
        if moved:
            (body,) = self._packer.pack(self._connection, "observations", [joined(moved)])
            self._observations.append((now, state.id, state.pages, *body))
        self._learnt.append((state, learnt, seen, 1 if moved else 0))
        if coverage is not None:
            self._close(state, coverage, learnt, seen.union(state.seen))

    def _close(self, state: ScopeState, coverage: Coverage, learnt: Mapping[bytes, _Known], seen: set[int]) -> None:
        missing: list[dict[str, int]] = []
        if coverage.state.known:
            every = chain(state.known.besides(learnt), learnt.values())
            missing = [
                {"row": item.id, "since": item.since}
                for item in every
                if item.since is not None and item.id not in seen
            ]
        coverage = believed(self._connection, self._scan, state.id, coverage, len(missing))
        values: dict[str, Any] = {
            "scan_id": self._scan.id,
            "scope_id": state.id,
            "state": coverage.state,
            "operation": coverage.gap.operation if coverage.gap else None,
            "code": coverage.gap.code if coverage.gap else None,
            "message": coverage.gap.message if coverage.gap else None,
            "observed_at": coverage.observed_at,
            "resources": len(seen),
            "calls": coverage.calls,
            "gaps": {name: _plain(gap) for name, gap in coverage.gaps.items()} or None,
            "codec": None,
            "seen": None,
            "from_scan": coverage.from_scan,
        }
        if coverage.state.known:
            self._ended += missing
        else:
            ((values["codec"], values["seen"]),) = self._packer.pack(self._connection, "seen", [dumps(deltas(seen))])
        self._coverage.append(values)

    def write(self) -> None:
        """Write the rows."""
        connection, database, now = self._connection, self._database, self._scan.id
        database.bulk_insert(connection, resources, self._resources)
        if self._renamed:
            renamed = update(resources).where(resources.c.id == bindparam("row")).values(name=bindparam("name"))
            connection.execute(renamed, self._renamed)
        if self._ended:
            this = and_(versions.c.resource_id == bindparam("row"), versions.c.since_scan == bindparam("since"))
            connection.execute(update(versions).where(this).values(until_scan=now), self._ended)
        self._write_versions()
        database.bulk_insert(connection, observations, self._observations)
        if self._coverage:
            connection.execute(insert(coverage_table), self._coverage)

    def _write_versions(self) -> None:
        # A resource that a second page of the same scan describes differently: the later page holds.
        again = [
            row
            for row, (state, _, item) in self._fresh.items()
            if _began(state.known.get(item.digest)) == self._scan.id
        ]
        if again:
            these = and_(versions.c.resource_id == bindparam("row"), versions.c.since_scan == self._scan.id)
            self._connection.execute(versions.delete().where(these), [{"row": row} for row in again])
        kinds: dict[str, list[int]] = {}
        for row, (_, kind, _) in self._fresh.items():
            kinds.setdefault(kind, []).append(row)
        for kind, rows in kinds.items():
            packed = self._packer.pack(self._connection, kind, [self._fresh[row][2].raw for row in rows])
            self._database.bulk_insert(self._connection, versions, list(self._versions(rows, packed)))

    def _versions(self, rows: Iterable[int], packed: Iterable[tuple[int, bytes]]) -> Iterable[tuple[Any, ...]]:
        for row, (codec, body) in zip(rows, packed, strict=True):
            state, _, item = self._fresh[row]
            yield (row, self._scan.id, None, state.id, item.hash, codec, body)

    def remember(self) -> None:
        """Take over into memory what was committed."""
        for state, learnt, seen, pages in self._learnt:
            for digest, known in learnt.items():
                state.known.put(digest, known)
            state.seen.extend(seen)
            state.pages += pages


def _began(known: _Known | None) -> int | None:
    return known.since if known else None
