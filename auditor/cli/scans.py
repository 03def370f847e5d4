"""`auditor scans`: list the stored scans."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.model import Scan
    from auditor.store import Store

__all__ = ["command"]

_COLUMNS = ("scan", "account", "name", "status", "started_at", "seconds", "regions", "score", "letter", "calls", "tape")
_TABLE = ("scan", "account", "name", "status", "started_at", "regions", "score", "letter", "tape")
"""What fits a terminal of 80 columns."""


@click.command("scans")
@options.config_option
@options.store_option
@click.option("--account", metavar="NAME|ID", help="Only this account's.")
@options.as_of_option
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many, newest first.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def command(
    config_path: Path | None, store_url: str | None, account: str | None, as_of: str | None, limit: int, form: str
) -> None:
    """List the stored scans, newest first: how they ended, how they scored."""
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing

    with options.open_store(settings, store_url) as store:
        account = options.account_of(store, account)
        by = options.pick_scan(store, None, account, as_of) if as_of else None
        scans = store.scans(account, limit, by=by.id if by else None)
        rows = [_row(store, scan) for scan in scans]
    columns: tuple[str, ...] = _COLUMNS
    if form == "table":
        columns = _TABLE
        rows = [
            {**row, "started_at": f"{scan.started_at:%Y-%m-%d %H:%M} UTC"}
            for row, scan in zip(rows, scans, strict=True)
        ]
    empty = "There is no scan in the store yet; run `auditor scan`."
    Listing(columns, [tuple(row[name] for name in columns) for row in rows], empty).show(form)


def _row(store: "Store", scan: "Scan") -> dict[str, object]:
    whole = next((score for score in store.scores(scan.id) if score.level == "account"), None)
    seconds = (scan.finished_at - scan.started_at).total_seconds() if scan.finished_at else None
    values = (
        scan.id,
        scan.account,
        scan.account_name,
        str(scan.status),
        scan.started_at.isoformat(timespec="seconds"),
        round(seconds, 1) if seconds is not None else None,
        len(scan.regions),
        whole.value if whole else None,
        whole.letter if whole else None,
        scan.statistics.get("calls"),
        scan.tape or None,
    )
    return dict(zip(_COLUMNS, values, strict=True))
