"""Keeps what was concluded of a scan.

A scan's judgement is undone before it is made again, so judging twice is judging once.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

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

_AT_ONCE = 4096
"""Findings that are moved on together."""


def save(
    database: Database,
    connection: Connection,
    scan: Scan,
    given: Collection[Finding],
    tallied: Collection[Tally],
    scored: Iterable[Score],
    *,
    narrowed: bool,
) -> bool:
    """Store a scan's judgement; ``False``, and nothing done, when a newer scan of the account has one.

    GIVEN and TALLIED are iterated more than once, and best come scope by scope.
    """
    newer = select(judgements.c.scan_id).join(scans, scans.c.id == judgements.c.scan_id)
    if connection.execute(newer.where(scans.c.account == scan.account, scans.c.id > scan.id).limit(1)).first():
        return False
    keys = [TallyKey(Scope(t.account, t.region, t.type), t.check) for t in tallied]
    ids = tally_store.tally_ids(database, connection, keys)
    judged = {ids[key] for key in keys}
    strays = {key for key in map(tally_of, standing(given)) if ids.get(key) not in judged}
    if strays:  # findings that no tally of theirs came with
        ids = tally_store.tally_ids(database, connection, [*keys, *sorted(strays)])
        judged |= {ids[key] for key in strays}
    before = tally_store.judged(connection, scan.id)
    if before is not None:
        _undo(connection, scan, judged if narrowed else None)
        if narrowed:
            judged |= before
    packer, rows = Packer(), tally_store.Rows(connection)
    # The later one holds where a check is told of twice in a scope.
    last = {ids[key]: number for number, key in enumerate(keys)}
    by_id = (
        (ids[key], tally)
        for number, (key, tally) in enumerate(zip(keys, tallied, strict=True))
        if last[ids[key]] == number
    )
    decided = tally_store.save(database, connection, packer, scan, by_id, rows)
    lives = Lives(database, connection, scan, packer, ids, rows)
    rest = standing(given)
    while page := list(islice(rest, _AT_ONCE)):
        lives.report(page)
    lives.end_missing(decided)
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


def standing(given: Iterable[Finding]) -> Iterator[Finding]:
    """Those findings that have a life: what fails, and what is unknown."""
    return (finding for finding in given if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN))


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
