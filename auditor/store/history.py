"""Scores out of the store: a scan's, and over time."""

from sqlalchemy import Connection, select

from auditor.model import Scan, Score
from auditor.store.scans import read as read_scan
from auditor.store.schema import scans, scores

__all__ = ["score_history", "scores_of"]


def scores_of(connection: Connection, scan_id: int) -> list[Score]:
    """A scan's scores, in the order they were given."""
    columns = [scores.c[name] for name in Score.__slots__]
    rows = connection.execute(select(*columns).where(scores.c.scan_id == scan_id).order_by(scores.c.seq))
    return [Score(*row) for row in rows]


def score_history(connection: Connection, account: str, limit: int) -> list[tuple[Scan, Score]]:
    """The account's own score in its newest judged scans, newest first."""
    columns = [scores.c[name].label(f"score_{name}") for name in Score.__slots__]
    rows = connection.execute(
        select(scans, *columns)
        .join(scores, scores.c.scan_id == scans.c.id)
        .where(scans.c.account == account, scores.c.level == "account")
        .order_by(scans.c.id.desc())
        .limit(limit)
    )
    return [(read_scan(row), Score(*row[-len(columns) :])) for row in rows]
