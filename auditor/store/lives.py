"""Moves findings on in their lives: which version of each ends, and which begins.

What becomes of a finding that stands and is not reported again:

==========================================  ==================================================
its resource is gone                        vanished
its tally was not judged (a narrower scan)  nothing: it stays as it is
its resource is unknown to the tally        unverified
the tally's scope was unread                unverified, unless its resource was judged after all
otherwise                                   resolved
==========================================  ==================================================
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from auditor.model import Finding, Gap, Lifecycle, Scan, Verdict
from auditor.store import tallies as tally_store
from auditor.store.codec import Packer, Unpacker, dumps, fingerprint
from auditor.store.columns import encode_text, some_of
from auditor.store.database import Database
from auditor.store.findings import FAILING, body_of
from auditor.store.numbers import Marks, chunks
from auditor.store.schema import finding_versions, findings, judgements, scans, scopes, tallies, versions
from auditor.store.tallies import Decided, Rows, TallyKey, tally_of

__all__ = ["Lives"]

_AT_ONCE = 4096
_IDENTITY = (findings.c.key, findings.c.id, findings.c.tally_id, findings.c.resource_id, findings.c.resource)
_STATE = (
    finding_versions.c.since_scan,
    finding_versions.c.verdict,
    finding_versions.c.severity,
    finding_versions.c.lifecycle,
    finding_versions.c.opened_scan,
    finding_versions.c.seen_scan,
    finding_versions.c.hash,
)


class _Standing(NamedTuple):
    """A finding the store knows, and its current version if it has one (else no verdict)."""

    id: int
    tally_id: int
    resource_id: int | None
    resource: str
    since: int | None = None
    verdict: str | None = None
    severity: str | None = None
    lifecycle: str | None = None
    opened: int = 0
    seen: int | None = None
    hash: bytes | None = None

    @property
    def failing(self) -> bool:
        """Whether it fails, or did when it was last seen."""
        return self.verdict == Verdict.FAIL or self.lifecycle == Lifecycle.UNVERIFIED


# Each statement once, and what it is about as parameters: see some_of.
_version = finding_versions.c
_known = (
    select(*_IDENTITY, *_STATE)
    .join_from(findings, tallies)
    .join(scopes)
    .outerjoin(finding_versions, and_(_version.finding_id == findings.c.id, _version.until_scan.is_(None)))
)
_KNOWN = _known.where(scopes.c.account == bindparam("account"), findings.c.key.in_(some_of(findings.c.key)))
_CURRENT = (
    select(*_IDENTITY, *_STATE)
    .join_from(finding_versions, findings)
    .join(tallies, tallies.c.id == findings.c.tally_id)
    .join(scopes)
    .where(scopes.c.account == bindparam("account"), _version.until_scan.is_(None))
    .where(_version.finding_id > bindparam("last"))
    .order_by(_version.finding_id)
    .limit(_AT_ONCE)
)
_these = _version.finding_id.in_(some_of(_version.finding_id))
_FAILED_BEFORE = select(_version.finding_id).where(_version.until_scan.is_not(None), FAILING, _these).distinct()
_BODIES = select(_version.finding_id, _version.codec, _version.body).where(_version.until_scan.is_(None), _these)
_then = bindparam("scan", type_=versions.c.since_scan.type)
_ALIVE = (
    select(versions.c.resource_id)
    .where(versions.c.since_scan <= _then, or_(versions.c.until_scan.is_(None), versions.c.until_scan > _then))
    .where(versions.c.resource_id.in_(some_of(versions.c.resource_id)))
)


class Lives:
    """Moves the findings of one account on by one scan: first those that are reported, page by page, then all others."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        scan: Scan,
        packer: Packer,
        ids: Mapping[TallyKey, int],
        rows: Rows,
    ) -> None:
        """IDS are the numbers of all tallies that findings are reported of."""
        self._database, self._connection, self._scan, self._packer = database, connection, scan, packer
        self._ids, self._rows = ids, rows
        self._ended: list[dict[str, Any]] = []
        self._begun: list[tuple[Any, ...]] = []
        self._bodies: list[bytes] = []
        self._judged_before: dict[int, int] | None = None
        self._reported = Marks()

    def report(self, page: Sequence[Finding]) -> None:
        """Move on findings that fail or are unknown. One that is reported again in a later page stays as it was first told."""
        reported = {finding.key: finding for finding in page}
        known = dict(self._known(list(reported)))
        for key in [key for key, was in known.items() if was.since == self._scan.id]:
            del reported[key]
        self._add_new(reported, known)
        self._reattach(reported, known)
        failed_before = self._failed_before([known[key].id for key in reported if not known[key].failing])
        for key, finding in reported.items():
            self._report(known[key], finding, failed_before)
            self._reported.add(known[key].id)
        self._write()

    def end_missing(self, decided: Mapping[int, Decided]) -> None:
        """Move on the findings that stood and were not reported; DECIDED says of the tallies that were judged what they know."""
        rows = self._current()
        while some := list(islice(rows, _AT_ONCE)):
            self._missing([was for _, was in some if was.id not in self._reported], decided)
            self._write()

    def _known(self, keys: Sequence[str]) -> Iterator[tuple[str, _Standing]]:
        """Findings of those KEYS the account ever had, with their current version where they have one."""
        rows = self._connection.execute(_KNOWN, {"account": self._scan.account, "some": keys})
        return ((key, _Standing(*values)) for key, *values in rows)

    def _current(self) -> Iterator[tuple[str, _Standing]]:
        """The findings of the account that have a current version, in portions; what is written meanwhile may be among them."""
        last = 0
        while True:
            rows = self._connection.execute(_CURRENT, {"account": self._scan.account, "last": last})
            found = [(key, _Standing(*values)) for key, *values in rows]
            if not found:
                return
            yield from found
            last = found[-1][1].id

    def _add_new(self, reported: Mapping[str, Finding], known: dict[str, _Standing]) -> None:
        new = [finding for key, finding in reported.items() if key not in known]
        values = []
        for number, finding in zip(self._database.allocate(self._connection, findings, len(new)), new, strict=True):
            key = tally_of(finding)
            row = self._rows.of(key.scope).get(finding.resource)
            was = _Standing(number, self._ids[key], row, finding.resource)
            known[finding.key] = was
            names = (encode_text(finding.resource), encode_text(finding.name))
            values.append((number, encode_text(finding.key), was.tally_id, was.resource_id, *names))
        self._database.bulk_insert(self._connection, findings, values)

    def _reattach(self, reported: Mapping[str, Finding], known: Mapping[str, _Standing]) -> None:
        """Bring findings to the tally of the name their check has now, where both names have one."""
        moved = [
            {"row": known[key].id, "tally": self._ids[tally_of(finding)]}
            for key, finding in reported.items()
            if known[key].tally_id != self._ids[tally_of(finding)]
        ]
        if moved:
            this = update(findings).where(findings.c.id == bindparam("row"))
            self._connection.execute(this.values(tally_id=bindparam("tally")), moved)

    def _failed_before(self, candidates: Sequence[int]) -> set[int]:
        """Which of the findings once failed and ended since."""
        return {
            number for some in chunks(candidates) for number in self._connection.scalars(_FAILED_BEFORE, {"some": some})
        }

    def _report(self, was: _Standing, finding: Finding, failed_before: set[int]) -> None:
        # The message of a gap holds request ids: another message is no change.
        quiet = replace(finding, gaps=tuple(Gap(gap.operation, gap.code) for gap in finding.gaps))
        hash_ = fingerprint(dumps([finding.verdict, finding.severity, body_of(quiet)]))
        if was.hash == hash_:
            return
        lifecycle, opened, seen = Lifecycle.OPEN, was.opened, None
        if was.failing and finding.verdict is Verdict.UNKNOWN:
            lifecycle, seen = Lifecycle.UNVERIFIED, was.seen or self._last_judged(was)
        elif not was.failing and finding.verdict is Verdict.FAIL:
            lifecycle, opened = Lifecycle.REOPENED if was.id in failed_before else Lifecycle.OPENED, self._scan.id
        elif was.verdict is None:
            lifecycle, opened = Lifecycle.OPENED, self._scan.id
        if was.verdict:
            self._end(was, None)
        saving = finding.saving.usd_month if finding.saving else None
        begun = (finding.verdict, finding.severity, lifecycle, None, opened, seen, saving, hash_)
        self._begin(was, begun, dumps(body_of(finding)))

    def _missing(self, missing: Sequence[_Standing], decided: Mapping[int, Decided]) -> None:
        alive = self._alive(sorted({was.resource_id for was in missing if was.resource_id is not None}))
        turned = []
        for was in missing:
            tally = decided.get(was.tally_id)
            if was.resource_id is not None and was.resource_id not in alive:
                self._end(was, Lifecycle.VANISHED)
            elif tally is not None:
                if not tally.unknown(was.resource_id, was.resource):
                    self._end(was, Lifecycle.RESOLVED)
                elif was.verdict == Verdict.FAIL:
                    turned.append((was, tally.unread))
        self._unverify(turned)

    def _unverify(self, turned: Sequence[tuple[_Standing, Gap | None]]) -> None:
        """Failing findings that could not be judged: what was last seen is kept, and fails no longer."""
        times = {row.id: row.started_at for row in self._connection.execute(select(scans.c.id, scans.c.started_at))}
        unpacker, bodies = Unpacker(self._connection), {}
        for some in chunks([was.id for was, _ in turned]):
            for number, codec, body in self._connection.execute(_BODIES, {"some": some}):
                bodies[number] = unpacker.unpack(codec, body)
        for was, gap in turned:
            seen = self._last_judged(was)
            self._end(was, None)
            reason = f"was failing when last judged ({times[seen]:%Y-%m-%d}); now {gap or 'it could not be judged'}"
            gaps = [[gap.operation, gap.code, gap.message]] if gap else []
            raw = dumps({**bodies[was.id], "r": reason, "g": gaps})
            begun = (
                Verdict.UNKNOWN,
                was.severity,
                Lifecycle.UNVERIFIED,
                None,
                was.opened,
                seen,
                None,
                fingerprint(raw),
            )
            self._begin(was, begun, raw)

    def _alive(self, candidates: Sequence[int]) -> set[int]:
        """Which of the resources were there at the scan, as far as is known."""
        return {
            number
            for some in chunks(candidates)
            for number in self._connection.scalars(_ALIVE, {"scan": self._scan.id, "some": some})
        }

    def _last_judged(self, was: _Standing) -> int:
        """The last scan before this one that judged the finding's tally: it saw the current version."""
        if self._judged_before is None:
            self._judged_before = {}
            earlier = select(judgements.c.scan_id).join(scans, scans.c.id == judgements.c.scan_id)
            earlier = earlier.where(scans.c.account == self._scan.account, scans.c.id < self._scan.id)
            for scan_id in self._connection.scalars(earlier.order_by(scans.c.id)).all():
                for tally in tally_store.judged(self._connection, scan_id) or ():
                    self._judged_before[tally] = scan_id
        return self._judged_before.get(was.tally_id) or was.since or self._scan.id

    def _end(self, was: _Standing, how: Lifecycle | None) -> None:
        seen = was.seen if was.seen or how is None else self._last_judged(was)
        self._ended.append({"row": was.id, "since": was.since, "how": how, "seen": seen})

    def _begin(self, was: _Standing, values: tuple[Any, ...], raw: bytes) -> None:
        self._begun.append((was.id, self._scan.id, None, *values))
        self._bodies.append(raw)

    def _write(self) -> None:
        version = finding_versions.c
        if self._ended:
            this = and_(version.finding_id == bindparam("row"), version.since_scan == bindparam("since"))
            ended = {"until_scan": self._scan.id, "ended": bindparam("how"), "seen_scan": bindparam("seen")}
            self._connection.execute(update(finding_versions).where(this).values(ended), self._ended)
        packed = self._packer.pack(self._connection, "finding", self._bodies)
        rows = [(*begun, *body) for begun, body in zip(self._begun, packed, strict=True)]
        self._database.bulk_insert(self._connection, finding_versions, rows)
        for some in (self._ended, self._begun, self._bodies):
            some.clear()
