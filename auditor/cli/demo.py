"""`auditor demo`: the whole main job on a simulated account, without AWS."""

import importlib.util
import os
import tempfile
from pathlib import Path

import click

from auditor.cli import options

__all__ = ["command"]


@click.command("demo")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path("demo-report"),
    show_default=True,
    help="Where the reports go.",
)
@options.verbosity_options
def command(output: Path, quiet: bool, verbose: bool) -> int:
    """Make a simulated AWS account on this machine, scan it, and write the reports.

    It goes the ordinary way: read-only calls over HTTP, the store (a file that is gone afterwards), the standard, the
    reports. No call leaves this machine. Needs the extra `demo`.
    """
    from auditor.cli.loglines import set_up_logging
    from auditor.cli.progress import listener
    from auditor.cli.scan import conclude, stop_on_signals
    from auditor.cli.terminal import plain
    from auditor.config import AccountSettings, PricingSettings, ReportSettings, Settings
    from auditor.errors import UsageError
    from auditor.job import run_job
    from auditor.store import Store

    if not importlib.util.find_spec("moto") or not importlib.util.find_spec("flask"):
        raise UsageError("the demo needs its extra: pip install 'aws-account-auditor[demo]'")
    from auditor.demo.server import simulated_account

    form = options.log_format()
    set_up_logging("error" if quiet else "debug" if verbose else "info" if form else "warning", form or "text")
    settings = Settings(
        account=AccountSettings(name="Northwind Mail Order"),
        report=ReportSettings(output=str(output)),
        pricing=PricingSettings(source="embedded"),
    )
    if not quiet:
        click.echo(
            "auditor: making a simulated account (some ten seconds): a mail-order company's, three regions, four years old",
            err=True,
        )
    with simulated_account() as url, tempfile.TemporaryDirectory(prefix="auditor-demo-") as folder:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        with (
            Store.open(f"sqlite:///{folder}/demo.db") as store,
            stop_on_signals() as stop,
            listener(quiet, display=form is None) as hears,
        ):
            outcome = run_job(settings, store, listener=hears, stop=stop)
    code = conclude(outcome, "never", 0, quiet=quiet)
    if not quiet and outcome.reports:
        click.echo(f"  Open {plain(output.absolute() / 'compliance.html')} in a browser.\n")
    return code
