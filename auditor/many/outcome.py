"""What became of each account, for the table, the file and the exit code."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from auditor.config import AccountSettings, Settings
from auditor.job import Outcome, exit_code
from auditor.model import Scan, ScanStatus, Verdict
from auditor.report import write_file

__all__ = ["AccountOutcome", "AccountState", "failure", "skipped", "summed_up", "worst_code", "write_accounts"]

_WORST_FIRST = (130, 4, 1, 3)


class AccountState(StrEnum):
    """What became of an account."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """A scan began, and not everything could be read, judged and reported."""
    NOT_SCANNED = "not scanned"
    SKIPPED = "skipped"
    """It was not to be scanned: suspended, or about to be closed."""


@dataclass(frozen=True, slots=True)
class AccountOutcome:
    """What became of one account; what is not known is empty."""

    account: str
    """Its id; empty when nobody could sign in and the settings do not say it."""
    name: str
    state: AccountState
    why: str = ""
    """Why it is not complete, or what else went wrong; one line."""
    exit_code: int = 0
    environment: str = ""
    scan: int | None = None
    coverage: float | None = None
    """Per cent of what was asked for."""
    score: float | None = None
    letter: str | None = None
    resources: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    """Failing findings that are not waived, by severity."""
    seconds: float = 0.0
    reports: tuple[str, ...] = ()
    """Paths of the files."""


def skipped(account: AccountSettings, why: str) -> AccountOutcome:
    """Return the outcome of an account that is not to be scanned."""
    return AccountOutcome(account.account_id, account.name, AccountState.SKIPPED, why, environment=account.environment)


def worst_code(outcomes: Iterable[AccountOutcome]) -> int:
    """Return the exit code of all: the first of 130, 4, 1, 3 that one of them has, else 0 (docs/exit-codes.md)."""
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in _WORST_FIRST if code in codes), 4 if codes - {0} else 0)


def failure(account: AccountSettings, scan: Scan | None, why: str, code: int = 4) -> AccountOutcome:
    """Return the outcome of an account that failed; SCAN is the one that had begun."""
    return AccountOutcome(
        account=scan.account if scan else account.account_id,
        name=account.name,
        state=AccountState.INCOMPLETE if scan else AccountState.NOT_SCANNED,
        why=why,
        exit_code=code,
        environment=account.environment,
        scan=scan.id if scan else None,
    )


def summed_up(settings: Settings, outcome: Outcome) -> AccountOutcome:
    """Return what the table and the exit code need of a scan."""
    scan, view = outcome.judged.scan, outcome.view
    failed: dict[str, int] = {}
    for finding in outcome.judged.judgement.findings:
        if finding.verdict is Verdict.FAIL and finding.key not in outcome.judged.accepted.waived:
            failed[str(finding.severity)] = failed.get(str(finding.severity), 0) + 1
    why, state = "", AccountState.COMPLETE
    if scan.status is not ScanStatus.COMPLETE:
        state = AccountState.INCOMPLETE
        # Cut, never rounded up: 99.99 must not read as all.
        gaps = [f"{gap.operation}: {gap.code}" for gap in view.coverage.gaps]
        more = f" and {len(gaps) - 1} more" if len(gaps) > 1 else ""
        why = f"{int(outcome.coverage * 10) / 10:g}% read{f'; {gaps[0]}{more}' if gaps else ''}"
        if outcome.judged.interrupted:
            why = f"interrupted; {why}"
    if outcome.unwritten:
        why = f"{why}; {outcome.unwritten}" if why else str(outcome.unwritten)
    return AccountOutcome(
        account=scan.account,
        name=scan.account_name,
        state=state,
        why=why,
        exit_code=exit_code(outcome, settings.scan.fail_on, settings.scan.min_coverage),
        environment=settings.account.environment,
        scan=scan.id,
        coverage=outcome.coverage,
        score=view.score,
        letter=view.letter,
        resources=view.coverage.resources,
        failed=failed,
        reports=tuple(map(str, outcome.reports)),
    )


def write_accounts(outcomes: Sequence[AccountOutcome], folder: Path) -> Path:
    """Write ``accounts.json`` into FOLDER: every account with what became of it. Raises ReportError."""
    listed = [asdict(outcome) for outcome in outcomes]
    path = folder / "accounts.json"
    write_file(path, json.dumps({"exit_code": worst_code(outcomes), "accounts": listed}, indent=2) + "\n")
    return path
