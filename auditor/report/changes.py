"""What is different since the scan before, and whether the two compare at all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from auditor.drift import Cause, Drift, FieldChange, FieldKind, ResourceRef, differences
from auditor.model import FindingState, Lifecycle, Score, Verdict
from auditor.report.findings import FindingViews, in_order
from auditor.report.inputs import ReportInputs
from auditor.report.text import json_text, moment, short, visible
from auditor.report.view import ChangesView, FindingView, NightView, ResourceChangeView
from auditor.trend import Night

__all__ = ["Turned", "changes_view", "night_view", "scores_by_id"]

_SHOWN = 12
_ENDED = (Lifecycle.RESOLVED, Lifecycle.VANISHED)
_FIELDS = 6
"""Changed fields shown of a resource."""
_KINDS = (Lifecycle.OPENED, Lifecycle.REOPENED, Lifecycle.RESOLVED, Lifecycle.VANISHED, Lifecycle.UNVERIFIED)


def scores_by_id(scores: Iterable[Score]) -> Mapping[tuple[str, str], Score]:
    """Return SCORES by level and id; the account's id is ``""``."""
    return {(score.level, "" if score.level == "account" else score.id): score for score in scores}


class Turned:
    """Takes what turned since the previous scan, and keeps the counts, the worst of each kind and what ended."""

    def __init__(self, inputs: ReportInputs) -> None:
        self.counts = dict.fromkeys(_KINDS, 0)
        self.causes: Counter[Cause] = Counter()
        """Of those that turned for another reason than a changed account."""
        self.ended: list[FindingState] = []
        self._worst: dict[Lifecycle, dict[tuple[bool, int], list[FindingState]]] = {kind: {} for kind in _KINDS}
        self._causes = inputs.causes
        for state in inputs.changes or ():
            self.add(state)

    def add(self, state: FindingState) -> None:
        """Take one."""
        kind, finding = state.lifecycle, state.finding
        if kind not in self.counts:
            return
        self.counts[kind] += 1
        if kind in _ENDED:
            self.ended.append(state)
        if self._causes and kind is not Lifecycle.UNVERIFIED:
            cause = self._causes.get(finding.key, Cause.ACCOUNT)
            if cause is not Cause.ACCOUNT:
                self.causes[cause] += 1
        alike = self._worst[kind].setdefault((finding.verdict is not Verdict.FAIL, finding.severity.rank), [])
        if len(alike) < _SHOWN:
            alike.append(state)

    def worst(self, kind: Lifecycle) -> list[FindingState]:
        """Return the first few of a kind, worst first."""
        held = self._worst[kind]
        return [state for place in sorted(held) for state in held[place]][:_SHOWN]


def changes_view(inputs: ReportInputs, turned: Turned, checks: Iterable[str]) -> ChangesView:
    """Return the changes of findings and scores since the previous scan; CHECKS (ids) gives the order."""
    order = list(checks)
    drift = inputs.drift
    previous = inputs.previous
    why_not = tuple(map(visible, differences(previous.scan, inputs.scan))) if previous else ()
    now = scores_by_id(inputs.scores).get(("account", ""))
    before = scores_by_id(previous.scores).get(("account", "")) if previous else None
    comparable = previous is not None and not why_not
    delta = None
    if comparable and now and before and now.value is not None and before.value is not None:
        delta = round(now.value - before.value, 2)
    return ChangesView(
        first=previous is None,
        previous=previous.scan.id if previous else 0,
        previous_at=moment(previous.scan.finished_at or previous.scan.started_at) if previous else "",
        comparable=comparable,
        why_not=why_not,
        delta=delta,
        previous_score=before.value if before else None,
        counts=turned.counts,
        items={kind: _some(turned.worst(kind), inputs, order) for kind in _KINDS if turned.counts[kind]},
        resources=(len(drift.added), len(drift.changed), len(drift.gone)) if drift else None,
        drift=_drift(drift) if drift else (),
        incomparable=len(drift.incomparable) if drift else 0,
        newly=tuple(visible(f"{new.field} of {new.type}") for new in drift.newly) if drift else (),
        not_by_account=turned.causes,
    )


def _some(worst: list[FindingState], inputs: ReportInputs, order: list[str]) -> tuple[FindingView, ...]:
    return tuple(map(FindingViews(inputs), in_order(worst, inputs, order)))


def _drift(drift: Drift) -> tuple[ResourceChangeView, ...]:
    changed = [
        replace(
            _resource("changed", change.resource),
            fields=tuple(map(_words, change.fields[:_FIELDS])),
            more=max(0, len(change.fields) - _FIELDS),
        )
        for change in drift.changed[:_SHOWN]
    ]
    added, gone = (
        [_resource(kind, ref) for ref in refs[:_SHOWN]] for kind, refs in (("added", drift.added), ("gone", drift.gone))
    )
    return (*added, *changed, *gone)


def _resource(kind: str, ref: ResourceRef) -> ResourceChangeView:
    return ResourceChangeView(
        kind, visible(ref.type), short(visible(ref.name or ref.id)), visible(ref.region), short(visible(ref.id), 400)
    )


def _words(field: FieldChange) -> str:
    where, before, after = short(visible(field.where), 120), _value(field.before), _value(field.after)
    if field.kind is FieldKind.CHANGED:
        return f"{where}: {before} to {after}"
    if field.kind in (FieldKind.ADDED, FieldKind.ITEM_ADDED):
        return f"{where}: {after} added"
    return f"{where}: {before} removed"


def _value(value: object) -> str:
    return short(json_text(value), 120)


def night_view(night: Night) -> NightView:
    """Return one night as readers see it."""
    return NightView(
        scan=night.scan.id,
        day=night.scan.started_at.strftime("%Y-%m-%d"),
        comparable=not night.differences,
        score=night.score,
        letter=night.letter,
        sections=night.sections,
        severities=night.severities,
        unverified=night.unverified,
        savings=night.savings,
        coverage=night.coverage,
        waived=night.waived,
    )
