"""Findings to scores.

A pattern's score is the severity-weighted share of passes among passes and fails; a section's (and a group's) is the mean
of its patterns; the account's is the mean of its sections. Unknown, waived and not applicable stay out of it and are counted
beside it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from auditor.kit.check import Check
from auditor.model import Finding, Score, Tally, Verdict

__all__ = ["LETTERS", "letter", "score"]

LETTERS: tuple[tuple[float, str], ...] = ((90, "A"), (80, "B"), (70, "C"), (60, "D"), (0, "F"))
"""From which score a letter is given."""


def letter(value: float | None) -> str | None:
    """Return the letter of a score from 0 to 100: A from 90, B from 80, C from 70, D from 60, else F."""
    return None if value is None else next(name for least, name in LETTERS if value >= least)


def score(
    account: str,
    patterns: Sequence[str],
    checks: Mapping[str, Check],
    tallies: Iterable[Tally],
    findings: Iterable[Finding],
    waived: Container[str] = (),
) -> list[Score]:
    """Return the scores of ACCOUNT: its own first, then each section's, group's and pattern's, in the order of PATTERNS (ids).

    A failing finding weighs by its own severity, a pass by its check's. A scope that could not be read counts as one unknown
    for each check about it. A check that serves several patterns of a section is counted in it once. WAIVED holds the keys of
    the findings that are waived: they weigh nothing in ``value``, and all they weigh in ``strict``.
    """
    counted = _count(checks, tallies, findings, waived)
    serving: dict[str, list[str]] = defaultdict(list)
    for check in checks.values():
        for pattern in check.patterns:
            serving[pattern].append(check.id)
    bullets = {pattern: _pattern(pattern, serving[pattern], counted) for pattern in patterns}

    def means(level: str, key: Callable[[str], str]) -> list[Score]:
        members: dict[str, list[str]] = defaultdict(list)
        for pattern in patterns:
            members[key(pattern)].append(pattern)
        return [
            _mean(level, id, [bullets[p] for p in held], {c for p in held for c in serving[p]}, counted)
            for id, held in members.items()
        ]

    sections = means("section", lambda pattern: pattern.partition(".")[0])
    groups = means("group", lambda pattern: pattern.rpartition(".")[0])
    judged = {check for pattern in patterns for check in serving[pattern]}
    whole = _mean("account", account, sections, judged, counted)
    return [whole, *sections, *groups, *bullets.values()]


class _Counts(Counter[str]):
    """Verdicts and their weights of one check: passed, failed, unknown, not_applicable, waived (of the failed), weight_passed,
    weight_failed, weight_waived (of weight_failed)."""


def _count(
    checks: Mapping[str, Check], tallies: Iterable[Tally], findings: Iterable[Finding], waived: Container[str]
) -> dict[str, _Counts]:
    counted: dict[str, _Counts] = defaultdict(_Counts)
    for tally in tallies:
        here = counted[tally.check]
        here["passed"] += len(tally.passed)
        here["failed"] += len(tally.failed)
        here["unknown"] += len(tally.unknown) + (tally.unread is not None)
        here["not_applicable"] += sum(map(len, tally.not_applicable.values()))
        if tally.check in checks:
            here["weight_passed"] += len(tally.passed) * checks[tally.check].severity.weight
    for finding in findings:
        if finding.verdict is Verdict.FAIL:
            here = counted[finding.check]
            here["weight_failed"] += finding.severity.weight
            if finding.key in waived:
                here["waived"] += 1
                here["weight_waived"] += finding.severity.weight
    return counted


def _pattern(pattern: str, check_ids: Sequence[str], counted: Mapping[str, _Counts]) -> Score:
    weights: Counter[str] = Counter()
    for id in check_ids:
        weights.update(counted.get(id, {}))
    passed, failed = weights["weight_passed"], weights["weight_failed"]
    left = failed - weights["weight_waived"]
    return _score("pattern", pattern, _share(passed, left), _share(passed, failed), check_ids, counted)


def _share(passed: int, failed: int) -> float | None:
    return round(100 * passed / (passed + failed), 2) if passed + failed else None


def _mean(
    level: str, id: str, parts: Sequence[Score], check_ids: Iterable[str], counted: Mapping[str, _Counts]
) -> Score:
    values = [part.value for part in parts if part.value is not None]
    strict = [part.strict for part in parts if part.strict is not None]
    return _score(level, id, _average(values), _average(strict), check_ids, counted)


def _average(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


def _score(
    level: str,
    id: str,
    value: float | None,
    strict: float | None,
    check_ids: Iterable[str],
    counted: Mapping[str, _Counts],
) -> Score:
    total: Counter[str] = Counter()
    for check in check_ids:
        total.update(counted.get(check, {}))
    return Score(
        level=level,
        id=id,
        value=value,
        letter=letter(value),
        passed=total["passed"],
        failed=total["failed"],
        unknown=total["unknown"],
        not_applicable=total["not_applicable"],
        waived=total["waived"],
        strict=strict,
    )
