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
