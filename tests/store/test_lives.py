"""Findings from opened to resolved, and what a scan that could not look does to them: nothing."""

import gc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from store.nights import Nights

from auditor.engine import finding_key
from auditor.errors import StoreError
from auditor.kit import DAYS
from auditor.model import (
    Certainty,
    Coverage,
    CoverageState,
    Evidence,
    Finding,
    FindingState,
    Gap,
    Lifecycle,
    Price,
    Resource,
    Saving,
    Scan,
    ScanStatus,
    Scope,
    Score,
    Severity,
    Tally,
    Verdict,
)
from auditor.store import judgement

CHECK = "volume-is-encrypted"
PLAIN = "is not encrypted"
SCORE = Score("account", "123456789012", 50.0, "D", 1, 1)


@dataclass
class Judge:
    """Scans and judges; what fails and what is unknown is told by names."""

    nights: Nights

    def finding(
        self, volume: Resource, verdict: Verdict = Verdict.FAIL, sentence: str = "is not encrypted", sub: str = ""
    ) -> Finding:
        """A finding about a volume."""
        evidence = (Evidence(sentence, {"Encrypted": False}),) if verdict is Verdict.FAIL else ()
        gaps = () if verdict is Verdict.FAIL else (Gap("ec2:DescribeVolumes", "Throttling", "request 1"),)
        return Finding(
            f"{CHECK}:{volume.id}:{sub}", CHECK, volume.id, volume.type, volume.name, volume.account, volume.region,
            verdict, Severity.HIGH, evidence, "" if verdict is Verdict.FAIL else "not readable", gaps,
        )  # fmt: skip

    def tally(
        self,
        scope: Scope,
        volumes: Iterable[Resource],
        fails: Sequence[str],
        unknown: Sequence[str],
        unread: Gap | None = None,
    ) -> Tally:
        """A tally of the volumes that lie in the scope; who does not fail and is known passes."""
        here = [volume for volume in volumes if volume.scope == scope]
        passed, failed, missing = (
            tuple(volume.id for volume in here if (volume.name in fails, volume.name in unknown) == group)
            for group in ((False, False), (True, False), (False, True))
        )
        return Tally(CHECK, scope.account, scope.region, scope.type, passed, failed, missing, unread=unread)

    def judge(
        self,
        scan: Scan,
        *volumes: Resource,
        fails: Sequence[str] = (),
        unknown: Sequence[str] = (),
        unread: Sequence[Scope] = (),
        narrowed: bool = False,
        sentence: str = "is not encrypted",
    ) -> bool:
        """Judge a scan."""
        findings = [self.finding(volume, sentence=sentence) for volume in volumes if volume.name in fails]
        findings += [self.finding(volume, Verdict.UNKNOWN) for volume in volumes if volume.name in unknown]
        tallies = [
            self.tally(scope, volumes, fails, unknown, self.nights.denied if scope in unread else None)
            for scope in self.nights.store.inventory(scan.id).coverage
        ]
        return self.nights.store.save_judgement(scan.id, findings, tallies, [SCORE], narrowed=narrowed)

    def night(self, *volumes: Resource, fails: Sequence[str] = (), unknown: Sequence[str] = ()) -> Scan:
        """A complete night, judged."""
        scan = self.nights.night(*volumes)
        assert self.judge(scan, *volumes, fails=fails, unknown=unknown)
        return scan

    def denied(self, *volumes: Resource, fails: Sequence[str] = ()) -> Scan:
        """A night in which the first scope was denied."""
        scan = self.nights.night(*volumes, states={self.nights.volumes: CoverageState.DENIED})
        assert self.judge(scan, *volumes, fails=fails, unread=[self.nights.volumes])
        return scan

    def lives(self, scan: Scan) -> dict[str, Lifecycle]:
        """Name and lifecycle of the findings after a scan."""
        return {state.finding.name: state.lifecycle for state in self.nights.store.findings(scan.id)}

    def changes(self, scan: Scan) -> dict[str, Lifecycle]:
        """Name and lifecycle of what a scan changed."""
        return {state.finding.name: state.lifecycle for state in self.nights.store.changes(scan.id)}

    def state(self, scan: Scan) -> FindingState:
        """The only finding."""
        (state,) = self.nights.store.findings(scan.id)
        return state


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


@pytest.fixture
def bad(nights: Nights) -> Resource:
    return nights.volume("bad", Encrypted=False)


@pytest.fixture
def good(nights: Nights) -> Resource:
    return nights.volume("good", Encrypted=True)


def test_a_finding_is_opened_then_open_then_resolved_then_reopened(judge: Judge, bad: Resource) -> None:
    nights = [judge.night(bad, fails=fails) for fails in (["bad"], ["bad"], [], ["bad"], ["bad"])]
    assert [judge.lives(scan) for scan in nights] == [
        {"bad": Lifecycle.OPENED},
        {"bad": Lifecycle.OPEN},
        {},
        {"bad": Lifecycle.REOPENED},
        {"bad": Lifecycle.OPEN},
    ]
    assert [judge.changes(scan) for scan in nights] == [
        {"bad": Lifecycle.OPENED},
        {},
        {"bad": Lifecycle.RESOLVED},
        {"bad": Lifecycle.REOPENED},
        {},
    ]
    first, second, third, fourth, fifth = nights
    assert (judge.state(second).since, judge.state(second).since_scan) == (first.started_at, first.id)
    assert (judge.state(fifth).since, judge.state(fifth).since_scan) == (fourth.started_at, fourth.id)
    assert judge.state(second).last_seen == second.started_at
    (resolved,) = judge.nights.store.changes(third.id)
    assert (resolved.since, resolved.last_seen) == (first.started_at, second.started_at)


def test_an_unchanged_judgement_writes_that_it_was_made_and_the_scores(
    judge: Judge, bad: Resource, good: Resource
) -> None:
    judge.night(bad, good, fails=["bad"])
    before = judge.nights.rows()
    judge.night(bad, good, fails=["bad"])
    assert judge.nights.added_rows(before) == {"scans": 1, "coverage": 2, "judgements": 1, "scores": 1}


def test_other_evidence_is_kept_by_its_night_and_opens_nothing(judge: Judge, bad: Resource) -> None:
    first = judge.night(bad, fails=["bad"])
    second = judge.nights.night(bad)
    judge.judge(second, bad, fails=["bad"], sentence="is still not encrypted")
    assert judge.lives(second) == {"bad": Lifecycle.OPEN}
    assert judge.changes(second) == {}
    assert judge.state(second).since_scan == first.id
    assert [judge.state(scan).finding.evidence[0].sentence for scan in (first, second)] == [
        "is not encrypted",
        "is still not encrypted",
    ]


def test_a_finding_vanishes_with_its_resource_and_is_reopened_with_it(
    judge: Judge, bad: Resource, good: Resource
) -> None:
    judge.night(bad, good, fails=["bad"])
    gone = judge.night(good)
    assert judge.lives(gone) == {}
    assert judge.changes(gone) == {"bad": Lifecycle.VANISHED}
    assert judge.lives(judge.night(bad, good, fails=["bad"])) == {"bad": Lifecycle.REOPENED}


def test_a_finding_vanishes_even_when_nothing_of_its_type_is_left_to_judge(judge: Judge, bad: Resource) -> None:
    judge.night(bad, fails=["bad"])
    scan = judge.nights.night()
    judge.nights.store.save_judgement(scan.id, [], [], [])
    assert judge.changes(scan) == {"bad": Lifecycle.VANISHED}


def test_a_denied_scope_makes_its_findings_unverified_and_resolves_nothing(judge: Judge, bad: Resource) -> None:
    there = judge.nights.volume("there", judge.nights.elsewhere)
    first = judge.night(bad, there, fails=["bad", "there"])
    second = judge.denied(there, fails=["there"])
    assert judge.lives(second) == {"bad": Lifecycle.UNVERIFIED, "there": Lifecycle.OPEN}
    assert judge.changes(second) == {"bad": Lifecycle.UNVERIFIED}
    # Still denied: nothing turned, nothing is written.
    before = judge.nights.rows()
    third = judge.denied(there, fails=["there"])
    assert judge.nights.added_rows(before) == {"scans": 1, "coverage": 2, "judgements": 1, "scores": 1}
    assert judge.changes(third) == {}
    (state,) = judge.nights.store.findings(third.id, verdicts=[Verdict.UNKNOWN])
    assert state.finding.evidence[0].sentence == "is not encrypted"
    assert "failing when last judged (2026-01-01)" in state.finding.reason
    assert state.finding.gaps == (judge.nights.denied,)
    assert (state.since, state.last_seen) == (first.started_at, first.started_at)
    # What was not read is never a fail.
    assert [state.finding.name for state in judge.nights.store.findings(third.id, verdicts=[Verdict.FAIL])] == ["there"]
    fourth = judge.night(bad, there, fails=["bad", "there"])
    assert judge.lives(fourth) == {"bad": Lifecycle.OPEN, "there": Lifecycle.OPEN}
    assert judge.changes(fourth) == {}
    assert {state.since_scan for state in judge.nights.store.findings(fourth.id)} == {first.id}


def test_an_unverified_finding_that_passes_later_is_resolved(judge: Judge, bad: Resource) -> None:
    first = judge.night(bad, fails=["bad"])
    judge.denied()
    third = judge.night(bad)
    (state,) = judge.nights.store.changes(third.id)
    assert (state.lifecycle, state.last_seen) == (Lifecycle.RESOLVED, first.started_at)
    assert judge.lives(third) == {}
    assert judge.lives(judge.night(bad, fails=["bad"])) == {"bad": Lifecycle.REOPENED}


def test_a_partial_scope_resolves_what_was_seen_to_pass_and_no_more(judge: Judge) -> None:
    seen, unseen = judge.nights.volume("seen"), judge.nights.volume("unseen")
    judge.night(seen, unseen, fails=["seen", "unseen"])
    second = judge.nights.night(seen, states={judge.nights.volumes: CoverageState.PARTIAL})
    judge.judge(second, seen, unread=[judge.nights.volumes])
    assert judge.changes(second) == {"seen": Lifecycle.RESOLVED, "unseen": Lifecycle.UNVERIFIED}


def test_a_failing_finding_that_becomes_unknown_is_unverified_with_tonights_reason(judge: Judge, bad: Resource) -> None:
    first = judge.night(bad, fails=["bad"])
    second = judge.night(bad, unknown=["bad"])
    third = judge.night(bad, unknown=["bad"])
    assert judge.changes(second) == {"bad": Lifecycle.UNVERIFIED}
    assert judge.changes(third) == {}
    state = judge.state(third)
    assert (state.finding.verdict, state.finding.reason) == (Verdict.UNKNOWN, "not readable")
    assert (state.lifecycle, state.since_scan, state.last_seen) == (Lifecycle.UNVERIFIED, first.id, first.started_at)


def test_what_was_always_unknown_is_no_change_until_it_fails(judge: Judge, bad: Resource) -> None:
    scans = [
        judge.night(bad, fails=fails, unknown=unknown)
        for fails, unknown in (([], ["bad"]), ([], ["bad"]), (["bad"], []))
    ]
    assert [judge.lives(scan)["bad"] for scan in scans] == [Lifecycle.OPENED, Lifecycle.OPEN, Lifecycle.OPENED]
    assert [judge.changes(scan) for scan in scans] == [{}, {}, {"bad": Lifecycle.OPENED}]
    assert judge.state(scans[2]).since_scan == scans[2].id
    # It never failed before, and unknown is not resolved by a pass.
    other = judge.nights.volume("other")
    judge.night(bad, other, unknown=["other"])
    assert judge.changes(judge.night(bad, other)) == {}


def test_a_scan_of_one_region_touches_only_that_regions_findings(judge: Judge, bad: Resource) -> None:
    there = judge.nights.volume("there", judge.nights.elsewhere)
    first = judge.night(bad, there, fails=["bad", "there"])
    narrow = judge.nights.night(bad, scopes=[judge.nights.volumes])
    judge.judge(narrow, bad)
    assert judge.lives(narrow) == {}
    assert judge.changes(narrow) == {"bad": Lifecycle.RESOLVED}
    assert [tally.region for tally in judge.nights.store.tallies(narrow.id)] == ["eu-west-1"]
    third = judge.night(bad, there, fails=["there"])
    assert judge.lives(third) == {"there": Lifecycle.OPEN}
    assert judge.state(third).since_scan == first.id


def test_judging_the_same_scan_again_replaces_its_judgement(judge: Judge, bad: Resource, good: Resource) -> None:
    first = judge.night(bad, good, fails=["bad"])
    second = judge.night(bad, good, fails=["good"])
    assert judge.changes(second) == {"bad": Lifecycle.RESOLVED, "good": Lifecycle.OPENED}
    rows = judge.nights.rows()
    for _ in range(2):
        assert judge.judge(second, bad, good, fails=["bad", "good"])
        assert judge.lives(second) == {"bad": Lifecycle.OPEN, "good": Lifecycle.OPENED}
        assert judge.changes(second) == {"good": Lifecycle.OPENED}
    assert judge.state(first).lifecycle is Lifecycle.OPENED
    assert judge.judge(second, bad, good, fails=["good"])
    assert judge.nights.rows() == rows
    assert judge.changes(second) == {"bad": Lifecycle.RESOLVED, "good": Lifecycle.OPENED}


def test_judging_again_undoes_unverified_vanished_and_reopened(judge: Judge, bad: Resource, good: Resource) -> None:
    judge.night(bad, good, fails=["bad", "good"])
    judge.night(bad, good, fails=["bad"])
    third = judge.nights.night(good, states={judge.nights.elsewhere: CoverageState.DENIED})
    for _ in range(3):
        assert judge.judge(third, good, fails=["good"])
        assert judge.changes(third) == {"good": Lifecycle.REOPENED, "bad": Lifecycle.VANISHED}
        assert judge.judge(third, good, unread=[judge.nights.volumes])
        assert judge.changes(third) == {"bad": Lifecycle.VANISHED}


def test_a_narrowed_judgement_replaces_only_its_own_tallies(judge: Judge, bad: Resource) -> None:
    there = judge.nights.volume("there", judge.nights.elsewhere)
    scan = judge.night(bad, there, fails=["bad", "there"])
    tally = judge.tally(judge.nights.volumes, [bad], [], [])
    assert judge.nights.store.save_judgement(scan.id, [], [tally], [], narrowed=True)
    assert judge.lives(scan) == {"there": Lifecycle.OPENED}
    assert len(judge.nights.store.tallies(scan.id)) == 2


def test_an_old_scan_is_placed_in_time_and_disturbs_nothing(judge: Judge, bad: Resource, good: Resource) -> None:
    old = judge.night(bad, good, fails=["bad"])
    new = judge.night(bad, good, fails=["bad"])
    rows, lives = judge.nights.rows(), judge.lives(new)
    assert not judge.judge(old, bad, good, fails=["good"])
    assert (judge.nights.rows(), judge.lives(new)) == (rows, lives)
    unknown = replace(judge.finding(bad), verdict=Verdict.UNKNOWN)
    given = [judge.finding(good), judge.finding(bad), unknown, judge.finding(bad, Verdict.PASS)]
    states = judge.nights.store.states(old.id, given)
    assert [(state.finding.name, state.lifecycle, state.since_scan) for state in states] == [
        ("good", Lifecycle.OPENED, old.id),
        ("bad", Lifecycle.OPENED, old.id),
        ("bad", Lifecycle.UNVERIFIED, old.id),
    ]


def test_each_part_of_a_resources_findings_lives_alone(judge: Judge, bad: Resource) -> None:
    ports = [judge.finding(bad, sub=port) for port in ("22", "80")]
    tally = judge.tally(judge.nights.volumes, [bad], ["bad"], [])
    scans = [judge.nights.night(bad), judge.nights.night(bad)]
    judge.nights.store.save_judgement(scans[0].id, ports, [tally], [])
    judge.nights.store.save_judgement(scans[1].id, ports[:1], [tally], [])
    assert [(state.finding.key, state.lifecycle) for state in judge.nights.store.changes(scans[1].id)] == [
        (ports[1].key, Lifecycle.RESOLVED)
    ]


def test_another_accounts_findings_are_its_own(judge: Judge, bad: Resource) -> None:
    first = judge.night(bad, fails=["bad"])
    scope = Scope("999999999999", "eu-west-1", "AWS::EC2::Volume")
    theirs = judge.nights.volume("theirs", scope)
    second = judge.nights.night(theirs, account=scope.account, scopes=[scope])
    assert judge.judge(second, theirs, fails=["theirs"])
    assert judge.lives(second) == {"theirs": Lifecycle.OPENED}
    assert judge.lives(first) == {"bad": Lifecycle.OPENED}
    assert judge.judge(first, bad, fails=["bad"]), "the other account's scan is not newer for this one"


def test_findings_tallies_and_scores_come_back_whole(nights: Nights) -> None:
    volumes = [nights.volume(f"vol-{number}") for number in range(6)]
    scan = nights.night(*volumes)
    ids = [volume.id for volume in volumes]
    price = Price(0.08, "GB-month", "EBS gp3, eu-west-1", "pricing-api", "2026-01-01", Certainty.EXACT, 1.1)
    saving = Saving(12.5, "156 GB x 0.08", Certainty.UPPER_BOUND, (price,))
    evidence = (
        Evidence("is gp2\x00", {"VolumeType": "gp2", "ids": ["\ud800", "b"]}, Severity.LOW, saving),
        Evidence("is large", {}, None, Saving(None, "not priced")),
    )
    gaps = (Gap("ec2:DescribeVolumes", "Throttling", "request\x00"),)
    shared = ("c", ids[0], volumes[0].type, "name\x00", nights.account, "eu-west-1")
    findings = [
        Finding("k1", *shared, Verdict.FAIL, Severity.CRITICAL, evidence, "", gaps, fault=False),
        Finding("k2", *shared, Verdict.UNKNOWN, Severity.INFO, (), "broke\ud800", (), fault=True),
        Finding("k3", *shared, Verdict.NOT_APPLICABLE, Severity.INFO, (), "kept in the tally"),
    ]
    tallies = [
        Tally("c", nights.account, "eu-west-1", volumes[0].type, (ids[1], "arn:not-in-scope"), (ids[0],), (ids[4],),
              {"too young\x00": (ids[2], ids[3]), "\ud800": (ids[5],)}),
        Tally("c", nights.account, "us-east-1", volumes[0].type, unread=nights.denied),
    ]  # fmt: skip
    scores = [
        Score("section", "cost", None, None, unknown=1),
        SCORE,
        Score("pattern", "cost", 99.9, "A", 1, 2, 3, 4, 5),
    ]
    assert nights.store.save_judgement(scan.id, iter(findings), iter(tallies), iter(scores))
    assert [state.finding for state in nights.store.findings(scan.id)] == findings[:2]
    assert nights.store.tallies(scan.id) == tallies
    assert nights.store.scores(scan.id) == scores
    assert nights.store.score_history(nights.account) == [(scan, SCORE)]
    assert nights.store.score_history("999999999999") == []


def test_the_score_has_a_history_newest_first(judge: Judge, bad: Resource) -> None:
    scans = [judge.night(bad) for _ in range(3)]
    history = judge.nights.store.score_history(judge.nights.account, limit=2)
    assert [(scan.id, score) for scan, score in history] == [(scans[2].id, SCORE), (scans[1].id, SCORE)]


def test_a_scan_that_was_not_judged_has_no_findings(judge: Judge, bad: Resource) -> None:
    judge.night(bad, fails=["bad"])
    scan = judge.nights.night(bad)
    assert (judge.lives(scan), judge.nights.store.tallies(scan.id), judge.nights.store.scores(scan.id)) == ({}, [], [])
    with pytest.raises(StoreError, match="there is no scan 99"):
        judge.nights.store.findings(99)


def test_a_judgement_sees_what_the_writer_still_holds(judge: Judge, bad: Resource) -> None:
    scan = judge.nights.begin()
    writer = judge.nights.store.writer(scan.id)
    writer.add(judge.nights.volumes, [bad])
    writer.close(Coverage(judge.nights.volumes, CoverageState.COMPLETE))
    assert judge.judge(scan, bad, fails=["bad"])
    judge.nights.store.finish_scan(scan.id, ScanStatus.COMPLETE, scan.started_at, {})
    assert judge.changes(judge.night(fails=[])) == {"bad": Lifecycle.VANISHED}


def test_many_findings_are_kept_small(judge: Judge) -> None:
    volumes = [judge.nights.volume(f"vol-{number}") for number in range(500)]
    scan = judge.night(*volumes, fails=[volume.name for volume in volumes])
    assert len(judge.nights.store.findings(scan.id)) == 500
    with judge.nights.store._database.reading() as connection:
        sizes = connection.exec_driver_sql("SELECT length(body) FROM finding_versions").scalars().all()
    assert sum(sizes) / len(sizes) < 40


def test_findings_that_are_kept_leave_nothing_that_waits_for_a_search_for_garbage(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = [judge.nights.volume(f"vol-{number}") for number in range(60)]
    scan = judge.night(*volumes, fails=[volume.name for volume in volumes])

    def left(at_once: int) -> int:
        monkeypatch.setattr(judgement, "_AT_ONCE", at_once)
        gc.collect()
        gc.disable()
        try:
            assert judge.judge(scan, *volumes, fails=[volume.name for volume in volumes])
            return gc.collect()
        finally:
            gc.enable()

    left(60)  # what the first time leaves is no page's
    assert left(2) < left(60) + 50


def test_a_scan_says_by_which_standard_it_was_judged_last(judge: Judge, bad: Resource) -> None:
    old, new = judge.night(bad), judge.night(bad)
    assert judge.nights.store.save_judgement(new.id, [], [], [], standard_digest="s2")
    assert not judge.nights.store.save_judgement(old.id, [], [], [], standard_digest="s2", checks_digest="c2")
    digests = [(scan.standard_digest, scan.checks_digest) for scan in map(judge.nights.store.scan, (old.id, new.id))]
    assert digests == [("s1", "c1"), ("s2", "c1")]


def test_days_that_pass_are_no_other_evidence_and_each_night_reads_its_own_number(judge: Judge, bad: Resource) -> None:
    made = datetime(2025, 1, 1, 2, tzinfo=UTC)
    scans, before = [], dict[str, int]()
    for night in range(3):
        before = judge.nights.rows() if night == 2 else before
        scan = judge.nights.night(bad)
        aged = Evidence(f"is {DAYS} days old", {"CreateDate": made.isoformat()}, since=made).at(scan.started_at)
        assert aged.sentence == f"is {365 + night} days old"
        finding = replace(judge.finding(bad), evidence=(aged,))
        judge.nights.store.save_judgement(
            scan.id, [finding], [judge.tally(judge.nights.volumes, [bad], ["bad"], [])], []
        )
        assert judge.state(scan).finding == finding
        scans.append(scan)
    assert judge.nights.added_rows(before) == {"scans": 1, "coverage": 2, "judgements": 1}
    assert [judge.state(scan).finding.evidence[0].sentence for scan in scans] == [
        "is 365 days old",
        "is 366 days old",
        "is 367 days old",
    ]
    gone = judge.nights.night()
    judge.nights.store.save_judgement(gone.id, [], [], [])
    (state,) = judge.nights.store.changes(gone.id)
    assert state.finding.evidence[0].sentence == "is 367 days old", "as old as it was when it was last seen"


@pytest.mark.parametrize("arn", ["arn:aws:s3:::logs", "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1"])
def test_two_accounts_have_each_its_own_finding_about_what_has_the_same_arn_in_both(judge: Judge, arn: str) -> None:
    """A bucket that moved, a subnet that is shared: an ARN need not name the account that sees it."""
    for account in ("123456789012", "999999999999"):
        scope = Scope(account, "eu-west-1", "AWS::S3::Bucket")
        bucket = replace(judge.nights.volume("logs", scope), id=arn)
        scan = judge.nights.night(bucket, account=account, scopes=[scope])
        finding = replace(judge.finding(bucket), key=finding_key(CHECK, arn, account))
        tally = judge.tally(scope, [bucket], ["logs"], [])
        assert judge.nights.store.save_judgement(scan.id, [finding], [tally], [SCORE])
        assert judge.lives(scan) == {"logs": Lifecycle.OPENED}


def test_the_turns_of_a_life_are_told_up_to_a_scan(judge: Judge, bad: Resource) -> None:
    first = judge.night(bad, fails=["bad"])
    for fails in ([], ["bad"], ["bad"]):
        judge.night(bad, fails=fails)
    judge.denied()
    back = judge.night(bad, fails=["bad"])
    other = judge.nights.night(bad)
    judge.judge(other, bad, fails=["bad"], sentence="is still not encrypted")
    last = judge.night(bad)
    key = judge.state(first).finding.key

    def told(scan: Scan) -> list[tuple[int, str]]:
        return [(turn.scan - first.id, str(turn.what)) for turn in judge.nights.store.histories(scan.id).get(key, ())]

    until_back = [(0, "opened"), (1, "resolved"), (2, "reopened"), (4, "unverified"), (5, "open")]
    assert told(first) == [], "one turn is no history"
    assert told(back) == until_back
    assert told(other) == until_back, "other evidence is no turn"
    assert told(last) == [*until_back, (7, "resolved")]
    (turn, *_) = judge.nights.store.histories(back.id)[key]
    assert turn.at == first.started_at


def test_the_turns_of_another_account_are_its_own(judge: Judge, bad: Resource) -> None:
    for fails in (["bad"], [], ["bad"]):
        judge.night(bad, fails=fails)
    alone = judge.nights.begin(account="999999999999")
    assert judge.nights.store.histories(alone.id) == {}
