"""The story of a scan: collect, store, judge, score; and of judging again what a scan stored."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from auditor import __version__, catalog, logs
from auditor import collect as collectors
from auditor import standard as standards
from auditor.acceptance import NOTHING_ACCEPTED, Accepted
from auditor.aws.limits import Limiter
from auditor.aws.session import Connection
from auditor.collect.declare import ResourceType
from auditor.collect.plan import Plan, make_plan
from auditor.collect.run import TYPE_SECONDS, Progress, collect
from auditor.engine import Judgement, judge_all
from auditor.errors import AuditorError, CredentialsError, StandardError, UsageError
from auditor.kit.check import Check
from auditor.kit.money import PriceBook
from auditor.kit.world import Inventory
from auditor.ledger import NO_LEDGER, Ledger, remember, remembered
from auditor.model import Coverage, Finding, Scan, ScanStatus, Scope, Score, Tally, Verdict
from auditor.resume import RESUME_SECONDS, scopes_to_take_over
from auditor.score import score
from auditor.selection import EVERYTHING, Selection, choose_regions, needed_types, select
from auditor.standard import Standard
from auditor.store import CheckVersion, Lease, Store

__all__ = [
    "Judged",
    "Listener",
    "ScanRequest",
    "bind_all",
    "check_versions",
    "coverage_percent",
    "enabled_regions",
    "evaluate",
    "judge_scan",
    "others_of",
    "run_scan",
]

log = logging.getLogger(__name__)

_MANY_RESOURCES = 10_000
"""Of so many the clients are let go of before they are judged: their room, some 20 MB, is what judging needs."""


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
    resume_seconds: float = RESUME_SECONDS
    """A scan that was cut short is continued where what it read is no older; 0: everything is read again."""
    type_seconds: float = TYPE_SECONDS
    """So long may reading one type in one region take."""
    limiter: Limiter | None = None
    """The account's limits; ``None``: the usual ones."""
    cost_explorer: bool = True
    """Whether what only Cost Explorer tells is read: it takes money for each request."""
    tape: str = ""
    """The tape that is scanned in place of the account, for people; empty: it is the account."""


class _Watch:
    """When a scan began, and how long ago: by a clock that nobody sets, for the machine's own may be set back meanwhile."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC)
        self._counted = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._counted

    def now(self) -> datetime:
        """The time, UTC; never less after the beginning than has gone by."""
        return max(datetime.now(UTC), self.began + timedelta(seconds=self.seconds))


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
    """Whether it was stopped before everything was read."""
    accepted: Accepted = NOTHING_ACCEPTED
    """What people said of it: what is waived, and what was attested."""


def bind_all(checks: Iterable[Check], standard: Standard) -> Mapping[str, Any]:
    """Return each check's thresholds by check id. Raises StandardError for a pattern that is missing or does not fit."""
    bound = {}
    for check in checks:
        for pattern in check.patterns:
            if pattern not in standard:
                raise StandardError(f"check {check.id} serves pattern {pattern}, which the standard does not have")
        bound[check.id] = standards.bind(standard[check.patterns[0]], check.thresholds)
    return bound


def check_versions(checks: Iterable[Check], thresholds: Mapping[str, Any]) -> Mapping[str, CheckVersion]:
    """Return what each check judges by: the digests of its code and of its THRESHOLDS (by check id)."""
    code = catalog.code_digests(checks)
    return {
        id: CheckVersion(digest, hashlib.sha256(repr(thresholds[id]).encode()).hexdigest()[:32])
        for id, digest in code.items()
    }


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
    ledger: Ledger = NO_LEDGER,
) -> Judged:
    """Read the account CONNECTION leads to, keep it in STORE, judge it by STANDARD, and return what came of it.

    PRICES is called once, when judging begins. LEASE is entered with the account id before anything is written: it raises
    LeaseTaken when another scan of the account runs. STOP ends the scan early: what was read is kept, judged and marked
    interrupted; a scan that ran out of time or of credentials is incomplete. LEDGER is what people waive and attest today.
    Raises CredentialsError, UsageError, StandardError, StoreError and LeaseTaken; what was stored before stays.
    """
    listener, stop = listener or Silence(), stop or threading.Event()
    chosen = select(checks, standard, request.selection)
    thresholds = bind_all(chosen.values(), standard)
    identity = connection.identify()
    enabled = enabled_regions(connection, request.regions)
    regions = _open_regions(request, enabled)
    needed = [types[name] for name in needed_types(chosen.values(), request.selection)]
    left_out = {} if request.cost_explorer else _of_cost_explorer(needed)
    needed = [type for type in needed if type.type not in left_out]
    source = {**_source(request), **({"left_out": left_out} if left_out else {})}
    plan = make_plan(needed, types, identity.account, identity.partition, regions)
    with lease(identity.account) as held, logs.about(account=identity.account):
        _never_mixed(store, identity.account, request.tape)
        watch, asked = _Watch(), len(plan.scopes)
        before, plan = _continue(store, plan, watch.began, 0 if request.tape else request.resume_seconds)
        scan = store.begin_scan(
            account=identity.account,
            account_name=request.account_name,
            partition=identity.partition,
            regions=regions,
            selection=request.selection.as_mapping(),
            program_version=__version__,
            standard_digest=standard.digest,
            checks_digest=catalog.digest(),
            started_at=watch.began,
            types_digest=collectors.digest(),
            lease=held,
            continues=before.id if before else None,
            taken=plan.taken,
            statistics=source,
        )
        logs.note(scan=scan.id)
        listener.begun(scan, len(plan.types), len(chosen))
        everywhere = None if enabled is None else [r for r in enabled if r not in request.closed_regions]
        statistics: dict[str, Any] = {"enabled_regions": everywhere, **source}
        if before is not None:
            log.info("continues scan %s: %s of %s scopes were complete", before.id, len(plan.taken), asked)
            statistics["continues"] = {"scan": before.id, "scopes": len(plan.taken), "of": asked}
        try:
            with store.writer(scan.id) as writer:

                def heard(progress: Progress) -> None:
                    writer.tick()
                    listener.progress(progress)

                collected = collect(
                    plan,
                    connection.caller(),
                    writer,
                    threads=request.threads,
                    deadline_seconds=request.deadline_seconds,
                    type_seconds=request.type_seconds,
                    limiter=request.limiter,
                    on_progress=heard,
                    stop=stop,
                )
            statistics |= collected.statistics
            interrupted = collected.interrupted and stop.is_set()
            if sum(coverage.resources for coverage in collected.coverage.values()) >= _MANY_RESOURCES:
                connection.rest()
            remember(store, scan, types)
            judged = judge_scan(store, scan, chosen, standard, thresholds, everywhere, prices(), listener, ledger)
            # By what the store made of it: it does not believe everything at once.
            whole = all(coverage.whole for coverage in judged.coverage.values())
            status = ScanStatus.COMPLETE if whole else ScanStatus.INCOMPLETE
            if interrupted:
                status = ScanStatus.INTERRUPTED
            statistics["verdicts"] = judged.judgement.verdicts
        except BaseException as error:
            status = ScanStatus.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ScanStatus.FAILED
            _finish_quietly(store, scan, status, watch.now(), statistics)
            raise
        statistics["judging_seconds"] = round(watch.seconds - collected.seconds, 3)
        finished = store.finish_scan(scan.id, status, watch.now(), statistics)
    return replace(judged, scan=finished, interrupted=interrupted)


def _continue(store: Store, plan: Plan, now: datetime, limit_seconds: float) -> tuple[Scan | None, Plan]:
    """Return the scan that is continued, if any, and PLAN without what it read. Only with the account's lease."""
    before = store.latest_scan(plan.account, finished=False)
    if before is not None and before.started_at > now:
        log.warning(
            "this machine's clock stands at %s UTC, before the beginning of scan %s (%s UTC): one of the two is wrong; scans "
            "keep their order, and nothing is aged by it",
            *(f"{now:%Y-%m-%d %H:%M:%S}", before.id, f"{before.started_at:%Y-%m-%d %H:%M:%S}"),
        )
    if before is None or limit_seconds <= 0:
        return None, plan
    parents = {name: type.parent for name, type in plan.types.items()}
    coverage = store.inventory(before.id).coverage
    taken = scopes_to_take_over(before, coverage, plan.scopes, parents, collectors.digest(), now, limit_seconds)
    return (before, replace(plan, taken=taken)) if taken else (None, plan)


def enabled_regions(connection: Connection, asked: Sequence[str]) -> tuple[str, ...] | None:
    """Return the account's enabled regions; ``None`` when that may not be asked and the ASKED regions can be read anyway.

    Raises CredentialsError when no region was asked for: then there is nothing to read.
    """
    try:
        return connection.enabled_regions()
    except CredentialsError as error:
        if not asked:
            raise CredentialsError(f"{error}; or name the regions to read with --region") from error
        log.warning("%s; only the named regions are read, and what would join others is unknown", error)
        return None


def _open_regions(request: ScanRequest, enabled: Sequence[str] | None) -> tuple[str, ...]:
    """Return the regions to read. Raises UsageError when none is left."""
    regions = choose_regions(request.regions, enabled)
    left = tuple(region for region in regions if region not in request.closed_regions)
    if not left:
        raise UsageError(f"no region is left to read: account.closed_regions names {', '.join(regions)}")
    return left


def _of_cost_explorer(types: Iterable[ResourceType]) -> Mapping[str, str]:
    """Return the names of the TYPES that Cost Explorer tells, with why they are left out."""
    said = "scan.cost_explorer is false in the configuration"
    return {type.type: said for type in types if any(call.service == "ce" for call in type.every_call)}


def _source(request: ScanRequest) -> Mapping[str, Any]:
    """Return what marks a scan as one of a tape, from its first moment on."""
    return {"tape": request.tape} if request.tape else {}


def _never_mixed(store: Store, account: str, tape: str) -> None:
    """Raise UsageError where a tape would go on with an account's history, or an account with a tape's."""
    latest = store.latest_scan(account, finished=False)
    if latest is None or bool(latest.tape) == bool(tape):
        return
    held, wanted = ("tapes", "the account itself") if latest.tape else ("scans of AWS itself", "a tape")
    raise UsageError(
        f"the store {store.url} holds {held} of account {account}, and this scan is of {wanted}: their histories must not "
        "mix; name another store with --store"
    )


def _finish_quietly(
    store: Store, scan: Scan, status: ScanStatus, moment: datetime, statistics: Mapping[str, Any]
) -> None:
    """Note how the scan ended without hiding why: the store may be what broke."""
    try:
        store.finish_scan(scan.id, status, moment, statistics)
    except AuditorError as error:
        log.warning("scan %s could not be marked as %s: %s", scan.id, status, error)
    except Exception:
        log.exception("scan %s could not be marked as %s", scan.id, status)


def judge_scan(
    store: Store,
    scan: Scan,
    chosen: Mapping[str, Check],
    standard: Standard,
    thresholds: Mapping[str, Any],
    enabled_regions: Sequence[str] | None,
    prices: PriceBook,
    listener: Listener,
    ledger: Ledger = NO_LEDGER,
) -> Judged:
    """Judge what SCAN stored by the CHOSEN checks, keep the judgement, and return it.

    ENABLED_REGIONS: all regions of the account; ``None``: not known, then what joins all regions is unknown.
    """
    store.rename_checks(scan.account, _renamed(chosen))
    inventory, judgement = store.patiently(
        lambda: _judge(store, scan, chosen, thresholds, enabled_regions, prices, listener, ledger)
    )
    patterns = _ids(standard)
    accepted = ledger.lay_over(scan, inventory, judgement.findings, judgement.tallies, store.regions(scan.account))
    scores = score(scan.account, patterns, chosen, judgement.tallies, judgement.findings, accepted.waived)
    versions = check_versions(chosen.values(), thresholds)
    stored = store.save_judgement(
        scan.id, judgement.findings, judgement.tallies, scores, accepted=accepted, checks=versions
    )
    return Judged(scan, inventory.coverage, judgement, scores, stored, accepted=accepted)


def evaluate(
    store: Store,
    scan: Scan,
    standard: Standard,
    checks: Mapping[str, Check],
    prices: PriceBook,
    *,
    selection: Selection | None = None,
    listener: Listener | None = None,
    ledger: Ledger = NO_LEDGER,
) -> Judged:
    """Judge a stored scan again by today's standard and checks; no AWS call is made.

    SELECTION ``None``: what the scan itself selected, and the scan is then one of today's standard and checks. Else only the
    selected checks' verdicts are replaced; where standard or checks have changed since, the scan is from then on one of
    both, which compares with no other. What the scan did not read stays unknown. The newest judged scan of the account is
    judged anew in the store; for an older one nothing is stored and history stays as it was. Raises UsageError and
    StandardError.
    """
    chosen = select(checks, standard, selection or Selection.from_mapping(scan.selection))
    thresholds, listener = bind_all(chosen.values(), standard), listener or Silence()
    regions = scan.statistics.get("enabled_regions")
    store.rename_checks(scan.account, _renamed(checks))
    inventory, judgement = _judge(store, scan, chosen, thresholds, regions, prices, listener, ledger)
    tallies: Collection[Tally] = judgement.tallies
    findings: Collection[Finding] = judgement.findings
    judged = replace(scan, standard_digest=standard.digest, checks_digest=catalog.digest())
    if selection is not None:
        tallies, findings = _beside(store, scan, chosen, list(tallies), list(findings))
        judged = replace(
            scan,
            standard_digest=_mixed(scan.standard_digest, judged.standard_digest),
            checks_digest=_mixed(scan.checks_digest, judged.checks_digest),
        )
    patterns = _ids(standard)
    accepted = ledger.lay_over(scan, inventory, findings, tallies, store.regions(scan.account))
    scores = score(scan.account, patterns, checks, tallies, findings, accepted.waived)
    stored = store.save_judgement(
        scan.id,
        judgement.findings,
        judgement.tallies,
        scores,
        accepted=accepted,
        beside=[finding.key for finding in findings if finding.verdict is Verdict.FAIL],
        narrowed=selection is not None,
        standard_digest=judged.standard_digest,
        checks_digest=judged.checks_digest,
        checks=check_versions(chosen.values(), thresholds),
    )
    if not stored:
        scores = score(scan.account, patterns, chosen, judgement.tallies, judgement.findings, accepted.waived)
    return Judged(judged, inventory.coverage, judgement, scores, stored, accepted=accepted)


def _judge(
    store: Store,
    scan: Scan,
    chosen: Mapping[str, Check],
    thresholds: Mapping[str, Any],
    enabled_regions: Sequence[str] | None,
    prices: PriceBook,
    listener: Listener,
    ledger: Ledger,
) -> tuple[Inventory, Judgement]:
    held = store.inventory(scan.id)
    inventory = Inventory(
        scan.account,
        held.resources,
        held.coverage,
        enabled_regions,
        prices,
        kept=remembered(store, scan),
        attestations=ledger.of(scan.account),
        others=others_of(store, scan),
        left_out=scan.statistics.get("left_out"),
    )
    return inventory, judge_all(chosen.values(), inventory, lambda check: thresholds[check.id], listener.judging)


def others_of(store: Store, scan: Scan) -> Callable[[str], Inventory | None]:
    """Return what gives the inventory of another account: of the scan that spoke for it when SCAN ended."""

    def other(account: str) -> Inventory | None:
        found = store.latest_scan(account, by=scan.finished_at or datetime.now(UTC))
        if found is None or found.partition != scan.partition or bool(found.tape) != bool(scan.tape):
            return None
        found = store.widest_scan(found)
        held = store.inventory(found.id)
        told = found.statistics
        return Inventory(
            account, held.resources, held.coverage, told.get("enabled_regions"), left_out=told.get("left_out")
        )

    return other


def _renamed(checks: Mapping[str, Check]) -> Mapping[str, str]:
    """Return the former ids of CHECKS with those they have now."""
    return {former: check.id for check in checks.values() for former in check.aliases}


def _ids(standard: Standard) -> list[str]:
    return [pattern.id for pattern in standard]


def _beside(
    store: Store, scan: Scan, chosen: Mapping[str, Check], tallies: list[Tally], findings: list[Finding]
) -> tuple[list[Tally], list[Finding]]:
    """Return TALLIES and FINDINGS of the CHOSEN checks together with what is stored of the others: a score is of all."""
    failing = [state.finding for state in store.findings(scan.id, verdicts=[Verdict.FAIL])]
    return (
        [tally for tally in store.tallies(scan.id) if tally.check not in chosen] + tallies,
        [finding for finding in failing if finding.check not in chosen] + findings,
    )


def _mixed(then: str, now: str) -> str:
    """Return the digest of a scan that was judged partly by THEN, partly by NOW."""
    return then if now in then.split("+") else f"{then}+{now}"


def coverage_percent(coverage: Iterable[Coverage]) -> float:
    """Return how much of what was asked for was read, 0 to 100: the share of scopes read whole, every field of each.

    A service that is not offered in a region counts as read: there is nothing, and that is known.
    """
    whole = [cover.whole for cover in coverage]
    return 100 * sum(whole) / len(whole) if whole else 0.0
