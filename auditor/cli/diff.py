"""`auditor diff`: what differs between two scans or dates; no AWS call."""

from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]


@click.command("diff")
@click.argument("before", required=False, metavar="[A]")
@click.argument("after", required=False, metavar="[B]")
@options.config_option
@options.store_option
@options.account_option
@click.option("--since", metavar="WHEN", help="A, by another name: a scan's number, 2026-11-28, yesterday, 7d.")
@click.option(
    "--until", metavar="WHEN", help="B, by another name [default: the newest finished scan that was not narrowed]."
)
@options.as_of_option
@click.option("--type", "type_", multiple=True, metavar="NAME", help="Only this resource type; repeatable.")
@click.option("--region", multiple=True, metavar="NAME", help="Only in this region (or `global`); repeatable.")
@click.option("--check", multiple=True, metavar="ID", help="Only findings of this check; repeatable.")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Lines of each list; 0: all.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    before: str | None,
    after: str | None,
    config_path: Path | None,
    store_url: str | None,
    account: str | None,
    since: str | None,
    until: str | None,
    as_of: str | None,
    type_: tuple[str, ...],
    region: tuple[str, ...],
    check: tuple[str, ...],
    limit: int,
    form: str,
) -> None:
    """Say what differs between scan A and scan B: resources field by field, findings, score and savings.

    A and B are scan numbers or dates (a date is its end, in UTC). Without B it is the newest finished scan that was not
    narrowed, without A the scan before B that was asked for the same. What one of the two did not read is said to be not
    comparable: it is neither new nor gone.

        auditor diff --since yesterday
        auditor diff 12 19 --type AWS::EC2::SecurityGroup
    """
    first = _one("A", "--since", before, since)
    last = _one("B", "--until", after, until)
    if last and as_of:
        raise click.UsageError("--as-of is B, by another name: give one of them")
    settings = options.settings_of(config_path)
    from auditor.cli.comparing import as_json, print_comparison
    from auditor.collect import load_types
    from auditor.comparison import compare_scans

    standard, checks, types = options.load_standard(settings), options.load_checks(settings), load_types()
    chosen = options.known_names(check, checks, type_, types)
    with options.open_store(settings, store_url) as store:
        new = options.pick_scan(store, None, account, last or as_of)
        old = options.pick_earlier(store, new, first)
        options.must_be_read(region, [*old.regions, *new.regions], "neither scan")
        found = compare_scans(store, old, new, checks, types, only_types=type_, regions=region, only_checks=chosen)
    if form == "json":
        click.echo(as_json(found))
    else:
        names = {pattern.section_id: pattern.section for pattern in standard}
        print_comparison(found, names, limit)


def _one(name: str, option: str, given: str | None, named: str | None) -> str | None:
    if given is not None and named is not None:
        raise click.UsageError(f"{option} is {name}, by another name: give one of them")
    return given if given is not None else named
