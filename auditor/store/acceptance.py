"""What people say of findings: kept when it is said, and with each scan as it was taken into account."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, delete, insert, or_, select, update

from auditor.acceptance import Accepted, Attestation, AttestationUse, Waiver, WaiverUse
from auditor.errors import UsageError
from auditor.model import FindingState, Scan
from auditor.store.codec import dumps, fingerprint
from auditor.store.database import Database
from auditor.store.numbers import chunks
from auditor.store.schema import acceptances, attestations, findings, scopes, tallies, waivers, waivings

__all__ = ["Said", "accepted_of", "keep", "listed", "mark", "marked", "revoke", "save", "waived_in", "waivers_of"]

Said = TypeVar("Said", Waiver, Attestation)

_TABLES: Mapping[type, Table] = {Waiver: waivers, Attestation: attestations}
_DAYS = ("until", "given")
_MOMENTS = ("recorded_at", "revoked_at")


def keep(connection: Connection, said: Said) -> Said:
    """Keep what somebody says, by its ``recorded_by`` and now, and return it with its number."""
    said = dataclasses.replace(said, recorded_at=datetime.now(UTC), place="", number=0)
    table = _TABLES[type(said)]
    number = connection.execute(insert(table).values(_columns(said)).returning(table.c.id)).scalar_one()
    return dataclasses.replace(said, number=number)


def listed(connection: Connection, kind: type[Said]) -> list[Said]:
    """All of the kind that were ever kept by command, also the revoked ones, in the order they were made."""
    table = _TABLES[kind]
    query = select(table).where(table.c.place == "").order_by(table.c.id)
    return [_said(kind, row) for row in connection.execute(query)]


def revoke(connection: Connection, kind: type[Said], number: int, by: str) -> Said:
    """End one from now on and return it; it stays in the store. Raises UsageError when there is none that stands."""
    table = _TABLES[kind]
    name = kind.__name__.lower()
    row = None
    if 0 < number < 2**63:
        query = select(table).where(table.c.id == number, table.c.place == "")
        row = connection.execute(query).one_or_none()
    if row is None:
        raise UsageError(f"there is no {name} {number} in the store; `auditor {name}s list` shows them")
    if row.revoked_at is not None:
        raise UsageError(f"{name} {number} was revoked on {row.revoked_at:%Y-%m-%d} by {row.revoked_by}")
    now = datetime.now(UTC)
    connection.execute(update(table).where(table.c.id == number).values(revoked_at=now, revoked_by=by))
    return dataclasses.replace(_said(kind, row), revoked_at=now, revoked_by=by)


def save(database: Database, connection: Connection, scan: Scan, failing: Iterable[str], accepted: Accepted) -> None:
    """Keep with SCAN what people said of it; FAILING are the keys of all its findings that fail, waived or not.

    A scan's own is undone before it is made again. A finding that the scan did not judge keeps what it had.
    """
    connection.execute(delete(waivings).where(waivings.c.since_scan == scan.id))
    connection.execute(update(waivings).where(waivings.c.until_scan == scan.id).values(until_scan=None))
    judged = set(failing)
    numbers = _waiver_numbers(database, connection, set(accepted.waived.values()))
    wanted = {key: numbers[waiver] for key, waiver in accepted.waived.items() if key in judged}
    query = _of_account(select(waivings, findings.c.key), scan.account)
    standing = {row.key: row for row in connection.execute(query.where(waivings.c.until_scan.is_(None)))}
    ended = [row for key, row in standing.items() if key in judged and wanted.get(key) != row.waiver_id]
    for some in chunks([row.finding_id for row in ended]):
        open_ones = update(waivings).where(waivings.c.until_scan.is_(None), waivings.c.finding_id.in_(some))
        connection.execute(open_ones.values(until_scan=scan.id))
    over = {row.key for row in ended}
    new = [key for key in wanted if key not in standing or key in over]
    rows = []
    for some_keys in _portions(new):
        found = connection.execute(select(findings.c.id, findings.c.key).where(findings.c.key.in_(some_keys)))
        rows += [
            {"finding_id": row.id, "since_scan": scan.id, "until_scan": None, "waiver_id": wanted[row.key]}
            for row in found
        ]
    if rows:
        connection.execute(insert(waivings), rows)
    connection.execute(delete(acceptances).where(acceptances.c.scan_id == scan.id))
    if accepted.waivers or accepted.attestations:
        connection.execute(insert(acceptances).values(scan_id=scan.id, body=_body(accepted)))


def accepted_of(connection: Connection, scan: Scan) -> Accepted:
    """What people said of a scan, as it was taken into account then."""
    body = connection.execute(select(acceptances.c.body).where(acceptances.c.scan_id == scan.id)).scalar_one_or_none()
    waived = dict(_waived(connection, scan))
    if body is None:
        return Accepted(waived)
    return Accepted(
        waived,
        tuple(WaiverUse(_said(Waiver, held), state, count) for held, state, count in body["waivers"]),
        tuple(
            AttestationUse(_said(Attestation, held), fault, tuple((check, id) for check, id in verdicts))
            for held, fault, verdicts in body["attestations"]
        ),
        tuple(body["notices"]),
    )


def mark(connection: Connection, scan: Scan, states: Sequence[FindingState]) -> list[FindingState]:
    """STATES with the waivers that took their weight in that scan."""
    return list(marked(waived_in(connection, scan), states))


def waived_in(connection: Connection, scan: Scan) -> dict[str, Waiver]:
    """Key of each finding whose weight a waiver took in that scan -> the waiver."""
    return dict(_waived(connection, scan))


def marked(waived: Mapping[str, Waiver], states: Sequence[FindingState]) -> Sequence[FindingState]:
    """STATES with those that are WAIVED (by key)."""
    if not waived:
        return states
    return [
        dataclasses.replace(state, waiver=waived[state.finding.key]) if state.finding.key in waived else state
        for state in states
    ]


def _waived(connection: Connection, scan: Scan) -> Iterable[tuple[str, Waiver]]:
    holds = or_(waivings.c.until_scan.is_(None), waivings.c.until_scan > scan.id)
    query = _of_account(select(findings.c.key, waivings.c.waiver_id), scan.account)
    rows = connection.execute(query.where(waivings.c.since_scan <= scan.id, holds)).all()
    known = waivers_of(connection, {row.waiver_id for row in rows})
    return ((row.key, known[row.waiver_id]) for row in rows)


def _of_account(query: Select[Any], account: str) -> Select[Any]:
    """A query of waivings and their findings, of one account."""
    query = query.select_from(waivings).join(findings, findings.c.id == waivings.c.finding_id)
    return query.join(tallies, tallies.c.id == findings.c.tally_id).join(scopes).where(scopes.c.account == account)


def waivers_of(connection: Connection, ids: Iterable[int]) -> dict[int, Waiver]:
    """The waivers of those row numbers."""
    known: dict[int, Waiver] = {}
    for some in chunks(sorted(set(ids))):
        for row in connection.execute(select(waivers).where(waivers.c.id.in_(some))):
            known[row.id] = _said(Waiver, row)
    return known


def _waiver_numbers(database: Database, connection: Connection, used: set[Waiver]) -> dict[Waiver, int]:
    """The row numbers of waivers; those of files are kept when they are first used."""
    numbers = {waiver: waiver.number for waiver in used if waiver.number}
    for waiver in used:
        if waiver.number:
            continue
        values = _columns(waiver)
        new = database.upsert(waivers).values(values)
        connection.execute(new.on_conflict_do_nothing(index_elements=["digest"]))
        found = select(waivers.c.id).where(waivers.c.digest == values["digest"])
        numbers[waiver] = connection.execute(found).scalar_one()
    return numbers


def _portions(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[start : start + 10_000] for start in range(0, len(keys), 10_000))


def _columns(said: Waiver | Attestation) -> dict[str, Any]:
    values = _plain(said)
    del values["number"]
    values.pop("doubt", None)  # found anew whenever the evidence is looked at
    moments = {name: getattr(said, name) for name in _MOMENTS}
    return {**values, **moments, "digest": fingerprint(dumps(values))}


def _plain(said: Waiver | Attestation) -> dict[str, Any]:
    """JSON values of all fields."""
    values = {field.name: getattr(said, field.name) for field in dataclasses.fields(said)}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _said(kind: type[Said], row: Row[Any] | Mapping[str, Any]) -> Said:
    """What a row or the JSON of a scan says."""
    values: dict[str, Any] = dict(row._mapping) if isinstance(row, Row) else dict(row)  # noqa: SLF001 - SQLAlchemy's own
    given: dict[str, Any] = {
        field.name: values[field.name] for field in dataclasses.fields(kind) if field.name in values
    }
    if "id" in values:
        given["number"] = values["id"] if values["recorded_at"] else 0
    for name in _DAYS:
        if name in given:
            given[name] = date.fromisoformat(given[name])
    for name in _MOMENTS:
        if isinstance(given[name], str):
            given[name] = datetime.fromisoformat(given[name])
    return kind(**given)


def _body(accepted: Accepted) -> dict[str, Any]:
    return {
        "waivers": [[_plain(use.waiver), use.state, use.findings] for use in accepted.waivers],
        "attestations": [[_plain(use.attestation), use.fault, use.verdicts] for use in accepted.attestations],
        "notices": accepted.notices,
    }
