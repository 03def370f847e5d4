"""`auditor config`: write and validate config.toml."""

from pathlib import Path

import click

__all__ = ["command"]


@click.group("config")
def command() -> None:
    """Write and validate config.toml."""


@command.command("init")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default=Path("config.toml"))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(path: Path, force: bool) -> None:
    """Write a config.toml with every key, its default and a comment to PATH [default: ./config.toml]."""
    from auditor import catalog
    from auditor.errors import ConfigError

    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; --force replaces it")
    try:
        path.write_bytes(catalog.bundled("config.example.toml").read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    click.echo(f"Wrote {path}; every key is optional.")


@command.command("validate")
@click.argument("path", type=click.Path(path_type=Path), required=False)
def validate(path: Path | None) -> int:
    """Say everything that is wrong with PATH [default: ./config.toml, else the user's]."""
    from auditor import config

    path = path or config.default_path()
    faults = config.problems(path)
    for fault in faults:
        click.echo(fault, err=True)
    if not faults:
        click.echo(f"{path} is valid.")
    return 2 if faults else 0
