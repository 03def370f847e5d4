"""`auditor site`: a site over all stored scans and accounts, brought up to date; no AWS call."""

from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]


@click.command("site")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@options.config_option
@options.store_option
@click.option("--account", "accounts", multiple=True, metavar="NAME|ID", help="Only this account [default: all].")
@click.option(
    "--nights",
    type=click.IntRange(1, 10_000),
    default=30,
    show_default=True,
    help="Nights whose full reports are kept.",
)
@options.verbosity_options
def command(
    folder: Path,
    config_path: Path | None,
    store_url: str | None,
    accounts: tuple[str, ...],
    nights: int,
    quiet: bool,
    verbose: bool,
) -> None:
    """Keep a site in DIR over all stored scans and accounts: static files for any web server or bucket.

    It has an index with all accounts, a page for each account, check and bullet of the standard, and the reports of the
    newest nights. A later run writes what is new or changed, and removes nothing that it did not make. Without network
    and without JavaScript; every link is relative.
    """
    settings = options.settings_of(config_path, quiet=quiet, verbose=verbose)
    from datetime import UTC, datetime

    from auditor.collect import load_types
    from auditor.report.text import plural
    from auditor.site import SiteFolder, build_site

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    with options.open_store(settings, store_url) as store, SiteFolder.open(folder) as site:
        chosen = [found for name in accounts if (found := options.account_of(store, name))]
        built = build_site(
            store, site, standard, checks, load_types(), today=datetime.now(UTC).date(), accounts=chosen, nights=nights
        )
    if not quiet:
        changed = "nothing has changed"
        if built.written or built.removed:
            changed = f"{plural(len(built.written), 'file')} written, {len(built.removed):,} removed"
        what = f"{plural(built.accounts, 'account')}, reports of {plural(built.nights, 'night')}"
        click.echo(f"{folder / 'index.html'}: {what}; {changed}")
