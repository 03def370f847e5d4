"""Tapes from end to end: what was recorded over HTTP comes to the same inventory and verdicts again, without any network."""

import errno
import ipaddress
import json
import os
import re
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from auditor.aws import masking
from auditor.aws import tape as tapes
from auditor.aws.replaying import NOT_ON_TAPE
from auditor.demo.server import simulated_account
from auditor.model import ScanStatus, Tally, Verdict
from auditor.store import Store
from cli.conftest import run, start
from cli.endpoint import Endpoint

SSH = "security-group-open-admin-port"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ACCOUNT = "123456789012"
REGION = "eu-west-1"
ONE = ("scan", "--region", REGION, "--check", SSH)
OF_AN_OLDER_DAY = Path(__file__).parent.parent / "tapes" / "version-1.tape"


@dataclass
class Recording:
    """The demo's account, recorded by a scan: the store that the scan left, its tape, and its masked tape."""

    store: str
    tape: Path
    masked: Path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("recording")
    made = Recording(f"sqlite:///{folder / 'recorded.db'}", folder / "night.tape", folder / "masked.tape")
    other = f"sqlite:///{folder / 'other.db'}"
    with simulated_account() as url, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        first = run("scan", "-q", "--store", made.store, "--record", made.tape)
        second = run("scan", "-q", "--store", other, "--record", made.masked, "--mask")
        assert (first.exit_code, second.exit_code) == (3, 3), first.output + second.output
    return made


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that replay have no credentials, and no way out: what connects anywhere fails the test."""
    if "account" in request.fixturenames:
        return
    request.getfixturevalue("home")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)

    def connect(_: object, address: object) -> None:
        raise AssertionError(f"a replay connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)


def lines(tape: Path) -> list[dict[str, Any]]:
    raw = zstandard.ZstdDecompressor().stream_reader(tape.read_bytes()).read()
    return [json.loads(line) for line in raw.splitlines()]


def packed(path: Path, *held: object) -> Path:
    """Write lines as a tape would have them."""
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in held)
    path.write_bytes(zstandard.compress(text.encode()))
    return path


def in_order(tally: Tally) -> Tally:
    """Return TALLY with its ids sorted: they come in the order of the answers."""
    return replace(
        tally,
        passed=tuple(sorted(tally.passed)),
        failed=tuple(sorted(tally.failed)),
        unknown=tuple(sorted(tally.unknown)),
        not_applicable={reason: tuple(sorted(ids)) for reason, ids in tally.not_applicable.items()},
    )


def known(store: Store) -> dict[str, Any]:
    """Everything that the newest scan read and concluded."""
    (scan,) = store.scans(limit=1)
    inventory = store.inventory(scan.id)
    # Which of a scope's first answers came first, and so the second in which it was observed, no tape can say.
    resources = {r.id: replace(r, observed_at=EPOCH) for name in inventory.types() for r in inventory.resources(name)}
    tallies = {(t.check, t.region, t.type): in_order(t) for t in store.tallies(scan.id)}
    findings = {state.finding.key: state.finding for state in store.findings(scan.id)}
    scores = {(score.level, score.id): score for score in store.scores(scan.id)}
    return {
        "resources": resources,
        "coverage": {scope: replace(c, observed_at=EPOCH) for scope, c in inventory.coverage.items()},
        "moments": {cover.observed_at for cover in inventory.coverage.values() if cover.observed_at},
        "tallies": tallies,
        "findings": findings,
        "scores": scores,
        "status": scan.status,
        "regions": scan.regions,
    }


# ---- the same again --------------------------------------------------------------------------------------------------


def test_a_replay_comes_to_the_same_inventory_and_verdicts(recording: Recording, store_url: str) -> None:
    result = run("scan", "-q", "--store", store_url, "--replay", recording.tape)
    assert result.exit_code == 3, result.output
    with Store.open(recording.store) as then, Store.open(store_url) as now:
        recorded, replayed = known(then), known(now)
    assert len(recorded["resources"]) > 600
    assert set(replayed["resources"]) == set(recorded["resources"])
    assert replayed["moments"] <= {m + timedelta(seconds=s) for m in recorded["moments"] for s in range(-20, 21)}
    for name, value in recorded.items():
        assert name == "moments" or replayed[name] == value, name


def test_a_second_replay_finds_nothing_changed(tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path / 'twice.db'}"
    for _ in range(2):
        run("scan", "-q", "--store", store_url, "--replay", OF_AN_OLDER_DAY)
    with Store.open(store_url) as store:
        changes = store.drift(2)
        assert (tuple(changes.added), tuple(changes.changed), tuple(changes.gone)) == ((), (), ())
        assert not store.changes(2)


def test_nobody_takes_a_replay_for_the_account(recording: Recording, tmp_path: Path) -> None:
    result = run("scan", "--replay", recording.tape, "--output", tmp_path / "out")
    said = r"night\.tape, recorded \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(
        rf"not the account itself: read from the tape\s+{said.replace(' ', chr(92) + 's+')}", result.stdout
    )
    for name in ("compliance.html", "cost.html", "compliance.md", "cost.md"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert "Not the account itself" in text, name
        assert re.search(said, text.replace("\\", "")), name
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert re.fullmatch(said, report["scan"]["tape"])
    store = f"sqlite:///{os.environ['XDG_DATA_HOME']}/auditor/tapes.db"
    (listed,) = json.loads(run("scans", "--format", "json", "--store", store).stdout)
    assert re.fullmatch(said, listed["tape"])


def test_a_part_of_a_tape_can_be_scanned(recording: Recording, tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path / 'part.db'}"
    result = run("scan", "-q", "--store", store_url, "--replay", recording.tape, "--region", REGION, "--check", SSH)
    assert result.exit_code == 0, result.output
    with Store.open(store_url) as store:
        assert store.scan(1).regions == (REGION,)
        assert {tally.check for tally in store.tallies(1)} == {SSH}


def test_a_tape_of_an_older_day_is_still_understood(tmp_path: Path) -> None:
    """The committed tape holds a security group's scan of the simulated account, in version 1 of the format."""
    result = run("scan", "--store", f"sqlite:///{tmp_path / 'old.db'}", "--replay", OF_AN_OLDER_DAY)
    assert result.exit_code == 0, result.output
    with Store.open(f"sqlite:///{tmp_path / 'old.db'}") as store:
        assert store.scan(1).selection == {"check": (SSH,)}
        failed = [id for tally in store.tallies(1) for id in tally.failed]
        passed = [id for tally in store.tallies(1) for id in tally.passed]
        assert (len(failed), len(passed)) == (7, 3)


# ---- what is not on the tape -----------------------------------------------------------------------------------------


def test_what_is_not_on_the_tape_is_a_gap_and_never_an_empty_answer(recording: Recording, tmp_path: Path) -> None:
    held = lines(recording.tape)
    without = [line for line in held if line.get("operation") not in ("DescribeDBInstances", "DescribeVolumes")]
    cut = packed(tmp_path / "without.tape", *without)
    store_url = f"sqlite:///{tmp_path / 'without.db'}"
    assert run("scan", "-q", "--store", store_url, "--replay", cut).exit_code == 3
    with Store.open(store_url) as store, Store.open(recording.store) as then:
        now, before = known(store), known(then)
    lacking = {scope.type for scope, cover in now["coverage"].items() if cover.gap and cover.gap.code == NOT_ON_TAPE}
    assert {"AWS::RDS::DBInstance", "AWS::EC2::Volume"} <= lacking
    assert_nothing_is_made_up(before, now)


@pytest.mark.parametrize("share", [0.02, 0.6])
def test_a_tape_that_breaks_off_is_replayed_up_to_there_and_says_so(
    recording: Recording, tmp_path: Path, share: float
) -> None:
    whole = recording.tape.read_bytes()
    cut = tmp_path / "cut.tape"
    cut.write_bytes(whole[: int(len(whole) * share)])
    store_url = f"sqlite:///{tmp_path / 'cut.db'}"
    result = run("scan", "--store", store_url, "--replay", cut)
    assert "Traceback" not in result.output
    if result.exit_code == 4:
        assert "breaks off before its end" in result.stderr, "so early that not even the account is known"
        return
    assert result.exit_code == 3, result.output
    with Store.open(store_url) as store, Store.open(recording.store) as then:
        assert store.scan(1).tape.endswith("cut off before its end")
        assert_nothing_is_made_up(known(then), known(store))


def verdicts(found: dict[str, Any]) -> dict[tuple[str, str], Verdict]:
    return {
        (tally.check, id): verdict
        for tally in found["tallies"].values()
        for verdict, ids in (
            (Verdict.PASS, tally.passed),
            (Verdict.FAIL, tally.failed),
            (Verdict.UNKNOWN, tally.unknown),
        )
        for id in ids
    }


def assert_nothing_is_made_up(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Every verdict is what it was, or unknown; what a check cannot concern may show itself a pass."""
    then, found = verdicts(before), verdicts(now)
    assert not {key for key, verdict in found.items() if verdict is Verdict.FAIL and then.get(key) is not Verdict.FAIL}
    turned = {key for key, verdict in found.items() if verdict is Verdict.PASS and then.get(key) is Verdict.FAIL}
    assert not turned
    assert set(now["resources"]) <= set(before["resources"])


# ---- bad tapes and bad words -----------------------------------------------------------------------------------------

HEADER = {
    "tape": "aws-account-auditor tape",
    "version": 1,
    "recorded_at": "2026-11-28T02:00:00+00:00",
    "program": "1",
    "region": REGION,
    "regions": [],
    "closed_regions": [],
    "account_name": "",
    "selection": {},
    "masked": False,
}
CALL = {"service": "sts", "operation": "GetCallerIdentity", "region": REGION, "params": {}}
BAD = {
    "empty": b"",
    "text": b"this is no tape\n",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "sqlite": b"SQLite format 3\x00" + b"\x00" * 100,
    "zstd-of-nothing": zstandard.compress(b""),
    "zstd-of-text": zstandard.compress(b"hello\nworld\n"),
    "zstd-of-json": zstandard.compress(b'{"a": 1}\n'),
    "zstd-of-a-list": zstandard.compress(b"[1, 2]\n"),
    "only-magic": b"\x28\xb5\x2f\xfd",
    "header-cut": zstandard.compress(json.dumps(HEADER).encode()),
    "header-without-region": zstandard.compress(json.dumps({**HEADER, "region": None}).encode() + b"\n"),
    "header-of-no-date": zstandard.compress(json.dumps({**HEADER, "recorded_at": "soon"}).encode() + b"\n"),
    "header-before-all-dates": zstandard.compress(
        json.dumps({**HEADER, "recorded_at": "0001-01-01T00:00:00+14:00"}).encode() + b"\n"
    ),
    "date-before-all-dates": zstandard.compress(
        (json.dumps(HEADER) + "\n" + json.dumps({**CALL, "date": "0001-01-01T00:00:00+14:00", "answer": {}})).encode()
        + b"\n"
    ),
    "a-bomb-of-one-line": zstandard.compress(json.dumps(HEADER).encode() + b"\n" + b" " * (65 << 20)),
    "version-2": zstandard.compress(json.dumps({**HEADER, "version": 2}).encode() + b"\n"),
    "nested": zstandard.compress(b"[" * 100_000 + b"\n"),
    "no-call": zstandard.compress(json.dumps(HEADER).encode() + b'\n{"x": 1}\n'),
    "no-json": zstandard.compress(json.dumps(HEADER).encode() + b"\n{]\n"),
    "no-object": zstandard.compress(json.dumps(HEADER).encode() + b"\n7\n"),
    "odd-fault": zstandard.compress(
        (
            json.dumps(HEADER)
            + "\n"
            + json.dumps({**CALL, "error": {"fault": "bored", "code": "X", "message": ""}})
            + "\n"
        ).encode()
    ),
    "odd-date": zstandard.compress(
        (json.dumps(HEADER) + "\n" + json.dumps({**CALL, "date": "x", "answer": {}}) + "\n").encode()
    ),
    "odd-params": zstandard.compress(
        (
            json.dumps(HEADER)
            + "\n"
            + json.dumps({**CALL, "params": 3, "date": "2026-01-01T00:00:00Z", "answer": {}})
            + "\n"
        ).encode()
    ),
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_what_is_no_tape_is_one_line_and_exit_code_2(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"{kind}.tape"
    file.write_bytes(BAD[kind])
    result = run("scan", "--replay", file)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert file.name in result.stderr


def test_a_bomb_of_many_lines_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "_LARGEST_TAPE", 1 << 20)
    bomb = packed(tmp_path / "bomb.tape", HEADER, '{"a": 1}\n' * 200_000)
    assert bomb.stat().st_size < 1 << 10
    result = run("scan", "--replay", bomb)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert "too large" in result.stderr


NOBODY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("GetCallerIdentity", {}),
    ("GetCallerIdentity", {"Arn": "x", "Account": 5}),
    ("GetCallerIdentity", {"Arn": "arn:aws:iam::123456789012:root", "Account": "../../etc"}),
    ("DescribeRegions", {"Regions": [{}]}),
    ("DescribeRegions", {"Regions": None}),
    ("DescribeRegions", {"Regions": []}),
    ("DescribeRegions", {"Regions": [{"RegionName": "../x"}]}),
)


def test_what_is_no_account_and_no_region_is_one_line_and_nothing_is_read(tmp_path: Path) -> None:
    """So it would be where a proxy, or AWS_ENDPOINT_URL, answers in AWS's place."""
    held = lines(OF_AN_OLDER_DAY)
    for operation, answer in NOBODY:
        other = [line | {"answer": answer} if line.get("operation") == operation else line for line in held]
        store = f"sqlite:///{tmp_path / 'none.db'}"
        result = run("scan", "--replay", packed(tmp_path / "other.tape", *other), "--store", store)
        assert (result.exit_code, len(result.stderr.splitlines())) == (4, 1), (answer, result.stderr)
        assert f"{operation} was answered with no" in result.stderr
        with Store.open(store) as opened:
            assert opened.scans() == []


@pytest.mark.parametrize("name", ["missing.tape", "missing/x.tape"])
def test_a_tape_that_is_not_there_is_one_line(name: str, tmp_path: Path) -> None:
    result = run("scan", "--replay", tmp_path / name)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert "No such file" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--record", "a", "--replay", "b"), "exclude one another"),
        (("--mask",), "--mask goes with --record"),
        (("--mask", "--replay", "b"), "--mask goes with --record"),
        (("--replay", "b", "--account", "x"), "--account does not go with --replay"),
        (("--replay", "b", "--profile", "x"), "--profile does not go with --replay"),
        (("--replay", "b", "--role-arn", "arn:aws:iam::123456789012:role/x"), "--role-arn does not go with --replay"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...], said: str) -> None:
    result = run("scan", *options)
    assert result.exit_code == 2
    assert said in result.stderr


# ---- recording -------------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_not_recorded_over(account: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    result = run(*ONE, "--record", "mine")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "mine exists" in result.stderr
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("path", ["no/folder/x.tape", "/dev/null/x.tape"])
def test_a_tape_that_cannot_be_made_is_one_line_before_anything_is_read(account: Endpoint, path: str) -> None:
    result = run(*ONE, "--record", path)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert "cannot be written" in result.stderr


def test_a_full_disk_breaks_the_tape_off_and_the_scan_goes_on(
    account: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A file on a disk that is full after some bytes."""

        def __init__(self, number: int, mode: str) -> None:
            self.file, self.left = os.fdopen(number, mode, buffering=0), 2_000

        def write(self, data: bytes) -> None:
            self.file.write(data[: self.left])
            self.left -= len(data)
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def flush(self) -> None:
            """Nothing waits."""

        def close(self) -> None:
            self.file.close()

    with monkeypatch.context() as patch:
        patch.setattr(tapes, "os", SimpleNamespace(**{**vars(os), "fdopen": Full}))
        result = run(*ONE, "--store", "sqlite:///real.db", "--record", "full.tape")
    assert result.exit_code == 4
    said = "the tape full.tape broke off: No space left on device"
    assert f"WARNING {said}; the scan goes on" in result.stderr
    assert result.stderr.splitlines()[-1] == f"auditor: {said}; the scan is in the store"
    with Store.open("sqlite:///real.db") as store:
        assert store.scan(1).status is ScanStatus.COMPLETE
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    result = run("scan", "--store", "sqlite:///tapes.db", "--replay", "full.tape")
    assert result.exit_code in (3, 4), "never whole"
    assert "breaks off" in result.stderr or "cut off" in result.stdout


def test_what_cannot_be_masked_is_not_on_the_tape_and_the_scan_has_it(
    account: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = masking.Mask.line

    def broken(self: masking.Mask, line: dict[str, Any]) -> dict[str, Any]:
        if line["operation"] == "DescribeSecurityGroups":
            raise ValueError("a name that must not be seen")
        return mask(self, line)

    monkeypatch.setattr(masking.Mask, "line", broken)
    result = run(*ONE, "--store", "sqlite:///real.db", "--record", "lacks.tape", "--mask")
    assert result.exit_code == 4
    assert "lacks an answer of ec2:DescribeSecurityGroups" in result.stderr.splitlines()[-1]
    assert "must not be seen" not in result.output
    assert "DescribeSecurityGroups" not in {line.get("operation") for line in lines(tmp_path / "lacks.tape")}
    with Store.open("sqlite:///real.db") as store:
        assert store.scan(1).status is ScanStatus.COMPLETE


def test_only_its_owner_can_read_a_tape(account: Endpoint, tmp_path: Path) -> None:
    assert run(*ONE, "--record", "x.tape").exit_code == 0
    assert (tmp_path / "x.tape").stat().st_mode & 0o777 == 0o600


def test_what_was_denied_is_denied_again(account: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account.behave(denied=["ec2:DescribeSecurityGroups"])
    assert run(*ONE, "-q", "--record", "x.tape").exit_code == 3
    account.behave()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store_url = f"sqlite:///{tmp_path / 'r.db'}"
    assert run("scan", "-q", "--replay", "x.tape", "--store", store_url).exit_code == 3
    with Store.open(store_url) as store:
        gaps = {c.gap.code for c in store.inventory(1).coverage.values() if c.gap}
    assert gaps == {"AccessDenied"}


def test_the_histories_of_a_tape_and_of_an_account_never_mix(account: Endpoint, tmp_path: Path) -> None:
    assert run(*ONE, "-q", "--store", "sqlite:///real.db", "--record", "x.tape").exit_code == 0
    refused = run("scan", "--store", "sqlite:///real.db", "--replay", "x.tape")
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    assert "scans of AWS itself" in refused.stderr
    assert run("scan", "-q", "--store", "sqlite:///tapes.db", "--replay", "x.tape").exit_code == 0
    refused = run(*ONE, "--store", "sqlite:///tapes.db")
    assert refused.exit_code == 2
    assert "holds tapes" in refused.stderr
    with Store.open("sqlite:///real.db") as real, Store.open("sqlite:///tapes.db") as tapes:
        assert (len(real.scans()), len(tapes.scans())) == (1, 1)


def test_a_scan_that_is_killed_leaves_a_tape_that_can_be_read(account: Endpoint, tmp_path: Path) -> None:
    account.behave(held=["ec2:DescribeSecurityGroups"])
    process = start(*ONE, "--record", "killed.tape", cwd=tmp_path)
    assert account.waiting()
    time.sleep(0)  # the calls before are on the tape with the next one, or after a second
    process.send_signal(signal.SIGKILL)
    process.communicate()
    account.behave()
    result = run("scan", "--store", "sqlite:///killed.db", "--replay", "killed.tape")
    assert result.exit_code in (3, 4), result.output
    assert "Traceback" not in result.output
    assert "breaks off" in result.stderr or "cut off" in result.stdout


# ---- masked ----------------------------------------------------------------------------------------------------------


def test_a_masked_tape_holds_nothing_that_says_whose_account_it_is(recording: Recording) -> None:
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines(recording.masked))
    plain = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines(recording.tape))
    with Store.open(recording.store) as store:
        inventory = store.inventory(1)
        held = [r for name in inventory.types() for r in inventory.resources(name)]
    named_by_aws = re.compile(r"[a-z]+-[0-9a-f]{8,}$|[0-9a-f-]{36}$|default|db\.|[a-z0-9]+\.\w+$|[a-z]{2}-[a-z]+-\d")
    of_aws = {"AWS::CloudTrail::Event", "AWS::::Region", "AWS::EC2::AvailabilityZone"}
    own = {
        r.name for r in held if not named_by_aws.match(r.name) and r.type not in of_aws and ":aws:policy/" not in r.id
    }
    own = {name for name in own if len(name) > 5 and name in plain}
    assert len(own) > 100
    # Two security groups are called like words that stand in AWS's own policies, a budget like a word that tags keep.
    assert own & set(re.findall(r"[\w.+=@-]+", text)) <= {"database", "search", "legacy"}
    assert '"BudgetName": "legacy"' in plain
    assert '"BudgetName": "legacy"' not in text
    assert ACCOUNT in plain
    assert ACCOUNT not in text
    # Networks as wide as a whole class, and those that nobody has, say nothing.
    addresses = set(re.findall(r"(?<![\d.])((?:\d{1,3}\.){3}\d{1,3})(?![\d.]|/[0-8]\b)", plain))
    public = {address for address in addresses if ipaddress.ip_address(address).is_global}
    assert not {address for address in public if address in text}


def test_a_masked_tape_comes_to_as_many_verdicts_of_each_kind(recording: Recording, tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path / 'masked.db'}"
    assert run("scan", "-q", "--store", store_url, "--replay", recording.masked).exit_code == 3
    with Store.open(recording.store) as then, Store.open(store_url) as now:
        before, after = known(then), known(now)

    def counted(found: dict[str, Any]) -> Counter[tuple[str, Verdict]]:
        return Counter((check, verdict) for (check, _), verdict in verdicts(found).items())

    assert Counter(r.type for r in after["resources"].values()) == Counter(r.type for r in before["resources"].values())
    assert counted(after) == counted(before)
    assert {cover.scope.account for cover in after["coverage"].values()} != {ACCOUNT}
