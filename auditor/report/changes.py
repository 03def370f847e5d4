"""What is different since the scan before, and whether the two compare at all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from auditor.drift import Cause, Drift, FieldChange, FieldKind, ResourceRef, differences
from auditor.model import FindingState, Lifecycle, Score, Verdict
from auditor.report.findings import FindingViews, in_order
from auditor.report.inputs import ReportInputs
from auditor.report.text import json_text, moment, short, visible
from auditor.report.view import ChangesView, FindingView, NightView, ResourceChangeView
from auditor.trend import Night

__all__ = ["changes_view", "night_view", "scores_by_id"]

_SHOWN = 12
_FIELDS = 6
"""Changed fields shown of a resource."""
_KINDS = (Lifecycle.OPENED, Lifecycle.REOPENED, Lifecycle.RESOLVED, Lifecycle.VANISHED, Lifecycle.UNVERIFIED)


def scores_by_id(scores: Iterable[Score]) -> Mapping[tuple[str, str], Score]:
    """Return SCORES by level and id; the account's id is ``""``."""
    return {(score.level, "" if score.level == "account" else score.id): score for score in scores}


def changes_view(inputs: ReportInputs, checks: Iterable[str]) -> ChangesView:
    """Return the changes of findings and scores since the previous scan; CHECKS (ids) gives the order."""
    held: dict[Lifecycle, list[FindingState]] = defaultdict(list)
    for state in inputs.changes:
        held[state.lifecycle].append(state)
    counts = {kind: len(held[kind]) for kind in _KINDS}
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
        counts=counts,
        items={kind: _some(held[kind], inputs, order) for kind in _KINDS if held[kind]},
        resources=(len(drift.added), len(drift.changed), len(drift.gone)) if drift else None,
        drift=_drift(drift) if drift else (),
        incomparable=len(drift.incomparable) if drift else 0,
        newly=tuple(visible(f"{new.field} of {new.type}") for new in drift.newly) if drift else (),
        not_by_account=Counter(
            cause
            for state in inputs.changes
            if state.lifecycle is not Lifecycle.UNVERIFIED
            and (cause := inputs.causes.get(state.finding.key, Cause.ACCOUNT)) is not Cause.ACCOUNT
        ),
    )


def _some(states: list[FindingState], inputs: ReportInputs, order: list[str]) -> tuple[FindingView, ...]:
    worst = sorted(states, key=lambda s: (s.finding.verdict is not Verdict.FAIL, s.finding.severity.rank))[:_SHOWN]
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
