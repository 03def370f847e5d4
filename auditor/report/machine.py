"""The view for programs: JSON of a documented, versioned shape with every verdict, resource by resource."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

import orjson

from auditor.catalog import bundled
from auditor.model import Tally, Verdict
from auditor.report.spending import SpendingView
from auditor.report.text import clean, visible
from auditor.report.view import (
    BulletView,
    ChangesView,
    CoverageView,
    FindingView,
    MoneyItem,
    MoneyShare,
    MoneyView,
    ReportView,
)

__all__ = ["SCHEMA", "json_pieces", "render_json", "schema_text"]

SCHEMA = 1
"""The shape's version: fields may be added under it, none is taken away or given another meaning."""


def schema_text() -> str:
    """Return the JSON Schema (draft 2020-12) of ``report.json``.

    It takes members it does not know: more may come under one version.
    """
    return (bundled("reports") / "schema" / f"report-{SCHEMA}.json").read_text(encoding="utf-8")


def render_json(view: ReportView) -> bytes:
    """Return the report as JSON (UTF-8), of the shape that ``schema_text`` describes member by member."""
    return b"".join(json_pieces(view))


def json_pieces(view: ReportView) -> Iterator[bytes]:
    """Yield the same piece by piece: the findings are never held all at once.

    ``findings`` are what fails or is unknown; ``waived`` the failures that are accepted; ``closed`` those that ended since the
    scan before; ``resources`` every verdict, resource by resource.
    """
    unknown: dict[tuple[str, str], str] = {}

    def told(finding: FindingView) -> dict[str, Any]:
        if finding.verdict is Verdict.UNKNOWN:
            unknown[finding.resource, finding.check] = finding.reason
        return _finding(finding)

    document: dict[str, Any] = {
        "schema": SCHEMA,
        "generator": {"name": "auditor", "version": view.version},
        "scan": {
            "id": view.scan,
            "account": view.account,
            "account_name": view.account_name,
            "tape": view.tape or None,
            "status": view.status,
            "started": view.started,
            "finished": view.finished or None,
            "seconds": view.seconds,
            "regions": view.regions,
            "selection": dict(view.selection),
            "standard": view.standard,
            "standard_digest": view.standard_digest,
            "checks_digest": view.checks_digest,
        },
        "verdict": view.verdict,
        "score": view.score,
        "grade": view.letter,
        "score_without_waivers": view.strict,
        "counts": asdict(view.counts),
        "severities": view.severities,
        "standings": view.standings,
        "sections": [
            {
                "id": section.id,
                "name": section.name,
                "score": section.score,
                "grade": section.letter,
                "delta": section.delta,
                "score_without_waivers": section.strict,
                "counts": asdict(section.counts),
                "bullets": [
                    _bullet(bullet, group.id, group.name) for group in section.groups for bullet in group.bullets
                ],
            }
            for section in view.sections
        ],
        "coverage": _coverage(view.coverage),
        "changes": _changes(view.changes),
        "trend": [asdict(night) for night in view.nights],
        "checks": [{**asdict(check), "counts": asdict(check.counts)} for check in view.checks.values()],
        "findings": map(told, view.findings),
        "savings": _money(view.money),
        "spending": _spending(view.spending),
        "waived": map(_finding, view.waived),
        "closed": map(_finding, view.closed),
        "waivers": [asdict(waiver) for waiver in view.waivers],
        "attestations": [
            {
                **asdict(held),
                "verdicts": [dict(zip(("check", "resource"), pair, strict=True)) for pair in held.verdicts],
            }
            for held in view.attestations
        ],
        "notices": view.notices,
        "resources": _resources(view, unknown),
        "unread": _unread(view.tallies),
    }
    before = b"{"
    for name, value in document.items():
        yield b"%b%b:" % (before, orjson.dumps(name))
        if isinstance(value, Iterator):
            yield from _list(value)
        else:
            yield orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        before = b","
    yield b"}\n"


def _list(values: Iterator[Any]) -> Iterator[bytes]:
    """Yield a JSON list in pieces of some values each."""
    before = b"["
    while some := list(islice(values, _AT_ONCE)):
        yield before + orjson.dumps(some, option=orjson.OPT_NON_STR_KEYS)[1:-1]
        before = b","
    yield b"[]" if before == b"[" else b"]"


_AT_ONCE = 1000


def _bullet(bullet: BulletView, group: str, group_name: str) -> dict[str, Any]:
    return {
        "id": bullet.id,
        "group": group,
        "group_name": group_name,
        "name": bullet.name,
        "statement": bullet.statement,
        "standing": bullet.standing,
        "note": bullet.note,
        "score": bullet.score,
        "grade": bullet.letter,
        "delta": bullet.delta,
        "trend": bullet.trend,
        "counts": asdict(bullet.counts),
        "checks": bullet.checks,
        "thresholds": dict(bullet.thresholds),
    }


def _coverage(coverage: CoverageView) -> dict[str, Any]:
    return {
        "asked": coverage.asked,
        "known": coverage.known,
        "percent": coverage.percent,
        "states": coverage.states,
        "resources": coverage.resources,
        "services": [
            {"service": row.service, "states": row.states, "resources": row.resources} for row in coverage.services
        ],
        "gaps": [asdict(gap) for gap in coverage.gaps],
        "taken_over": [asdict(taken) for taken in coverage.taken],
    }


def _changes(changes: ChangesView) -> dict[str, Any]:
    names = ("added", "changed", "gone")
    return {
        "previous_scan": changes.previous or None,
        "comparable": changes.comparable,
        "why_not": changes.why_not,
        "delta": changes.delta,
        "previous_score": changes.previous_score,
        "findings": changes.counts,
        "resources": dict(zip(names, changes.resources, strict=True)) if changes.resources else None,
        "drift": [asdict(change) for change in changes.drift],
        "not_comparable": changes.incomparable,
        "newly_read": changes.newly,
        "not_by_account": changes.not_by_account,
    }


def _finding(finding: FindingView) -> dict[str, Any]:
    return {
        "key": finding.key,
        "check": finding.check,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "resource": finding.resource,
        "name": finding.name,
        "type": finding.type,
        "account": finding.account,
        "region": finding.region,
        "evidence": [{"sentence": item.sentence, "facts": dict(item.facts)} for item in finding.evidence],
        "reason": finding.reason,
        "gaps": finding.gaps,
        "command": finding.command,
        "console": finding.console,
        "since": finding.since,
        "since_scan": finding.since_scan,
        "last_seen": finding.last_seen,
        "history": [asdict(turn) for turn in finding.history],
        "lifecycle": finding.lifecycle,
        "usd_month": finding.usd_month,
        "fault": finding.fault,
        "tags": finding.tags,
        "waiver": asdict(finding.waiver) if finding.waiver else None,
    }


def _money(money: MoneyView) -> dict[str, Any]:
    return {
        "usd_month": money.total,
        "by_certainty": money.by_certainty,
        "oldest_price": money.oldest_price or None,
        "shares": {
            "way": _shares(money.by_way),
            "bullet": _shares(money.by_bullet),
            "category": _shares(money.by_category),
            "service": _shares(money.by_service),
            "region": _shares(money.by_region),
            "account": _shares(money.by_account),
            "environment": _shares(money.by_environment),
            "owner": _shares(money.by_owner),
        },
        "items": [_item(item) for item in money.items],
        "not_priced": [_item(item) for item in money.unpriced],
    }


def _spending(spending: SpendingView) -> dict[str, Any]:
    return {
        "payer": spending.payer or None,
        "read": {name: asdict(reading) for name, reading in spending.readings.items()},
        "budgets": [{**asdict(budget), "standing": budget.standing or None} for budget in spending.budgets],
        "anomalies": [asdict(anomaly) for anomaly in spending.anomalies],
        "commitments": [asdict(held) for held in spending.commitments],
        "usage": [asdict(used) for used in spending.usage],
        "recommendations": [asdict(recommended) for recommended in spending.recommendations],
    }


def _shares(shares: Iterable[MoneyShare]) -> list[dict[str, Any]]:
    return [asdict(share) for share in shares]


def _item(item: MoneyItem) -> dict[str, Any]:
    return {
        "finding": item.state.finding.key,
        "check": item.state.finding.check,
        "resource": clean(item.state.finding.resource),
        "usd_month": item.usd_month,
        "certainty": item.certainty,
        "counted": item.counted,
        "formula": item.formula,
        "bullet": item.bullet,
        "category": item.category,
        "way": item.way,
        "last_use": item.last_use or None,
        "prices": [asdict(price) for price in item.prices],
    }


def _resources(view: ReportView, unknown: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    """Yield every resource that was judged, with all its verdicts, by type, region and id; UNKNOWN: why, by resource and check."""
    held: dict[str, dict[str, Any]] = {}

    def put(tally: Tally, ids: Iterable[str], verdict: Verdict, reason: str = "") -> None:
        check = visible(tally.check)
        for id in ids:
            entry = held.get(id)
            if entry is None:
                entry = held[id] = _entry(id, tally, view.names)
            entry["verdicts"][check] = verdict
            why = reason or (unknown.get((entry["id"], check), "") if verdict is Verdict.UNKNOWN else "")
            if why:
                entry["reasons"][check] = why

    for tally in view.tallies:
        put(tally, tally.passed, Verdict.PASS)
        put(tally, tally.failed, Verdict.FAIL)
        put(tally, tally.unknown, Verdict.UNKNOWN)
        for reason, ids in tally.not_applicable.items():
            put(tally, ids, Verdict.NOT_APPLICABLE, visible(reason))
    yield from sorted(held.values(), key=lambda entry: (entry["type"], entry["region"], entry["id"]))


def _entry(id: str, tally: Tally, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": visible(id),
        "name": visible(names.get(id, "")),
        "type": visible(tally.type),
        "account": visible(tally.account),
        "region": visible(tally.region),
        "verdicts": {},
        "reasons": {},
    }


def _unread(tallies: Iterable[Tally]) -> list[dict[str, str]]:
    return [
        {
            "check": visible(tally.check),
            "type": visible(tally.type),
            "account": visible(tally.account),
            "region": visible(tally.region),
            "operation": visible(tally.unread.operation),
            "code": visible(tally.unread.code),
            "message": visible(tally.unread.message),
        }
        for tally in tallies
        if tally.unread
    ]
