"""Findings out of the store: their bodies, and how they stood after a scan."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select

from auditor.model import (
    Certainty,
    Evidence,
    Finding,
    FindingState,
    Gap,
    Lifecycle,
    Price,
    Saving,
    Scan,
    Severity,
    Verdict,
    counted,
)
from auditor.store import tallies as tally_store
from auditor.store.codec import Unpacker
from auditor.store.schema import coverage, finding_versions, findings, scans, scopes, tallies, waivings

__all__ = [
    "FAILING",
    "LIFECYCLES",
    "SEVERITIES",
    "VERDICTS",
    "Clock",
    "Reader",
    "batches",
    "body_of",
    "changes",
    "placed",
    "places",
    "read",
    "savings",
    "sentence_of",
]

_BATCH = 8192
"""Findings that are read together; those of one check and region that are alike are never parted."""

FAILING = or_(finding_versions.c.verdict == Verdict.FAIL, finding_versions.c.lifecycle == Lifecycle.UNVERIFIED)
"""Versions in the life of something that fails, or did when it was last seen."""


def read(connection: Connection, scan: Scan, verdicts: Collection[Verdict] | None) -> list[FindingState]:
    """The findings of the tallies a scan judged, as they stood after it."""
    wanted = tally_store.judged(connection, scan.id)
    if not wanted:
        return []
    holds = or_(finding_versions.c.until_scan.is_(None), finding_versions.c.until_scan > scan.id)
    reader = Reader(connection, scan.account)
    query = reader.query.where(finding_versions.c.since_scan <= scan.id, holds)
    if verdicts is not None:
        query = query.where(finding_versions.c.verdict.in_(list(verdicts)))
    return [
        reader.state(row, _lifecycle(row, scan), scan.id) for row in connection.execute(query) if row.tally_id in wanted
    ]


def batches(connection: Connection, scan: Scan, checks: Sequence[str]) -> Iterator[list[FindingState]]:
    """What ``read`` gives, a batch at a time: failures first, worst first, then in the order of CHECKS (ids) and by region.

    Findings that are alike in all four come in one batch, in any order.
    """
    wanted = tally_store.judged(connection, scan.id)
    if not wanted:
        return
    version, rank = finding_versions.c, {id: number for number, id in enumerate(checks)}
    holds = and_(version.since_scan <= scan.id, or_(version.until_scan.is_(None), version.until_scan > scan.id))
    reader = Reader(connection, scan.account)
    counted = select(findings.c.tally_id, version.verdict, version.severity, func.count())
    counted = counted.join_from(finding_versions, findings).where(holds)
    counted = counted.group_by(findings.c.tally_id, version.verdict, version.severity)
    kinds: dict[tuple[bool, int, str, str], dict[_Place, list[tuple[int, int]]]] = {}
    for tally, verdict, severity, count in connection.execute(counted):
        if tally in wanted and tally in reader.places:
            kind = verdict != Verdict.FAIL, SEVERITIES[severity].rank, verdict, severity
            check, _, _, region, _ = reader.places[tally]
            kinds.setdefault(kind, {}).setdefault((rank.get(check, len(rank)), region), []).append((tally, count))
    for kind in sorted(kinds):
        alike = reader.rows.where(holds, version.verdict == kind[2], version.severity == kind[3])
        for some in _together(kinds[kind]):
            rows = connection.execute(alike.where(findings.c.tally_id.in_(some))).all()  # one by one is dear
            yield [reader.state(row, _lifecycle(row, scan), scan.id) for row in rows]


_Place = tuple[int, str]
"""Where a tally's findings come among their kind."""


def _together(places: Mapping[_Place, list[tuple[int, int]]]) -> Iterator[list[int]]:
    """Yield the numbers of tallies whose findings are read together, in order."""
    some: list[int] = []
    held = 0
    for place in sorted(places):
        coming = sum(count for _, count in places[place])
        if some and (held + coming > _BATCH or len(some) > _MOST_TALLIES):
            yield some
            some, held = [], 0
        some += [tally for tally, _ in places[place]]
        held += coming
    if some:
        yield some


_MOST_TALLIES = 500
"""That a query names at once."""


def changes(connection: Connection, scan: Scan) -> list[FindingState]:
    """What a scan changed in the life of failing findings."""
    turned = (Lifecycle.OPENED, Lifecycle.REOPENED, Lifecycle.UNVERIFIED)
    began = and_(finding_versions.c.since_scan == scan.id, finding_versions.c.lifecycle.in_(turned))
    # One that was unverified already, and is so for another reason now, did not turn.
    before = finding_versions.alias()
    was_unverified = exists().where(
        before.c.finding_id == finding_versions.c.finding_id,
        before.c.until_scan == scan.id,
        before.c.lifecycle == Lifecycle.UNVERIFIED,
        finding_versions.c.lifecycle == Lifecycle.UNVERIFIED,
    )
    reader = Reader(connection, scan.account)
    begun = [
        reader.state(row, Lifecycle(row.lifecycle), scan.id)
        for row in connection.execute(reader.query.where(began, FAILING, ~was_unverified))
    ]
    ended = and_(finding_versions.c.until_scan == scan.id, finding_versions.c.ended.is_not(None))
    return begun + [
        reader.state(row, Lifecycle(row.ended), scan.id)
        for row in connection.execute(reader.query.where(ended, FAILING))
    ]


def placed(stored: Iterable[FindingState], scan: Scan, given: Iterable[Finding]) -> list[FindingState]:
    """Findings that are not stored, placed in time by those which are."""
    known = {state.finding.key: state for state in stored}
    result = []
    for finding in given:
        if finding.verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
            continue
        was = known.get(finding.key)
        if was is None or (was.finding.verdict, finding.verdict) == (Verdict.UNKNOWN, Verdict.FAIL):
            state = FindingState(finding, Lifecycle.OPENED, scan.started_at, scan.id, scan.started_at)
        elif (was.finding.verdict, finding.verdict) == (Verdict.FAIL, Verdict.UNKNOWN):
            state = FindingState(finding, Lifecycle.UNVERIFIED, was.since, was.since_scan, was.last_seen)
        else:
            state = FindingState(finding, was.lifecycle, was.since, was.since_scan, was.last_seen)
        result.append(state)
    return result


def body_of(finding: Finding) -> dict[str, Any]:
    """What of a finding is in no column, as JSON values."""
    evidence = [_evidence_out(item) for item in finding.evidence]
    gaps = [[gap.operation, gap.code, gap.message] for gap in finding.gaps]
    return {"n": finding.name, "e": evidence, "r": finding.reason, "g": gaps, "x": finding.fault}


class Clock:
    """When the scans of an account began, and when they saw a scope."""

    def __init__(self, connection: Connection, account: str) -> None:
        self._connection = connection
        rows = connection.execute(select(scans.c.id, scans.c.started_at).where(scans.c.account == account))
        self.began: dict[int, datetime] = {row.id: row.started_at for row in rows}
        self._seen: dict[int, dict[int, datetime]] = {}

    def as_of(self, scan: int, number: int) -> datetime:
        """When scan NUMBER began, seen from SCAN: where the clock was set back between the two, nothing has a negative age."""
        began = self.began[number]
        return min(began, self.began[scan]) if number < scan else began

    def saw(self, scan: int, scope: int) -> datetime:
        """When a scan saw a scope, as its checks were told: the first answer's date, else the scan's beginning."""
        if scan not in self._seen:
            told = select(coverage.c.scope_id, coverage.c.observed_at).where(coverage.c.scan_id == scan)
            rows = self._connection.execute(told.where(coverage.c.observed_at.is_not(None)))
            self._seen[scan] = {row.scope_id: row.observed_at for row in rows}
        return self._seen[scan].get(scope) or self.began[scan]


def _lifecycle(row: Row[Any], scan: Scan) -> Lifecycle:
    lifecycle = LIFECYCLES[row[_LIFECYCLE]]
    return lifecycle if lifecycle is Lifecycle.UNVERIFIED or row[_SINCE_SCAN] == scan.id else Lifecycle.OPEN


_SINCE_SCAN, _LIFECYCLE = 4, 8
"""Where they stand in a row of ``Reader``: asking by name takes longer than reading it."""


def places(connection: Connection, account: str) -> dict[int, tuple[str, int, str, str, str]]:
    """Number of each of an account's tallies -> check, number of the scope, account, region and type.

    Said once for each tally, not for each finding: a list of many waits for nothing but its own rows.
    """
    told = select(tallies.c.id, tallies.c.check, tallies.c.scope_id, scopes.c.account, scopes.c.region, scopes.c.type)
    told = told.join_from(tallies, scopes).where(scopes.c.account == account)
    return {number: (check, *place) for number, check, *place in connection.execute(told)}


class Reader:
    """Reads versions of an account's findings: QUERY selects them, STATE makes a row what it says."""

    def __init__(self, connection: Connection, account: str) -> None:
        self._clock, self._unpacker = Clock(connection, account), Unpacker(connection)
        self.places = places(connection, account)
        version = finding_versions.c
        columns = [column for column in finding_versions.columns if column is not version.hash]
        told = select(findings.c.key, findings.c.tally_id, findings.c.resource, *columns)
        self.rows: Any = told.join_from(finding_versions, findings)
        """The same as ``query`` for who names the tallies, which are an account's; in no order."""
        self.query: Select[Any] = (
            self.rows.join(tallies, tallies.c.id == findings.c.tally_id)
            .join(scopes)
            .where(scopes.c.account == account)
            .order_by(findings.c.id)
        )

    def state(self, row: Sequence[Any], lifecycle: Lifecycle, scan: int) -> FindingState:
        """A row of QUERY as it stood after a scan."""
        # By position: asking a row for its values by name takes longer than reading it.
        key, tally, resource, _, _, _, verdict, severity, _, _, opened, seen, _, codec, packed = row
        body, seen = self._unpacker.unpack(codec, packed), seen or scan
        check, scope, account, region, type = self.places[tally]
        evidence, gaps = body["e"], body["g"]
        if evidence:
            saw = self._clock.saw(seen, scope)
            evidence = [_evidence_in(item, saw) for item in evidence]
        finding = Finding(
            key,
            check,
            resource,
            type,
            body["n"],
            account,
            region,
            VERDICTS[verdict],
            SEVERITIES[severity],
            tuple(evidence),
            body["r"],
            tuple([Gap(*gap) for gap in gaps]) if gaps else (),
            body["x"],
        )
        as_of = self._clock.as_of
        return FindingState(finding, lifecycle, as_of(scan, opened), opened, as_of(scan, seen))


VERDICTS = {str(verdict): verdict for verdict in Verdict}
SEVERITIES = {str(severity): severity for severity in Severity}
LIFECYCLES = {str(lifecycle): lifecycle for lifecycle in Lifecycle}
CERTAINTIES = {str(certainty): certainty for certainty in Certainty}
"""By their values, five times as fast as asking the enumeration."""


def savings(connection: Connection, scan: Scan) -> list[tuple[str, str, float]]:
    """Check, resource and USD a month of each failing finding that a scan judged, that is priced and not waived."""
    wanted = tally_store.judged(connection, scan.id) or frozenset()
    version = finding_versions.c
    holds = or_(version.until_scan.is_(None), version.until_scan > scan.id)
    query = (
        select(tallies.c.check, findings.c.resource, version.usd_month, tallies.c.id)
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == scan.account, version.since_scan <= scan.id, holds)
        .where(version.verdict == Verdict.FAIL, version.usd_month.is_not(None))
        .where(~_waived(scan.id))
    )
    return [(check, resource, usd) for check, resource, usd, tally in connection.execute(query) if tally in wanted]


def _waived(scan: int) -> ColumnElement[bool]:
    """Whether a finding was accepted in that scan."""
    holds = or_(waivings.c.until_scan.is_(None), waivings.c.until_scan > scan)
    return exists().where(waivings.c.finding_id == findings.c.id, waivings.c.since_scan <= scan, holds)


def _evidence_out(item: Evidence) -> list[Any]:
    """An evidence as JSON values: what follows from the clock is left to be filled in when it is read."""
    said: list[Any] = [item.template or item.sentence, item.facts, item.severity]
    said.append(None if item.saving is None else _saving_out(item.saving))
    return said if item.since is None else [*said, item.since.isoformat()]


_SINCE = 4
"""Where the body of an evidence says what its sentence counts from, if it counts."""


def sentence_of(item: list[Any], now: datetime | None) -> str:
    """The sentence of an evidence in a body; NOW fills in what it counts by the clock."""
    sentence: str = item[0]
    return sentence if now is None or len(item) <= _SINCE else counted(sentence, _moment(item[_SINCE]), now)


def _evidence_in(item: list[Any], now: datetime) -> Evidence:
    sentence, facts, severity, saving, *since = item
    worse, money = SEVERITIES[severity] if severity else None, _saving_in(saving) if saving else None
    if not since:
        return Evidence(sentence, facts, worse, money)
    began = _moment(since[0])
    return Evidence(counted(sentence, began, now), facts, worse, money, began, sentence)


_moment = lru_cache(maxsize=4096)(datetime.fromisoformat)


def _saving_out(saving: Saving) -> list[Any]:
    prices = [
        [price.usd, price.unit, price.item, price.source, price.as_of, price.certainty, price.region_factor]
        for price in saving.prices
    ]
    return [saving.usd_month, saving.formula, saving.certainty, prices]


def _saving_in(saving: list[Any]) -> Saving:
    usd_month, formula, certainty, prices = saving
    return Saving(usd_month, formula, CERTAINTIES[certainty], tuple([_price_in(*price) for price in prices]))


@lru_cache(maxsize=4096, typed=True)  # many findings stand on one price
def _price_in(
    usd: float, unit: str, item: str, source: str, as_of: str, certainty: str, region_factor: float | None
) -> Price:
    return Price(usd, unit, item, source, as_of, CERTAINTIES[certainty], region_factor)
