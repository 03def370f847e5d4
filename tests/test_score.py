"""Scores: severity-weighted shares of patterns, means of sections; unknown and not applicable stay out."""

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auditor.kit import Check, Fix, NoThresholds
from auditor.model import Evidence, Finding, Gap, Severity, Tally, Verdict
from auditor.score import letter, score

PATTERNS = ["cloud.a.one", "cloud.a.two", "cloud.b.three", "security.a.four"]


def check(id: str, *patterns: str, severity: Severity = Severity.HIGH) -> Check:
    def nothing(_facts: Any, _want: Any) -> Any:
        return iter(())

    return Check(id, patterns, ("T",), severity, Fix(""), NoThresholds, nothing, (), (), (), (), (), (), ())


def tally(of: str, passed: int = 0, failed: int = 0, unknown: int = 0, skipped: int = 0, unread: bool = False) -> Tally:
    return Tally(
        of,
        "111122223333",
        "eu-west-1",
        "T",
        tuple(f"p{n}" for n in range(passed)),
        tuple(f"f{n}" for n in range(failed)),
        tuple(f"u{n}" for n in range(unknown)),
        {"too young": tuple(f"n{n}" for n in range(skipped))} if skipped else {},
        Gap("x:Y", "AccessDenied") if unread else None,
    )


def fail(of: str, severity: Severity = Severity.HIGH) -> Finding:
    return Finding("k", of, "r", "T", "n", "a", "r", Verdict.FAIL, severity, (Evidence("wrong"),))


def scores(checks: list[Check], tallies: list[Tally], findings: list[Finding]) -> dict[tuple[str, str], Any]:
    made = score("111122223333", PATTERNS, {c.id: c for c in checks}, tallies, findings)
    return {(s.level, s.id): s for s in made}


def test_a_pattern_is_the_severity_weighted_share_of_passes() -> None:
    checks = [check("high", PATTERNS[0]), check("low", PATTERNS[0], severity=Severity.LOW)]
    made = scores(checks, [tally("high", passed=1), tally("low", failed=5)], [fail("low", Severity.LOW)] * 5)
    assert made["pattern", PATTERNS[0]].value == 50


def test_a_milder_finding_costs_less_than_its_checks_severity() -> None:
    made = scores([check("high", PATTERNS[0])], [tally("high", 1, 1)], [fail("high", Severity.LOW)])
    assert made["pattern", PATTERNS[0]].value == round(100 * 5 / 6, 2)


def test_a_section_is_the_mean_of_its_scored_patterns_and_the_account_of_its_sections() -> None:
    checks = [check("a", PATTERNS[0]), check("b", PATTERNS[1]), check("d", PATTERNS[3])]
    made = scores(checks, [tally("a", 1), tally("b", 0, 1), tally("d", 3, 1)], [fail("b"), fail("d")])
    assert made["section", "cloud"].value == 50
    assert made["group", "cloud.b"].value is None
    assert made["section", "security"].value == 75
    assert made["account", "111122223333"].value == 62.5
    assert made["account", "111122223333"].letter == "D"


def test_nothing_judged_is_no_score_and_no_letter() -> None:
    made = scores([], [], [])
    assert all(s.value is None and s.letter is None for s in made.values())


def test_a_check_of_two_patterns_counts_once_in_their_section() -> None:
    made = scores([check("a", PATTERNS[0], PATTERNS[1])], [tally("a", 2, 1)], [fail("a")])
    assert made["section", "cloud"].passed == 2
    assert made["pattern", PATTERNS[0]].passed == made["pattern", PATTERNS[1]].passed == 2


def test_a_scope_that_could_not_be_read_is_unknown_and_lowers_nothing() -> None:
    made = scores([check("a", PATTERNS[0])], [tally("a", 1, unread=True)], [])
    assert made["pattern", PATTERNS[0]].value == 100
    assert made["pattern", PATTERNS[0]].unknown == 1


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_unknown_and_not_applicable_never_move_a_score(passed: int, failed: int, unknown: int, skipped: int) -> None:
    findings = [fail("a")] * failed
    bare = scores([check("a", PATTERNS[0])], [tally("a", passed, failed)], findings)["pattern", PATTERNS[0]]
    full = scores([check("a", PATTERNS[0])], [tally("a", passed, failed, unknown, skipped)], findings)
    shown = full["pattern", PATTERNS[0]]
    assert (shown.value, shown.letter) == (bare.value, bare.letter)
    assert (shown.unknown, shown.not_applicable) == (unknown, skipped)
    assert shown.value is None or 0 <= shown.value <= 100
    assert dataclasses.replace(shown, unknown=0, not_applicable=0) == bare


@given(st.floats(0, 100))
def test_every_score_has_one_letter(value: float) -> None:
    assert letter(value) in {"A", "B", "C", "D", "F"}
