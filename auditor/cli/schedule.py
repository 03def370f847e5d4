"""`auditor schedule`: scan by the clock, in a process of its own or by cron and systemd."""

import logging
import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.config import AccountSettings, Settings
    from auditor.model import Scan

__all__ = ["command"]

log = logging.getLogger("auditor.schedule")


@click.group("schedule")
def command() -> None:
    """Scan by the clock: [schedule] of config.toml says when."""


@command.command("run")
@options.config_option
@options.store_option
@options.verbosity_options
def run(config_path: Path | None, store_url: str | None, quiet: bool, verbose: bool) -> int:
    """Stay and scan whenever the schedule says so; SIGTERM and Ctrl-C end it cleanly.

    A scan that was missed is caught up once, one whose process died is taken up again, and two never overlap, whoever
    started them.
    """
    settings = options.settings_of(config_path, quiet=quiet, verbose=verbose)
    if settings.several:
        return _run_many(settings, store_url, quiet=quiet)
    from auditor import scheduler
    from auditor.cli.progress import listener
    from auditor.cli.scan import stop_on_signals
    from auditor.job import connection_of, load, run_job

    account = connection_of(settings, load(settings)[2]).identify().account
    due = next(scheduler.next_times(settings, 1), None)

    def scan() -> None:
        outcome = run_job(settings, store, listener=hears, stop=stop)
        scan, view = outcome.judged.scan, outcome.view
        log.info("scan %s is %s: %s; %.1f%% read", scan.id, scan.status, view.verdict, outcome.coverage)
        if outcome.unwritten:
            raise outcome.unwritten

    with (
        options.open_store(settings, store_url, create=True) as store,
        stop_on_signals() as stop,
        listener(quiet, display=False) as hears,
    ):
        if not quiet:
            from auditor.cli.terminal import say

            say(f"account {account} is scanned next at {due:%Y-%m-%d %H:%M %Z}")
        scheduler.run(settings, store, account, scan, stop)
    return 0


def _run_many(settings: "Settings", store_url: str | None, *, quiet: bool) -> int:
    """Scan all accounts whenever the schedule says so; which they are is asked anew each time."""
    from auditor import scheduler
    from auditor.accounts import accounts_of
    from auditor.cli.many import scan_many
    from auditor.cli.scan import stop_on_signals
    from auditor.many import AccountState, skipped
    from auditor.selection import EVERYTHING

    url, members = options.store_url_of(settings, store_url), accounts_of(settings)
    due = next(scheduler.next_times(settings, 1), None)

    def work(accounts: "Sequence[AccountSettings]", left_out: "Sequence[tuple[AccountSettings, str]]" = ()) -> None:
        others = [skipped(account, why) for account, why in left_out]
        outcomes = scan_many(settings, url, accounts, others, EVERYTHING, stop, quiet=quiet, display=False)
        counts = Counter(str(outcome.state) for outcome in outcomes)
        said = ", ".join(f"{counts[state]} {state}" for state in AccountState if counts[state])
        log.info("accounts: %s", said)

    def scan() -> None:
        members = accounts_of(settings)
        work(members.accounts, members.left_out)

    def again(dead: "Sequence[Scan]") -> None:
        names = {name for scan in dead for name in (scan.account, scan.account_name) if name}
        ours = [one for one in accounts_of(settings).accounts if {one.account_id, one.name} & names]
        if ours:
            work(ours)

    with options.open_store(settings, store_url, create=True) as store, stop_on_signals() as stop:
        if not quiet:
            from auditor.cli.terminal import say

            count = len(members.accounts)
            say(f"{count} accounts are scanned next at {due:%Y-%m-%d %H:%M %Z}")
        scheduler.run(settings, store, None, scan, stop, again=again)
    return 0


@command.command("next")
@options.config_option
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True)
def next_times(config_path: Path | None, count: int) -> None:
    """Print when the next scans are due."""
    settings = options.settings_of(config_path)
    from auditor import scheduler

    for moment in scheduler.next_times(settings, count):
        click.echo(f"{moment:%a %Y-%m-%d %H:%M %Z (UTC%z)}")


@command.command("crontab")
@options.config_option
def crontab(config_path: Path | None) -> None:
    """Print the lines for cron, and a systemd service with its timer, that scan by the schedule."""
    settings = options.settings_of(config_path)
    from auditor import config, scheduler

    program = shlex.quote(found) if (found := shutil.which("auditor")) else f"{shlex.quote(sys.executable)} -m auditor"
    parts = [*shlex.split(program), "scan", "--quiet", "--output", str(Path(settings.report.output).absolute())]
    # Cron and systemd start elsewhere: what is found here must be named there.
    path = config_path or config.default_path()
    if path.is_file():
        parts += ["--config", str(path.absolute())]
    line = shlex.join(parts)
    service, timer = scheduler.systemd_units(settings, line)
    click.echo(f"# For cron: crontab -e\n{scheduler.crontab_line(settings, line)}\n")
    click.echo(f"# For systemd: /etc/systemd/system/auditor.service\n{service}")
    click.echo(f"# /etc/systemd/system/auditor.timer; then: systemctl enable --now auditor.timer\n{timer}", nl=False)
