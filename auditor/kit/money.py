"""Money: list prices a check may ask for, and savings that say how they were made."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any, NamedTuple, Protocol

from auditor.model import Certainty, Price, Saving

__all__ = [
    "HOURS_PER_MONTH",
    "Certainty",
    "NoPrices",
    "Part",
    "Price",
    "PriceBook",
    "Saving",
    "recommended",
    "saving",
    "sum_of",
    "unpriced",
]

HOURS_PER_MONTH = 730
"""AWS's own convention for a month of hourly prices (8,760 hours / 12)."""


class PriceBook(Protocol):
    """List prices; ``None`` means not priced, never a guess."""

    def price(self, item: str, region: str, **attributes: str) -> Price | None:
        """Return the price of ITEM (a name of docs/prices.md: ``ebs-storage``, ``rds-instance``, …) in REGION."""


class NoPrices:
    """A price book without prices: every saving is "not priced"."""

    def price(self, item: str, region: str, **attributes: str) -> Price | None:
        """Return ``None``."""
        return None


def saving(formula: str, *parts: tuple[float, Price | None], certainty: Certainty = Certainty.EXACT) -> Saving:
    """Return the sum of quantity x price (USD a month) as a Saving, or an unpriced one if a price is missing.

    Each part is a quantity in units a month (hours, GB-months, …; negative for what is still paid) and its price. The
    certainty is the weakest of CERTAINTY and the prices' own. A negative sum saves nothing: 0.
    """
    prices = tuple(price for _, price in parts if price is not None)
    if len(prices) < len(parts):
        return Saving(None, formula, certainty, prices)
    amount = sum(quantity * price.usd for quantity, price in parts if price is not None)
    order = list(Certainty)
    weakest = max([certainty, *(price.certainty for price in prices)], key=order.index)
    return Saving(_cents(max(0.0, amount)), formula, weakest, prices)


def _cents(usd: float) -> float:
    """Return USD to the cent, halves upwards as on a bill; the ten digits before keep out what floats add."""
    return float(Decimal(f"{usd:.10f}").quantize(Decimal("0.01"), ROUND_HALF_UP))


class Part(NamedTuple):
    """Some of what is paid for: a quantity a month, what it counts (``GB``, ``IOPS``, ``hours``), and the unit's price."""

    quantity: float
    what: str
    price: Price | None

    def times(self, factor: float) -> "Part":
        """Return FACTOR times as much; -1 for what is still paid."""
        return self._replace(quantity=self.quantity * factor)


def sum_of(*parts: Part, certainty: Certainty = Certainty.EXACT, note: str = "") -> Saving:
    """Return the saving of PARTS with a formula that shows them: ``500 GB x 0.08 + 3000 IOPS x 0.005``.

    NOTE is put behind the formula. Parts without a quantity are left out.
    """
    shown = [part for part in parts if part.quantity]
    formula = " ".join(_term(part, first=number == 0) for number, part in enumerate(shown)) or "0"
    text = f"{formula} ({note})" if note else formula
    return saving(text, *((part.quantity, part.price) for part in shown), certainty=certainty)


def _term(part: Part, *, first: bool) -> str:
    sign = "-" if part.quantity < 0 else "" if first else "+"
    each = f"{part.price.usd:.8g}" if part.price else "(no price)"
    return f"{sign} {abs(part.quantity):.8g} {part.what} x {each}".strip()


def unpriced(formula: str) -> Saving:
    """Return a Saving whose amount is not known."""
    return Saving(None, formula, Certainty.ESTIMATE)


def recommended(option: Mapping[str, Any], item: str, refreshed_at: str) -> Saving:
    """Return what AWS's own recommendation says OPTION saves, with the amount after discounts beside it.

    OPTION holds ``savingsOpportunity`` and ``savingsOpportunityAfterDiscounts`` as Compute Optimizer gives them; ITEM is
    what the recommendation is about, for people, and REFRESHED_AT its date. Amounts in another currency are not priced.
    """
    usd = _monthly_usd(option.get("savingsOpportunity"))
    if usd is None:
        return unpriced(f"AWS's estimate for {item} gives no amount in USD")
    price = Price(usd, "month", item, "aws-recommendation", refreshed_at[:10], Certainty.ESTIMATE)
    discounted = _monthly_usd(option.get("savingsOpportunityAfterDiscounts"))
    note = "" if discounted is None else f"; {discounted:.2f} after discounts"
    return saving(f"AWS's estimate for {item}{note}", (1, price), certainty=Certainty.ESTIMATE)


def _monthly_usd(opportunity: Mapping[str, Any] | None) -> float | None:
    estimated = (opportunity or {}).get("estimatedMonthlySavings") or {}
    value = estimated.get("value")
    if estimated.get("currency", "USD") != "USD" or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)
