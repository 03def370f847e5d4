"""`auditor export`: resources, findings and scores of past nights as files for a data lake."""

from datetime import datetime
from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]

VIEWS = ("resources", "findings", "scores", "coverage", "savings", "waivers", "attestations")


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@options.config_option
@options.store_option
@click.option(
    "--from", "first", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The first day, UTC [default: all]."
)
@click.option(
    "--to", "last", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The last day, UTC [default: all]."
)
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option(
    "--view",
    "views",
    multiple=True,
    type=click.Choice(VIEWS),
    default=("resources", "findings", "scores"),
    show_default=True,
    help="What; repeatable.",
)
@click.option("--format", "form", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True)
def command(
    folder: Path,
    config_path: Path | None,
    store_url: str | None,
    first: datetime | None,
    last: datetime | None,
    account: str | None,
    views: tuple[str, ...],
    form: str,
) -> None:
    """Write views of past nights below FOLDER, partitioned by date and account as Hive, Spark, Athena and DuckDB read it.

    Each day's file tells the end of its newest finished scan: FOLDER/resources/date=2026-11-28/account=123456789012/
    scan-12.parquet. Columns are those of docs/views.md. Parquet needs pyarrow: pip install
    'aws-account-auditor[parquet]'.
    """
    from auditor.errors import UsageError

    settings = options.settings_of(config_path)
    if first and last and last < first:
        raise UsageError(f"--to {last:%Y-%m-%d} is before --from {first:%Y-%m-%d}")
    from auditor.export import export

    files = rows = 0
    with options.open_store(settings, store_url) as store:
        for written in export(
            store,
            folder,
            form=form,
            views=tuple(dict.fromkeys(views)),
            first=first.date() if first else None,
            last=last.date() if last else None,
            account=account,
        ):
            files, rows = files + 1, rows + written.rows
    if not files:
        click.echo("There is no finished scan to export.")
    else:
        click.echo(f"Wrote {rows:,} rows in {files:,} files below {folder}.")
