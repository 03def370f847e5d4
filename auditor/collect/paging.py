"""Follows one call over its pages, each page an item of the queue of its own."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import reduce
from itertools import chain as concatenated
from typing import Any

from auditor.aws.answer import Answer, CallError, Fault
from auditor.collect.context import Context
from auditor.collect.declare import Call
from auditor.collect.items import Budget, Item
from auditor.collect.rows import call_key, extract, held, merge

__all__ = ["Reading", "read_all"]

_PAGES_SEEN_COUNT = 20


class Reading:
    """One call and its pages: ``page`` is called for each answer, then ``end`` once, with why it broke off or None."""

    def __init__(
        self,
        context: Context,
        call: Call,
        params: Mapping[str, Any],
        region: str | None,
        chain: int,
        *,
        page: Callable[[Mapping[str, Any], datetime], None],
        end: Callable[[CallError | None], None],
        broken: Callable[[Exception], None],
        hold: Callable[[Callable[[], None]], bool] | None = None,
        budget: Budget | None = None,
    ) -> None:
        """REGION ``None``: the call has no place in this partition. HOLD may keep the request for the next page for later.

        BUDGET is the time it may take, together with the other calls that have the same.
        """
        self._context = context
        self._call = call
        self._params = params
        self._region = region
        self._chain = chain
        self._page = page
        self._end = end
        self._tell = broken
        self._hold = hold
        self._budget = budget
        self._seen: set[int] = set()
        self._over = False

    def start(self) -> None:
        """Ask for the first page."""
        if self._region is None:
            partition = self._context.plan.partition
            self._finish(
                CallError(Fault.NOT_HERE, "NoEndpoint", f"{self._call.service} has no endpoint in {partition}")
            )
        else:
            self._ask(self._params)

    def _ask(self, params: Mapping[str, Any]) -> None:
        # Whoever has had many pages will most likely have more: those are the long chains.
        chain = self._chain + min(len(self._seen), _PAGES_SEEN_COUNT)
        call = self._call
        self._context.queue.put(
            Item(
                call.service,
                call.operation,
                params,
                self._region or "",
                chain,
                self._answer,
                self._broke,
                call.absent,
                budget=self._budget,
            )
        )

    def _answer(self, outcome: Answer | CallError) -> None:
        if isinstance(outcome, CallError):
            self._finish(outcome)
            return
        self._page(outcome.parsed, outcome.date)
        try:
            following = self._context.operation(self._call.service, self._call.operation).following(outcome.parsed)
        except CallError as error:
            self._finish(error)
            return
        if not following:
            self._finish(None)
            return
        params = {**self._params, **following}
        token = hash(call_key(self._call, params, ""))
        if token in self._seen:
            self._finish(CallError(Fault.OTHER, "RepeatedToken", "the answer asked for a page that was read before"))
            return
        self._seen.add(token)
        if self._hold is None or not self._hold(lambda: self._ask(params)):
            self._ask(params)

    def _finish(self, error: CallError | None) -> None:
        if not self._over:
            self._over = True
            self._end(error)

    def _broke(self, error: Exception) -> None:
        self._tell(error)
        self._finish(CallError(Fault.OTHER, type(error).__name__, "a fault of the auditor; its log has the traceback"))


def read_all(
    context: Context,
    call: Call,
    params: Mapping[str, Any],
    region: str | None,
    chain: int,
    *,
    done: Callable[[Any], None],
    broken: Callable[[Exception], None],
    seen: Callable[[datetime], Any],
    budget: Budget | None = None,
) -> None:
    """Read CALL over all its pages; DONE takes what lies at its ``result`` in all of them, ``None`` where the error is
    declared absent, or the CallError. SEEN is told each answer's date. BUDGET: see Reading."""
    found: list[Any] = []

    def page(parsed: Mapping[str, Any], date: datetime) -> None:
        seen(date)
        found.append(held(extract(parsed, call.result, context.operation(call.service, call.operation).lists), call))

    def end(error: CallError | None) -> None:
        if error is None:
            done(_joined(found))
        else:
            done(None if error.code in call.absent else error)

    Reading(context, call, params, region, chain, page=page, end=end, broken=broken, budget=budget).start()


def _joined(pages: list[Any]) -> Any:
    if len(pages) == 1:
        return pages[0]
    if all(isinstance(page, list) for page in pages):
        return list(concatenated.from_iterable(pages))
    return reduce(merge, pages)
