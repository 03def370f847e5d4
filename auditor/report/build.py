"""From the nouns of a scan to the view every format renders."""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from auditor.kit import iso
from auditor.model import FindingState, Scan, ScanStatus, Score, Severity, Verdict
from auditor.report.accepted import attestation_view, waiver_view
from auditor.report.alike import Alike
from auditor.report.block import Block
from auditor.report.changes import Turned, changes_view, night_view, scores_by_id
from auditor.report.checked import check_views, counts_by_check
from auditor.report.findings import Findings, FindingViews, in_order
from auditor.report.inputs import Names, ReportInputs
from auditor.report.money import Savings
from auditor.report.reading import Blind
from auditor.report.runs import Run, is_waived, ordered
from auditor.report.spending import spending_view
from auditor.report.standing import section_views
from auditor.report.text import moment, plural, score_text, visible
from auditor.report.view import Counts, CoverageView, ReportView, Standing

__all__ = ["build_view"]


_COMMANDS = 5
"""Filled-in fixes of one check that are listed."""
_LONGEST = 2000
"""Characters of one that is."""
_FIRST = 512
"""Findings that are kept at hand: most formats show the first few, and should not go through all for them."""


def build_view(inputs: ReportInputs) -> ReportView:
    """Return the view of a scan; built once, rendered in every format. The findings are gone through once, in their order."""
    with _nothing_collected():
        return _view(inputs)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep Python from searching for cycles: there are none here, and the search takes a third of the time of many findings."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _view(inputs: ReportInputs) -> ReportView:
    scan = inputs.scan
    order = list(check_views(inputs, {}))
    views = FindingViews(inputs)
    runs = ordered(inputs, order)
    alike, blind, block = Alike(), Blind(inputs), Block(inputs, views)
    turned, savings = Turned(inputs), Savings(inputs)
    faults, first = [], list[FindingState]()
    commands: dict[str, list[str]] = defaultdict(list)
    waived: list[FindingState] = []
    count = 0
    for every in runs():
        count += len(every.states)
        failing = every.verdict is Verdict.FAIL
        if inputs.changes is None and failing:
            for state in every.states:
                turned.add(state)
        for place, gaps in enumerate(every.own.gaps):
            if gaps:
                blind.add(every.states[place].finding)
        run, accepted = every.parted()
        waived += accepted
        if run is None:
            continue
        block.add(run)
        first += run.states[: _FIRST - len(first)]
        if failing:
            alike.add(run)
            savings.add(run)
            check, some = inputs.checks.get(run.check), commands[run.check]
            if check and check.fix.cli:
                for state in islice(run.states, _COMMANDS - len(some)):
                    if 0 < len(command := views(state).command) <= _LONGEST:
                        some.append(command)
        faults += [views(run.states[place]) for place, fault in enumerate(run.own.faults) if fault]
    counts = counts_by_check(inputs.tallies, Counter(state.finding.check for state in waived))
    checks = check_views(inputs, counts)
    coverage = blind.view()
    changes = changes_view(inputs, turned, checks)
    sections = section_views(inputs, checks, alike.by_check(), changes.comparable)
    closed = in_order(turned.ended, inputs, order)
    account = scores_by_id(inputs.scores).get(("account", ""))
    severities = alike.severities
    standings = Counter(bullet.standing for section in sections for bullet in section.bullets)
    score, letter = (account.value, account.letter) if account else (None, None)
    strict = account.strict if account else None
    return ReportView(
        title=visible(scan.account_name or scan.account),
        standard=visible(inputs.standard.title),
        account=visible(scan.account),
        account_name=visible(scan.account_name),
        partition=visible(scan.partition),
        tape=visible(scan.tape),
        scan=scan.id,
        status=str(scan.status),
        started=iso(scan.started_at),
        finished=iso(scan.finished_at) if scan.finished_at else "",
        when=moment(scan.finished_at or scan.started_at),
        seconds=(scan.finished_at - scan.started_at).total_seconds() if scan.finished_at else None,
        regions=tuple(map(visible, scan.regions)),
        selection=_selection(scan),
        version=visible(scan.program_version),
        standard_digest=visible(scan.standard_digest),
        checks_digest=visible(scan.checks_digest),
        verdict=_verdict(scan, score, letter, severities, coverage, len(waived)),
        score=score,
        letter=letter,
        strict=strict,
        counts=_counts(account),
        severities=severities,
        standings={standing: standings[standing] for standing in Standing},
        coverage=coverage,
        changes=changes,
        nights=tuple(map(night_view, inputs.nights)),
        risks=alike.risks(),
        sections=sections,
        checks=checks,
        money=savings.view(views),
        spending=spending_view(scan, inputs.spending, inputs.coverage),
        findings=Findings(lambda: _not_waived(runs()), count - len(waived), views, first),
        faults=tuple(faults),
        block=block.lines(),
        commands=commands,
        waived=Findings(lambda: waived, len(waived), views),
        closed=Findings(lambda: closed, len(closed), views),
        waivers=tuple(waiver_view(use.waiver, use) for use in inputs.accepted.waivers),
        attestations=tuple(map(attestation_view, inputs.accepted.attestations)),
        notices=tuple(map(visible, inputs.accepted.notices)),
        tallies=tuple(inputs.tallies),
        names=Names(inputs.resources),
    )


def _not_waived(runs: Iterable[Run]) -> Iterator[FindingState]:
    return (state for run in runs for state in run.states if not is_waived(state))


def _counts(score: Score | None) -> Counts:
    if score is None:
        return Counts()
    return Counts(score.passed, score.failed, score.unknown, score.not_applicable, score.waived)


def _selection(scan: Scan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((visible(key), tuple(map(visible, values))) for key, values in scan.selection.items() if values)


def _verdict(
    scan: Scan,
    score: float | None,
    letter: str | None,
    severities: Mapping[Severity, int],
    coverage: CoverageView,
    waived: int,
) -> str:
    """Return the whole report in one sentence."""
    stopped = {
        ScanStatus.INTERRUPTED: "; the scan was interrupted",
        ScanStatus.FAILED: "; the scan failed",
        ScanStatus.RUNNING: "; the scan has not ended",
    }.get(scan.status, "")
    if not coverage.known:
        return f"No score: {'nothing could be read' if coverage.asked else 'nothing was asked for'}{stopped}"
    head = (
        f"{score_text(score)} of 100, grade {letter}" if letter else "No score, for nothing passed and nothing failed"
    )
    grave = severities[Severity.CRITICAL] + severities[Severity.HIGH]
    total = sum(severities.values())
    if grave:
        found = plural(grave, "critical or high finding")
    elif total:
        found = f"no critical or high findings, {plural(total, 'lesser one')}"
    else:
        found = "no findings"
    unread = (
        f"{plural(coverage.unread, 'scope')} could not be read" if coverage.unread else "everything asked for was read"
    )
    accepted = f", {waived:,} waived" if waived else ""
    return f"{head}: {found}{accepted}, {unread}{stopped}"
