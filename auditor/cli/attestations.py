"""`auditor attestations`: list, revoke and validate what people state."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import options, saying

if TYPE_CHECKING:
    from auditor.acceptance import Attestation

__all__ = ["command"]

_COLUMNS = (
    "number", "state", "subject", "resource", "account", "region", "given", "until", "author", "statement", "evidence",
    "sha256", "fault", "source",
)  # fmt: skip
_TABLE = tuple(name for name in _COLUMNS if name != "sha256")


@click.group("attestations")
def command() -> None:
    """List, revoke and validate attestations; `auditor attest` makes one."""


@command.command("list")
@saying.list_options
def listed(
    config_path: Path | None, store_url: str | None, as_of: str | None, account: str | None, every: bool, form: str
) -> None:
    """List the attestations of the files and of the store, as they stand today, those that end first before others.

    With --as-of those that the scan of that time went by, as they stood on its day.
    """
    settings = options.settings_of(config_path)
    from auditor import ledger
    from auditor.cli.listing import Listing

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    with options.open_store(settings, store_url) as store:
        past = saying.then(store, settings, as_of, account, every)
        if past is None:
            today = datetime.now(UTC).date()
            told = [(said, said.fault(today)) for said in ledger.load(settings, store, checks, standard).attestations]
            told += [(said, said.fault(today)) for said in store.attestations() if every and said.revoked_at]
        else:
            told, today = [(use.attestation, use.fault) for use in past[0].attestations], past[1]
    told.sort(key=lambda one: (one[0].until, one[0].number))
    columns = _TABLE if form == "table" else _COLUMNS
    rows = [_row(said, fault, today) for said, fault in told]
    empty = "Nothing is attested; `auditor attest` or attestations.toml does (docs/attestations.md)."
    Listing(columns, [tuple(row[name] for name in columns) for row in rows], empty, long="statement").show(form)


def _row(said: "Attestation", fault: str, today: date) -> dict[str, object]:
    values = (
        said.number or None,
        saying.state_of(said, today, fault),
        said.subject,
        said.resource,
        said.account,
        said.region,
        said.given.isoformat(),
        said.until.isoformat(),
        said.author,
        said.statement,
        said.evidence,
        said.sha256,
        fault,
        said.source,
    )
    return dict(zip(_COLUMNS, values, strict=True))


@command.command("revoke")
@options.config_option
@options.store_option
@click.argument("number", type=int)
@saying.by_option
def revoke(config_path: Path | None, store_url: str | None, number: int, by: str | None) -> None:
    """End attestation NUMBER of the store now; reports of scans before keep it."""
    settings = options.settings_of(config_path)
    from auditor.acceptance import Attestation

    with options.open_store(settings, store_url) as store:
        said = store.revoke(Attestation, number, saying.whom(by))
    click.echo(f"Attestation {said.number} is revoked; nothing passes by it from the next scan on.")


@command.command("validate")
@options.config_option
@options.store_option
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1)
def validate(config_path: Path | None, store_url: str | None, paths: tuple[Path, ...]) -> int:
    """Say everything that is wrong in the files of attestations, also of their evidence: PATHS [default: the settings']."""
    settings = options.settings_of(config_path)
    from auditor.acceptance import Attestation
    from auditor.ledger.attestations import deaf, read_attestations
    from auditor.ledger.book import attestation_files

    standard, checks = options.load_standard(settings), options.load_checks(settings)
    today = datetime.now(UTC).date()

    def read(path: Path) -> tuple[list[Attestation], list[str]]:
        held, faults = read_attestations(path, settings.attestations.max_days, today)
        doubtful = [said for said in held if said.doubt or not said.evidence]
        return held, [
            *faults,
            *(
                f"{said.place}: {words}"
                for said in held
                if (words := deaf("check" if said.check else "pattern", said.subject, checks.values()))
            ),
            *(f"{said.place}: this attestation {said.doubt or said.fault(said.given)}" for said in doubtful),
        ]

    return saying.validate(
        paths or attestation_files(settings), "attestations", read, checks, [pattern.id for pattern in standard]
    )
