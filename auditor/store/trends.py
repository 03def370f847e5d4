"""Night after night out of the intervals: what failed, how much could be saved, how much was read; and how long it failed.

Nothing is kept for it but what each scan keeps anyway: one pass over the versions of findings, without their bodies, tells
how many stood after each night.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, or_, select

from auditor.drift import differences
from auditor.model import CoverageState, Lifecycle, Scan, Severity, Verdict
from auditor.savings import ALL_ALIKE, Priced
from auditor.store import tallies as tally_store
from auditor.store.check_versions import changed_at
from auditor.store.findings import FAILING
from auditor.store.scans import FINISHED, asked_for, spoken_for
from auditor.store.scans import read as read_scan
from auditor.store.schema import (
    coverage,
    finding_versions,
    findings,
    judgements,
    scans,
    scopes,
    scores,
    tallies,
    waivings,
)
from auditor.trend import Life, Night, Turn

__all__ = ["bullets", "histories", "lives", "nights"]


class _Version(NamedTuple):
    """A version of a failing finding."""

    since: int
    until: int | None
    kind: str
    """Its severity, or why it is in none: unverified or waived."""
    tally: int
    resource: str
    usd: float | None


_UNVERIFIED, _WAIVED = "unverified", "waived"


def nights(
    connection: Connection, account: str, limit: int, by: int | None = None, counting: Priced = ALL_ALIKE
) -> list[Night]:
    """The account's newest judged nights (up to scan BY), oldest first; COUNTING says which savings make the total."""
    held = _judged_scans(connection, account, limit, by)
    if not held:
        return []
    numbers = [scan.id for scan in held]
    read, scored = _coverage(connection, numbers), _scores(connection, numbers)
    counted = _counted(connection, account, held, counting)
    result = []
    for scan in held:
        kinds, savings = counted[scan.id]
        whole, sections = scored.get(scan.id, ((None, None), {}))
        scopes, known = read.get(scan.id, (0, 0))
        result.append(
            Night(
                scan, *whole, sections, {severity: kinds[severity] for severity in Severity}, kinds[_WAIVED],
                kinds[_UNVERIFIED], savings, scopes, known, differences(scan, held[-1]),
            )
        )  # fmt: skip
    return result


def bullets(connection: Connection, numbers: Sequence[int]) -> dict[str, list[float | None]]:
    """Each bullet's score in the scans NUMBERS, in their order; ``None`` where that scan gave it none."""
    place = {number: index for index, number in enumerate(numbers)}
    query = select(scores.c.scan_id, scores.c.id, scores.c.value)
    query = query.where(scores.c.scan_id.in_(numbers), scores.c.level == "pattern", scores.c.value.is_not(None))
    found: dict[str, list[float | None]] = {}
    for number, id, value in connection.execute(query):
        found.setdefault(id, [None] * len(place))[place[number]] = value
    return found


def lives(connection: Connection, scan: Scan, since: datetime | None = None) -> list[Life]:
    """How long findings of the account have failed as of a scan, and how long those did that ended by then (after SINCE).

    What ended on a night that judged by another code or other numbers than the one before is left out: nobody mended it.
    """
    version = finding_versions.c
    times = {row.id: row.started_at for row in connection.execute(select(scans.c.id, scans.c.started_at))}
    changed = changed_at(connection, scan.account)
    query = (
        select(
            version.severity, version.opened_scan, version.until_scan, version.ended, version.lifecycle, tallies.c.check
        )
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == scan.account, FAILING, version.since_scan <= scan.id)
        .where(or_(version.ended.is_not(None), version.until_scan.is_(None), version.until_scan > scan.id))
    )
    found = []
    for severity, opened, until, ended, lifecycle, check in connection.execute(query):
        unverified = lifecycle == Lifecycle.UNVERIFIED
        if until is None or until > scan.id:
            how = Lifecycle.UNVERIFIED if unverified else Lifecycle.OPEN
            found.append(Life(Severity(severity), times[opened], None, how, not unverified))
        elif (check, until) not in changed and (since is None or times[until] >= since):
            found.append(Life(Severity(severity), times[opened], times[until], Lifecycle(ended), not unverified))
    return found


def histories(connection: Connection, scan: Scan) -> dict[str, tuple[Turn, ...]]:
    """The turns in the lives of an account's findings up to a scan, oldest first, of those that turned more than once.

    Key of the finding -> its turns. Other evidence is none, nor is another reason why it could not be judged.
    """
    version, again = finding_versions.c, finding_versions.alias()
    several = select(again.c.finding_id).where(again.c.since_scan <= scan.id)
    several = several.group_by(again.c.finding_id).having(func.count() > 1)
    query = (
        select(findings.c.key, version.since_scan, version.until_scan, version.lifecycle, version.ended)
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == scan.account, FAILING, version.since_scan <= scan.id)
        .where(version.finding_id.in_(several))
        .order_by(version.finding_id, version.since_scan)
    )
    began = {row.id: row.started_at for row in connection.execute(select(scans.c.id, scans.c.started_at))}
    turns: dict[str, list[Turn]] = defaultdict(list)
    for key, since, until, lifecycle, ended in connection.execute(query):
        told, what = turns[key], Lifecycle(lifecycle)
        if not told or (what is not told[-1].what and (what, told[-1].what) not in _STILL):
            told.append(Turn(began[since], since, what))
        if ended is not None and until <= scan.id:
            told.append(Turn(began[until], until, Lifecycle(ended)))
    return {key: tuple(told) for key, told in turns.items() if len(told) > 1}


_STILL = {(Lifecycle.OPEN, Lifecycle.OPENED), (Lifecycle.OPEN, Lifecycle.REOPENED)}
"""A version that is open after one that was opened only has other evidence."""


def _judged_scans(connection: Connection, account: str, limit: int, by: int | None) -> list[Scan]:
    told = (scans.c.id, scans.c.started_at, scans.c.regions, scans.c.selection)
    query = select(*told).join(judgements).where(scans.c.account == account, scans.c.status.in_(FINISHED))
    if by is not None:
        query = query.where(scans.c.id <= by)
    rows: list[Any] = list(connection.execute(query.order_by(scans.c.id.desc())))
    left_out = spoken_for(rows)
    numbers = [row.id for row in rows if row.id not in left_out or asked_for(row) == asked_for(rows[0])][:limit]
    found = connection.execute(select(scans).where(scans.c.id.in_(numbers)).order_by(scans.c.id))
    return [read_scan(row) for row in found]


def _coverage(connection: Connection, numbers: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """Scopes asked for and scopes read whole, by scan."""
    states = [state for state in CoverageState if state.known]
    whole = case((coverage.c.state.in_(states) & coverage.c.gaps.is_(None), 1), else_=0)
    query = select(coverage.c.scan_id, func.count(), func.sum(whole)).where(coverage.c.scan_id.in_(numbers))
    return {row[0]: (row[1], row[2]) for row in connection.execute(query.group_by(coverage.c.scan_id))}


_Scored = tuple[tuple[float | None, str | None], dict[str, float | None]]


def _scores(connection: Connection, numbers: Sequence[int]) -> Mapping[int, _Scored]:
    found: dict[int, _Scored] = {}
    query = select(scores).where(scores.c.scan_id.in_(numbers), scores.c.level.in_(["account", "section"]))
    for row in connection.execute(query.order_by(scores.c.scan_id, scores.c.seq)):
        sections = found.setdefault(row.scan_id, ((None, None), {}))[1]
        if row.level == "account":
            found[row.scan_id] = ((row.value, row.letter), sections)
        else:
            sections[row.id] = row.value
    return found


_Counted = tuple[Counter[str], float | None]


def _counted(connection: Connection, account: str, held: Sequence[Scan], counting: Priced) -> Mapping[int, _Counted]:
    """Failing findings by kind and what can be saved after each scan, of the tallies it judged."""
    begins, ends = defaultdict[int, list[_Version]](list), defaultdict[int, list[_Version]](list)
    for version in _versions(connection, account, held[0].id, held[-1].id, counting):
        begins[version.since].append(version)
        if version.until is not None:
            ends[version.until].append(version)
    moments, place = sorted({*begins, *ends}), 0
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    saved: dict[str, Counter[tuple[int, float]]] = defaultdict(Counter)
    of_cost = tally_store.of_checks(connection, account, counting.cost)
    result = {}
    for scan in held:
        while place < len(moments) and moments[place] <= scan.id:
            _move(counts, saved, begins.get(moments[place], ()), 1)
            _move(counts, saved, ends.get(moments[place], ()), -1)
            place += 1
        judged = tally_store.judged(connection, scan.id) or frozenset()
        total: Counter[str] = Counter()
        for tally in judged & counts.keys():
            total.update(counts[tally])
        largest = [
            max((usd for (tally, usd), number in amounts.items() if number and tally in judged), default=None)
            for amounts in saved.values()
        ]
        known = [usd for usd in largest if usd is not None]
        savings = round(sum(known), 2) if known or not judged.isdisjoint(of_cost) else None
        result[scan.id] = (total, savings)
    return result


def _move(
    counts: dict[int, Counter[str]],
    saved: dict[str, Counter[tuple[int, float]]],
    versions: Iterable[_Version],
    step: int,
) -> None:
    for version in versions:
        counts[version.tally][version.kind] += step
        if version.usd is not None:
            saved[version.resource][version.tally, version.usd] += step


def _versions(connection: Connection, account: str, low: int, high: int, counting: Priced) -> Iterable[_Version]:
    """Versions of failing findings between two scans; cut where a waiver begins or ends. Only what adds up has a price."""
    version = finding_versions.c
    state = (version.finding_id, version.since_scan, version.until_scan, version.severity, version.verdict)
    query = (
        select(*state, findings.c.tally_id, findings.c.resource, version.usd_month)
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == account, FAILING, version.since_scan <= high)
        .where(or_(version.until_scan.is_(None), version.until_scan > low))
    )
    waived, beside = _waivings(connection, account), tally_store.of_checks(connection, account, counting.beside)
    # By position: asking a row for its values by name takes longer than reading it.
    for finding, began, ended, severity, verdict, tally, resource, price in connection.execute(query):
        if verdict != Verdict.FAIL:
            yield _Version(began, ended, _UNVERIFIED, tally, resource, None)
            continue
        usd = None if tally in beside else price
        for since, until, accepted in _cut(began, ended, waived.get(finding, ())):
            yield _Version(since, until, _WAIVED if accepted else severity, tally, resource, None if accepted else usd)


_Span = tuple[int, int | None]


def _waivings(connection: Connection, account: str) -> Mapping[int, Sequence[_Span]]:
    """By finding's number, from which scan until which it was waived, in order."""
    query = (
        select(waivings.c.finding_id, waivings.c.since_scan, waivings.c.until_scan)
        .join_from(waivings, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == account)
        .order_by(waivings.c.finding_id, waivings.c.since_scan)
    )
    found: dict[int, list[_Span]] = defaultdict(list)
    for finding, since, until in connection.execute(query):
        found[finding].append((since, until))
    return found


def _cut(since: int, until: int | None, waived: Iterable[_Span]) -> Iterable[tuple[int, int | None, bool]]:
    """The pieces of SINCE to UNTIL (``None``: open), each with whether it lies in one of the spans WAIVED."""
    for begin, end in waived:
        if (until is not None and begin >= until) or (end is not None and end <= since):
            continue
        if begin > since:
            yield since, begin, False
        last = end if until is None else until if end is None else min(end, until)
        yield max(begin, since), last, True
        if last == until:
            return
        since = last or since
    yield since, until, False
