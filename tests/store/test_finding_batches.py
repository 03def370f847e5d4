"""Findings come out of the store batch by batch as they come at once: the same, in the report's order of kinds."""

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from store.nights import Nights
from store.test_lives import Judge

from auditor.model import Finding, FindingState, Resource, Severity, Verdict
from auditor.store import findings as finding_store


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


def many(judge: Judge, seed: int) -> tuple[int, list[str]]:
    """Judge volumes by several checks, of several severities, in several nights; return the last scan's number and the checks."""
    dice = random.Random(seed)
    store = judge.nights.store
    volumes = [judge.nights.volume(f"v{number}") for number in range(40)]
    checks = ["b-check", "a-check", "c-check"]
    scan = None
    for _ in range(3):
        scan = judge.nights.night(*volumes)
        findings = [
            one(judge, volume, check, dice)
            for check in (*checks, "of-nobody")
            for volume in volumes
            if dice.random() < 0.7
        ]
        store.save_judgement(scan.id, findings, [], [])
    assert scan is not None
    return scan.id, checks


def one(judge: Judge, volume: Resource, check: str, dice: random.Random) -> Finding:
    found = judge.finding(volume, dice.choice([Verdict.FAIL, Verdict.FAIL, Verdict.UNKNOWN]))
    return replace(found, key=f"{check}:{volume.id}", check=check, severity=dice.choice(list(Severity)))


def by_key(states: Iterable[FindingState]) -> dict[str, FindingState]:
    return {state.finding.key: state for state in states}


@pytest.mark.parametrize("size", [1, 30, 8192])
def test_batches_hold_what_the_list_holds_in_the_order_of_kinds(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(finding_store, "_BATCH", size)
    scan, checks = many(judge, size)
    store = judge.nights.store
    batches = list(store.finding_batches(scan, checks))
    came = [state for batch in batches for state in batch]
    assert by_key(came) == by_key(store.findings(scan))
    assert len(came) == len(store.findings(scan)) > 50
    rank = {check: number for number, check in enumerate(checks)}
    kinds = [
        [
            (
                state.finding.verdict is not Verdict.FAIL,
                state.finding.severity.rank,
                rank.get(state.finding.check, 3),
                state.finding.region,
            )
            for state in batch
        ]
        for batch in batches
    ]
    for before, after in itertools.pairwise(kinds):
        assert max(before) < min(after)
    assert len(batches) >= len({kind[:2] for batch in kinds for kind in batch})


def test_a_scan_that_was_not_judged_has_none(judge: Judge) -> None:
    scan = judge.nights.night(judge.nights.volume("a"))
    assert list(judge.nights.store.finding_batches(scan.id, [])) == []
