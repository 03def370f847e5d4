"""`auditor resources`: what a scan found, and a resource with its history; no AWS call."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.store import Listed, Version

__all__ = ["command"]

COLUMNS = ("type", "name", "region", "since", "changed", "read", "id")
_TABLE = 6
"""How many of the columns a table on a terminal shows."""


@click.group("resources", invoke_without_command=True)
@options.config_option
@options.store_option
@options.scan_option
@options.account_option
@options.as_of_option
@click.option("--type", "type_", multiple=True, metavar="NAME", help="Only this resource type; repeatable.")
@click.option("--region", multiple=True, metavar="NAME", help="Only in this region (or `global`); repeatable.")
@click.option("--resource", metavar="TEXT", help="Only resources whose name or ARN holds this text.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_context
def command(
    context: click.Context,
    config_path: Path | None,
    store_url: str | None,
    number: int | None,
    account: str | None,
    as_of: str | None,
    type_: tuple[str, ...],
    region: tuple[str, ...],
    resource: str | None,
    form: str,
) -> None:
    """List the resources of an account as of a scan: type, name, region, and since when they are known and unchanged.

    What a scan did not read is listed as it was last known; the column `read` says how the scan read it.
    """
    if context.invoked_subcommand:
        return
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing
    from auditor.collect import load_types

    types = load_types()
    options.known_names((), {}, type_, types)
    with options.open_store(settings, store_url) as store:
        scan = options.pick_scan(store, number, account, as_of)
        options.must_be_read(region, store.regions(scan.account), "no scan of the account")
        held = store.resource_list(scan.id, types=type_, regions=region)
    rows = [
        _row(one)
        for one in held
        if (resource is None or resource in one.resource.name or resource in one.resource.id)
        and not (one.resource.type in types and types[one.resource.type].offers(one.resource.id))
    ]
    shown = len(COLUMNS) if form != "table" else _TABLE
    if form == "table":
        rows = [(*row[:3], row[3][:10], row[4][:10], "" if row[5] == "complete" else row[5]) for row in rows]
    Listing(COLUMNS[:shown], [row[:shown] for row in rows], "Nothing was found.").show(form)


def _row(one: "Listed") -> tuple[Any, ...]:
    ref = one.resource
    return (ref.type, ref.name, ref.region, one.since.isoformat(), one.changed.isoformat(), one.read, ref.id)


@command.command("show")
@click.argument("arn", metavar="ARN")
@options.config_option
@options.store_option
@options.scan_option
@options.account_option
@options.as_of_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def show(
    arn: str,
    config_path: Path | None,
    store_url: str | None,
    number: int | None,
    account: str | None,
    as_of: str | None,
    form: str,
) -> None:
    """Print a resource's document as it was then, and what changed in it from version to version.

    A name or the end of an ARN will do where only one resource has it.
    """
    parent = click.get_current_context().parent
    above = parent.params if parent else {}
    settings = options.settings_of(config_path or above.get("config_path"))
    number, account = number if number is not None else above.get("number"), account or above.get("account")
    with options.open_store(settings, store_url or above.get("store_url")) as store:
        scan = options.pick_scan(store, number, account, as_of or above.get("as_of"))
        versions = list(store.resource_history(scan.id, arn))
        if not versions:
            versions = list(store.resource_history(scan.id, _found(arn, store.resource_list(scan.id), scan.id)))
    if form == "json":
        click.echo(json.dumps(_document(versions), indent=2, default=str))
    else:
        _print(versions)


def _found(text: str, held: "Sequence[Listed]", scan: int) -> str:
    """Return the id of the one resource of that name, or whose ARN ends so. Raises UsageError."""
    from auditor.errors import UsageError
    from auditor.tomlfile import nearest, quoted

    ids = [one.resource.id for one in held if one.resource.name == text]
    ids = ids or [one.resource.id for one in held if one.resource.id.endswith((f"/{text}", f":{text}"))]
    if len(ids) == 1:
        return ids[0]
    if ids:
        few = ", ".join(quoted(id) for id in ids[:3])
        raise UsageError(f"{len(ids)} resources are called {quoted(text)}: give the ARN of one ({few})")
    hint = nearest(text, [one.resource.name for one in held])
    raise UsageError(f"scan {scan} knows no resource {quoted(text)}{hint}; `auditor resources` lists them")


def _document(versions: "Sequence[Version]") -> dict[str, Any]:
    last = versions[-1]
    return {
        **last.resource._asdict(),
        "account": last.account,
        "gone": last.until_scan is not None,
        "tags": dict(last.tags),
        "document": last.whole,
        "unread": {name: str(gap) for name, gap in last.gaps.items()},
        "versions": [
            {
                "since_scan": version.since_scan,
                "since": version.since,
                "until_scan": version.until_scan,
                "until": version.until,
                "changes": [
                    {"path": f.where, "kind": str(f.kind), "before": f.before, "after": f.after}
                    for f in _changes(versions, place)
                ],
            }
            for place, version in enumerate(versions)
        ],
    }


def _changes(versions: "Sequence[Version]", place: int) -> Any:
    """Return what a version has otherwise than the one before it; fields that one of the two could not read are left out."""
    from auditor.drift import compare

    if not place:
        return ()
    was, now = versions[place - 1], versions[place]
    left_out = {*was.gaps, *now.gaps}
    common = [{name: held for name, held in one.document.items() if name not in left_out} for one in (was, now)]
    return compare(*common)


def _print(versions: "Sequence[Version]") -> None:
    from auditor.cli.comparing import change_words
    from auditor.cli.terminal import console, plain, print_rows

    out, last = console(), versions[-1]
    out.print()
    print_rows(out, [[(f"{last.resource.type}  {last.resource.name}  {last.resource.region}", "bold")]])
    print_rows(out, [[(last.resource.id, "dim")]])
    if last.until:
        print_rows(out, [[(f"gone since scan {last.until_scan} ({last.until:%Y-%m-%d %H:%M} UTC)", "red")]])
    out.print()
    for line in json.dumps(last.whole, indent=2, sort_keys=True, default=str).splitlines():
        out.print(f"  {plain(line)}", soft_wrap=True)
    for name, gap in last.gaps.items():
        print_rows(out, [[(f"not read: {name} ({gap})", "magenta")]])
    out.print()
    print_rows(out, [[("History", "bold")]])
    for place, version in enumerate(versions):
        away = place > 0 and versions[place - 1].until_scan != version.since_scan
        what = "first seen" if not place else "there again" if away else "changed"
        print_rows(out, [[(f"{version.since:%Y-%m-%d %H:%M} UTC", ""), (f"scan {version.since_scan}: {what}", "")]])
        for field in _changes(versions, place):
            print_rows(out, [[("   ", ""), (change_words(field), "dim")]])
