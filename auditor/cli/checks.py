"""`auditor checks`: list the checks, and explain one with its numbers, its fix and its examples."""

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.kit.check import Case, Check
    from auditor.standard import Standard

__all__ = ["command"]


@click.group("checks")
def command() -> None:
    """List and explain the checks."""


@command.command("list")
@options.config_option
@options.selection_options
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def list_checks(config_path: Path | None, form: str, **given: Any) -> None:
    """List the checks (all, or the selected ones) in the standard's order."""
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing
    from auditor.selection import select

    standard = options.load_standard(settings)
    chosen = select(options.load_checks(settings), standard, options.selection_of(given))
    order = {pattern.id: number for number, pattern in enumerate(standard)}
    rows = [
        (check.id, str(check.severity), check.patterns[0], ", ".join(check.on), check.title)
        for check in sorted(chosen.values(), key=lambda check: order.get(check.patterns[0], len(order)))
    ]
    columns = ("check", "severity", "pattern", "type", "title")
    if form == "table":
        columns, rows = ("check", "severity", "pattern"), [row[:3] for row in rows]  # type: ignore[assignment, misc]
    Listing(columns, rows, "There is no check.").show(form)


@command.command("explain")
@options.config_option
@click.argument("id")
def explain(config_path: Path | None, id: str) -> None:
    """Explain the check ID: what must be true, why, the numbers in force, how to mend it, what it reads, examples."""
    settings = options.settings_of(config_path)
    from auditor.catalog import find

    standard = options.load_standard(settings)
    check = find(id, options.load_checks(settings))
    click.echo(f"{check.id}  ({check.severity})\n\n{check.doc}\n")
    _numbers(check, standard)
    click.echo(f"\nJudges   {', '.join(check.on)}")
    if check.reads:
        click.echo(f"Reads    {', '.join(check.reads)}")
    if check.fix.cli:
        click.echo(f"Command  {check.fix.cli}")
    if check.fix.terraform:
        click.echo(f"Terraform  {check.fix.terraform}")
    if check.same_as:
        click.echo(f"Same as  {', '.join(check.same_as)}")
    for verdict, cases in (
        ("passes", check.passes),
        ("fails", check.fails),
        ("is not applicable", check.skips),
        ("is unknown", check.unknowns),
    ):
        for case in cases[:1]:
            click.echo(f"\nAn example that {verdict}{f' ({case.why})' if case.why else ''}:\n{_example(case)}")


def _numbers(check: "Check", standard: "Standard") -> None:
    for id in check.patterns:
        pattern = standard[id]
        click.echo(f"Serves   {pattern.id}: {pattern.bullet}: {pattern.statement}")
    thresholds = standard[check.patterns[0]].thresholds
    for name, value in thresholds.items():
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        click.echo(f"         {name} = {shown}")


def _example(case: "Case") -> str:
    shown: dict[str, Any] = dict(case.document)
    for type, documents in case.related.items():
        shown[f"related {type}"] = list(documents)
    for field, gap in case.gaps.items():
        shown[field] = f"could not be read: {gap}"
    for type in case.unread:
        shown[f"related {type}"] = "could not be read"
    return textwrap.indent(json.dumps(shown, indent=2, default=str), "    ")
