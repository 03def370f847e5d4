"""Accounts that fail, processes that die, signals: every account has its outcome, and nothing is left behind."""

import errno
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest
from many_scripted import scripted

from auditor.config import AccountSettings, ReportSettings, Settings
from auditor.errors import StoreError
from auditor.many import (
    AccountOutcome,
    AccountState,
    Order,
    Scanner,
    scan_accounts,
    skipped,
    worst_code,
    write_accounts,
)


class Heard:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def begun(self, number: int, *said: object) -> None:
        self.said.append(("begun", number))

    def progress(self, number: int, *said: object) -> None:
        self.said.append(("progress", number))

    def judging(self, number: int, *said: object) -> None:
        self.said.append(("judging", number))

    def ended(self, number: int, outcome: AccountOutcome) -> None:
        self.said.append(("ended", number, outcome.state))


def accounts(*names: str) -> list[AccountSettings]:
    return [AccountSettings(name=name, id=f"{number:012}") for number, name in enumerate(names, 1)]


def scanned(
    names: Sequence[str],
    tmp_path: Path,
    processes: int = 1,
    stop: threading.Event | None = None,
    prepare: Callable[[Order], Scanner] = scripted,
) -> tuple[list[AccountOutcome], Heard]:
    heard = Heard()
    settings = Settings(report=ReportSettings(output=str(tmp_path)))
    order = Order(settings, "", prepare=prepare)
    found = scan_accounts(accounts(*names), order, watcher=heard, stop=stop or threading.Event(), processes=processes)
    return found, heard


def left_behind() -> list[str]:
    """The processes that scan and are still there."""
    import multiprocessing

    return [child.name for child in multiprocessing.active_children()]


def test_forty_accounts_all_have_their_outcome_in_order_and_processes_take_one_after_another(tmp_path: Path) -> None:
    names = [f"good-{number}" for number in range(40)]
    names[7] = "denied-7"
    found, heard = scanned(names, tmp_path, processes=2)
    assert [outcome.name for outcome in found] == names
    assert [outcome.name for outcome in found if outcome.state is not AccountState.COMPLETE] == ["denied-7"]
    assert len({outcome.reports for outcome in found if outcome.reports}) == 2
    assert sum(said[0] == "ended" for said in heard.said) == 40
    assert not left_behind()


def test_the_failure_of_one_account_stops_no_other_and_says_why(tmp_path: Path) -> None:
    found, _ = scanned(["denied", "early", "dies", "exits", "broken", "greedy", "good"], tmp_path)
    said = {outcome.name: (outcome.state, outcome.why, outcome.scan) for outcome in found}
    assert said == {
        "denied": (AccountState.NOT_SCANNED, "the role cannot be assumed", None),
        "early": (AccountState.NOT_SCANNED, "its process was killed by signal 9 (out of memory?)", None),
        "dies": (AccountState.INCOMPLETE, "its process was killed by signal 9 (out of memory?)", 3),
        "exits": (AccountState.INCOMPLETE, "its process ended with code 7", 4),
        "broken": (AccountState.INCOMPLETE, "a fault of the auditor: ZeroDivisionError: division by zero", 5),
        "greedy": (
            AccountState.INCOMPLETE,
            "this machine has no memory left for it: scan with fewer --processes",
            6,
        ),
        "good": (AccountState.COMPLETE, "", None),
    }
    assert [outcome.exit_code for outcome in found] == [4, 4, 4, 4, 4, 4, 0]
    assert worst_code(found) == 4
    assert not left_behind()


def test_where_no_other_process_can_be_started_those_that_are_there_scan_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, given = SpawnProcess.start, [1]

    def stingy(process: SpawnProcess) -> None:
        if not given:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        given.pop()
        start(process)

    monkeypatch.setattr(SpawnProcess, "start", stingy)
    found, _ = scanned(["good-1", "good-2", "good-3"], tmp_path, processes=3)
    assert [outcome.state for outcome in found] == [AccountState.COMPLETE] * 3
    found, heard = scanned(["good-1", "good-2"], tmp_path, processes=2)
    why = "no process could be started for it: Resource temporarily unavailable"
    assert [(outcome.state, outcome.why) for outcome in found] == [(AccountState.NOT_SCANNED, why)] * 2
    assert len(heard.said) == 2


def unprepared(order: Order) -> Scanner:
    raise StoreError("the store is unusable")


def test_a_process_that_cannot_be_made_ready_fails_every_account_with_the_reason(tmp_path: Path) -> None:
    found, _ = scanned(["one", "two"], tmp_path, prepare=unprepared)
    assert {(outcome.state, outcome.why) for outcome in found} == {(AccountState.NOT_SCANNED, "the store is unusable")}


def test_log_lines_of_other_processes_come_here_and_name_their_account(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "auditor"):
        scanned(["logs", "broken"], tmp_path)
    lines = [record.getMessage() for record in caplog.records]
    assert "logs: said in the account" in lines
    assert [line for line in lines if "UserWarning: an old thing" in line and line.startswith("logs: ")]
    assert [line for line in lines if line.startswith("logs: ") and line.endswith("thread reader ended")]
    [broken] = [record for record in caplog.records if record.getMessage().startswith("broken: a fault")]
    assert "ZeroDivisionError" in str(broken.exc_text)


def when(file: str, folder: Path, act: Callable[[], object]) -> threading.Thread:
    """Act once a file that begins so is there."""

    def wait() -> None:
        for _ in range(1200):
            if list(folder.glob(f"{file}*")):
                act()
                return
            time.sleep(0.05)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_a_stop_ends_all_what_ran_is_interrupted_and_the_rest_never_begins(tmp_path: Path) -> None:
    stop = threading.Event()
    when("waits-2", tmp_path, stop.set)
    found, _ = scanned(["good", "waits-2", "good-3", "good-4"], tmp_path, stop=stop)
    assert [(outcome.state, outcome.why, outcome.exit_code) for outcome in found] == [
        (AccountState.COMPLETE, "", 0),
        (AccountState.INCOMPLETE, "interrupted", 130),
        (AccountState.NOT_SCANNED, "interrupted before it began", 130),
        (AccountState.NOT_SCANNED, "interrupted before it began", 130),
    ]
    assert worst_code(found) == 130
    assert not left_behind()


def test_two_entries_that_lead_to_one_account_are_both_named(tmp_path: Path) -> None:
    stop = threading.Event()
    when("twin", tmp_path, stop.set)
    found, _ = scanned(["waits", "twin"], tmp_path, processes=2, stop=stop)
    why = "waits and twin are the same account, 000000000001: take one of the two [[accounts]] out"
    assert (found[1].state, found[1].why, found[1].account) == (AccountState.NOT_SCANNED, why, "000000000001")
    assert (found[0].why, found[1].exit_code) == ("interrupted", 4)


def test_a_process_that_is_told_to_end_ends_its_account_alone(tmp_path: Path) -> None:
    def terminate() -> None:
        [file] = tmp_path.glob("waits.*")
        os.kill(int(file.suffix[1:]), signal.SIGTERM)

    when("waits", tmp_path, terminate)
    found, _ = scanned(["waits"], tmp_path)
    assert [outcome.why for outcome in found] == ["interrupted"]


def test_ctrl_c_twice_leaves_no_process_behind_not_even_a_stubborn_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.many.run._END_SECONDS", 0.3)
    when("stubborn", tmp_path, lambda: signal.raise_signal(signal.SIGINT))
    heard = Heard()
    order = Order(Settings(report=ReportSettings(output=str(tmp_path))), "", prepare=scripted)
    with pytest.raises(KeyboardInterrupt):
        scan_accounts(accounts("stubborn"), order, watcher=heard, stop=threading.Event(), processes=1)
    assert not left_behind()


@pytest.mark.parametrize(
    ("codes", "wanted"), [([0, 3, 1], 1), ([3, 4, 1], 4), ([4, 130], 130), ([3, 0], 3), ([0], 0), ([], 0), ([2, 0], 4)]
)
def test_the_worst_code_wins_in_the_documented_order(codes: list[int], wanted: int) -> None:
    assert worst_code(AccountOutcome("", "", AccountState.COMPLETE, exit_code=code) for code in codes) == wanted


def test_the_outcomes_are_a_file_for_programs_whatever_an_account_is_called(tmp_path: Path) -> None:
    hostile = AccountSettings(name="../../\x1b[31m<script>\ud800", id="111122223333")
    path = write_accounts([skipped(hostile, "suspended")], tmp_path / "reports")
    [listed] = json.loads(path.read_text())["accounts"]
    assert (listed["account"], listed["state"], listed["why"]) == ("111122223333", "skipped", "suspended")
    assert path.parent == tmp_path / "reports"
