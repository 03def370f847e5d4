"""List prices: asked of AWS's Price List and kept for days, else taken from a dated table; never guessed."""

from auditor.pricing.book import Cache, Cached, ListPrices, price_book
from auditor.pricing.calls import CALLS, Operation
from auditor.pricing.table import table_date

__all__ = ["CALLS", "Cache", "Cached", "ListPrices", "Operation", "price_book", "table_date"]
