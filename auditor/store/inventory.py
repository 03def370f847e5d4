"""What one scan read, as it was then: coverage and resources."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select, union_all

from auditor.model import Coverage, CoverageState, Gap, Resource, Scan, Scope
from auditor.store.codec import Unpacker
from auditor.store.columns import some_of
from auditor.store.database import Database
from auditor.store.numbers import chunks, numbers
from auditor.store.schema import coverage, observations, resources, scopes, versions
from auditor.store.series import METRICS, unpacked

__all__ = ["Inventory"]

_BATCH = 2000


class Inventory:
    """The coverage and the resources of one scan; resources are streamed, never all held."""

    coverage: Mapping[Scope, Coverage]
    """Every scope the scan closed; a scope that is not here was not read."""

    def __init__(self, database: Database, scan: Scan) -> None:
        self._database = database
        self._scan = scan
        self._scopes: dict[Scope, int] = {}
        self._seen: dict[Scope, frozenset[int]] = {}
        found: dict[Scope, Coverage] = {}
        with database.reading() as connection:
            unpacker = Unpacker(connection)
            of_scan = select(scopes, coverage).join(coverage).where(coverage.c.scan_id == scan.id)
            for row in connection.execute(of_scan.order_by(scopes.c.type, scopes.c.region)):
                scope = Scope(row.account, row.region, row.type)
                found[scope] = _coverage(scope, row)
                self._scopes[scope] = row.id
                if row.seen is not None:
                    self._seen[scope] = frozenset(numbers(unpacker.unpack(row.codec, row.seen)))
        self.coverage = found

    @property
    def count(self) -> int:
        """How many resources can be read."""
        return sum(read.resources for read in self.coverage.values())

    def types(self) -> list[str]:
        """The resource types the scan tried to read, sorted."""
        return sorted({scope.type for scope in self.coverage})

    def resources(self, type: str, account: str | None = None) -> Iterator[Resource]:
        """The type's resources in all regions, with the volatile fields this scan saw.

        Those of a completely read scope: all that were current; of another: only those this scan saw.
        """
        wanted = self._wanted(type, account)
        if not wanted:
            return
        with self._database.reading() as connection:
            unpacker = Unpacker(connection)
            for scope in wanted:
                yield from self._scope(connection, unpacker, scope)

    def steady(self, type: str, ids: Container[str]) -> Iterator[Resource]:
        """Those of the type's resources that are in IDS, without what changes by itself: for that, most time is spent.

        What was read of a type that has two weeks of metrics is nearly all of that kind.
        """
        with self._database.reading() as connection:
            unpacker = Unpacker(connection)
            for scope in self._wanted(type):
                yield from self._resources(connection, unpacker, scope, self._seen.get(scope), {}, None, only=ids)

    def ids(self, type: str) -> Iterator[tuple[Scope, str]]:
        """Scope and id of each of the type's resources; nothing is unpacked."""
        with self._database.reading() as connection:
            for scope in self._wanted(type):
                seen = self._seen.get(scope)
                told = {"scope": self._scopes[scope], "scan": self._scan.id}
                for row, arn in connection.execute(_IDS, told):
                    if seen is None or row in seen:
                        yield scope, arn

    def _wanted(self, type: str, account: str | None = None) -> list[Scope]:
        return [
            scope
            for scope, read in self.coverage.items()
            if scope.type == type and account in (None, scope.account) and read.resources
        ]

    def _scope(self, connection: Connection, unpacker: Unpacker, scope: Scope) -> Iterator[Resource]:
        number, seen = self._scopes[scope], self._seen.get(scope)
        done = set[int]()
        # What changes by itself is large (two weeks of metrics), so the resources that have it come with each page of it.
        for page in self._pages(connection, number):
            moved = {int(row): read for row, read in unpacker.unpack(page.codec, page.body).items()}
            for some in chunks(sorted(moved.keys() - done)):
                yield from self._resources(connection, unpacker, scope, seen, moved, some)
            done |= moved.keys()
        yield from self._resources(connection, unpacker, scope, seen, {}, None, done)

    def _resources(
        self,
        connection: Connection,
        unpacker: Unpacker,
        scope: Scope,
        seen: Container[int] | None,
        moved: Mapping[int, Any],
        which: Sequence[int] | None,
        done: Container[int] = (),
        only: Container[str] | None = None,
    ) -> Iterator[Resource]:
        observed_at = self.coverage[scope].observed_at or self._scan.started_at
        account, region, kind = scope
        unpack = unpacker.unpack
        told: dict[str, Any] = {"scope": self._scopes[scope], "scan": self._scan.id}
        query, told = (_ALL, told) if which is None else (_SOME, {**told, "some": which})
        with connection.execute(query, told, execution_options={"yield_per": _BATCH}) as rows:
            for row, arn, codec, packed in rows:
                if row in done or (seen is not None and row not in seen) or (only is not None and arn not in only):
                    continue
                body = unpack(codec, packed)
                document, gaps = body["d"], body.get("g", {})
                if row in moved:
                    values, missing = moved[row]
                    document.update(values)
                    gaps.update(missing)
                    if METRICS in values:
                        document[METRICS] = unpacked(values[METRICS])
                read = {name: Gap(*gap) for name, gap in gaps.items()} if gaps else {}
                yield Resource(kind, arn, body["n"], account, region, observed_at, document, read, body["t"])

    def _pages(self, connection: Connection, scope: int) -> Iterator[Row[int, bytes]]:
        """What changes by itself, page by page; the last first, for it holds where two tell of one resource."""
        of_scope = (observations.c.scan_id == self._scan.id, observations.c.scope_id == scope)
        numbers = connection.scalars(select(observations.c.seq).where(*of_scope).order_by(observations.c.seq.desc()))
        page = select(observations.c.codec, observations.c.body)
        for number in numbers.all():
            yield connection.execute(page.where(*of_scope, observations.c.seq == number)).one()


def _as_of(*which: ColumnElement[bool], bodies: bool = True) -> Select[Any]:
    """The versions of a scope that held at a scan: two ranges of one index."""
    scope, scan = (bindparam(name, type_=versions.c.since_scan.type) for name in ("scope", "scan"))
    columns: list[Any] = [versions.c.resource_id, *((versions.c.codec, versions.c.body) if bodies else ())]
    began = select(*columns).where(versions.c.scope_id == scope, versions.c.since_scan <= scan, *which)
    held = union_all(began.where(versions.c.until_scan.is_(None)), began.where(versions.c.until_scan > scan)).subquery()
    return (
        select(held.c.resource_id, resources.c.arn, *list(held.c)[1:])
        .join(resources, resources.c.id == held.c.resource_id)
        .order_by(held.c.resource_id)
    )


# Each once: see some_of.
_ALL = _as_of()
_IDS = _as_of(bodies=False)
_SOME = _as_of(versions.c.resource_id.in_(some_of(versions.c.resource_id)))


def _coverage(scope: Scope, row: Row[Any]) -> Coverage:
    gap = None if row.operation is None else Gap(row.operation, row.code, row.message)
    gaps = {name: Gap(*parts) for name, parts in (row.gaps or {}).items()}
    return Coverage(
        scope, CoverageState(row.state), gap, row.observed_at, row.resources, row.calls, gaps, row.from_scan
    )
