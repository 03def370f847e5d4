"""What differs between two scans, on a terminal of 80 columns or as JSON."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from auditor.cli.terminal import SEVERITY_STYLES, Part, console, discard_output, plain, print_rows
from auditor.comparison import TURNS
from auditor.drift import Cause, Comparison, FieldChange, FieldKind, FindingTurn, ResourceChange, ResourceRef
from auditor.model import Lifecycle, Scan, Score

__all__ = ["as_json", "change_words", "print_comparison"]

_WIDEST = 100
_FIELDS = 8
"""Fields of one resource that are shown."""
_TURN_STYLES = {
    Lifecycle.OPENED: "red",
    Lifecycle.REOPENED: "bold red",
    Lifecycle.RESOLVED: "green",
    Lifecycle.VANISHED: "dim",
    Lifecycle.UNVERIFIED: "magenta",
}
_CAUSES = {
    Cause.CHECK: "the check was changed, the resource was not",
    Cause.STANDARD: "the numbers of the standard were changed, the resource was not",
    Cause.EITHER: "the check or its numbers were changed, and so was something that it looks at",
    Cause.SCOPE: "one of the two scans did not read or judge it",
}


def print_comparison(found: Comparison, sections: Mapping[str, str], limit: int) -> None:
    """Print FOUND; SECTIONS names each section id, LIMIT is how many lines a list has at most (0: no limit)."""
    out = console()
    try:
        _head(out, found)
        _scores(out, found, sections)
        _turns(out, found, limit)
        _resources(out, found, limit)
        _apart(out, found, limit)
    except BrokenPipeError:
        discard_output()


def _rows(out: Any, rows: Iterable[Sequence[Part]], right: Sequence[int] = ()) -> None:
    print_rows(out, rows, right=right, widest=_WIDEST)


def _title(out: Any, text: str) -> None:
    out.print()
    _rows(out, [[(text, "bold")]])


def _scan(scan: Scan) -> str:
    return f"scan {scan.id} ({scan.started_at:%Y-%m-%d %H:%M} UTC)"


def _head(out: Any, found: Comparison) -> None:
    out.print()
    _rows(out, [[(f"From {_scan(found.before)} to {_scan(found.after)}", "bold")]])
    name = f"{found.after.account_name} " if found.after.account_name else ""
    _rows(out, [[(f"account {name}{found.after.account}", "dim")]])
    if found.other_program:
        versions = f"auditor {found.before.program_version}, then {found.after.program_version}"
        _rows(out, [[(versions, "dim")]])


def _scores(out: Any, found: Comparison, sections: Mapping[str, str]) -> None:
    was, now = ({(s.level, s.id): s for s in scores} for scores in found.scores)
    rows: list[list[Part]] = [[("", ""), ("score", "dim"), ("", ""), ("USD a month", "dim")]]
    for key in dict.fromkeys([*was, *now]):
        level, id = key
        if level not in ("account", "section"):
            continue
        section = "" if level == "account" else id
        name = "the account" if level == "account" else sections.get(id, id)
        money = [_usd(savings, section) for savings in found.savings]
        before, after = was.get(key), now.get(key)
        if before == after and money[0] == money[1] and level != "account":
            continue
        delta = "" if found.differences else _delta(before, after)
        rows.append(
            [
                (name, "bold" if level == "account" else ""),
                (f"{_value(before)} > {_value(after)}", ""),
                (delta, "green" if delta.startswith("+") else "red"),
                (f"{_amount(money[0])} > {_amount(money[1])}" if any(money) or not section else "", ""),
            ]
        )
    _title(out, "Score, and what can be saved")
    _rows(out, rows, right=[1, 2])
    if found.differences:
        _rows(out, [[(f"the scores do not compare: {'; '.join(found.differences)}", "yellow")]])


def _usd(savings: Mapping[str, float] | None, section: str) -> float | None:
    """Return what a section (``""``: the account) could save; ``None``: cost was not judged."""
    if savings is None:
        return None
    return round(savings.get(section, 0.0) if section else sum(savings.values()), 2)


def _amount(usd: float | None) -> str:
    return "-" if usd is None else f"{usd:,.2f}"


def _value(score: Score | None) -> str:
    # Cut, never rounded up: 79.9 must not look like the next grade.
    return "-" if score is None or score.value is None else f"{int(score.value * 10) / 10:.1f} {score.letter}"


def _delta(before: Score | None, after: Score | None) -> str:
    if before is None or after is None or before.value is None or after.value is None:
        return ""
    return f"{after.value - before.value:+.1f}" if after.value != before.value else ""


def _turns(out: Any, found: Comparison, limit: int) -> None:
    counts = Counter(turn.state.lifecycle for turn in found.turns)
    said = ", ".join(f"{counts[kind]:,} {kind}" for kind in TURNS if counts[kind])
    _title(out, f"Findings: {said or 'none turned'}")
    for cause, words in _CAUSES.items():
        number = sum(turn.cause is cause for turn in found.turns if turn.state.lifecycle is not Lifecycle.UNVERIFIED)
        if number:
            _rows(out, [[(f"of {number:,} of them {words}", "yellow")]])
    for turn in found.turns[: limit or None]:
        finding = turn.state.finding
        _rows(
            out,
            [
                [
                    (str(turn.state.lifecycle), _TURN_STYLES[turn.state.lifecycle]),
                    (str(finding.severity), SEVERITY_STYLES[finding.severity]),
                    (f"{finding.check}  {plain(finding.name, 60)}  {finding.region}{_because(turn)}", ""),
                ]
            ],
        )
        said = "; ".join(item.sentence for item in finding.evidence) or finding.reason
        _rows(out, [[("  ", ""), (plain(said, 300), "dim")]])
    _more(out, len(found.turns), limit)


def _because(turn: FindingTurn) -> str:
    return "" if turn.cause is Cause.ACCOUNT else f"  ({turn.cause})"


def _more(out: Any, count: int, limit: int) -> None:
    if limit and count > limit:
        _rows(out, [[(f"and {count - limit:,} more (--limit 0 shows all, --format json too)", "dim")]])


def _resources(out: Any, found: Comparison, limit: int) -> None:
    drift = found.drift
    counts = ((len(drift.added), "added"), (len(drift.changed), "changed"), (len(drift.gone), "gone"))
    said = ", ".join(f"{number:,} {word}" for number, word in counts if number)
    _title(out, f"Resources: {said or 'none changed'}")
    _some(out, "+", "green", drift.added, limit)
    for change in drift.changed[: limit or None]:
        _rows(out, [[("~", "yellow"), (_named(change.resource), "")]])
        _fields(out, change)
    _more(out, len(drift.changed), limit)
    _some(out, "-", "red", drift.gone, limit)
    for new in drift.newly:
        words = f"{new.field} of {new.resources:,} {new.type} is read by one of the two programs only: no drift"
        _rows(out, [[("i", "dim"), (words, "dim")]])


def _some(out: Any, sign: str, style: str, refs: Sequence[ResourceRef], limit: int) -> None:
    _rows(out, ([(sign, style), (_named(ref), "")] for ref in refs[: limit or None]))
    _more(out, len(refs), limit)


def _named(ref: ResourceRef) -> str:
    return f"{ref.type}  {plain(ref.name or ref.id, 100)}  {ref.region}"


def _fields(out: Any, change: ResourceChange) -> None:
    for field in change.fields[:_FIELDS]:
        _rows(out, [[("   ", ""), (change_words(field), "")]])
    if len(change.fields) > _FIELDS:
        _rows(out, [[("   ", ""), (f"and {len(change.fields) - _FIELDS} more fields", "dim")]])
    if change.unread:
        _rows(out, [[("   ", ""), (f"not read by one of the two: {', '.join(change.unread)}", "dim")]])


def change_words(field: FieldChange) -> str:
    """Return one difference of a document on a line, harmless and not endless."""
    where = plain(field.where, 120)
    before, after = _shown(field.before), _shown(field.after)
    if field.kind is FieldKind.CHANGED:
        return f"{where}: {before} > {after}"
    if field.kind in (FieldKind.ADDED, FieldKind.ITEM_ADDED):
        return f"{where}: + {after}"
    return f"{where}: - {before}"


def _shown(value: Any) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, sort_keys=True), 160)


def _apart(out: Any, found: Comparison, limit: int) -> None:
    if not found.drift.incomparable:
        return
    regions: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for scope, before, after in found.drift.incomparable:
        regions[scope.type, before, after].append(scope.region)
    number = len(found.drift.incomparable)
    _title(out, f"Not comparable: {number:,} scope{'s' if number != 1 else ''} that one of the two did not read whole")
    for (type, before, after), held in list(regions.items())[: limit or None]:
        where = held[0] if len(held) == 1 else f"{len(held)} regions"
        _rows(
            out, [[("?", "magenta"), (f"{type}  {where}: {before.replace('_', ' ')} > {after.replace('_', ' ')}", "")]]
        )
    _more(out, len(regions), limit)


def as_json(found: Comparison) -> str:
    """Return FOUND as JSON: the shape that docs/history.md describes; under its ``schema`` fields are only added."""
    return json.dumps(_document(found), indent=2, default=str)


def _document(found: Comparison) -> dict[str, Any]:
    drift = found.drift
    return {
        "schema": 1,
        "account": found.after.account,
        "before": _scan_out(found.before),
        "after": _scan_out(found.after),
        "comparable": not found.differences,
        "differences": list(found.differences),
        "scores": [
            {"level": level, "id": id, "before": before, "after": after}
            for (level, id), (before, after) in _paired(found).items()
        ],
        "savings_usd_month": {
            section: {"before": _usd(found.savings[0], section), "after": _usd(found.savings[1], section)}
            for section in sorted({*(found.savings[0] or ()), *(found.savings[1] or ())})
        },
        "savings_usd_month_total": {"before": _usd(found.savings[0], ""), "after": _usd(found.savings[1], "")},
        "findings": [_turn_out(turn) for turn in found.turns],
        "resources": {
            "added": [ref._asdict() for ref in drift.added],
            "changed": [
                {
                    **change.resource._asdict(),
                    "fields": [_field_out(field) for field in change.fields],
                    "unread": list(change.unread),
                }
                for change in drift.changed
            ],
            "gone": [ref._asdict() for ref in drift.gone],
        },
        "not_comparable": [
            {**scope._asdict(), "before": before, "after": after} for scope, before, after in drift.incomparable
        ],
        "newly_read": [new._asdict() for new in drift.newly],
    }


def _scan_out(scan: Scan) -> dict[str, Any]:
    return {
        "scan": scan.id,
        "started_at": scan.started_at.isoformat(),
        "status": str(scan.status),
        "regions": list(scan.regions),
        "selection": {name: list(values) for name, values in scan.selection.items()},
        "program_version": scan.program_version,
        "standard_digest": scan.standard_digest,
        "checks_digest": scan.checks_digest,
    }


def _paired(found: Comparison) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    was, now = ({(score.level, score.id): score.value for score in scores} for scores in found.scores)
    return {key: (was.get(key), now.get(key)) for key in dict.fromkeys([*was, *now])}


def _turn_out(turn: FindingTurn) -> dict[str, Any]:
    state, finding = turn.state, turn.state.finding
    return {
        "turned": str(state.lifecycle),
        "cause": str(turn.cause),
        "key": finding.key,
        "check": finding.check,
        "severity": str(finding.severity),
        "verdict": str(finding.verdict),
        "type": finding.type,
        "region": finding.region,
        "resource": finding.resource,
        "name": finding.name,
        "evidence": [{"sentence": item.sentence, "facts": dict(item.facts)} for item in finding.evidence],
        "reason": finding.reason,
        "opened_at": state.since.isoformat(),
        "last_seen": state.last_seen.isoformat(),
        "usd_month": finding.saving.usd_month if finding.saving else None,
    }


def _field_out(field: FieldChange) -> dict[str, Any]:
    return {"path": field.where, "kind": str(field.kind), "before": field.before, "after": field.after}
