"""`auditor standard`: show the standard with the numbers in force, and say what is wrong with an override."""

from collections import defaultdict
from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]


@click.group("standard")
def command() -> None:
    """Show and validate the standard."""


@command.command("show")
@options.config_option
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(config_path: Path | None, name: str | None, form: str) -> None:
    """Show all bullets, or those of NAME (a section, group or pattern id), quoted, with their numbers and checks."""
    settings = options.settings_of(config_path)
    standard, checks = options.load_standard(settings), options.load_checks(settings)
    serving: dict[str, list[str]] = defaultdict(list)
    for check in checks.values():
        for id in check.patterns:
            serving[id].append(check.id)
    chosen = [p for p in standard if name is None or p.id == name or p.id.startswith(f"{name}.")]
    if not chosen:
        chosen = [standard[name or ""]]
    if form == "json":
        import json

        rows = [
            {
                "id": p.id,
                "section": p.section,
                "group": p.group,
                "bullet": p.bullet,
                "statement": p.statement,
                "thresholds": dict(p.thresholds),
                "checks": serving[p.id],
            }
            for p in chosen
        ]
        click.echo(json.dumps({"title": standard.title, "digest": standard.digest, "patterns": rows}, indent=2))
        return
    from auditor.cli.terminal import plain

    click.echo(f"{plain(standard.title)} ({len(standard)} bullets, digest {standard.digest[:12]})")
    place = ("", "")
    for pattern in chosen:
        if (pattern.section, pattern.group) != place:
            place = (pattern.section, pattern.group)
            click.echo(f"\n{plain(pattern.section)} / {plain(pattern.group)}")
        click.echo(f"  {pattern.id}\n    {plain(pattern.bullet)}: {plain(pattern.statement)}")
        if name:
            for key, value in pattern.thresholds.items():
                shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
                click.echo(f"      {key} = {plain(shown)}    ({plain(pattern.places.get(key, ''))})")
        judged = serving[pattern.id]
        click.echo(f"      judged by {', '.join(judged)}" if judged else "      not judged: no check yet")


@command.command("validate")
@options.config_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def validate(config_path: Path | None, files: tuple[Path, ...]) -> int:
    """Say everything that is wrong with the standard and its overrides (FILES instead of the configuration's)."""
    from auditor import catalog
    from auditor import standard as standards

    settings = options.settings_of(config_path)
    checks = options.load_checks(settings)
    overrides = files or tuple(settings.path(text) for text in settings.standard.overrides)
    bindings = [(check.patterns[0], check.thresholds) for check in checks.values()]
    faults = standards.validate(catalog.bundled("checks") / "patterns.toml", overrides, bindings)
    for fault in faults:
        click.echo(fault, err=True)
    if not faults:
        click.echo(f"The standard is valid, with {len(overrides)} override{'s' if len(overrides) != 1 else ''}.")
    return 2 if faults else 0
