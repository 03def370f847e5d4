"""Answers of the Price List and of the Spot history, made by hand in AWS's shapes, and a caller that gives them."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from auditor.aws.answer import Answer, CallError, Fault, Operation

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)


def product(usd: str, unit: str, *, begin: str = "0", currency: str = "USD", **attributes: str) -> str:
    """Return one item of ``PriceList``: JSON as text, with one price."""
    return tiered({begin: usd}, unit, currency=currency, **attributes)


def tiered(tiers: Mapping[str, str], unit: str, *, currency: str = "USD", **attributes: str) -> str:
    """Return one item of ``PriceList`` with several tiers: where each begins, and its price."""
    dimensions = {
        f"SKU.TERM.{number}": {
            "unit": unit,
            "beginRange": begin,
            "endRange": "Inf",
            "pricePerUnit": {currency: usd},
            "rateCode": f"SKU.TERM.{number}",
        }
        for number, (begin, usd) in enumerate(tiers.items())
    }
    return json.dumps(
        {
            "product": {"productFamily": "Any", "attributes": attributes, "sku": "SKU"},
            "serviceCode": "Any",
            "terms": {
                "OnDemand": {"SKU.TERM": {"priceDimensions": dimensions, "effectiveDate": "2026-09-01T00:00:00Z"}}
            },
            "version": "20260901000000",
            "publicationDate": "2026-09-01T00:00:00Z",
        }
    )


class Aws:
    """A caller whose answers are given; it remembers what was asked."""

    def __init__(self, answer: Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]) -> None:
        self.asked: list[tuple[str, Mapping[str, Any], str]] = []
        self._answer = answer

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        self.asked.append((f"{service}:{operation}", params, region))
        return Answer(self._answer(operation, params, region), NOW)

    def operation(self, service: str, operation: str) -> Operation:
        return Operation()


def listing(*products: str) -> Aws:
    """Return a caller that gives PRODUCTS to every question."""
    return Aws(lambda *_: {"FormatVersion": "aws_v1", "PriceList": list(products)})


def failing(fault: Fault, code: str) -> Aws:
    """Return a caller whose every call fails."""

    def fail(*_: object) -> Mapping[str, Any]:
        raise CallError(fault, code)

    return Aws(fail)
