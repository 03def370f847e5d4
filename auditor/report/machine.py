"""The view for programs: JSON of a documented, versioned shape with every verdict, resource by resource."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import orjson

from auditor.model import Tally, Verdict
from auditor.report.text import visible
from auditor.report.view import BulletView, ChangesView, CoverageView, FindingView, MoneyItem, MoneyView, ReportView

__all__ = ["SCHEMA", "render_json"]

SCHEMA = 1
"""The shape's version: fields may be added under it, none is taken away or given another meaning."""


def render_json(view: ReportView) -> bytes:
    """Return the report as JSON (UTF-8).

    - ``schema``, ``generator``, ``scan``: what this is, of which scan, under which standard and checks (digests).
    - ``verdict``, ``score``, ``grade``, ``counts``, ``severities``, ``standings``: the whole account.
    - ``sections``: scores; in each its ``bullets`` with statement, standing, score, counts and checks.
    - ``coverage``: scopes by state, and ``gaps``: operation, code, message, and what is blind; ``taken_over``: what scans that
      were cut short had read, and this one did not read again.
    - ``changes``: against the previous scan, and whether the two compare; ``drift``: some resources that are new, changed (by
      fields, in words) or gone; ``not_comparable``: scopes that one of the two did not read; ``not_by_account``: how many findings
      turned for another reason than a changed account.
    - ``trend``: the last nights, oldest first: scores, failing findings (waived ones among them), savings and coverage.
    - ``checks``: what each check wants, why, its fix and its counts.
    - ``findings``: what fails or is unknown, with evidence (sentence, facts), command, since and lifecycle.
    - ``savings``: the total, and each amount with its prices; only ``counted`` ones make the total.
    - ``waived``: the failures that are accepted, each with its ``waiver`` (who, why, until, ticket, source); they are not among
      ``findings``, ``severities`` and ``savings``. ``waivers``: all that stood, also ended and unused ones.
    - ``attestations``: what people state, with evidence, fault and the verdicts that stand on it. ``notices``: what somebody
      should look at of both. ``score_without_waivers``: the score if nothing were waived.
    - ``resources``: every verdict: for each resource ``verdicts`` (check -> pass, fail, unknown, not_applicable) and
      ``reasons`` (check -> why it is not applicable or unknown).
    - ``unread``: scopes a check could not judge, with operation and code; each counts as one unknown.
    """
    document = {
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
        "findings": [_finding(finding) for finding in view.findings],
        "savings": _money(view.money),
        "waived": [_finding(finding) for finding in view.waived],
        "waivers": [asdict(waiver) for waiver in view.waivers],
        "attestations": [
            {
                **asdict(held),
                "verdicts": [dict(zip(("check", "resource"), pair, strict=True)) for pair in held.verdicts],
            }
            for held in view.attestations
        ],
        "notices": view.notices,
        "resources": _resources(view),
        "unread": _unread(view.tallies),
    }
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)


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
        "items": [_item(item) for item in money.items],
        "not_priced": [_item(item) for item in money.unpriced],
    }


def _item(item: MoneyItem) -> dict[str, Any]:
    return {
        "finding": item.finding.key,
        "check": item.finding.check,
        "resource": item.finding.resource,
        "usd_month": item.usd_month,
        "certainty": item.certainty,
        "counted": item.counted,
        "formula": item.formula,
        "bullet": item.bullet,
        "category": item.category,
        "prices": [asdict(price) for price in item.prices],
    }


def _resources(view: ReportView) -> list[dict[str, Any]]:
    """Return every resource that was judged, with all its verdicts, by type, region and id."""
    held: dict[str, dict[str, Any]] = {}
    unknown = {(f.resource, f.check): f.reason for f in view.findings if f.verdict is Verdict.UNKNOWN}

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
    return sorted(held.values(), key=lambda entry: (entry["type"], entry["region"], entry["id"]))


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
