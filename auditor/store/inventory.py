"""What one scan read, as it was then: coverage and resources."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, select, union_all

from auditor.model import Coverage, CoverageState, Gap, Resource, Scan, Scope
from auditor.store.codec import Unpacker
from auditor.store.database import Database
from auditor.store.numbers import numbers
from auditor.store.schema import coverage, observations, resources, scopes, versions

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
        wanted = [
            scope
            for scope, read in self.coverage.items()
            if scope.type == type and account in (None, scope.account) and read.resources
        ]
        if not wanted:
            return
        with self._database.reading() as connection:
            unpacker = Unpacker(connection)
            for scope in wanted:
                yield from self._scope(connection, unpacker, scope)

    def _scope(self, connection: Connection, unpacker: Unpacker, scope: Scope) -> Iterator[Resource]:
        number, seen = self._scopes[scope], self._seen.get(scope)
        volatile = self._volatile(connection, unpacker, number)
        observed_at = self.coverage[scope].observed_at or self._scan.started_at
        account, region, kind = scope
        unpack = unpacker.unpack
        streamed = {"yield_per": _BATCH}
        with connection.execute(_as_of(number, self._scan.id), execution_options=streamed) as rows:
            for row, arn, codec, packed in rows:
                if seen is not None and row not in seen:
                    continue
                body = unpack(codec, packed)
                document, gaps = body["d"], body.get("g", {})
                if row in volatile:
                    values, missing = volatile[row]
                    document.update(values)
                    gaps.update(missing)
                read = {name: Gap(*gap) for name, gap in gaps.items()} if gaps else {}
                yield Resource(kind, arn, body["n"], account, region, observed_at, document, read, body["t"])

    def _volatile(
        self, connection: Connection, unpacker: Unpacker, scope: int
    ) -> dict[int, tuple[dict[str, Any], dict[str, list[str]]]]:
        pages = connection.execute(
            select(observations.c.codec, observations.c.body)
            .where(observations.c.scan_id == self._scan.id, observations.c.scope_id == scope)
            .order_by(observations.c.seq)
        )
        return {int(row): seen for page in pages for row, seen in unpacker.unpack(page.codec, page.body).items()}


def _as_of(scope: int, scan: int) -> Select[Any]:
    """The versions of a scope that held at a scan: two ranges of one index."""
    columns = (versions.c.resource_id, versions.c.codec, versions.c.body)
    began = select(*columns).where(versions.c.scope_id == scope, versions.c.since_scan <= scan)
    held = union_all(began.where(versions.c.until_scan.is_(None)), began.where(versions.c.until_scan > scan)).subquery()
    return (
        select(held.c.resource_id, resources.c.arn, held.c.codec, held.c.body)
        .join(resources, resources.c.id == held.c.resource_id)
        .order_by(held.c.resource_id)
    )


def _coverage(scope: Scope, row: Row[Any]) -> Coverage:
    gap = None if row.operation is None else Gap(row.operation, row.code, row.message)
    gaps = {name: Gap(*parts) for name, parts in (row.gaps or {}).items()}
    return Coverage(
        scope, CoverageState(row.state), gap, row.observed_at, row.resources, row.calls, gaps, row.from_scan
    )
