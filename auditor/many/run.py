"""Scans many accounts by several processes, and waits for them: every account has an outcome, whatever happens."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, resource_tracker
from typing import Any, Protocol

from auditor.collect.run import Progress
from auditor.config import AccountSettings
from auditor.errors import AuditorError
from auditor.job import lease_holder
from auditor.many.child import HELD_BACK, Order, work
from auditor.many.outcome import AccountOutcome, failure
from auditor.model import Scan
from auditor.store import Store
from auditor.tomlfile import shown

__all__ = ["Watcher", "cores", "scan_accounts"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_END_SECONDS = 5.0
"""So long a process may take to end once nothing more is wanted of it."""


class Watcher(Protocol):
    """Is told how the accounts go, always by the same thread; NUMBER is the account's place in the list."""

    def begun(self, number: int, scan: Scan, types: int, checks: int) -> None:
        """The scan of an account has begun."""

    def progress(self, number: int, progress: Progress) -> None:
        """Calls have been made in an account."""

    def judging(self, number: int, type: str, resources: int) -> None:
        """Resources of an account have been judged."""

    def ended(self, number: int, outcome: AccountOutcome) -> None:
        """An account is done with, well or not."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class _Child:
    """A process, the way to it, and the account it is at."""

    process: Any
    pipe: Any
    number: int
    began: float
    scan: Scan | None = None
    twin: int | None = None
    """The place in the list of the account that it could not scan because it is the same one."""


def scan_accounts(
    accounts: Sequence[AccountSettings],
    order: Order,
    *,
    watcher: Watcher,
    stop: threading.Event,
    processes: int = 0,
) -> list[AccountOutcome]:
    """Scan ACCOUNTS, so many at a time as PROCESSES (0: one per core), and return their outcomes in the same order.

    Never raises for an account: whatever happens to it, or to the process that scans it, is its outcome. STOP ends all of
    them, what was read is kept, and what had not begun is not scanned. However this ends, no process is left behind.
    """
    run = _Run(accounts, order, watcher)
    try:
        while run.waiting or run.children:
            if stop.is_set():
                run.end_early()
            while run.waiting and len(run.children) < min(processes or cores(), run.most):
                run.start(run.waiting.popleft())
            run.listen()
    finally:
        run.leave()
    _say_twice(run.outcomes, accounts)
    return [outcome for outcome in run.outcomes if outcome]


class _Run:
    """One list of accounts and the processes that scan it."""

    def __init__(self, accounts: Sequence[AccountSettings], order: Order, watcher: Watcher) -> None:
        self.accounts = accounts
        self.waiting = deque(range(len(accounts)))
        self.children: list[_Child] = []
        self.outcomes: list[AccountOutcome | None] = [None] * len(accounts)
        self._order = order
        self._watcher = watcher
        self._ending = False
        self.most = len(accounts)
        """So many processes this machine lets us have at once."""

    def start(self, number: int) -> None:
        """Start a process with an account to scan. Only then: a process that dies takes one account with it, never all.

        Where this machine gives no other process, the account waits for one that is there; without any it is not scanned.
        """
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        level = logging.getLogger("auditor").getEffectiveLevel()
        process = context.Process(target=work, args=(theirs, self._order, level), daemon=True, name="auditor-scan")
        try:
            with _signals_held():  # until it can take them, they wait for it
                process.start()
        except OSError as error:
            ours.close()
            self._unstarted(number, error)
            return
        finally:
            theirs.close()
        child = _Child(process, ours, number, time.monotonic())
        self.children.append(child)
        self._give(child, number)

    def _unstarted(self, number: int, error: OSError) -> None:
        why = f"no process could be started for it: {error.strerror or error}"
        if self.children:
            self.most = len(self.children)
            self.waiting.appendleft(number)
            log.warning("%s; %s processes go on", why, self.most)
            return
        self.outcomes[number] = outcome = failure(self.accounts[number], None, why)
        self._watcher.ended(number, outcome)

    def _give(self, child: _Child, number: int) -> None:
        child.number, child.began, child.scan, child.twin = number, time.monotonic(), None, None
        self._tell(child, self.accounts[number])

    def _tell(self, child: _Child, message: object) -> None:
        with suppress(OSError):  # it is dead: listening shows it
            child.pipe.send(message)

    def listen(self) -> None:
        """Take what the processes say, or that they are gone."""
        pipes = {child.pipe: child for child in self.children}
        for pipe in connection.wait(list(pipes), timeout=_LOOK_SECONDS):
            child = pipes[pipe]
            try:
                kind, *said = child.pipe.recv()
            except (EOFError, OSError):
                self._died(child)
                continue
            self._heard(child, kind, said)

    def _heard(self, child: _Child, kind: str, said: Sequence[Any]) -> None:
        if kind == "log":
            record = logging.makeLogRecord(said[0])
            logging.getLogger(record.name).handle(record)
        elif kind == "begun":
            child.scan = said[0]
            self._watcher.begun(child.number, *said)
        elif kind == "progress":
            self._watcher.progress(child.number, *said)
        elif kind == "judging":
            self._watcher.judging(child.number, *said)
        elif kind == "refused":
            child.twin = self._twin(*said)
        elif kind == "ended":
            self._ended(child, said[0])
            if self.waiting and not self._ending:
                self._give(child, self.waiting.popleft())
            else:
                self._end(child)

    def _twin(self, account: str, holder: str) -> int | None:
        """Return the place of the entry that ACCOUNT is scanned by, where it is this run that holds its lease as HOLDER."""
        for child in self.children:
            if child.scan.account == account if child.scan else lease_holder(child.process.pid) == holder:
                return child.number
        done = (number for number, outcome in enumerate(self.outcomes) if outcome and outcome.account == account)
        return next(done, None)

    def _ended(self, child: _Child, outcome: AccountOutcome) -> None:
        if child.twin is not None:
            outcome = replace(
                outcome, why=_twice(self.accounts[child.twin], self.accounts[child.number], outcome.account)
            )
        self.outcomes[child.number] = outcome = replace(outcome, seconds=round(time.monotonic() - child.began, 1))
        self._watcher.ended(child.number, outcome)

    def _end(self, child: _Child) -> None:
        self.children.remove(child)
        self._tell(child, None)
        child.process.join(_END_SECONDS)
        if child.process.is_alive():
            child.process.kill()
            child.process.join()
        child.pipe.close()

    def _died(self, child: _Child) -> None:
        child.process.join(_END_SECONDS)
        code = child.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        why = f"its process {how} (out of memory?)" if code == -signal.SIGKILL else f"its process {how}"
        if child.scan:
            self._free(child, child.scan.account)
        self._ended(child, failure(self.accounts[child.number], child.scan, why))
        self._end(child)

    def _free(self, child: _Child, account: str) -> None:
        """Mark what a dead process left as interrupted: the next scan need not wait until its lease runs out."""
        try:
            with Store.open(self._order.store_url, migrate=False) as store:
                store.free_leases(lease_holder(child.process.pid))
                store.interrupt_abandoned(account)
        except AuditorError as error:
            log.warning("the scan of a process that died could not be marked: %s", error)

    def end_early(self) -> None:
        """Have every process stop, and begin with no other account."""
        for number in self.waiting:
            account = self.accounts[number]
            self.outcomes[number] = outcome = replace(
                failure(account, None, "interrupted before it began"), exit_code=130
            )
            self._watcher.ended(number, outcome)
        self.waiting.clear()
        if not self._ending:
            self._ending = True
            for child in self.children:
                self._tell(child, "stop")

    def leave(self) -> None:
        """End what is still there: after an error, or a second Ctrl-C."""
        for child in self.children:
            self._tell(child, "stop")
            child.process.terminate()
        until = time.monotonic() + _END_SECONDS
        for child in self.children:
            child.process.join(max(0.0, until - time.monotonic()))
            if child.process.is_alive():
                child.process.kill()
            child.process.join()
            child.pipe.close()
        self.children.clear()


def _say_twice(outcomes: Iterable[AccountOutcome | None], accounts: Sequence[AccountSettings]) -> None:
    """Warn of an account that two entries lead to, one scanned after the other: only signing in shows it."""
    seen: dict[str, AccountSettings] = {}
    for outcome, entry in zip(outcomes, accounts, strict=True):
        if outcome and outcome.account and outcome.scan:
            other = seen.setdefault(outcome.account, entry)
            if other is not entry:
                log.warning("%s; the reports are those of the later scan", _twice(other, entry, outcome.account))


def _twice(one: AccountSettings, other: AccountSettings, account: str) -> str:
    return f"{shown(one.title)} and {shown(other.title)} are the same account, {account}: take one of the two [[accounts]] out"


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold Ctrl-C, SIGTERM and SIGHUP back: a process started meanwhile gets them once it has said what they mean to it."""
    resource_tracker.ensure_running()  # it would let them through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
