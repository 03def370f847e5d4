"""Findings as readers see them: in order, and made only where somebody reads them."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import overload

from auditor.kit import Check, iso
from auditor.model import Evidence, Finding, FindingState, Verdict
from auditor.report.accepted import waiver_view
from auditor.report.fix import fill_fix, place_of, with_facts
from auditor.report.inputs import NOTHING_KNOWN, ReportInputs
from auditor.report.links import console_url
from auditor.report.runs import runs_of
from auditor.report.tags import clean_tags
from auditor.report.text import LONGEST, clean, json_text, short, visible, word
from auditor.report.view import EvidenceView, FindingView, TurnView

__all__ = ["TURNS", "FindingViews", "Findings", "command_of", "in_order"]

TURNS = 6
_REMEMBERED = 4096
"""Resources whose own texts are kept for their next finding."""


_iso = functools.lru_cache(maxsize=4096)(iso)


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
        self._last: tuple[FindingState, FindingView] | None = None

    def __call__(self, state: FindingState) -> FindingView:
        """Return one finding, clean and with its fix filled in; the same again where it is asked for twice in a row."""
        if self._last is None or self._last[0] is not state:
            self._last = state, self._view(state)
        return self._last[1]

    def _view(self, state: FindingState) -> FindingView:
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
            reason=clean(finding.reason) if finding.reason else "",
            gaps=tuple([visible(str(gap)) for gap in finding.gaps]),
            command=command_of(check, own.fields, finding.evidence) if check and failing and check.fix.cli else "",
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
                [TurnView(_iso(t.at), t.scan, t.what) for t in self._inputs.histories.get(finding.key, ())[-TURNS:]]
            ),
        )

    def _own(self, finding: Finding) -> _Own:
        known = self._inputs.resources.get(finding.resource, NOTHING_KNOWN)
        if len(self._owns) >= _REMEMBERED:
            self._owns.clear()
        name = known.name or finding.name or finding.resource
        named = {**place_of(finding.region, finding.account, finding.type), "name": name, "id": finding.resource}
        own = self._owns[finding.resource, finding.name] = _Own(
            resource=clean(finding.resource),
            name=clean(name),
            console=console_url(self._inputs.scan.partition, finding.type, finding.resource, name, finding.region),
            tags=clean_tags(known.tags),
            fields={**known.fields, **named},
        )
        return own


def command_of(check: Check, fields: Mapping[str, object], evidence: Sequence[Evidence]) -> str:
    """Return the fix, filled with FIELDS and facts, or the unfilled one where it would be too long: half a command is none."""
    command = visible(fill_fix(check.fix, with_facts(check.fix, fields, evidence)))
    return command if len(command) <= LONGEST else visible(check.fix.cli)


def _evidence(item: Evidence) -> EvidenceView:
    facts = tuple([(word(key), short(json_text(value), LONGEST)) for key, value in item.facts.items()])
    return EvidenceView(clean(item.sentence), facts)


class Findings(Sequence[FindingView]):
    """Findings in the report's order. Only their states are held (or not even those): each view is made when it is read.

    Going through them costs no memory; a slice makes what it holds.
    """

    def __init__(
        self,
        states: Callable[[], Iterable[FindingState]],
        count: int,
        views: FindingViews,
        first: Sequence[FindingState] = (),
    ) -> None:
        """STATES gives them in order, as often as it is called; COUNT is how many they are; FIRST are some of them at hand."""
        self._states, self._count, self._views, self._first = states, count, views, first

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[FindingView]:
        return map(self._views, self._states())

    @overload
    def __getitem__(self, at: int) -> FindingView: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[FindingView, ...]: ...

    def __getitem__(self, at: int | slice) -> FindingView | tuple[FindingView, ...]:
        places = range(self._count)[at]
        if isinstance(places, int):
            return self._views(next(islice(self._up_to(places), places, None)))
        if not places:
            return ()
        first, last = min(places), max(places)
        held = list(islice(self._up_to(last), first, last + 1))
        return tuple(self._views(held[place - first]) for place in places)

    def _up_to(self, last: int) -> Iterable[FindingState]:
        """Return at least those before and at the place LAST."""
        return self._first if last < len(self._first) else self._states()


def in_order(states: Iterable[FindingState], inputs: ReportInputs, checks: Sequence[str]) -> list[FindingState]:
    """Return STATES with failures first, worst first, then in the order of CHECKS (ids), by region and name as readers see them."""
    return [state for run in runs_of(states, inputs, checks) for state in run.states]
