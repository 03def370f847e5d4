"""Forgets old scans by rules of age: what no kept scan saw is deleted, what is known now never is.

A scan that is pruned keeps its number and its moment, for "since" to go on being true; what it alone saw goes. Every kept
scan reads back exactly as before: an interval is deleted only when no kept scan lies in it or at its end. Always kept, of
each account: the newest scan, the newest finished and the newest judged one, the last to read each scope and the last to
judge each check in each region, and what tells a reopened finding from a new one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, false, func, or_, select, update

from auditor.errors import UsageError
from auditor.model import Lifecycle, ScanStatus, Verdict
from auditor.store.codec import Unpacker
from auditor.store.database import Database
from auditor.store.numbers import chunks, numbers
from auditor.store.scans import less, speaker
from auditor.store.schema import (
    acceptances,
    coverage,
    finding_versions,
    findings,
    judgements,
    observations,
    resources,
    scans,
    scopes,
    scores,
    tallies,
    tally_versions,
    versions,
    waivings,
)

__all__ = ["Keep", "Pruned", "keep", "prune"]

_DAYS = {"d": 1, "w": 7, "m": 31, "y": 366}
_PERIODS = ("all", "daily", "weekly", "monthly", "yearly")
_FINISHED = (ScanStatus.COMPLETE, ScanStatus.INCOMPLETE)
_EVER = 2**62


@dataclass(frozen=True, slots=True)
class Keep:
    """One rule: of scans that are not older than DAYS (``None``: of all), one in each period, or all."""

    period: str
    """``all``, ``daily``, ``weekly``, ``monthly`` or ``yearly``."""
    days: int | None

    def slot(self, scan: int, moment: datetime) -> object:
        """Which period of the rule a scan lies in."""
        week = moment.isocalendar()
        slots = {"all": scan, "daily": moment.date(), "weekly": (week.year, week.week),
                 "monthly": (moment.year, moment.month), "yearly": moment.year}  # fmt: skip
        return slots[self.period]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was pruned, or would be."""

    scans: int
    kept: int
    rows: Mapping[str, int]
    """Deleted rows by table, tables without any left out."""
    bytes: int
    """What the deleted bodies took; the file itself shrinks by ``vacuum``."""


def keep(rule: str) -> Keep:
    """The rule as people write it: ``90d`` or ``all:90d``, ``weekly:1y``, ``monthly`` (for ever). Raises ``UsageError``."""
    period, colon, age = rule.partition(":")
    if period in _PERIODS and not colon:
        return Keep(period, None)
    if not colon:
        period, age = "all", period
    if period in _PERIODS and age[:-1].isascii() and age[:-1].isdecimal() and age[-1:] in _DAYS and len(age) < 7:
        return Keep(period, int(age[:-1]) * _DAYS[age[-1]])
    raise UsageError(
        f"{rule!r} is no rule to keep scans by: write 90d, weekly:1y or monthly (d, w, m, y; {', '.join(_PERIODS)})"
    )


def prune(database: Database, rules: Sequence[Keep], now: datetime, *, dry_run: bool) -> Pruned:
    """Prune the scans that no rule keeps; with DRY_RUN say what that would be, and leave everything."""
    with database.reading() as connection:
        accounts = connection.scalars(select(scans.c.account).distinct().order_by(scans.c.account)).all()
    pruned = [_account(database, account, rules, now, dry_run=dry_run) for account in accounts]
    total: dict[str, int] = {}
    for one in pruned:
        for name, count in one.rows.items():
            total[name] = total.get(name, 0) + count
    return Pruned(
        sum(one.scans for one in pruned), sum(one.kept for one in pruned), total, sum(one.bytes for one in pruned)
    )


def _account(database: Database, account: str, rules: Sequence[Keep], now: datetime, *, dry_run: bool) -> Pruned:
    with database.writing(account) as connection:
        known = connection.execute(
            select(scans).where(scans.c.account == account, scans.c.status != ScanStatus.PRUNED).order_by(scans.c.id)
        ).all()
        kept = _kept(connection, known, rules, now)
        doomed = [row.id for row in known if row.id not in kept]
        rows: dict[str, int] = {}
        freed = 0
        if doomed:
            for some in chunks(doomed):
                gone = update(scans).where(scans.c.id.in_(some))
                connection.execute(gone.values(status=ScanStatus.PRUNED, statistics={}, lease=None))
            for table, where in _doomed(account):
                freed += _bytes(connection, table, where)
                if count := connection.execute(delete(table).where(where)).rowcount:
                    rows[table.name] = count
        if dry_run:
            connection.rollback()
    return Pruned(len(doomed), len(kept), rows, freed)


def _kept(connection: Connection, known: Sequence[Any], rules: Sequence[Keep], now: datetime) -> Collection[int]:
    finished = [row for row in known if row.status in _FINISHED]
    kept = {row.id for row in known if row.status == ScanStatus.RUNNING}
    kept |= {row.id for row in (*known[-1:], *finished[-1:])}
    if finished:
        kept.add(speaker(finished[::-1]).id)
    for rule in rules:
        oldest = None if rule.days is None else now - timedelta(days=rule.days)
        slots: dict[object, Any] = {}
        for row in known if rule.period == "all" else finished:
            if oldest is None or row.started_at >= oldest:
                slot = rule.slot(row.id, row.started_at)
                # The newest, but no narrower one in place of a whole one.
                if slot not in slots or not less(row, slots[slot]):
                    slots[slot] = row
        kept |= {row.id for row in slots.values()}
    ids = {row.id for row in known}
    return kept | (ids & _last_to_know(connection, ids))


def _last_to_know(connection: Connection, ids: Collection[int]) -> set[int]:
    """The scans that were the last to read some scope, or to judge some tally."""
    last = set(connection.scalars(select(func.max(coverage.c.scan_id)).group_by(coverage.c.scope_id)))
    unpacker, judged = Unpacker(connection), dict[int, int]()
    newest = 0
    for row in connection.execute(
        select(judgements).where(judgements.c.scan_id.in_(ids)).order_by(judgements.c.scan_id)
    ):
        judged.update(dict.fromkeys(numbers(unpacker.unpack(row.codec, row.body)), row.scan_id))
        newest = row.scan_id
    return {*last, *judged.values(), newest}


def _doomed(account: str) -> Sequence[tuple[Table, ColumnElement[bool]]]:
    """What goes once the scans are marked, in an order in which nothing refers to what is gone."""
    ours = select(scopes.c.id).where(scopes.c.account == account)
    pruned = select(scans.c.id).where(scans.c.account == account, scans.c.status == ScanStatus.PRUNED)
    our_tallies = select(tallies.c.id).where(tallies.c.scope_id.in_(ours))
    our_findings = select(findings.c.id).where(findings.c.tally_id.in_(our_tallies))
    of_findings, of_tallies, of_resources = finding_versions.c, tally_versions.c, versions.c
    failing = finding_versions.alias()
    # By the last time it failed a finding that comes back is known, as long as its resource is there.
    newest = (
        select(func.max(failing.c.since_scan))
        .where(
            failing.c.finding_id == of_findings.finding_id,
            or_(failing.c.verdict == Verdict.FAIL, failing.c.lifecycle == Lifecycle.UNVERIFIED),
        )
        .scalar_subquery()
    )
    may_come_back = select(findings.c.id).where(
        or_(
            findings.c.resource_id.is_(None),
            exists().where(of_resources.resource_id == findings.c.resource_id, of_resources.until_scan.is_(None)),
        )
    )
    last_failure = and_(
        func.coalesce(of_findings.since_scan == newest, false()), of_findings.finding_id.in_(may_come_back)
    )
    per_scan = (coverage, observations, judgements, scores, acceptances)
    return (
        *((table, table.c.scan_id.in_(pruned)) for table in per_scan),
        (finding_versions, and_(of_findings.finding_id.in_(our_findings), ~_seen(account, of_findings), ~last_failure)),
        (waivings, and_(waivings.c.finding_id.in_(our_findings), ~_seen(account, waivings.c))),
        (tally_versions, and_(of_tallies.tally_id.in_(our_tallies), ~_seen(account, of_tallies))),
        (versions, and_(of_resources.scope_id.in_(ours), ~_seen(account, of_resources))),
        (
            findings,
            and_(findings.c.tally_id.in_(our_tallies), ~exists().where(of_findings.finding_id == findings.c.id)),
        ),
        (
            resources,
            and_(
                resources.c.scope_id.in_(ours),
                ~exists().where(of_resources.resource_id == resources.c.id),
                ~exists().where(findings.c.resource_id == resources.c.id),
            ),
        ),
    )


def _seen(account: str, version: Any) -> ColumnElement[bool]:
    """Whether a kept scan lies in a version, or ended it."""
    until = func.coalesce(version.until_scan, _EVER)
    return exists().where(
        scans.c.account == account, scans.c.status != ScanStatus.PRUNED, scans.c.id.between(version.since_scan, until)
    )


def _bytes(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    """What the bodies take that are going to be deleted."""
    if "body" not in table.c:
        return 0
    return connection.scalar(select(func.coalesce(func.sum(func.length(table.c.body)), 0)).where(where)) or 0
