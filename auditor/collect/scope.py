"""One scope being read: its rows become resources, its children are started, and in the end it is known how much was read."""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from auditor.aws.answer import CallError, Fault
from auditor.aws.faults import means_gone
from auditor.aws.permissions import action
from auditor.collect.context import Context
from auditor.collect.declare import Call, ResourceType, Row
from auditor.collect.details import Details
from auditor.collect.drafts import Draft, Page
from auditor.collect.listing import Listing, Subscription
from auditor.collect.marks import Marks
from auditor.collect.rows import Unreadable, arguments, call_key, fill, make_resource, weight
from auditor.model import GLOBAL, Coverage, CoverageState, Gap, Scope

__all__ = ["ScopeRun"]

logger = logging.getLogger(__name__)


class ScopeRun:
    """A scope from its first row to its coverage. It stays open while anything is under way: ``enter`` and ``leave``.

    Locks are taken from parents to children only, the queue's own last.
    """

    def __init__(self, context: Context, type: ResourceType, scope: Scope) -> None:
        """The scope begins entered once: leave it when its lists are under way (children leave when their parent closes)."""
        self.context = context
        self.type = type
        self.scope = scope
        self.children: list[ScopeRun] = []
        self.chain = context.plan.chain_of(type)
        self.asked_in = GLOBAL if type.scope == GLOBAL else scope.region
        """Where its lists are asked for: what is listed once for all regions is asked for in none of them."""
        self.budget = context.budget(type.type, scope.region)
        """The time its details, its code and the lists for its parents have together."""
        self._details = Details(self)
        self._volatile = frozenset((*type.volatile, *(("Metrics",) if type.metrics else ())))
        self._lock = threading.RLock()
        self._under_way = 1
        self._closed = False
        self._observed_at: datetime | None = None
        self._calls = 0
        self._pages = 0
        self._ids = Marks()
        self._faults: list[tuple[Fault, Gap]] = []
        self._not_here: Gap | None = None
        self._answered = False
        self._bug: Gap | None = None
        self._gaps: dict[str, Gap] = {}
        self._parent: Coverage | None = None

    # ---- staying open ------------------------------------------------------------------------------------------------

    def locked(self) -> AbstractContextManager[Any]:
        """Return the scope's lock, to be entered."""
        return self._lock

    def enter(self) -> None:
        """One more thing is under way."""
        with self._lock:
            self._under_way += 1

    def leave(self) -> None:
        """One thing is over; the last one sends what batches still hold, or closes the scope."""
        with self._lock:
            if self._under_way == 1:
                self._details.flush()
            self._under_way -= 1
            if self._under_way == 0:
                self._close()

    def flush(self) -> None:
        """Send what batches hold: the next page waits, and memory should not."""
        with self._lock:
            self._details.flush()

    def broke(self, error: Exception) -> None:
        """Note a fault of the program: whatever was read, the scope failed."""
        with self._lock:
            said = "a fault of the auditor; its log has the traceback"
            self._bug = self._bug or Gap(self._operation(), type(error).__name__, said)

    def observed(self, date: datetime | None) -> datetime:
        """Note an answer's Date and return the scope's now: the first answer's. Answers are what is counted as calls."""
        with self._lock:
            if date is not None:
                self._calls += 1
                self._observed_at = self._observed_at or date
            return self._observed_at or datetime.now(UTC)

    # ---- rows --------------------------------------------------------------------------------------------------------

    def take(self, rows: Sequence[Row], parent: Row | None = None) -> int:
        """Take in rows of one answer and return their weight; PARENT is the row of the resource they were listed for."""
        with self._lock:
            self._pages += 1
            at_once, later = Page(), Page()
            for row in rows:
                try:
                    draft = self._draft(later, row, parent)
                    if draft is not None:
                        self._read_for(draft, at_once)
                except Unreadable as lacking:  # it does not say its region: whose it is, nobody knows
                    self._faults.append((Fault.OTHER, lacking.gap))
                except Exception as error:  # noqa: BLE001  (a declared function tripped over this row: not over the others)
                    self._trip(error)
            for page in (at_once, later):
                page.weight += weight([draft.row for draft in page.drafts])
            taken = at_once.weight + later.weight
            self.context.took(taken)
            self.arrived((at_once, later))
            return taken

    def _read_for(self, draft: Draft, at_once: Page) -> None:
        """Have read what belongs to a row; it goes with those AT_ONCE when nothing does, and need not wait for the others."""
        waiting = draft.page.waiting
        try:
            self._details.read(draft)
        finally:
            if draft.page.waiting == waiting:
                draft.page = at_once
            draft.page.drafts.append(draft)
        if not self._children_need_details:
            self._list_children(draft)

    def _trip(self, error: Exception) -> None:
        logger.error("%s: a row could not be taken in", self.type.type, exc_info=error)
        self.broke(error)

    def _draft(self, page: Page, row: Row, parent: Row | None) -> Draft | None:
        if parent is not None and self.type.inherit:
            row = {**row, **{name: parent[name] for name in self.type.inherit if name in parent}}
        if self.type.owner and row.get(self.type.owner, self.scope.account) != self.scope.account:
            return None
        if self.type.only is not None and not self.type.only(row):
            return None
        if self.type.shape is not None:
            row = self.type.shape(row)
        if self.type.region and fill(self.type.region, row, {}, self._operation()) != self.scope.region:
            return None  # the list is of all regions, the scope is one
        return Draft(page, row, self.scope.region, dict(row))

    def arrived(self, pages: Iterable[Page]) -> None:
        """One awaited answer is in for a row of each of PAGES; those that wait for nothing more go to the sink."""
        with self._lock:
            for page in pages:
                page.waiting -= 1
                if page.waiting == 0:
                    self._finish(page)

    def _finish(self, page: Page) -> None:
        resources = []
        for draft in page.drafts:
            if draft.gone:
                continue
            try:
                if self._children_need_details:
                    self._list_children(draft)
                resource = make_resource(
                    self.type,
                    draft.complete(),
                    self.scope,
                    self.context.plan.partition,
                    self.observed(None),
                    self._operation(),
                )
            except Unreadable as lacking:
                self._faults.append((Fault.OTHER, lacking.gap))
                continue
            except Exception as error:  # noqa: BLE001  (as above)
                self._trip(error)
                continue
            if not self._ids.add(resource.id):  # a list that changes while it is read can show a row on two pages
                continue
            for name, gap in resource.gaps.items():
                self._gaps.setdefault(name, gap)
            if draft.metrics_gap is not None:
                self._gaps.setdefault("Metrics", draft.metrics_gap)
            resources.append(resource)
        self.context.hand_over(self.scope, resources, self._volatile, page.weight)
        page.drafts.clear()

    # ---- children ----------------------------------------------------------------------------------------------------

    @cached_property
    def _children_need_details(self) -> bool:
        later = {*self.type.details, "Metrics"} if self.type.metrics else set(self.type.details)
        return any(
            path.partition(".")[0].removesuffix("[]") in later
            for child in self.children
            for path in (*child.type.inherit, *(path for call in child.type.lists for path in call.args.values()))
        )

    def _list_children(self, draft: Draft) -> None:
        lists: dict[Any, Listing] = {}
        for child in self.children:
            if child.type.parent_when is not None and not child.type.parent_when(draft.values):
                continue
            for call in child.type.lists:
                try:
                    params = arguments(call, draft.values, action(call))
                except Unreadable as lacking:
                    child.lacks(lacking.gap)
                    continue
                region = self.context.plan.region_of_call(call, draft.region)
                key = call_key(call, params, region or "")
                listing = lists.get(key)
                if listing is None:
                    listing = lists[key] = Listing(self.context, call, params, region, child.budget)
                listing.subscribe(Subscription(child, call, draft.values))
        for listing in lists.values():
            listing.start()

    def lacks(self, gap: Gap) -> None:
        """Note why something of this scope could not even be asked for."""
        with self._lock:
            self._faults.append((Fault.OTHER, gap))

    def parent_closed(self, coverage: Coverage) -> None:
        """No more parents come, and this is how completely they were read."""
        with self._lock:
            self._parent = coverage
        self.leave()

    # ---- the end -----------------------------------------------------------------------------------------------------

    def list_ended(self, call: Call, error: CallError | None, parent: Row | None) -> None:
        """One list of this scope is over, for this parent: whole, or broken off by ERROR."""
        with self._lock:
            if error is None or error.code in call.absent or self._parent_is_gone(call, error, parent):
                self._answered = True
            elif error.fault is Fault.NOT_HERE:
                self._not_here = Gap(action(call), error.code, error.message)
            else:
                self._faults.append((error.fault, Gap(action(call), error.code, error.message)))
        self.leave()

    def _parent_is_gone(self, call: Call, error: CallError, parent: Row | None) -> bool:
        if parent is None:
            return False
        asked_by: Mapping[str, Any] = arguments(call, parent, "")
        return means_gone(error, self.type.parent, [asked_by[member.removesuffix("[]")] for member in call.args])

    def failed(self, error: CallError, gap: Gap) -> None:
        """Note that the code which reads this type gave up because of ERROR."""
        with self._lock:
            if error.fault is Fault.NOT_HERE:
                self._not_here = gap
            else:
                self._faults.append((error.fault, gap))

    def give_up(self, gap: Gap) -> None:
        """Close a scope that nobody will close any more: something broke where nothing should."""
        with self._lock:
            if not self._closed:
                self._bug = self._bug or gap
                self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        state, gap = self._state()
        inherited = self._parent.observed_at if self._parent else None
        coverage = Coverage(
            self.scope, state, gap, self._observed_at or inherited, len(self._ids), self._calls, dict(self._gaps)
        )
        self.context.close(coverage)
        self._ids = Marks()
        for child in self.children:
            child.parent_closed(coverage)

    def _state(self) -> tuple[CoverageState, Gap | None]:
        if self._bug is not None:
            return CoverageState.FAILED, self._bug
        faults = list(self._faults)
        if self._not_here is not None and (self._calls or self._answered or self._pages):
            faults.append((Fault.NOT_HERE, self._not_here))  # what has answered is there: the rest of it was not read
        if faults:
            fault, gap = faults[0]
            if self._pages or self._ids:
                return CoverageState.PARTIAL, gap
            return CoverageState.DENIED if fault is Fault.DENIED else CoverageState.FAILED, gap
        if self._parent is not None and not self._parent.state.known:
            partial = self._pages or self._parent.state is CoverageState.PARTIAL
            return (CoverageState.PARTIAL if partial else self._parent.state), self._parent.gap
        if self._parent is not None and self._parent.state is CoverageState.NOT_OFFERED:
            return CoverageState.NOT_OFFERED, self._parent.gap
        if self._not_here is not None:
            return CoverageState.NOT_OFFERED, self._not_here
        return CoverageState.COMPLETE, None

    @property
    def first_call(self) -> Call:
        """The call that stands for the whole type where none in particular failed."""
        return next(iter((*self.type.lists, *self.type.calls)), Call("", "", action=self.type.type))

    def _operation(self) -> str:
        return action(self.first_call)
