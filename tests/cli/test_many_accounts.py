"""`auditor scan` of several accounts: over HTTP, by processes of their own, into one store."""

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.config import AccountSettings
from auditor.model import ScanStatus
from auditor.organization import Members
from auditor.store import Store, default_url
from cli.conftest import run, start
from cli.endpoint import Endpoint

NARROW = ("--type", "AWS::EC2::SecurityGroup")
HOSTILE = "../..\\u001b[31m=cmd|<b>"
ROLE = "arn:aws:iam::{}:role/auditor"
ACCOUNTS = ("111122223333", "444455556666", "123456789012")


@pytest.fixture(autouse=True)
def config() -> Path:
    """Two accounts through roles, and the one of the credentials; the second has a hostile name.

    One process scans them one after another, where several are not the point: each takes seconds to start.
    """
    path = Path("config.toml")
    path.write_text(
        '[account]\nregions = ["eu-west-1"]\n[pricing]\nsource = "embedded"\n[scan]\nprocesses = 1\n'
        f'[[accounts]]\nname = "production"\nenvironment = "prod"\nrole_arn = "{ROLE.format(ACCOUNTS[0])}"\n'
        f'[[accounts]]\nname = "{HOSTILE}"\nrole_arn = "{ROLE.format(ACCOUNTS[1])}"\n'
        f'[[accounts]]\nname = "tooling"\nid = "{ACCOUNTS[2]}"\n'
    )
    return path


def outcomes() -> dict[str, dict[str, object]]:
    listed = json.loads(Path("audit-reports/accounts.json").read_text())["accounts"]
    return {outcome["account"]: outcome for outcome in listed}


def test_all_accounts_are_scanned_into_one_store_and_each_has_its_reports(account: Endpoint, store_url: str) -> None:
    done = run("scan", "--processes", "2", "--store", store_url, *NARROW)
    assert done.exit_code == 0, done.output
    assert "3 accounts: 3 complete" in done.stdout
    assert "\x1b" not in done.output
    assert all(len(line) <= 80 for line in done.stdout.split("Reports\n")[0].splitlines())
    assert {path.name for path in Path("audit-reports").iterdir()} == {*ACCOUNTS, "accounts.json"}
    for number in ACCOUNTS:
        assert f"{number}/compliance.html" in done.stdout
        assert json.loads(Path(f"audit-reports/{number}/report.json").read_text())["scan"]["account"] == number
    assert outcomes()[ACCOUNTS[0]]["environment"] == "prod"
    with Store.open(store_url) as store:
        scans = {scan.account: scan for scan in store.scans()}
        assert set(scans) == set(ACCOUNTS)
        assert all(scan.status is ScanStatus.COMPLETE for scan in scans.values())
        groups = {
            number: list(store.inventory(scans[number].id).resources("AWS::EC2::SecurityGroup")) for number in ACCOUNTS
        }
    assert {resource.account for number in ACCOUNTS for resource in groups[number]} == set(ACCOUNTS)
    assert len(groups[ACCOUNTS[2]]) > len(groups[ACCOUNTS[0]]) > 0


def test_one_account_that_cannot_be_entered_stops_no_other_and_is_said(account: Endpoint, config: Path) -> None:
    config.write_text(config.read_text().replace(f'id = "{ACCOUNTS[2]}"', 'id = "999999999999"'))
    done = run("scan", "--fail-on", "info", *NARROW)
    assert done.exit_code == 4, "an account that was not scanned comes before findings"
    assert "2 complete, 1 not scanned" in done.stdout
    assert "was to be read" in " ".join(done.stdout.split())
    assert outcomes()["999999999999"]["state"] == "not scanned"
    assert "ERROR tooling is not scanned" in done.stderr


def test_a_role_that_cannot_be_assumed_is_its_accounts_failure_and_the_reason_is_said(account: Endpoint) -> None:
    account.behave(denied=["sts:AssumeRole"])
    done = run("scan", *NARROW)
    assert done.exit_code == 4
    assert "1 complete, 2 not scanned" in done.stdout
    for number in ACCOUNTS[:2]:
        why = str(outcomes()[number]["why"])
        assert why.startswith(
            f"role {ROLE.format(number)} cannot be assumed: check its trust policy and the external id"
        )
    assert outcomes()[ACCOUNTS[2]]["state"] == "complete"


def test_a_tape_is_of_one_account_and_that_can_be_a_member_of_the_organisation(
    account: Endpoint, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a tape is of one account" in run("scan", "--record", "x.tape", *NARROW).stderr
    member = AccountSettings(name="member", id=ACCOUNTS[0], role_arn=ROLE.format(ACCOUNTS[0]), regions=("eu-west-1",))
    gone = AccountSettings(name="gone", id="999999999999")
    monkeypatch.setattr("auditor.accounts.members_of", lambda _: Members((member,), ((gone, "it is suspended"),)))
    config.write_text('[pricing]\nsource = "embedded"\n')
    refused = run("scan", "--organization", "--account", "gone", "--record", "x.tape", *NARROW)
    assert (refused.exit_code, "account gone is not scanned: it is suspended" in refused.stderr) == (2, True)
    done = run("scan", "--organization", "--account", "member", "--record", "x.tape", *NARROW)
    assert done.exit_code == 0, done.output
    assert Path("x.tape").is_file()


def test_quiet_says_nothing_but_errors(account: Endpoint, config: Path) -> None:
    done = run("scan", "--quiet", "--account", "production", *NARROW)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_accounts_are_chosen_by_name_and_by_id(account: Endpoint) -> None:
    done = run("scan", "--account", "production", "--account", ACCOUNTS[2], *NARROW)
    assert done.exit_code == 0, done.output
    assert set(outcomes()) == {ACCOUNTS[0], ACCOUNTS[2]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--account", "prodution"), "no account is called prodution; did you mean production?"),
        (("--account", "zzz\x1b[2J"), "no account is called 'zzz\\x1b[2J'; there are production,"),
        (("--profile", "work"), "--profile is for one account, and [[accounts]] names several"),
        (("--section", "clod"), "no section is called clod"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_read(arguments: tuple[str, ...], said: str) -> None:
    done = run("scan", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_findings_end_with_their_code_and_the_lease_of_another_scan_is_that_accounts_failure(
    account: Endpoint,
) -> None:
    with Store.open(default_url()) as store, store.lease(f"scan:{ACCOUNTS[1]}", "elsewhere:1", 60):
        done = run("scan", "--fail-on", "info", *NARROW)
    assert done.exit_code == 4
    found = outcomes()
    assert found[ACCOUNTS[1]]["state"] == "not scanned"
    assert "elsewhere:1" in str(found[ACCOUNTS[1]]["why"])
    assert found[ACCOUNTS[2]]["exit_code"] == 1


def test_the_reading_commands_choose_an_account_by_name_or_id(account: Endpoint) -> None:
    assert run("scan", *NARROW, "--account", "production", "--account", "tooling").exit_code == 0
    shown = run("findings", "--account", "tooling", "--format", "json")
    assert {finding["account"] for finding in json.loads(shown.stdout)} == {ACCOUNTS[2]}
    assert "INFO" not in shown.stderr
    assert "the store holds 2 accounts, this is" in run("findings").stderr
    listed = json.loads(run("scans", "--account", "production", "--format", "json").stdout)
    assert [scan["account"] for scan in listed] == [ACCOUNTS[0]]
    assert run("report", "--account", "production", "--output", "again").stdout.split()[0] == (
        f"again/{ACCOUNTS[0]}/compliance.html"
    )
    assert run("evaluate", "--account", ACCOUNTS[0], "--output", "anew", "--quiet").exit_code == 0
    assert Path(f"anew/{ACCOUNTS[0]}/compliance.html").is_file()
    wrong = run("findings", "--account", "toolign")
    assert wrong.exit_code == 2
    assert "no account in the store is called toolign; did you mean tooling?" in wrong.stderr


def test_the_scheduler_catches_up_all_accounts_and_takes_up_the_one_that_died(account: Endpoint, config: Path) -> None:
    config.write_text(config.read_text() + '[schedule]\ncron = "0 2 29 2 *"\n')
    with Store.open(default_url()) as store, store.lease(f"scan:{ACCOUNTS[0]}", "gone:1", 0.05) as lease:
        store.begin_scan(
            account=ACCOUNTS[0], account_name="production", partition="aws", regions=["eu-west-1"], selection={},
            program_version="1", standard_digest="s", checks_digest="c", started_at=datetime.now(UTC), lease=lease,
        )  # fmt: skip
    process = start("schedule", "run")
    assert process.stderr
    line = ""
    while "accounts: " not in line:
        line = process.stderr.readline()
        assert process.poll() is None, line
    process.send_signal(signal.SIGTERM)
    with process:
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert "accounts: 1 " in line
    with Store.open(default_url()) as store:
        assert [scan.account for scan in store.scans()] == [ACCOUNTS[0]] * 2, "no other account had died"


def test_the_doctor_says_of_each_account_whether_it_can_be_entered(account: Endpoint, config: Path) -> None:
    config.write_text(config.read_text().replace(f'id = "{ACCOUNTS[2]}"', 'id = "999999999999"'))
    done = run("doctor", "--no-probe")
    assert done.exit_code == 4, done.output
    shown = " ".join(done.stdout.split())
    assert f"production: {ACCOUNTS[0]} as arn:aws:sts::{ACCOUNTS[0]}:assumed-role/auditor" in shown.replace(
        "auditor/ ", "auditor/"
    )
    assert "tooling: these credentials are of account" in shown
    assert "what follows was looked at in production" in shown
    assert "\x1b" not in done.output


def test_a_region_on_the_command_line_is_that_of_every_account(account: Endpoint) -> None:
    run("scan", "--region", "us-east-1", "--account", "production", "--account", "tooling", *NARROW)
    with Store.open(default_url()) as store:
        assert {scan.regions for scan in store.scans()} == {("us-east-1",)}


def scanning(process: int) -> list[int]:
    """The processes that scan for PROCESS."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


HELD = ["ec2:DescribeStaleSecurityGroups"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_sigterm_and_sighup_end_all_processes_and_what_was_read_is_kept(account: Endpoint, number: int) -> None:
    account.behave(held=HELD)
    process = start("scan", "--processes", "2", *NARROW, start_new_session=True)
    assert account.waiting()
    children = scanning(process.pid)
    assert len(children) == 2
    # A terminal sends Ctrl-C to every process and says to every one that it is closed, SIGTERM goes to one.
    os.killpg(process.pid, number) if number != signal.SIGTERM else process.send_signal(number)
    with process:
        shown, wrong = process.communicate(timeout=120)
    assert process.returncode == 130, wrong
    assert "Traceback" not in wrong
    assert wrong.splitlines()[-1] == "auditor: interrupted; what was read is kept"
    assert "interrupted" in shown
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    with Store.open(default_url()) as store:
        scans = store.scans()
        assert scans
        assert {scan.status for scan in scans} == {ScanStatus.INTERRUPTED}
        assert any(list(store.inventory(scan.id).resources("AWS::EC2::VPC")) for scan in scans)
    account.behave()
    assert run("scan", *NARROW).exit_code == 0, "the leases were given back"


def test_a_process_that_is_killed_is_its_accounts_failure_and_the_next_scan_repairs_it(account: Endpoint) -> None:
    account.behave(held=HELD)
    process = start("scan", *NARROW)
    assert account.waiting()
    [child] = scanning(process.pid)
    os.kill(child, signal.SIGKILL)
    account.behave()
    with process:
        shown, wrong = process.communicate(timeout=120)
    assert process.returncode == 4, wrong
    assert "3 accounts: 2 complete, 1 incomplete" in shown
    assert "its process was killed by signal 9" in shown
    with Store.open(default_url()) as store:
        assert store.scans()[-1].status is ScanStatus.INTERRUPTED
    assert run("scan", "--account", "production", *NARROW).exit_code == 0
