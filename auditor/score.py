"""Findings to scores.

A pattern's score is the severity-weighted share of passes among passes and fails; a section's (and a group's) is the mean
of its patterns; the account's is the mean of its sections. Unknown, waived and not applicable stay out of it and are counted
beside it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

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
) -> list[Score]:
    """Return the scores of ACCOUNT: its own first, then each section's, group's and pattern's, in the order of PATTERNS (ids).

    A failing finding weighs by its own severity, a pass by its check's. A scope that could not be read counts as one unknown
    for each check about it. A check that serves several patterns of a section is counted in it once.
    """
    counted = _count(checks, tallies, findings)
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
            _mean(level, id, [bullets[p].value for p in held], {c for p in held for c in serving[p]}, counted)
            for id, held in members.items()
        ]

    sections = means("section", lambda pattern: pattern.partition(".")[0])
    groups = means("group", lambda pattern: pattern.rpartition(".")[0])
    judged = {check for pattern in patterns for check in serving[pattern]}
    whole = _mean("account", account, [section.value for section in sections], judged, counted)
    return [whole, *sections, *groups, *bullets.values()]


class _Counts(Counter[str]):
    """Verdicts and their weights of one check: passed, failed, unknown, not_applicable, weight_passed, weight_failed."""


def _count(checks: Mapping[str, Check], tallies: Iterable[Tally], findings: Iterable[Finding]) -> dict[str, _Counts]:
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
            counted[finding.check]["weight_failed"] += finding.severity.weight
    return counted


def _pattern(pattern: str, check_ids: Sequence[str], counted: Mapping[str, _Counts]) -> Score:
    passed = sum(counted[id]["weight_passed"] for id in check_ids if id in counted)
    failed = sum(counted[id]["weight_failed"] for id in check_ids if id in counted)
    value = round(100 * passed / (passed + failed), 2) if passed + failed else None
    return _score("pattern", pattern, value, check_ids, counted)


def _mean(
    level: str, id: str, values: Sequence[float | None], check_ids: Iterable[str], counted: Mapping[str, _Counts]
) -> Score:
    known = [value for value in values if value is not None]
    return _score(level, id, round(sum(known) / len(known), 2) if known else None, check_ids, counted)


def _score(level: str, id: str, value: float | None, check_ids: Iterable[str], counted: Mapping[str, _Counts]) -> Score:
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
    )
