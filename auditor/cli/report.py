"""`auditor report`: write the reports of a stored scan; no AWS call."""

from pathlib import Path
from typing import Any

import click

from auditor.cli import options
from auditor.cli.scan import with_options

__all__ = ["command"]


def _print_schema(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from auditor.report.machine import schema_text

        click.echo(schema_text(), nl=False)
        context.exit()


@click.command("report")
@options.config_option
@options.store_option
@options.scan_option
@options.account_option
@options.as_of_option
@click.option("--format", "formats", metavar="LIST", help=f"{options.FORMAT_NAMES} [default: the config's].")
@click.option(
    "--schema", is_flag=True, expose_value=False, is_eager=True, callback=_print_schema,
    help="Print the JSON Schema of report.json and end.",
)  # fmt: skip
@click.option(
    "--max-length",
    type=click.IntRange(1000),
    metavar="N",
    help="Characters a Markdown report may have [default: the config's, 60000: a comment on GitHub].",
)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the reports go.")
def command(
    config_path: Path | None,
    store_url: str | None,
    number: int | None,
    account: str | None,
    as_of: str | None,
    **given: Any,
) -> None:
    """Write compliance and cost reports of a stored scan, as it was judged then."""
    settings = with_options(options.settings_of(config_path), given)
    from auditor import ledger
    from auditor.collect import load_types
    from auditor.job import report_folder
    from auditor.report import build_view, write_reports
    from auditor.reporting import report_inputs

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    with options.open_store(settings, store_url) as store:
        # The scan's own are in the store; a broken file is said all the same, before anybody trusts a report.
        ledger.load(settings, store, checks, standard)
        scan = options.pick_scan(store, number, account, as_of)
        view = build_view(report_inputs(store, scan, standard, checks, load_types()))
        folder, length = report_folder(settings, scan.account), settings.report.max_length
        # While the store is open: what is written is read out of it piece by piece.
        for path in write_reports(view, folder, settings.report.formats, max_length=length):
            click.echo(path)
