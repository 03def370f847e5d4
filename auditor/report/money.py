"""What can be saved a month: per resource the largest saving, never a sum; every amount with where it comes from.

Waste removal and right-sizing make the total. Commitments stand beside it: they are bought for what stays after both, and
whoever added them up would save the same hours twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from auditor.model import Certainty, Finding, Price, Saving
from auditor.report.inputs import ReportInputs
from auditor.report.tags import environment, owner
from auditor.report.text import service, visible
from auditor.report.view import FindingView, MoneyItem, MoneyShare, MoneyView, PriceView, Way
from auditor.savings import COMMITMENTS, bullet_of
from auditor.standard import Pattern

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
_LAST_USE = ("last_used", "last_used_at", "stopped_at", "unattached_since")
"""Facts by which checks say when a resource was last used."""


def money_view(pairs: Iterable[tuple[Finding, FindingView]], inputs: ReportInputs) -> MoneyView:
    """Return the savings of failing findings (each with its view)."""
    found: list[tuple[MoneyItem, str]] = []
    for finding, view in pairs:
        if saving := finding.saving:
            place = next(at for at, piece in enumerate(finding.evidence) if piece.saving is saving)
            found.append((_item(view, saving, place, *_served(finding.check, inputs)), finding.resource))
    found.sort(key=lambda entry: -(entry[0].usd_month or 0.0))
    counted: set[str] = set()
    items, unpriced = [], []
    for item, resource in found:
        if item.usd_month is None:
            unpriced.append(item)
        elif item.way is Way.COMMITMENTS or resource in counted:
            items.append(replace(item, counted=False))
        else:
            items.append(item)
            counted.add(resource)
    adding = [item for item in items if item.counted]
    certain = {c: round(sum(i.usd_month or 0.0 for i in adding if i.certainty is c), 2) for c in Certainty}
    oldest = min((price.as_of for item in (*items, *unpriced) for price in item.prices), default="")
    return MoneyView(
        total=round(sum(item.usd_month or 0.0 for item in adding), 2),
        by_certainty=certain,
        items=tuple(items),
        unpriced=tuple(unpriced),
        by_bullet=_shares(adding, lambda item: item.bullet),
        by_category=_shares(adding, lambda item: item.category),
        by_service=_shares(adding, lambda item: service(item.finding.type)),
        by_region=_shares(adding, lambda item: item.finding.region),
        by_account=_shares(adding, lambda item: item.finding.account),
        by_environment=_shares(adding, lambda item: environment(item.finding.tags) or UNTAGGED),
        by_owner=_shares(adding, lambda item: owner(item.finding.tags) or UNTAGGED),
        by_way=_ways(items),
        oldest_price=oldest,
        stale=_stale(oldest, inputs.scan.started_at),
    )


def _served(check_id: str, inputs: ReportInputs) -> tuple[Pattern | None, Way]:
    """Return the bullet a check's saving belongs to, if the standard has it, and the way in which it is made."""
    check = inputs.checks.get(check_id)
    bullet = bullet_of(check) if check else ""
    way = next((way for start, way in _WAYS.items() if bullet.startswith(start)), Way.OTHER)
    pattern = inputs.standard[bullet] if bullet in inputs.standard else None  # noqa: SIM401 - it has no get
    return pattern, way


def _item(view: FindingView, saving: Saving, place: int, pattern: Pattern | None, way: Way) -> MoneyItem:
    """Return a saving as an item; PLACE is the number of the evidence it belongs to."""
    evidence = view.evidence[place]
    return MoneyItem(
        finding=view,
        evidence=evidence,
        others=view.evidence[:place] + view.evidence[place + 1 :],
        usd_month=saving.usd_month,
        certainty=saving.certainty,
        formula=visible(saving.formula),
        prices=tuple(map(_price, saving.prices)),
        bullet=visible(pattern.bullet) if pattern else "Other",
        category=visible(pattern.group) if pattern else "Other",
        way=way,
        counted=True,
        last_use=_last_use(evidence.facts),
    )


def _last_use(facts: Iterable[tuple[str, str]]) -> str:
    """Return the day (``2026-06-15``) a resource was last used, or what its evidence says instead; empty without any."""
    held = dict(facts)
    said = next((held[name] for name in _LAST_USE if name in held), "")
    try:
        return datetime.fromisoformat(said).date().isoformat()
    except ValueError:
        return said


def _ways(items: Iterable[MoneyItem]) -> tuple[MoneyShare, ...]:
    """Return what each way saves: of commitments each account's largest, which is no part of the total; of the others what
    makes it."""
    adding, committing = [], set[str]()
    for item in items:  # the largest first
        if item.way is Way.COMMITMENTS and item.finding.resource not in committing:
            committing.add(item.finding.resource)
            adding.append(item)
        elif item.counted:
            adding.append(item)
    made = {share.name: share for share in _shares(adding, lambda item: item.way)}
    always = [way for way in Way if way is not Way.OTHER or way in made]
    return tuple(made.get(way, MoneyShare(str(way), 0.0, 0)) for way in always)


def _price(price: Price) -> PriceView:
    return PriceView(
        item=visible(price.item),
        usd=price.usd,
        unit=visible(price.unit),
        source=visible(price.source),
        as_of=visible(price.as_of),
        certainty=price.certainty,
        factor=price.region_factor,
    )


def _shares(items: Iterable[MoneyItem], name: Callable[[MoneyItem], str]) -> tuple[MoneyShare, ...]:
    totals: dict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    for item in items:
        key = name(item)
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
