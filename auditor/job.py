"""One night's work by the settings: connect, take the lease, scan, write the reports."""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from auditor import ledger, pricing
from auditor.aws.limits import GENTLE, Limiter
from auditor.aws.session import Connection, connect
from auditor.collect import load_types
from auditor.collect.declare import ResourceType
from auditor.config import Settings
from auditor.errors import LeaseTaken, ReportError, StoreError
from auditor.kit.check import Check
from auditor.kit.money import PriceBook
from auditor.model import Severity, Verdict
from auditor.report import ReportView, build_view, require, write_reports
from auditor.reporting import report_inputs
from auditor.scan import Judged, Listener, ScanRequest, coverage_percent, run_scan
from auditor.selection import EVERYTHING, Selection, load_checks, load_standard
from auditor.standard import Standard
from auditor.store import Lease, Store, scan_lease
from auditor.taping import Tape, asked_on_tape, recording, replayed

__all__ = [
    "LEASE_SECONDS",
    "Loaded",
    "Outcome",
    "connection_of",
    "exit_code",
    "hold",
    "lease_holder",
    "load",
    "price_book",
    "report_folder",
    "report_outcome",
    "run_job",
]

log = logging.getLogger(__name__)

LEASE_SECONDS = 45.0
"""A scan whose process died gives way to the next one after so long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to."""

    judged: Judged
    view: ReportView
    reports: tuple[Path, ...]
    coverage: float
    """Per cent of what was asked for."""
    unwritten: ReportError | None = None
    """Why the reports could not be written; the scan is in the store all the same."""


Loaded = tuple[Standard, Mapping[str, Check], Mapping[str, ResourceType]]


def load(settings: Settings) -> Loaded:
    """Return the standard, the checks and the resource types by the settings. Raises StandardError and CatalogError."""
    return load_standard(settings), load_checks(settings), load_types()


def connection_of(settings: Settings, types: Mapping[str, ResourceType]) -> Connection:
    """Open access to the account of the settings; only declared operations can be sent. Raises CredentialsError."""
    account = settings.account
    operations = [call for type in types.values() for call in type.every_call]
    return connect(
        [*operations, *pricing.CALLS],
        profile=account.profile,
        role_arn=account.role_arn,
        external_id=account.external_id,
        via_role_arn=account.via_role_arn,
        via_external_id=account.via_external_id,
        account=account.account_id,
        regions=account.regions,
        limiter=Limiter(fraction=GENTLE if settings.scan.gentle else 1.0, max_rate=settings.scan.max_rate),
    )


def price_book(settings: Settings, store: Store, connection: Connection | None, *, taped: bool = False) -> PriceBook:
    """Return list prices: AWS's Price List where allowed (and CONNECTION is given), what the store holds, the shipped table.

    TAPED: they belong on the tape, so every one is asked for, and on its replay none comes from elsewhere.
    """
    if settings.pricing.source == "embedded":
        return pricing.price_book(None, None)
    if connection is None:
        return pricing.price_book(None, store, cache_days=settings.pricing.cache_days)
    home = connection.region
    if taped:
        return pricing.price_book(connection.patient(), None, region_home=home, now=connection.now)
    days = settings.pricing.cache_days
    return pricing.price_book(connection.patient(), store, region_home=home, cache_days=days)


def run_job(
    settings: Settings,
    store: Store,
    *,
    selection: Selection = EVERYTHING,
    listener: Listener | None = None,
    stop: threading.Event | None = None,
    loaded: Loaded | None = None,
    tape: Tape | None = None,
) -> Outcome:
    """Scan the account of the settings into STORE and write its reports.

    LOADED is what ``load`` returned, when that was done before.
    TAPE: what the answers are also kept on, or what is scanned in the account's place; such a scan continues none. Reports
    (or a tape) that cannot be written are no reason to lose the scan: see ``Outcome.unwritten``. Raises CredentialsError,
    UsageError, StandardError, CatalogError, TapeError, StoreError, LeaseTaken, and ReportError when a format lacks its library.
    """
    standard, checks, types = loaded or load(settings)
    require(settings.report.formats)
    said = ledger.load(settings, store, checks, standard)
    halt = _Halt(stop)
    request = ScanRequest(
        account_name=settings.account.name,
        regions=settings.account.regions,
        closed_regions=settings.account.closed_regions,
        selection=selection,
        threads=settings.scan.threads,
        deadline_seconds=settings.scan.deadline_minutes * 60.0,
        resume_seconds=0 if tape else settings.scan.resume_minutes * 60.0,
        type_seconds=settings.scan.type_deadline_minutes * 60.0,
        cost_explorer=settings.scan.cost_explorer,
    )
    with ExitStack() as open_:
        connection: Connection
        if tape and tape.replay:
            connection = replaying = open_.enter_context(replayed(tape, types))
            request = asked_on_tape(request, replaying)
        else:
            connection = connection_of(settings, types)
        connection.heed(halt, request.deadline_seconds)
        request = replace(request, limiter=connection.limiter)
        writer = (
            open_.enter_context(recording(connection, tape, request, standard)) if tape and not tape.replay else None
        )
        judged = run_scan(
            request,
            connection,
            store,
            standard,
            checks,
            types,
            lambda: price_book(settings, store, connection, taped=tape is not None),
            lease=lambda account: hold(store, account, halt),
            listener=listener,
            stop=halt,
            ledger=said,
        )
    if settings.store.views:
        _publish_views(store)
    view = build_view(report_inputs(store, judged.scan, standard, checks, types, judged))
    outcome = report_outcome(settings, judged, view)
    if writer is not None and writer.fault:
        others = f"{outcome.unwritten}; " if outcome.unwritten else ""
        return replace(outcome, unwritten=ReportError(f"{others}{writer.fault}; the scan is in the store"))
    return outcome


def _publish_views(store: Store) -> None:
    """Write the views for other programs; they are no reason to lose a scan's reports."""
    try:
        store.publish_views()
    except StoreError as error:
        log.warning("the views were not written: %s", error)


def report_outcome(settings: Settings, judged: Judged, view: ReportView) -> Outcome:
    """Write the reports of VIEW where the settings say, and return what the job came to."""
    coverage = coverage_percent(judged.coverage.values())
    try:
        folder = report_folder(settings, judged.scan.account)
        reports = write_reports(view, folder, settings.report.formats, max_length=settings.report.max_length)
    except ReportError as error:
        return Outcome(judged, view, (), coverage, error)
    return Outcome(judged, view, tuple(reports), coverage)


def report_folder(settings: Settings, account: str) -> Path:
    """Return where the reports of ACCOUNT (its id) go: of several accounts each has a folder, whatever they are called."""
    output = Path(settings.report.output)
    return output / account if settings.several else output


class _Halt(threading.Event):
    """Ends one scan: set by a lost lease, or with what ends the whole program."""

    def __init__(self, program: threading.Event | None) -> None:
        super().__init__()
        self._program = program

    def is_set(self) -> bool:
        return super().is_set() or (self._program is not None and self._program.is_set())


def lease_holder(process: int) -> str:
    """Return what a PROCESS of this machine is called as the holder of a lease."""
    return f"{socket.gethostname()}:{process}"


@contextmanager
def hold(store: Store, account: str, stop: threading.Event) -> Iterator[Lease]:
    """Hold the lease for scans of ACCOUNT, beaten by a thread.

    When it is lost to another scan, STOP is set and LeaseTaken raised at the end. Raises LeaseTaken at once when another
    scan holds it.
    """
    done = threading.Event()
    lost: list[LeaseTaken] = []
    extra = {"account": account}
    with store.lease(scan_lease(account), lease_holder(os.getpid()), LEASE_SECONDS) as lease:

        def beat() -> None:
            while not done.wait(LEASE_SECONDS / 4):
                try:
                    lease.heartbeat()
                except LeaseTaken as taken:
                    lost.append(taken)
                    stop.set()
                    return
                except StoreError as error:
                    log.warning("the lease could not be renewed, it is tried again: %s", error, extra=extra)

        heart = threading.Thread(target=beat, name="lease", daemon=True)
        heart.start()
        try:
            yield lease
        finally:
            done.set()
            heart.join()
    for taken in lost:
        raise LeaseTaken(f"{taken}; this scan was stopped, what it read is kept")


def exit_code(outcome: Outcome, fail_on: str, min_coverage: float) -> int:
    """Return the command's exit code, as docs/exit-codes.md says it.

    130 for an interrupted scan, 4 for reports that could not be written, 1 for findings at or above FAIL_ON, 3 for a
    coverage below MIN_COVERAGE, else 0. What is proven comes before what is missing: whoever tolerates an incomplete scan
    still hears of its findings.
    """
    if outcome.judged.interrupted:
        return 130
    if outcome.unwritten:
        return outcome.unwritten.exit_code
    if _fails(outcome.judged, fail_on):
        return 1
    return 3 if outcome.coverage < min_coverage else 0


def _fails(judged: Judged, fail_on: str) -> bool:
    """Whether any failing finding that is not waived is of severity FAIL_ON or worse; never for ``never``."""
    if fail_on == "never":
        return False
    limit = Severity(fail_on).rank
    waived = judged.accepted.waived
    return any(
        finding.verdict is Verdict.FAIL and finding.severity.rank <= limit and finding.key not in waived
        for finding in judged.judgement.findings
    )
