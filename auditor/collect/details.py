"""What is read for each row: details one by one or in batches, and metrics; batches fill up across pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from auditor.aws.answer import CallError, Fault
from auditor.aws.faults import means_gone
from auditor.aws.permissions import action
from auditor.collect.context import Context
from auditor.collect.declare import GET_METRIC_DATA, Batch, Call, Metric, ResourceType
from auditor.collect.drafts import Draft, Page
from auditor.collect.items import Budget
from auditor.collect.metrics import POINTS_OF_A_ROW, dimensions, key_of, queries_per_call, request, series_of
from auditor.collect.paging import read_all
from auditor.collect.rows import Unreadable, arguments
from auditor.kit.facts import values_at
from auditor.model import Gap

__all__ = ["Details", "Owner"]

_BatchKey = tuple[str, str]
_MetricKey = tuple[int, int, str]


class Owner(Protocol):
    """The scope whose rows these are; guards them with its lock, and stays open while calls are under way."""

    context: Context
    type: ResourceType
    budget: Budget

    def enter(self) -> None:
        """One more call is under way."""

    def arrived(self, pages: Iterable[Page]) -> None:
        """One awaited answer is in for a row of each of PAGES."""

    def leave(self) -> None:
        """A call is over."""

    def broke(self, error: Exception) -> None:
        """Something is wrong with the program."""

    def observed(self, date: Any) -> Any:
        """An answer came; returns the moment that counts as now."""

    def locked(self) -> Any:
        """Return the scope's lock, to be entered."""


class Details:
    """Reads what one scope's type declares under ``details`` and ``metrics``. Called with the owner's lock held."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._batches: dict[_BatchKey, list[tuple[Draft, Any]]] = defaultdict(list)
        self._metrics: dict[_MetricKey, list[tuple[Draft, Metric, Mapping[str, str]]]] = defaultdict(list)

    def read(self, draft: Draft) -> None:
        """Put the calls for a row into the queue, or its entries into the batches."""
        type = self._owner.type
        for field, detail in type.details.items():
            when = type.details_when.get(field)
            if when is not None and not when(draft.row):
                continue
            try:
                if isinstance(detail, Batch):
                    self._add_to_batch(field, detail, draft)
                else:
                    self._read_one(field, detail, draft)
            except Unreadable as lacking:
                draft.values[field] = lacking.gap
        if type.metrics:
            draft.metrics = {}
            for metric in type.metrics:
                self._add_metric(metric, draft)

    def flush(self) -> None:
        """Send what batches hold although they are not full."""
        batches, self._batches = self._batches, defaultdict(list)
        metrics, self._metrics = self._metrics, defaultdict(list)
        for (field, region), entries in batches.items():
            self._send_batch(field, region, entries)
        for key, queries in metrics.items():
            self._send_metrics(key, queries)

    # ---- one by one --------------------------------------------------------------------------------------------------

    def _read_one(self, field: str, call: Call, draft: Draft) -> None:
        params = arguments(call, draft.row, action(call))
        asked_by = [params[member.removesuffix("[]")] for member in call.args]
        draft.page.waiting += 1

        def done(outcome: Any) -> None:
            self._keep(draft, field, call, outcome, asked_by)
            self._owner.arrived([draft.page])

        self._ask(call, params, draft.region, done)

    def _ask(self, call: Call, params: Mapping[str, Any], region: str, done: Any) -> None:
        owner, plan = self._owner, self._owner.context.plan
        owner.enter()

        def taken(outcome: Any) -> None:
            with owner.locked():
                try:
                    done(outcome)
                finally:
                    owner.leave()

        where = plan.region_of_call(call, region)
        read_all(
            owner.context,
            call,
            params,
            where,
            1,
            done=taken,
            broken=owner.broke,
            seen=owner.observed,
            budget=owner.budget,
        )

    def _keep(self, draft: Draft, field: str, call: Call, outcome: Any, asked_by: Sequence[Any]) -> None:
        if not isinstance(outcome, CallError):
            draft.values[field] = outcome
        elif means_gone(outcome, self._owner.type.type, asked_by):
            draft.gone = True
        else:
            draft.values[field] = Gap(action(call), outcome.code, outcome.message)

    # ---- in batches --------------------------------------------------------------------------------------------------

    def _add_to_batch(self, field: str, batch: Batch, draft: Draft) -> None:
        value = next(values_at(draft.row, batch.by), None)
        if value is None:
            raise Unreadable(Gap(action(batch.call), "FieldMissing", f"the row holds no {batch.by}"))
        entries = self._batches[field, draft.region]
        entries.append((draft, value))
        draft.page.waiting += 1
        if len(entries) >= batch.size:
            del self._batches[field, draft.region]
            self._send_batch(field, draft.region, entries)

    def _send_batch(self, field: str, region: str, entries: Sequence[tuple[Draft, Any]]) -> None:
        batch = self._owner.type.details[field]
        assert isinstance(batch, Batch)  # noqa: S101  (only batches are added)
        params = {**batch.call.params, batch.ids: list(dict.fromkeys(value for _, value in entries))}

        def done(outcome: Any) -> None:
            if isinstance(outcome, CallError) and outcome.fault is Fault.GONE and len(entries) > 1:
                # One of them vanished, and took the answer for all others with it: ask for each alone.
                for entry in entries:
                    self._send_batch(field, region, [entry])
                return
            answers = (
                {} if isinstance(outcome, CallError) else {answer.get(batch.match): answer for answer in outcome or ()}
            )
            for draft, value in entries:
                if isinstance(outcome, CallError):
                    self._keep(draft, field, batch.call, outcome, [value])
                elif value in answers:
                    draft.values[field] = _of_answer(batch, answers[value])
                else:
                    draft.values[field] = Gap(action(batch.call), "NotInAnswer", f"the answer leaves out {value}")
            self._owner.arrived([draft.page for draft, _ in entries])

        self._ask(batch.call, params, region, done)

    # ---- metrics -----------------------------------------------------------------------------------------------------

    def _add_metric(self, metric: Metric, draft: Draft) -> None:
        where = dimensions(metric, draft.row)
        if where is None:
            return
        key = (metric.days, metric.period, draft.region)
        entries = self._metrics[key]
        entries.append((draft, metric, where))
        draft.page.waiting += 1
        draft.page.weight += metric.days * 86400 // metric.period // POINTS_OF_A_ROW
        if len(entries) >= queries_per_call(metric.days, metric.period):
            del self._metrics[key]
            self._send_metrics(key, entries)

    def _send_metrics(self, key: _MetricKey, entries: Sequence[tuple[Draft, Metric, Mapping[str, str]]]) -> None:
        days, period, region = key
        queries = [(metric, where) for _, metric, where in entries]
        needed = action(GET_METRIC_DATA)

        def done(outcome: Any) -> None:
            if isinstance(outcome, CallError):
                found: Sequence[Any] = [Gap(needed, outcome.code, outcome.message)] * len(entries)
            else:
                found = series_of(outcome or (), queries, needed)
            for (draft, metric, _), series in zip(entries, found, strict=True):
                if isinstance(series, Gap):
                    draft.metrics_gap = series
                elif draft.metrics is not None:
                    draft.metrics[key_of(metric)] = series
            self._owner.arrived([draft.page for draft, _, _ in entries])

        now = self._owner.observed(None)
        self._ask(GET_METRIC_DATA, request(queries, days, period, now), region, done)


def _of_answer(batch: Batch, answer: Any) -> Any:
    if not batch.value:
        return answer
    return next(values_at(answer, batch.value), None)
