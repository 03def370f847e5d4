"""The story of a scan: collect, store, judge, score; and of judging again what a scan stored."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from auditor import __version__, catalog
from auditor import standard as standards
from auditor.aws.session import Connection
from auditor.collect.declare import ResourceType
from auditor.collect.plan import make_plan
from auditor.collect.run import Progress, collect
from auditor.engine import Judgement, judge_all
from auditor.errors import StandardError
from auditor.kit.check import Check
from auditor.kit.money import PriceBook
from auditor.kit.world import Inventory
from auditor.model import Coverage, Scan, ScanStatus, Scope, Score
from auditor.score import score
from auditor.selection import EVERYTHING, Selection, choose_regions, needed_types, select
from auditor.standard import Standard
from auditor.store import Lease, Store

__all__ = ["Judged", "Listener", "ScanRequest", "bind_all", "coverage_percent", "evaluate", "judge_scan", "run_scan"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to read and how: one account, some regions, some of the standard."""

    account_name: str = ""
    regions: tuple[str, ...] = ()
    """Empty: all regions that are enabled in the account."""
    closed_regions: tuple[str, ...] = ()
    """Regions out of scope because a service control policy closes them; never read."""
    selection: Selection = EVERYTHING
    threads: int = 32
    deadline_seconds: float = 3 * 3600


class Listener(Protocol):
    """Is told how a scan goes; every method may do nothing."""

    def begun(self, scan: Scan, types: int, checks: int) -> None:
        """A scan has begun: so many resource types are read for so many checks."""

    def progress(self, progress: Progress) -> None:
        """Calls have been made."""

    def judging(self, type: str, resources: int) -> None:
        """The resources of a type have been judged."""


class Silence:
    """A listener that does nothing."""

    def begun(self, scan: Scan, types: int, checks: int) -> None:
        """Do nothing."""

    def progress(self, progress: Progress) -> None:
        """Do nothing."""

    def judging(self, type: str, resources: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A scan with what was concluded of it."""

    scan: Scan
    coverage: Mapping[Scope, Coverage]
    judgement: Judgement
    scores: Sequence[Score]
    stored: bool = True
    """False when an old scan was judged again: its place in history is not rewritten."""
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of each chapter: ``collect``, ``judge``."""


def bind_all(checks: Iterable[Check], standard: Standard) -> Mapping[str, Any]:
    """Return each check's thresholds by check id. Raises StandardError for a pattern that is missing or does not fit."""
    bound = {}
    for check in checks:
        for pattern in check.patterns:
            if pattern not in standard:
                raise StandardError(f"check {check.id} serves pattern {pattern}, which the standard does not have")
        bound[check.id] = standards.bind(standard[check.patterns[0]], check.thresholds)
    return bound


def run_scan(
    request: ScanRequest,
    connection: Connection,
    store: Store,
    standard: Standard,
    checks: Mapping[str, Check],
    types: Mapping[str, ResourceType],
    prices: Callable[[], PriceBook],
    *,
    lease: Callable[[str], AbstractContextManager[Lease | None]] = lambda account: nullcontext(),
    listener: Listener | None = None,
    stop: threading.Event | None = None,
) -> Judged:
    """Read the account CONNECTION leads to, keep it in STORE, judge it by STANDARD, and return what came of it.

    PRICES is called once, when judging begins. LEASE is entered with the account id before anything is written: it raises
    LeaseTaken when another scan of the account runs. STOP ends the scan early: what was read is kept, judged and marked
    interrupted. Raises CredentialsError, UsageError, StandardError and StoreError.
    """
    listener, stop = listener or Silence(), stop or threading.Event()
    chosen = select(checks, standard, request.selection)
    thresholds = bind_all(chosen.values(), standard)
    identity = connection.identify()
    enabled = connection.enabled_regions()
    regions = tuple(r for r in choose_regions(request.regions, enabled) if r not in request.closed_regions)
    needed = [types[name] for name in needed_types(chosen.values(), request.selection)]
    plan = make_plan(needed, types, identity.account, identity.partition, regions)
    with lease(identity.account) as held:
        scan = store.begin_scan(
            account=identity.account,
            account_name=request.account_name,
            partition=identity.partition,
            regions=regions,
            selection=request.selection.as_mapping(),
            program_version=__version__,
            standard_digest=standard.digest,
            checks_digest=catalog.digest(),
            started_at=datetime.now(UTC),
            lease=held,
        )
        listener.begun(scan, len(plan.types), len(chosen))
        statistics: dict[str, Any] = {"enabled_regions": [r for r in enabled if r not in request.closed_regions]}
        status = ScanStatus.FAILED
        try:
            with store.writer(scan.id) as writer:
                collected = collect(
                    plan,
                    connection.caller(),
                    writer,
                    threads=request.threads,
                    deadline_seconds=request.deadline_seconds,
                    on_progress=listener.progress,
                    stop=stop,
                )
            statistics |= collected.statistics
            whole = all(coverage.whole for coverage in collected.coverage.values())
            status = ScanStatus.COMPLETE if whole else ScanStatus.INCOMPLETE
            if collected.interrupted:
                status = ScanStatus.INTERRUPTED
            judged = judge_scan(
                store, scan, chosen, standard, thresholds, statistics["enabled_regions"], prices(), listener
            )
            statistics["verdicts"] = judged.judgement.verdicts
        except BaseException as error:
            status = ScanStatus.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ScanStatus.FAILED
            _finish_quietly(store, scan, status, statistics)
            raise
        finished = store.finish_scan(scan.id, status, datetime.now(UTC), statistics)
    return Judged(finished, judged.coverage, judged.judgement, judged.scores, judged.stored, collected.interrupted)


def _finish_quietly(store: Store, scan: Scan, status: ScanStatus, statistics: Mapping[str, Any]) -> None:
    """Note how the scan ended without hiding why: the store may be what broke."""
    try:
        store.finish_scan(scan.id, status, datetime.now(UTC), statistics)
    except Exception:
        log.exception("scan %s could not be marked as %s", scan.id, status)


def judge_scan(
    store: Store,
    scan: Scan,
    chosen: Mapping[str, Check],
    standard: Standard,
    thresholds: Mapping[str, Any],
    enabled_regions: Sequence[str],
    prices: PriceBook,
    listener: Listener,
) -> Judged:
    """Judge what SCAN stored by the CHOSEN checks, keep the judgement, and return it."""
    held = store.inventory(scan.id)
    inventory = Inventory(scan.account, held.resources, held.coverage, enabled_regions, prices)
    judgement = judge_all(chosen.values(), inventory, lambda check: thresholds[check.id], listener.judging)
    patterns = [pattern.id for pattern in standard]
    scores = score(scan.account, patterns, chosen, judgement.tallies, judgement.findings)
    stored = store.save_judgement(scan.id, judgement.findings, judgement.tallies, scores)
    return Judged(scan, held.coverage, judgement, scores, stored)


def evaluate(
    store: Store,
    scan: Scan,
    standard: Standard,
    checks: Mapping[str, Check],
    prices: PriceBook,
    *,
    selection: Selection | None = None,
    listener: Listener | None = None,
) -> Judged:
    """Judge a stored scan again by today's standard and checks; no AWS call is made.

    SELECTION ``None``: what the scan itself selected. What the scan did not read stays unknown. The newest judged scan of
    the account is judged anew in the store; for an older one nothing is stored and history stays as it was. Raises
    UsageError and StandardError.
    """
    chosen = select(checks, standard, selection or Selection.from_mapping(scan.selection))
    regions = scan.statistics.get("enabled_regions") or scan.regions
    thresholds = bind_all(chosen.values(), standard)
    return judge_scan(store, scan, chosen, standard, thresholds, regions, prices, listener or Silence())


def coverage_percent(coverage: Iterable[Coverage]) -> float:
    """Return how much of what was asked for was read, 0 to 100: the share of scopes read whole, every field of each.

    A service that is not offered in a region counts as read: there is nothing, and that is known.
    """
    whole = [cover.whole for cover in coverage]
    return 100 * sum(whole) / len(whole) if whole else 0.0
