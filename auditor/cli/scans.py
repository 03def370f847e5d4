"""`auditor scans`: list the stored scans, show what one cost, and compare two nights."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.model import Scan
    from auditor.store import Store

__all__ = ["command"]

_COLUMNS = ("scan", "account", "name", "status", "started_at", "seconds", "regions", "score", "letter", "calls", "tape")
_TABLE = ("scan", "account", "name", "status", "started_at", "regions", "score", "letter", "tape")
"""What fits a terminal of 80 columns."""

_SERVICE = ("calls", "retried", "throttled", "failed", "seconds")
"""What is counted for each service; the seconds are the sum of its calls', many of which ran side by side."""
_WHOLE = (
    "seconds",
    "collecting_seconds",
    "judging_seconds",
    *_SERVICE[:4],
    "scopes",
    "taken_over",
    "unread",
    "resources",
)
"""What is counted for a scan."""


@click.group("scans", invoke_without_command=True)
@options.config_option
@options.store_option
@click.option("--account", metavar="NAME|ID", help="Only this account's.")
@options.as_of_option
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many, newest first.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    config_path: Path | None,
    store_url: str | None,
    account: str | None,
    as_of: str | None,
    limit: int,
    form: str,
) -> None:
    """List the stored scans, newest first: how they ended, how they scored.

    With a command: what one scan cost, or two beside each other.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = (config_path, store_url)
        return
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing

    with options.open_store(settings, store_url) as store:
        account = options.account_of(store, account)
        by = options.pick_newest(store, None, account, as_of) if as_of else None
        scans = store.scans(account, limit, by=by.id if by else None)
        rows = [_row(store, scan) for scan in scans]
    columns: tuple[str, ...] = _COLUMNS
    if form == "table":
        columns = _TABLE
        rows = [
            {**row, "started_at": f"{scan.started_at:%Y-%m-%d %H:%M} UTC"}
            for row, scan in zip(rows, scans, strict=True)
        ]
    empty = "There is no scan in the store yet; run `auditor scan`."
    Listing(columns, [tuple(row[name] for name in columns) for row in rows], empty).show(form)


_form = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)


@command.command("show")
@click.argument("number", metavar="SCAN", type=int)
@options.config_option
@options.store_option
@_form
@click.pass_obj
def show(
    given: tuple[Path | None, str | None], number: int, config_path: Path | None, store_url: str | None, form: str
) -> None:
    """Show what a scan was asked, how it ended, and its calls and time, service by service."""
    with _store(given, config_path, store_url) as store:
        told = _told(store, store.scan(number))
    if form == "json":
        click.echo(json.dumps(told, indent=2))
        return
    from auditor.cli.listing import Listing
    from auditor.cli.terminal import console, print_rows

    out = console()
    facts = [(name.replace("_", " "), _said(told[name])) for name in told if name != "services"]
    print_rows(out, [[(name, "dim"), (value, "")] for name, value in facts if value])
    out.print()
    services = _most_first(told["services"])
    empty = "No calls are noted: the scan did not come to its end, or it made none."
    Listing(("service", *_SERVICE), [(name, *(n.get(k) for k in _SERVICE)) for name, n in services], empty).show(
        "table"
    )


@command.command("compare")
@click.argument("first", metavar="SCAN", type=int)
@click.argument("second", metavar="SCAN", type=int)
@options.config_option
@options.store_option
@_form
@click.pass_obj
def compare(
    given: tuple[Path | None, str | None],
    first: int,
    second: int,
    config_path: Path | None,
    store_url: str | None,
    form: str,
) -> None:
    """Show two scans' calls and time beside each other, and by how much they differ: as a whole, and by service."""
    with _store(given, config_path, store_url) as store:
        told = [_told(store, store.scan(number)) for number in (first, second)]
    before, after = told
    whole = [(name, before[name], after[name], _difference(before[name], after[name])) for name in _WHOLE]
    services: list[dict[str, Any]] = [
        {"service": name, **{key: _both(one.get(key, 0), two.get(key, 0)) for key in _SERVICE}}
        for name, one, two in _paired(before["services"], after["services"])
    ]
    if form == "json":
        compared = {name: {"before": one, "after": two, "difference": by} for name, one, two, by in whole}
        click.echo(json.dumps({"before": before, "after": after, "whole": compared, "services": services}, indent=2))
        return
    from auditor.cli.listing import Listing

    if before["account"] != after["account"]:
        click.echo(f"Two accounts: {before['account']} and {after['account']}.\n")
    names = (f"scan {first}", f"scan {second}", "difference")
    rows = [(name.replace("_", " "), *map(_number, (one, two)), _signed(by)) for name, one, two, by in whole]
    Listing(("what", *names), rows, "").show("table")
    click.echo()
    # A row for each number, not for each service: that fits a narrow terminal, too.
    shown = [
        (row["service"], key, *map(_number, (row[key]["before"], row[key]["after"])), _signed(row[key]["difference"]))
        for row in services
        for key in ("calls", "seconds", "throttled", "failed")
        if row[key]["before"] or row[key]["after"]
    ]
    Listing(("service", "what", *names), shown, "No calls are noted for either.").show("table")


def _store(given: tuple[Path | None, str | None], config_path: Path | None, store_url: str | None) -> "Store":
    """Open the store named after the command, or before it."""
    return options.open_store(options.settings_of(config_path or given[0]), store_url or given[1])


def _row(store: "Store", scan: "Scan") -> dict[str, object]:
    whole = next((score for score in store.scores(scan.id) if score.level == "account"), None)
    seconds = (scan.finished_at - scan.started_at).total_seconds() if scan.finished_at else None
    values = (
        scan.id,
        scan.account,
        scan.account_name,
        str(scan.status),
        scan.started_at.isoformat(timespec="seconds"),
        round(seconds, 1) if seconds is not None else None,
        len(scan.regions),
        whole.value if whole else None,
        whole.letter if whole else None,
        scan.statistics.get("calls"),
        scan.tape or None,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _told(store: "Store", scan: "Scan") -> dict[str, Any]:
    """Everything that is shown of a scan, as JSON values; ``None``: not known, for it did not come to its end."""
    coverage = store.inventory(scan.id).coverage.values()
    numbers = scan.statistics
    row = _row(store, scan)
    return {
        **{name: row[name] for name in ("scan", "account", "name", "status", "started_at")},
        "finished_at": scan.finished_at.isoformat(timespec="seconds") if scan.finished_at else None,
        "regions": list(scan.regions),
        "selection": {key: list(values) for key, values in scan.selection.items()},
        "score": row["score"],
        "letter": row["letter"],
        "program_version": scan.program_version,
        "seconds": row["seconds"],
        "collecting_seconds": numbers.get("seconds"),
        "judging_seconds": numbers.get("judging_seconds"),
        **{name: numbers.get(name) for name in _SERVICE[:4]},
        "scopes": len(coverage),
        "taken_over": sum(cover.from_scan is not None for cover in coverage),
        "continues": numbers.get("continues", {}).get("scan"),
        "unread": sum(not cover.whole for cover in coverage),
        "resources": sum(cover.resources for cover in coverage),
        "services": dict(numbers.get("services", {})),
    }


Numbers = Mapping[str, Any]


def _most_first(services: Mapping[str, Numbers]) -> list[tuple[str, Numbers]]:
    return sorted(services.items(), key=lambda service: (-service[1].get("seconds", 0), service[0]))


def _paired(before: Mapping[str, Numbers], after: Mapping[str, Numbers]) -> list[tuple[str, Numbers, Numbers]]:
    """Both scans' numbers of each service, those whose time differs most first."""
    names = sorted({*before, *after})
    pairs = [(name, before.get(name, {}), after.get(name, {})) for name in names]
    return sorted(pairs, key=lambda pair: -abs(pair[2].get("seconds", 0) - pair[1].get("seconds", 0)))


def _both(before: float, after: float) -> dict[str, float]:
    return {"before": before, "after": after, "difference": round(after - before, 3)}


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(after - before, 3)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _signed(value: float | None) -> str:
    return "" if value is None else "=" if not value else f"{value:+,}" if isinstance(value, int) else f"{value:+,.1f}"


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_joined(held)}" for key, held in value.items())
    if isinstance(value, list):
        return _joined(value)
    return "" if value is None else str(value)


def _joined(values: Iterable[object] | Sequence[object]) -> str:
    return ", ".join(map(str, values))
