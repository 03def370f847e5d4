"""The list of findings says of each what the findings themselves say, in the order people read them."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from store.nights import START, Nights
from store.test_finding_batches import one
from store.test_lives import Judge

from auditor.acceptance import Accepted, Waiver
from auditor.model import Evidence, Finding, FindingState, Resource, Saving, Scan, Score, Verdict
from auditor.store import FindingLine, Store

HURTS = "a\\b\\u0000c\ud800\x1b[31m"
EVIDENCE = (
    Evidence("is {days} days old", {"wanted_max_days": 90}, None, Saving(2.5, "100 GB"), START - timedelta(days=400)),
    Evidence("has no owner", {}, None, Saving(None, "not priced")),
    Evidence("is idle for {hours} hours", {}, None, Saving(7.25, "more"), START - timedelta(hours=30)),
)


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


def line_of(state: FindingState) -> FindingLine:
    """What a list is to say of a finding."""
    finding, saving = state.finding, state.finding.saving
    return FindingLine(
        finding.severity, finding.verdict, finding.check, finding.resource, finding.key, finding.name, finding.type,
        finding.account, finding.region, "; ".join(said.sentence for said in finding.evidence) or finding.reason,
        saving.usd_month if saving else None, state.lifecycle, state.since, state.waiver,
    )  # fmt: skip


def agree(store: Store, scan: Scan) -> list[FindingLine]:
    """Hold the list against the findings, and return it."""
    for verdicts in (None, [Verdict.FAIL], [Verdict.UNKNOWN]):
        states = store.findings(scan.id, verdicts=verdicts)
        states.sort(key=lambda state: (state.finding.severity.rank, state.finding.check, state.finding.resource))
        assert store.finding_list(scan.id, verdicts=verdicts) == [line_of(state) for state in states]
    return store.finding_list(scan.id)


def test_it_says_what_the_findings_say_night_by_night(judge: Judge) -> None:
    dice, nights = random.Random(7), judge.nights
    volumes = [
        nights.volume(f"v{number}-{HURTS}", dice.choice([nights.volumes, nights.elsewhere])) for number in range(9)
    ]

    def found(volume: Resource, check: str) -> Finding:
        finding = one(judge, volume, check, dice)
        if finding.verdict is Verdict.UNKNOWN:
            return finding
        said = tuple(item.at(START) for item in dice.sample(EVIDENCE, dice.randint(1, 3)))
        return replace(finding, evidence=said)

    scans = []
    for _ in range(4):
        scan = nights.night(*volumes)
        findings = [found(volume, check) for check in ("b", "a") for volume in volumes if dice.random() < 0.7]
        tallies = [judge.tally(scope, volumes, [], []) for scope in (nights.volumes, nights.elsewhere)]
        accepted = {found.key: _waiver() for found in findings if found.verdict is Verdict.FAIL and dice.random() < 0.3}
        nights.store.save_judgement(
            scan.id, findings, tallies, [Score("account", nights.account, 50.0, "F")], accepted=Accepted(accepted)
        )
        scans.append(scan)
    assert sum(len(agree(nights.store, scan)) for scan in scans) > 40
    assert any(line.waiver for line in agree(nights.store, scans[-1]))


def _waiver() -> Waiver:
    return Waiver(reason="known", owner="ops", until=date(2026, 6, 1), check="a")


def test_what_could_not_be_read_keeps_its_last_words_and_its_price(judge: Judge) -> None:
    a, b = judge.nights.volume("a"), judge.nights.volume("b", judge.nights.elsewhere)
    judge.night(a, b, fails=["a", "b"])
    lines = agree(judge.nights.store, judge.denied(b, fails=["b"]))
    assert {(line.name, str(line.lifecycle), line.said) for line in lines} == {
        ("a", "unverified", "is not encrypted"),
        ("b", "open", "is not encrypted"),
    }


def test_another_account_and_an_unjudged_scan_are_not_in_it(judge: Judge) -> None:
    a = judge.nights.volume("a")
    first = judge.night(a, fails=["a"])
    later = judge.nights.night(a)
    here, there = (scope._replace(account="210987654321") for scope in (judge.nights.volumes, judge.nights.elsewhere))
    other = Judge(Nights(judge.nights.store, "210987654321", here, there))
    other.night(other.nights.volume("z"), fails=["z"])
    assert [line.name for line in agree(judge.nights.store, first)] == ["a"]
    assert agree(judge.nights.store, later) == []
