"""`auditor doctor`: say what is missing for a whole scan, and what to do about each thing."""

from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@click.command("doctor")
@options.config_option
@options.store_option
@click.option("--no-probe", is_flag=True, help="Do not read a region to see which permissions are missing.")
def command(config_path: Path | None, store_url: str | None, no_probe: bool) -> int:
    """Look at configuration, standard, store, credentials, clock, regions and permissions; say what to do.

    Exit codes: 0 all is well; 3 a scan will be incomplete; 4 a scan cannot work.
    """
    from auditor.cli.loglines import set_up_logging
    from auditor.cli.terminal import console, print_rows
    from auditor.doctor import Health, examine
    from auditor.store import default_url

    set_up_logging("error")
    out = console()
    worst = Health.GOOD
    order = list(Health)
    for diagnosis in examine(config_path, store_url, default_url, probe=not no_probe):
        worst = max(worst, diagnosis.health, key=order.index)
        head = [(f"{diagnosis.health:<7}", _STYLES[diagnosis.health]), (f"{diagnosis.what:<13}", "bold")]
        print_rows(out, [[*head, (diagnosis.finding, "")]])
        if diagnosis.advice:
            print_rows(out, [[(" " * 7, ""), (" " * 13, ""), (f"→ {diagnosis.advice}", "dim")]])
    return {Health.GOOD: 0, Health.POOR: 3, Health.BAD: 4}[worst]
