"""Savings: never negative, never priced without every price, and their formula shows how they were made."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit import Certainty, Part, Price, recommended, saving, sum_of
from auditor.kit.money import NoPrices


def price(usd: float, certainty: Certainty = Certainty.EXACT) -> Price:
    return Price(usd, "GB-month", "something", "embedded", "2026-08", certainty)


_PRICES = st.builds(price, st.floats(0, 1e4), st.sampled_from(list(Certainty)))
_PARTS = st.lists(st.builds(Part, st.floats(-1e6, 1e6), st.sampled_from(["GB", "hours"]), st.none() | _PRICES))


@given(_PARTS, st.sampled_from(list(Certainty)))
def test_an_amount_is_never_negative_and_never_more_certain_than_its_prices(
    parts: list[Part], certainty: Certainty
) -> None:
    made = sum_of(*parts, certainty=certainty)
    counted = [part for part in parts if part.quantity]
    if any(part.price is None for part in counted):
        assert made.usd_month is None
    else:
        assert made.usd_month is not None
        assert made.usd_month >= 0
        assert math.isfinite(made.usd_month)
    order = list(Certainty)
    if made.usd_month is not None:
        assert all(order.index(made.certainty) >= order.index(p.price.certainty) for p in counted if p.price)
        assert order.index(made.certainty) >= order.index(certainty)


def test_the_formula_shows_quantities_and_prices() -> None:
    made = sum_of(Part(500, "GB", price(0.08)), Part(-3000, "IOPS", price(0.005)), Part(0, "MiB/s", None), note="why")
    assert made.formula == "500 GB x 0.08 - 3000 IOPS x 0.005 (why)"
    assert made.usd_month == 25.0


def test_a_missing_price_shows_in_the_formula() -> None:
    made = sum_of(Part(500, "GB", NoPrices().price("ebs-storage", "us-east-1", volume_type="gp3")))
    assert (made.usd_month, made.formula) == (None, "500 GB x (no price)")


def test_half_a_cent_counts_as_one() -> None:
    assert saving("a balancer and two addresses", (730, price(0.0225)), (1460, price(0.005))).usd_month == 23.73


@pytest.mark.parametrize("value", [None, "12.5", math.nan, math.inf])
def test_what_is_no_number_of_usd_is_not_priced(value: object) -> None:
    option = {"savingsOpportunity": {"estimatedMonthlySavings": {"currency": "USD", "value": value}}}
    assert recommended(option, "db.m5.large", "2026-06-14").usd_month is None


def test_what_aws_recommends_comes_with_its_date_and_the_amount_after_discounts() -> None:
    option = {
        "savingsOpportunity": {"estimatedMonthlySavings": {"currency": "USD", "value": 12.5}},
        "savingsOpportunityAfterDiscounts": {"estimatedMonthlySavings": {"currency": "USD", "value": 9.0}},
    }
    made = recommended(option, "db.m5.large", "2026-06-14T00:00:00+00:00")
    assert (made.usd_month, made.certainty) == (12.5, Certainty.ESTIMATE)
    assert "9.00 after discounts" in made.formula
    assert (made.prices[0].source, made.prices[0].as_of) == ("aws-recommendation", "2026-06-14")


def test_a_recommendation_in_another_currency_is_not_priced() -> None:
    option = {"savingsOpportunity": {"estimatedMonthlySavings": {"currency": "CNY", "value": 12.5}}}
    assert recommended(option, "db.m5.large", "2026-06-14").usd_month is None
    assert recommended({}, "db.m5.large", "2026-06-14").usd_month is None
