"""Findings out of the store: their bodies, and how they stood after a scan."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, or_, select

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
)
from auditor.store import tallies as tally_store
from auditor.store.codec import Unpacker
from auditor.store.schema import finding_versions, findings, scans, scopes, tallies

__all__ = ["FAILING", "body_of", "changes", "placed", "read"]

FAILING = or_(finding_versions.c.verdict == Verdict.FAIL, finding_versions.c.lifecycle == Lifecycle.UNVERIFIED)
"""Versions in the life of something that fails, or did when it was last seen."""


def read(connection: Connection, scan: Scan, verdicts: Collection[Verdict] | None) -> list[FindingState]:
    """The findings of the tallies a scan judged, as they stood after it."""
    wanted = tally_store.judged(connection, scan.id)
    if not wanted:
        return []
    holds = or_(finding_versions.c.until_scan.is_(None), finding_versions.c.until_scan > scan.id)
    query = _versions(scan).where(finding_versions.c.since_scan <= scan.id, holds)
    if verdicts is not None:
        query = query.where(finding_versions.c.verdict.in_(list(verdicts)))
    times, unpacker = _times(connection, scan), Unpacker(connection)
    return [
        _state(row, _lifecycle(row, scan), scan.id, times, unpacker)
        for row in connection.execute(query)
        if row.tally_id in wanted
    ]


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
    times, unpacker = _times(connection, scan), Unpacker(connection)
    begun = [
        _state(row, Lifecycle(row.lifecycle), scan.id, times, unpacker)
        for row in connection.execute(_versions(scan).where(began, FAILING, ~was_unverified))
    ]
    ended = and_(finding_versions.c.until_scan == scan.id, finding_versions.c.ended.is_not(None))
    return begun + [
        _state(row, Lifecycle(row.ended), scan.id, times, unpacker)
        for row in connection.execute(_versions(scan).where(ended, FAILING))
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
    evidence = [
        [item.sentence, item.facts, item.severity, None if item.saving is None else _saving_out(item.saving)]
        for item in finding.evidence
    ]
    gaps = [[gap.operation, gap.code, gap.message] for gap in finding.gaps]
    return {"n": finding.name, "e": evidence, "r": finding.reason, "g": gaps, "x": finding.fault}


def _versions(scan: Scan) -> Select[Any]:
    where: ColumnElement[bool] = scopes.c.account == scan.account
    return (
        select(
            findings.c.key,
            findings.c.tally_id,
            findings.c.resource,
            tallies.c.check,
            scopes.c.account,
            scopes.c.region,
            scopes.c.type,
            finding_versions,
        )
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(where)
        .order_by(findings.c.id)
    )


def _times(connection: Connection, scan: Scan) -> dict[int, datetime]:
    rows = connection.execute(select(scans.c.id, scans.c.started_at).where(scans.c.account == scan.account))
    return {row.id: row.started_at for row in rows}


def _lifecycle(row: Row[Any], scan: Scan) -> Lifecycle:
    lifecycle = Lifecycle(row.lifecycle)
    return lifecycle if lifecycle is Lifecycle.UNVERIFIED or row.since_scan == scan.id else Lifecycle.OPEN


def _state(
    row: Row[Any], lifecycle: Lifecycle, scan: int, times: dict[int, datetime], unpacker: Unpacker
) -> FindingState:
    body = unpacker.unpack(row.codec, row.body)
    finding = Finding(
        row.key,
        row.check,
        row.resource,
        row.type,
        body["n"],
        row.account,
        row.region,
        Verdict(row.verdict),
        Severity(row.severity),
        tuple(_evidence_in(item) for item in body["e"]),
        body["r"],
        tuple(Gap(*gap) for gap in body["g"]),
        body["x"],
    )
    seen = row.seen_scan or scan
    return FindingState(finding, lifecycle, times[row.opened_scan], row.opened_scan, times[seen])


def _evidence_in(item: list[Any]) -> Evidence:
    sentence, facts, severity, saving = item
    return Evidence(sentence, facts, Severity(severity) if severity else None, _saving_in(saving) if saving else None)


def _saving_out(saving: Saving) -> list[Any]:
    prices = [
        [price.usd, price.unit, price.item, price.source, price.as_of, price.certainty, price.region_factor]
        for price in saving.prices
    ]
    return [saving.usd_month, saving.formula, saving.certainty, prices]


def _saving_in(saving: list[Any]) -> Saving:
    usd_month, formula, certainty, prices = saving
    return Saving(usd_month, formula, Certainty(certainty), tuple(_price_in(*price) for price in prices))


def _price_in(
    usd: float, unit: str, item: str, source: str, as_of: str, certainty: str, region_factor: float | None
) -> Price:
    return Price(usd, unit, item, source, as_of, Certainty(certainty), region_factor)
