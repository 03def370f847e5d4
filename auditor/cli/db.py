"""`auditor db`: look after the store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.store import Size

__all__ = ["command"]


@click.group("db")
def command() -> None:
    """Look after the store."""


@command.command("upgrade")
@options.config_option
@options.store_option
def upgrade(config_path: Path | None, store_url: str | None) -> None:
    """Bring the store's schema up to date, making the store when there is none."""
    settings = options.settings_of(config_path)
    from auditor.store import Store, default_url

    before, after = Store.upgrade(store_url or settings.store.url or default_url())
    if before == after:
        click.echo(f"The store is up to date (revision {after}).")
    else:
        click.echo(f"The store is now at revision {after}{f', from {before}' if before else ''}.")


@command.command("views")
@options.config_option
@options.store_option
@click.option("--to", "file", type=click.Path(path_type=Path), metavar="FILE", help="An SQLite file to write.")
def views(config_path: Path | None, store_url: str | None, file: Path | None) -> None:
    """Write the views (docs/views.md) as plain tables for BI tools and other programs.

    For a store in SQLite into a file beside it, `store-views.db`; in PostgreSQL into the schema `auditor_views` of its
    database. What was written before is replaced in one step. `views = true` under [store] does it after each scan.
    """
    settings = options.settings_of(config_path)
    with options.open_store(settings, store_url) as store:
        click.echo(f"The views are in {store.publish_views(file)}.")


@command.command("copy")
@click.argument("source")
@click.argument("target")
def copy(source: str, target: str) -> None:
    """Copy the whole store SOURCE into TARGET, from SQLite to PostgreSQL or back: everything or nothing.

    SOURCE and TARGET are sqlite:///FILE or postgresql://…; TARGET must be empty, or not there yet. What was copied is
    counted on both sides before it is kept; when anything goes wrong, TARGET stays empty and the copy can be made again.
    """
    from auditor.store import Store

    copied = Store.copy(source, target)
    click.echo(f"Copied {sum(copied.values()):,} rows in {len(copied)} tables, {copied['scans']:,} scans among them.")


@command.command("prune")
@options.config_option
@options.store_option
@click.option(
    "--keep", "rules", multiple=True, required=True, metavar="RULE", help="90d, weekly:1y, monthly; repeatable."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
def prune(config_path: Path | None, store_url: str | None, rules: tuple[str, ...], dry_run: bool) -> None:
    """Forget old scans, but for those that a rule keeps.

    A rule says how long: all scans (90d), or one a day, week, month or year (weekly:1y; monthly for ever), with ages
    in d, w, m and y. What is known now is always kept, as are what tells since when, waivers, attestations and dated
    evidence; the scans that are kept read back exactly as before. `auditor db vacuum` then gives the room back.

        auditor db prune --keep 90d --keep weekly:1y --keep monthly --dry-run
    """
    settings = options.settings_of(config_path)
    from datetime import UTC, datetime

    from auditor.store import keep

    wanted = [keep(rule) for rule in rules]
    with options.open_store(settings, store_url) as store:
        pruned = store.prune(wanted, datetime.now(UTC), dry_run=dry_run)
    would = "would be " if dry_run else ""
    gone, stay = (would or ("was " if count == 1 else "were ") for count in (pruned.scans, pruned.kept))
    scans = "scan" if pruned.scans == 1 else "scans"
    click.echo(f"{pruned.scans:,} {scans} {gone}pruned, {pruned.kept:,} {stay}kept.")
    if pruned.rows:
        counts = ", ".join(f"{count:,} of {name}" for name, count in pruned.rows.items())
        click.echo(f"Rows {would}deleted: {counts}; {_megabytes(pruned.bytes)} of documents.")
    if pruned.scans and not dry_run:
        click.echo("`auditor db vacuum` gives the room back to the disk.")


@command.command("vacuum")
@options.config_option
@options.store_option
def vacuum(config_path: Path | None, store_url: str | None) -> None:
    """Rebuild the store without what was deleted; nobody else can write meanwhile.

    SQLite needs as much free disk as the store has, for as long as it takes.
    """
    settings = options.settings_of(config_path)
    with options.open_store(settings, store_url) as store:
        before, after = store.vacuum()
    click.echo(f"The store takes {_megabytes(after)}, {_megabytes(before)} before.")


@command.command("size")
@options.config_option
@options.store_option
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def size(config_path: Path | None, store_url: str | None, form: str) -> None:
    """Say how large the store is, table by table, and how fast it grows."""
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing

    with options.open_store(settings, store_url) as store:
        measured = store.size()
    tables = sorted(measured.tables.items(), key=lambda item: (-(item[1].bytes or 0), item[0]))
    rows: list[tuple[object, ...]] = [
        (name, table.rows, table.bytes, _rounded(table.rows_per_night), _rounded(table.bytes_per_night))
        for name, table in tables
    ]
    if form == "table":
        rows = [row for row in rows if row[1]]
    columns = ("table", "rows", "bytes", "rows_per_night", "bytes_per_night")
    Listing(columns, rows, "The store is empty.").show(form)
    if form == "table":
        click.echo(_growth(measured))


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def _growth(size: "Size") -> str:
    free = f", {_megabytes(size.free)} of it free for new rows" if size.free else ""
    said = f"Together {_megabytes(size.bytes)}{free}"
    if size.bytes_per_night is None or size.in_a_year is None:
        return f"{said}; how fast it grows shows after a second night."
    return (
        f"{said}; {_megabytes(size.bytes_per_night)} a night over {size.nights} nights, "
        f"{_megabytes(size.in_a_year)} in a year at that rate."
    )


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"


@command.command("check")
@options.config_option
@options.store_option
def check(config_path: Path | None, store_url: str | None) -> int:
    """Look through the whole store for what cannot be: after a crash, a restored backup, or a hand in the tables.

    Changes nothing. Exit codes: 0 it is consistent; 4 it is not, a line for each thing that is wrong.
    """
    settings = options.settings_of(config_path)
    from auditor.cli.terminal import complain, plain

    with options.open_store(settings, store_url) as store:
        problems = store.problems()
        url = store.url
    for problem in problems:
        click.echo(plain(problem))
    if not problems:
        click.echo(f"The store {plain(url)} is consistent.")
        return 0
    complain(f"the store {url} is damaged: restore it from a backup (docs/operations.md)")
    return 4
