"""`auditor waivers`: list, revoke and validate what is accepted."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options, saying

if TYPE_CHECKING:
    from auditor.acceptance import Waiver

__all__ = ["command"]

_COLUMNS = (
    "number", "state", "subject", "resource", "tag", "account", "region", "until", "owner", "reason", "ticket", "source",
)  # fmt: skip


@click.group("waivers")
def command() -> None:
    """List, revoke and validate waivers; `auditor waive` makes one."""


@command.command("list")
@saying.list_options
def listed(
    config_path: Path | None, store_url: str | None, as_of: str | None, account: str | None, every: bool, form: str
) -> None:
    """List the waivers of the files and of the store, as they stand today, those that end first before others.

    With --as-of those that the scan of that time went by, as they stood on its day.
    """
    settings = options.settings_of(config_path)
    from auditor import ledger
    from auditor.cli.listing import Listing

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    with options.open_store(settings, store_url) as store:
        past, today = saying.then(store, settings, as_of, account, every) or (None, datetime.now(UTC).date())
        held = (
            list(ledger.load(settings, store, checks, standard).waivers)
            if past is None
            else [use.waiver for use in past.waivers]
        )
        held += [waiver for waiver in store.waivers() if every and waiver.revoked_at]
    held.sort(key=lambda waiver: (waiver.until, waiver.number))
    empty = "Nothing is waived; `auditor waive` or waivers.toml does (docs/waivers.md)."
    Listing(_COLUMNS, [_row(waiver, today) for waiver in held], empty, long="reason").show(form)


def _row(waiver: "Waiver", today: date) -> tuple[object, ...]:
    return (
        waiver.number or None,
        saying.state_of(waiver, today),
        waiver.subject,
        waiver.resource,
        waiver.tag,
        waiver.account,
        waiver.region,
        waiver.until.isoformat(),
        waiver.owner,
        waiver.reason,
        waiver.ticket,
        waiver.source,
    )


@command.command("revoke")
@options.config_option
@options.store_option
@click.argument("number", type=int)
@saying.by_option
def revoke(config_path: Path | None, store_url: str | None, number: int, by: str | None) -> None:
    """End waiver NUMBER of the store now; reports of scans before keep it. One of a file ends when it leaves the file."""
    settings = options.settings_of(config_path)
    from auditor.acceptance import Waiver

    with options.open_store(settings, store_url) as store:
        waiver = store.revoke(Waiver, number, saying.whom(by))
    click.echo(f"Waiver {waiver.number} is revoked; its findings count again from the next scan on.")


@command.command("validate")
@options.config_option
@options.store_option
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1)
def validate(config_path: Path | None, store_url: str | None, paths: tuple[Path, ...]) -> int:
    """Say everything that is wrong in the files of waivers: PATHS [default: those of the settings]."""
    settings = options.settings_of(config_path)
    from auditor.ledger.book import waiver_files
    from auditor.ledger.waivers import read_waivers

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    today = datetime.now(UTC).date()
    return saying.validate(
        paths or waiver_files(settings),
        "waivers",
        lambda path: read_waivers(path, settings.waivers.max_days, today),
        checks,
        [pattern.id for pattern in standard],
    )
