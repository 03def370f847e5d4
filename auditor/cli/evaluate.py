"""`auditor evaluate`: judge a stored scan again by today's standard and checks; no AWS call."""

from pathlib import Path
from typing import Any

import click

from auditor.cli import options
from auditor.cli.scan import conclude, with_options

__all__ = ["command"]


@click.command("evaluate")
@options.config_option
@options.store_option
@click.option("--scan", "number", type=int, metavar="N", help="Which scan [default: the newest finished one].")
@options.account_option
@options.selection_options
@click.option("--format", "formats", metavar="LIST", help=f"{options.FORMAT_NAMES} [default: the config's].")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the reports go.")
@options.fail_on_option
@options.verbosity_options
def command(
    config_path: Path | None,
    store_url: str | None,
    number: int | None,
    account: str | None,
    quiet: bool,
    verbose: bool,
    **given: Any,
) -> int:
    """Judge what a scan stored again, by today's standard and checks, and write the reports.

    The newest scan of an account is judged anew in the store; of an older one only the reports are written, history stays.
    """
    settings = with_options(options.settings_of(config_path, quiet=quiet, verbose=verbose), given)
    selection = options.selection_of(given)
    from auditor import ledger
    from auditor.cli.terminal import complain
    from auditor.job import load, price_book, report_outcome
    from auditor.report import build_view
    from auditor.reporting import report_inputs
    from auditor.scan import evaluate

    standard, checks, types = load(settings)
    with options.open_store(settings, store_url) as store:
        scan = options.pick_newest(store, number, account)
        if number is None and (widest := store.widest_scan(scan)).id != scan.id:
            complain(f"scan {scan.id} was asked for less than scan {widest.id}: its reports tell of that part alone")
        chosen = selection if selection.as_mapping() else None
        said = ledger.load(settings, store, checks, standard)
        prices = price_book(settings, store, None)
        judged = evaluate(store, scan, standard, checks, prices, selection=chosen, ledger=said)
        view = build_view(report_inputs(store, judged.scan, standard, checks, types, judged))
        # While the store is open: what is written is read out of it piece by piece.
        outcome = report_outcome(settings, judged, view)
    return conclude(outcome, settings.scan.fail_on, 0, quiet=quiet)
