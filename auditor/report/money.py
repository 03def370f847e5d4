"""What can be saved a month: per resource the largest saving, never a sum; every amount with where it comes from.

Waste removal and right-sizing make the total. Commitments stand beside it: they are bought for what stays after both, and
whoever added them up would save the same hours twice.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from auditor.model import Certainty, FindingState, Saving
from auditor.report.findings import FindingViews
from auditor.report.inputs import ReportInputs
from auditor.report.text import service, visible, word
from auditor.report.view import MoneyItem, MoneyShare, MoneyView, Way
from auditor.savings import COMMITMENTS, bullet_of

__all__ = ["STALE_DAYS", "UNTAGGED", "money_view"]

STALE_DAYS = 365
"""Prices older than this at the time of the scan are warned about."""
UNTAGGED = "not tagged"
_WAYS = {
    COMMITMENTS: Way.COMMITMENTS,
    "cost.right-sizing.": Way.RIGHT_SIZING,
    "cost.cleanup.": Way.WASTE,
}
"""How a bullet's id begins -> the way its savings are made; the first that fits."""


def money_view(savings: Iterable[tuple[FindingState, Saving]], views: FindingViews, inputs: ReportInputs) -> MoneyView:
    """Return the SAVINGS of failing findings; VIEWS makes what is shown of one."""
    served = functools.cache(lambda check: _served(check, inputs))
    found = []
    for state, saving in savings:
        place = next(at for at, piece in enumerate(state.finding.evidence) if piece.saving is saving)
        bullet, category, way = served(state.finding.check)
        found.append(MoneyItem(state, saving, place, saving.usd_month, bullet, category, way, True, views))
    found.sort(key=lambda item: -(item.usd_month or 0.0))
    counted: set[str] = set()
    items, unpriced = [], []
    for item in found:
        resource = item.state.finding.resource
        if item.usd_month is None:
            unpriced.append(item)
        elif item.way is Way.COMMITMENTS or resource in counted:
            items.append(item._replace(counted=False))
        else:
            items.append(item)
            counted.add(resource)
    adding = [item for item in items if item.counted]
    certain = {c: round(sum(i.usd_month or 0.0 for i in adding if i.certainty is c), 2) for c in Certainty}
    oldest = visible(min((price.as_of for item in found for price in item.saving.prices), default=""))
    owners, environments = views.labels([item.state.finding for item in adding])
    served_by = functools.cache(lambda type: service(word(type)))
    return MoneyView(
        total=round(sum(item.usd_month or 0.0 for item in adding), 2),
        by_certainty=certain,
        items=tuple(items),
        unpriced=tuple(unpriced),
        by_bullet=_shares(adding, lambda item: item.bullet),
        by_category=_shares(adding, lambda item: item.category),
        by_service=_shares(adding, lambda item: served_by(item.state.finding.type)),
        by_region=_shares(adding, lambda item: word(item.state.finding.region)),
        by_account=_shares(adding, lambda item: word(item.state.finding.account)),
        by_environment=_sums(zip([at or UNTAGGED for at in environments], adding, strict=True)),
        by_owner=_sums(zip([of or UNTAGGED for of in owners], adding, strict=True)),
        by_way=_ways(items),
        oldest_price=oldest,
        stale=_stale(oldest, inputs.scan.started_at),
    )


def _served(check_id: str, inputs: ReportInputs) -> tuple[str, str, Way]:
    """Return the bullet a check's saving belongs to, its sub-chapter, and the way in which it is made."""
    check = inputs.checks.get(check_id)
    bullet = bullet_of(check) if check else ""
    way = next((way for start, way in _WAYS.items() if bullet.startswith(start)), Way.OTHER)
    if bullet not in inputs.standard:
        return "Other", "Other", way
    pattern = inputs.standard[bullet]
    return visible(pattern.bullet), visible(pattern.group), way


def _ways(items: Iterable[MoneyItem]) -> tuple[MoneyShare, ...]:
    """Return what each way saves: of commitments each account's largest, which is no part of the total; of the others what
    makes it."""
    adding, committing = [], set[str]()
    for item in items:  # the largest first
        if item.way is Way.COMMITMENTS and item.state.finding.resource not in committing:
            committing.add(item.state.finding.resource)
            adding.append(item)
        elif item.counted:
            adding.append(item)
    made = {share.name: share for share in _shares(adding, lambda item: item.way)}
    always = [way for way in Way if way is not Way.OTHER or way in made]
    return tuple(made.get(way, MoneyShare(str(way), 0.0, 0)) for way in always)


def _shares(items: Iterable[MoneyItem], name: Callable[[MoneyItem], str]) -> tuple[MoneyShare, ...]:
    return _sums((name(item), item) for item in items)


def _sums(named: Iterable[tuple[str, MoneyItem]]) -> tuple[MoneyShare, ...]:
    totals: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for key, item in named:
        totals[key] += item.usd_month or 0.0
        counts[key] += 1
    shares: Mapping[str, float] = dict(sorted(totals.items(), key=lambda entry: -entry[1]))
    return tuple(MoneyShare(key, round(usd, 2), counts[key]) for key, usd in shares.items())


def _stale(as_of: str, now: datetime) -> bool:
    """Tell whether a price's date (``YYYY-MM-DD`` or ``YYYY-MM``) lies more than STALE_DAYS before NOW."""
    try:
        when = date.fromisoformat(as_of if len(as_of) > 7 else f"{as_of}-01")
    except ValueError:
        return False
    return (now.date() - when).days > STALE_DAYS
