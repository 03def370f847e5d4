"""What can be saved a month, and what each amount stands on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from auditor.frozen import quick
from auditor.model import Certainty, FindingState, Saving
from auditor.report.text import visible
from auditor.report.view.finding import EvidenceView, FindingView

__all__ = ["MoneyItem", "MoneyShare", "MoneyView", "PriceView", "Way"]


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price an amount stands on."""

    item: str
    usd: float
    unit: str
    source: str
    as_of: str
    certainty: Certainty
    factor: float | None = None


class Way(StrEnum):
    """The way in which a saving is made."""

    WASTE = "waste removal"
    """What nobody uses is deleted."""
    RIGHT_SIZING = "right-sizing"
    """What is used is made smaller, newer or bought by another model, as Spot."""
    COMMITMENTS = "commitments"
    """What stays is promised for a year or three: Reserved Instances and Savings Plans."""
    OTHER = "other"


class MoneyItem(NamedTuple):
    """What mending one finding saves. There may be very many: what only a shown one needs is made when it is read."""

    state: FindingState
    """The finding; its texts are as the account gave them."""
    saving: Saving
    place: int
    """Number of the evidence the saving belongs to."""
    usd_month: float | None
    """``None``: not priced."""
    bullet: str
    """The bullet of the standard it serves: ``Automated cleanup``."""
    category: str
    """The sub-chapter of the standard: ``Resource Cleanup``."""
    way: Way
    counted: bool
    """False where another finding of the same resource saves more, and for commitments: then it is not added up."""
    views: Callable[[FindingState], FindingView]
    """Makes the view of a finding."""

    @property
    def finding(self) -> FindingView:
        """The finding, as readers see it."""
        return self.views(self.state)

    @property
    def evidence(self) -> EvidenceView:
        """What the amount stands on."""
        return self.finding.evidence[self.place]

    @property
    def others(self) -> tuple[EvidenceView, ...]:
        """What else the finding stands on."""
        evidence = self.finding.evidence
        return evidence[: self.place] + evidence[self.place + 1 :]

    @property
    def certainty(self) -> Certainty:
        """Of the amount."""
        return self.saving.certainty

    @property
    def formula(self) -> str:
        """How the amount is made of the prices."""
        return visible(self.saving.formula)

    @property
    def prices(self) -> tuple[PriceView, ...]:
        """What the amount stands on."""
        return tuple(
            PriceView(
                item=visible(price.item),
                usd=price.usd,
                unit=visible(price.unit),
                source=visible(price.source),
                as_of=visible(price.as_of),
                certainty=price.certainty,
                factor=price.region_factor,
            )
            for price in self.saving.prices
        )

    @property
    def last_use(self) -> str:
        """When the resource was last used: a date, or words where the evidence has only those; empty: it does not say."""
        facts = self.state.finding.evidence[self.place].facts
        name = next((name for name in _LAST_USE if name in facts), "")
        said = dict(self.evidence.facts)[name] if name else ""
        try:
            return datetime.fromisoformat(said).date().isoformat()
        except ValueError:
            return said


_LAST_USE = ("last_used", "last_used_at", "stopped_at", "unattached_since")
"""Facts by which checks say when a resource was last used."""


@quick
@dataclass(frozen=True, slots=True)
class MoneyShare:
    """A part of the total: a way, a bullet, a category, a service, a region, an account, a tag's value."""

    name: str
    usd_month: float
    items: int


@dataclass(frozen=True, slots=True)
class MoneyView:
    """What can be saved a month, at list price before discounts."""

    total: float
    """USD a month: per resource the largest saving, never the sum; without commitments."""
    by_certainty: Mapping[Certainty, float]
    items: tuple[MoneyItem, ...]
    """Priced ones, largest first."""
    unpriced: tuple[MoneyItem, ...]
    by_bullet: tuple[MoneyShare, ...]
    by_category: tuple[MoneyShare, ...]
    by_service: tuple[MoneyShare, ...]
    by_region: tuple[MoneyShare, ...]
    by_account: tuple[MoneyShare, ...]
    by_environment: tuple[MoneyShare, ...]
    """By the value of the tag ``environment``, ``env`` or ``stage``; without one: ``not tagged``."""
    by_owner: tuple[MoneyShare, ...]
    """By the value of the tag ``owner``, ``team`` or ``contact``; without one: ``not tagged``."""
    by_way: tuple[MoneyShare, ...]
    """Waste removal, right-sizing, commitments: always these three, ``other`` where there is any. All but commitments make the
    total; commitments are bought for what stays, so theirs is what could be saved if nothing else were done."""
    oldest_price: str
    """Date of the oldest price used; empty without any."""
    stale: bool
    """The oldest price is older than 365 days at the time of the scan."""
