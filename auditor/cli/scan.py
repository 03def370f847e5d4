"""`auditor scan`: read an account, judge it, write the reports, and end with a summary and an exit code."""

import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import options
from auditor.cli.hangup import ending_signals, hung_up

if TYPE_CHECKING:
    from auditor.config import Settings
    from auditor.job import Outcome
    from auditor.selection import Selection
    from auditor.taping import Tape

__all__ = ["command", "conclude", "stop_on_signals", "with_options"]


@click.command("scan")
@options.config_option
@options.store_option
@click.option("--profile", metavar="NAME", help="A profile of ~/.aws/config [default: boto3's own chain].")
@click.option("--role-arn", metavar="ARN", help="A role to assume before reading.")
@click.option("--external-id", metavar="ID", help="The role's external id.")
@click.option(
    "--region",
    multiple=True,
    metavar="NAME",
    help="Only this region; repeatable [default: all enabled].",
)
@click.option(
    "--organization",
    is_flag=True,
    help="All accounts of the AWS organisation, as [organization] says; the credentials must be its management account's "
    "or a delegated administrator's.",
)
@click.option("--account", "accounts", multiple=True, metavar="NAME|ID", help="Only this account; repeatable.")
@click.option(
    "--processes",
    type=click.IntRange(0, 256),
    metavar="N",
    help="Accounts read at once, each by a process of its own; 0: one per core [default: the config's, 0].",
)
@options.selection_options
@click.option("--format", "formats", metavar="LIST", help=f"{options.FORMAT_NAMES} [default: the config's].")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the reports go.")
@options.fail_on_option
@click.option(
    "--min-coverage",
    type=options.Number(0, 100),
    metavar="PERCENT",
    help="Exit 3 when less than this of what was asked for could be read [default: the config's, 100].",
)
@click.option("--no-resume", is_flag=True, help="Read everything, also what a scan that was cut short has just read.")
@click.option(
    "--max-rate",
    type=options.Number(0.1, 1e6),
    metavar="N",
    help="At most N API calls a second in the whole account [default: the config's, no limit but each service's own].",
)
@click.option(
    "--gentle",
    is_flag=True,
    default=None,
    help="Keep to a quarter of each service's usual rate [default: the config's, no].",
)
@click.option(
    "--record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Keep every answer on a tape."
)
@click.option("--mask", is_flag=True, help="With --record: replace account ids, names, tags and addresses.")
@click.option(
    "--replay",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Scan a tape in place of the account: no network, no credentials, a store of its own.",
)
@options.verbosity_options
def command(config_path: Path | None, store_url: str | None, quiet: bool, verbose: bool, **given: Any) -> int:
    """Read an account, or several, judge by the standard and write the reports.

    All accounts that config.toml names are scanned; one that fails stops no other. Then the end is a table of them, each
    has its reports in a folder of its own, and the worst exit code wins (130, 4, 1, 3).

    Makes read-only calls and nothing else (`auditor policy` prints the permissions it needs). What could not be read is
    unknown: never a pass, never a fail. Exit codes: 0 nothing at or above --fail-on; 1 findings at or above it; 2 usage or
    configuration; 3 the scan is incomplete; 4 fatal; 130 interrupted.
    """
    settings = with_options(options.settings_of(config_path, quiet=quiet, verbose=verbose), given)
    selection = replace(options.selection_of(given), regions=tuple(dict.fromkeys(given["region"])))
    tape = _tape(given)
    from auditor.accounts import accounts_of, pick
    from auditor.cli.progress import listener
    from auditor.job import run_job

    display = options.log_format() is None and settings.log.format == "text"
    if tape and tape.replay:
        settings, store_url = _of_tape(settings, given), store_url or _tapes_store()
    if settings.several and tape:
        settings, given["accounts"] = _one_for_tape(settings, given["accounts"]), ()
    if settings.several:
        return _many(settings, store_url, given["accounts"], selection, quiet=quiet, display=display)
    pick(accounts_of(settings).accounts, given["accounts"])
    with (
        options.open_store(settings, store_url, create=True) as store,
        stop_on_signals() as stop,
        listener(quiet, display=display) as hears,
    ):
        outcome = run_job(settings, store, selection=selection, listener=hears, stop=stop, tape=tape)
    return conclude(outcome, settings.scan.fail_on, settings.scan.min_coverage, quiet=quiet)


def _many(
    settings: "Settings",
    store_url: str | None,
    wanted: "Sequence[str]",
    selection: "Selection",
    *,
    quiet: bool,
    display: bool,
) -> int:
    """Scan the WANTED accounts (none named: all), print what became of each, and return the exit code of all."""
    from auditor import ledger
    from auditor.accounts import accounts_of, pick
    from auditor.cli.many import print_accounts, scan_many
    from auditor.cli.terminal import complain
    from auditor.job import load
    from auditor.many import skipped, worst_code
    from auditor.report import require
    from auditor.scan import bind_all
    from auditor.selection import select

    # What is wrong with these is wrong once, not once for each account.
    standard, checks, _ = load(settings)
    bind_all(select(checks, standard, selection).values(), standard)
    require(settings.report.formats)
    url = options.store_url_of(settings, store_url)
    with options.open_store(settings, store_url, create=True) as store:
        ledger.load(settings, store, checks, standard)
    members = accounts_of(settings)
    accounts = pick(members.accounts, wanted, members.left_out)
    left_out = [] if wanted else [skipped(account, why) for account, why in members.left_out]
    with stop_on_signals() as stop:
        outcomes = scan_many(settings, url, accounts, left_out, selection, stop, quiet=quiet, display=display)
    if not quiet:
        print_accounts(outcomes, Path(settings.report.output))
    code = worst_code(outcomes)
    if code == 130:
        complain("interrupted; what was read is kept")
    return code


def _one_for_tape(settings: "Settings", wanted: "Sequence[str]") -> "Settings":
    """Return the settings of the one account that is recorded. Raises a usage error for several."""
    from auditor.accounts import accounts_of, pick

    members = accounts_of(settings)
    accounts = pick(members.accounts, wanted, members.left_out)
    if len(accounts) != 1:
        raise click.UsageError("a tape is of one account: name one with --account")
    alone = type(settings.organization)()
    return settings.model_copy(update={"account": accounts[0], "accounts": (), "organization": alone})


def _tape(given: dict[str, Any]) -> "Tape | None":
    """Return the tape among the options; ``None``: there is none. Raises a usage error for what does not go together."""
    from auditor.taping import Tape

    record, replay = given["record"], given["replay"]
    if record and replay:
        raise click.UsageError("--record and --replay exclude one another")
    if given["mask"] and not record:
        raise click.UsageError("--mask goes with --record FILE")
    if not replay:
        return Tape(record, mask=given["mask"]) if record else None
    if given["accounts"]:
        raise click.UsageError("--account does not go with --replay: a tape is of one account")
    for name in ("profile", "role_arn", "external_id"):
        if given.get(name):
            raise click.UsageError(f"--{name.replace('_', '-')} does not go with --replay: a tape needs no credentials")
    return Tape(replay, replay=True)


def _of_tape(settings: "Settings", given: dict[str, Any]) -> "Settings":
    """Return the settings without the account of the file: a tape knows its own; --region may narrow it."""
    from auditor.config import AccountSettings, OrganizationSettings

    regions = settings.account.regions if given.get("region") else ()
    return settings.model_copy(
        update={"account": AccountSettings(regions=regions), "accounts": (), "organization": OrganizationSettings()}
    )


def _tapes_store() -> str:
    """Return where replayed scans are kept unless --store says otherwise: never among those of an account."""
    from platformdirs import user_data_path

    return f"sqlite:///{user_data_path('auditor') / 'tapes.db'}"


def conclude(outcome: "Outcome", fail_on: str, min_coverage: float, *, quiet: bool) -> int:
    """Print the summary, and what the exit code is for; return the exit code."""
    from auditor.cli.summary import print_summary
    from auditor.cli.terminal import complain
    from auditor.job import exit_code

    if not quiet:
        print_summary(outcome.view, outcome.reports, outcome.coverage, outcome.judged.scan.statistics)
    code = exit_code(outcome, fail_on, min_coverage)
    if outcome.unwritten:
        complain(str(outcome.unwritten))
    if code == 130:
        complain(f"interrupted; what was read is kept as scan {outcome.judged.scan.id}")
    elif code == 1 and not quiet:
        complain(f"there are findings of severity {fail_on} or worse (--fail-on)")
    elif code == 3 and not quiet:
        # Cut, never rounded up: 99.99 must not read as the 100 that was wanted.
        read = f"{int(outcome.coverage * 100) / 100:g}"
        complain(f"incomplete: {read}% of what was asked for was read, {min_coverage:g}% wanted (--min-coverage)")
    return code


def with_options(settings: "Settings", given: dict[str, Any]) -> "Settings":
    """Return the settings with what the command line says in place of what the file says. Raises a usage error."""
    from auditor.config import A_ROLE_ARN, AN_EXTERNAL_ID, EXTERNAL_ID, ROLE_ARN
    from auditor.tomlfile import quoted

    account = {name: given[name] for name in ("profile", "role_arn", "external_id") if given.get(name)}
    if not re.fullmatch(ROLE_ARN, account.get("role_arn", "")):
        raise click.UsageError(f"--role-arn must be {A_ROLE_ARN}, not {quoted(account['role_arn'])}")
    if not re.fullmatch(EXTERNAL_ID, account.get("external_id", "")):
        raise click.UsageError(f"--external-id must be {AN_EXTERNAL_ID}, not {quoted(account['external_id'])}")
    if given.get("organization"):
        organization = settings.organization.model_copy(update={"enabled": True})
        settings = settings.model_copy(update={"organization": organization})
    if account and settings.accounts and not settings.organization.enabled:
        flag = f"--{next(iter(account)).replace('_', '-')}"
        raise click.UsageError(f"{flag} is for one account, and [[accounts]] names several: say it there, for each")
    if given.get("region"):
        account["regions"] = tuple(dict.fromkeys(given["region"]))
        each = tuple(one.model_copy(update={"regions": account["regions"]}) for one in settings.accounts)
        settings = settings.model_copy(update={"accounts": each})
    report: dict[str, Any] = {}
    if given.get("formats"):
        report["formats"] = _formats(given["formats"])
    if given.get("output"):
        report["output"] = str(given["output"])
    if given.get("max_length"):
        report["max_length"] = given["max_length"]
    names = ("fail_on", "min_coverage", "max_rate", "gentle", "processes")
    scan = {name: given[name] for name in names if given.get(name) is not None}
    if given.get("no_resume"):
        scan["resume_minutes"] = 0
    return settings.model_copy(
        update={
            "account": settings.account.model_copy(update=account),
            "report": settings.report.model_copy(update=report),
            "scan": settings.scan.model_copy(update=scan),
        }
    )


def _formats(text: str) -> tuple[str, ...]:
    from auditor.tomlfile import nearest, quoted

    formats = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in formats:
        if name not in options.FORMATS:
            hint = nearest(name, options.FORMATS) or f"; there are {', '.join(options.FORMATS)}"
            raise click.UsageError(f"there is no report format {quoted(name)}{hint}")
    return formats


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C, SIGTERM and SIGHUP set; a second Ctrl-C raises KeyboardInterrupt at once."""
    from auditor.cli.terminal import line

    stop = threading.Event()

    def note(number: int, _frame: object) -> None:
        if stop.is_set():
            if number != signal.SIGHUP:  # it comes twice, from the shell and from the system: nobody asks for haste
                raise KeyboardInterrupt
            hung_up()
            return
        stop.set()
        # Not through sys.stderr: the signal may have come in the middle of another line.
        with suppress(OSError):
            os.write(2, f"{line('stopping; what was read is kept (again to stop at once)')}\n".encode())
        if number == signal.SIGHUP:
            hung_up()

    before = {number: signal.signal(number, note) for number in ending_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
