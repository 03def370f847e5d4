"""An account whose nights are told in a line each, on both databases."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from auditor.model import Coverage, CoverageState, Gap, Resource, Scan, ScanStatus, Scope
from auditor.store import Lease, Store
from auditor.store.schema import metadata

ACCOUNT = "123456789012"
VOLUMES = Scope(ACCOUNT, "eu-west-1", "AWS::EC2::Volume")
ELSEWHERE = Scope(ACCOUNT, "us-east-1", "AWS::EC2::Volume")
START = datetime(2026, 1, 1, 2, tzinfo=UTC)
DENIED = Gap("ec2:DescribeVolumes", "UnauthorizedOperation", "request 1f3a was refused")


STATES = tuple(state for state in CoverageState if state is not CoverageState.NOT_OFFERED)
"""What a scope of a made-up night may be. That a service is gone is believed only after days, so it has tests of its own."""


@dataclass
class Nights:
    """Scans an account again and again; everything it makes up is the same in each run."""

    store: Store
    account: str = ACCOUNT
    volumes: Scope = VOLUMES
    elsewhere: Scope = ELSEWHERE
    volatile: frozenset[str] = frozenset({"Now"})
    denied: Gap = DENIED
    _moments: Iterator[datetime] = field(default_factory=lambda: (START + timedelta(days=day) for day in range(10_000)))

    def volume(
        self, name: str, scope: Scope | None = None, gaps: Mapping[str, Gap] | None = None, **document: Any
    ) -> Resource:
        """A volume of that name; its id comes from scope and name."""
        scope = scope or self.volumes
        arn = f"arn:aws:ec2:{scope.region}:{scope.account}:volume/{name}"
        tags = {"Name": name}
        return Resource(scope.type, arn, name, *scope[:2], START, {"VolumeId": name} | document, gaps or {}, tags)

    def begin(self, *, account: str | None = None, lease: Lease | None = None, **asked: Any) -> Scan:
        """Begin a scan, a day after the one before."""
        values: dict[str, Any] = {"regions": ("eu-west-1", "us-east-1"), "selection": {}} | asked
        return self.store.begin_scan(
            account=account or self.account, account_name="production", partition="aws", program_version="1.0",
            standard_digest="s1", checks_digest="c1", started_at=next(self._moments), lease=lease, **values,
        )  # fmt: skip

    def night(
        self,
        *resources: Resource,
        states: Mapping[Scope, CoverageState] | None = None,
        scopes: Iterable[Scope] | None = None,
        **asked: Any,
    ) -> Scan:
        """A whole scan that reads ``resources``; scopes end complete unless ``states`` says otherwise."""
        scan = self.begin(**asked)
        states = states or {}
        with self.store.writer(scan.id) as writer:
            for scope in scopes or (self.volumes, self.elsewhere):
                page = [item for item in resources if item.scope == scope]
                # Two pages, so that a scope is never written in one go.
                writer.add(scope, page[:1], self.volatile)
                writer.add(scope, page[1:], self.volatile)
                state = states.get(scope, CoverageState.COMPLETE)
                gap = None if state.known else self.denied
                writer.close(Coverage(scope, state, gap, scan.started_at, calls=2))
        return self.store.finish_scan(scan.id, ScanStatus.COMPLETE, scan.started_at, {"calls": 4})

    def read(self, scan: Scan) -> dict[str, Resource]:
        """What the store says a scan read, by id."""
        inventory = self.store.inventory(scan.id)
        return {item.id: item for kind in inventory.types() for item in inventory.resources(kind)}

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.store._database.reading() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in metadata.tables.items()
            }

    def added_rows(self, before: Mapping[str, int]) -> dict[str, int]:
        """Which tables have more (or fewer) rows than before."""
        return {name: count - before[name] for name, count in self.rows().items() if count != before[name]}
