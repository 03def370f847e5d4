"""`auditor schedule`: scan by the clock, in a process of its own or by cron and systemd."""

import logging
import shlex
import shutil
import sys
from pathlib import Path

import click

from auditor.cli import options

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
        options.open_store(settings, store_url) as store,
        stop_on_signals() as stop,
        listener(quiet, display=False) as hears,
    ):
        if not quiet:
            click.echo(f"auditor: account {account} is scanned next at {due:%Y-%m-%d %H:%M %Z}", err=True)
        scheduler.run(settings, store, account, scan, stop)
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
