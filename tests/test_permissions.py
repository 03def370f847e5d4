"""Permissions taken away one by one, and other bad nights: what could not be read is never a pass, never a fail, never gone.

The simulated account is read once; its answers are then given again to every night, but for those that a test holds back.
After each bad night every verdict is what it was or unknown, the scan says what it could not read, and nothing is taken for
gone or for mended. After the next good night everything is as if the bad ones had not been.
"""

import functools
import json
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from neighbours import ADDED
from replay import Amiss, CutNight, Night, Recorded, cut, nothing_amiss

from auditor import catalog, standard
from auditor import scan as scans
from auditor.aws import limits
from auditor.aws.answer import CallError, Fault
from auditor.aws.faults import classify
from auditor.aws.limits import Limit, Limiter, Pace
from auditor.aws.permissions import action
from auditor.aws.session import connect
from auditor.collect import load_types
from auditor.collect.declare import Call
from auditor.collect.plan import make_plan
from auditor.collect.run import collect
from auditor.demo.server import simulated_account
from auditor.errors import CredentialsError
from auditor.kit.money import NoPrices
from auditor.model import GLOBAL, FindingState, Lifecycle, ScanStatus, Tally, Verdict
from auditor.scan import Judged, ScanRequest, run_scan
from auditor.selection import needed_types
from auditor.store import Store

TYPES = load_types()
CHECKS = catalog.load_checks()
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")
REGIONS = ("eu-west-1", "us-east-1")
"""Where it is looked after, and where it is not."""
READ = make_plan((TYPES[name] for name in needed_types(CHECKS.values())), TYPES, "", "aws", ()).types.values()

ACTIONS = sorted({action(call) for type in READ for call in type.every_call})
"""Every action of `auditor policy`, but for those that only ask prices."""
CHAINS = [ACTIONS[start : start + 8] for start in range(0, len(ACTIONS), 8)]
"""So many bad nights follow one another before a good one."""

SECOND_CHOICES = (
    "ec2:DescribeTransitGatewayVpcAttachments",
    "ec2:DescribeVpcPeeringConnections",
    "iam:ListSigningCertificates",
    "wafv2:GetWebACLForResource",
)
"""Asked for only where another action was denied: alone, nobody misses them."""
WORKED_AROUND = (*SECOND_CHOICES, "wafv2:ListResourcesForWebACL")
"""What is found out otherwise when these are denied."""
TOGETHER = (
    ("wafv2:ListResourcesForWebACL", "wafv2:GetWebACLForResource"),
    ("ec2:DescribeSecurityGroupReferences", "ec2:DescribeVpcPeeringConnections"),
    ("compute-optimizer:GetRDSDatabaseRecommendations", "cloudwatch:GetMetricData"),
    ("iam:GetCredentialReport", "iam:ListAccessKeys", "iam:ListServiceSpecificCredentials"),
    ("iam:GetCredentialReport", "iam:ListSigningCertificates"),
)

HOLDS_FOR_WHOMEVER = {
    "asg-cpu-held-near-target",
    "asg-cpu-target-70",
    "asg-elb-health-check-enabled",
    "asg-instances-in-two-azs",
    "asg-memory-metric-available",
    "asg-scaling-trigger-class",
    "asg-spans-two-azs",
    "aurora-read-heavy-has-reader",
    "http-listener-on-alb",
}
"""Checks whose rule may be seen to hold while it is not seen whether it concerns the resource: a pass, not "not applicable"."""

QUERY = {"autoscaling", "cloudwatch", "elasticache", "elb", "elbv2", "iam", "rds", "sns"}
"""Services that call a denial AccessDenied; the others' word is AccessDeniedException, EC2's UnauthorizedOperation."""
THROTTLED = CallError(Fault.THROTTLED, "ThrottlingException", "Rate exceeded")
BROKEN = CallError(Fault.TRANSIENT, "InternalError", "An internal error has occurred")
UNREACHABLE = CallError(Fault.TRANSIENT, "EndpointConnectionError", "Could not connect to the endpoint")
OVER = CallError(Fault.CREDENTIALS, "ExpiredToken", "The security token included in the request is expired")


def refusal(service: str, name: str) -> CallError:
    """Return what a service says to who may not do NAME."""
    code = (
        "UnauthorizedOperation" if service == "ec2" else "AccessDenied" if service in QUERY else "AccessDeniedException"
    )
    return CallError(classify(code, 403), code, f"User is not authorized to perform: {name}")


def without(*denied: str) -> Amiss:
    """Return a night on which the actions are denied."""

    def amiss(service: str, operation: str, params: Mapping[str, Any], region: str) -> CallError | None:
        needed = action(Call(service, operation))
        return refusal(service, needed) if needed in denied else None

    return amiss


def verdicts(tallies: Iterable[Tally]) -> dict[tuple[str, str], Verdict]:
    """Return every verdict by check and resource."""
    found: dict[tuple[str, str], Verdict] = {}
    for tally in tallies:
        skipped = [id for ids in tally.not_applicable.values() for id in ids]
        groups = {Verdict.PASS: tally.passed, Verdict.FAIL: tally.failed, Verdict.UNKNOWN: tally.unknown}
        for verdict, ids in (groups | {Verdict.NOT_APPLICABLE: skipped}).items():
            found.update({(tally.check, id): verdict for id in ids})
    return found


def places(tallies: Iterable[Tally]) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return for every verdict the check, type and region it was counted under."""
    return {key: (tally.check, tally.type, tally.region) for tally in tallies for key in verdicts([tally])}


@dataclass
class Account:
    """The simulated account, its first night, and the store as that night left it."""

    recorded: Recorded
    night: Night
    store: Path
    first: Judged
    states: list[FindingState]

    @functools.cached_property
    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        return verdicts(self.first.judgement.tallies)

    @functools.cached_property
    def places(self) -> dict[tuple[str, str], tuple[str, str, str]]:
        return places(self.first.judgement.tallies)


@dataclass
class Nights:
    """A store of its own in which nights follow the account's first."""

    account: Account
    store: Store

    def scan(self, amiss: Amiss = nothing_amiss, kind: type[Night] = Night, closed: Exception | None = None) -> Judged:
        first = self.account.night
        night = kind(first.recorded, first.identity, first.regions, amiss, closed)
        return scan(night, self.store)

    def bad(self, amiss: Amiss, kind: type[Night] = Night, closed: Exception | None = None) -> Judged:
        """Scan on a bad night, and hold it to what no night may do."""
        judged = self.scan(amiss, kind, closed)
        before, now = self.account.verdicts, verdicts(judged.judgement.tallies)
        unread = {(tally.check, tally.type, tally.region) for tally in judged.judgement.tallies if tally.unread}
        where = self.account.places
        assert not set(now) - set(before), "verdicts about what was not there before"
        lost = [key for key in set(before) - set(now) if where[key] not in unread]
        assert not lost, "verdicts that are gone without a word"
        turned = {key: (before[key], now[key]) for key in now if now[key] not in (before[key], Verdict.UNKNOWN)}
        for (check, resource), turn in turned.items():
            assert check in HOLDS_FOR_WHOMEVER, (check, resource, *turn)
            assert turn == (Verdict.NOT_APPLICABLE, Verdict.PASS), (check, resource, *turn)
        assert not [finding for finding in judged.judgement.findings if finding.fault]
        assert {state.lifecycle for state in self.store.changes(judged.scan.id)} <= {Lifecycle.UNVERIFIED}
        changes = self.store.drift(judged.scan.id)
        assert (changes.added, changes.changed, changes.gone) == ((), (), ())
        return judged

    def good(self) -> None:
        """Scan on a good night: everything is as it was after the first."""
        judged = self.scan()
        assert judged.scan.status is ScanStatus.COMPLETE
        assert verdicts(judged.judgement.tallies) == self.account.verdicts
        first = {state.finding.key: state.finding for state in self.account.states}
        states = {state.finding.key: state for state in self.store.findings(judged.scan.id)}
        assert {key: state.finding for key, state in states.items()} == first
        assert {(state.lifecycle, state.since_scan) for state in states.values()} == {(Lifecycle.OPEN, 1)}
        assert {state.lifecycle for state in self.store.changes(judged.scan.id)} == set()
        changes = self.store.drift(judged.scan.id)
        assert (changes.added, changes.changed, changes.gone) == ((), (), ())
        assert [score.value for score in judged.scores] == [score.value for score in self.account.first.scores]


def scan(night: Night, store: Store) -> Judged:
    connection: Any = night
    request = ScanRequest(regions=night.regions, threads=4)
    return run_scan(request, connection, store, STANDARD, CHECKS, TYPES, NoPrices)


@pytest.fixture(scope="module", autouse=True)
def in_haste() -> Iterator[None]:
    """No limits, and no waiting between attempts."""
    unlimited = Limit(1e9, 1e9)
    pace = Pace(first_delay=0.0, throttled_attempts=2, transient_attempts=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "_SLOWEST", 1e9)
        limiter = Limiter(pace=pace, limits=lambda service, operation: unlimited)
        patch.setattr(scans, "collect", lambda *args, **more: collect(*args, **(more | {"limiter": limiter})))
        yield


@pytest.fixture(scope="module")
def account(in_haste: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    path = tmp_path_factory.mktemp("permissions") / "first.db"
    with simulated_account() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        connection = connect([call for type in TYPES.values() for call in type.every_call], region="eu-west-1")
        recorded = Recorded(connection.caller(), ADDED, datetime.now(UTC))
        night = Night(recorded, connection.identify(), REGIONS)
        with Store.open(f"sqlite:///{path}") as store:
            first = scan(night, store)
            states = store.findings(first.scan.id)
        yield Account(recorded, night, path, first, states)


@pytest.fixture
def nights(account: Account, tmp_path: Path) -> Iterator[Nights]:
    shutil.copy(account.store, tmp_path / "store.db")
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield Nights(account, store)


def named(judged: Judged) -> set[str]:
    """Return the operations that the coverage names as unread."""
    gaps = [cover.gap for cover in judged.coverage.values() if cover.gap]
    return {
        gap.operation for gap in (*gaps, *(gap for cover in judged.coverage.values() for gap in cover.gaps.values()))
    }


def test_the_first_night_reads_everything_and_finds_all_verdicts(account: Account) -> None:
    assert account.first.scan.status is ScanStatus.COMPLETE
    assert set(account.verdicts.values()) == set(Verdict)
    called = {action(Call(*json.loads(key)[:2])) for key in account.recorded.answers}
    assert set(ACTIONS) - called == set(SECOND_CHOICES)


@pytest.mark.parametrize("names", CHAINS, ids=lambda names: f"{names[0]} to {names[-1]}")
def test_each_action_denied_leaves_what_it_would_have_read_unknown(nights: Nights, names: list[str]) -> None:
    for name in names:
        closed = CredentialsError("denied") if name == "ec2:DescribeRegions" else None
        judged = nights.bad(without(name), closed=closed)
        if name in WORKED_AROUND:
            continue
        assert judged.scan.status is ScanStatus.INCOMPLETE, name
        assert name in named(judged)
    nights.good()


@pytest.mark.parametrize("names", TOGETHER, ids=" and ".join)
def test_what_one_action_makes_up_for_is_missed_when_both_are_denied(nights: Nights, names: tuple[str, ...]) -> None:
    judged = nights.bad(without(*names))
    assert judged.scan.status is ScanStatus.INCOMPLETE
    assert set(names) & named(judged)
    nights.good()


def test_with_every_action_denied_nothing_is_known_and_nothing_is_lost(nights: Nights) -> None:
    judged = nights.bad(lambda service, operation, params, region: refusal(service, operation))
    assert not judged.judgement.verdicts
    assert {state.lifecycle for state in nights.store.findings(judged.scan.id)} <= {
        Lifecycle.UNVERIFIED,
        Lifecycle.OPEN,
    }
    assert judged.scores[0].value is None
    nights.good()


@pytest.mark.parametrize("service", ["autoscaling", "cloudwatch", "ec2", "elbv2", "iam", "rds"])
def test_a_service_that_answers_nothing_all_night(nights: Nights, service: str) -> None:
    for error in (THROTTLED, BROKEN, OVER):
        judged = nights.bad(lambda asked, operation, params, region: error if asked == service else None)  # noqa: B023
        assert judged.scan.status is ScanStatus.INCOMPLETE
    nights.good()


def test_a_region_that_does_not_answer_is_unknown_and_the_others_are_as_they_were(nights: Nights) -> None:
    for closed in nights.account.night.regions:
        for error in (UNREACHABLE, refusal("ec2", "any (explicit deny in a service control policy)")):
            judged = nights.bad(lambda service, operation, params, region: error if region == closed else None)  # noqa: B023
            assert judged.scan.status is ScanStatus.INCOMPLETE
            there = {cover.state.known for scope, cover in judged.coverage.items() if scope.region == closed}
            assert False in there
            regional = [scope for scope in judged.coverage if TYPES[scope.type].scope != GLOBAL]
            assert all(judged.coverage[scope].whole for scope in regional if scope.region != closed)
    nights.good()


@pytest.mark.parametrize("service", ["", "autoscaling", "ec2", "ecs", "iam", "rds"])
def test_lists_that_break_off_half_way_say_nothing_of_the_other_half(nights: Nights, service: str) -> None:
    for error in (BROKEN, refusal(service, "the rest")):
        judged = nights.bad(cut(nights.account.recorded, service, error), kind=CutNight)
        assert judged.scan.status is ScanStatus.INCOMPLETE
    nights.good()


def drawn(night: int, share: int, *facts: object) -> int:
    """Return a number from 0 to 3 for one call in SHARE, always the same ones of a NIGHT; else -1."""
    number = zlib.crc32(json.dumps([night, *facts]).encode())
    return number // share % 4 if number % share == 0 else -1


@pytest.mark.parametrize("night", range(3))
def test_a_night_on_which_this_and_that_goes_wrong(nights: Nights, night: int) -> None:
    errors = (THROTTLED, BROKEN, UNREACHABLE)

    def kinds(service: str, operation: str, params: Mapping[str, Any], region: str) -> CallError | None:
        number = drawn(night, 8, service, operation, region)
        return None if number < 0 else (*errors, refusal(service, operation))[number]

    def calls(service: str, operation: str, params: Mapping[str, Any], region: str) -> CallError | None:
        number = drawn(night, 5, service, operation, params, region)
        return None if number < 0 else (*errors, refusal(service, operation))[number]

    nights.bad(kinds)
    nights.bad(calls)
    nights.bad(kinds)
    nights.good()
