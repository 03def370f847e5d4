"""Which findings stand differently after two scans, and what made them turn: the account, the check, the numbers, the scope."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from auditor.drift import Cause, FindingTurn, compare
from auditor.model import Finding, FindingState, Lifecycle, Scan, Verdict
from auditor.store import check_versions, inventory_drift
from auditor.store import findings as finding_store
from auditor.store import tallies as tally_store
from auditor.store.numbers import chunks
from auditor.store.schema import finding_versions, findings, scopes, tallies, tally_versions, versions

__all__ = ["turns"]


_NOTHING: Mapping[str, Collection[str]] = {}


class _Version(NamedTuple):
    """A finding's version that began or ended between the two scans."""

    finding: int
    since: int
    until: int | None
    verdict: str
    lifecycle: str
    tally: int
    resource: int | None
    check: str

    @property
    def stands(self) -> bool:
        """Whether it fails, or did when it was last seen."""
        return self.verdict == Verdict.FAIL or self.lifecycle == Lifecycle.UNVERIFIED


def turns(
    connection: Connection,
    before: Scan,
    after: Scan,
    *,
    types: Collection[str] = (),
    regions: Collection[str] = (),
    reads: Mapping[str, Collection[str]] = _NOTHING,
    volatile: Mapping[str, Collection[str]] = _NOTHING,
) -> list[FindingTurn]:
    """What of the failing findings is different at scan AFTER from what it was at scan BEFORE, either being the later one.

    READS says which resource types a check joins, VOLATILE, by type, which fields change by themselves: what was made by
    those is not put down to a check that was changed as well.
    """
    was, now = _between(connection, before, after, types, regions)
    kinds = {number: _kind(was.get(number), now.get(number)) for number in sorted({*was, *now})}
    failed = _failed_before(
        connection, [n for n, k in kinds.items() if k is Lifecycle.OPENED], min(before.id, after.id)
    )
    resolved = [was[number].resource for number, kind in kinds.items() if kind is Lifecycle.RESOLVED]
    alive = _alive(connection, (number for number in resolved if number is not None), after.id)
    for number, kind in kinds.items():
        if kind is Lifecycle.OPENED and number in failed:
            kinds[number] = Lifecycle.REOPENED
        elif kind is Lifecycle.RESOLVED and was[number].resource not in {None, *alive}:
            kinds[number] = Lifecycle.VANISHED
    turned = {number: kind for number, kind in kinds.items() if kind is not None}
    causes = _Causes(connection, before, after, [(now.get(n) or was[n]).resource for n in turned], reads, volatile)
    shown = {n: (was if k in (Lifecycle.RESOLVED, Lifecycle.VANISHED) else now)[n] for n, k in turned.items()}
    states = _states(connection, before, after, shown, turned)
    return [
        FindingTurn(states[number], causes.of(kind, was.get(number), now.get(number), states[number].finding))
        for number, kind in turned.items()
    ]


def _between(
    connection: Connection, before: Scan, after: Scan, types: Collection[str], regions: Collection[str]
) -> tuple[dict[int, _Version], dict[int, _Version]]:
    """The versions that held at the one scan and at the other, of the findings that have another one (or none) there."""
    version, low, high = finding_versions.c, min(before.id, after.id), max(before.id, after.id)
    columns = (version.finding_id, version.since_scan, version.until_scan, version.verdict, version.lifecycle)
    query = (
        select(*columns, findings.c.tally_id, findings.c.resource_id, tallies.c.check)
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(
            scopes.c.account == after.account,
            version.since_scan <= high,
            or_(version.until_scan.is_(None), version.until_scan > low),
            or_(version.since_scan > low, version.until_scan <= high),
        )
    )
    if types:
        query = query.where(scopes.c.type.in_(list(types)))
    if regions:
        query = query.where(scopes.c.region.in_(list(regions)))
    held: dict[int, dict[int, _Version]] = {before.id: {}, after.id: {}}
    for row in connection.execute(query):
        found = _Version(*row)
        for scan, by_finding in held.items():
            if found.since <= scan and (found.until is None or found.until > scan):
                by_finding[found.finding] = found
    return held[before.id], held[after.id]


def _kind(was: _Version | None, now: _Version | None) -> Lifecycle | None:
    stood, stands = was is not None and was.stands, now is not None and now.stands
    if now is not None and now.lifecycle == Lifecycle.UNVERIFIED:
        return None if was is not None and was.lifecycle == Lifecycle.UNVERIFIED else Lifecycle.UNVERIFIED
    if stood == stands:
        return None
    return Lifecycle.OPENED if stands else Lifecycle.RESOLVED


def _failed_before(connection: Connection, candidates: Sequence[int], scan: int) -> set[int]:
    """Which of the findings failed and had ended by a scan."""
    version = finding_versions.c
    query = select(version.finding_id).where(version.until_scan <= scan, finding_store.FAILING).distinct()
    return {
        number
        for some in chunks(candidates)
        for number in connection.scalars(query.where(version.finding_id.in_(some)))
    }


def _alive(connection: Connection, candidates: Iterable[int], scan: int) -> set[int]:
    """Which of the resources were there at a scan, as far as was known."""
    version = versions.c
    holds = or_(version.until_scan.is_(None), version.until_scan > scan)
    query = select(version.resource_id).where(version.since_scan <= scan, holds)
    return {
        number
        for some in chunks(sorted(set(candidates)))
        for number in connection.scalars(query.where(version.resource_id.in_(some)))
    }


def _states(
    connection: Connection,
    before: Scan,
    after: Scan,
    shown: Mapping[int, _Version],
    kinds: Mapping[int, Lifecycle],
) -> dict[int, FindingState]:
    wanted = {(held.finding, held.since) for held in shown.values()}
    reader = finding_store.Reader(connection, after.account)
    found: dict[int, FindingState] = {}
    for some in chunks(sorted(shown)):
        for row in connection.execute(reader.query.where(finding_versions.c.finding_id.in_(some))):
            if (row.finding_id, row.since_scan) in wanted:
                kind = kinds[row.finding_id]
                ended = kind in (Lifecycle.RESOLVED, Lifecycle.VANISHED)
                found[row.finding_id] = reader.state(row, kind, (before if ended else after).id)
    return found


class _Causes:
    """Why findings turned between two scans."""

    def __init__(
        self,
        connection: Connection,
        before: Scan,
        after: Scan,
        touched: Iterable[int | None],
        reads: Mapping[str, Collection[str]],
        volatile: Mapping[str, Collection[str]],
    ) -> None:
        self._connection, self._before, self._after = connection, before, after
        self._reads, self._volatile = reads, volatile
        self._judged = [tally_store.judged(connection, scan.id) or frozenset() for scan in (before, after)]
        self._unread = [_unread(connection, scan) for scan in (before, after)]
        self._versions = [check_versions.as_of(connection, scan) for scan in (before, after)]
        candidates = [number for number in touched if number is not None]
        self._touched = inventory_drift.touched(connection, candidates, before.id, after.id)

    def of(self, kind: Lifecycle, was: _Version | None, now: _Version | None, finding: Finding) -> Cause:
        """What made FINDING turn, which stood as WAS and stands as NOW."""
        version = now or was
        if kind is Lifecycle.VANISHED or version is None:
            return Cause.ACCOUNT
        if kind is Lifecycle.UNVERIFIED or self._is_blind(kind, version, was):
            return Cause.SCOPE
        changed = self._changed(version.check)
        if changed is None:
            return Cause.ACCOUNT
        if version.resource is None:
            return Cause.EITHER
        if version.resource in self._touched:
            told = {name for item in finding.evidence for name in item.facts}
            moved = self._moved.get(version.resource)
            return Cause.ACCOUNT if moved is None or moved & told else Cause.EITHER
        return Cause.EITHER if self._beside(finding) else changed

    @cached_property
    def _moved(self) -> Mapping[int, set[str]]:
        """By resource that was there at both scans and is another since: the names of the fields that differ."""
        held = [inventory_drift.documents(self._connection, self._touched, s.id) for s in (self._before, self._after)]
        return {
            number: {
                step for change in compare(document, held[1][number]) for step in change.path if isinstance(step, str)
            }
            for number, document in held[0].items()
            if number in held[1]
        }

    @cached_property
    def _other_types(self) -> set[str]:
        """The resource types of which anything is new, different or gone."""
        low, high = sorted((self._before.id, self._after.id))
        return inventory_drift.touched_types(self._connection, self._after.account, low, high)

    def _beside(self, finding: Finding) -> bool:
        """Whether a finding may have turned by what it is told of beside its resource: others, time, what changes by itself."""
        moving = self._volatile.get(finding.type, ())
        return not self._other_types.isdisjoint(self._reads.get(finding.check, ())) or any(
            item.since is not None or not item.facts.keys().isdisjoint(moving) for item in finding.evidence
        )

    def _is_blind(self, kind: Lifecycle, version: _Version, was: _Version | None) -> bool:
        """Whether the scan that does not show the finding could not have shown it."""
        side = 1 if kind is Lifecycle.RESOLVED else 0
        unknown = side == 0 and was is not None and was.verdict == Verdict.UNKNOWN
        return version.tally not in self._judged[side] or version.tally in self._unread[side] or unknown

    def _changed(self, check: str) -> Cause | None:
        was, now = (held.get(check) for held in self._versions)
        if was and now:
            if was.code != now.code:
                return Cause.CHECK
            return Cause.STANDARD if was.numbers != now.numbers else None
        if self._before.checks_digest != self._after.checks_digest:
            return Cause.CHECK
        return Cause.STANDARD if self._before.standard_digest != self._after.standard_digest else None


def _unread(connection: Connection, scan: Scan) -> set[int]:
    """The tallies whose scope a scan could not read."""
    version = tally_versions.c
    holds = or_(version.until_scan.is_(None), version.until_scan > scan.id)
    query = select(version.tally_id).join_from(tally_versions, tallies).join(scopes)
    return set(
        connection.scalars(
            query.where(scopes.c.account == scan.account, version.since_scan <= scan.id, holds, version.unread)
        )
    )
