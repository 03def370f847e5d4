"""`auditor attest`: state what no API can show, kept in the store with its evidence's hash."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from auditor.cli import options, saying

__all__ = ["command"]


@click.command("attest")
@options.config_option
@options.store_option
@saying.scope_options
@click.option("--statement", required=True, metavar="TEXT", help="What holds.")
@click.option(
    "--evidence",
    required=True,
    metavar="URL|FILE",
    help="What shows it. Of a file the SHA-256 is kept, and held against it whenever the file is there.",
)
@click.option("--author", metavar="NAME", help="Who states it [default: who runs the command].")
@click.option("--given", metavar="YYYY-MM-DD", help="When it was stated [default: today].")
@click.option("--until", metavar="YYYY-MM-DD", help="The last day it holds.")
@click.option("--days", type=click.IntRange(1), metavar="N", help="Instead of --until: so many days from --given.")
@saying.by_option
def command(
    config_path: Path | None,
    store_url: str | None,
    days: int | None,
    by: str | None,
    **given: Any,
) -> None:
    """State what no API can show, for checks whose last resort is a person's word.

    A check passes by it until it ends; then it fails until somebody attests again. It never overrides what an API shows.
    """
    settings = options.settings_of(config_path)
    from auditor.ledger.attestations import FORM, attestation_of, deaf, digest_of
    from auditor.ledger.entries import day, is_url

    given["author"] = given["author"] or saying.whom(by)
    given["given"] = given["given"] or datetime.now(UTC).date().isoformat()
    if days is not None:
        if given["until"]:
            raise click.UsageError("--until and --days say the same: give one of them")
        begun = day(given["given"])
        if begun:
            given["until"] = (begun + timedelta(days=min(days, 40_000, (date.max - begun).days))).isoformat()
    if not given["evidence"].strip():
        raise click.UsageError("evidence is empty: name a URL or a file")
    if not is_url(given["evidence"]):
        path = Path(given["evidence"])
        with contextlib.suppress(RuntimeError):  # there is no such user: the name as it stands
            path = path.expanduser()
        path = path.absolute()
        given["evidence"], given["sha256"] = str(path), digest_of(path)
    given["account"] = saying.account_id(given["account"], settings)
    standard, checks = options.load_standard(settings), options.load_checks(settings)
    entry = saying.entry(FORM, given, settings.attestations.max_days, checks, standard)
    for kind in ("check", "pattern"):
        if given[kind] and (said := deaf(kind, given[kind], checks.values())):
            raise click.UsageError(said)
    with options.open_store(settings, store_url, create=True) as store:
        held = store.keep(saying.signed(attestation_of(entry), by))
    shown = f" SHA-256 of the evidence: {held.sha256}." if held.sha256 else ""
    click.echo(
        f"Attestation {held.number} is kept until {held.until}; it counts from the next scan or `auditor evaluate` on.{shown}"
    )
