"""`auditor findings`: what fails and what is unknown in a stored scan, filtered."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.acceptance import Waiver
    from auditor.store import FindingLine

__all__ = ["command"]

COLUMNS = (
    "severity",
    "verdict",
    "check",
    "name",
    "region",
    "evidence",
    "since",
    "usd_month",
    "account",
    "type",
    "resource",
    "lifecycle",
    "key",
    "waived_until",
    "waived_by",
    "waived_for",
    "waived_ticket",
    "waived_in",
)
_TABLE = (*COLUMNS[:8], "waived_until")
"""What a table on a terminal shows."""


@click.command("findings")
@options.config_option
@options.store_option
@options.scan_option
@options.account_option
@options.as_of_option
@options.selection_options
@click.option("--region", multiple=True, metavar="NAME", help="Only in this region (or `global`); repeatable.")
@click.option("--resource", metavar="TEXT", help="Only resources whose name or ARN holds this text.")
@click.option(
    "--verdict",
    multiple=True,
    type=click.Choice(["fail", "unknown"]),
    default=("fail",),
    show_default=True,
    help="Which verdicts; repeatable.",
)
@click.option("--new", is_flag=True, help="Only those that the scan opened or reopened.")
@click.option("--waived/--not-waived", "waived", default=None, help="Only those that are waived, or only the others.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only so many, the worst; all unless given.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def command(
    config_path: Path | None,
    store_url: str | None,
    number: int | None,
    account: str | None,
    as_of: str | None,
    verdict: tuple[str, ...],
    limit: int | None,
    form: str,
    **given: Any,
) -> None:
    """List the findings of a stored scan, worst first; those that are waived say until when.

    Without --scan and --as-of it is the newest finished scan; where that was narrowed, one of the week before that was
    not, and a line says so.
    """
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing
    from auditor.model import Verdict
    from auditor.selection import select

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    chosen = select(checks, standard, options.selection_of({**given, "severity": ()}))
    with options.open_store(settings, store_url) as store:
        scan = options.pick_scan(store, number, account, as_of)
        options.must_be_read(given["region"], scan.regions)
        lines = store.finding_list(scan.id, verdicts=[Verdict(name) for name in verdict])
    every = not any(given[name] for name in ("section", "pattern", "check", "type_"))
    rows = [_row(line) for line in lines if (every or line.check in chosen) and _fits(line, given)]
    if limit and len(rows) > limit:
        from auditor.cli.terminal import say

        say(f"the worst {limit:,} of {len(rows):,} findings; more with a higher --limit")
        rows = rows[:limit]
    shown = COLUMNS if form != "table" else _TABLE
    places = [COLUMNS.index(name) for name in shown]
    cells = [tuple(row[place] for place in places) for row in rows]
    Listing(shown, cells, "Nothing was found.", long="evidence").show(form)


def _fits(line: "FindingLine", given: dict[str, Any]) -> bool:
    from auditor.model import Lifecycle

    return (
        (not given["severity"] or str(line.severity) in given["severity"])
        and (not given["region"] or line.region in given["region"])
        and (not given["type_"] or line.type in given["type_"])
        and (not given["resource"] or given["resource"] in line.name or given["resource"] in line.resource)
        and (given["waived"] is None or given["waived"] is (line.waiver is not None))
        and (not given["new"] or line.lifecycle in (Lifecycle.OPENED, Lifecycle.REOPENED))
    )


def _row(line: "FindingLine") -> tuple[object, ...]:
    return (
        str(line.severity),
        str(line.verdict),
        line.check,
        line.name,
        line.region,
        line.said,
        line.since.date().isoformat(),
        line.usd_month,
        line.account,
        line.type,
        line.resource,
        str(line.lifecycle),
        line.key,
        *_waiver(line.waiver),
    )


def _waiver(waiver: "Waiver | None") -> tuple[str | None, ...]:
    if waiver is None:
        return (None,) * 5
    return waiver.until.isoformat(), waiver.owner, waiver.reason, waiver.ticket, waiver.source
