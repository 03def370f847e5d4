"""A process that scans accounts, one after another, and tells the one that waits for it how they go."""

import gc
import logging
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from auditor import logs
from auditor.collect.run import Progress
from auditor.config import AccountSettings, Settings
from auditor.errors import AuditorError, LeaseTaken
from auditor.job import load, run_job
from auditor.many.outcome import AccountOutcome, failure, summed_up
from auditor.model import Scan
from auditor.selection import EVERYTHING, Selection
from auditor.store import Store, leased_account

__all__ = ["HELD_BACK", "Order", "Scanner", "prepare_scan", "work"]

log = logging.getLogger(__name__)

HELD_BACK = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that wait, from before a process is started until it has said what they mean to it."""

Scanner = Callable[[AccountSettings, Any, threading.Event], AccountOutcome]
"""Scans one account, telling a ``auditor.scan.Listener``, until the event is set. What it raises is the account's failure."""


def prepare_scan(order: "Order") -> Scanner:
    """Load checks, standard and types and open the store, once for all accounts that this process scans."""
    loaded = load(order.settings)
    store = Store.open(order.store_url, migrate=False)

    def scan(account: AccountSettings, listener: Any, stop: threading.Event) -> AccountOutcome:
        settings = order.settings.model_copy(update={"account": account})
        outcome = run_job(settings, store, selection=order.selection, listener=listener, stop=stop, loaded=loaded)
        return summed_up(settings, outcome)

    return scan


@dataclass(frozen=True, slots=True)
class Order:
    """What every process needs to know; goes to it by pickle."""

    settings: Settings
    store_url: str
    selection: Selection = EVERYTHING
    prepare: "Callable[[Order], Scanner]" = prepare_scan
    """Makes a process ready, once; a function that can be imported by its name."""


class _Parent:
    """The way to the process that waits; a scan's listener, and a handler of log lines."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self.scan: Scan | None = None

    def say(self, *message: object) -> None:
        """Send a message; one that is gone is told nothing."""
        with self._lock, suppress(OSError):
            self._pipe.send(message)

    def begun(self, scan: Scan, types: int, checks: int) -> None:
        """Pass it on."""
        self.scan = scan
        self.say("begun", replace(scan, statistics={}), types, checks)

    def progress(self, progress: Progress) -> None:
        """Pass it on."""
        self.say("progress", progress)

    def judging(self, type: str, resources: int) -> None:
        """Pass it on."""
        self.say("judging", type, resources)


class _LogLines(logging.Handler):
    """Sends log lines to the process that waits: one terminal, one writer."""

    def __init__(self, parent: _Parent) -> None:
        super().__init__()
        self._parent = parent
        self.account = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record, its message made, its traceback as text."""
        said = {key: value for key, value in vars(record).items() if isinstance(value, str | int | float | None)}
        said |= logs.fields_of(record)
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        message = f"{self.account}: {record.getMessage()}" if self.account else record.getMessage()
        self._parent.say("log", said | {"msg": message, "args": None, "exc_info": None, "exc_text": trace})


def work(pipe: Any, order: Order, level: int) -> None:
    """Be a process that scans: take accounts from PIPE until there is none, and end early when told or orphaned."""
    stop, todo, parent = threading.Event(), deque[AccountSettings | None](), _Parent(pipe)
    arrived = threading.Semaphore(0)

    def note(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all; the one that waits says what to do
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    lines = _LogLines(parent)
    logging.root.handlers[:] = [lines]
    logging.root.setLevel(logging.ERROR)
    logging.getLogger("auditor").setLevel(level)
    logs.take_what_python_says()
    gc.set_threshold(50_000, 20, 50)

    def take() -> None:
        while True:
            try:
                told = pipe.recv()
            except (EOFError, OSError):  # nobody waits any more
                stop.set()
                told = None
            if told == "stop":
                stop.set()
                continue
            todo.append(told)
            arrived.release()
            if told is None:
                return

    threading.Thread(target=take, daemon=True, name="told").start()
    scanner: Scanner | None = None
    while True:
        arrived.acquire()
        account = todo.popleft()
        if account is None:
            return
        lines.account, parent.scan = account.title, None
        outcome, scanner = _scan(account, order, scanner, parent, stop)
        parent.say("ended", outcome)
        gc.collect()  # clients hold one another in circles


def _scan(
    account: AccountSettings, order: Order, scanner: Scanner | None, parent: _Parent, stop: threading.Event
) -> tuple[AccountOutcome, Scanner | None]:
    """Return what became of ACCOUNT, and what scans the next one."""
    try:
        scanner = scanner or order.prepare(order)
        return scanner(account, parent, stop), scanner
    except LeaseTaken as taken:
        failed = failure(account, parent.scan, str(taken))
        if held := leased_account(taken.name):
            failed = replace(failed, account=held)
            parent.say("refused", held, taken.holder)
    except AuditorError as error:
        failed = failure(account, parent.scan, str(error), 130 if error.exit_code == 130 else 4)
    except KeyboardInterrupt:
        failed = failure(account, parent.scan, "interrupted", 130)
    except MemoryError:
        failed = failure(account, parent.scan, "this machine has no memory left for it: scan with fewer --processes")
    except Exception as error:
        log.exception("a fault of the auditor, please report it")
        failed = failure(account, parent.scan, f"a fault of the auditor: {type(error).__name__}: {error}")
    return failed, scanner
