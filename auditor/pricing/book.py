"""The price book that checks ask: AWS's own list if it answers, what it answered before, else the shipped table."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from auditor.aws.answer import Caller
from auditor.model import Certainty, Price
from auditor.pricing.items import ITEMS, Attributes, Item
from auditor.pricing.products import PriceList, Product, Query
from auditor.pricing.spot import SpotHistory
from auditor.pricing.table import embedded

__all__ = ["Cache", "Cached", "ListPrices", "price_book"]

log = logging.getLogger(__name__)

_SPOT_KEPT = timedelta(days=1)
_SPOT_DAYS = "7"


class Cached(Protocol):
    """An answer that was kept."""

    @property
    def body(self) -> Mapping[str, Any]:
        """JSON values."""

    @property
    def fetched_at(self) -> datetime:
        """When AWS gave it, UTC."""


class Cache(Protocol):
    """Where answers are kept between runs; the store is one."""

    def price(self, key: str) -> Cached | None:
        """Return what is kept under KEY, however old."""

    def save_price(self, key: str, body: Mapping[str, Any], *, fetched_at: datetime) -> None:
        """Keep BODY under KEY in place of what was there."""


def price_book(
    caller: Caller | None,
    cache: Cache | None,
    *,
    region_home: str = "us-east-1",
    cache_days: int = 7,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> "ListPrices":
    """Return a price book.

    CALLER asks AWS (``None``: never), and CACHE keeps the answers for CACHE_DAYS; of the Price List's endpoints the one
    nearest REGION_HOME is asked. Without an answer an older kept one counts, then the shipped table.
    """
    return ListPrices(caller, cache, region_home, timedelta(days=cache_days), now)


class ListPrices:
    """List prices before discounts, each with its source and date. Every price is looked up once."""

    def __init__(
        self,
        caller: Caller | None,
        cache: Cache | None,
        region_home: str,
        kept: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._list = PriceList(caller, region_home) if caller else None
        self._spot = SpotHistory(caller) if caller else None
        self._cache = cache
        self._keep = kept
        self._now = now
        self._found: dict[tuple[str, str, tuple[tuple[str, str], ...]], Price | None] = {}
        self._answers: dict[str, tuple[Mapping[str, Any], datetime] | None] = {}

    def price(self, item: str, region: str, **attributes: str) -> Price | None:
        """Return the price of ITEM (a name of docs/prices.md) in REGION; ``None`` where nobody knows it."""
        key = (item, region, tuple(sorted(attributes.items())))
        if key not in self._found:
            self._found[key] = self._find(item, region, attributes)
        return self._found[key]

    @property
    def oldest_as_of(self) -> str:
        """The oldest date of the prices that were given; empty before any."""
        return min((price.as_of for price in self._found.values() if price), default="")

    def _find(self, name: str, region: str, given: Attributes) -> Price | None:
        if name == "spot":
            return self._spot_price(region, **given)
        item = ITEMS.get(name)
        whole = item.named(given) if item else None
        if item is None or whole is None:
            log.warning("there is no price called %s(%s)", name, ", ".join(sorted(given)))
            return None
        text = f"{item.text.format_map(whole)}, {region}"
        return self._listed(item, whole, region, text) or self._embedded(name, item, whole, region, text)

    def _embedded(self, name: str, item: Item, given: Attributes, region: str, text: str) -> Price | None:
        entry = item.entry(given)
        return embedded(name, entry, region, text) if entry else None

    # ---- AWS's list ----

    def _listed(self, item: Item, given: Attributes, region: str, text: str) -> Price | None:
        query = item.query(given)
        answer = self._answer(query.key(region), self._keep, lambda: self._ask(query, region)) if query else None
        if answer is None:
            return None
        body, fetched_at = answer
        usd = _choose(item, given, [Product(*product) for product in body["products"]])
        if usd is None:
            return None
        return Price(usd / item.scale, item.unit, text, "pricing-api", fetched_at.date().isoformat())

    def _ask(self, query: Query, region: str) -> Mapping[str, Any] | None:
        products = self._list.products(query, region) if self._list else None
        return None if products is None else {"products": [list(product) for product in products]}

    # ---- Spot ----

    def _spot_price(self, region: str, instance_type: str, days: str = _SPOT_DAYS) -> Price | None:
        key = f"spot 1 {region} {instance_type} {days}"
        answer = self._answer(key, min(self._keep, _SPOT_KEPT), lambda: self._ask_spot(instance_type, region, days))
        if answer is None or answer[0]["usd"] is None:
            return None
        text = f"EC2 {instance_type} Spot (Linux), median of {days} days, {region}"
        as_of = answer[1].date().isoformat()
        return Price(answer[0]["usd"], "hour", text, "spot-price-history", as_of, Certainty.ESTIMATE)

    def _ask_spot(self, instance_type: str, region: str, days: str) -> Mapping[str, Any] | None:
        usd = self._spot.median(instance_type, region, int(days), self._now()) if self._spot else None
        return None if usd is None else {"usd": usd}

    # ---- what is kept ----

    def _answer(
        self, key: str, keep: timedelta, ask: Callable[[], Mapping[str, Any] | None]
    ) -> tuple[Mapping[str, Any], datetime] | None:
        """Return the answer kept under KEY while it is young, else what ASK gives, else the old one; with its date."""
        if key not in self._answers:
            self._answers[key] = self._young_or_asked(key, keep, ask)
        return self._answers[key]

    def _young_or_asked(
        self, key: str, keep: timedelta, ask: Callable[[], Mapping[str, Any] | None]
    ) -> tuple[Mapping[str, Any], datetime] | None:
        now = self._now()
        cached = self._cache.price(key) if self._cache else None
        held = (cached.body, cached.fetched_at) if cached else None
        # An answer of the future is of a clock that was set back since: nobody knows its age.
        if held and timedelta(0) <= now - held[1] < keep:
            return held
        body = ask()
        if body is None:
            return held
        if self._cache:
            self._cache.save_price(key, body, fetched_at=now)
        return body, now


def _choose(item: Item, given: Attributes, products: list[Product]) -> float | None:
    """Return the one price that fits; ``None`` when none does, or when several that differ do: that would be a guess.

    A price of 0 is a placeholder (of reservations, say) where another fits too.
    """
    fitting = {p.usd for p in products if p.unit.lower() in item.units and p.in_region and item.accepts(given, p)}
    if len(fitting) > 1:
        fitting.discard(0.0)
    return fitting.pop() if len(fitting) == 1 else None
