"""What a person or a machine does to a running program: Ctrl-C, SIGTERM, kill, a reader that goes away, a full disk."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.model import ScanStatus
from auditor.store import Store, default_url
from cli.conftest import environment, run, start
from cli.endpoint import Endpoint

SCAN = ("scan", "--region", "eu-west-1", "--type", "AWS::EC2::SecurityGroup")
HELD = ["ec2:DescribeStaleSecurityGroups"]
"""Asked for each VPC: when it is, the VPCs have been read."""


def hanging(account: Endpoint, *arguments: object) -> "subprocess.Popen[str]":
    """Start a scan and wait until it hangs in a call."""
    account.behave(held=HELD)
    process = start(*(arguments or SCAN))
    assert account.waiting()
    return process


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    with process:
        shown, wrong = process.communicate(timeout=60)
    return process.returncode, shown, wrong


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_that_is_stopped_keeps_judges_and_reports_what_it_read(account: Endpoint, number: int) -> None:
    process = hanging(account)
    process.send_signal(number)
    code, shown, wrong = ended(process)
    assert code == 130, wrong
    assert "stopping; what was read is kept" in wrong
    assert wrong.splitlines()[-1] == "auditor: interrupted; what was read is kept as scan 1"
    assert "Traceback" not in wrong
    assert "interrupted" in shown
    assert Path("audit-reports/report.json").is_file()
    with Store.open(default_url()) as store:
        (scan,) = store.scans()
        assert scan.status is ScanStatus.INTERRUPTED
        assert list(store.inventory(scan.id).resources("AWS::EC2::VPC"))
    account.behave()
    assert run(*SCAN).exit_code in (0, 3), "the lease was given back"


def test_a_scan_whose_terminal_is_closed_keeps_judges_and_reports_what_it_read(account: Endpoint) -> None:
    account.behave(held=HELD)
    terminal, inside = pty.openpty()
    process = start(*SCAN, stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
    os.close(inside)
    assert account.waiting()
    process.send_signal(signal.SIGHUP)  # by the shell; the system says it once more
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 130
    assert Path("audit-reports/report.json").is_file()
    with Store.open(default_url()) as store:
        (scan,) = store.scans()
        assert scan.status is ScanStatus.INTERRUPTED
        assert list(store.inventory(scan.id).resources("AWS::EC2::VPC"))


def test_a_second_interrupt_stops_at_once(account: Endpoint) -> None:
    process = hanging(account)
    # Once the first has been noticed.
    process.send_signal(signal.SIGINT)
    assert process.stderr
    while "stopping" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, wrong = ended(process)
    assert code == 130, wrong
    assert "Traceback" not in wrong
    with Store.open(default_url()) as store:
        assert store.scans()[0].status is ScanStatus.INTERRUPTED


def test_a_second_scan_of_the_account_is_told_about_the_first(account: Endpoint) -> None:
    process = hanging(account)
    second = run(*SCAN)
    assert second.exit_code == 4
    assert str(process.pid) in second.stderr
    assert [line for line in second.stderr.splitlines() if "INFO" not in line] == second.stderr.splitlines()
    account.behave()
    code, _, wrong = ended(process)
    assert code in (0, 3), wrong


def close_output(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Stop reading what PROCESS prints; return its exit code and what it complained about."""
    assert process.stdout
    assert process.stderr
    with process:
        process.stdout.close()
        wrong = process.stderr.read()
    return process.returncode, wrong


@pytest.mark.parametrize("command", ["checks list --format json", "checks list"])
def test_a_reader_that_has_seen_enough_is_no_error(command: str) -> None:
    assert close_output(start(*command.split())) == (0, "")


def test_a_scan_whose_reader_goes_away_ends_with_its_own_code(account: Endpoint) -> None:
    code, wrong = close_output(start(*SCAN, "--fail-on", "low"))
    assert code == 1, wrong
    assert "Traceback" not in wrong


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        process = start("checks", "list", stdout=full)
        _, wrong = process.communicate(timeout=60)
    assert process.returncode == 4
    assert wrong == "auditor: the output: No space left on device\n"


@pytest.mark.parametrize(("closed", "shows"), [(">&-", False), ("2>&-", True), ("<&- >&- 2>&-", False)])
def test_streams_that_were_closed_are_no_fault(closed: str, shows: bool) -> None:
    line = f'exec "$0" -m auditor checks list {closed}'
    shown = subprocess.run(["/bin/sh", "-c", line, sys.executable], env=environment(), capture_output=True, timeout=60)
    assert (shown.returncode, shown.stderr, bool(shown.stdout)) == (0, b"", shows)


def test_a_scan_with_every_stream_closed_writes_nothing_else_into_the_store(account: Endpoint) -> None:
    line = f'exec "$0" -m auditor {" ".join(SCAN)} --verbose <&- >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", line, sys.executable], env=environment(), timeout=60).returncode == 0
    assert Path("audit-reports/report.json").is_file()
    assert run("db", "check").exit_code == 0


def test_a_terminal_of_another_encoding_gets_what_it_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    code, shown, wrong = ended(start("doctor", "--no-probe"))
    assert (code, wrong) == (4, "")
    assert "configuration" in shown
    assert shown.isascii()


HEAVY = ("boto3", "botocore", "sqlalchemy", "alembic", "jinja2", "pydantic", "rich", "moto", "apscheduler", "orjson")


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], HEAVY),
        (["--version"], HEAVY),
        (["checks", "list"], ("boto3", "botocore", "sqlalchemy", "alembic", "jinja2", "moto", "apscheduler")),
        (["scan", "--help"], ("boto3", "botocore", "sqlalchemy", "jinja2", "rich")),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], unwanted: tuple[str, ...]) -> None:
    program = (
        "import sys\nfrom auditor.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        f"sys.exit(', '.join(name for name in {unwanted!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), "these were imported"


def test_sigterm_ends_a_command_as_ctrl_c_does_also_before_anything_is_read(account: Endpoint) -> None:
    account.behave(held=["organizations:ListAccounts"])
    with start("scan", "--organization") as process:
        assert account.waiting()
        process.send_signal(signal.SIGTERM)
        out, wrong = process.communicate(timeout=60)
    account.behave()
    assert (process.returncode, out, len(wrong.splitlines())) == (130, "", 1), wrong
    assert "interrupted" in wrong
