"""What the engine makes of what a check does: verdicts, gaps, faults, tallies."""

import gc
import logging
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.engine import Judgement, finding_key, judge, judge_all
from auditor.kit import NOW, Case, Check, Evidence, Facts, Fix, NotApplicable, NoThresholds, Severity, Unavailable
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, Coverage, CoverageState, Gap, Resource, Scope, Verdict

ACCOUNT, HERE, THERE = "111122223333", "eu-west-1", "us-east-1"
DENIED = Gap("x:ListThings", "AccessDenied", "no")


def a_check(judge_function: Any, on: tuple[str, ...] = ("T",), severity: Severity = Severity.HIGH) -> Check:
    case = (Case({}),)
    return Check(
        "thing-is-good", ("p",), on, severity, Fix(""), NoThresholds, judge_function, (), case, case, (), (), (), ()
    )


def a_resource(name: str, region: str = HERE, gaps: dict[str, Gap] | None = None, **document: Any) -> Resource:
    return Resource("T", f"arn:aws:x:{region}:{ACCOUNT}:{name}", name, ACCOUNT, region, NOW, document, gaps or {})


def an_inventory(*resources: Resource, states: dict[str, Gap | None] | None = None) -> Inventory:
    states = states or {HERE: None}
    coverage = {
        Scope(ACCOUNT, region, "T"): Coverage(
            Scope(ACCOUNT, region, "T"), CoverageState.DENIED if gap else CoverageState.COMPLETE, gap
        )
        for region, gap in states.items()
    }
    return Inventory(ACCOUNT, lambda type: [r for r in resources if r.type == type], coverage, [HERE, THERE])


def good_flag(facts: Facts, _: NoThresholds) -> Iterator[Evidence]:
    if facts.get("Skip"):
        raise NotApplicable("it is skipped")
    if not facts["Good"]:
        yield Evidence("it is not good", {"Good": False})
    if facts.get("Worse"):
        yield Evidence("it is worse", severity=Severity.CRITICAL)


def verdict_of(resource: Resource, check: Check | None = None) -> Any:
    return judge(check or a_check(good_flag), Facts(resource, an_inventory(resource)), NoThresholds())


def test_nothing_yielded_is_a_pass_and_evidence_is_a_fail() -> None:
    assert verdict_of(a_resource("a", Good=True)).verdict == Verdict.PASS
    failed = verdict_of(a_resource("a", Good=False))
    assert failed.verdict == Verdict.FAIL
    assert failed.evidence[0].sentence == "it is not good"


def test_a_gap_is_unknown_with_the_operation_and_the_code() -> None:
    finding = verdict_of(a_resource("a", gaps={"Good": DENIED}))
    assert finding.verdict == Verdict.UNKNOWN
    assert finding.gaps == (DENIED,)
    assert "x:ListThings answered AccessDenied" in finding.reason
    assert not finding.fault


def test_a_field_the_answer_did_not_hold_is_unknown_too() -> None:
    assert verdict_of(a_resource("a")).gaps[0].code == "FieldMissing"


def test_what_was_proven_before_a_gap_stays_a_fail_and_names_the_gap() -> None:
    finding = verdict_of(a_resource("a", Good=False, gaps={"Worse": DENIED}))
    assert finding.verdict == Verdict.FAIL
    assert finding.gaps == (DENIED,)


def test_what_an_unknown_looked_at_is_let_go_of_without_a_search_for_garbage() -> None:
    class LookedAt:
        pass

    seen: list[weakref.ref[LookedAt]] = []

    def keeps_a_doubt(facts: Facts, _: NoThresholds) -> Iterator[Evidence]:
        looked_at, doubt = LookedAt(), None
        seen.append(weakref.ref(looked_at))
        for field in ("Good", "Better"):
            try:
                yield Evidence(f"{field} is {facts[field]}")
            except Unavailable as unread:
                doubt = doubt or unread
        if doubt:
            raise doubt

    gc.disable()
    try:
        assert verdict_of(a_resource("a"), a_check(keeps_a_doubt)).verdict == Verdict.UNKNOWN
        assert [ref() for ref in seen] == [None]
    finally:
        gc.enable()


def test_what_a_check_looked_at_that_kept_a_doubt_and_passed_is_let_go_of_at_once() -> None:
    class LookedAt:
        pass

    seen: list[weakref.ref[LookedAt]] = []

    def has_a_doubt_but_passes(facts: Facts, _: NoThresholds) -> Iterator[Evidence]:
        looked_at, doubt = LookedAt(), None
        seen.append(weakref.ref(looked_at))
        try:
            yield Evidence(f"Good is {facts['Good']}")
        except Unavailable as unread:
            doubt = unread.kept()
        if doubt and facts.get("Worse"):
            raise doubt

    gc.disable()
    try:
        assert verdict_of(a_resource("a"), a_check(has_a_doubt_but_passes)).verdict == Verdict.PASS
        assert [ref() for ref in seen] == [None]
    finally:
        gc.enable()


def test_not_applicable_keeps_its_reason() -> None:
    finding = verdict_of(a_resource("a", Skip=True))
    assert (finding.verdict, finding.reason) == (Verdict.NOT_APPLICABLE, "it is skipped")


def test_what_was_proven_stays_a_fail_when_the_rest_is_not_applicable() -> None:
    def half_excused(facts: Facts, _: NoThresholds) -> Iterator[Evidence]:
        yield Evidence("port 22 is open")
        raise NotApplicable("port 80 is excused")

    check = a_check(half_excused)
    assert verdict_of(a_resource("a"), check).verdict == Verdict.FAIL
    judgement = judged(an_inventory(a_resource("a")), check)
    assert next(iter(judgement.tallies)).failed
    assert [finding.verdict for finding in judgement.findings] == [Verdict.FAIL]


def test_the_worst_evidence_decides_the_severity() -> None:
    assert verdict_of(a_resource("a", Good=False, Worse=True)).severity == Severity.CRITICAL


def test_a_check_that_breaks_is_unknown_and_its_own_fault_with_the_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(facts: Facts, _: NoThresholds) -> Iterator[Evidence]:
        yield Evidence(str(1 // 0))

    with caplog.at_level(logging.ERROR):
        finding = verdict_of(a_resource("a"), a_check(broken))
    assert (finding.verdict, finding.fault) == (Verdict.UNKNOWN, True)
    assert "ZeroDivisionError" in finding.reason
    assert "Traceback" in caplog.text


def test_a_findings_key_depends_on_check_and_resource_alone() -> None:
    keys = [("a", "b", "1"), ("ab", "", "1"), ("a", "b", "1", "c"), ("a", "", "1"), ("a", "b", "2")]
    assert finding_key(*keys[0]) == finding_key(*keys[0])
    assert len({finding_key(*key) for key in keys}) == 5
    assert finding_key("a", "\ud800", "1")


def test_the_key_of_an_arn_that_names_its_account_is_the_one_it_always_was() -> None:
    arn = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1"
    assert finding_key("volume-is-encrypted", arn, "123456789012") == "cdc07e9680177cd1fda66d28da5dbbc8"


def judged(inventory: Inventory, check: Check) -> Judgement:
    return judge_all([check], inventory, lambda _: NoThresholds())


def test_every_resource_is_in_exactly_one_list_of_its_regions_tally() -> None:
    inventory = an_inventory(
        a_resource("ok", Good=True),
        a_resource("bad", Good=False),
        a_resource("blind", gaps={"Good": DENIED}),
        a_resource("out", Skip=True),
        a_resource("far", THERE, Good=True),
        states={HERE: None, THERE: None},
    )
    judgement = judged(inventory, a_check(good_flag))
    here, there = sorted(judgement.tallies, key=lambda t: t.region)
    assert [len(here.passed), len(here.failed), len(here.unknown), len(here.not_applicable["it is skipped"])] == [1] * 4
    assert there.passed == (f"arn:aws:x:{THERE}:{ACCOUNT}:far",)
    assert judgement.verdicts == 5
    assert {f.verdict for f in judgement.findings} == {Verdict.FAIL, Verdict.UNKNOWN}


def test_a_scope_that_could_not_be_read_gives_no_verdict_but_a_tally_with_the_reason() -> None:
    judgement = judged(an_inventory(states={HERE: DENIED}), a_check(good_flag))
    assert judgement.verdicts == 0
    assert next(iter(judgement.tallies)).unread == DENIED


def test_global_resources_are_counted_under_global() -> None:
    inventory = an_inventory(a_resource("user", GLOBAL, Good=True), states={GLOBAL: None})
    assert [t.region for t in judged(inventory, a_check(good_flag)).tallies] == [GLOBAL]


def test_what_a_sentence_counts_by_the_clock_is_filled_in_for_its_night() -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    evidence = Evidence("is {days} days, {hours} hours or {minutes} minutes old", since=made)
    said = evidence.at(made + timedelta(days=50))
    assert said.sentence == "is 50 days, 1,200 hours or 72,000 minutes old"
    assert said.at(made + timedelta(days=51)).sentence.startswith("is 51 days")
    assert Evidence("{days} of an account's own words").at(made).sentence == "{days} of an account's own words"
