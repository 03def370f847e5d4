"""`auditor scan` of many accounts: how they go, and a table of what became of each."""

import logging
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.cli.terminal import Part, complain, console, discard_output, plain, print_rows

if TYPE_CHECKING:
    from auditor.collect.run import Progress
    from auditor.config import AccountSettings, Settings
    from auditor.many import AccountOutcome, Watcher
    from auditor.model import Scan
    from auditor.selection import Selection

__all__ = ["print_accounts", "scan_many", "watcher"]

log = logging.getLogger("auditor.many")

_STYLES = {"complete": "green", "incomplete": "yellow", "not scanned": "bold red", "skipped": "dim"}
_MOST = 100
"""Of more accounts nobody reads a path each, and the line that counts them stands once more below their table."""
_WITH_BARS = 64
"""Columns from which on there is room for bars and times."""
_NUMBERS = 14
"""Columns of two numbers of calls, and of the spaces beside them."""
_BAR_AND_TIME = 25
_NAME = 18
"""Columns of a name in the table, which fits 80 with it."""


def scan_many(
    settings: "Settings",
    store_url: str,
    accounts: "Sequence[AccountSettings]",
    left_out: "Sequence[AccountOutcome]",
    selection: "Selection",
    stop: threading.Event,
    *,
    quiet: bool,
    display: bool = True,
) -> "list[AccountOutcome]":
    """Scan ACCOUNTS, write ``accounts.json`` beside their reports, and return what became of them and of the LEFT_OUT."""
    from auditor.errors import ReportError
    from auditor.many import Order, scan_accounts, write_accounts

    order = Order(settings, store_url, selection)
    with watcher(accounts, quiet=quiet, display=display) as hears:
        outcomes = scan_accounts(accounts, order, watcher=hears, stop=stop, processes=settings.scan.processes)
    outcomes += left_out
    try:
        write_accounts(outcomes, Path(settings.report.output))
    except ReportError as error:
        complain(str(error))
    return outcomes


# ---- how they go -----------------------------------------------------------------------------------------------------


@contextmanager
def watcher(accounts: "Sequence[AccountSettings]", *, quiet: bool, display: bool = True) -> "Iterator[Watcher]":
    """Yield what shows how ACCOUNTS go: on a terminal a DISPLAY if wanted and not QUIET, else log lines."""
    if display and not quiet and sys.stderr.isatty():
        with _Display(accounts) as shown:
            yield shown
    else:
        yield _Lines(accounts)


class _Lines:
    """A log line when an account's scan begins, and when it has ended."""

    def __init__(self, accounts: "Sequence[AccountSettings]") -> None:
        self._accounts = accounts
        self._ended = 0

    def begun(self, number: int, scan: "Scan", types: int, checks: int) -> None:
        """Log it."""
        about = {"scan": scan.id, "account": scan.account}
        log.info("%s: scan %s of account %s begun", self._accounts[number].title, scan.id, scan.account, extra=about)

    def progress(self, number: int, progress: "Progress") -> None:
        """Say nothing: lines of many accounts, every few seconds, are read by nobody."""

    def judging(self, number: int, type: str, resources: int) -> None:
        """Say nothing."""

    def ended(self, number: int, outcome: "AccountOutcome") -> None:
        """Log it, as an error when the account could not be scanned."""
        self._ended += 1
        level = {0: logging.INFO, 1: logging.INFO, 3: logging.WARNING}.get(outcome.exit_code, logging.ERROR)
        why = f": {outcome.why}" if outcome.why else ""
        said = f"{self._accounts[number].title} is {outcome.state}{why}"
        about = {"scan": outcome.scan, "account": outcome.account}
        log.log(level, "%s (%s of %s accounts)", said, self._ended, len(self._accounts), extra=about)


class _Display(_Lines):
    """A line for each account that is read just now, and one for all."""

    def __init__(self, accounts: "Sequence[AccountSettings]") -> None:
        super().__init__(accounts)
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        out = console(error=True)
        name, count, note = (
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", "dim"),
        )
        wide = (name, BarColumn(bar_width=16), count, TimeElapsedColumn(), note)
        narrow = out.width < _WITH_BARS
        self._bars = Progress(*((name, count, note) if narrow else wide), console=out, transient=True)
        # Rich would cut the numbers like any other column.
        self._name = max(1, min(_NAME, out.width // 3))
        self._note = max(1, out.width - self._name - _NUMBERS - (0 if narrow else _BAR_AND_TIME))
        self._all = self._bars.add_task("Accounts", total=len(accounts), note="")
        self._tasks: dict[int, Any] = {}
        self._states: dict[str, int] = {}

    def __enter__(self) -> "_Display":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begun(self, number: int, scan: "Scan", types: int, checks: int) -> None:
        """Give the account a line."""
        title = plain(self._accounts[number].title, self._name)
        self._tasks[number] = self._bars.add_task(title, total=None, note="calls")

    def progress(self, number: int, progress: "Progress") -> None:
        """Move its bar."""
        if number in self._tasks:
            note = f"throttled: {', '.join(progress.throttled[:2])}" if progress.throttled else "calls"
            note = note[: self._note]
            self._bars.update(self._tasks[number], completed=progress.done, total=progress.known, note=note)

    def judging(self, number: int, type: str, resources: int) -> None:
        """Say what it is at."""
        if number in self._tasks:
            self._bars.update(self._tasks[number], note="judging")

    def ended(self, number: int, outcome: "AccountOutcome") -> None:
        """Take its line away, and count it."""
        super().ended(number, outcome)
        if number in self._tasks:
            self._bars.remove_task(self._tasks.pop(number))
        self._states[str(outcome.state)] = self._states.get(str(outcome.state), 0) + 1
        others = [f"{n} {state}" for state, n in self._states.items() if state != "complete"]  # the rest is
        note = ", ".join(others)[: self._note]
        self._bars.update(self._all, advance=1, note=note)


# ---- what became of them ---------------------------------------------------------------------------------------------


def print_accounts(outcomes: "Sequence[AccountOutcome]", folder: Path) -> None:
    """Print a table of all accounts, why some are not complete, and where the reports lie (in FOLDER)."""
    out = console()
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in _STYLES}
    said = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
    counted: list[Part] = [(f"{len(outcomes):,} account{'s' if len(outcomes) != 1 else ''}: {said}", "bold")]
    try:
        out.print()
        print_rows(out, [counted])
        out.print()
        head: list[Part] = [(text, "dim") for text in ("account", "name", "state", "score", "critical", "high", "scan")]
        print_rows(out, [head, *map(_row, outcomes)], right=(3, 4, 5))
        reasons = list(_reasons(outcomes))
        if reasons:
            out.print()
            print_rows(out, [[("What is not complete, and why", "bold")]])
            print_rows(out, reasons, widest=100)
        _folders(out, outcomes, folder)
        if len(outcomes) > _MOST:
            print_rows(out, [counted])
            out.print()
    except BrokenPipeError:
        discard_output()


def _row(outcome: "AccountOutcome") -> list[Part]:
    # Cut, never rounded up: 79.9 must not look like the next grade.
    score = f"{int(outcome.score)} {outcome.letter}" if outcome.score is not None else "-"
    failed = [str(outcome.failed.get(severity, 0)) if outcome.scan else "-" for severity in ("critical", "high")]
    return [
        (outcome.account or "?", ""),
        (_fitted(outcome.name), ""),
        (str(outcome.state), _STYLES[outcome.state]),
        (score, ""),
        (failed[0], ""),
        (failed[1], ""),
        (str(outcome.scan or "-"), "dim"),
    ]


def _fitted(name: str) -> str:
    """Return a name that fits its column: some characters take two."""
    from rich.cells import cell_len

    cut = (plain(name, length) for length in range(_NAME, 0, -1))
    return next((text for text in cut if cell_len(text) <= _NAME), "")


def _reasons(outcomes: "Sequence[AccountOutcome]") -> Iterator[list[Part]]:
    """Yield who is not complete and why; many that were left out for the same reason are one line."""
    alike = Counter(outcome.why for outcome in outcomes if outcome.state == "skipped")
    said: set[str] = set()
    for outcome in outcomes:
        who, many = _fitted(outcome.name) or outcome.account or "?", alike[outcome.why]
        if outcome.state == "skipped" and many > 1:
            if outcome.why in said:
                continue
            said.add(outcome.why)
            who = f"{many:,} accounts"
        if outcome.why:
            yield [(who, ""), (outcome.why, _STYLES[outcome.state])]


def _folders(out: Any, outcomes: "Sequence[AccountOutcome]", folder: Path) -> None:
    out.print()
    print_rows(out, [[("Reports", "bold")]])
    reports = [Path(outcome.reports[0]) for outcome in outcomes if outcome.reports]
    for path in (folder / "accounts.json", *reports[:_MOST]):
        # A path is never wrapped: whoever copies it wants it whole.
        out.print(f"  {plain(path.absolute())}", soft_wrap=True)
    if (more := len(reports) - _MOST) > 0:
        print_rows(out, [[(f"and {more:,} more beside them, each in a folder called by its account's id", "dim")]])
    out.print()
