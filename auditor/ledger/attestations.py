"""Attestations: read from files, their evidence held against its hash, and what came of them in a scan."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from auditor.acceptance import Attestation, AttestationUse
from auditor.errors import ConfigError
from auditor.kit.check import Check
from auditor.ledger.entries import Entry, Field, Form, day, is_url, read_entries
from auditor.tomlfile import nearest, shown

__all__ = ["FORM", "attestation_of", "deaf", "digest_of", "notices", "read_attestations", "verified"]

FORM = Form(
    "attestation",
    {
        "check": Field(),
        "pattern": Field(),
        "resource": Field(),
        "account": Field("account"),
        "region": Field("region"),
        "statement": Field(required=True),
        "evidence": Field("evidence"),
        "sha256": Field("sha256"),
        "author": Field(required=True),
        "given": Field("day", required=True),
        "until": Field("day", required=True),
    },
    begins="given",
)


def read_attestations(path: Path, max_days: int, today: date) -> tuple[list[Attestation], list[str]]:
    """Return the attestations of the file at PATH, and a line for everything that is wrong in it."""
    entries, faults = read_entries(path, FORM, max_days, today)
    return [verified(attestation_of(entry), path.parent) for entry in entries], faults


def deaf(kind: str, subject: str, checks: Iterable[Check]) -> str:
    """Return why an attestation of SUBJECT (an id; KIND is ``check`` or ``pattern``) proves nothing; empty when it can.

    No word is heard by a check that an API answers for. What there is none of at all is not said here.
    """
    named = [(check, {check.id, *check.aliases} if kind == "check" else set(check.patterns)) for check in checks]
    meant = [check for check, names in named if subject in names]
    if not meant or any(check.attestable for check in meant):
        return ""
    hearing = sorted({name for check, names in named if check.attestable for name in names})
    takes = "takes no attestation: an API shows what it asks" if kind == "check" else "has no check that takes one"
    return f"{kind} {shown(subject)} {takes}{nearest(subject, hearing) or (f'; {hearing[0]} does' if hearing else '')}"


def attestation_of(entry: Entry) -> Attestation:
    """Return the attestation a well-formed entry stands for."""
    days = {key: day(entry.values[key]) for key in ("given", "until")}
    return Attestation(**{**entry.values, **days}, place=entry.place)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of the file at PATH in hex. Raises ConfigError when it cannot be read."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device might never end
            raise ConfigError(f"{path}: the evidence is no file: name a file or a URL")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: the evidence cannot be read: {error.strerror or error}") from error


def verified(attestation: Attestation, folder: Path) -> Attestation:
    """Return ATTESTATION with what is wrong with its evidence; a relative file is looked for in FOLDER.

    A file without a hash proves nothing. One that is not here cannot be held against its hash: then the hash stands.
    """
    if not attestation.evidence or is_url(attestation.evidence):
        return attestation
    if not attestation.sha256:
        return replace(attestation, doubt="names a file without its SHA-256")
    path = folder / Path(attestation.evidence)
    try:
        there = path.is_file()
    except (OSError, ValueError):  # a name no file can have
        there = False
    if not there:
        return attestation
    try:
        same = digest_of(path) == attestation.sha256.lower()
    except ConfigError:
        return replace(attestation, doubt="names a file that cannot be read")
    return attestation if same else replace(attestation, doubt="names a file that has been changed since")


def notices(
    uses: Sequence[AttestationUse],
    checks: Mapping[str, Check],
    patterns: Iterable[str],
    today: date,
    announce_days: int,
) -> list[str]:
    """Return what somebody should look at, a sentence each: not known, proving nothing, ending within ANNOUNCE_DAYS."""
    known = {former for check in checks.values() for former in (check.id, *check.aliases)}
    said = []
    for use in uses:
        attestation = use.attestation
        names = known if attestation.check else set(patterns)
        which = f"the attestation of {shown(attestation.subject)} by {shown(attestation.author)}"
        which += f" ({shown(attestation.source)})"
        left = (attestation.until - today).days
        if attestation.subject not in names:
            kind = "check" if attestation.check else "pattern"
            said.append(f"{which} proves nothing: there is no such {kind}{nearest(attestation.subject, names)}")
        elif use.fault:
            said.append(f"{which} {use.fault}")
        elif 0 <= left <= announce_days:
            when = f"in {left} day{'s' if left != 1 else ''}" if left else "today"
            said.append(f"{which} ends {when}, on {attestation.until}")
    return said
