"""Options that several commands share, and what they open."""

import functools
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from auditor.selection import load_checks, load_standard

if TYPE_CHECKING:
    from auditor.config import Settings
    from auditor.model import Scan
    from auditor.selection import Selection
    from auditor.store import Store

__all__ = [
    "Number",
    "account_of",
    "account_option",
    "as_of_option",
    "config_option",
    "fail_on_option",
    "known_names",
    "load_checks",
    "load_standard",
    "log_format",
    "must_be_read",
    "open_store",
    "pick_earlier",
    "pick_newest",
    "pick_scan",
    "scan_as_of",
    "scan_option",
    "selection_of",
    "selection_options",
    "settings_of",
    "store_option",
    "store_url_of",
    "verbosity_options",
]

log = logging.getLogger("auditor.options")

Command = TypeVar("Command", bound=Callable[..., Any])

SEVERITIES = ("critical", "high", "medium", "low", "info")
FORMATS = ("html", "md", "json", "csv", "ocsf", "asff", "sarif", "junit", "prometheus")
FORMAT_NAMES = ",".join(FORMATS)

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="config.toml [default: ./config.toml].",
)
store_option = click.option(
    "--store", "store_url", metavar="URL", help="sqlite:///FILE or postgresql://…; default: the config's."
)
scan_option = click.option(
    "--scan",
    "number",
    type=int,
    metavar="N",
    help="Which scan [default: the newest finished one that was not narrowed].",
)
account_option = click.option("--account", metavar="NAME|ID", help="Of this account [default: of the newest scan].")
as_of_option = click.option(
    "--as-of",
    "as_of",
    metavar="WHEN",
    help="As it was then: a scan's number, 2026-11-28 (its end), 2026-11-28T02:00 (UTC), yesterday, 7d.",
)
fail_on_option = click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    help="Exit 1 when a finding is this severe or worse [default: the config's, never].",
)


class Number(click.FloatRange):
    """A number within bounds; ``nan`` is none, though no bound keeps it out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number. Raises click.BadParameter."""
        number: float = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value} is no number.", param, ctx)
        return number


def selection_options(command: Command) -> Command:
    """Add --section, --pattern, --check, --type and --severity; each may be given several times."""
    options = (
        click.option(
            "--section", multiple=True, metavar="ID", help="Only this section or group (cloud, cloud.multi-az)."
        ),
        click.option("--pattern", multiple=True, metavar="ID", help="Only this bullet of the standard."),
        click.option("--check", multiple=True, metavar="ID", help="Only this check."),
        click.option(
            "--type",
            "type_",
            multiple=True,
            metavar="NAME",
            help="Only checks about this resource type (AWS::RDS::DBInstance).",
        ),
        click.option("--severity", multiple=True, type=click.Choice(SEVERITIES), help="Only checks of this severity."),
    )
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


_LOG_FORMAT = "auditor.log_format"


def _note_log_format(ctx: click.Context, _: click.Parameter, form: str | None) -> None:
    ctx.meta[_LOG_FORMAT] = form


def log_format() -> str | None:
    """Return what --log-format of the running command says, if it was given."""
    ctx = click.get_current_context(silent=True)
    given: str | None = ctx.meta.get(_LOG_FORMAT) if ctx else None
    return given


def verbosity_options(command: Command) -> Command:
    """Add --quiet, --verbose and --log-format (see ``log_format``)."""
    command = click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        callback=_note_log_format,
        expose_value=False,
        help="Log lines instead of a progress display, as text or JSON [default: the config's; a display on a terminal].",
    )(command)
    command = click.option("-v", "--verbose", is_flag=True, help="Say more: every denied call, every retry.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="Only errors, and the exit code.")(command)


def selection_of(given: Mapping[str, Any]) -> "Selection":
    """Return the selection among a command's options."""
    from auditor.model import Severity
    from auditor.selection import Selection

    return Selection(
        sections=given["section"],
        patterns=given["pattern"],
        checks=given["check"],
        types=given["type_"],
        severities=tuple(Severity(name) for name in given["severity"]),
    )


def settings_of(config_path: Path | None, *, quiet: bool = False, verbose: bool = False) -> "Settings":
    """Load the configuration and set up logging as it and the options say. Raises ConfigError."""
    from auditor import config
    from auditor.cli.loglines import set_up_logging

    settings = config.load(config_path)
    set_up_logging(
        "error" if quiet else "debug" if verbose else settings.log.level, log_format() or settings.log.format
    )
    return settings


def open_store(settings: "Settings", store_url: str | None, *, create: bool = False) -> "Store":
    """Open the store of --store, of the configuration, or the default one; whoever only reads makes none. Raises StoreError."""
    from auditor.store import Store

    return Store.open(store_url_of(settings, store_url), create=create)


def store_url_of(settings: "Settings", store_url: str | None) -> str:
    """Return the URL of the store: --store, the configuration's, or the default one's."""
    from auditor.store import default_url

    return store_url or settings.store.url or default_url()


def pick_scan(store: "Store", number: int | None, account: str | None = None, as_of: str | None = None) -> "Scan":
    """Return the scan that speaks for ACCOUNT (a name or id): NUMBER, or the newest finished one (begun by AS_OF).

    Where that one was narrowed and one of the week before was asked for more, that one speaks, and a line says so: what a
    narrow scan did not look at has not vanished. A scan that is named by its number is taken as it is. Raises StoreError
    and UsageError.
    """
    newest = pick_newest(store, number, account, as_of)
    if number is not None or _is_number(as_of):
        return newest
    widest = store.widest_scan(newest)
    if widest.id != newest.id:
        from auditor.cli.terminal import complain

        complain(
            f"this is scan {widest.id} of {widest.started_at:%Y-%m-%d %H:%M} UTC: scan {newest.id} is newer, but was asked for"
            f" less ({_by_number(newest)} shows it)"
        )
    return widest


def _is_number(when: str | None) -> bool:
    return when is not None and when.isascii() and when.isdecimal()


def _by_number(scan: "Scan") -> str:
    """Return the option of the running command that names a scan."""
    context = click.get_current_context(silent=True)
    known = {option for parameter in context.command.params for option in parameter.opts} if context else set()
    option = next((name for name in ("--scan", "--until", "--as-of") if name in known), "--scan")
    return f"{option} {scan.id}"


def pick_newest(store: "Store", number: int | None, account: str | None = None, as_of: str | None = None) -> "Scan":
    """Return scan NUMBER, or the newest finished one of ACCOUNT (begun by AS_OF, see ``scan_as_of``), narrowed or not.

    Raises StoreError and UsageError.
    """
    from auditor.errors import UsageError

    if number is not None and as_of is not None:
        raise click.UsageError("--scan and --as-of both name a scan: give one of them")
    account = account_of(store, account)
    if as_of is not None:
        return _finished_as_of(store, as_of, account)
    if number is not None:
        return store.scan(number)
    latest = store.latest_scan(account)
    if latest and not account and (count := len(store.accounts())) > 1:
        named = latest.account_name or latest.account
        log.info("the store holds %s accounts, this is %s; --account chooses another", count, named)
    if latest is None:
        of = f" of account {account}" if account else ""
        begun = store.latest_scan(account, finished=False)
        named = f"name scan {begun.id} ({begun.status}) with --scan, or " if begun else ""
        raise UsageError(f"there is no finished scan{of} in the store yet; {named}run `auditor scan`")
    return latest


def account_of(store: "Store", text: str | None) -> str | None:
    """Return the id of the account that is called TEXT in its newest scan, or has that id. Raises UsageError."""
    from auditor.errors import UsageError
    from auditor.tomlfile import nearest, shown

    if not text:
        return None
    names = {account: scan.account_name for account, scan in store.accounts().items()}
    found = [account for account, name in names.items() if name == text]
    if text in names or not names or (not found and text.isdecimal() and len(text) == 12):
        return text
    if len(found) > 1:
        raise UsageError(f"several accounts are called {shown(text)}: name one by its id ({', '.join(found)})")
    if not found:
        known = [name or account for account, name in names.items()]
        listed = f"{', '.join(map(shown, known[:8]))}{', …' if len(known) > 8 else ''}"
        hint = nearest(text, [*names, *filter(None, names.values())]) or f"; there are {listed}"
        raise UsageError(f"no account in the store is called {shown(text)}{hint}")
    return found[0]


def pick_earlier(store: "Store", scan: "Scan", when: str | None) -> "Scan":
    """Return the scan of the same account that WHEN names, or the one before SCAN that was asked for the same.

    Of a date's scans it is the newest of the week up to then that was asked for the same, else the one that speaks for the
    account (see ``pick_scan``). Raises StoreError and UsageError.
    """
    from auditor.comparison import earlier
    from auditor.errors import UsageError

    if when is not None:
        found = _finished_as_of(store, when, None if _is_number(when) else scan.account)
        if _is_number(when):
            return found
        found = store.alike_scan(found, scan) or store.widest_scan(found)
        if found.id == scan.id:
            from auditor.cli.terminal import complain

            complain(f"nothing lies between: by {_to_the_minute(_moment(when))} UTC scan {scan.id} itself had begun")
        return found
    found_earlier = earlier(store, scan)
    if found_earlier is None:
        raise UsageError(
            f"scan {scan.id} is the first finished one of account {scan.account}: there is nothing before it"
        )
    return found_earlier


def must_be_read(regions: Iterable[str], read: Iterable[str], who: str = "") -> None:
    """Raise UsageError for a region that was not READ (by WHO): "nothing was found" would mislead."""
    from auditor.errors import UsageError
    from auditor.model import GLOBAL
    from auditor.tomlfile import nearest

    known = [*sorted({*read}), GLOBAL]
    for region in regions:
        if region not in known:
            hint = nearest(region, known) or f"; it read {', '.join(known)}"
            said = f"{who} read" if who else "the scan did not read"
            raise UsageError(f"{said} {region}{hint}")


def known_names(
    check_ids: Iterable[str], checks: Mapping[str, Any], type_names: Iterable[str], types: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the ids the checks have today. Raises UsageError, with the nearest name, for what does not exist."""
    from auditor.catalog import find
    from auditor.errors import UsageError
    from auditor.tomlfile import nearest, quoted

    for name in type_names:
        if name not in types:
            raise UsageError(f"no resource type is called {quoted(name)}{nearest(name, types)}")
    return tuple(find(id, checks).id for id in check_ids)


def _finished_as_of(store: "Store", when: str, account: str | None) -> "Scan":
    """Return the scan WHEN names, or the newest one of ACCOUNT (``None``: of any) that was begun by then and ended."""
    from auditor.errors import UsageError

    if _is_number(when):
        scan = store.scan(int(when))
        if account not in (None, scan.account):
            raise UsageError(f"scan {scan.id} is of account {scan.account}, not of {account}")
        return scan
    moment = _moment(when)
    found = store.latest_scan(account, by=moment)
    if found is None:
        of = f" of account {account}" if account else ""
        first = store.first_scan(account)
        then = (
            f"the first is scan {first.id} of {first.started_at:%Y-%m-%d %H:%M} UTC" if first else "run `auditor scan`"
        )
        raise UsageError(f"no finished scan{of} had begun by {_to_the_minute(moment)} UTC; {then}")
    return found


def scan_as_of(store: "Store", when: str | None) -> int | None:
    """Return the number of the last scan that WHEN still sees, or ``None`` for now. Raises UsageError and UnknownScan.

    WHEN is a scan's number, ``today``, ``yesterday``, ``7d`` (so many days ago), a date (its end, UTC) or an ISO 8601
    time (UTC unless it says).
    """
    from auditor.errors import UsageError

    if when is None:
        return None
    if _is_number(when):
        return store.scan(int(when)).id
    moment = _moment(when)
    number = store.scan_before(moment)
    if number is None:
        raise UsageError(f"no scan had begun by {_to_the_minute(moment)} UTC; `auditor scans` lists them")
    return number


def _to_the_minute(moment: datetime) -> str:
    # %Y writes the year 1 without its zeros on some systems.
    return moment.isoformat(" ", "minutes")[:16]


def _moment(when: str) -> datetime:
    from auditor.errors import UsageError
    from auditor.tomlfile import quoted

    days = {"today": 0, "yesterday": 1}
    if ago := re.fullmatch(r"(\d{1,5})d", when, re.ASCII):
        days[when] = int(ago[1])
    try:
        if when in days:
            day = datetime.now(UTC).date() - timedelta(days=days[when])
        elif len(when) > 10:
            moment = datetime.fromisoformat(when)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        else:
            day = date.fromisoformat(when)
        return datetime.combine(day, time.max, UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{quoted(when)} is no moment: give a scan's number, 2026-11-28, 2026-11-28T02:00, today, yesterday or 7d"
        ) from None
