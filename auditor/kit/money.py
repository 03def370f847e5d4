"""What a check needs to put a price on a finding; the prices themselves come from auditor.pricing."""

from typing import Protocol

from auditor.model import Certainty, Price, Saving

__all__ = ["HOURS_PER_MONTH", "Certainty", "NoPrices", "Price", "PriceBook", "Saving", "saving", "unpriced"]

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
    return Saving(round(max(0.0, amount), 2), formula, weakest, prices)


def unpriced(formula: str) -> Saving:
    """Return a Saving whose amount is not known."""
    return Saving(None, formula, Certainty.ESTIMATE)
