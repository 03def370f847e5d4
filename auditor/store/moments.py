"""The rows of the views as of a moment: one function for each, its values in the order of the view's columns."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select, union_all

from auditor.acceptance import Accepted, Attestation, Waiver
from auditor.model import Lifecycle, ScanStatus, Verdict
from auditor.store import schema
from auditor.store.acceptance import Said, accepted_of, listed, waivers_of
from auditor.store.codec import Unpacker
from auditor.store.findings import sentence_of
from auditor.store.numbers import numbers
from auditor.store.scans import read as read_scan
from auditor.store.scans import speaker
from auditor.store.schema import (
    finding_versions,
    judgements,
    observations,
    scopes,
    tallies,
    versions,
    waivers,
    waivings,
)

__all__ = [
    "Moment",
    "attestations_told",
    "coverage",
    "coverage_history",
    "evidence",
    "findings",
    "findings_history",
    "resources",
    "resources_history",
    "savings",
    "scans",
    "scores",
    "scores_history",
    "waivers_told",
]

_BATCH = 2000


class Moment:
    """The end of scan AT (or everything there is), and what the views need to know of it; of one ACCOUNT or all.

    Lives as long as the reading transaction it is given.
    """

    def __init__(self, connection: Connection, at: int | None = None, account: str | None = None) -> None:
        self.connection = connection
        self.account = account
        newest = connection.scalar(select(func.max(schema.scans.c.id))) or 0
        self.at: int = newest if at is None else at
        self.present = self.at >= newest
        """Whether nothing has happened since."""
        self.unpack = Unpacker(connection).unpack

    def stream(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """The rows of a query, of the account if there is one; the query names a table with a column ``account``."""
        with self.connection.execute(query, execution_options={"yield_per": _BATCH}) as rows:
            yield from rows

    def ours(self, query: Select[Any], column: Any) -> Select[Any]:
        """The query, narrowed to the account."""
        return query if self.account is None else query.where(column == self.account)

    @cached_property
    def times(self) -> Mapping[int, datetime]:
        """When each scan began."""
        rows = self.connection.execute(select(schema.scans.c.id, schema.scans.c.started_at))
        return {row.id: row.started_at for row in rows}

    @cached_property
    def ends(self) -> Mapping[str, int]:
        """By account, the newest scan until this moment that was not pruned: what lay between is only known at its end."""
        query = select(schema.scans.c.account, func.max(schema.scans.c.id).label("end"))
        query = query.where(schema.scans.c.id <= self.at, schema.scans.c.status != ScanStatus.PRUNED)
        return {row.account: row.end for row in self.connection.execute(query.group_by(schema.scans.c.account))}

    def holds(self, row: Row[Any]) -> bool:
        """Whether a version of an account (``since_scan``, ``until_scan``) holds at this moment."""
        end = self.ends.get(row.account, 0)
        return bool(row.since_scan <= end and (row.until_scan is None or row.until_scan > end))

    @cached_property
    def judged(self) -> Mapping[int, int]:
        """By tally, the last scan that judged it."""
        query = select(judgements).where(judgements.c.scan_id <= self.at).order_by(judgements.c.scan_id)
        found: dict[int, int] = {}
        for row in self.connection.execute(query):
            found.update(dict.fromkeys(numbers(self.unpack(row.codec, row.body)), row.scan_id))
        return found

    @cached_property
    def speaking(self) -> Collection[int]:
        """Of each account the scan with scores that speaks for it at this moment: a narrower one does not."""
        told = (schema.scans.c.id, schema.scans.c.account, schema.scans.c.started_at, schema.scans.c.regions,
                schema.scans.c.selection)  # fmt: skip
        scored = select(schema.scores.c.scan_id).where(schema.scores.c.scan_id <= self.at)
        query = select(*told).where(schema.scans.c.id.in_(scored)).order_by(schema.scans.c.id.desc())
        held: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in self.connection.execute(self.ours(query, schema.scans.c.account)):
            held[row.account].append(row)
        return [speaker(rows).id for rows in held.values()]

    @cached_property
    def waived(self) -> Mapping[int, Waiver]:
        """By finding's number, the waiver that takes its weight."""
        query = (
            select(waivings, waivers.c.id, scopes.c.account)
            .join(waivers)
            .join(schema.findings, schema.findings.c.id == waivings.c.finding_id)
            .join(tallies, tallies.c.id == schema.findings.c.tally_id)
            .join(scopes)
        )
        rows = [row for row in self.connection.execute(self.ours(query, scopes.c.account)) if self.holds(row)]
        known = waivers_of(self.connection, {row.waiver_id for row in rows})
        return {row.finding_id: known[row.waiver_id] for row in rows}

    @cached_property
    def read(self) -> Mapping[int, Row[Any]]:
        """By scope, its newest coverage."""
        newest = (
            select(schema.coverage.c.scope_id, func.max(schema.coverage.c.scan_id).label("newest"))
            .where(schema.coverage.c.scan_id <= self.at)
            .group_by(schema.coverage.c.scope_id)
            .subquery()
        )
        here = (schema.coverage.c.scope_id == newest.c.scope_id) & (schema.coverage.c.scan_id == newest.c.newest)
        query = (
            select(schema.coverage, scopes.c.account, scopes.c.region, scopes.c.type).join(newest, here).join(scopes)
        )
        rows = self.connection.execute(self.ours(query, scopes.c.account).order_by(schema.coverage.c.scope_id))
        return {row.scope_id: row for row in rows}


# ---- how each is read ------------------------------------------------------------------------------------------------


def scans(moment: Moment) -> Iterator[Sequence[Any]]:
    """Every scan."""
    judged = set(moment.connection.scalars(select(judgements.c.scan_id)))
    query = moment.ours(select(schema.scans).where(schema.scans.c.id <= moment.at), schema.scans.c.account).order_by(
        schema.scans.c.id
    )
    for row in moment.stream(query):
        yield (
            row.id, row.account, row.account_name, row.partition, row.status, row.started_at, row.finished_at,
            row.regions, row.selection, row.statistics.get("calls"), row.id in judged, row.program_version,
            row.standard_digest, row.checks_digest,
        )  # fmt: skip


def resources(moment: Moment) -> Iterator[Sequence[Any]]:
    """What exists at the moment."""
    query = moment.ours(select(scopes), scopes.c.account).order_by(scopes.c.account, scopes.c.type, scopes.c.region)
    for scope in moment.connection.execute(query).all():
        read = moment.read.get(scope.id)
        volatile = _volatile(moment, scope.id, read.scan_id) if read else {}
        for row in moment.stream(_held(scope.id, moment.ends.get(scope.account, 0))):
            body = moment.unpack(row.codec, row.body)
            document, gaps = body["d"], body.get("g", {})
            values, unread = volatile.get(row.resource_id, ({}, {}))
            yield (
                scope.account, scope.region, scope.type, row.arn, body["n"], body["t"], document | values,
                _gaps(gaps | unread), row.since_scan, moment.times.get(row.since_scan),
                read and read.state, read and read.scan_id, read and read.observed_at,
            )  # fmt: skip


def _held(scope: int, at: int) -> Select[Any]:
    """The versions of a scope that held at a scan: two ranges of one index."""
    began = select(versions).where(versions.c.scope_id == scope, versions.c.since_scan <= at)
    held = union_all(began.where(versions.c.until_scan.is_(None)), began.where(versions.c.until_scan > at)).subquery()
    columns = (held.c.resource_id, held.c.since_scan, held.c.codec, held.c.body, schema.resources.c.arn)
    return (
        select(*columns)
        .join(schema.resources, schema.resources.c.id == held.c.resource_id)
        .order_by(held.c.resource_id)
    )


def _volatile(moment: Moment, scope: int, scan: int) -> Mapping[int, tuple[dict[str, Any], dict[str, Any]]]:
    query = select(observations.c.codec, observations.c.body)
    query = query.where(observations.c.scan_id == scan, observations.c.scope_id == scope).order_by(observations.c.seq)
    pages = [moment.unpack(page.codec, page.body) for page in moment.connection.execute(query)]
    return {int(row): seen for page in pages for row, seen in page.items()}


def resources_history(moment: Moment) -> Iterator[Sequence[Any]]:
    """Every version of every resource until the moment."""
    query = (
        select(versions, schema.resources.c.arn, scopes.c.account, scopes.c.region, scopes.c.type)
        .join_from(versions, schema.resources)
        .join(scopes, scopes.c.id == schema.resources.c.scope_id)
        .where(versions.c.since_scan <= moment.at)
        .order_by(versions.c.resource_id, versions.c.since_scan)
    )
    for row in moment.stream(moment.ours(query, scopes.c.account)):
        body, until = moment.unpack(row.codec, row.body), _until(row, moment)
        yield (
            row.account, row.region, row.type, row.arn, body["n"], body["t"], body["d"], _gaps(body.get("g", {})),
            row.since_scan, moment.times.get(row.since_scan), until, until and moment.times.get(until),
        )  # fmt: skip


def _until(row: Row[Any], moment: Moment) -> int | None:
    until: int | None = row.until_scan
    return until if until is not None and until <= moment.at else None


def _finding_rows(moment: Moment, *, ended: bool) -> Iterator[Row[Any]]:
    version = finding_versions.c
    query = (
        select(finding_versions, schema.findings.c.key, schema.findings.c.tally_id, schema.findings.c.resource, tallies.c.check,
               scopes.c.account, scopes.c.region, scopes.c.type)
        .join_from(finding_versions, schema.findings)
        .join(tallies, tallies.c.id == schema.findings.c.tally_id)
        .join(scopes)
        .where(version.since_scan <= moment.at)
    )  # fmt: skip
    if not ended:
        query = query.where(
            or_(version.until_scan.is_(None), version.until_scan > min(moment.ends.values(), default=0))
        )
    for row in moment.stream(moment.ours(query, scopes.c.account).order_by(version.finding_id, version.since_scan)):
        if ended or moment.holds(row):
            yield row


def findings(moment: Moment) -> Iterator[Sequence[Any]]:
    """What fails and what is unknown at the moment."""
    for row in _finding_rows(moment, ended=False):
        judged = moment.judged.get(row.tally_id, row.since_scan)
        lifecycle = row.lifecycle
        if lifecycle != Lifecycle.UNVERIFIED and row.since_scan != judged:
            lifecycle = Lifecycle.OPEN
        seen = moment.times.get(row.seen_scan or judged)
        since = (row.opened_scan, moment.times.get(row.opened_scan), seen)
        waiver = moment.waived.get(row.finding_id) if row.verdict == Verdict.FAIL else None
        told = (*_told(moment, row, seen), *_accepted(waiver))
        yield (*_named(row), row.verdict, row.severity, str(lifecycle), *since, *told)


def _accepted(waiver: Waiver | None) -> tuple[Any, ...]:
    if waiver is None:
        return (False, *(None,) * 5)
    return (True, waiver.until.isoformat(), waiver.owner, waiver.reason, waiver.ticket, waiver.source)


def evidence(moment: Moment) -> Iterator[Sequence[Any]]:
    """The evidence ledger as the moment knew it."""
    kept = schema.evidence.c
    query = moment.ours(select(schema.evidence).where(kept.scan_id <= moment.at), kept.account)
    for row in moment.stream(query.order_by(kept.at, kept.id)):
        where = (row.kind, row.at, row.about, row.account, row.region, row.type, row.resource, row.name)
        yield (*where, row.operation, row.scan_id, row.seen_at, row.document)


def waivers_told(moment: Moment) -> Iterator[Sequence[Any]]:
    """The waivers as the scans that speak took them, then those that no scan of the present has taken yet."""
    taken = set[int]()
    for scan, account, accepted in _accepted_by(moment):
        for use in accepted.waivers:
            taken.add(use.waiver.number)
            yield (scan, account, *_waiver_row(use.waiver, use.state, use.findings))
    for waiver in _waiting(moment, Waiver, taken):
        yield (None, waiver.account or None, *_waiver_row(waiver, "pending", None))


def _waiver_row(waiver: Waiver, state: str, count: int | None) -> Sequence[Any]:
    why = (waiver.reason, waiver.owner, waiver.ticket)
    return (*_about(waiver), waiver.tag, state, count, *why, *_written(waiver))


def attestations_told(moment: Moment) -> Iterator[Sequence[Any]]:
    """The attestations as the scans that speak took them, then those that no scan of the present has taken yet."""
    taken = set[int]()
    for scan, account, accepted in _accepted_by(moment):
        for use in accepted.attestations:
            taken.add(use.attestation.number)
            verdicts = [{"check": check, "resource": resource} for check, resource in use.verdicts]
            yield (
                scan,
                account,
                *_attestation_row(use.attestation, "void" if use.fault else "holds", use.fault, verdicts),
            )
    for attestation in _waiting(moment, Attestation, taken):
        yield (None, attestation.account or None, *_attestation_row(attestation, "pending", "", []))


def _attestation_row(said: Attestation, state: str, fault: str, verdicts: Sequence[Any]) -> Sequence[Any]:
    told = (said.statement, said.author, said.given.isoformat(), said.evidence, said.sha256)
    return (*_about(said), state, fault, verdicts, *told, *_written(said))


def _about(said: Waiver | Attestation) -> Sequence[Any]:
    return (said.check, said.pattern, said.resource, said.account, said.region)


def _written(said: Waiver | Attestation) -> Sequence[Any]:
    return (said.until.isoformat(), said.source, said.recorded_by, said.recorded_at)


def _accepted_by(moment: Moment) -> Iterator[tuple[int, str, Accepted]]:
    """Number and account of each scan that speaks, with what people said of it."""
    query = select(schema.scans).where(schema.scans.c.id.in_(moment.speaking)).order_by(schema.scans.c.account)
    for row in moment.connection.execute(query).all():
        yield row.id, row.account, accepted_of(moment.connection, read_scan(row))


def _waiting(moment: Moment, kind: type[Said], taken: Collection[int]) -> Iterator[Said]:
    """What was said by command, stands, and is in none of the scans; nothing where the moment is in the past."""
    if not moment.present:
        return
    for said in listed(moment.connection, kind):
        ours = moment.account is None or said.account in ("", moment.account)
        if said.revoked_at is None and said.number not in taken and ours:
            yield said


def findings_history(moment: Moment) -> Iterator[Sequence[Any]]:
    """Every version of every finding until the moment."""
    for row in _finding_rows(moment, ended=True):
        until = _until(row, moment)
        since = (row.opened_scan, moment.times.get(row.opened_scan), row.since_scan, moment.times.get(row.since_scan))
        end = (until, until and moment.times.get(until), until and row.ended)
        seen = moment.times.get(row.seen_scan or row.since_scan)
        yield (*_named(row), row.verdict, row.severity, row.lifecycle, *since, *end, *_told(moment, row, seen))


def _named(row: Row[Any]) -> tuple[Any, ...]:
    return (row.key, row.check, row.account, row.region, row.type, row.resource)


def _told(moment: Moment, row: Row[Any], seen: datetime | None) -> tuple[Any, ...]:
    body = moment.unpack(row.codec, row.body)
    evidence = body["e"]
    usd, formula, certainty, _ = _saving(evidence) or (None, None, None, None)
    gaps = [dict(zip(("operation", "code", "message"), gap, strict=True)) for gap in body["g"]]
    sentences = "; ".join(sentence_of(item, seen) for item in evidence)
    return (body["n"], sentences, [item[1] for item in evidence], body["r"], gaps, usd, formula, certainty, body["x"])


def _saving(evidence: Sequence[Sequence[Any]]) -> Sequence[Any] | None:
    """The largest saving of a finding's evidence; an unpriced one only when none is priced."""
    savings = [item[3] for item in evidence if item[3]]
    return max(savings, key=lambda saving: -1.0 if saving[0] is None else saving[0], default=None)


def savings(moment: Moment) -> Iterator[Sequence[Any]]:
    """What failing findings that are not waived say can be saved."""
    names = ("usd", "unit", "item", "source", "as_of", "certainty", "region_factor")
    for row in _finding_rows(moment, ended=False):
        if row.verdict != Verdict.FAIL or row.finding_id in moment.waived:
            continue
        body = moment.unpack(row.codec, row.body)
        if saving := _saving(body["e"]):
            usd, formula, certainty, prices = saving
            priced = [dict(zip(names, price, strict=True)) for price in prices]
            opened = moment.times.get(row.opened_scan)
            yield (*_named(row), body["n"], row.severity, usd, formula, certainty, priced, opened)


def scores(moment: Moment) -> Iterator[Sequence[Any]]:
    """The newest scores of each account."""
    yield from _scored(moment, _score_query(moment).where(schema.scores.c.scan_id.in_(moment.speaking)))


def scores_history(moment: Moment) -> Iterator[Sequence[Any]]:
    """The scores of all scans."""
    yield from _scored(moment, _score_query(moment))


def _score_query(moment: Moment) -> Select[Any]:
    query = (
        select(schema.scores, schema.scans.c.account, schema.scans.c.started_at)
        .join(schema.scans)
        .where(schema.scores.c.scan_id <= moment.at)
    )
    return moment.ours(query, schema.scans.c.account).order_by(schema.scores.c.scan_id, schema.scores.c.seq)


def _scored(moment: Moment, query: Select[Any]) -> Iterator[Sequence[Any]]:
    for row in moment.stream(query):
        counts = (row.passed, row.failed, row.unknown, row.not_applicable, row.waived)
        yield (row.scan_id, row.account, row.started_at, row.level, row.id, row.value, row.letter, *counts, row.strict)


def coverage(moment: Moment) -> Iterator[Sequence[Any]]:
    """How each scope was read the last time."""
    yield from map(_covered, moment.read.values())


def coverage_history(moment: Moment) -> Iterator[Sequence[Any]]:
    """How each scan read each scope."""
    query = select(schema.coverage, scopes.c.account, scopes.c.region, scopes.c.type).join(scopes)
    query = query.where(schema.coverage.c.scan_id <= moment.at).order_by(
        schema.coverage.c.scan_id, schema.coverage.c.scope_id
    )
    yield from map(_covered, moment.stream(moment.ours(query, scopes.c.account)))


def _covered(row: Row[Any]) -> Sequence[Any]:
    where = (row.scan_id, row.account, row.region, row.type, row.state)
    why = (row.operation, row.code, row.message)
    return (*where, *why, row.observed_at, row.resources, row.calls, _gaps(row.gaps or {}))


def _gaps(gaps: Mapping[str, Sequence[str]]) -> Mapping[str, Any]:
    return {name: dict(zip(("operation", "code", "message"), gap, strict=True)) for name, gap in gaps.items()}
