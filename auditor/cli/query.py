"""`auditor query`: a question in SQL over the views."""

import sys
from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]


@click.command("query")
@click.argument("statement", metavar="[SELECT]", required=False)
@options.config_option
@options.store_option
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the statement from FILE; - is standard input.",
)
@click.option("--as-of", "as_of", metavar="WHEN", help="What was known then: a scan's number, 2026-11-28, yesterday.")
@click.option("--limit", type=click.IntRange(1), default=10_000, show_default=True, help="At most so many rows.")
@click.option(
    "--timeout", type=click.FloatRange(0.001), default=60, show_default=True, help="Seconds the statement may compute."
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def command(
    statement: str | None,
    config_path: Path | None,
    store_url: str | None,
    file: Path | None,
    as_of: str | None,
    limit: int,
    timeout: float,
    form: str,
) -> None:
    """Ask anything: one SELECT in SQLite's SQL over the views, which docs/views.md lists.

    The views are resources, findings, scores, coverage, each with its _history, savings, waivers,
    attestations, evidence and scans. The statement runs on a private copy of them, whatever database the store is in: it can
    change nothing.

        auditor query "SELECT type, count(*) AS n FROM resources GROUP BY type ORDER BY n DESC"
        auditor query "SELECT name FROM resources WHERE document ->> 'Engine' = 'postgres'" --format csv
    """
    settings = options.settings_of(config_path)
    from auditor.cli.listing import Listing
    from auditor.cli.terminal import complain, plain

    question = _question(statement, file)
    with options.open_store(settings, store_url) as store:
        answer = store.ask(question, at=options.scan_as_of(store, as_of), seconds=timeout, limit=limit)
    columns = tuple(plain(name) for name in answer.columns)
    Listing(columns, answer.rows, "No row.").show(form)
    if answer.more:
        complain(f"only the first {limit:,} rows are shown: there are more (--limit)")


def _question(statement: str | None, file: Path | None) -> str:
    """Return the statement, of the argument, the file, or standard input. Raises UsageError."""
    from auditor.errors import UsageError

    if statement is not None and file is not None:
        raise UsageError("give the query as an argument or with --file, not both")
    if statement is None and (str(file) == "-" or (file is None and not sys.stdin.isatty())):
        statement = sys.stdin.read()
    elif file is not None:
        try:
            statement = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{file}: is not a UTF-8 text file") from None
    if not (statement or "").strip():
        raise UsageError('there is no query: auditor query "SELECT …", or --file FILE')
    return statement or ""
