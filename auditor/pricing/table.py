"""The shipped table: prices of one region with their date and confidence, and factors for the other regions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from auditor.model import Certainty, Price

__all__ = ["Entry", "embedded", "has", "table_date"]

_UNCERTAIN = "R"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a price stands in the table, and what it is multiplied by."""

    key: str
    item: str = ""
    """The table's item, where it is not called like what is asked for."""
    factor: float = 1.0
    """Of the size (``large`` = 1), or 2 for a database in two zones."""
    derived: bool = False
    """The factor is a rule that was not checked for every price: the result is an estimate."""


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
    return table


def table_date() -> str:
    """Return the month the shipped prices are of, ``YYYY-MM``."""
    return str(_table()["as_of"])


def has(item: str, key: str) -> bool:
    """Whether the table has a price of ITEM under KEY."""
    return key in _table()["items"].get(item, {}).get("prices", {})


def embedded(item: str, entry: Entry, region: str, text: str) -> Price | None:
    """Return the table's price of ITEM at ENTRY in REGION, described by TEXT; ``None`` where it has none or no factor."""
    table = _table()
    name = entry.item or item
    factor = table["region_factors"].get(region)
    if factor is None or not has(name, entry.key):
        return None
    listed = table["items"][name]
    usd, confidence = listed["prices"][entry.key]
    home = region == table["base_region"]
    if item in table["same_in_every_region"] and not region.startswith("us-gov-"):
        home, factor = True, 1.0
    certain = home and confidence != _UNCERTAIN and not entry.derived
    return Price(
        usd=round(usd * entry.factor * factor, 10),
        unit=listed["unit"],
        item=text,
        source="embedded",
        as_of=table["as_of"],
        certainty=Certainty.EXACT if certain else Certainty.ESTIMATE,
        region_factor=None if home else float(factor),
    )
