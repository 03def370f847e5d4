"""`auditor evidence`: the dated facts that the ledger keeps after AWS has forgotten them."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.model import DatedFact

__all__ = ["command"]

_COLUMNS = (
    "at",
    "kind",
    "about",
    "region",
    "type",
    "account",
    "operation",
    "scan",
    "seen_at",
    "resource",
    "name",
    "document",
)
_TABLE = ("at", "kind", "about", "region", "operation", "scan")


@click.group("evidence")
def command() -> None:
    """Show the evidence ledger: dated facts that AWS forgets; each scan adds to it, nothing takes away."""


@command.command("list")
@options.config_option
@options.store_option
@click.option(
    "--kind", multiple=True, metavar="NAME", help="Only this kind (failover, experiment, copy, …); repeatable."
)
@click.option(
    "--resource", metavar="TEXT", help="Only what it happened to holds this text (or the fact's own id or name)."
)
@click.option("--account", metavar="NAME|ID", help="Only this account.")
@click.option("--region", metavar="NAME", help="Only this region (or `global`).")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="From this day on (UTC).")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Until this day (UTC), inclusive."
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def listed(
    config_path: Path | None,
    store_url: str | None,
    kind: tuple[str, ...],
    resource: str | None,
    account: str | None,
    region: str | None,
    since: datetime | None,
    until: datetime | None,
    form: str,
) -> None:
    """List dated facts, newest first, each with the operation that told it and the scan that saw it first."""
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing
    from auditor.collect import load_types
    from auditor.errors import UsageError
    from auditor.tomlfile import nearest, shown

    kinds = {dated.kind for declared in load_types().values() for dated in declared.dated}
    with options.open_store(settings, store_url) as store:
        facts = store.evidence(
            account=options.account_of(store, account),
            kinds=kind,
            region=region,
            since=since.replace(tzinfo=UTC) if since else None,
            until=datetime.combine(until, time.max, UTC) if until else None,
        )
        if not facts:
            # An older program may have kept what this one does not declare.
            for name in kind:
                if name not in kinds and not store.evidence(kinds=[name]):
                    hint = nearest(name, kinds) or f"; there are {', '.join(sorted(kinds))}"
                    raise UsageError(f"the ledger has no kind {shown(name)}{hint}")
    kept = [
        fact for fact in facts if not resource or any(resource in text for text in (fact.about, fact.id, fact.name))
    ]
    columns = _TABLE if form == "table" else _COLUMNS
    rows = [_row(fact, form) for fact in kept]
    empty = "The ledger holds no such fact; each scan adds what it sees."
    Listing(columns, [tuple(row[name] for name in columns) for row in rows], empty, long="about").show(form)


def _row(fact: "DatedFact", form: str) -> dict[str, object]:
    import json

    at = f"{fact.at:%Y-%m-%d %H:%M} UTC" if form == "table" else fact.at.isoformat()
    document: object = fact.document if form == "json" else json.dumps(fact.document, sort_keys=True)
    values = (
        at, fact.kind, fact.about, fact.region, fact.type, fact.account, fact.operation, fact.scan,
        fact.seen_at.isoformat() if fact.seen_at else None, fact.id, fact.name, document,
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))
