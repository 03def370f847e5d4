"""Scans of many accounts without AWS: what a process does with an account stands in the account's name."""

import logging
import os
import signal
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from auditor.config import AccountSettings
from auditor.errors import CredentialsError, LeaseTaken
from auditor.job import lease_holder
from auditor.kit import NOW
from auditor.many import AccountOutcome, AccountState, Order, Scanner
from auditor.model import Scan, ScanStatus
from auditor.store import scan_lease

log = logging.getLogger("auditor.scripted")


def a_scan(account: str, number: int) -> Scan:
    return Scan(number, account, "", "aws", ScanStatus.RUNNING, NOW, None, ("eu-west-1",), {}, "1", "s", "c")


def scripted(order: Order) -> Scanner:
    """A scanner that behaves as the account is called: good, denied, broken, dies, dies early, waits, greedy, twin."""
    made = os.getpid()

    def scan(account: AccountSettings, listener: Any, stop: threading.Event) -> AccountOutcome:
        told = account.name.partition("-")[0]
        if told == "denied":
            raise CredentialsError("the role cannot be assumed")
        if told == "twin":  # its credentials lead to the account that another process is at
            folder = Path(order.settings.report.output)
            while not (waiting := list(folder.glob("waits.*"))):
                time.sleep(0.05)
            Path(folder, account.name).touch()
            account_id = f"{1:012}"
            holder = lease_holder(int(waiting[0].suffix[1:]))
            raise LeaseTaken(f"'scan:{account_id}' is held by {holder}", scan_lease(account_id), holder)
        if told == "early":
            os.kill(os.getpid(), signal.SIGKILL)
        listener.begun(a_scan(account.id, int(account.id) % 1000), 3, 4)
        if told == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if told == "exits":
            os._exit(7)
        if told == "broken":
            raise ZeroDivisionError("division by zero")
        if told == "greedy":
            raise MemoryError
        if told == "logs":
            log.warning("said in the account")
            warnings.warn("an old thing", UserWarning, stacklevel=1)
            thread = threading.Thread(target=lambda: 1 / 0, name="reader")
            thread.start()
            thread.join()
        if told in ("waits", "stubborn"):
            Path(order.settings.report.output, f"{account.name}.{os.getpid()}").touch()
            while told == "stubborn" or not stop.wait(0.05):
                time.sleep(0.05)
            return AccountOutcome(account.id, account.name, AccountState.INCOMPLETE, "interrupted", 130)
        return AccountOutcome(account.id, account.name, AccountState.COMPLETE, reports=(str(made),))

    return scan
