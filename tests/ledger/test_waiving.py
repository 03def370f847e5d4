"""Waivers over a scan: they take a failure's weight and never its verdict, as of the day of the scan, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import DENIED
from store.nights import Nights
from store.test_lives import CHECK, Judge
from test_score import PATTERNS, check, tally
from waterworks import CHECKS, HERE, THERE, Waterworks, a_standard, code, scan

from auditor.acceptance import Accepted, Attestation, AttestationUse, Waiver, WaiverUse
from auditor.kit.money import NoPrices
from auditor.ledger import Ledger
from auditor.model import Evidence, Finding, Scope, Severity, Verdict
from auditor.scan import Judged, evaluate
from auditor.score import score
from auditor.selection import Selection
from auditor.store import Store, acceptance

TODAY = datetime.now(UTC).date()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def waiver(check: str = "pump-dry", days: int = 90, **more: Any) -> Waiver:
    fields: dict[str, Any] = {"reason": "a lake", "owner": "ada", "ticket": "OPS-1", "place": "waivers.toml:2", **more}
    return Waiver(check="" if "pattern" in more else check, until=TODAY + timedelta(days=days), **fields)


def ledger(*waivers: Waiver, **more: Any) -> Ledger:
    patterns = tuple(pattern.id for pattern in a_standard())
    return Ledger(waivers, checks=CHECKS, patterns=patterns, **more)


def account(score_of: Judged) -> Any:
    return score_of.scores[0]


def waived(store: Store, judged: Judged) -> dict[str, str]:
    return {s.finding.name: s.waiver.source for s in store.findings(judged.scan.id) if s.waiver}


def test_a_waived_failure_stays_one_and_weighs_nothing(store: Store) -> None:
    works = Waterworks().pumps(damp=1, wet=3, dry=0)
    judged = scan(store, works, ledger=ledger(waiver(resource="damp")))
    assert {f.name: f.verdict for f in judged.judgement.findings} == {"damp": Verdict.FAIL, "wet": Verdict.FAIL}
    assert waived(store, judged) == {"damp": "waivers.toml:2"}
    (pattern,) = (s for s in judged.scores if s.id == "water.pumps.dry")
    assert (pattern.passed, pattern.failed, pattern.waived) == (1, 2, 1)
    assert (pattern.value, pattern.strict) == (50.0, 33.33)
    assert store.scores(judged.scan.id) == list(judged.scores)
    assert account(judged).waived == 1
    assert account(judged).strict < account(judged).value


def test_the_exit_code_leaves_out_what_is_waived(store: Store) -> None:
    works = Waterworks().pumps(damp=1)
    assert code(scan(store, works), "high") == 1
    assert code(scan(store, works, ledger=ledger(waiver())), "high") == 0
    assert code(scan(store, works, ledger=ledger(waiver(days=-1))), "high") == 1


def test_an_ended_waiver_brings_the_finding_back_and_is_told(store: Store) -> None:
    works = Waterworks().pumps(damp=1, wet=2)
    judged = scan(store, works, ledger=ledger(waiver(days=-1)))
    assert not waived(store, judged)
    day = TODAY - timedelta(days=1)
    assert judged.accepted.notices == (
        f"the waiver of pump-dry by ada (waivers.toml:2) ended on {day}: 2 findings count again",
    )
    assert store.accepted(judged.scan.id).notices == judged.accepted.notices
    assert [(use.state, use.findings) for use in store.accepted(judged.scan.id).waivers] == [("expired", 2)]


@pytest.mark.parametrize(
    ("days", "told"), [(0, "ends today"), (1, "ends in 1 day,"), (14, "ends in 14 days"), (15, "")]
)
def test_a_waiver_that_will_end_is_announced(store: Store, days: int, told: str) -> None:
    judged = scan(store, Waterworks().pumps(damp=1), ledger=ledger(waiver(days=days)))
    assert list(waived(store, judged)) == ["damp"]
    notices = judged.accepted.notices
    assert (told in notices[0] and "1 finding counts then" in notices[0]) if told else notices == ()


def test_a_waiver_of_what_does_not_exist_is_told_with_the_nearest_name(store: Store) -> None:
    unknown = ledger(waiver("pump-dryy"), waiver(pattern="water.pump.dry"))
    assert [
        notice.partition("nothing: ")[2] for notice in scan(store, Waterworks(), ledger=unknown).accepted.notices
    ] == [
        "there is no such check; did you mean pump-dry?",
        "there is no such pattern; did you mean water.pumps.dry?",
    ]


def test_a_waiver_that_matches_nothing_is_told_only_when_everything_was_read(store: Store) -> None:
    useless = ledger(waiver(resource="gone"))
    dry = Waterworks().pumps(dry=0)
    assert "matches nothing" in scan(store, dry, ledger=useless).accepted.notices[0]
    denied = Waterworks().pumps(dry=0)
    denied.rows["ListPumps", THERE] = DENIED
    judged = scan(store, denied, ledger=useless)
    assert judged.accepted.notices == ()
    assert judged.accepted.waivers[0].state == "unread"
    other = scan(store, dry, ledger=useless, selection=Selection(checks=("pump-unique",)))
    assert other.accepted.notices == (), "the check was not part of the scan"
    assert scan(store, dry, ledger=ledger(waiver(region="eu-north-1"))).accepted.notices == ()
    assert scan(store, dry, ledger=ledger(waiver(account="999999999999"))).accepted.waivers == ()


def test_of_several_waivers_the_one_that_ends_last_counts(store: Store) -> None:
    both = ledger(waiver(days=10), waiver(days=20, place="waivers.toml:9"), waiver(days=20, place="waivers.toml:20"))
    judged = scan(store, Waterworks().pumps(damp=1), ledger=both)
    assert waived(store, judged) == {"damp": "waivers.toml:9"}


def test_a_pattern_waives_all_its_checks_and_a_renamed_check_keeps_its_waivers(store: Store) -> None:
    works = Waterworks().pumps(damp=1)
    assert list(waived(store, scan(store, works, ledger=ledger(waiver(pattern="water.pumps.dry"))))) == ["damp"]
    renamed = {**CHECKS, "pump-dry": replace(CHECKS["pump-dry"], aliases=("pump-arid",))}
    held = replace(ledger(waiver("pump-arid")), checks=renamed)
    assert list(waived(store, scan(store, works, checks=renamed, ledger=held))) == ["damp"]


def test_old_scans_keep_what_they_were_told(store: Store) -> None:
    works = Waterworks().pumps(damp=1)
    nights = [
        scan(store, works, ledger=held)
        for held in (
            ledger(), ledger(waiver()), ledger(waiver()), ledger(waiver(place="waivers.toml:7")), ledger(),
            ledger(waiver()),
        )
    ]  # fmt: skip
    assert [waived(store, night).get("damp") for night in nights] == [
        None, "waivers.toml:2", "waivers.toml:2", "waivers.toml:7", None, "waivers.toml:2",
    ]  # fmt: skip


def test_an_unchanged_night_writes_no_waiving(store: Store) -> None:
    from sqlalchemy import func, select

    from auditor.store.schema import waivers, waivings

    works = Waterworks().pumps(damp=1, wet=2)
    for _ in range(3):
        scan(store, works, ledger=ledger(waiver()))
    with store._database.reading() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (waivings, waivers)]
    assert counts == [2, 1]


def test_judging_again_applies_todays_waivers_to_the_newest_scan_and_to_no_older_one(store: Store) -> None:
    works = Waterworks().pumps(damp=1)
    older, newest = scan(store, works), scan(store, works)
    said = ledger(waiver())

    def again(judged: Judged, **more: Any) -> Judged:
        return evaluate(store, store.scan(judged.scan.id), a_standard(), CHECKS, NoPrices(), ledger=said, **more)

    assert list(again(newest).accepted.waived.values()) == [waiver()]
    assert list(waived(store, newest)) == ["damp"]
    assert account(again(newest)).waived == 1
    part = again(newest, selection=Selection(checks=("pump-unique",)))
    assert account(part).waived == 1, "what is beside the selection keeps its waiver"
    assert list(waived(store, newest)) == ["damp"]
    assert not again(older).stored
    assert account(again(older)).waived == 1, "told, not stored"
    assert not waived(store, older)


def test_a_narrow_scan_leaves_the_waivers_of_other_findings(store: Store) -> None:
    works = Waterworks().pumps(damp=1)
    scan(store, works, ledger=ledger(waiver()))
    scan(store, works, ledger=ledger(), selection=Selection(checks=("pump-unique",)))
    with store._database.reading() as connection:
        from sqlalchemy import select

        from auditor.store.schema import waivings

        assert connection.execute(select(waivings.c.since_scan, waivings.c.until_scan)).all() == [(1, None)]
    last = scan(store, works, ledger=ledger())
    assert not waived(store, last)


def test_a_tag_waives_and_what_was_not_read_of_tags_does_not() -> None:
    """Against the layer itself: the tags come from the inventory."""
    from auditor.ledger.waivers import lay
    from auditor.model import Scan, ScanStatus

    now = datetime.now(UTC)
    run = Scan(1, "111122223333", "", "aws", ScanStatus.COMPLETE, now, now, (HERE,), {}, "1", "s", "c")
    finding = Finding("k", "pump-dry", "arn:x", "T", "damp", run.account, HERE, Verdict.FAIL, Severity.HIGH)
    for tags, count, state in (({"env": "dev"}, 1, "active"), ({"env": "prod"}, 0, "unread"), (None, 0, "active")):
        accepted = lay(
            [waiver(tag="env=dev")], [finding], [], CHECKS, [], lambda _, tags=tags: tags, run, TODAY, 14  # type: ignore[misc]
        )  # fmt: skip
        assert len(accepted.waived) == count
        assert accepted.waivers[0].state == state


@pytest.mark.parametrize(
    ("more", "regions", "state"),
    [
        ({}, [HERE], "unused"),
        ({}, [HERE, "global"], "unused"),
        ({}, [HERE, "ap-south-1"], "unread"),
        ({"resource": "arn:aws:ec2:ap-south-1:*:*/*"}, [HERE], "unread"),
        ({"resource": f"arn:aws:ec2:{HERE}:*:*/*"}, [HERE, "ap-south-1"], "unused"),
        ({"resource": "arn:aws:ec2:*:*:*/*"}, [HERE, "ap-south-1"], "unread"),
    ],
)
def test_a_scan_of_one_region_calls_no_waiver_unused_that_may_match_in_another(
    more: dict[str, Any], regions: list[str], state: str
) -> None:
    from auditor.ledger.waivers import lay
    from auditor.model import Scan, ScanStatus

    now = datetime.now(UTC)
    run = Scan(1, "111122223333", "", "aws", ScanStatus.COMPLETE, now, now, (HERE,), {}, "1", "s", "c")
    tallies = [tally("pump-dry", passed=1, failed=0)]
    accepted = lay([waiver(**more)], [], tallies, CHECKS, [], lambda _: {}, run, TODAY, 14, regions)
    assert accepted.waivers[0].state == state


def test_a_stored_waiver_is_kept_revoked_and_listed(store: Store) -> None:
    kept = store.keep(replace(waiver(reason="a\x00\ud800\u202e'; DROP TABLE waivers; --"), recorded_by="ada"))
    assert kept.number == 1
    assert "number 1, by ada on" in kept.source
    assert store.waivers() == [kept]
    works = Waterworks().pumps(damp=1)
    judged = scan(store, works, ledger=ledger(*store.waivers()))
    assert list(waived(store, judged).values()) == [kept.source]
    ended = store.revoke(Waiver, 1, "bob")
    assert ended.revoked_by == "bob"
    assert store.waivers() == [ended]
    assert list(waived(store, judged).values()) == [kept.source], "the scan before keeps it"
    from auditor.errors import UsageError

    for number, said in (
        (1, "was revoked on"),
        (2, "there is no waiver 2"),
        (2**70, "there is no"),
        (-1, "there is no"),
    ):
        with pytest.raises(UsageError, match=said):
            store.revoke(Waiver, number, "bob")


def test_a_waiver_of_a_file_cannot_be_revoked_by_number(store: Store) -> None:
    from auditor.errors import UsageError

    scan(store, Waterworks().pumps(damp=1), ledger=ledger(waiver()))
    assert store.waivers() == []
    with pytest.raises(UsageError, match="there is no waiver 1"):
        store.revoke(Waiver, 1, "bob")


# ---- the score -------------------------------------------------------------------------------------------------------

SEVERITIES = st.sampled_from(list(Severity))


@given(st.lists(st.tuples(SEVERITIES, st.booleans()), max_size=8), st.integers(0, 8))
def test_waivers_never_lower_a_score_and_strict_is_the_score_without_them(
    fails: list[tuple[Severity, bool]], passed: int
) -> None:
    checks = {"a": check("a", PATTERNS[0])}
    findings = [
        Finding(str(n), "a", f"f{n}", "T", "n", "1", "r", Verdict.FAIL, severity, (Evidence("e"),))
        for n, (severity, _) in enumerate(fails)
    ]
    tallies = [tally("a", passed=passed, failed=len(fails))]
    keys = {str(n) for n, (_, held) in enumerate(fails) if held}
    without = score("1", PATTERNS, checks, tallies, findings)
    with_them = score("1", PATTERNS, checks, tallies, findings, keys)
    assert [s.value for s in without] == [s.strict for s in with_them] == [s.strict for s in without]
    for plain, lighter in zip(without, with_them, strict=True):
        assert (plain.passed, plain.failed, plain.unknown) == (lighter.passed, lighter.failed, lighter.unknown)
        assert plain.value is None or lighter.value is None or lighter.value >= plain.value
    assert with_them[0].waived == len(keys)


@given(st.lists(st.tuples(st.integers(-40, 40), st.sampled_from(["*", "d*", "wet", "?et", "none"])), max_size=5))
def test_a_finding_is_waived_exactly_when_a_standing_waiver_matches_it(given_: list[tuple[int, str]]) -> None:
    from auditor.acceptance import glob_matches
    from auditor.ledger.waivers import lay
    from auditor.model import Scan, ScanStatus

    now = datetime.now(UTC)
    run = Scan(1, "111122223333", "", "aws", ScanStatus.COMPLETE, now, now, (HERE,), {}, "1", "s", "c")
    held = [waiver(days=days, resource=glob, place=f"w:{n}") for n, (days, glob) in enumerate(given_)]
    names = ("damp", "wet", "bog")
    findings = [
        Finding(name, "pump-dry", f"arn:{name}", "T", name, run.account, HERE, Verdict.FAIL, Severity.HIGH)
        for name in names
    ]
    accepted = lay(held, findings, [], CHECKS, [], lambda _: {}, run, TODAY, 14)
    for name in names:
        fits = [w for w in held if w.until >= TODAY and glob_matches(w.resource, name)]
        found = accepted.waived.get(name)
        assert (found is None) is (not fits)
        assert found is None or found.until == max(w.until for w in fits)
    assert sum(use.findings for use in accepted.waivers if use.state != "expired") == len(accepted.waived)


def test_the_views_say_what_is_waived_and_what_the_score_would_be(store: Store) -> None:
    works = Waterworks().pumps(damp=1, wet=2, dry=0)
    first = scan(store, works, ledger=ledger(waiver(resource="damp")))
    scan(store, works, ledger=ledger())
    asked = "SELECT name, waived, waived_until, waived_by, waived_ticket, waived_in FROM findings ORDER BY name"
    until = (TODAY + timedelta(days=90)).isoformat()
    assert [tuple(row) for row in store.ask(asked, at=first.scan.id).rows] == [
        ("damp", 1, until, "ada", "OPS-1", "waivers.toml:2"),
        ("wet", 0, None, None, None, None),
    ]
    assert {tuple(row) for row in store.ask("SELECT waived FROM findings").rows} == {(0,)}
    scores = "SELECT value, strict, waived FROM scores WHERE id = 'water.pumps.dry'"
    assert [tuple(row) for row in store.ask(scores, at=first.scan.id).rows] == [(50.0, 33.33, 1)]


def test_a_scan_reads_and_keeps_the_waivings_of_its_own_account_only(store: Store) -> None:
    """Two accounts in one store, each with its own waiver of the same check."""

    def told(account: str, until: int) -> tuple[int, dict[str, date]]:
        nights = Nights(store, account, Scope(account, "eu-west-1", "AWS::EC2::Volume"))
        nights.elsewhere = nights.volumes._replace(region="us-east-1")
        judge, accepts = Judge(nights), waiver(CHECK, until, account=account)
        volume = nights.volume("bad")
        finding, tally = judge.finding(volume), judge.tally(nights.volumes, [volume], ["bad"], [])
        accepted = Accepted({finding.key: accepts}, (WaiverUse(accepts, "active", 1),))
        numbers = [nights.night(volume).id for _ in range(2)]
        for number in numbers:
            store.save_judgement(number, [finding], [tally], [], accepted=accepted)
        return numbers[-1], {finding.key: accepts.until}

    for number, expected in (told("111111111111", 30), told("222222222222", 60), told("111111111111", 30)):
        assert {key: one.until for key, one in store.accepted(number).waived.items()} == expected
    assert store.ask("SELECT account, waived_until FROM findings ORDER BY account").rows == [
        (account, (TODAY + timedelta(days=days)).isoformat())
        for account, days in (("111111111111", 30), ("222222222222", 60))
    ]


def test_the_view_of_waivers_tells_what_each_came_to_as_of_a_scan_and_which_wait(store: Store) -> None:
    works = Waterworks().pumps(damp=1, wet=2)
    first = scan(store, works, ledger=ledger(waiver(resource="damp"), waiver(resource="none")))
    second = scan(store, works, ledger=ledger(waiver(days=-1)))
    kept = store.keep(replace(waiver(), place="", recorded_by="bob"))
    gone = store.keep(replace(waiver(), reason="other", place="", recorded_by="bob"))
    store.revoke(Waiver, gone.number, "eve")
    asked = "SELECT scan, resource, state, findings, owner, recorded_by FROM waivers ORDER BY scan IS NULL, resource"
    assert store.ask(asked, at=first.scan.id).rows == [
        (first.scan.id, "damp", "active", 1, "ada", ""),
        (first.scan.id, "none", "unused", 0, "ada", ""),
    ]
    now = store.ask(asked).rows
    assert now == [(second.scan.id, "", "expired", 2, "ada", ""), (None, "", "pending", None, "ada", "bob")]
    assert kept.number != gone.number
    with store.view_rows("waivers", account="999999999999") as rows:
        assert [row[0] for row in rows] == [None], "one that is limited to no account is about any"


def test_the_view_of_attestations_tells_which_verdicts_stand_on_each(store: Store) -> None:
    stated = Attestation(
        check="pump-dry", statement="x" * 100_000, author="ada", given=TODAY, until=TODAY, evidence="https://x.test/",
        place="attestations.toml:3",
    )  # fmt: skip
    judged = scan(store, Waterworks().pumps(damp=1))
    uses = (AttestationUse(stated, "", (("pump-dry", "arn:a"),)), AttestationUse(stated, "ran out"))
    with store._database.writing(judged.scan.account) as connection:
        acceptance.save(store._database, connection, judged.scan, [], Accepted({}, (), uses))
    store.keep(replace(stated, place="", recorded_by="bob"))
    asked = "SELECT scan, state, fault, verdicts, length(statement), written_in FROM attestations"
    found = store.ask(asked).rows
    assert found[:2] == [
        (1, "holds", "", '[{"check":"pump-dry","resource":"arn:a"}]', 100_000, "attestations.toml:3"),
        (1, "void", "ran out", "[]", 100_000, "attestations.toml:3"),
    ]
    assert [row[:3] for row in found[2:]] == [(None, "pending", "")]
