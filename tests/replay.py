"""An account whose answers are fetched once and given again: the same night as often as needed, whole or with something amiss."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditor.aws.answer import Answer, Caller, CallError, Operation
from auditor.aws.session import Identity

Rows = Mapping[str, Any]
Amiss = Callable[[str, str, Mapping[str, Any], str], Answer | CallError | None]
"""What becomes of a call (service, operation, params, region) in place of its answer; ``None``: nothing is amiss."""


_TOGETHER = {
    "MetricDataQueries": ("MetricDataResults", "Id"),
    "ResourceArns": ("TagDescriptions", "ResourceArn"),
    "LoadBalancerNames": ("TagDescriptions", "LoadBalancerName"),
}
"""What is asked for many things at once: the input's list -> the answer's list, and its field that tells which is which."""


def _id(thing: Any) -> str:
    return str(thing["Id"] if isinstance(thing, dict) else thing)


def _nameless(thing: Any) -> Any:
    return thing["MetricStat"] if isinstance(thing, dict) else thing


def nothing_amiss(service: str, operation: str, params: Mapping[str, Any], region: str) -> None:
    """Every call has its answer."""


@dataclass
class Recorded:
    """Fetches each answer from SOURCE once. ADDED answers what SOURCE cannot; every answer was given at MOMENT."""

    source: Caller
    added: Mapping[tuple[str, str], Callable[[Any, Rows, str], Rows]]
    moment: datetime
    answers: dict[str, Answer | CallError] = field(default_factory=dict)
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        asked = next((member for member in _TOGETHER if member in params), None)
        if asked and operation in ("GetMetricData", "DescribeTags"):
            return self._together(service, operation, params, region, asked)
        return self._alone(service, operation, params, region)

    def _alone(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        key = json.dumps([service, operation, params, region], sort_keys=True)
        found = self.answers.get(key)
        if found is None:
            found = self.answers[key] = self._fetch(service, operation, params, region)
        if isinstance(found, CallError):
            raise CallError(found.fault, found.code, found.message)
        return found

    def _together(self, service: str, operation: str, params: Mapping[str, Any], region: str, asked: str) -> Answer:
        """Answer one by one what is asked together: which things share a call depends on which thread was first."""
        answer, member = _TOGETHER[asked]
        keys = {
            _id(thing): json.dumps([service, operation, {**params, asked: _nameless(thing)}, region], sort_keys=True)
            for thing in params[asked]
        }
        if any(key not in self.answers for key in keys.values()):
            fetched = self._fetch(service, operation, params, region)
            if isinstance(fetched, CallError):
                raise fetched
            for result in fetched.parsed[answer]:
                self.answers[keys[result[member]]] = Answer(result, self.moment)
        held = [(id, self.answers[key]) for id, key in keys.items()]
        return Answer(
            {answer: [{**one.parsed, member: id} for id, one in held if isinstance(one, Answer)]}, self.moment
        )

    def _fetch(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer | CallError:
        added = self.added.get((service, operation))
        try:
            if added is not None:
                return Answer(added(self.call, params, region), self.moment)
            return Answer(self.source.call(service, operation, params, region).parsed, self.moment)
        except CallError as error:
            return error

    def operation(self, service: str, operation: str) -> Operation:
        with self.lock:
            key = (service, operation)
            if key not in self.operations:
                self.operations[key] = self.source.operation(service, operation)
            return self.operations[key]


@dataclass
class Night:
    """A connection to the recorded account, on a night on which AMISS happens."""

    recorded: Recorded
    identity: Identity
    regions: tuple[str, ...]
    amiss: Amiss = nothing_amiss
    closed: Exception | None = None
    """Raised when the enabled regions are asked for."""

    def identify(self) -> Identity:
        return self.identity

    def enabled_regions(self) -> tuple[str, ...]:
        if self.closed:
            raise self.closed
        return self.regions

    def caller(self) -> "Night":
        return self

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        instead = self.amiss(service, operation, params, region)
        if isinstance(instead, CallError):
            raise instead
        return instead or self.recorded.call(service, operation, params, region)

    def operation(self, service: str, operation: str) -> Operation:
        return self.recorded.operation(service, operation)


_ONWARDS = "page to come"


class CutNight(Night):
    """A night on which lists have a second page; see ``cut``."""

    def operation(self, service: str, operation: str) -> Operation:
        whole = super().operation(service, operation)
        return Operation(lambda answer: {_ONWARDS: 2} if _ONWARDS in answer else whole.following(answer), whole.lists)


def cut(recorded: Recorded, service: str, error: CallError) -> Amiss:
    """Return a CutNight's lists of SERVICE (empty: of all): the first half comes on a page, instead of the second ERROR."""

    def amiss(asked: str, operation: str, params: Mapping[str, Any], region: str) -> Answer | CallError | None:
        if service not in ("", asked) or operation in ("GetMetricData", "DescribeTags"):
            return None
        if _ONWARDS in params:
            return error
        try:
            answer = recorded.call(asked, operation, params, region)
        except CallError:
            return None
        halves = {
            name: held[: len(held) // 2] for name, held in answer.parsed.items() if isinstance(held, list) and held
        }
        return Answer({**answer.parsed, **halves, _ONWARDS: True}, answer.date) if halves else None

    return amiss
