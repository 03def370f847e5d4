"""`auditor waive`: accept findings for a time, kept in the store."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options, saying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.acceptance import Waiver
    from auditor.kit.check import Check
    from auditor.model import Finding
    from auditor.store import Store

__all__ = ["command"]


@click.command("waive")
@options.config_option
@options.store_option
@saying.scope_options
@click.option("--tag", metavar="KEY=VALUE", help="Only resources that carry this tag.")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is accepted.")
@click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
@click.option("--ticket", metavar="TEXT", help="Where it is tracked.")
@click.option("--until", metavar="YYYY-MM-DD", help="The last day it holds.")
@click.option("--days", type=click.IntRange(1), metavar="N", help="Instead of --until: so many days from today.")
@saying.by_option
def command(config_path: Path | None, store_url: str | None, days: int | None, by: str | None, **given: Any) -> None:
    """Accept the failures of a check or a pattern: they stay failures, and weigh nothing until the waiver ends.

    It counts from the next scan on; `auditor evaluate` applies it to the newest one. A waiver that should be reviewed
    belongs into waivers.toml (docs/waivers.md).
    """
    settings = options.settings_of(config_path)
    from auditor.ledger.waivers import FORM, waiver_of

    if days is not None:
        if given["until"]:
            raise click.UsageError("--until and --days say the same: give one of them")
        given["until"] = (datetime.now(UTC).date() + timedelta(days=min(days, 40_000))).isoformat()
    given["account"] = saying.account_id(given["account"], settings)
    standard, checks = options.load_standard(settings), options.load_checks(settings)
    entry = saying.entry(FORM, given, settings.waivers.max_days, checks, standard)
    with options.open_store(settings, store_url, create=True) as store:
        waiver = store.keep(saying.signed(waiver_of(entry), by))
        said = f"Waiver {waiver.number} is kept until {waiver.until}. {_reach(store, waiver, checks)}"
    click.echo(said)


def _reach(store: "Store", waiver: "Waiver", checks: "Mapping[str, Check]") -> str:
    """Return in a sentence how many failures of the newest scan it is about."""
    from auditor.model import Verdict

    newest = store.latest_scan(waiver.account or None)
    if newest is None:
        return f"There is no finished scan{f' of {waiver.account}' if waiver.account else ''} yet."
    scan = store.widest_scan(newest)
    held: dict[str, dict[str, Mapping[str, str] | None]] = {}

    def tags(finding: "Finding") -> "Mapping[str, str] | None":
        if finding.type not in held:
            resources = store.inventory(scan.id).resources(finding.type)
            held[finding.type] = {found.id: None if "Tags" in found.gaps else found.tags for found in resources}
        return held[finding.type].get(finding.resource)

    def waives(finding: "Finding") -> bool:
        check = checks.get(finding.check)
        if check is None or not waiver.is_about(check.id, check.aliases, check.patterns):
            return False
        where = (finding.account, finding.region, finding.resource, finding.name)
        return bool(waiver.waives(*where, lambda: tags(finding)))

    count = sum(waives(state.finding) for state in store.findings(scan.id, verdicts=[Verdict.FAIL]))
    them = f"{count:,} failure{'s' if count != 1 else ''}"
    return f"It is about {them} of scan {scan.id}; it counts from the next scan or `auditor evaluate` on."
