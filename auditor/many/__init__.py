"""Many accounts: a process per core, one account after another in each, and what became of every one."""

from auditor.many.child import Order, Scanner, prepare_scan
from auditor.many.outcome import AccountOutcome, AccountState, skipped, worst_code, write_accounts
from auditor.many.run import Watcher, cores, scan_accounts

__all__ = [
    "AccountOutcome",
    "AccountState",
    "Order",
    "Scanner",
    "Watcher",
    "cores",
    "prepare_scan",
    "scan_accounts",
    "skipped",
    "worst_code",
    "write_accounts",
]
