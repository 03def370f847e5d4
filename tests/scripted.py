"""A caller that answers from a script, a sink that keeps everything, and resource types of a test's own."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from auditor.aws.answer import Answer, CallError, Fault, Operation
from auditor.aws.limits import Limit, Limiter, Pace
from auditor.collect import declare
from auditor.collect.declare import ResourceType
from auditor.collect.plan import make_plan
from auditor.collect.run import Collected, collect
from auditor.kit import NOW
from auditor.model import Coverage, Resource, Scope

ACCOUNT = "123456789012"
REGION = "eu-west-1"
AT_ONCE = Pace(first_delay=0.0)


def unlimited(service: str, operation: str) -> Limit:
    """A limit that nothing reaches."""
    return Limit(1e9, 1e9)


def at_once(**options: Any) -> Limiter:
    """A limiter under which retries come at once and nothing is limited, but for what OPTIONS say."""
    settings: dict[str, Any] = {"pace": AT_ONCE, "limits": unlimited} | options
    return Limiter(**settings)


Script = Callable[[Mapping[str, Any], str], Mapping[str, Any]]

DENIED = CallError(Fault.DENIED, "AccessDenied", "not you")
THROTTLED = CallError(Fault.THROTTLED, "Throttling", "slow down")
UNAVAILABLE = CallError(Fault.TRANSIENT, "ServiceUnavailable", "try later")
EXPIRED = CallError(Fault.CREDENTIALS, "ExpiredToken", "it is over")
NOT_HERE = CallError(Fault.NOT_HERE, "OptInRequired", "not subscribed")
WRONG = CallError(Fault.PARAMETER, "ValidationError", "wrong")


def a_type(type: str, /, **fields: Any) -> ResourceType:
    """A resource type that is not entered among the declared ones."""
    with patch.object(declare, "TYPES", {}):
        return ResourceType(type, "Something.", **({"id": "arn:{partition}:x:{region}:{account}:{Id}"} | fields))


def pages(key: str, *rows: Sequence[Any]) -> Script:
    """Answers page after page of ROWS under KEY, by NextToken."""

    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        number = int(params.get("NextToken", 0))
        more = {"NextToken": str(number + 1)} if number + 1 < len(rows) else {}
        return {key: list(rows[number]) if rows else [], **more}

    return answer


def raises(error: Exception) -> Script:
    """Answers with an error."""

    def answer(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        raise error

    return answer


class Scripted:
    """A caller whose answers are functions of parameters and region, by operation; it notes every call."""

    def __init__(self, **script: Script) -> None:
        self.script = script
        self.calls: list[tuple[str, Mapping[str, Any], str]] = []
        self.lock = threading.Lock()

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        with self.lock:
            self.calls.append((operation, params, region))
        return Answer(self.script[operation](params, region), NOW)

    def operation(self, service: str, operation: str) -> Operation:
        return Operation(lambda parsed: {"NextToken": parsed["NextToken"]} if "NextToken" in parsed else {})

    def count(self) -> Counter[str]:
        return Counter(operation for operation, _, _ in self.calls)

    def params(self, operation: str) -> list[Mapping[str, Any]]:
        return [params for name, params, _ in self.calls if name == operation]


@dataclass
class Kept:
    """A sink that keeps what it is given, and knows which thread gave it."""

    resources: list[Resource] = field(default_factory=list)
    closed: list[Coverage] = field(default_factory=list)
    volatile: dict[str, frozenset[str]] = field(default_factory=dict)
    threads: set[int] = field(default_factory=set)

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        assert scope not in {coverage.scope for coverage in self.closed}
        self.threads.add(threading.get_ident())
        self.resources.extend(page)
        self.volatile[scope.type] = volatile

    def close(self, coverage: Coverage) -> None:
        assert coverage.scope not in {closed.scope for closed in self.closed}
        self.closed.append(coverage)

    def ids(self, type: str) -> list[str]:
        return [str(resource.document["Id"]) for resource in self.resources if resource.type == type]

    def of(self, type: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == type]

    def coverage(self, type: str, region: str = REGION) -> Coverage:
        (found,) = [coverage for coverage in self.closed if coverage.scope == Scope(ACCOUNT, region, type)]
        return found


_LIMITER = ("pace", "limits", "clock", "fraction", "max_rate")


def read(
    caller: Any,
    *types: ResourceType,
    regions: Sequence[str] = (REGION,),
    partition: str = "aws",
    threads: int = 4,
    sink: Kept | None = None,
    **options: Any,
) -> tuple[Kept, Collected]:
    """Collect TYPES through CALLER; retries come at once and nothing is limited."""
    kept = sink or Kept()
    plan = make_plan(types, {type.type: type for type in types}, ACCOUNT, partition, regions)
    limiter = at_once(**{name: options.pop(name) for name in _LIMITER if name in options})
    outcome = collect(plan, caller, kept, threads=threads, **({"limiter": limiter} | options))
    assert {coverage.scope for coverage in kept.closed} == set(plan.scopes) == set(outcome.coverage)
    return kept, outcome
