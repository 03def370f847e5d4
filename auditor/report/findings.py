"""Findings as readers see them, and the checks they come from."""

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.kit import Check, iso
from auditor.model import Evidence, Finding, FindingState, Lifecycle, Severity, Tally, Verdict
from auditor.report.accepted import waiver_view
from auditor.report.fix import fill_fix
from auditor.report.inputs import Known, ReportInputs
from auditor.report.links import console_url
from auditor.report.text import json_text, short, visible, word
from auditor.report.view import CheckView, Counts, EvidenceView, FindingView, RiskView, SameView, TurnView

__all__ = ["FindingViews", "check_view", "check_views", "counts_by_check", "in_order", "risks", "same"]

_LONGEST = 20_000
"""Characters of one text from an account that a report keeps; longer ones lose their middle."""
_KEY, _VALUE = 256, 512
"""Characters of a tag."""
_TOP = 8
_TURNS = 6
_SAME = 3
_NAMES = 6
_NOTHING = Known()


_iso = functools.lru_cache(maxsize=4096)(iso)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else short(text, _LONGEST)


def _text(text: str) -> str:
    return visible(_shortened(text))


@dataclass(frozen=True, slots=True)
class _Own:
    """What is a resource's own and stands in each of its findings."""

    resource: str
    name: str
    console: str
    tags: Mapping[str, str]
    fields: Mapping[str, object]
    """What its fixes are filled with."""


class FindingViews:
    """Makes views of a scan's findings; what several findings of one resource share is made once."""

    def __init__(self, inputs: ReportInputs) -> None:
        self._inputs = inputs
        self._owns: dict[tuple[str, str], _Own] = {}

    def __call__(self, state: FindingState) -> FindingView:
        """Return one finding, clean and with its fix filled in."""
        finding = state.finding
        own = self._owns.get((finding.resource, finding.name)) or self._own(finding)
        check = self._inputs.checks.get(finding.check)
        failing = finding.verdict is Verdict.FAIL
        saving = finding.saving if failing else None
        return FindingView(
            key=finding.key,
            check=finding.check,
            verdict=finding.verdict,
            severity=finding.severity,
            section=check.patterns[0].partition(".")[0] if check else "",
            resource=own.resource,
            name=own.name,
            type=word(finding.type),
            region=word(finding.region),
            account=word(finding.account),
            evidence=tuple(map(_evidence, finding.evidence)),
            reason=_text(finding.reason) if finding.reason else "",
            gaps=tuple([visible(str(gap)) for gap in finding.gaps]),
            command=_command(check, own.fields) if check and failing and check.fix.cli else "",
            console=own.console,
            since=_iso(state.since),
            since_scan=state.since_scan,
            lifecycle=state.lifecycle,
            last_seen=_iso(state.last_seen),
            usd_month=saving.usd_month if saving else None,
            fault=finding.fault,
            tags=own.tags,
            waiver=waiver_view(state.waiver) if state.waiver else None,
            history=tuple(
                [TurnView(_iso(t.at), t.scan, t.what) for t in self._inputs.histories.get(finding.key, ())[-_TURNS:]]
            ),
        )

    def _own(self, finding: Finding) -> _Own:
        known = self._inputs.resources.get(finding.resource, _NOTHING)
        name = known.name or finding.name or finding.resource
        named = {"name": name, "id": finding.resource, "region": finding.region, "account": finding.account}
        own = self._owns[finding.resource, finding.name] = _Own(
            resource=_text(finding.resource),
            name=_text(name),
            console=console_url(self._inputs.scan.partition, finding.type, finding.resource, name, finding.region),
            tags={
                word(key if len(key) <= _KEY else short(key, _KEY)): visible(
                    short(value, _VALUE) if len(value) > _VALUE else value
                )
                for key, value in known.tags.items()
            },
            fields={**known.fields, **named},
        )
        return own


def _command(check: Check, fields: Mapping[str, object]) -> str:
    """Return the filled fix, or the unfilled one where it would be too long: half a command is none."""
    command = visible(fill_fix(check.fix, fields))
    return command if len(command) <= _LONGEST else visible(check.fix.cli)


def _evidence(item: Evidence) -> EvidenceView:
    facts = tuple([(word(key), _shortened(json_text(value))) for key, value in item.facts.items()])
    return EvidenceView(_text(item.sentence), facts)


def in_order(findings: Iterable[FindingView], checks: Iterable[str]) -> list[FindingView]:
    """Return FINDINGS with failures first, worst first, then in the order of CHECKS (ids), by region and name."""
    rank = {id: number for number, id in enumerate(checks)}
    last = len(rank)

    def key(finding: FindingView) -> tuple[str, str, str]:
        return finding.region, finding.name, finding.resource

    # A list for each kind: sorting many short keys is cheaper than one long list of long ones.
    kinds: dict[tuple[bool, Severity, int], list[FindingView]] = defaultdict(list)
    for finding in findings:
        kinds[finding.verdict is not Verdict.FAIL, finding.severity, rank.get(finding.check, last)].append(finding)
    order = sorted(kinds, key=lambda kind: (kind[0], kind[1].rank, kind[2]))
    return [finding for kind in order for finding in sorted(kinds[kind], key=key)]


def counts_by_check(tallies: Iterable[Tally], states: Iterable[FindingState] = ()) -> Mapping[str, Counts]:
    """Return each check's verdicts, counted; a scope that could not be read counts as one unknown.

    STATES are the findings; those that fail and are waived are counted a second time as waived.
    """
    waived = Counter(state.finding.check for state in states if state.waiver and state.finding.verdict is Verdict.FAIL)
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for tally in tallies:
        here = counted[tally.check]
        here[0] += len(tally.passed)
        here[1] += len(tally.failed)
        here[2] += len(tally.unknown) + (tally.unread is not None)
        here[3] += sum(map(len, tally.not_applicable.values()))
    return {check: Counts(here[0], here[1], here[2], here[3], waived[check]) for check, here in counted.items()}


def check_views(inputs: ReportInputs, counts: Mapping[str, Counts]) -> dict[str, CheckView]:
    """Return every check's page by id, in the order of the standard's bullets."""
    order = {pattern.id: number for number, pattern in enumerate(inputs.standard)}
    last = len(order)

    def place(check: Check) -> tuple[int, int]:
        return min(order.get(pattern, last) for pattern in check.patterns), check.severity.rank

    return {check.id: check_view(check, counts) for check in sorted(inputs.checks.values(), key=place)}


def check_view(check: Check, counts: Mapping[str, Counts]) -> CheckView:
    """Return a check's page, with what it concluded: COUNTS are by check id."""
    return CheckView(
        id=visible(check.id),
        title=visible(check.title),
        why=visible(check.section("Why")),
        fix=visible(check.section("Fix")),
        source=visible(check.section("Source")),
        severity=check.severity,
        types=check.on,
        patterns=check.patterns,
        command=visible(check.fix.cli),
        terraform=visible(check.fix.terraform),
        same_as=check.same_as,
        counts=counts.get(check.id, Counts()),
        ran=check.id in counts,
    )


def risks(findings: Sequence[FindingView]) -> tuple[RiskView, ...]:
    """Return the worst of FINDINGS (in order), one line a check: by severity, then by how many of it."""
    by_check: dict[str, list[FindingView]] = defaultdict(list)
    for finding in findings:
        if finding.verdict is Verdict.FAIL and finding.severity is not Severity.INFO:
            by_check[finding.check].append(finding)
    found = [_risk(held) for held in by_check.values()]
    return tuple(sorted(found, key=lambda risk: (risk.severity.rank, -risk.worst, -risk.count))[:_TOP])


def _risk(held: list[FindingView]) -> RiskView:
    worst = held[0].severity
    return RiskView(
        check=held[0].check,
        severity=worst,
        count=len(held),
        worst=sum(finding.severity is worst for finding in held),
        regions=tuple(sorted({finding.region for finding in held})),
        same=same(held),
        new=sum(finding.lifecycle in (Lifecycle.OPENED, Lifecycle.REOPENED) for finding in held),
    )


def same(findings: Iterable[FindingView]) -> tuple[SameView, ...]:
    """Return the first few kinds of FINDINGS, in their order: those of one check and severity that read the same are one."""
    kinds: dict[tuple[str, Severity, str], list[FindingView]] = {}
    for finding in findings:
        kind = finding.check, finding.severity, finding.sentence
        if kind in kinds or len(kinds) < _SAME:
            kinds.setdefault(kind, []).append(finding)
    return tuple(
        SameView(
            check=check,
            severity=severity,
            sentence=sentence,
            type=held[0].type,
            names=tuple(finding.name for finding in held[:_NAMES]),
            count=len(held),
            regions=tuple(sorted({finding.region for finding in held})),
        )
        for (check, severity, sentence), held in kinds.items()
    )
