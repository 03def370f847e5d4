"""`auditor trend`: score, findings, savings and coverage over the last nights; no AWS call."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.trend import Night, Repairs

__all__ = ["command"]


@click.command("trend")
@options.config_option
@options.store_option
@click.option("--account", metavar="ID", help="This account's [default: that of the newest scan].")
@options.as_of_option
@click.option("--nights", type=click.IntRange(1, 10_000), default=30, show_default=True, help="How many, newest last.")
@click.option("--ascii", "plain_signs", is_flag=True, help="Draw with letters any terminal has.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def command(
    config_path: Path | None,
    store_url: str | None,
    account: str | None,
    as_of: str | None,
    nights: int,
    plain_signs: bool,
    form: str,
) -> None:
    """Show how an account goes: score by section, open findings, savings and coverage, night by night.

    A night that was asked otherwise than the newest one (another standard, other checks, regions or selection) is marked:
    its scores do not compare. Below stand the ages of what fails, and how long it took to mend what was mended.
    """
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing
    from auditor.savings import priced
    from auditor.trend import repairs

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    with options.open_store(settings, store_url) as store:
        newest = options.pick_scan(store, None, account, as_of)
        held = store.nights(newest.account, nights, by=newest.id, counting=priced(checks.values()))
        lived = store.lives(newest.id, since=held[0].scan.started_at if held else None)
    if form == "table":
        from auditor.cli.charts import print_trend

        names = {pattern.section_id: pattern.section for pattern in standard}
        print_trend(held, repairs(lived, newest.started_at), names, plain_signs=plain_signs)
    elif form == "json":
        import json

        told = repairs(lived, newest.started_at)
        document = {"schema": 1, "account": newest.account, "nights": [_night(night) for night in held]}
        click.echo(json.dumps(document | {"repairs": [_repairs(one) for one in told]}, indent=2))
    else:
        sections = list(dict.fromkeys(id for night in held for id in night.sections))
        columns = ("scan", "started_at", "comparable", "score", "letter", *(f"score_{id}" for id in sections), "critical",
                   "high", "medium", "low", "info", "unverified", "savings_usd_month", "coverage", "waived")  # fmt: skip
        rows = [
            (
                *(night.scan.id, night.scan.started_at.isoformat(), not night.differences, night.score, night.letter),
                *(night.sections.get(id) for id in sections),
                *night.severities.values(),
                *(night.unverified, night.savings, _percent(night), night.waived),
            )
            for night in held
        ]
        Listing(columns, rows, "").show("csv")


def _percent(night: "Night") -> float | None:
    # Cut, never rounded up: what is not all must not read 100.
    return None if night.coverage is None else int(night.coverage * 100) / 100


def _night(night: "Night") -> dict[str, object]:
    return {
        "scan": night.scan.id,
        "started_at": night.scan.started_at.isoformat(),
        "comparable": not night.differences,
        "differences": list(night.differences),
        "score": night.score,
        "letter": night.letter,
        "sections": dict(night.sections),
        "findings": {str(severity): count for severity, count in night.severities.items()},
        "waived": night.waived,
        "unverified": night.unverified,
        "savings_usd_month": night.savings,
        "coverage": _percent(night),
    }


def _repairs(one: "Repairs") -> dict[str, object]:
    return {
        "severity": str(one.severity),
        "open": one.open,
        "age_days": {"median": one.age_median, "p90": one.age_90},
        "unverified": one.unverified,
        "repaired": one.repaired,
        "repair_days": {"median": one.repair_median, "p90": one.repair_90, "at_most": one.at_most},
        "vanished": one.vanished,
    }
