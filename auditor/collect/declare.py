"""How a resource type is declared: as data, from which the calls, the IAM permissions and the pages are derived."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.model import Gap

__all__ = [
    "TYPES",
    "Batch",
    "Call",
    "CallFailed",
    "Collector",
    "Dated",
    "Metric",
    "Now",
    "ResourceType",
    "Row",
    "Wait",
    "is_of_aws",
]

Row = Mapping[str, Any]
"""One item of an answer, as the API gave it. A value that is a Gap is a field that could not be read."""


@dataclass(frozen=True, slots=True)
class Call:
    """One read-only API operation: where its answer lies and which arguments it takes."""

    service: str
    """boto3's name of the service, ``rds``."""
    operation: str
    """``DescribeDBInstances``."""
    result: str = ""
    """Path of what is wanted in the answer: ``DBInstances``, ``Reservations[].Instances``; empty: the whole answer.

    Where a list call's path leads to one object instead of a list, that object is the only row.
    """
    args: Mapping[str, str] = field(default_factory=dict)
    """Input member -> path of its value in the row (or parent row) the call is made for; ``VolumeIds[]``: as a list of one."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Input members with fixed values."""
    absent: tuple[str, ...] = ()
    """Error codes that are an answer: there is none. The field is then ``None``."""
    action: str = ""
    """The IAM action, where it is not the service's prefix and the operation's name."""
    fields: tuple[str, ...] = ()
    """Where code reads a list: the fields of its rows that it needs, nothing else is held; empty: all."""
    region: str | tuple[str, ...] = ""
    """The only region that answers this call (``us-east-1``), for services that live in one; a tuple: one for each partition
    that has the service, which in the others is not offered."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A detail that is read for many resources in one call (tags of 20 load balancers)."""

    call: Call
    """Its ``result`` is the list of answers."""
    ids: str
    """The input member that takes the list: ``ResourceArns``."""
    by: str
    """The row's field that goes into the list: ``LoadBalancerArn``."""
    size: int
    """How many a call takes."""
    match: str
    """The answer's field that equals the row's: ``ResourceArn``."""
    value: str = ""
    """The answer's field that is kept: ``Tags``; empty: the whole answer."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A CloudWatch metric that is read for each resource, 500 to a GetMetricData call.

    It lies in the document under ``Metrics["{name}.{statistic}"]`` as ``{"Days", "Period", "Timestamps", "Values"}``,
    which ``facts.metric(name, statistic, days)`` reads.
    """

    namespace: str
    name: str
    statistic: str
    """``Average``, ``Maximum``, ``Minimum``, ``Sum`` or ``SampleCount``."""
    dimensions: Mapping[str, str]
    """Dimension name -> path of its value in the row."""
    days: int = 14
    period: int = 86400
    """Seconds, a multiple of 60."""
    when: Callable[[Row], bool] | None = None
    """Which rows it is read for; ``None``: all."""
    key: str = ""
    """Overrides ``{name}.{statistic}`` where the same metric is read twice."""


@dataclass(frozen=True, slots=True)
class Dated:
    """What of a type is a dated fact that AWS forgets: each scan puts it into the evidence ledger, once.

    It is told apart by kind, id and moment. A resource one of whose kept fields could not be read waits for a scan that can.
    """

    kind: str
    """``failover``, ``restore``, ``drill``, ``experiment``, ``copy``, ``recovery-point``, ``key-use``, …"""
    at: str
    """Path of the date; a resource without one is no dated fact."""
    about: str = ""
    """Path of what it happened to (``SourceArn``); empty: the resource itself."""
    when: Callable[[Row], bool] | None = None
    """Which resources are one (only what succeeded proves anything); ``None``: all."""
    keep: tuple[str, ...] = ()
    """Top-level fields that the ledger keeps; empty: the whole document."""
    once_a_day: bool = False
    """One of a resource and a day is enough: for what is told anew to each scan."""
    measured: bool = False
    """It is no event but what a scan measured: dated by when it was read, which is kept as ``ObservedAt``."""
    operation: str = ""
    """The operation that tells it (``iam:GetCredentialReport``), where it is not the type's first."""


class CallFailed(Exception):
    """A call that a generator asked for came back with an error that is not declared ``absent``."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap


@dataclass(frozen=True, slots=True)
class Wait:
    """A generator asks to be resumed so many seconds later, without holding a worker."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """A generator asks when this is, by the Date of the answers it has had: for calls that name a period."""


Collector = Generator[Call | Sequence[Call] | Sequence[Row] | Wait | Now, Any, None]
"""A type that needs code. It yields, and is sent:

- a Call: what lies at its ``result`` over all its pages (``absent``: None), or has a CallFailed raised in it;
- a list of Calls, made side by side: the list of their answers, in the place of a failed one its CallFailed;
- a Wait: nothing, once the time is over; a call asked again is made again;
- a Now: the moment its first answer came (UTC, aware), which is the same when a tape is replayed;
- a list of rows, as they come: nothing.

Each Call is an item of the queue of its own; a call that lists a type as well is made once."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """What a type of resource is called, how it is listed, what else is read of each, and what its ARN is."""

    type: str
    """CloudFormation's name, ``AWS::RDS::DBInstance``."""
    doc: str
    """One sentence: what it is."""
    list: Call | tuple[Call, ...] | None = None
    """How it is listed: one call or several, each followed over all its pages. The same call of two types is made once."""
    id: str = ""
    """Template of the ARN from the row's fields and {account}, {region}, {partition}: ``{DBInstanceArn}``."""
    name: str = ""
    """Template of the name people know it by."""
    tags: str = ""
    """Path of the list of tags (``TagList``; lists of Key/Value and plain maps are understood)."""
    scope: str = "regional"
    """``regional``, or ``global``: read once, region ``global``."""
    region: str = ""
    """Template of the resource's region where the rows name it, and a list holds those of other regions too.

    A global list (``{RegionName}``) is then read once and serves each region that is asked for; of a regional list
    (``{HomeRegion}``) each region keeps its own rows."""
    parent: str = ""
    """The type whose resources the list call is made for, one by one (listeners of a load balancer)."""
    parent_when: Callable[[Row], bool] | None = None
    """Which parents it is made for; ``None``: all. On the others there is nothing of this type."""
    inherit: tuple[str, ...] = ()
    """Fields of the parent that are put into each row before ``shape`` sees it (``ListenerArn``); a gap stays a gap."""
    only: Callable[[Row], bool] | None = None
    """Which rows of a shared answer are of this type; ``None``: all."""
    owner: str = ""
    """Field that holds the owner's account id: rows that another account owns are not kept."""
    details: Mapping[str, Call | Batch] = field(default_factory=dict)
    """Field of the document -> what is read for each resource."""
    details_when: Mapping[str, Callable[[Row], bool]] = field(default_factory=dict)
    """Detail -> which rows it is read for; on others the field is absent."""
    metrics: tuple[Metric, ...] = ()
    offering: bool | Callable[[str], bool] = False
    """Whether its resources (by their ids, where only some) are what AWS offers there and not what the account has.

    They are read, covered and joined like all others; in counts of the account's resources they are left out."""
    volatile: tuple[str, ...] = ()
    """Fields that change by themselves and are no drift (``LatestRestorableTime``); ``Metrics`` always is."""
    dated: tuple[Dated, ...] = ()
    """What of it goes into the evidence ledger, because AWS forgets it before the standard stops asking for it."""
    drop: tuple[str, ...] = ()
    """Paths that are never kept: secrets (``UserData``), and what nobody reads."""
    get: Call | None = None
    """How one resource is read again; its arguments come from the document."""
    collect: Callable[[], Collector] | None = None
    """The generator, for the one type in five that needs code; ``calls`` then names what it may send."""
    calls: tuple[Call, ...] = ()
    shape: Callable[[Row], Row] | None = None
    """Reshapes a row before it is kept; only to rename or unnest, never to judge."""

    def __post_init__(self) -> None:
        """Enter the type into TYPES. Raises ValueError when the name is taken or nothing lists it."""
        if self.type in TYPES:
            raise ValueError(f"resource type {self.type!r} is declared twice")
        if (self.list is None) == (self.collect is None):
            raise ValueError(f"{self.type}: exactly one of list and collect is needed")
        TYPES[self.type] = self

    def offers(self, id: str) -> bool:
        """Whether the resource of that id is one that AWS offers and not one that the account has."""
        return self.offering(id) if callable(self.offering) else self.offering

    @property
    def lists(self) -> tuple[Call, ...]:
        """The list calls as a tuple."""
        return self.list if isinstance(self.list, tuple) else (self.list,) if self.list else ()

    @property
    def every_call(self) -> tuple[Call, ...]:
        """Every call this type may lead to: for permissions, for the read-only guard, for its page."""
        details = tuple(d.call if isinstance(d, Batch) else d for d in self.details.values())
        metrics = (GET_METRIC_DATA,) if self.metrics else ()
        again = (self.get,) if self.get else ()
        return (*self.lists, *self.calls, *details, *metrics, *again)


def is_of_aws(arn: str) -> bool:
    """Return whether an ARN is AWS's own, the same in all accounts: ``arn:aws:iam::aws:policy/…``."""
    return arn.split(":")[4:5] == ["aws"]


GET_METRIC_DATA = Call("cloudwatch", "GetMetricData", "MetricDataResults")

TYPES: dict[str, ResourceType] = {}
"""Every declared type by name."""
