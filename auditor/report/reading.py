"""What was read and what could not be: coverage, and the gaps with all that is blind for them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from auditor.model import Coverage, CoverageState, Finding, Gap, Scope
from auditor.report.inputs import ReportInputs
from auditor.report.text import moment, service, short, visible
from auditor.report.view import CoverageView, GapView, ScopeRow, TakenView

__all__ = ["Blind"]

_DENIED = re.compile(r"denied|unauthori[sz]ed|authorizationerror|notauthori[sz]ed|forbidden|^403$", re.IGNORECASE)
_SLOW = re.compile(r"throttl|toomanyrequests|requestlimit|rateexceeded|slowdown", re.IGNORECASE)
_LATE = re.compile(r"timeout|timedout|deadline|cutoff|interrupted", re.IGNORECASE)
_AWS = re.compile(r"internal|serviceunavailable|^5\d\d$|connection|endpoint", re.IGNORECASE)
_NAMES = 12

_NO_RECORD = "AWS keeps no record that could decide it; look at the resources named here by hand."
_NO_DATA = "CloudWatch has no data of it yet, or too little; it will be judged once there is enough."
_ADVICE = {
    "DataUnavailableException": "AWS has no figures of it: Cost Explorer was never switched on, or it is too new.",
    "FieldMissing": "AWS's answer did not hold the field. If it stays so in the next scan, please report it.",
    "Filtered": "How much of the costs the filter lets through is not read; a budget or monitor without a filter decides it.",
    "NeverGenerated": "AWS has not worked it out; whoever may can have it done in the console, Cost Management, Savings Plans.",
    "NotFound": "What the resource points to was not found; it may have been deleted during the scan. Scan again.",
    "NotGiven": "AWS cannot tell; somebody who knows has to look. Until then it counts neither as a pass nor as a failure.",
    "NotImplemented": "The endpoint does not know this operation. AWS itself does; a stand-in for it may not.",
    "NoLongerOffered": "AWS says that the service is not offered or not subscribed to any more, and the account had resources "
    "of it. It is believed once it has been said for three days; until then nothing counts as gone or mended.",
    "NotRead": "The scan did not read it: it was not part of what was asked for, or there is no collector for it yet.",
    "NotUnderstood": "The value is of a form the auditor does not know; look at it by hand, and please report it.",
    "OtherAccount": "It lies in another account, which this scan does not read.",
    "TooFewDays": "The metric does not reach back far enough yet; it will be judged once it does.",
    "TooFewDatapoints": _NO_DATA,
    "NoData": _NO_DATA,
    "NoDatapoints": _NO_DATA,
    "NoInformation": _NO_RECORD,
    "NotRecorded": _NO_RECORD,
    "OtherCurrency": "Amounts of another currency are held against no amount in USD.",
    "RegionClosed": "A policy of the organisation closes this region as a whole: name it under closed_regions in [account], then "
    "it is out of scope. No permission of the auditor's role opens it.",
    "SourceUnknown": _NO_RECORD,
    "SwitchedOff": "config.toml leaves it out, for Cost Explorer takes 0.01 USD a request; scan.cost_explorer = true asks again.",
}
"""Our own codes of what is not known -> what to do."""


class _Group:
    """What is blind for one gap while it is gathered."""

    def __init__(self) -> None:
        self.message = ""
        self.scopes = 0
        self.findings = 0
        self.states: dict[CoverageState, None] = {}
        self.types: set[str] = set()
        self.regions: set[str] = set()
        self.checks: dict[str, None] = {}
        self.names: dict[str, None] = {}


class Blind:
    """Takes what could not be read: of scopes at once, of single findings as they are added; and says what is blind for it."""

    def __init__(self, inputs: ReportInputs) -> None:
        self._inputs = inputs
        self._coverage = tuple(inputs.coverage)
        self._groups: dict[tuple[str, str], _Group] = defaultdict(_Group)
        readers: dict[str, list[str]] = defaultdict(list)
        for check in inputs.checks.values():
            for type in dict.fromkeys((*check.on, *check.reads)):
                readers[type].append(check.id)
        for cover in self._coverage:
            if not cover.state.known:
                group = _add_scope(self._groups, cover, cover.gap or Gap(cover.scope.type, str(cover.state)))
                group.checks.update(dict.fromkeys(readers.get(cover.scope.type, ())))
            for gap in {(gap.operation, gap.code): gap for gap in cover.gaps.values()}.values():
                _add_scope(self._groups, cover, gap)

    def add(self, finding: Finding) -> None:
        """Take what one finding could not be told for."""
        for gap in finding.gaps:
            _add_finding(self._groups, gap, finding)

    def view(self) -> CoverageView:
        """Return how completely the scopes asked for were read, and every gap with the checks it blinds, worst first."""
        inputs, coverage = self._inputs, self._coverage
        order = {id: number for number, id in enumerate(inputs.checks)}
        views = [_gap_view(key, group, inputs, order) for key, group in self._groups.items()]
        views.sort(key=lambda gap: (-len(gap.checks), -gap.scopes, -gap.findings, gap.operation))
        services = _services(coverage, inputs.offerings)
        return CoverageView(
            asked=len(coverage),
            states=Counter(map(_state, coverage)),
            resources=sum(row.resources for row in services),
            services=services,
            gaps=tuple(views),
            taken=_taken(coverage),
        )


def _taken(coverage: Iterable[Coverage]) -> tuple[TakenView, ...]:
    by_scan: dict[int, list[Coverage]] = defaultdict(list)
    for cover in coverage:
        if cover.from_scan is not None:
            by_scan[cover.from_scan].append(cover)
    return tuple(
        TakenView(scan, len(of), moment(min((c.observed_at for c in of if c.observed_at), default=None)))
        for scan, of in sorted(by_scan.items())
    )


def _state(cover: Coverage) -> CoverageState:
    """Return how a scope was read: one whose resources are all known, but not all their fields, was read in part."""
    return CoverageState.PARTIAL if cover.state.known and not cover.whole else cover.state


def _add_scope(groups: dict[tuple[str, str], _Group], cover: Coverage, gap: Gap) -> _Group:
    group = groups[gap.operation, gap.code]
    group.scopes += 1
    group.states[_state(cover)] = None
    group.message = group.message or gap.message
    group.types.add(cover.scope.type)
    group.regions.add(cover.scope.region)
    return group


def _add_finding(groups: dict[tuple[str, str], _Group], gap: Gap, finding: Finding) -> None:
    group = groups[gap.operation, gap.code]
    group.findings += 1
    group.message = group.message or gap.message
    group.types.add(finding.type)
    group.regions.add(finding.region)
    group.checks[finding.check] = None
    if len(group.names) < _NAMES:
        group.names[visible(short(finding.name or finding.resource, 120))] = None


def _gap_view(key: tuple[str, str], group: _Group, inputs: ReportInputs, order: Mapping[str, int]) -> GapView:
    operation, code = key
    denied = bool(_DENIED.search(code)) or CoverageState.DENIED in group.states
    permission = inputs.permissions.get(operation)
    action = (permission.action if permission else operation) if denied else ""
    measured = {pattern for id in group.checks if id in inputs.checks for pattern in inputs.checks[id].patterns}
    return GapView(
        operation=visible(operation),
        code=visible(code),
        message=visible(short(group.message, 2000)),
        action=visible(action) if ":" in action and "::" not in action else "",
        advice=_advice(code, group.message, denied),
        scopes=group.scopes,
        findings=group.findings,
        states=tuple(group.states),
        types=tuple(visible(type) for type in sorted(group.types)),
        regions=tuple(visible(region) for region in sorted(group.regions)),
        checks=tuple(sorted(group.checks, key=lambda id: order.get(id, len(order)))),
        patterns=tuple(pattern.id for pattern in inputs.standard if pattern.id in measured),
        resources=tuple(group.names),
    )


def _advice(code: str, message: str, denied: bool) -> str:
    if code == "RegionClosed":
        return _ADVICE[code]
    if denied and "service control policy" in message:
        return "A service control policy of the organisation denies it; allow it there for the auditor's role."
    if denied and "explicit deny" in message:
        return "A policy denies it explicitly; take the auditor's role out of that statement."
    if denied:
        return "Allow the action to the auditor's role; `auditor policy` prints all it needs."
    if code in _ADVICE:
        return _ADVICE[code]
    if _SLOW.search(code):
        return "AWS throttled the call to the end. Scan again, or at a quieter hour."
    if _LATE.search(code):
        return "Time ran out. Scan again, or give the scan more time."
    if _AWS.search(code):
        return "AWS did not answer properly. Scan again; check the network if it stays."
    return "Scan again; if it stays, `auditor doctor` says more."


def _services(coverage: Iterable[Coverage], offerings: Mapping[Scope, int]) -> tuple[ScopeRow, ...]:
    states: dict[str, Counter[CoverageState]] = defaultdict(Counter)
    resources: Counter[str] = Counter()
    for cover in coverage:
        name = visible(service(cover.scope.type))
        states[name][_state(cover)] += 1
        resources[name] += cover.resources - offerings.get(cover.scope, 0)
    rows = [ScopeRow(name, dict(counted), resources[name]) for name, counted in states.items()]

    def key(row: ScopeRow) -> tuple[int, int, str]:
        unread = sum(count for state, count in row.states.items() if not state.known)
        return -unread, -row.resources, row.service

    return tuple(sorted(rows, key=key))
