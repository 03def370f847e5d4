"""What can be saved a month: per resource the largest saving, never a sum; every amount with where it comes from."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from auditor.model import Certainty, Finding, Price, Saving
from auditor.report.inputs import ReportInputs
from auditor.report.text import service, visible
from auditor.report.view import FindingView, MoneyItem, MoneyShare, MoneyView, PriceView
from auditor.standard import Pattern

__all__ = ["STALE_DAYS", "money_view"]

STALE_DAYS = 365
"""Prices older than this at the time of the scan are warned about."""


def money_view(pairs: Iterable[tuple[Finding, FindingView]], inputs: ReportInputs) -> MoneyView:
    """Return the savings of failing findings (each with its view)."""
    found: list[tuple[MoneyItem, str]] = []
    for finding, view in pairs:
        if saving := finding.saving:
            place = next(at for at, piece in enumerate(finding.evidence) if piece.saving is saving)
            found.append((_item(view, saving, place, _pattern(finding.check, inputs)), finding.resource))
    found.sort(key=lambda entry: -(entry[0].usd_month or 0.0))
    counted: set[str] = set()
    items, unpriced = [], []
    for item, resource in found:
        if item.usd_month is None:
            unpriced.append(item)
            continue
        items.append(item if resource not in counted else replace(item, counted=False))
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
        oldest_price=oldest,
        stale=_stale(oldest, inputs.scan.started_at),
    )


def _pattern(check_id: str, inputs: ReportInputs) -> Pattern | None:
    """Return the bullet a check's saving belongs to: of the cost section if it serves one, else its first."""
    check = inputs.checks.get(check_id)
    served = [inputs.standard[id] for id in check.patterns if id in inputs.standard] if check else []
    return next((p for p in served if p.section_id == "cost"), served[0] if served else None)


def _item(view: FindingView, saving: Saving, place: int, pattern: Pattern | None) -> MoneyItem:
    """Return a saving as an item; PLACE is the number of the evidence it belongs to."""
    return MoneyItem(
        finding=view,
        evidence=view.evidence[place],
        others=view.evidence[:place] + view.evidence[place + 1 :],
        usd_month=saving.usd_month,
        certainty=saving.certainty,
        formula=visible(saving.formula),
        prices=tuple(map(_price, saving.prices)),
        bullet=visible(pattern.bullet) if pattern else "Other",
        category=visible(pattern.group) if pattern else "Other",
        counted=True,
    )


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
