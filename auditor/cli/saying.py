"""What `auditor waive` and `auditor attest` share, and their lists: options, who speaks, and what is wrong with it."""

import functools
import getpass
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from auditor.cli import options

if TYPE_CHECKING:
    from auditor.acceptance import Accepted, Attestation, Waiver
    from auditor.config import Settings
    from auditor.kit.check import Check
    from auditor.ledger.entries import Entry, Form
    from auditor.standard import Standard
    from auditor.store import Store

__all__ = [
    "account_id",
    "by_option",
    "entry",
    "list_options",
    "scope_options",
    "signed",
    "state_of",
    "then",
    "validate",
    "whom",
]

Command = TypeVar("Command", bound=Callable[..., Any])
Said = TypeVar("Said", "Waiver", "Attestation")

by_option = click.option("--by", metavar="NAME", help="Who does this [default: the user who runs the command].")


def scope_options(command: Command) -> Command:
    """Add --check, --pattern, --resource, --account and --region: of what somebody speaks."""
    made = (
        click.option("--check", metavar="ID", help="The check it is about."),
        click.option("--pattern", metavar="ID", help="Or the bullet of the standard: all checks that serve it."),
        click.option(
            "--resource",
            metavar="GLOB",
            help="Only these resources: the whole ARN where it begins with arn:, else the whole name; * and ? stand for others.",
        ),
        click.option(
            "--account", metavar="NAME|ID", help="Only this account: its id, or its name in the configuration."
        ),
        click.option("--region", metavar="NAME", help="Only this region (or `global`)."),
    )
    return functools.reduce(lambda done, option: option(done), reversed(made), command)


def list_options(command: Command) -> Command:
    """Add --config, --store, --as-of, --account, --all and --format."""
    made = (
        options.config_option,
        options.store_option,
        options.as_of_option,
        click.option(
            "--account", metavar="NAME|ID", help="With --as-of: of this account [default: of the newest scan then]."
        ),
        click.option("--all", "every", is_flag=True, help="Also the revoked ones."),
        click.option(
            "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
        ),
    )
    return functools.reduce(lambda done, option: option(done), reversed(made), command)


def then(
    store: "Store", settings: "Settings", as_of: str | None, account: str | None, every: bool
) -> "tuple[Accepted, date] | None":
    """Return what the scan that speaks for AS_OF went by, and its day; None for today. Raises a usage error for a wrong mix."""
    if as_of is None:
        if account is not None:
            raise click.UsageError("--account goes with --as-of: what is said today is said for all accounts")
        return None
    if every:
        raise click.UsageError("--all lists what was revoked until today; it does not go with --as-of")
    scan = options.pick_scan(store, None, account_id(account, settings), as_of)
    return store.accepted(scan.id), scan.started_at.date()


def account_id(text: str | None, settings: "Settings") -> str | None:
    """Return the id of the account that the configuration calls TEXT, else TEXT. Raises a usage error for a name without one."""
    from auditor.tomlfile import nearest, shown

    if not text or text.isdecimal():
        return text
    known = {account.name: account.account_id for account in (settings.account, *settings.accounts) if account.name}
    if text not in known:
        raise click.UsageError(
            f"account must be an account id of 12 digits, or a name of the configuration: there is no"
            f" {shown(text)}{nearest(text, known)}"
        )
    if not known[text]:
        raise click.UsageError(f"the configuration does not say the id of account {shown(text)}: give its 12 digits")
    return known[text]


def entry(
    form: "Form", given: Mapping[str, Any], max_days: int, checks: Mapping[str, "Check"], standard: "Standard"
) -> "Entry":
    """Return what was GIVEN as an entry. Raises a usage error with the first thing that is wrong with it."""
    from auditor.ledger.entries import Entry, day
    from auditor.tomlfile import nearest, shown

    held = {key: value for key, value in given.items() if value is not None}
    today = datetime.now(UTC).date()
    for key, said in form.faults(held, max_days, today):
        words = said if key else f"this {form.name} {said}"
        raise click.UsageError(words)
    until = day(held["until"])
    if until and until < today:
        raise click.UsageError(f"until {until} lies in the past")
    names = {name for check in checks.values() for name in (check.id, *check.aliases)}
    for key, known in (("check", names), ("pattern", {pattern.id for pattern in standard})):
        if held.get(key) and held[key] not in known:
            raise click.UsageError(f"there is no {key} {shown(held[key])}{nearest(held[key], known)}")
    return Entry(held, "")


def whom(by: str | None) -> str:
    """Return who speaks: BY, else the user's name."""
    if by and by.strip():
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        raise click.UsageError("who does this? say it with --by NAME") from None


def signed(said: Said, by: str | None) -> Said:
    """Return what is said with the name of who says it."""
    return replace(said, recorded_by=whom(by))


def state_of(said: "Waiver | Attestation", today: date, fault: str = "") -> str:
    """Return how it stands on the day: ``revoked``, ``expired``, FAULT's ``no proof``, else ``stands``."""
    if said.revoked_at:
        return "revoked"
    if said.until < today:
        return "expired"
    return "no proof" if fault else "stands"


def validate(
    paths: Sequence[Path],
    kind: str,
    read: Callable[[Path], tuple[Sequence["Waiver | Attestation"], list[str]]],
    checks: Mapping[str, "Check"],
    patterns: Iterable[str],
) -> int:
    """Print everything that is wrong in the files, and return the exit code; READ returns what one holds and its faults."""
    from auditor.tomlfile import nearest

    code = 0
    known = {
        "check": {name for check in checks.values() for name in (check.id, *check.aliases)},
        "pattern": set(patterns),
    }
    if not paths:
        click.echo(f"There is no file of {kind}: docs/{kind}.md says how one looks.")
    for path in paths:
        held, faults = read(path)
        for said in held:
            name = "check" if said.check else "pattern"
            if said.subject not in known[name]:
                faults.append(f"{said.place}: there is no {name} {said.subject!r}{nearest(said.subject, known[name])}")
        for fault in faults:
            click.echo(_plain(fault), err=True)
        code = 2 if faults else code
        if not faults:
            click.echo(f"{_plain(path)} is valid: {len(held)} {kind if len(held) != 1 else kind[:-1]}.")
    return code


def _plain(text: object) -> str:
    from auditor.cli.terminal import plain

    return plain(text)
