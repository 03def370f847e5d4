"""A check's view of one resource and of what it is joined to: the API's own names, no clock, no network."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Protocol, Self, TypeVar

from auditor.acceptance import Attestation
from auditor.frozen import quick
from auditor.kit.money import PriceBook
from auditor.kit.time import DAYS, parse_time
from auditor.model import GLOBAL, Document, Evidence, Gap, Resource

__all__ = [
    "ATTESTATION",
    "OBSERVED_AT",
    "Facts",
    "NotApplicable",
    "Series",
    "Unavailable",
    "World",
    "keys_of",
    "values_at",
]


T = TypeVar("T")

ATTESTATION = "attestation"
"""The operation of a gap that no API fills, but a person."""
OBSERVED_AT = "ObservedAt"
"""Field of a document that the evidence ledger kept of what a scan measured: when it was read (ISO 8601, UTC)."""


class NotApplicable(Exception):
    """The check cannot concern this resource; the message says why ("the group can never hold an instance")."""


class Unavailable(Exception):
    """A check asked for a fact that could not be read; the engine makes it UNKNOWN.

    A check catches it only where another fact can still decide, and raises it again where none did.
    """

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap

    def kept(self) -> Self:
        """Return it without where it was raised.

        A check that keeps it as a doubt and then passes would be kept by it in turn, with all it looked at.
        """
        self.__traceback__ = self.__context__ = None
        return self


class World(Protocol):
    """What a Facts asks for the rest of the inventory (see auditor.kit.world)."""

    prices: PriceBook
    memo: dict[Any, Any]
    """What ``Facts.once`` keeps."""

    def find(self, type: str, by: str, keys: Iterable[str], region: str | None) -> Sequence["Facts"]:
        """Return the resources of TYPE that hold one of KEYS at the path BY; REGION ``None``: in every region."""

    def holding(self, type: str, by: str, key: str, region: str | None) -> Sequence["Facts"]:
        """Return the resources of TYPE that hold KEY at the path BY: ``find`` with one key, which is what most joins ask."""

    def all(self, type: str, region: str | None) -> Sequence["Facts"]:
        """Return every resource of TYPE that was read."""

    def recorded(self, type: str, by: str, key: str, region: str | None) -> Sequence["Facts"]:
        """Return the resources of TYPE that hold KEY at the path BY, and those the evidence ledger kept of earlier scans."""

    def all_recorded(self, type: str, region: str | None) -> list["Facts"]:
        """Return every resource of TYPE that was read, and those the evidence ledger kept of earlier scans."""

    def attestation(self, check: str, facts: "Facts", max_age_days: int | None) -> Attestation | None:
        """Return what was attested of FACTS for CHECK (id), rather one that proves it; ``None`` when nothing was."""

    def other(self, account: str) -> "World | None":
        """Return what the newest scan of another ACCOUNT read, or ``None`` when none is in the store."""

    def read_since(self, type: str) -> datetime | None:
        """Return when the oldest part of TYPE was read, or ``None`` when that is not known."""

    def unread(self, type: str, region: str | None, by: str = "") -> Gap | None:
        """Return why TYPE, or what lies at the path BY of each, was not read completely there, or ``None`` when it was."""


def values_at(document: Any, path: str) -> Iterator[Any]:
    """Yield the values at PATH (``Attachments[].InstanceId``, ``Placement.AvailabilityZone``); absent ones yield nothing."""
    head, _, rest = path.partition(".")
    many = head.endswith("[]")
    value = document.get(head[:-2] if many else head) if isinstance(document, Mapping) else None
    if value is None:
        return
    for item in value if many else (value,):
        if rest:
            yield from values_at(item, rest)
        else:
            yield item


class _Moments(tuple[datetime, ...]):
    """When a metric's datapoints lie, oldest first.

    Metrics of one answer share their timestamps: what is worked out of them is kept for the next resource, because it costs
    more than the check.
    """

    order: tuple[int, ...] = ()
    """The order they came in; empty when they were in order."""
    _latest: tuple[datetime | None, int, "_Moments"] = (None, 0, ())  # type: ignore[assignment]
    """From when it was asked for last, and what was answered; bound at once, as threads may ask."""

    @cached_property
    def days(self) -> int:
        """On how many days (UTC) they lie."""
        return len({moment.date() for moment in self})

    @cached_property
    def _windows(self) -> dict[int, "_Moments"]:
        return {}

    def since(self, start: datetime) -> tuple[int, "_Moments"]:
        """Return how many lie before START, and the others."""
        if not self or self[0] >= start:
            return 0, self
        asked, before, rest = self._latest
        if start != asked:  # what was read together is asked for the same
            before = bisect_left(self, start)
            rest = self._windows.get(before) or self._windows.setdefault(before, _Moments(self[before:]))
            self._latest = (start, before, rest)
        return before, rest


@lru_cache(maxsize=256)
def _in_order(timestamps: tuple[str, ...]) -> _Moments:
    moments = [parse_time(text) for text in timestamps]
    order = sorted(range(len(moments)), key=moments.__getitem__)
    made = _Moments(moments[number] for number in order)
    if order != list(range(len(order))):
        made.order = tuple(order)
    return made


@lru_cache(maxsize=256)
def _window(days: float, period_seconds: int) -> timedelta:
    return timedelta(days=days, seconds=period_seconds)


_latest: tuple[list[str], _Moments] = ([], _Moments())
"""The timestamps that were read last: the next metric's are most often equal, and comparing is cheaper than hashing."""


def _moments(timestamps: list[str]) -> _Moments:
    global _latest  # one name is bound at once, so threads may do it at the same time
    known, moments = _latest
    if known is not timestamps and known != timestamps:
        moments = _in_order(tuple(timestamps))
        _latest = (timestamps, moments)
    return moments


@quick
@dataclass(frozen=True, slots=True)
class Series:
    """A CloudWatch metric's datapoints, oldest first, one per period."""

    times: tuple[datetime, ...]
    values: Sequence[float]
    """As the inventory keeps them, without a copy: not to be changed."""
    period_seconds: int

    def __bool__(self) -> bool:
        """Whether there is any datapoint."""
        return bool(self.values)

    @property
    def maximum(self) -> float:
        """The largest value. Raises ValueError without datapoints."""
        return max(self.values)

    @property
    def average(self) -> float:
        """The mean of the values. Raises ZeroDivisionError without datapoints."""
        return sum(self.values) / len(self.values)

    @property
    def days(self) -> int:
        """On how many days (UTC) there are datapoints."""
        times = self.times
        return times.days if isinstance(times, _Moments) else len({moment.date() for moment in times})


class Facts:
    """One resource as a check sees it: ``facts["MultiAZ"]`` is the API's field, or ends the check as UNKNOWN."""

    # Attributes and no properties: every check reads several of them of every resource.
    __slots__ = (
        "_document", "_gaps", "_later", "_made", "_reach", "_resource", "_world",
        "account", "id", "name", "observed_at", "region", "type",
    )  # fmt: skip

    type: str
    """The resource type, ``AWS::RDS::DBInstance``."""
    id: str
    """The ARN."""
    name: str
    """The name people know it by."""
    account: str
    """The account id."""
    region: str
    """The region, or ``global``."""
    observed_at: datetime
    """When the resource was read: "now" for every age (UTC)."""

    def __init__(self, resource: Resource, world: World, later: Mapping[str, Callable[[], Any]] | None = None) -> None:
        """LATER: fields of the document that are made when they are first asked for."""
        self._later = later
        self._resource = resource
        self._document = resource.document
        self._gaps = resource.gaps
        self._world = world
        self._made: dict[Any, Any] | None = None
        self.type = resource.type
        self.id = resource.id
        self.name = resource.name
        self.account = resource.account
        self.region = region = resource.region
        self.observed_at = resource.observed_at
        # Where to look for what it is joined to; a global resource may be joined to any region.
        self._reach = None if region == GLOBAL else region

    def __getitem__(self, key: str) -> Any:
        """Return the field KEY. Raises Unavailable when it could not be read or the answer did not hold it."""
        try:
            return self._document[key]
        except KeyError:
            pass
        if self._later:
            document = self._whole()
            if key in document:
                return document[key]
        raise Unavailable(self._gap(key))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the field KEY, or DEFAULT where the API leaves it out. Raises Unavailable when it could not be read."""
        value = self._document.get(key)
        if value is not None:
            return value
        if self._later and key in self._later:
            return self._whole().get(key, default)
        if self._gaps and key in self._gaps and key not in self._document:
            raise Unavailable(self._gaps[key])
        return default

    def values(self, path: str) -> list[Any]:
        """Return all values at PATH (``Attachments[].InstanceId``). Raises Unavailable when its first field could not be read."""
        head = path.partition(".")[0].removesuffix("[]")
        if head in self._gaps:
            raise Unavailable(self._gaps[head])
        return list(values_at(self._whole(), path))

    def _whole(self) -> Document:
        """Return the document with what was left to be made later."""
        if self._later:
            made = {key: make() for key, make in self._later.items()}
            self._document, self._later = {**self._document, **made}, None
        return self._document

    def _gap(self, key: str) -> Gap:
        gap = self._gaps.get(key)
        return gap or Gap(self.type, "FieldMissing", f"the answer did not hold {key}")

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags, key to value. Raises Unavailable when they could not be read."""
        if self._gaps and "Tags" in self._gaps:
            raise Unavailable(self._gaps["Tags"])
        return self._resource.tags

    @property
    def known_tags(self) -> Mapping[str, str] | None:
        """The tags, key to value; ``None`` when they could not be read."""
        return None if "Tags" in self._gaps else self._resource.tags

    @property
    def prices(self) -> PriceBook:
        """List prices for savings."""
        return self._world.prices

    def time(self, key: str) -> datetime:
        """Return the date under KEY (UTC). Raises Unavailable without one."""
        return parse_time(self[key])

    def age(self, key: str) -> timedelta:
        """Return how long before the observation the date under KEY lies."""
        return self.observed_at - self.time(key)

    def days_since(self, key: str) -> float:
        """Return the days (with fraction) from the date under KEY to the observation."""
        return (self.observed_at - parse_time(self[key])).total_seconds() / 86400

    def hours_since(self, key: str) -> float:
        """Return the hours (with fraction) from the date under KEY to the observation."""
        return (self.observed_at - parse_time(self[key])).total_seconds() / 3600

    def metric(self, name: str, statistic: str, days: float | None = None) -> Series:
        """Return the CloudWatch metric's datapoints of the last DAYS (``None``: of all that was read).

        An empty Series means CloudWatch has no datapoints. Raises Unavailable when the metric could not be read, or was
        read for fewer days than asked.
        """
        metrics = self["Metrics"]
        key = f"{name}.{statistic}"
        if key not in metrics:
            raise Unavailable(Gap("cloudwatch:GetMetricData", "FieldMissing", f"{key} was not read"))
        series = metrics[key]
        if days is not None and days > series["Days"]:
            raise Unavailable(Gap("cloudwatch:GetMetricData", "TooFewDays", f"{key}: {series['Days']} days were read"))
        times, values, period = _moments(series["Timestamps"]), series["Values"], series["Period"]
        if len(values) != len(times):
            raise ValueError(f"{key}: {len(times)} timestamps, {len(values)} values")
        if times.order:
            values = [values[number] for number in times.order]
        if days is not None:
            before, times = times.since(self.observed_at - _window(days, period))
            if before:
                values = values[before:]
        return Series(times, values, period)

    def related(
        self, type: str, keys: Iterable[str], by: str = "id", *, required: bool = False, everywhere: bool = False
    ) -> Sequence["Facts"]:
        """Return the resources of TYPE that hold one of KEYS at the path BY (``id``: the ARN, else a field of the document).

        Looks in this resource's region (and among global types), EVERYWHERE: in all regions of the account. Keys that are
        not found raise Unavailable when TYPE was not read completely, or when REQUIRED; otherwise they just do not exist.
        """
        wanted = list(keys)
        world, region = self._world, None if everywhere else self._reach
        if len(wanted) == 1:
            found = world.holding(type, by, wanted[0], region)
            if found:
                return found
        else:
            wanted = list(dict.fromkeys(wanted))
            found = world.find(type, by, wanted, region)
        gap = world.unread(type, region, by)
        if gap or required:
            for key in wanted:
                if not world.holding(type, by, key, region):
                    raise Unavailable(gap or Gap(type, "NotFound", f"{key} is not in the inventory"))
        return found

    def referrers(self, type: str, by: str, key: str | None = None, *, everywhere: bool = False) -> Sequence["Facts"]:
        """Return every resource of TYPE that holds KEY (this resource's ARN if ``None``) at the path BY.

        Raises Unavailable when TYPE, or that field of one of them, was not read: there could be more of them. Where the
        ones that were read can already decide, catch it and use ``known_referrers``.
        """
        world, region = self._world, None if everywhere else self._reach
        if gap := world.unread(type, region, by):
            raise Unavailable(gap)
        return world.holding(type, by, self.id if key is None else key, region)

    def require_read(self, type: str, by: str = "", *, everywhere: bool = False) -> None:
        """Raise Unavailable when TYPE, or what lies at the path BY of one of them, was not read: there could be more of them."""
        if gap := self._world.unread(type, None if everywhere else self._reach, by):
            raise Unavailable(gap)

    def known_referrers(
        self, type: str, by: str, key: str | None = None, *, everywhere: bool = False
    ) -> Sequence["Facts"]:
        """Return the referrers that were read, complete or not: enough to prove that there is one, never that there is none."""
        region = None if everywhere else self._reach
        return self._world.holding(type, by, self.id if key is None else key, region)

    def recorded(self, type: str, by: str, key: str | None = None, *, everywhere: bool = False) -> Sequence["Facts"]:
        """Return the referrers that were read and those of earlier scans that the evidence ledger kept.

        Looks in this resource's region, EVERYWHERE: in all regions of the account. AWS forgets them (RDS events after 14
        days), the ledger does not. Enough to prove that something happened; that nothing did is proven by ``referrers``
        alone, and only for as long as AWS remembers.
        """
        return self._world.recorded(type, by, self.id if key is None else key, None if everywhere else self._reach)

    def all_recorded(self, type: str, *, everywhere: bool = False) -> list["Facts"]:
        """Return every resource of TYPE that was read or that the evidence ledger kept (see ``recorded``)."""
        return self._world.all_recorded(type, None if everywhere else self._reach)

    def attestation(self, check: str, max_age_days: int | None = None) -> Attestation | None:
        """Return what a person attested of this resource for CHECK (the asking check's id), if it proves it; else ``None``."""
        found = self._world.attestation(check, self, max_age_days)
        return found if found and not found.fault(self.observed_at.date(), max_age_days) else None

    def attested(self, check: str, max_age_days: int | None = None) -> Iterator[Evidence]:
        """Yield what is wrong with what a person attested of this resource for CHECK (the asking check's id).

        Yields nothing where it proves its statement: the check then passes by it. The last resort of a check, after all that
        an API can show. Raises Unavailable when nothing was attested. MAX_AGE_DAYS: how old it may be at most.
        """
        found = self._world.attestation(check, self, max_age_days)
        if found is None:
            raise Unavailable(Gap(ATTESTATION, "NotGiven", f"to be attested: auditor attest --check {check}"))
        today = self.observed_at.date()
        fault = found.fault(today, max_age_days)
        if fault:
            # How old it is follows from the clock; that it is too old does not change with the days.
            aged = found.until >= today and fault != found.fault(today)
            given = datetime(found.given.year, found.given.month, found.given.day, tzinfo=UTC)
            yield Evidence(
                f"the attestation of {found.author} "
                + (f"is {DAYS} days old, {max_age_days} allowed" if aged else fault),
                {
                    "statement": found.statement,
                    "author": found.author,
                    "given": found.given.isoformat(),
                    "until": found.until.isoformat(),
                    "evidence": found.evidence,
                    "source": found.source,
                },
                since=given if aged else None,
            )

    def all(self, type: str, *, everywhere: bool = False) -> Sequence["Facts"]:
        """Return every resource of TYPE in this region. Raises Unavailable when TYPE was not read completely."""
        self.require_read(type, everywhere=everywhere)
        return self._world.all(type, None if everywhere else self._reach)

    def elsewhere(self, account: str, type: str, *, days: float = 7) -> Sequence["Facts"]:
        """Return every resource of TYPE in another ACCOUNT (its id), as that account's newest scan in the same store read it.

        For what one account has and others rely on: the organisation's trail, the payer's budgets. Raises Unavailable when
        that account was not scanned, TYPE was not read completely there, or was read more than DAYS before this resource:
        what is not known of another account is neither there nor missing.
        """
        world = self._world if account == self.account else self._world.other(account)
        if world is None:
            raise Unavailable(Gap(type, "NotScanned", f"no finished scan of account {account} is in the store"))
        if gap := world.unread(type, None):
            raise Unavailable(Gap(gap.operation, gap.code, f"in account {account}: {gap.message or gap.code}"))
        since = world.read_since(type)
        if since is None or self.observed_at - since > timedelta(days=days):
            read = f"on {since:%Y-%m-%d}" if since else "nobody knows when"
            raise Unavailable(Gap(type, "TooOld", f"account {account} was read {read}, more than {days:g} days before"))
        return world.all(type, None)

    def once(self, make: Callable[["Facts"], T], *, everywhere: bool = False) -> T:
        """Return what MAKE gives for the first resource of this region that asks (EVERYWHERE: of all); all others get the same.

        For what would be searched again for every resource though it is the same for each (the newest copy of every size).
        MAKE may look at nothing of the resource it is given but its joins. What it raises is raised to each that asks.
        """
        memo, key = self._world.memo, (make, "" if everywhere else self.region)
        if key not in memo:
            memo[key] = make(self)
        made: T = memo[key]
        return made

    def remembered(self, make: Callable[["Facts"], T]) -> T:
        """Return what MAKE gives for this resource, made once for all the checks that ask for it; not to be changed."""
        held = self._made
        if held is None:
            held = self._made = {}
        elif make in held:
            known: T = held[make]
            return known
        made = held[make] = make(self)
        return made

    def known(self, type: str) -> Sequence["Facts"]:
        """Return every resource of TYPE in this region that was read, complete or not: what is not among them is not known."""
        return self._world.all(type, self._reach)

    def keys_at(self, by: str) -> list[str]:
        """Return what this resource is found by at the path BY (``id``: its ARN)."""
        return keys_of(self.id, self._whole() if self._later else self._document, by)


def keys_of(id: str, document: Document, by: str) -> list[Any]:
    """Return what a resource of that ID and DOCUMENT is found by at the path BY."""
    if by == "id":
        return [id]
    if "." not in by and "[" not in by:  # most joins; the general way costs three times as much
        value = document.get(by)
        return [] if value is None else [value]
    return list(values_at(document, by))
