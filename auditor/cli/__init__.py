"""The command line: parse, call one function, print."""

import click

from auditor import __version__


@click.group()
@click.version_option(__version__, prog_name="auditor")
def main() -> None:
    """Audit a live AWS account against your own infrastructure standard."""
