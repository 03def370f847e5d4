"""Nights in a row, and how long what fails stays so: counted from the intervals, equal to what each night says itself."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store.nights import START, Nights
from store.test_lives import CHECK, Judge

from auditor.model import CoverageState, Lifecycle, Resource, Score, Severity, Verdict
from auditor.store import CheckVersion
from auditor.trend import Life, repairs


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


@pytest.fixture
def volumes(nights: Nights) -> list[Resource]:
    return [nights.volume("a"), nights.volume("b"), nights.volume("c", nights.elsewhere)]


def test_nights_say_what_their_own_scans_say(judge: Judge, volumes: list[Resource]) -> None:
    store = judge.nights.store
    for fails in (["a", "b", "c"], ["a"], [], ["a", "c"]):
        judge.night(*volumes, fails=fails)
    judge.denied(volumes[2], fails=["c"])
    narrow = judge.nights.night(volumes[2], scopes=[judge.nights.elsewhere], regions=("us-east-1",))
    judge.judge(narrow, volumes[2])
    judge.night(*volumes, fails=["b"])
    judge.nights.night(*volumes)
    found = store.nights("123456789012", 30)
    assert [night.scan.id for night in found] == [1, 2, 3, 4, 5, 6, 7], "one that was not judged is no night"
    for night in found:
        states = store.findings(night.scan.id)
        assert night.open == sum(state.finding.verdict is Verdict.FAIL for state in states)
        assert night.unverified == sum(state.lifecycle is Lifecycle.UNVERIFIED for state in states)
        assert night.score == 50.0
    assert [(night.known, night.scopes) for night in found[3:6]] == [(2, 2), (1, 2), (1, 1)]
    assert [bool(night.differences) for night in found] == [False] * 5 + [True, False]
    assert [night.scan.id for night in store.nights("123456789012", 2, by=3)] == [2, 3]
    assert store.nights("999999999999", 30) == []


def test_how_long_it_failed_is_counted_from_opened_to_seen_mended(judge: Judge, volumes: list[Resource]) -> None:
    for fails in (["a", "b"], ["a", "b"], ["a"], ["a"]):
        judge.night(*volumes, fails=fails)
    last = judge.night(*volumes, fails=["a"])
    lives = judge.nights.store.lives(last.id)
    assert sorted(lives, key=lambda life: life.how) == [
        Life(Severity.HIGH, START, None, Lifecycle.OPEN, True),
        Life(Severity.HIGH, START, START + timedelta(days=2), Lifecycle.RESOLVED, True),
    ]
    high = repairs(lives, last.started_at)[1]
    assert (high.open, high.age_median, high.repaired, high.repair_median, high.repair_90) == (1, 4.0, 1, 2.0, 2.0)
    assert judge.nights.store.lives(last.id, since=START + timedelta(days=3)) == [lives[0]]


def test_what_was_unverified_took_so_long_at_most_and_what_vanished_was_not_mended(
    judge: Judge, volumes: list[Resource]
) -> None:
    judge.night(*volumes, fails=["a", "b"])
    denied = judge.denied(volumes[2])
    assert {(life.how, life.sure) for life in judge.nights.store.lives(denied.id)} == {(Lifecycle.UNVERIFIED, False)}
    high = repairs(judge.nights.store.lives(denied.id), denied.started_at)[1]
    assert (high.open, high.age_median, high.unverified) == (0, None, 2)
    third = judge.night(volumes[0], volumes[2])
    high = repairs(judge.nights.store.lives(third.id), third.started_at)[1]
    assert (high.repaired, high.at_most, high.repair_median, high.vanished) == (1, 1, 2.0, 1)


def test_what_a_changed_check_ended_was_mended_by_nobody(judge: Judge, volumes: list[Resource]) -> None:
    scan = None
    for version, fails in (("1", ["a"]), ("2", list[str]())):
        scan = judge.nights.night(*volumes)
        tally = judge.tally(judge.nights.volumes, volumes, fails, [])
        findings = [judge.finding(volumes[0])] if fails else []
        judge.nights.store.save_judgement(scan.id, findings, [tally], [], checks={CHECK: CheckVersion(version, "n")})
    assert scan is not None
    assert judge.nights.store.lives(scan.id) == []


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30))
def test_medians_and_nine_of_ten_are_values_that_bound_so_many(days: list[int]) -> None:
    lives = [Life(Severity.LOW, START, START + timedelta(days=day), Lifecycle.RESOLVED, True) for day in days]
    low = repairs(lives, START)[3]
    assert low.repair_90 in days
    assert sum(day <= low.repair_90 for day in days) >= 0.9 * len(days)
    assert low.repair_median is not None
    assert min(days) <= low.repair_median <= max(days)


def test_resources_are_listed_as_they_were_known_then(judge: Judge) -> None:
    nights, store = judge.nights, judge.nights.store
    first = nights.night(nights.volume("a", Size=1), nights.volume("b"))
    second = nights.night(nights.volume("a", Size=2), nights.volume("c"))
    third = nights.night(states={nights.volumes: CoverageState.DENIED})
    listed = {
        scan.id: {one.resource.name: (one.since, one.changed, one.read) for one in store.resource_list(scan.id)}
        for scan in (first, second, third)
    }
    began = [scan.started_at for scan in (first, second)]
    assert listed[1] == {"a": (began[0], began[0], "complete"), "b": (began[0], began[0], "complete")}
    assert listed[2] == {"a": (began[0], began[1], "complete"), "c": (began[1], began[1], "complete")}
    assert listed[3] == {"a": (began[0], began[1], "denied"), "c": (began[1], began[1], "denied")}
    assert store.resource_list(third.id, regions=["us-east-1"]) == []


def test_a_resources_versions_are_told_with_what_moved_that_night(judge: Judge) -> None:
    nights, store = judge.nights, judge.nights.store
    one = nights.volume("a", Size=1, Now="2026-01-01")
    nights.night(one)
    nights.night(nights.volume("a", Size=2, Now="2026-01-02"))
    third = nights.night(nights.volume("a", Size=2, Now="2026-01-03"))
    fourth = nights.night()
    versions = list(store.resource_history(third.id, one.id))
    assert [(v.since_scan, v.until_scan, v.document["Size"], v.moving) for v in versions] == [
        (1, 2, 1, {}),
        (2, None, 2, {"Now": "2026-01-03"}),
    ]
    assert versions[1].whole == {"VolumeId": "a", "Size": 2, "Now": "2026-01-03"}
    assert [v.until_scan for v in store.resource_history(fourth.id, one.id)] == [2, fourth.id]
    assert list(store.resource_history(third.id, "arn:of:nothing")) == []


def test_each_bullets_score_stands_at_its_night_and_what_had_none_is_none(
    judge: Judge, volumes: list[Resource]
) -> None:
    store = judge.nights.store
    numbers = []
    for value in (40.0, None, 60.0):
        scan = judge.nights.night(*volumes)
        scored = [
            Score("account", "123456789012", value, None, 1, 1),
            Score("pattern", "water.dry", value, None, 1, 1),
            *([Score("pattern", "water.deep", 90.0, "A", 1, 0)] if value == 60.0 else []),
        ]
        tallies = [judge.tally(scope, volumes, [], []) for scope in store.inventory(scan.id).coverage]
        assert store.save_judgement(scan.id, [], tallies, scored)
        numbers.append(scan.id)
    assert store.bullets(numbers) == {"water.dry": [40.0, None, 60.0], "water.deep": [None, None, 90.0]}
    assert store.bullets([numbers[2], numbers[0]]) == {"water.dry": [60.0, 40.0], "water.deep": [90.0, None]}
    assert store.bullets([]) == {}
