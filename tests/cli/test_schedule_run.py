"""`auditor schedule run` as a process: it takes up a scan that was killed, and ends when it is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.model import ScanStatus
from auditor.store import Store, default_url
from cli.endpoint import Endpoint
from cli.test_signals import HELD

_HASTY = """
import auditor.job, auditor.scheduler
auditor.job.LEASE_SECONDS, auditor.scheduler.LOOK_SECONDS = 1.5, 0.2
from auditor.cli import main
main()
"""
"""The program, with leases that end soon: seconds instead of a minute."""


def start(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _HASTY, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)


def read_until(process: "subprocess.Popen[str]", said: str) -> str:
    """Return the line of PROCESS's log that holds SAID; fail when it ends before it comes."""
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if said in line:
            return line
    return pytest.fail(f"{said!r} never came:\n{''.join(lines)}")


@pytest.fixture(autouse=True)
def _once_a_year() -> None:
    Path("config.toml").write_text('[schedule]\ncron = "0 0 1 1 *"\n[account]\nregions = ["eu-west-1"]\n')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_scans_and_ends_with_0_when_it_is_told_to(account: Endpoint, number: int) -> None:
    with start("schedule", "run") as process:
        assert "account 123456789012 is scanned next at " in read_until(process, "scanned next")
        process.send_signal(number)
    assert process.returncode == 0


def test_a_scan_that_was_killed_is_taken_up_by_the_schedule(account: Endpoint) -> None:
    account.behave(held=HELD)
    with start("scan", "--check", "security-group-stale-rule") as killed:
        assert account.waiting()
        killed.kill()
    account.behave()
    with start("schedule", "run") as process:
        read_until(process, "scan 1 died with its process; it is taken up again")
        assert "of 100" in read_until(process, "scan 2 is ")
        process.terminate()
    assert process.returncode == 0
    with Store.open(default_url()) as store:
        newer, older = store.scans()
        assert older.status is ScanStatus.INTERRUPTED
        assert newer.status in (ScanStatus.COMPLETE, ScanStatus.INCOMPLETE)
        assert newer.selection == {}, "the schedule scans all that it is asked for"


def test_a_scan_that_runs_when_it_is_told_to_end_is_stopped_and_kept(account: Endpoint) -> None:
    account.behave(held=HELD)
    with start("scan", "--check", "security-group-stale-rule") as killed:
        assert account.waiting()
        killed.kill()
    account.behave(held=HELD)
    with start("schedule", "run") as process:
        assert account.waiting()
        process.terminate()
        read_until(process, "scan 2 is interrupted")
    assert process.returncode == 0
