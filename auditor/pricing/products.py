"""AWS's Price List: which products a question asks for, and how its answers become numbers."""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from auditor.aws.answer import Caller, CallError, Fault
from auditor.aws.partitions import partition_of
from auditor.pricing.calls import GET_PRODUCTS

__all__ = ["ENDPOINTS", "PriceList", "Product", "Query", "has_usage"]

log = logging.getLogger(__name__)

ENDPOINTS = ("us-east-1", "eu-central-1", "ap-south-1")
"""The only regions with an endpoint of the Price List; each answers for all regions."""

_PAGE = 100
_PAGES_MAX = 20

_KEPT = (
    "databaseEdition",
    "databaseEngine",
    "deploymentOption",
    "groupDescription",
    "instanceType",
    "licenseModel",
    "locationType",
    "usagetype",
    "volumeType",
)
"""The attributes of a product that a price is chosen by."""

# EUW1-, APS3-, USE2-: three letters and a digit; the first European region is EU. In us-east-1 there is none.
_PREFIX = r"(?:EU-|[A-Z]{3}\d-)?"


@dataclass(frozen=True, slots=True)
class Query:
    """One question to GetProducts besides the region: what it is asked about decides what is kept together."""

    service: str
    """``AmazonEC2``."""
    filters: tuple[tuple[str, str], ...]
    """Attribute and value, each of which must match."""

    def key(self, region: str) -> str:
        """Return the name the answer is kept under; the number changes when what is kept of an answer does."""
        asked = " ".join(f"{field}={value}" for field, value in self.filters)
        return f"products 2 {self.service} {region} {asked}"


class Product(NamedTuple):
    """One price of the list: on demand, of the first tier that is paid for."""

    attributes: Mapping[str, str]
    unit: str
    usd: float

    @property
    def in_region(self) -> bool:
        """Whether it is sold in the region itself: what stands on an Outpost is listed under the region's code too."""
        return self.attributes.get("locationType", "AWS Region") == "AWS Region"


def has_usage(product: Product, usage: str) -> bool:
    """Whether the product's usage type is USAGE, whatever the region's prefix.

    ``EBS:VolumeUsage`` is not ``EBS:VolumeUsage.gp3``, and ``TS-LoadBalancerUsage`` is not ``LoadBalancerUsage``.
    """
    return re.fullmatch(_PREFIX + re.escape(usage), product.attributes.get("usagetype", "")) is not None


class PriceList:
    """Asks GetProducts until it is denied or unreachable; from then on it is not asked again."""

    def __init__(self, caller: Caller, home_region: str) -> None:
        """CALLER makes the calls; of the three endpoints the one on HOME_REGION's continent is asked first.

        They are of the partition ``aws``: credentials of another one are not known there, and its list is not in USD (China)
        or does not exist (GovCloud). So where HOME_REGION is of another, none is asked.
        """
        self._caller = caller
        near = {"eu": ENDPOINTS[1], "ap": ENDPOINTS[2]}.get(home_region.partition("-")[0], ENDPOINTS[0])
        known = ENDPOINTS if partition_of(home_region) == "aws" else ()
        self._endpoints = sorted(known, key=lambda endpoint: endpoint != near)

    def products(self, query: Query, region: str) -> list[Product] | None:
        """Return the prices that answer QUERY in REGION; ``None`` when the list cannot be asked."""
        while self._endpoints:
            try:
                return list(self._pages(query, region, self._endpoints[0]))
            except CallError as error:
                if error.fault is Fault.PARAMETER:
                    log.warning("%s did not understand %s: %s", GET_PRODUCTS, query.key(region), error)
                    return None
                self._give_up(error)
        return None

    def _give_up(self, error: CallError) -> None:
        """Turn to the next endpoint where this one is busy or out of reach; a denial is the same at all of them."""
        here = error.fault in (Fault.THROTTLED, Fault.TRANSIENT, Fault.NOT_HERE)
        self._endpoints = self._endpoints[1:] if here else []
        if not self._endpoints:
            log.warning(
                "list prices cannot be asked for (%s answered %s): kept ones and the shipped table are used",
                GET_PRODUCTS,
                error.code,
            )

    def _pages(self, query: Query, region: str, endpoint: str) -> Iterator[Product]:
        fields = (("regionCode", region), *query.filters)
        params: dict[str, Any] = {
            "ServiceCode": query.service,
            "FormatVersion": "aws_v1",
            "MaxResults": _PAGE,
            "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields],
        }
        for _ in range(_PAGES_MAX):
            parsed = self._caller.call(GET_PRODUCTS.service, GET_PRODUCTS.operation, params, endpoint).parsed
            yield from _products(parsed.get("PriceList") or ())
            token = parsed.get("NextToken")
            if not token:
                return
            params = {**params, "NextToken": token}
        # Half a list would be chosen from as if it were whole.
        raise CallError(Fault.PARAMETER, "TooManyPages", f"more than {_PAGES_MAX} pages")


def _products(listed: Iterable[Any]) -> Iterator[Product]:
    """Yield the prices of an answer's items, which are JSON as text; what has another shape is left out."""
    for item in listed:
        try:
            product = json.loads(item)
            held = product["product"]["attributes"]
            attributes = {name: str(held[name]) for name in _KEPT if name in held}
            for term in (product["terms"].get("OnDemand") or {}).values():
                for unit, usd in _first_tiers(term["priceDimensions"].values()):
                    yield Product(attributes, unit, usd)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            continue


def _first_tiers(dimensions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """Yield each unit and its price from the first one on that is paid for: a list price knows no free tier."""
    tiers: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for dimension in dimensions:
        usd = float(dimension["pricePerUnit"]["USD"])
        if isfinite(usd) and usd >= 0:
            tiers[str(dimension["unit"])].append((float(dimension.get("beginRange") or 0), usd))
    for unit, listed in tiers.items():
        listed.sort()
        if listed[0][0] == 0:
            yield unit, next((usd for _, usd in listed if usd), 0.0)
