"""The findings of a scan as lines of a list: what a list shows of each, and nothing that only a report needs."""

from collections.abc import Collection
from datetime import datetime
from functools import cache, partial
from typing import NamedTuple

from sqlalchemy import Connection, Text, or_, select, type_coerce

from auditor.acceptance import Waiver
from auditor.model import Lifecycle, Scan, Severity, Verdict
from auditor.store import acceptance
from auditor.store import tallies as tally_store
from auditor.store.codec import Unpacker
from auditor.store.columns import decode_text
from auditor.store.findings import LIFECYCLES, SEVERITIES, VERDICTS, Clock, places, sentence_of
from auditor.store.schema import finding_versions, findings, scopes, tallies

__all__ = ["FindingLine", "listed"]

_ROWS = 4096
"""That are read at once."""


class FindingLine(NamedTuple):
    """A finding as it stood after a scan, without the facts and prices behind it."""

    severity: Severity
    verdict: Verdict
    check: str
    resource: str
    """The resource's id."""
    key: str
    """Never changes; see ``auditor.model.Finding``."""
    name: str
    type: str
    account: str
    region: str
    said: str
    """The sentences of its evidence; where there is none, why it is unknown."""
    usd_month: float | None
    """The largest saving of its evidence, USD a month; ``None`` where none is priced."""
    lifecycle: Lifecycle
    since: datetime
    """When it was first opened (or last reopened), UTC."""
    waiver: Waiver | None
    """By what it is accepted."""


def listed(connection: Connection, scan: Scan, verdicts: Collection[Verdict] | None = None) -> list[FindingLine]:
    """The findings of the tallies a scan judged, as they stood after it: worst first, then by check, resource and key."""
    wanted = tally_store.judged(connection, scan.id)
    if not wanted:
        return []
    version = finding_versions.c
    columns = (findings.c.tally_id, version.since_scan, version.opened_scan, version.seen_scan, version.verdict)
    query = (
        # Decoded below, where it is needed: a call for each text takes longer than reading it.
        select(type_coerce(findings.c.key, Text), type_coerce(findings.c.resource, Text), *columns)
        .add_columns(version.severity, version.lifecycle, version.codec, version.body)
        .join_from(finding_versions, findings)
        .join(tallies, tallies.c.id == findings.c.tally_id)
        .join(scopes)
        .where(scopes.c.account == scan.account, version.since_scan <= scan.id)
        .where(or_(version.until_scan.is_(None), version.until_scan > scan.id))
    )
    if verdicts is not None:
        query = query.where(version.verdict.in_(list(verdicts)))
    held, clock, number = places(connection, scan.account), Clock(connection, scan.account), scan.id
    accepted, unpack = acceptance.waived_in(connection, scan).get, Unpacker(connection).unpack
    saw, as_of = cache(clock.saw), cache(partial(clock.as_of, number))
    lines = []
    # Many at once and by position: asking each row for its values by name takes longer than reading it.
    for rows in connection.execute(query).partitions(_ROWS):
        for key, resource, tally, began, opened, seen, verdict, severity, life, codec, packed in rows:
            if tally not in wanted:
                continue
            body, (check, scope, account, region, type) = unpack(codec, packed), held[tally]
            lifecycle, evidence = LIFECYCLES[life], body["e"]
            if began != number and lifecycle is not Lifecycle.UNVERIFIED:
                lifecycle = Lifecycle.OPEN
            said, usd = body["r"], None
            if evidence:
                now = saw(seen or number, scope)
                said = "; ".join([sentence_of(item, now) for item in evidence])
                for item in evidence:
                    if item[3] and item[3][0] is not None and (usd is None or item[3][0] > usd):
                        usd = item[3][0]
            if "\\" in key:
                key = decode_text(key)
            if "\\" in resource:
                resource = decode_text(resource)
            lines.append(
                FindingLine(
                    SEVERITIES[severity], VERDICTS[verdict], check, resource, key, body["n"], type, account, region,
                    said, usd, lifecycle, as_of(opened), accepted(key),
                )
            )  # fmt: skip
    lines.sort(key=_order)
    return lines


def _order(line: FindingLine) -> tuple[int, str, str, str]:
    return line[0].rank, line[2], line[3], line[4]
