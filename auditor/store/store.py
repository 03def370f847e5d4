"""The store as the rest of the program sees it: one class, each method one line into the module that does it."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from auditor.acceptance import NOTHING_ACCEPTED, Accepted, Attestation, Waiver
from auditor.drift import Drift, FindingTurn
from auditor.model import DatedFact, Finding, FindingState, Scan, ScanStatus, Scope, Score, Tally, Verdict
from auditor.pages import Pages
from auditor.savings import ALL_ALIKE, Priced
from auditor.store import (
    acceptance,
    check_versions,
    consistency,
    copying,
    evidence,
    finding_list,
    history,
    inventory_drift,
    judgement,
    prices,
    publish,
    resource_list,
    scans,
    size,
    trends,
    turns,
)
from auditor.store import findings as finding_store
from auditor.store import tallies as tally_store
from auditor.store.acceptance import Said
from auditor.store.check_versions import CheckVersion
from auditor.store.database import Database
from auditor.store.finding_list import FindingLine
from auditor.store.inventory import Inventory
from auditor.store.leases import Lease, acquire, free
from auditor.store.moments import Moment
from auditor.store.prune import Keep, Pruned, prune
from auditor.store.query import Answer, ask
from auditor.store.records import CachedPrice
from auditor.store.resource_list import Listed, Version
from auditor.store.size import Size
from auditor.store.upgrade import prepare, revision, upgrade
from auditor.store.views import VIEWS, ViewRows
from auditor.store.writer import ScopeWriter
from auditor.trend import Life, Night, Turn

__all__ = ["Store", "default_url"]

T = TypeVar("T")


def default_url() -> str:
    """The URL of the SQLite file in the user's data directory."""
    from platformdirs import user_data_path

    return f"sqlite:///{user_data_path('auditor') / 'store.db'}"


class Store:
    """An open store; a context manager. Safe to share between threads.

    Times go in and come out as aware UTC datetimes. Whatever the database complains about is raised as
    ``StoreError``, in one line.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._writers: dict[int, ScopeWriter] = {}

    @classmethod
    def open(cls, url: str, *, migrate: bool = True, create: bool = True) -> Self:
        """Open the store at ``sqlite:///FILE`` or ``postgresql://…``; when there is none, create it, unless not ``create``.

        A store of an older program is brought up to date when ``migrate``; else that is a ``StoreError``, as is a
        store of a newer program, a database of another program, a wrong URL, or a file that cannot be written.
        """
        database = Database(url, create=create)
        try:
            prepare(database, migrate=migrate, create=create)
        except BaseException:
            database.dispose()
            raise
        return cls(database)

    @staticmethod
    def upgrade(url: str) -> tuple[str, str]:
        """Bring the store's schema up to date; returns the revisions before (``""``: none) and after."""
        database = Database(url)
        try:
            return upgrade(database)
        finally:
            database.dispose()

    @staticmethod
    def copy(source: str, target: str) -> Mapping[str, int]:
        """Copy the store SOURCE into TARGET, which must be empty or not there yet; returns the rows of each table.

        Everything is copied or nothing, from either kind of database to either. The source must be up to date.
        """
        return copying.copy(source, target)

    @property
    def url(self) -> str:
        """Where the store is, with the password hidden."""
        return self._database.url

    @property
    def file(self) -> Path | None:
        """The SQLite file; ``None`` for PostgreSQL."""
        return self._database.file

    @property
    def revision(self) -> str:
        """The schema's revision."""
        with self._database.reading() as connection:
            return revision(connection)

    def close(self) -> None:
        """Write what open writers still hold, and let go of the database."""
        try:
            for writer in self._writers.values():
                writer.flush()
        finally:
            self._database.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- scans ------------------------------------------------------------------------------------------------------

    def begin_scan(
        self,
        *,
        account: str,
        account_name: str,
        partition: str,
        regions: Sequence[str],
        selection: Mapping[str, Sequence[str]],
        program_version: str,
        standard_digest: str,
        checks_digest: str,
        started_at: datetime,
        types_digest: str = "",
        lease: Lease | None = None,
        continues: int | None = None,
        taken: Collection[Scope] = (),
        statistics: Mapping[str, Any] | None = None,
    ) -> Scan:
        """Note that a scan begins; scans of the account that were still running are marked interrupted.

        From now on those can write no more: the newest scan of an account is the only one that may.
        ``lease`` is the one the scan runs under; by it ``interrupt_abandoned`` knows when its process died.
        ``continues`` is the account's newest scan before, cut short; of it the scopes ``taken`` count as read by this one,
        as they were read then.
        ``statistics`` is what is known of the scan before it has read anything.
        """
        values = {
            "account": account,
            "account_name": account_name,
            "partition": partition,
            "regions": list(regions),
            "selection": {key: list(chosen) for key, chosen in selection.items()},
            "program_version": program_version,
            "standard_digest": standard_digest,
            "checks_digest": checks_digest,
            "started_at": started_at,
            "types_digest": types_digest,
            "lease": lease.token if lease else None,
            "statistics": dict(statistics or {}),
        }
        return scans.begin(self._database, values, continues, taken)

    def finish_scan(
        self, scan_id: int, status: ScanStatus, finished_at: datetime, statistics: Mapping[str, Any]
    ) -> Scan:
        """Write what the scan's writer still holds, note how the scan ended, and return it."""
        self._flush(scan_id)
        self._writers.pop(scan_id, None)
        return self._database.patiently(lambda: scans.finish(self._database, scan_id, status, finished_at, statistics))

    def scan(self, scan_id: int) -> Scan:
        """The scan of that number; ``StoreError`` when there is none."""
        with self._database.reading() as connection:
            return scans.find(self._database, connection, scan_id)

    def scans(self, account: str | None = None, limit: int | None = None, *, by: int | None = None) -> list[Scan]:
        """Scans (up to scan BY), newest first."""
        with self._database.reading() as connection:
            return scans.listed(connection, account, limit, by)

    def latest_scan(
        self, account: str | None = None, *, finished: bool = True, by: datetime | None = None
    ) -> Scan | None:
        """The newest scan (begun by BY); ``finished``: complete or incomplete, not running, interrupted or failed."""
        with self._database.reading() as connection:
            return scans.latest(connection, account, finished=finished, by=by)

    def alike_scan(self, scan: Scan, like: Scan) -> Scan | None:
        """The newest finished scan of the week up to SCAN that was asked for the same as LIKE, if there is one."""
        with self._database.reading() as connection:
            return scans.alike(connection, scan, like)

    def widest_scan(self, scan: Scan) -> Scan:
        """The scan that speaks for SCAN's account: itself, or one of the week before where it was asked for less than that."""
        with self._database.reading() as connection:
            return scans.widest(connection, scan)

    def first_scan(self, account: str | None = None) -> Scan | None:
        """The oldest finished scan."""
        with self._database.reading() as connection:
            return scans.first(connection, account)

    def accounts(self) -> Mapping[str, Scan]:
        """The newest scan of each account that was ever scanned, by account id."""
        with self._database.reading() as connection:
            return scans.accounts(connection)

    def previous_scan(self, scan: Scan, *, alike: bool = False) -> Scan | None:
        """The finished scan of the same account before this one; ``alike``: with the same regions and selection."""
        with self._database.reading() as connection:
            return scans.previous(connection, scan, alike=alike)

    def scan_before(self, moment: datetime) -> int | None:
        """The number of the newest scan, of any account, that had begun by MOMENT; ``None``: none had."""
        with self._database.reading() as connection:
            return scans.before(connection, moment)

    def interrupt_abandoned(self, account: str | None = None) -> list[Scan]:
        """Mark scans as interrupted whose process died: running, and their lease is gone. Returns them."""
        return scans.interrupt_abandoned(self._database, account)

    def problems(self) -> list[str]:
        """What is wrong with the store, a line each: rows that can never be, a damaged file. Empty: it is consistent."""
        with self._database.reading() as connection:
            return list(consistency.problems(connection, sqlite=self._database.sqlite))

    def patiently(self, work: Callable[[], T]) -> T:
        """Do WORK on this store, all of it again when the database went away in the middle and came back within a minute."""
        return self._database.patiently(work)

    # ---- what was read ----------------------------------------------------------------------------------------------

    def writer(self, scan_id: int) -> ScopeWriter:
        """The scan's writer: takes pages of resources and the coverage of scopes, from any thread."""
        with self._lock:
            if scan_id not in self._writers:
                self._writers[scan_id] = ScopeWriter(self._database, self.scan(scan_id))
            return self._writers[scan_id]

    def inventory(self, scan_id: int) -> Inventory:
        """What the scan read, as it was then."""
        self._flush(scan_id)
        return Inventory(self._database, self.scan(scan_id))

    def drift(
        self,
        scan_id: int,
        since: int | None = None,
        *,
        volatile: Mapping[str, Collection[str]] | None = None,
        types: Collection[str] = (),
        regions: Collection[str] = (),
    ) -> Drift:
        """What differs between the inventory of scan SINCE and that of a scan; of what one did not read it says just that.

        Without SINCE, it is what the scan made known: against the finished scan before it, and where that did not read,
        against what was known then. Without a scan before everything is new. VOLATILE names, by type, fields that change
        by themselves; TYPES and REGIONS narrow it.
        """
        self._flush(scan_id)
        narrowed: dict[str, Any] = {"volatile": volatile or {}, "types": types, "regions": regions}
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            if since is None:
                before = scans.previous(connection, scan, alike=False)
                return inventory_drift.drift(connection, before, scan, last_known=True, **narrowed)
            before = scans.find(self._database, connection, since)
            return inventory_drift.drift(connection, before, scan, **narrowed)

    def resource_list(
        self, scan_id: int, *, types: Collection[str] = (), regions: Collection[str] = ()
    ) -> list[Listed]:
        """The account's resources as of a scan, what it did not read as it was last known; by type, region and id."""
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            return resource_list.listed(connection, scan, types, regions)

    def resource_history(self, scan_id: int, id: str) -> list[Version]:
        """The versions of the resource of that id (ARN) in the account of a scan, up to that scan, oldest first."""
        with self._database.reading() as connection:
            return list(resource_list.history(connection, scans.find(self._database, connection, scan_id), id))

    def regions(self, account: str) -> list[str]:
        """Every region anything of the account was ever read in."""
        with self._database.reading() as connection:
            return resource_list.regions(connection, account)

    # ---- what was concluded -----------------------------------------------------------------------------------------

    def save_judgement(
        self,
        scan_id: int,
        findings: Iterable[Finding],
        tallies: Iterable[Tally],
        scores: Iterable[Score],
        *,
        accepted: Accepted = NOTHING_ACCEPTED,
        beside: Iterable[str] = (),
        narrowed: bool = False,
        standard_digest: str | None = None,
        checks_digest: str | None = None,
        checks: Mapping[str, CheckVersion] | None = None,
    ) -> bool:
        """Keep what was concluded of a scan's inventory, and move the findings on in their lives.

        Only the newest judged scan of an account may be judged (again): life goes forward. For an older one nothing is
        stored and ``False`` is returned; ``states`` then says how the findings stand beside what is stored.
        Judging again replaces the scan's judgement; ``narrowed``: only that of the tallies given. The digests, when
        given, become the scan's: what it was judged by last. ACCEPTED is what people said of the scan; BESIDE are the keys of
        findings that fail and are not among FINDINGS, because they were judged before (see ``narrowed``).
        CHECKS says of each check by id what it judged by.
        """
        self._flush(scan_id)
        account = self.scan(scan_id).account
        # Whoever judges while we iterate does it now, before others have to wait for us.
        given, tallied, scored = _kept(findings), _kept(tallies), tuple(scores)
        digests = {"standard_digest": standard_digest, "checks_digest": checks_digest}

        def save() -> bool:
            with self._database.writing(account) as connection:
                scan = scans.find(self._database, connection, scan_id)
                stored = judgement.save(self._database, connection, scan, given, tallied, scored, narrowed=narrowed)
                if stored:
                    failing = [finding.key for finding in given if finding.verdict is Verdict.FAIL]
                    acceptance.save(self._database, connection, scan, [*failing, *beside], accepted)
                    scans.judged_by(
                        connection, scan_id, {name: value for name, value in digests.items() if value is not None}
                    )
                    check_versions.keep(connection, scan, checks or {})
            return stored

        return self._database.patiently(save)

    def rename_checks(self, account: str, names: Mapping[str, str]) -> None:
        """Give the account's tallies and findings, of all scans, the new NAMES (former id -> id) of their checks."""
        if names:
            with self._database.writing(account) as connection:
                tally_store.rename(connection, account, names)
                check_versions.rename(connection, account, names)

    def states(self, scan_id: int, findings: Iterable[Finding]) -> list[FindingState]:
        """Findings that are not stored (an old scan judged by today's standard), placed in time by what is stored."""
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            return finding_store.placed(finding_store.read(connection, scan, None), scan, findings)

    def findings(self, scan_id: int, *, verdicts: Collection[Verdict] | None = None) -> list[FindingState]:
        """The findings (fail and unknown) of the checks, accounts and regions this scan judged, as they stood then.

        One that was failing and could not be judged has verdict unknown, lifecycle unverified, the evidence last
        seen, and says when that was (``last_seen``).
        """
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            return acceptance.mark(connection, scan, finding_store.read(connection, scan, verdicts))

    def finding_list(self, scan_id: int, *, verdicts: Collection[Verdict] | None = None) -> list[FindingLine]:
        """What ``findings`` gives, as lines of a list: worst first, then by check, resource and key."""
        with self._database.reading() as connection:
            return finding_list.listed(connection, scans.find(self._database, connection, scan_id), verdicts)

    def finding_batches(self, scan_id: int, checks: Sequence[str]) -> Iterator[Sequence[FindingState]]:
        """What ``findings`` gives, never all at once: failures first, worst first, then in the order of CHECKS (ids), by region.

        Findings that are alike in all four come in one batch, in any order.
        """
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            waived = acceptance.waived_in(connection, scan)
            for batch in finding_store.batches(connection, scan, checks):
                yield acceptance.marked(waived, batch)

    def changes(self, scan_id: int) -> list[FindingState]:
        """What the scan changed in the life of failing findings.

        Opened, reopened, resolved, vanished, and turned unverified. Resolved and vanished ones are as last seen.
        """
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            return acceptance.mark(connection, scan, finding_store.changes(connection, scan))

    def turns(
        self,
        scan_id: int,
        since: int,
        *,
        types: Collection[str] = (),
        regions: Collection[str] = (),
        reads: Mapping[str, Collection[str]] | None = None,
        volatile: Mapping[str, Collection[str]] | None = None,
    ) -> list[FindingTurn]:
        """Which failing findings stand differently at a scan than at scan SINCE (of the same account), and why.

        Opened, reopened, resolved, vanished and unverified, whatever happened between the two. READS (check -> resource types
        it joins) and VOLATILE (type -> fields) keep a changed check from being blamed for what others, or time, may have made.
        """
        with self._database.reading() as connection:
            before, after = (scans.find(self._database, connection, number) for number in (since, scan_id))
            beside = {"reads": reads or {}, "volatile": volatile or {}}
            return turns.turns(connection, before, after, types=types, regions=regions, **beside)

    def nights(
        self, account: str, limit: int = 30, *, by: int | None = None, counting: Priced = ALL_ALIKE
    ) -> list[Night]:
        """The account's newest judged nights (up to scan BY), oldest first, marked where they do not compare.

        A scan that was asked for less than one of the week before is no night of its own, unless it is BY or was asked the same.
        COUNTING says which checks' savings make the total.
        """
        with self._database.reading() as connection:
            return trends.nights(connection, account, limit, by, counting)

    def bullets(self, scan_ids: Sequence[int]) -> dict[str, list[float | None]]:
        """Each bullet's score in the scans SCAN_IDS, in their order; ``None`` where that scan gave it none."""
        with self._database.reading() as connection:
            return trends.bullets(connection, scan_ids)

    def lives(self, scan_id: int, since: datetime | None = None) -> list[Life]:
        """How long findings of the scan's account have failed as of it; with those that ended by then, after SINCE."""
        with self._database.reading() as connection:
            return trends.lives(connection, scans.find(self._database, connection, scan_id), since)

    def histories(self, scan_id: int) -> dict[str, tuple[Turn, ...]]:
        """Key of a finding -> its turns up to the scan, oldest first; only findings that turned more than once."""
        with self._database.reading() as connection:
            return trends.histories(connection, scans.find(self._database, connection, scan_id))

    def savings(self, scan_id: int) -> list[tuple[str, str, float]]:
        """Check, resource and USD a month of each failing finding the scan judged that has a price and is not waived."""
        with self._database.reading() as connection:
            return finding_store.savings(connection, scans.find(self._database, connection, scan_id))

    def judged_checks(self, scan_id: int) -> frozenset[str]:
        """Ids of the checks that the scan judged anything by."""
        with self._database.reading() as connection:
            scan = scans.find(self._database, connection, scan_id)
            return tally_store.checks_of(
                connection, tally_store.judged(connection, scan.id) or frozenset(), scan.account
            )

    def tallies(self, scan_id: int) -> list[Tally]:
        """What each check concluded per account and region; ids in the store's order."""
        with self._database.reading() as connection:
            return tally_store.read(connection, scans.find(self._database, connection, scan_id))

    def scores(self, scan_id: int) -> list[Score]:
        """The scan's scores, in the order they were given."""
        with self._database.reading() as connection:
            return history.scores_of(connection, scan_id)

    def score_history(self, account: str, limit: int = 30) -> list[tuple[Scan, Score]]:
        """The account's own score in its newest judged scans, newest first."""
        with self._database.reading() as connection:
            return history.score_history(connection, account, limit)

    # ---- anything else ----------------------------------------------------------------------------------------------

    def ask(self, statement: str, *, at: int | None = None, seconds: float = 60, limit: int = 10_000) -> Answer:
        """Answer a SELECT over the views, as of the end of scan AT (``None``: now). Raises ``QueryError``.

        The statement may compute for SECONDS and give LIMIT rows; it sees a copy and cannot change anything.
        """
        with self._database.reading() as connection:
            return ask(Moment(connection, at), statement, seconds=seconds, limit=limit)

    def publish_views(self, file: Path | None = None) -> str:
        """Write the views as plain tables for other programs, and return where they are.

        Into the SQLite file FILE, else beside a store in SQLite (``store-views.db``) or, in PostgreSQL, into the schema
        ``auditor_views`` of its database. What was there is replaced in one step.
        """
        return publish.views(self._database, file)

    @contextmanager
    def view_rows(self, view: str, *, at: int | None = None, account: str | None = None) -> Iterator[ViewRows]:
        """Stream the rows of a view as of the end of scan AT (``None``: now), of ACCOUNT or of all, as one state."""
        with self._database.reading() as connection, closing(VIEWS[view].rows(Moment(connection, at, account))) as rows:
            yield rows

    # ---- upkeep -----------------------------------------------------------------------------------------------------

    def prune(self, rules: Sequence[Keep], now: datetime, *, dry_run: bool = False) -> Pruned:
        """Forget the scans that none of RULES keeps; what is known now is always kept. DRY_RUN: only say it."""
        return prune(self._database, rules, now, dry_run=dry_run)

    def vacuum(self) -> tuple[int, int]:
        """Give the room of what was deleted back to the disk; returns the bytes before and after."""
        return size.vacuum(self._database)

    def size(self) -> Size:
        """How large the store is, table by table, and how fast it grows."""
        return size.measure(self._database)

    # ---- what people say, and what must not be forgotten ------------------------------------------------------------

    def accepted(self, scan_id: int) -> Accepted:
        """What people said of the scan, as it was taken into account when it was judged."""
        with self._database.reading() as connection:
            return acceptance.accepted_of(connection, scans.find(self._database, connection, scan_id))

    def waivers(self) -> list[Waiver]:
        """All waivers that were ever made by command, also the revoked ones."""
        with self._database.reading() as connection:
            return acceptance.listed(connection, Waiver)

    def attestations(self) -> list[Attestation]:
        """All attestations that were ever made by command, also the revoked ones."""
        with self._database.reading() as connection:
            return acceptance.listed(connection, Attestation)

    def keep(self, said: Said) -> Said:
        """Keep a waiver or an attestation, made by its ``recorded_by`` now; returns it with its number and moment."""
        with self._database.writing() as connection:
            return acceptance.keep(connection, said)

    def revoke(self, kind: type[Said], number: int, by: str) -> Said:
        """End a waiver or an attestation that was made by command; it is not deleted. ``UsageError`` when none stands."""
        with self._database.writing() as connection:
            return acceptance.revoke(connection, kind, number, by)

    def remember(self, scan: Scan, facts: Iterable[DatedFact]) -> int:
        """Put those of FACTS into the evidence ledger that it does not hold; returns how many. Nothing takes them out."""
        given = tuple(facts)
        if not given:
            return 0
        with self._database.writing(scan.account) as connection:
            return evidence.add(connection, scan, given)

    def evidence(
        self,
        *,
        account: str | None = None,
        type: str | None = None,
        kinds: Iterable[str] = (),
        region: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        until_scan: int | None = None,
    ) -> list[DatedFact]:
        """The dated facts of the evidence ledger that fit, newest first; UNTIL_SCAN: as that scan knew it."""
        with self._database.reading() as connection:
            return evidence.listed(
                connection, account=account, type=type, kinds=kinds, region=region, since=since, until=until,
                until_scan=until_scan,
            )  # fmt: skip

    # ---- what else is kept ------------------------------------------------------------------------------------------

    def price(self, key: str) -> CachedPrice | None:
        """A cached price answer, however old: the caller decides what is too old."""
        return prices.find(self._database, key)

    def save_price(self, key: str, body: Mapping[str, Any], *, fetched_at: datetime, published: str = "") -> None:
        """Keep a price answer (JSON values) in place of the one before."""
        prices.save(self._database, key, body, fetched_at, published)

    def lease(self, name: str, holder: str, ttl_seconds: float) -> Lease:
        """Take a lease or raise ``LeaseTaken``; ``scan_lease(account)`` is the name for scans of an account."""
        return acquire(self._database, name, holder, ttl_seconds)

    def free_leases(self, holder: str) -> None:
        """Give back the leases of a HOLDER that is known to be dead."""
        free(self._database, holder)

    def _flush(self, scan_id: int) -> None:
        with self._lock:
            writer = self._writers.get(scan_id)
        if writer:
            writer.flush()


def _kept(items: Iterable[T]) -> Collection[T]:
    """What can be iterated more than once, as it is; anything else in pages."""
    return items if isinstance(items, Collection) else Pages.of(items)
