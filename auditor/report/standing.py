"""How the standard stands, section by section and bullet by bullet."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from auditor.model import Score
from auditor.report.alike import worst_of
from auditor.report.changes import scores_by_id
from auditor.report.inputs import ReportInputs
from auditor.report.text import json_text, plural, visible
from auditor.report.view import BulletView, CheckView, Counts, GroupView, SameView, SectionView, Standing
from auditor.standard import Pattern

__all__ = ["section_views"]

_Scores = Mapping[tuple[str, str], Score]


def section_views(
    inputs: ReportInputs,
    checks: Mapping[str, CheckView],
    failing: Mapping[str, Sequence[SameView]],
    comparable: bool,
) -> tuple[SectionView, ...]:
    """Return the standard's sections in order, with every bullet. FAILING: each check's kinds of failures, worst first."""
    serving: dict[str, list[CheckView]] = {pattern.id: [] for pattern in inputs.standard}
    for check in checks.values():
        for id in check.patterns:
            if id in serving:
                serving[id].append(check)
    now = scores_by_id(inputs.scores)
    before = scores_by_id(inputs.previous.scores) if inputs.previous and comparable else {}
    sections = []
    for section_id, patterns in groupby(inputs.standard, key=lambda pattern: pattern.section_id):
        held = list(patterns)
        groups = tuple(
            _group(id, list(members), (now, before, inputs.bullets), serving, failing)
            for id, members in groupby(held, key=lambda pattern: pattern.group_id)
        )
        score = now.get(("section", section_id))
        sections.append(
            SectionView(
                id=section_id,
                name=visible(held[0].section),
                score=score.value if score else None,
                letter=score.letter if score else None,
                delta=_delta(score, before.get(("section", section_id))),
                strict=score.strict if score else None,
                counts=_total({check.id: check for p in held for check in serving[p.id]}.values()),
                groups=groups,
            )
        )
    return tuple(sections)


def _delta(now: Score | None, before: Score | None) -> float | None:
    if now is None or before is None or now.value is None or before.value is None:
        return None
    return round(now.value - before.value, 2)


def _group(
    id: str,
    patterns: Sequence[Pattern],
    scores: tuple[_Scores, _Scores, Mapping[str, Sequence[float | None]]],
    serving: Mapping[str, Sequence[CheckView]],
    failing: Mapping[str, Sequence[SameView]],
) -> GroupView:
    """Return a sub-chapter. SCORES: of this scan, of the previous one where the two compare, and of each night."""
    now, before, nights = scores
    score = now.get(("group", id))
    return GroupView(
        id=id,
        name=visible(patterns[0].group),
        score=score.value if score else None,
        letter=score.letter if score else None,
        bullets=tuple(
            _bullet(pattern, now.get(key), before.get(key), nights.get(pattern.id, ()), serving[pattern.id], failing)
            for pattern in patterns
            for key in [("pattern", pattern.id)]
        ),
    )


def _bullet(
    pattern: Pattern,
    score: Score | None,
    before: Score | None,
    nights: Sequence[float | None],
    checks: Sequence[CheckView],
    failing: Mapping[str, Sequence[SameView]],
) -> BulletView:
    counts = _total(checks)
    standing, note = _standing(counts, checks)
    return BulletView(
        id=pattern.id,
        name=visible(pattern.bullet),
        statement=visible(pattern.statement),
        standing=standing,
        note=note,
        score=score.value if score else None,
        letter=score.letter if score else None,
        delta=_delta(score, before),
        trend=tuple(nights),
        counts=counts,
        checks=tuple(check.id for check in checks),
        worst=worst_of(failing[check.id] for check in checks if check.id in failing),
        thresholds=tuple((visible(key), json_text(value)) for key, value in pattern.thresholds.items()),
    )


def _total(checks: Iterable[CheckView]) -> Counts:
    counts = [check.counts for check in checks]
    return Counts(
        sum(c.passed for c in counts),
        sum(c.failed for c in counts),
        sum(c.unknown for c in counts),
        sum(c.not_applicable for c in counts),
        sum(c.waived for c in counts),
    )


def _standing(counts: Counts, checks: Sequence[CheckView]) -> tuple[Standing, str]:
    """Return the standing and a clause that says why. One unknown is enough not to say that a bullet holds."""
    if not checks:
        return Standing.UNJUDGED, "no check measures it yet"
    if not any(check.ran for check in checks):
        return Standing.UNJUDGED, "its checks were not part of this scan"
    unread = f"{counts.unknown:,} could not be read"
    if counts.failed:
        note = f"{counts.failed:,} of {counts.judged:,} fail"
        if counts.waived:
            note += ", all waived" if counts.waived == counts.failed else f", {counts.waived:,} of them waived"
        return Standing.BROKEN, f"{note}, {unread}" if counts.unknown else note
    if counts.unknown:
        return Standing.UNREAD, f"{counts.passed:,} pass, {unread}" if counts.passed else unread
    if counts.passed:
        return Standing.HOLDS, f"all {counts.passed:,} pass" if counts.passed > 1 else "it passes"
    if counts.not_applicable:
        return Standing.EMPTY, f"{plural(counts.not_applicable, 'resource')} it cannot concern"
    return Standing.EMPTY, "the account has no such resource"
