"""`auditor db`: look after the store."""

from pathlib import Path

import click

from auditor.cli import options

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
