"""What is not believed at once: that a service is not offered any more where the account has resources of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from auditor.model import Coverage, CoverageState, Gap, Scan
from auditor.store.schema import coverage as coverage_table
from auditor.store.schema import scans

__all__ = ["BELIEVED_AFTER", "NO_LONGER_OFFERED", "believed"]

NO_LONGER_OFFERED = "NoLongerOffered"
BELIEVED_AFTER = timedelta(days=3)
"""So long must every scan that has an answer be told so."""
_SILENT = (CoverageState.DENIED, CoverageState.FAILED)


def believed(connection: Connection, scan: Scan, scope_id: int, read: Coverage, alive: int) -> Coverage:
    """Return READ, or that the scope failed where it says "not offered" and ALIVE resources of it were known.

    An account that is suspended, or a service that is ill, answers "not subscribed" for a night. If that closed what was
    known, findings would look mended. Where nothing was known it is believed at once.
    """
    if read.state is not CoverageState.NOT_OFFERED or not alive:
        return read
    first = _first_told(connection, scan, scope_id)
    if first is not None and scan.started_at - first >= BELIEVED_AFTER:
        return read
    said = f"{read.gap}; " if read.gap else ""
    known = f"{alive} resources were" if alive != 1 else "1 resource was"
    message = f"{said}{known} known here; gone after {BELIEVED_AFTER.days} days of that answer"
    operation = read.gap.operation if read.gap else read.scope.type
    return replace(read, state=CoverageState.FAILED, gap=Gap(operation, NO_LONGER_OFFERED, message))


def _first_told(connection: Connection, scan: Scan, scope_id: int) -> datetime | None:
    """Return when the scope was first told so, if nothing else was answered since."""
    query = (
        select(coverage_table.c.state, coverage_table.c.code, scans.c.started_at)
        .join(scans, scans.c.id == coverage_table.c.scan_id)
        .where(coverage_table.c.scope_id == scope_id, coverage_table.c.scan_id < scan.id)
        .order_by(coverage_table.c.scan_id.desc())
    )
    first: datetime | None = None
    for row in connection.execute(query):
        if row.code == NO_LONGER_OFFERED:
            first = row.started_at
        elif row.state not in _SILENT:
            break
    return first
