"""How much something was used: whether there is enough data to say so, and who asked to be left alone."""

from datetime import datetime, timedelta
from itertools import islice
from math import ceil, inf
from operator import add

from auditor.kit.facts import Facts, NotApplicable, Series, Unavailable
from auditor.kit.time import ago
from auditor.model import Document, Gap

__all__ = ["both", "datapoints", "has_tag", "peak_of_both", "require_days", "skip_tagged", "skip_young"]


def has_tag(facts: Facts, tag: str) -> bool:
    """Whether the resource has TAG, ``key=value``; case matters only in the key. Raises Unavailable without its tags."""
    key, _, value = tag.partition("=")
    own = facts.tags.get(key)
    return own is not None and own.casefold() == value.casefold()


def skip_tagged(facts: Facts, *tags: str) -> Unavailable | None:
    """Raise NotApplicable when the resource has one of TAGS (``keep=true``): somebody decided that it stays as it is.

    Returns what keeps the tags from being known, or ``None``. A check that passes need not know them; one that would fail
    raises what was returned first.
    """
    try:
        if not facts.tags:  # most have none, and nothing to compare
            return None
    except Unavailable as unread:
        return unread.kept()
    for tag in tags:
        if has_tag(facts, tag):
            raise NotApplicable(f"it is exempt by its tag {tag}")
    return None


def skip_young(facts: Facts, created: datetime, days: float) -> None:
    """Raise NotApplicable when the resource is younger than the DAYS it would be judged by."""
    if facts.observed_at - created < timedelta(days=days):
        raise NotApplicable(f"it is younger than the {days:g} days it is judged by")


def require_days(series: Series, days: int, ratio: float, what: str) -> None:
    """Raise Unavailable when there is data for fewer than RATIO of DAYS: too little to conclude anything from.

    WHAT names the metric, for people.
    """
    if series.days < ceil(days * ratio):
        raise Unavailable(
            Gap("cloudwatch:GetMetricData", "TooFewDatapoints", f"{what} has data for {series.days} of {days} days")
        )


def both(one: Series, other: Series) -> Series:
    """Return the sum of two metrics of the same period, period by period; where one has no datapoint it counts as 0.

    CloudWatch leaves out periods in which nothing happened (reads of a volume that is only written to).
    """
    if _together(one, other):
        return Series(one.times, tuple(map(add, one.values, other.values)), one.period_seconds)
    totals: dict[datetime, float] = {}
    for series in (one, other):
        for moment, value in zip(series.times, series.values, strict=True):
            totals[moment] = totals.get(moment, 0.0) + value
    points = sorted(totals.items())
    return Series(tuple(moment for moment, _ in points), tuple(value for _, value in points), one.period_seconds)


def peak_of_both(one: Series, other: Series, enough: float = inf) -> tuple[float, Series]:
    """Return the largest sum of two metrics in a period (0 without datapoints), and one that has the moments of both.

    With a sum above ENOUGH it stops and returns that: a busy volume is known by its first days, and need not be added up.
    """
    if _together(one, other):
        sums, some = map(add, one.values, other.values), _LOOKED_AT
        highest = max(islice(sums, some), default=0.0)
        while highest <= enough and (more := max(islice(sums, some), default=None)) is not None:
            some *= 2
            highest = max(highest, more)
        return highest, one
    series = both(one, other)
    return max(series.values, default=0.0), series


_LOOKED_AT = 24
"""So many sums are looked at before it is asked whether they are enough; then twice as many each time."""


def _together(one: Series, other: Series) -> bool:
    """Whether both have the same moments: the usual case, and a tenth of the work."""
    return one.times is other.times or one.times == other.times


def datapoints(*values: float, period: int = 86400, days: int = 14) -> Document:
    """Return a metric as the inventory keeps it, for cases: VALUES of periods of PERIOD seconds, the newest last.

    DAYS is how far back it was read.
    """
    times = [ago(hours=number * period / 3600) for number in range(len(values), 0, -1)]
    return {"Days": days, "Period": period, "Timestamps": times, "Values": list(values)}
