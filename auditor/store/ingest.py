"""One transaction's worth of what was read, turned into intervals: what is new, what changed, what is gone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from auditor.model import Coverage, Gap, Resource, Scan, Scope
from auditor.store.codec import Packer, dumps, fingerprint, joined
from auditor.store.columns import encode_text
from auditor.store.database import Database
from auditor.store.doubt import believed
from auditor.store.known import KnownHere
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


@dataclass(slots=True)
class ScopeState:
    """A scope that is being read: what the store knows of it, and which resources this scan has seen."""

    id: int
    known: KnownHere = field(default_factory=KnownHere)
    pages: int = 0


@dataclass(slots=True)
class _Learnt:
    """What one transaction found out about a scope."""

    state: ScopeState
    rows: list[int]
    """Of what it saw; -1: of what is new."""
    new: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """Digest -> id and hash."""
    changed: dict[int, bytes] = field(default_factory=dict)
    """Row -> the hash that it has from now on."""
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
        self._found: dict[int, list[int]] = {}
        self._learnt: list[_Learnt] = []
        self._ids: Iterator[int] = iter(())
        self._resources: list[tuple[Any, ...]] = []
        self._fresh: dict[int, tuple[ScopeState, str, Read]] = {}
        self._again: set[int] = set()
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
        state.known.add(tuple(row) for row in rows)
        return state

    def forget(self, pages: Mapping[int, int]) -> None:
        """Take back what a transaction that was lost may have left: coverage, and observations from a page on, by scope."""
        for scope_id, page in pages.items():
            ours = (observations.c.scan_id == self._scan.id, observations.c.scope_id == scope_id)
            self._connection.execute(delete(observations).where(*ours, observations.c.seq >= page))
            of_scan = (coverage_table.c.scan_id == self._scan.id, coverage_table.c.scope_id == scope_id)
            self._connection.execute(delete(coverage_table).where(*of_scan))

    def reserve(self, work: Iterable[tuple[ScopeState, Sequence[Read]]]) -> None:
        """Find what is known already, and number the resources that are new, before they are taken."""
        new = 0
        for state, page in work:
            found = self._found[state.id] = state.known.rows([item.digest for item in page])
            new += len({item.digest for item, row in zip(page, found, strict=True) if row < 0})
        self._ids = iter(self._database.allocate(self._connection, resources, new))

    def take(self, state: ScopeState, scope: Scope, page: Sequence[Read], coverage: Coverage | None) -> None:
        """Take what was read of a scope since the last time, and its end if it ended."""
        known, learnt = state.known, _Learnt(state, self._found[state.id])
        moved = dict[int, bytes]()
        for item, row in zip(page, learnt.rows, strict=True):
            same = row >= 0 and row not in learnt.changed and known.holds(row, item.hash)
            id = known.id(row) if same else self._change(learnt, scope, item, row)
            if item.volatile is not None:
                moved[id] = item.volatile
        if moved:
            (body,) = self._packer.pack(self._connection, "observations", [joined(moved)])
            self._observations.append((self._scan.id, state.id, state.pages, *body))
            learnt.pages = 1
        self._learnt.append(learnt)
        if coverage is not None:
            self._close(learnt, coverage)

    def _change(self, learnt: "_Learnt", scope: Scope, item: Read, row: int) -> int:
        """Note a resource that is new or whose body is not the one that is known; return its id."""
        known, now = learnt.state.known, self._scan.id
        if row < 0:
            id, was = learnt.new.get(item.digest, (0, None))
            if was is None:
                id = next(self._ids)
                self._resources.append(
                    (id, learnt.state.id, item.digest, encode_text(item.arn), encode_text(item.name))
                )
            learnt.new[item.digest] = id, item.hash
        else:
            id, since, was = known.id(row), known.since(row), learnt.changed.get(row)
            if since == now:
                self._again.add(id)
            elif since is not None and was is None:
                self._ended.append({"row": id, "since": since})
            learnt.changed[row] = item.hash
        if was != item.hash:
            if row >= 0 or was is not None:
                self._renamed.append({"row": id, "name": item.name})
            self._fresh[id] = (learnt.state, scope.type, item)
        return id

    def _close(self, learnt: "_Learnt", coverage: Coverage) -> None:
        state, known, rows = learnt.state, learnt.state.known, learnt.rows
        missing: list[dict[str, int]] = []
        if coverage.state.known:
            missing = [{"row": id, "since": since} for id, since in known.unseen(rows)]
        coverage = believed(self._connection, self._scan, state.id, coverage, len(missing))
        values: dict[str, Any] = {
            "scan_id": self._scan.id,
            "scope_id": state.id,
            "state": coverage.state,
            "operation": coverage.gap.operation if coverage.gap else None,
            "code": coverage.gap.code if coverage.gap else None,
            "message": coverage.gap.message if coverage.gap else None,
            "observed_at": coverage.observed_at,
            "resources": known.count_seen(rows) + len(learnt.new),
            "calls": coverage.calls,
            "gaps": {name: _plain(gap) for name, gap in coverage.gaps.items()} or None,
            "codec": None,
            "seen": None,
            "from_scan": coverage.from_scan,
        }
        if coverage.state.known:
            self._ended += missing
        else:
            seen = deltas([*known.seen_ids(rows), *(id for id, _ in learnt.new.values())])
            ((values["codec"], values["seen"]),) = self._packer.pack(self._connection, "seen", [dumps(seen)])
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
        if self._again:
            these = and_(versions.c.resource_id == bindparam("row"), versions.c.since_scan == self._scan.id)
            self._connection.execute(versions.delete().where(these), [{"row": row} for row in sorted(self._again)])
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
        now = self._scan.id
        for learnt in self._learnt:
            known = learnt.state.known
            known.saw(learnt.rows)
            for row, hash_ in learnt.changed.items():
                known.change(row, now, hash_)
            known.saw(known.add((digest, id, now, hash_) for digest, (id, hash_) in learnt.new.items()))
            learnt.state.pages += learnt.pages
