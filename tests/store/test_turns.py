"""What of the findings is different between any two scans, and whether the account or the question changed."""

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.nights import START, STATES, Nights
from store.test_lives import CHECK, Judge

from auditor.drift import Cause
from auditor.model import CoverageState, Evidence, Lifecycle, Resource, Scan, Verdict
from auditor.store import CheckVersion, Store


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


@pytest.fixture
def bad(nights: Nights) -> Resource:
    return nights.volume("bad", Encrypted=False)


def turned(judge: Judge, after: Scan, before: Scan) -> dict[str, tuple[str, str]]:
    found = judge.nights.store.turns(after.id, before.id)
    return {turn.state.finding.name: (str(turn.state.lifecycle), str(turn.cause)) for turn in found}


def save(
    judge: Judge, scan: Scan, bad: Resource, fails: list[str], version: CheckVersion, checks_digest: str | None = None
) -> None:
    """Judge with a check of that version."""
    findings = [judge.finding(bad)] if fails else []
    tally = judge.tally(judge.nights.volumes, [bad], fails, [])
    judge.nights.store.save_judgement(
        scan.id, findings, [tally], [], checks={CHECK: version}, checks_digest=checks_digest
    )


def test_whatever_happened_between_two_scans_only_their_two_ends_count(judge: Judge, bad: Resource) -> None:
    nights = [judge.night(bad, fails=fails) for fails in ([], ["bad"], [], ["bad"], ["bad"])]
    assert turned(judge, nights[4], nights[0]) == {"bad": ("opened", "account")}
    assert turned(judge, nights[4], nights[2]) == {"bad": ("reopened", "account")}
    assert turned(judge, nights[4], nights[1]) == {}
    assert turned(judge, nights[2], nights[1]) == {"bad": ("resolved", "account")}
    assert turned(judge, nights[0], nights[4]) == {"bad": ("resolved", "account")}, "told backwards"
    (resolved,) = judge.nights.store.turns(nights[2].id, nights[1].id)
    assert resolved.state.last_seen == nights[1].started_at


def test_a_finding_whose_resource_is_gone_vanished(judge: Judge, bad: Resource) -> None:
    first, second = judge.night(bad, fails=["bad"]), judge.night()
    assert turned(judge, second, first) == {"bad": ("vanished", "account")}


def test_what_a_scan_could_not_read_is_unverified_and_its_findings_are_not_the_accounts_doing(
    judge: Judge, bad: Resource
) -> None:
    first, denied, third = judge.night(bad, fails=["bad"]), judge.denied(), judge.night(bad, fails=["bad"])
    assert turned(judge, denied, first) == {"bad": ("unverified", "scope")}
    assert turned(judge, third, denied) == {}
    assert turned(judge, third, first) == {}


def test_a_finding_of_a_scope_that_was_never_read_before_is_not_opened_by_the_account(
    judge: Judge, bad: Resource
) -> None:
    denied, second = judge.denied(), judge.night(bad, fails=["bad"])
    assert turned(judge, second, denied) == {"bad": ("opened", "scope")}
    narrow = judge.nights.night(bad, scopes=[judge.nights.elsewhere])
    judge.judge(narrow, bad)
    assert turned(judge, narrow, second) == {}, "a narrower scan turns nothing"


@pytest.mark.parametrize(
    ("now", "cause"),
    [
        (CheckVersion("a", "1"), Cause.ACCOUNT),
        (CheckVersion("b", "1"), Cause.CHECK),
        (CheckVersion("a", "2"), Cause.STANDARD),
    ],
)
def test_a_changed_check_is_told_apart_from_a_changed_account(
    judge: Judge, bad: Resource, now: CheckVersion, cause: Cause
) -> None:
    first, second = judge.nights.night(bad), judge.nights.night(bad)
    save(judge, first, bad, [], CheckVersion("a", "1"))
    save(judge, second, bad, ["bad"], now, checks_digest="others")
    assert turned(judge, second, first) == {"bad": ("opened", str(cause))}
    # Judged again as it was judged before: nothing is left of the other version.
    save(judge, second, bad, ["bad"], CheckVersion("a", "1"))
    assert turned(judge, second, first) == {"bad": ("opened", "account")}
    larger = judge.nights.volume("bad", Encrypted=False, Size=9)
    third = judge.nights.night(larger)
    save(judge, third, larger, [], now)
    expected = "account" if cause is Cause.ACCOUNT else "check or account"
    assert turned(judge, third, second) == {"bad": ("resolved", expected)}


def test_a_finding_whose_own_facts_changed_is_the_accounts_doing_though_the_check_was_changed_too(
    judge: Judge, bad: Resource
) -> None:
    """After an upgrade nearly every check has other code: what the account did stays told as that."""
    mended = judge.nights.volume("bad", Encrypted=True)
    first, second, third = judge.nights.night(bad), judge.nights.night(mended), judge.nights.night(bad)
    save(judge, first, bad, ["bad"], CheckVersion("a", "1"))
    save(judge, second, mended, [], CheckVersion("b", "2"))
    save(judge, third, bad, ["bad"], CheckVersion("c", "3"))
    assert turned(judge, second, first) == {"bad": ("resolved", "account")}
    assert turned(judge, third, second) == {"bad": ("reopened", "account")}
    assert turned(judge, first, second) == {"bad": ("opened", "account")}, "told backwards"


def test_a_finding_of_a_new_resource_is_the_accounts_doing_though_the_check_was_changed_too(
    judge: Judge, bad: Resource
) -> None:
    good = judge.nights.volume("good")
    first, second = judge.nights.night(good), judge.nights.night(good, bad)
    save(judge, first, good, [], CheckVersion("a", "1"))
    save(judge, second, bad, ["bad"], CheckVersion("b", "1"))
    assert turned(judge, second, first) == {"bad": ("opened", "account")}


@pytest.mark.parametrize(
    ("beside", "cause"),
    [
        ({}, "check"),
        ({"reads": {CHECK: ["AWS::EC2::Snapshot"]}}, "check"),
        ({"reads": {CHECK: ["AWS::EC2::Instance"]}}, "check or account"),
        ({"reads": {"another": ["AWS::EC2::Instance"]}}, "check"),
        ({"volatile": {"AWS::EC2::Volume": ["Encrypted"]}}, "check or account"),
        ({"volatile": {"AWS::EC2::Volume": ["Now"]}}, "check"),
    ],
)
def test_a_changed_check_is_not_blamed_alone_where_something_it_joins_or_that_changes_by_itself_may_have_done_it(
    judge: Judge, bad: Resource, beside: dict[str, Any], cause: str
) -> None:
    nights = judge.nights
    instances = nights.volumes._replace(type="AWS::EC2::Instance")
    first = nights.night(bad, scopes=[nights.volumes, instances])
    save(judge, first, bad, [], CheckVersion("a", "1"))
    second = nights.night(bad, nights.volume("i", instances), scopes=[nights.volumes, instances])
    save(judge, second, bad, ["bad"], CheckVersion("b", "1"))
    (turn,) = nights.store.turns(second.id, first.id, **beside)
    assert (str(turn.state.lifecycle), str(turn.cause)) == ("opened", cause)


def test_a_changed_check_is_not_blamed_alone_for_what_counts_days(judge: Judge, bad: Resource) -> None:
    first, second = judge.nights.night(bad), judge.nights.night(bad)
    save(judge, first, bad, [], CheckVersion("a", "1"))
    old = Evidence("is {days} days old", {"wanted": 90}, since=START)
    finding = replace(judge.finding(bad), evidence=(old.at(second.started_at),))
    tally = judge.tally(judge.nights.volumes, [bad], ["bad"], [])
    judge.nights.store.save_judgement(second.id, [finding], [tally], [], checks={CHECK: CheckVersion("b", "1")})
    assert turned(judge, second, first) == {"bad": ("opened", "check or account")}


def test_without_versions_of_checks_the_digests_of_the_scans_decide(judge: Judge, bad: Resource) -> None:
    first, second = judge.night(bad), judge.nights.night(bad)
    tally = judge.tally(judge.nights.volumes, [bad], ["bad"], [])
    judge.nights.store.save_judgement(second.id, [judge.finding(bad)], [tally], [], checks_digest="c2")
    assert turned(judge, second, first) == {"bad": ("opened", "check")}


NIGHT = st.tuples(
    st.sampled_from(STATES), st.dictionaries(st.sampled_from("pqr"), st.sampled_from(Verdict), max_size=3)
)


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Iterator[Iterator[str]]:
    """Yield as many new databases as an example takes."""
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield (f"sqlite:///{Path(folder) / f'{number}.db'}" for number in itertools.count())
    else:
        yield itertools.repeat(request.getfixturevalue("postgres_url"))


@given(told=st.lists(NIGHT, min_size=2, max_size=5))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_turned_between_any_two_nights_is_what_their_findings_say(
    urls: Iterator[str], told: list[tuple[CoverageState, dict[str, Verdict]]]
) -> None:
    with Store.open(next(urls)) as store:
        account = f"{len(store.scans()):012}"
        nights = Nights(store, account)
        nights.volumes = nights.volumes._replace(account=account)
        judge, scans, standing = Judge(nights), [], []
        for state, verdicts in told:
            seen = [] if state in (CoverageState.DENIED, CoverageState.NOT_OFFERED) else list(verdicts)
            volumes = [nights.volume(name) for name in seen]
            scan = nights.night(*volumes, states={nights.volumes: state}, scopes=[nights.volumes], account=account)
            fails, unknown = ([n for n in seen if verdicts[n] is v] for v in (Verdict.FAIL, Verdict.UNKNOWN))
            judge.judge(scan, *volumes, fails=fails, unknown=unknown, unread=[] if state.known else [nights.volumes])
            states = {found.finding.name: found for found in store.findings(scan.id)}
            standing.append({
                name: found.lifecycle is Lifecycle.UNVERIFIED for name, found in states.items()
                if found.finding.verdict is Verdict.FAIL or found.lifecycle is Lifecycle.UNVERIFIED
            })  # fmt: skip
            scans.append(scan)
        for (a, was), (b, now) in itertools.product(zip(scans, standing, strict=True), repeat=2):
            kinds = {turn.state.finding.name: turn.state.lifecycle for turn in store.turns(b.id, a.id)}
            opened = {name for name, kind in kinds.items() if kind in (Lifecycle.OPENED, Lifecycle.REOPENED)}
            ended = {name for name, kind in kinds.items() if kind in (Lifecycle.RESOLVED, Lifecycle.VANISHED)}
            unverified = {name for name, kind in kinds.items() if kind is Lifecycle.UNVERIFIED}
            assert opened == {name for name in now if name not in was and not now[name]}
            assert ended == {*was} - {*now}
            assert unverified == {name for name in now if now[name] and not was.get(name)}
