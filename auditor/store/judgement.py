"""Keeps what was concluded of a scan.

A scan's judgement is undone before it is made again, so judging twice is judging once.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from auditor.model import Finding, Lifecycle, Scan, Scope, Score, Tally, Verdict
from auditor.store import tallies as tally_store
from auditor.store.codec import Packer, dumps
from auditor.store.database import Database
from auditor.store.lives import Lives
from auditor.store.numbers import chunks, deltas
from auditor.store.schema import finding_versions, findings, judgements, scans, scopes, scores, tallies, tally_versions
from auditor.store.tallies import TallyKey, tally_of

__all__ = ["save"]


def save(
    database: Database,
    connection: Connection,
    scan: Scan,
    given: Iterable[Finding],
    tallied: Iterable[Tally],
    scored: Iterable[Score],
    *,
    narrowed: bool,
) -> bool:
    """Store a scan's judgement; ``False``, and nothing done, when a newer scan of the account has one."""
    newer = select(judgements.c.scan_id).join(scans, scans.c.id == judgements.c.scan_id)
    if connection.execute(newer.where(scans.c.account == scan.account, scans.c.id > scan.id).limit(1)).first():
        return False
    standing = [finding for finding in given if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
    by_key = {TallyKey(Scope(t.account, t.region, t.type), t.check): t for t in tallied}
    ids = tally_store.tally_ids(database, connection, [*by_key, *map(tally_of, standing)])
    rows = tally_store.rows_of(connection, {key.scope for key in [*by_key, *map(tally_of, standing)]})
    by_id = {ids[key]: tally for key, tally in by_key.items()}
    judged = set(by_id) | {ids[tally_of(finding)] for finding in standing}
    before = tally_store.judged(connection, scan.id)
    if before is not None:
        _undo(connection, scan, judged if narrowed else None)
        if narrowed:
            judged |= before
    packer = Packer()
    tally_store.save(database, connection, packer, scan, by_id, rows)
    Lives(database, connection, scan, packer).move_on(standing, ids, by_id, rows)
    connection.execute(delete(judgements).where(judgements.c.scan_id == scan.id))
    ((codec, body),) = packer.pack(connection, "judgement", [dumps(deltas(judged))])
    connection.execute(insert(judgements).values(scan_id=scan.id, codec=codec, body=body))
    connection.execute(delete(scores).where(scores.c.scan_id == scan.id))
    new_scores = [
        {"scan_id": scan.id, "seq": seq, **{name: getattr(score, name) for name in Score.__slots__}}
        for seq, score in enumerate(scored)
    ]
    if new_scores:
        connection.execute(insert(scores), new_scores)
    return True


def _undo(connection: Connection, scan: Scan, only: Iterable[int] | None) -> None:
    """Take a scan's judgement back: of all its tallies, or of some."""
    if only is None:
        ours = select(tallies.c.id).join(scopes).where(scopes.c.account == scan.account)
        _undo_where(connection, scan, tally_versions.c.tally_id.in_(ours), findings.c.tally_id.in_(ours))
        return
    for some in chunks(sorted(only)):
        _undo_where(connection, scan, tally_versions.c.tally_id.in_(some), findings.c.tally_id.in_(some))


def _undo_where(
    connection: Connection, scan: Scan, which_tallies: ColumnElement[bool], which_findings: ColumnElement[bool]
) -> None:
    of_tallies = tally_versions.c
    connection.execute(delete(tally_versions).where(which_tallies, of_tallies.since_scan == scan.id))
    ended = update(tally_versions).where(which_tallies, of_tallies.until_scan == scan.id)
    connection.execute(ended.values(until_scan=None))
    of_findings = finding_versions.c
    these = of_findings.finding_id.in_(select(findings.c.id).where(which_findings))
    connection.execute(delete(finding_versions).where(these, of_findings.since_scan == scan.id))
    ended = update(finding_versions).where(these, of_findings.until_scan == scan.id)
    connection.execute(ended.where(of_findings.lifecycle != Lifecycle.UNVERIFIED).values(seen_scan=None))
    connection.execute(ended.values(until_scan=None, ended=None))
