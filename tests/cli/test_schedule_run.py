"""`auditor schedule run` as a process: it takes up a scan that was killed, and ends when it is told to."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.model import ScanStatus
from auditor.store import Store, default_url
from cli.conftest import run
from cli.endpoint import Endpoint
from cli.test_signals import HELD

_HASTY = """
import auditor.job, auditor.scheduler
auditor.job.LEASE_SECONDS, auditor.scheduler.LOOK_SECONDS = 1.5, 0.2
from auditor.cli import main
main()
"""
"""The program, with leases that end soon: seconds instead of a minute."""


@contextmanager
def start(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Run the program; it does not outlive a test that fails, nor two minutes."""
    command = [sys.executable, "-c", _HASTY, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=quiet, text=True, env=environment) as process:
        end = threading.Timer(120, process.kill)
        end.start()
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            end.cancel()


def read_until(process: "subprocess.Popen[str]", said: str) -> str:
    """Return the line of PROCESS's log that holds SAID; fail when it ends before it comes."""
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if said in line:
            return line
    return pytest.fail(f"{said!r} never came:\n{''.join(lines)}")


def read_whole(url: str, number: int) -> bool:
    """Whether the store has scopes that a scan itself has read whole."""
    with Store.open(url) as store:
        return any(cover.whole and not cover.from_scan for cover in store.inventory(number).coverage.values())


def wait_until_read(account: Endpoint, process: "subprocess.Popen[str]", url: str, number: int) -> None:
    """Wait until a scan hangs in a call and what it had read before is stored."""
    assert account.waiting()
    while not read_whole(url, number):
        assert process.poll() is None, "one call hangs, so it cannot end by itself"
        time.sleep(0.2)


def state_of(store: Store, number: int) -> tuple[object, ...]:
    """Return what a scan knows: its coverage, its resources and its verdicts."""
    inventory = store.inventory(number)
    coverage = {scope: cover.state for scope, cover in inventory.coverage.items()}
    resources = {(facts.type, facts.id) for scope in coverage for facts in inventory.resources(scope.type)}
    return coverage, resources, {(state.finding.key, state.finding.verdict) for state in store.findings(number)}


@pytest.fixture(autouse=True)
def _once_a_year() -> None:
    Path("config.toml").write_text('[schedule]\ncron = "0 0 1 1 *"\n[account]\nregions = ["eu-west-1"]\n')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_scans_and_ends_with_0_when_it_is_told_to(account: Endpoint, number: int) -> None:
    with start("schedule", "run") as process:
        assert "account 123456789012 is scanned next at " in read_until(process, "scanned next")
        process.send_signal(number)
    assert process.returncode == 0


def test_a_killed_scan_is_continued_by_the_schedule_also_when_that_is_killed(account: Endpoint, store_url: str) -> None:
    where = ("--store", store_url)
    account.behave(held=HELD)
    with start("scan", *where) as killed:
        wait_until_read(account, killed, store_url, 1)
        killed.kill()
    account.behave(held=HELD)
    with start("schedule", "run", *where) as killed:
        read_until(killed, "scan 1 died with its process; it is taken up again")
        read_until(killed, "continues scan 1: ")
        wait_until_read(account, killed, store_url, 2)
        killed.kill()
    account.behave()
    with start("schedule", "run", *where) as process:
        read_until(process, "continues scan 2: ")
        read_until(process, "scan 3 is ")
        process.terminate()
    assert process.returncode == 0
    run("scan", "--store", default_url())
    with Store.open(store_url) as store, Store.open(default_url()) as undisturbed:
        newest, *older = store.scans()
        assert [scan.status for scan in older] == [ScanStatus.INTERRUPTED] * 2
        assert newest.selection == {}, "the schedule scans all that it is asked for"
        first, second, third = (store.inventory(number).coverage for number in (1, 2, 3))
        for before, after in ((first, second), (second, third)):
            kept = [scope for scope, cover in after.items() if cover.from_scan]
            assert kept
            assert all(before[scope].whole for scope in kept)
            assert [after[scope].observed_at for scope in kept] == [before[scope].observed_at for scope in kept]
        (reference,) = undisturbed.scans()
        assert newest.status is reference.status
        assert state_of(store, newest.id) == state_of(undisturbed, reference.id)


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
