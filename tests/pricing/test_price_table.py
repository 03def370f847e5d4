"""The shipped table: what it knows, what it makes of it, and that it never guesses."""

import json
import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Certainty
from auditor.pricing import price_book, table_date
from auditor.pricing.items import ITEMS

TABLE = json.loads((resources.files("auditor.pricing") / "prices.json").read_text(encoding="utf-8"))
BOOK = price_book(None, None)


def usd(item: str, region: str = "us-east-1", **attributes: str) -> float:
    price = BOOK.price(item, region, **attributes)
    assert price is not None
    return price.usd


def database(instance_class: str, engine: str = "mysql", deployment: str = "single-az") -> float:
    return usd(
        "rds-instance",
        instance_class=instance_class,
        engine=engine,
        license_model="general-public-license",
        deployment=deployment,
    )


def test_it_says_of_when_it_is() -> None:
    assert re.fullmatch(r"20\d\d-\d\d", table_date())
    price = BOOK.price("secret", "us-east-1")
    assert price is not None
    assert price.as_of == table_date()


def test_every_price_belongs_to_an_item_and_has_its_unit_and_a_known_confidence() -> None:
    for name, listed in TABLE["items"].items():
        item = ITEMS[name.removesuffix(" large")]
        assert listed["unit"] == item.unit
        for amount, confidence in listed["prices"].values():
            assert amount > 0
            assert confidence in TABLE["confidence"]


@pytest.mark.parametrize(
    ("instance_type", "hourly"),
    [
        ("m5.large", 0.096),
        ("m4.xlarge", 0.20),
        ("m6a.xlarge", 0.1728),
        ("m7i.xlarge", 0.2016),
        ("m5.24xlarge", 4.608),
        ("t3.nano", 0.0052),
        ("m3.medium", 0.067),
        ("g5.2xlarge", 1.212),
    ],
)
def test_an_instance_costs_its_familys_price_times_its_size(instance_type: str, hourly: float) -> None:
    assert usd("ec2-instance", instance_type=instance_type) == pytest.approx(hourly)


@pytest.mark.parametrize(
    "instance_type",
    [
        "m5.metal",
        "m5.metal-24xl",
        "g5.4xlarge",
        "p5.48xlarge",
        "u-6tb1.112xlarge",
        "x8i.large",
        "m5",
        "m5.",
        "",
        "m5.0xlarge",
    ],
)
def test_a_type_whose_price_does_not_follow_its_size_has_none(instance_type: str) -> None:
    assert BOOK.price("ec2-instance", "us-east-1", instance_type=instance_type) is None


def test_only_linux_on_shared_hardware_is_in_the_table() -> None:
    assert BOOK.price("ec2-instance", "us-east-1", instance_type="m5.large", operation="RunInstances:0002") is None
    assert BOOK.price("ec2-instance", "us-east-1", instance_type="m5.large", tenancy="Dedicated") is None


def test_two_zones_cost_twice_as_much() -> None:
    assert database("db.t3.large", deployment="multi-az") == pytest.approx(2 * 0.136)
    assert usd("rds-storage", storage_type="gp3", deployment="multi-az") == pytest.approx(0.23)


def test_a_databases_size_is_made_from_its_familys_large() -> None:
    assert database("db.m5.4xlarge") == pytest.approx(8 * 0.171)
    assert database("db.r4.large", engine="aurora-mysql") == 0.29


def test_a_database_class_that_there_is_not_has_no_price() -> None:
    given = {"engine": "mysql", "license_model": "general-public-license", "deployment": "single-az"}
    for name in ("db.m5.medium", "db.m5.metal", "db.serverless", "db.z9.large", "db.m5", ""):
        assert BOOK.price("rds-instance", "us-east-1", instance_class=name, **given) is None


@pytest.mark.parametrize("engine", ["oracle-se2", "sqlserver-web", "db2-se", "custom-oracle-ee", "neptune"])
def test_licensed_and_unknown_engines_have_no_price_in_the_table(engine: str) -> None:
    given = {"instance_class": "db.m5.large", "license_model": "license-included", "deployment": "single-az"}
    assert BOOK.price("rds-instance", "us-east-1", engine=engine, **given) is None


def test_another_regions_price_is_an_estimate_that_shows_its_factor() -> None:
    price = BOOK.price("ebs-storage", "eu-central-1", volume_type="gp3")
    assert price is not None
    assert price.usd == pytest.approx(0.096)
    assert price.region_factor == 1.2
    assert price.certainty is Certainty.ESTIMATE


def test_in_its_own_region_a_price_that_was_checked_is_exact_and_a_recalled_one_is_not() -> None:
    checked = BOOK.price("ebs-snapshot", "us-east-1", tier="standard")
    recalled = BOOK.price("ebs-snapshot", "us-east-1", tier="archive")
    assert checked is not None
    assert recalled is not None
    assert (checked.certainty, checked.region_factor) == (Certainty.EXACT, None)
    assert recalled.certainty is Certainty.ESTIMATE


def test_a_public_address_costs_the_same_in_every_commercial_region() -> None:
    price = BOOK.price("public-ipv4", "sa-east-1")
    assert price is not None
    assert (price.usd, price.certainty, price.region_factor) == (0.005, Certainty.EXACT, None)
    assert usd("public-ipv4", "us-gov-west-1") == pytest.approx(0.006)


@pytest.mark.parametrize("region", ["cn-north-1", "us-iso-east-1", "global", "ap-southeast-7", ""])
def test_a_region_without_a_factor_has_no_prices(region: str) -> None:
    for name, listed in TABLE["items"].items():
        for key in listed["prices"]:
            if len(ITEMS.get(name, ITEMS["secret"]).attributes) <= 1:
                given = dict(zip(ITEMS[name.removesuffix(" large")].attributes, [key], strict=False))
                assert BOOK.price(name.removesuffix(" large"), region, **given) is None


_WORDS = st.one_of(
    st.text(max_size=12), st.sampled_from(["gp3", "io2", "m5.large", "db.m5.large", "mysql", "multi-az"])
)


@given(
    st.one_of(st.sampled_from(sorted(ITEMS)), st.text(max_size=12)),
    st.one_of(st.sampled_from(sorted(TABLE["region_factors"])), st.text(max_size=12)),
    st.data(),
)
def test_a_price_is_positive_or_there_is_none(item: str, region: str, data: st.DataObject) -> None:
    known = ITEMS.get(item)
    attributes = {name: data.draw(_WORDS) for name in (*known.attributes, *known.defaults)} if known else {}
    price = BOOK.price(item, region, **attributes)
    if price is not None:
        assert price.usd > 0
        assert known is not None
        assert (price.unit, price.source, price.as_of) == (known.unit, "embedded", table_date())
        assert (price.region_factor is None) or price.certainty is Certainty.ESTIMATE


def test_what_no_item_is_called_has_no_price_and_is_said() -> None:
    assert BOOK.price("ebs-storag", "us-east-1", volume_type="gp3") is None
    assert BOOK.price("ebs-storage", "us-east-1", volume="gp3") is None
    assert BOOK.price("ebs-storage", "us-east-1") is None
