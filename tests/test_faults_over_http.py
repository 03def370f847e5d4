"""Whole nights over HTTP against a server that misbehaves on command: they end, they do not lie, and the next night repairs them.

A simulated account stands behind a server of our own (tests/misbehaving.py), which passes requests on or answers as badly
as the night wants. Each fault is tried on an empty store and on one that knows the account.
"""

import functools
import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli.endpoint import REGIONS, endpoint
from misbehaving import Answer, Passing, Request, misbehaving

from auditor import job
from auditor.aws import session
from auditor.aws.limits import Limit, Limiter, Pace
from auditor.config import AccountSettings, PricingSettings, ReportSettings, ScanSettings, Settings
from auditor.errors import CredentialsError
from auditor.job import Outcome, exit_code, run_job
from auditor.model import Coverage, CoverageState, Lifecycle, ScanStatus, Scope, Verdict
from auditor.selection import Selection
from auditor.store import Store

ACCOUNT = "123456789012"
HERE, THERE = REGIONS
SELECTION = Selection(types=("AWS::EC2::SecurityGroup", "AWS::RDS::DBInstance", "AWS::IAM::User", "AWS::EC2::Volume"))
SCALE = 20
"""One second of these nights is so many seconds of a real one: waits between attempts, and how long a fault lasts."""
PACE = Pace(first_delay=0.4 / SCALE, longest_delay=20.0 / SCALE, call_seconds=60.0)
BOUND_SECONDS = 240.0
"""No night may take longer, whatever the server does, and however busy this machine is."""


@pytest.fixture(scope="module")
def account() -> Iterator[Passing]:
    """A simulated account that answers, and answers the same each night."""
    with endpoint() as running:
        yield Passing(running.url)


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limits but throttling itself, and pauses on the scale of these nights."""

    hasten(monkeypatch, PACE)


def hasten(patch: pytest.MonkeyPatch, pace: Pace) -> None:
    """Have scans try again by PACE, without limits."""

    def limiter(**options: Any) -> Limiter:
        return Limiter(pace=pace, limits=lambda service, operation: Limit(1e6, 1e6), **options)

    patch.setattr(job, "Limiter", limiter)


@dataclass
class Nights:
    """Scans the account night after night into one store, by the same way as the command."""

    store: Store
    account: Passing
    folder: Path
    patch: pytest.MonkeyPatch
    selection: Selection = SELECTION
    requests: int = 0

    @functools.cached_property
    def whole(self) -> Mapping[str, Any]:
        """The state, looked at once: of a store that never saw a fault it stays as it is."""
        return self.state()

    def bad(self, fault: "Fault") -> Outcome:
        """A night on which FAULT goes wrong."""
        with self.patch.context() as patch:
            hasten(patch, replace(PACE, call_seconds=fault.call_seconds))
            return self.night(misbehave(fault, self.account))

    def night(self, answer: Answer | None = None, ahead: timedelta = timedelta(), **scan: Any) -> Outcome:
        """A night on which requests are answered by ANSWER; ``None``: as they should be."""
        settings = Settings(
            account=AccountSettings(regions=REGIONS),
            report=ReportSettings(output=str(self.folder / "reports"), formats=("json",)),
            pricing=PricingSettings(source="embedded"),
            scan=ScanSettings(threads=8, **scan),
        )
        began = time.monotonic()
        with misbehaving(answer or self.account, ahead=ahead) as (url, requests):
            self.patch.setenv("AWS_ENDPOINT_URL", url)
            try:
                return run_job(settings, self.store, selection=self.selection)
            finally:
                self.requests = len(requests)
                assert time.monotonic() - began < BOUND_SECONDS

    def state(self) -> Mapping[str, Any]:
        """All that the newest scan left in the store, without what follows from its number and time."""
        scan = self.store.latest_scan(ACCOUNT)
        assert scan is not None
        inventory = self.store.inventory(scan.id)
        return {
            "status": scan.status,
            "coverage": {scope: (read.state, read.gap, read.gaps) for scope, read in inventory.coverage.items()},
            "resources": {
                item.id: (item.name, item.document, item.tags, item.gaps)
                for type in inventory.types()
                for item in inventory.resources(type)
            },
            "findings": {
                state.finding.key: (state.finding.verdict, state.finding.severity, state.finding.evidence)
                for state in self.store.findings(scan.id)
            },
            "tallies": {
                (tally.check, tally.region, tally.type): (
                    sorted(tally.passed),
                    sorted(tally.failed),
                    sorted(tally.unknown),
                    {reason: sorted(ids) for reason, ids in tally.not_applicable.items()},
                    tally.unread,
                )
                for tally in self.store.tallies(scan.id)
            },
            "scores": [(score.level, score.id, score.value) for score in self.store.scores(scan.id)],
        }

    def verdicts(self) -> Mapping[tuple[str, str], Verdict]:
        """What the newest judgement says: (check, resource) that passes or fails."""
        scan = self.store.latest_scan(ACCOUNT, finished=False)
        assert scan is not None
        found: dict[tuple[str, str], Verdict] = {}
        for tally in self.store.tallies(scan.id):
            found |= {(tally.check, id): Verdict.PASS for id in tally.passed}
            found |= {(tally.check, id): Verdict.FAIL for id in tally.failed}
        return found


@pytest.fixture(scope="module")
def healthy(account: Passing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """A store that never saw a fault."""
    folder = tmp_path_factory.mktemp("healthy")
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store, pytest.MonkeyPatch.context() as patch:
        for name, value in (("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "not-a-secret")):
            patch.setenv(name, value)
        patient = Pace(first_delay=0.0, call_seconds=60.0)  # whatever is asked for the first time takes its time
        patch.setattr(job, "Limiter", lambda **_: Limiter(pace=patient, limits=lambda *_: Limit(1e6, 1e6)))
        nights = Nights(store, account, folder, patch)
        outcome = nights.night()
        assert code(outcome) == 0
        assert outcome.judged.scan.status is ScanStatus.COMPLETE
        yield nights


@pytest.fixture
def nights(account: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nights]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield Nights(store, account, tmp_path, monkeypatch)


@pytest.fixture
def on_both(store_url: str, account: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nights]:
    """Nights in a database of each kind, where it is the store that decides."""
    with Store.open(store_url) as store:
        yield Nights(store, account, tmp_path, monkeypatch)


def code(outcome: Outcome) -> int:
    return exit_code(outcome, "never", 100)


# ---- the faults ------------------------------------------------------------------------------------------------------

GROUPS, INSTANCES, SECRETS = "DescribeSecurityGroups", "DescribeDBInstances", "ListSecrets"
Wrong = Callable[[Request], bool]


def on(operation: str, region: str = HERE) -> Wrong:
    """Requests of one operation in one region."""
    return lambda request: request.operation == operation and request.region == region


def every(share: float) -> Wrong:
    """A share of all requests, the same in each run."""
    lot, lock = random.Random(7), threading.Lock()

    def drawn(request: Request) -> bool:
        with lock:
            return lot.random() < share

    return drawn


def for_seconds(seconds: float) -> Wrong:
    """All requests for so long from the first on, on the scale of these nights."""
    began: list[float] = []

    def early(request: Request) -> bool:
        now = time.monotonic()
        began.append(now)
        return now - began[0] < seconds / SCALE

    return early


def after(calls: int) -> Wrong:
    """All requests after so many."""
    count = itertools.count(1)
    return lambda request: next(count) > calls


def throttled(request: Request) -> None:
    if request.service == "ec2":
        request.error(503, "RequestLimitExceeded", "Request limit exceeded.")
    else:
        request.error(400, "ThrottlingException", "Rate exceeded")


def denied(request: Request) -> None:
    request.error(403, "UnauthorizedOperation" if request.service == "ec2" else "AccessDenied", "not authorized")


def expired(request: Request) -> None:
    if "form-urlencoded" in str(request.headers.get("Content-Type")) and request.service != "ec2":
        request.error(403, "ExpiredToken", "The security token included in the request is expired")
    else:
        request.error(400, "ExpiredTokenException", "The security token included in the request is expired")


def loop(request: Request) -> None:
    group = f"<groupId>sg-{random.randrange(10**9)}</groupId><groupName>g</groupName><ownerId>{ACCOUNT}</ownerId>"
    rows = f"<securityGroupInfo><item>{group}</item></securityGroupInfo>"
    request.reply(200, f"<{GROUPS}Response>{rows}<nextToken>again</nextToken></{GROUPS}Response>")


def circle(request: Request) -> None:
    """Answer with pages whose tokens lead back to the first after two."""
    there = "back" if "NextToken=there" in request.form else "there"
    group = f"<groupId>sg-{there}</groupId><groupName>g</groupName><ownerId>{ACCOUNT}</ownerId>"
    rows = f"<securityGroupInfo><item>{group}</item></securityGroupInfo>"
    request.reply(200, f"<{GROUPS}Response>{rows}<nextToken>{there}</nextToken></{GROUPS}Response>")


def throttled_and_late() -> Wrong:
    """A share of all requests, and all after so many."""
    drawn, late = every(0.3), after(30)

    def wrong(request: Request) -> bool:
        request.late = late(request)
        return request.late or drawn(request)

    return wrong


def throttled_or_expired(request: Request) -> None:
    expired(request) if request.late else throttled(request)


def skewed(request: Request) -> bool:
    """Whether this server, as AWS, finds a request signed more than five minutes off its own clock."""
    signed = datetime.strptime(str(request.headers["X-Amz-Date"]), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    off: timedelta = datetime.now(UTC) + request.server.ahead - signed
    return abs(off) > timedelta(minutes=5)


def off_clock(request: Request) -> None:
    if request.service == "ec2":
        request.error(400, "RequestExpired", "Request has expired. Timestamp date is off")
    else:
        request.error(
            403, "SignatureDoesNotMatch", "Signature expired: 20261128T010000Z is now earlier than (- 5 min.)"
        )


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and what the night comes to."""

    wrong: Callable[[], Wrong]
    """Which requests are answered badly; made anew for each night."""
    answer: Answer
    exit_code: int = 3
    unread: Mapping[str, tuple[CoverageState, str]] = field(default_factory=dict)
    """Resource types that are not read here as they should be, and how: state and code."""
    ended: str = ""
    """The code with which reading ended early."""
    retried: bool = False
    """Whether calls had to be made again."""
    call_seconds: float = PACE.call_seconds
    """So long a call may take: as long as a busy machine needs, but where one never ends."""


GROUP, INSTANCE, SECRET = "AWS::EC2::SecurityGroup", "AWS::RDS::DBInstance", "AWS::SecretsManager::Secret"
FAILED, PARTIAL = CoverageState.FAILED, CoverageState.PARTIAL
FAULTS = {
    "access denied": Fault(lambda: on(GROUPS), denied, unread={GROUP: (CoverageState.DENIED, "UnauthorizedOperation")}),
    "access denied to databases": Fault(
        lambda: on(INSTANCES), denied, unread={INSTANCE: (CoverageState.DENIED, "AccessDenied")}
    ),
    "30% throttled": Fault(lambda: every(0.3), throttled, 0, retried=True),
    "all throttled for 10 s": Fault(lambda: for_seconds(10), throttled, 0, retried=True),
    "one throttled to the end": Fault(
        lambda: on(GROUPS), throttled, unread={GROUP: (FAILED, "RequestLimitExceeded")}, retried=True
    ),
    "500 now and then": Fault(lambda: every(0.1), lambda r: r.error(500, "InternalError"), 0, retried=True),
    "503 now and then": Fault(lambda: every(0.1), lambda r: r.error(503, "ServiceUnavailable"), 0, retried=True),
    "500 to the end": Fault(
        lambda: on(INSTANCES), lambda r: r.error(500, "InternalFailure"), unread={INSTANCE: (FAILED, "InternalFailure")}
    ),
    "503 to the end": Fault(
        lambda: on(GROUPS), lambda r: r.error(503, "Unavailable"), unread={GROUP: (FAILED, "Unavailable")}
    ),
    "connections reset now and then": Fault(lambda: every(0.1), Request.reset, 0, retried=True),
    "connections reset to the end": Fault(
        lambda: on(GROUPS), Request.reset, unread={GROUP: (FAILED, "ConnectionClosedError")}, retried=True
    ),
    "a response that never ends": Fault(
        lambda: on(GROUPS),
        Request.drip,
        unread={GROUP: (FAILED, "DeadlineExceeded")},
        call_seconds=120.0 / SCALE,
    ),
    "a truncated body": Fault(
        lambda: on(GROUPS), Request.truncate, unread={GROUP: (FAILED, "ResponseParserError")}, retried=True
    ),
    "a garbage body": Fault(
        lambda: on(INSTANCES), Request.garbage, unread={INSTANCE: (FAILED, "ResponseParserError")}, retried=True
    ),
    # JSON that is cut off, or none, is an empty answer to botocore: that would resolve everything.
    "a truncated body of JSON": Fault(
        lambda: on(SECRETS), Request.truncate, unread={SECRET: (FAILED, "ResponseParserError")}, retried=True
    ),
    "a garbage body in place of JSON": Fault(
        lambda: on(SECRETS), Request.garbage, unread={SECRET: (FAILED, "UnicodeDecodeError")}, retried=True
    ),
    "the token expires": Fault(lambda: after(12), expired, ended="ExpiredToken"),
    "a token loop": Fault(lambda: on(GROUPS), loop, unread={GROUP: (PARTIAL, "RepeatedToken")}),
    "a token loop of two": Fault(lambda: on(GROUPS), circle, unread={GROUP: (PARTIAL, "RepeatedToken")}),
    "words in place of a list": Fault(
        lambda: on(GROUPS),
        lambda r: r.reply(200, f"<{GROUPS}Response><securityGroupInfo>none</securityGroupInfo></{GROUPS}Response>"),
        unread={GROUP: (FAILED, "ResponseParserError")},
        retried=True,
    ),
    "a page of HTML in place of XML": Fault(
        lambda: on(GROUPS), Request.portal, unread={GROUP: (FAILED, "ResponseParserError")}, retried=True
    ),
    "a page of HTML in place of JSON": Fault(
        lambda: on(SECRETS), Request.portal, unread={SECRET: (FAILED, "ResponseParserError")}, retried=True
    ),
    "an empty body in place of XML": Fault(
        lambda: on(INSTANCES),
        lambda r: r.reply(200, ""),
        unread={INSTANCE: (FAILED, "ResponseParserError")},
        retried=True,
    ),
    "an empty body in place of JSON": Fault(
        lambda: on(SECRETS), lambda r: r.reply(200, ""), unread={SECRET: (FAILED, "ResponseParserError")}, retried=True
    ),
    "an error that is called a success": Fault(
        lambda: on(GROUPS),
        lambda r: r.reply(200, "<Response><Errors><Error><Code>Unavailable</Code></Error></Errors></Response>"),
        unread={GROUP: (FAILED, "ResponseParserError")},
        retried=True,
    ),
    "the answer to another question": Fault(
        lambda: on(INSTANCES),
        lambda r: r.reply(200, "<DescribeDBClustersResponse><DescribeDBClustersResult/></DescribeDBClustersResponse>"),
        unread={INSTANCE: (FAILED, "ResponseParserError")},
        retried=True,
    ),
    "the empty answer to another question": Fault(
        lambda: on(GROUPS),
        lambda r: r.reply(200, "<DescribeVpcsResponse/>"),
        unread={GROUP: (FAILED, "ResponseParserError")},
        retried=True,
    ),
    "a redirection to itself": Fault(
        lambda: on(INSTANCES),
        lambda r: r.reply(302, "", Location=r.path),
        unread={INSTANCE: (FAILED, "ResponseParserError")},
    ),
    "a head that never ends": Fault(
        lambda: on(GROUPS),
        Request.drip_head,
        unread={GROUP: (FAILED, "DeadlineExceeded")},
        call_seconds=120.0 / SCALE,
    ),
    "30% throttled until the token expires": Fault(
        throttled_and_late, throttled_or_expired, ended="ExpiredToken", retried=True
    ),
    "not subscribed to": Fault(
        lambda: lambda request: request.region == THERE and request.service not in ("iam", "sts"),
        lambda r: r.error(403, "OptInRequired", "You are not subscribed to this service."),
    ),
}


def misbehave(fault: Fault, account: Passing) -> Answer:
    """Answer badly where FAULT says so, else as the account does; who we are and which regions there are is always said."""
    wrong = fault.wrong()

    def answer(request: Request) -> None:
        if request.operation not in ("GetCallerIdentity", "DescribeRegions") and wrong(request):
            fault.answer(request)
        else:
            account(request)

    return answer


def read_here(outcome: Outcome, type: str) -> Coverage:
    (found,) = [read for scope, read in outcome.judged.coverage.items() if scope.type == type and scope.region == HERE]
    return found


def check(fault: Fault, outcome: Outcome, nights: Nights, healthy: Nights, name: str) -> None:
    """Hold a bad night against what it should come to."""
    judged, statistics = outcome.judged, outcome.judged.scan.statistics
    assert code(outcome) == fault.exit_code, (outcome.coverage, statistics)
    assert (judged.scan.status is ScanStatus.COMPLETE) == (fault.exit_code == 0)
    for type, (state, said) in fault.unread.items():
        read = read_here(outcome, type)
        assert (read.state, read.gap and read.gap.code) == (state, said), read
    assert statistics.get("ended", "").startswith(fault.ended)
    assert bool(statistics.get("ended")) == bool(fault.ended)
    if fault.retried:
        assert statistics["retried"] > 0
    if "throttled" in name:
        assert statistics["throttled"] > 0
    # No verdict rests on what was not read: where one is given, it is that of a night on which everything was read.
    right = healthy.verdicts()
    made_up = {"a token loop", "a token loop of two"}  # its groups are not the account's
    given = {key: verdict for key, verdict in nights.verdicts().items() if name not in made_up or key in right}
    assert given.items() <= right.items()
    unread = {(scope.region, scope.type) for scope, read in judged.coverage.items() if not read.state.known}
    for tally in nights.store.tallies(judged.scan.id):
        assert (tally.unread is not None) == ((tally.region, tally.type) in unread), tally
        read = judged.coverage[Scope(ACCOUNT, tally.region, tally.type)]
        if not read.state.known and read.state is not PARTIAL:
            assert (tally.passed, tally.failed) == ((), ())


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_night_ends_tells_no_lie_and_is_repaired_by_the_next(name: str, nights: Nights, healthy: Nights) -> None:
    fault = FAULTS[name]
    # What answers "not subscribed" where nothing was known is believed.
    first = replace(fault, exit_code=0) if name == "not subscribed to" else fault
    check(first, nights.bad(first), nights, healthy, name)
    good = nights.night()
    assert code(good) == 0
    assert nights.state() == healthy.whole
    check(fault, bad := nights.bad(fault), nights, healthy, name)
    changes = nights.store.changes(bad.judged.scan.id)
    turned = {state.lifecycle for state in changes}
    assert turned <= {Lifecycle.UNVERIFIED, Lifecycle.OPENED}, "nothing is resolved"
    if SECRET not in fault.unread:  # on which no failing finding rests
        assert (Lifecycle.UNVERIFIED in turned) == (fault.exit_code != 0)
    assert not nights.store.drift(bad.judged.scan.id).gone
    known = {state.finding.key: state for state in nights.store.findings(good.judged.scan.id, verdicts=[Verdict.FAIL])}
    again = nights.night()
    assert code(again) == 0
    assert nights.state() == healthy.whole
    for state in nights.store.findings(again.judged.scan.id, verdicts=[Verdict.FAIL]):
        assert state.since_scan == known[state.finding.key].since_scan, "it has failed all the time"
    ended = {state.lifecycle for state in nights.store.changes(again.judged.scan.id)}
    assert ended <= {Lifecycle.VANISHED}, "only what a fault had made up is gone"


# ---- faults that are told in a way of their own ----------------------------------------------------------------------


def test_ten_seconds_in_which_everything_is_throttled_from_the_first_question_on_cost_nothing(
    nights: Nights, healthy: Nights
) -> None:
    early = for_seconds(10)
    outcome = nights.night(lambda request: throttled(request) if early(request) else nights.account(request))
    assert code(outcome) == 0
    assert nights.state() == healthy.whole


def test_a_clock_ten_minutes_off_is_said_before_anything_is_begun(nights: Nights, healthy: Nights) -> None:
    def answer(request: Request) -> None:
        off_clock(request) if skewed(request) else nights.account(request)

    for minutes, said in ((10, "10 minutes behind AWS's"), (-10, "10 minutes ahead of AWS's")):
        with pytest.raises(CredentialsError, match=f"clock is {said}") as raised:
            nights.night(answer, ahead=timedelta(minutes=minutes))
        assert raised.value.exit_code == 4
    assert nights.store.scans() == []
    assert code(nights.night(answer)) == 0
    assert nights.state() == healthy.whole


def test_a_clock_that_goes_wrong_on_the_way_ends_the_scan_with_what_was_read(nights: Nights, healthy: Nights) -> None:
    wrong = after(15)
    outcome = nights.night(lambda request: off_clock(request) if wrong(request) else nights.account(request))
    assert code(outcome) == 3
    assert outcome.judged.scan.status is ScanStatus.INCOMPLETE
    assert outcome.judged.scan.statistics["ended"] in ("RequestExpired", "SignatureDoesNotMatch")
    assert nights.requests < 15 + 8 + 2 * 8, "soon nothing more is asked"
    assert nights.verdicts().items() <= healthy.verdicts().items()
    nights.night()
    assert nights.state() == healthy.whole


def test_a_region_whose_names_cannot_be_resolved_is_not_read_and_the_other_is(
    nights: Nights, healthy: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, connect = socket.getaddrinfo, session.connect

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name == f"{THERE}.region.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real("127.0.0.1" if name.endswith(".region.test") else host, *rest, **more)

    def to_its_own_host(**said: Any) -> None:
        request = said["request"]
        if "GetCallerIdentity" in str(request.body) or "DescribeRegions" in str(request.body):
            return
        region = str(request.headers["Authorization"]).split("/")[2]
        request.url = request.url.replace("127.0.0.1", f"{region}.region.test")

    def connected(*operations: Any, **options: Any) -> Any:
        connection = connect(*operations, **options)
        connection.clients.session.register("before-send", to_its_own_host)
        return connection

    nights.night()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        patch.setattr(job, "connect", connected)
        outcome = nights.night()
    assert code(outcome) == 3
    states = {scope: read for scope, read in outcome.judged.coverage.items() if scope.region == THERE}
    assert {read.state for read in states.values()} == {CoverageState.FAILED}
    assert {read.gap and read.gap.code for read in states.values()} == {"EndpointConnectionError"}
    assert all(read.state.known for scope, read in outcome.judged.coverage.items() if scope.region == HERE)
    assert nights.verdicts().items() <= healthy.verdicts().items()
    assert not nights.store.drift(outcome.judged.scan.id).gone
    nights.night()
    assert nights.state() == healthy.whole


def test_a_user_that_is_deleted_while_it_is_read_is_gone_and_no_gap(nights: Nights, healthy: Nights) -> None:
    def answer(request: Request) -> None:
        if request.operation.startswith("List") and "UserName=ada" in request.form:
            request.error(404, "NoSuchEntity", "The user with name ada cannot be found.")
        else:
            nights.account(request)

    outcome = nights.night(answer)
    assert code(outcome) == 0, [read for read in outcome.judged.coverage.values() if not read.whole]
    assert nights.verdicts().items() <= healthy.verdicts().items()
    nights.night()
    assert nights.state() == healthy.whole


def test_five_thousand_groups_on_fifty_pages_are_all_read(nights: Nights, healthy: Nights) -> None:
    def page(request: Request) -> None:
        number = int((request.form + "NextToken=0").split("NextToken=")[1].split("&")[0])
        rows = "".join(
            f"<item><groupId>sg-{item:08}</groupId><groupName>g{item}</groupName><ownerId>{ACCOUNT}</ownerId>"
            f"<vpcId>vpc-1</vpcId><ipPermissions/><ipPermissionsEgress/></item>"
            for item in range(number * 100, number * 100 + 100)
        )
        more = f"<nextToken>{number + 1}</nextToken>" if number < 49 else ""
        request.reply(200, f"<{GROUPS}Response><securityGroupInfo>{rows}</securityGroupInfo>{more}</{GROUPS}Response>")

    many = on(GROUPS)
    nights.selection = Selection(checks=("security-group-open-admin-port",))
    nights.night()
    outcome = nights.night(lambda request: page(request) if many(request) else nights.account(request))
    read = read_here(outcome, GROUP)
    assert (read.state, read.resources, read.calls) == (CoverageState.COMPLETE, 5000, 50)
    assert code(outcome) == 0, [read for read in outcome.judged.coverage.values() if not read.whole]

    def breaks_off(request: Request) -> None:
        if not many(request):
            nights.account(request)
        elif "NextToken=49" in request.form:
            denied(request)
        else:
            page(request)

    outcome = nights.night(breaks_off)  # the last page is not had: the other 49 are, and what lay on it is not gone
    read = read_here(outcome, GROUP)
    assert (read.state, read.resources, read.gap and read.gap.code) == (PARTIAL, 4900, "UnauthorizedOperation")
    assert code(outcome) == 3
    assert not nights.store.drift(outcome.judged.scan.id).gone
    held = [item for item in nights.store.inventory(outcome.judged.scan.id).resources(GROUP) if item.region == HERE]
    assert len(held) >= 4900
    assert not [
        state for state in nights.store.changes(outcome.judged.scan.id) if state.lifecycle is Lifecycle.VANISHED
    ]
    nights.selection = SELECTION
    nights.night()
    assert nights.state() == healthy.whole


def test_an_empty_account_is_read_whole_and_says_so(nights: Nights, healthy: Nights) -> None:
    def answer(request: Request) -> None:
        if request.service in ("sts", "iam") or request.operation in ("DescribeRegions", "DescribeAvailabilityZones"):
            nights.account(request)
        else:
            request.nothing()

    outcome = nights.night(answer)
    assert code(outcome) == 0, [read for read in outcome.judged.coverage.values() if not read.whole]
    assert read_here(outcome, GROUP).resources == read_here(outcome, INSTANCE).resources == 0
    nights.night()
    assert nights.state() == healthy.whole


def closed(request: Request) -> None:
    """Answer as a region does that the organisation has closed."""
    who = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{'auditor' * 9}/{'session' * 9}"
    why = "with an explicit deny in a service control policy"
    said = f"{who} is not authorized to perform: {request.operation} on resource: * {why}"
    request.error(403, "UnauthorizedOperation" if request.service == "ec2" else "AccessDenied", said)


def test_a_region_that_a_policy_of_the_organisation_closes_is_told_apart_from_a_missing_permission(
    on_both: Nights, healthy: Nights
) -> None:
    nights = on_both
    nights.night()
    shut = on_region(THERE)
    outcome = nights.night(lambda request: closed(request) if shut(request) else nights.account(request))
    assert code(outcome) == 3
    states = {scope: read for scope, read in outcome.judged.coverage.items() if scope.region == THERE}
    assert {read.state for read in states.values()} == {CoverageState.DENIED}
    assert {(read.gap and read.gap.operation, read.gap and read.gap.code) for read in states.values()} == {
        (f"every call in {THERE}", "RegionClosed")
    }
    (gap,) = [gap for gap in outcome.view.coverage.gaps if gap.code == "RegionClosed"]
    assert "closed_regions" in gap.advice
    assert not gap.action
    assert nights.verdicts().items() <= healthy.verdicts().items()
    assert not nights.store.drift(outcome.judged.scan.id).gone
    nights.night()
    assert nights.state() == healthy.whole


def on_region(region: str) -> Wrong:
    """What is asked of one region's services; those of the account as a whole are asked elsewhere."""
    return lambda request: request.region == region and request.service not in ("iam", "sts")


def test_what_is_not_subscribed_to_any_more_is_believed_after_three_days(on_both: Nights) -> None:
    nights = on_both
    fault = Fault(lambda: on_region(HERE), lambda r: r.error(403, "OptInRequired", "You are not subscribed"))
    nights.night()
    for number in range(2):
        outcome = nights.night(misbehave(fault, nights.account))
        read = read_here(outcome, GROUP)
        assert (read.state, read.gap and read.gap.code) == (CoverageState.FAILED, "NoLongerOffered"), number
        assert not nights.store.drift(outcome.judged.scan.id).gone
    age(nights.store, timedelta(days=3, minutes=1))
    outcome = nights.night(misbehave(fault, nights.account))
    assert read_here(outcome, GROUP).state is CoverageState.NOT_OFFERED
    assert len(nights.store.drift(outcome.judged.scan.id).gone) > 3
    assert code(outcome) == 0


def age(store: Store, by: timedelta) -> None:
    """Make all scans of a store older."""
    from sqlalchemy import select, update

    from auditor.store.schema import scans

    with store._database.writing("") as connection:
        for row in connection.execute(select(scans.c.id, scans.c.started_at)).all():
            moved = update(scans).where(scans.c.id == row.id).values(started_at=row.started_at - by)
            connection.execute(moved)
