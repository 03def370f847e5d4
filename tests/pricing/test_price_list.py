"""AWS's Price List: the one price that fits, never another; and what is kept of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pricing.answers import NOW, Aws, failing, listing, product, tiered

from auditor.aws.answer import CallError, Fault
from auditor.model import Certainty
from auditor.pricing import CALLS, price_book
from auditor.pricing.products import Product, has_usage

REGION = "eu-west-1"
STORAGE = (
    product("0.055", "GB-Mo", usagetype="EU-EBS:VolumeUsage"),
    product("0.11", "GB-Mo", usagetype="EU-EBS:VolumeUsage.gp2"),
    product("0.088", "GB-Mo", usagetype="EU-EBS:VolumeUsage.gp3"),
    product("0.138", "GB-Mo", usagetype="EU-EBS:VolumeUsage.piops"),
)


@dataclass
class Kept:
    body: Mapping[str, Any]
    fetched_at: datetime


class Memory:
    """A cache that can be looked into."""

    def __init__(self) -> None:
        self.held: dict[str, Kept] = {}

    def price(self, key: str) -> Kept | None:
        return self.held.get(key)

    def save_price(self, key: str, body: Mapping[str, Any], *, fetched_at: datetime) -> None:
        self.held[key] = Kept(body, fetched_at)


def book(aws: Aws | None, cache: Memory | None = None, now: datetime = NOW, **options: Any) -> Any:
    return price_book(aws, cache, now=lambda: now, **options)


# ---- choosing --------------------------------------------------------------------------------------------------------


def test_a_listed_price_is_exact_and_says_where_it_comes_from_and_of_when() -> None:
    price = book(listing(*STORAGE)).price("ebs-storage", REGION, volume_type="gp3")
    assert (price.usd, price.unit, price.source, price.as_of) == (0.088, "GB-month", "pricing-api", "2026-09-10")
    assert price.certainty is Certainty.EXACT
    assert price.region_factor is None
    assert price.item == "EBS gp3 storage, eu-west-1"


@pytest.mark.parametrize(("volume_type", "usd"), [("standard", 0.055), ("gp2", 0.11), ("gp3", 0.088), ("io1", 0.138)])
def test_a_usage_type_is_not_taken_for_one_it_begins_like(volume_type: str, usd: float) -> None:
    assert book(listing(*STORAGE)).price("ebs-storage", REGION, volume_type=volume_type).usd == usd


@pytest.mark.parametrize(
    ("usagetype", "usage", "same"),
    [
        ("EBS:VolumeUsage.gp3", "EBS:VolumeUsage.gp3", True),
        ("EUW1-LoadBalancerUsage", "LoadBalancerUsage", True),
        ("EU-LoadBalancerUsage", "LoadBalancerUsage", True),
        ("TS-LoadBalancerUsage", "LoadBalancerUsage", False),
        ("Outposts-LoadBalancerUsage", "LoadBalancerUsage", False),
        ("USE2-EBS:VolumeUsage.gp3", "EBS:VolumeUsage", False),
        ("USW2-EBS:VolumeP-IOPS.io2.tier2", "EBS:VolumeP-IOPS.io2", False),
        ("EBS:VolumeUsage_gp3", "EBS:VolumeUsage.gp3", False),
    ],
)
def test_only_the_regions_prefix_may_stand_before_a_usage_type(usagetype: str, usage: str, same: bool) -> None:
    assert has_usage(Product({"usagetype": usagetype}, "Hrs", 1.0), usage) is same


def test_a_call_asks_for_a_whole_family_once() -> None:
    aws = listing(*STORAGE)
    prices = book(aws)
    for volume_type in ("gp2", "gp3", "gp2", "st1"):
        prices.price("ebs-storage", REGION, volume_type=volume_type)
    ((operation, params, endpoint),) = aws.asked
    assert operation == "pricing:GetProducts"
    assert endpoint == "us-east-1"
    assert params["ServiceCode"] == "AmazonEC2"
    assert {"Type": "TERM_MATCH", "Field": "regionCode", "Value": REGION} in params["Filters"]
    assert {"Type": "TERM_MATCH", "Field": "productFamily", "Value": "Storage"} in params["Filters"]


def test_the_operation_pins_system_licence_and_software_of_an_instance() -> None:
    aws = listing(product("0.192", "Hrs", instanceType="m5.large", usagetype="EU-BoxUsage:m5.large"))
    price = book(aws).price("ec2-instance", REGION, instance_type="m5.large", operation="RunInstances:0002")
    assert price.usd == 0.192
    asked = {(f["Field"], f["Value"]) for f in aws.asked[0][1]["Filters"]}
    assert {("operation", "RunInstances:0002"), ("tenancy", "Shared"), ("capacitystatus", "Used")} <= asked
    assert {("marketoption", "OnDemand"), ("instanceType", "m5.large")} <= asked


def test_of_several_tiers_the_first_counts() -> None:
    aws = listing(tiered({"0": "0.065", "32000": "0.0455"}, "IOPS-Mo", usagetype="EBS:VolumeP-IOPS.io2"))
    assert book(aws).price("ebs-iops", "us-east-1", volume_type="io2").usd == 0.065


def test_throughput_is_listed_by_gibps_and_given_by_mibps() -> None:
    aws = listing(product("40.96", "GiBps-mo", usagetype="EBS:VolumeP-Throughput.gp3"))
    price = book(aws).price("ebs-throughput", "us-east-1", volume_type="gp3")
    assert price.usd == pytest.approx(0.04)
    assert price.unit == "MiB/s-month"


def test_a_price_in_another_unit_or_currency_is_not_the_one() -> None:
    usage = {"usagetype": "EU-EBS:VolumeUsage.gp3"}
    aws = listing(product("9", "Hrs", **usage), product("0.6", "GB-Mo", currency="CNY", **usage))
    assert book(aws).price("ebs-storage", REGION, volume_type="gp3").source == "embedded"


def test_a_free_tier_is_no_list_price() -> None:
    usage = {"usagetype": "EU-EBS:VolumeUsage.gp3"}
    aws = listing(tiered({"30": "0.088", "0": "0.0", "50000": "0.08"}, "GB-Mo", **usage))
    assert book(aws).price("ebs-storage", REGION, volume_type="gp3").usd == 0.088


def test_what_is_sold_on_an_outpost_is_not_the_regions_price() -> None:
    usage = {"usagetype": "EU-EBS:VolumeUsage.gp2"}
    aws = listing(
        product("0.11", "GB-Mo", locationType="AWS Region", **usage),
        product("0.20", "GB-Mo", locationType="AWS Outposts", **usage),
    )
    price = book(aws).price("ebs-storage", REGION, volume_type="gp2")
    assert (price.usd, price.source) == (0.11, "pricing-api")
    alone = listing(product("0.20", "GB-Mo", locationType="AWS Outposts", **usage))
    assert book(alone).price("ebs-storage", REGION, volume_type="gp2").source == "embedded"


def test_a_zero_is_a_placeholder_where_another_price_fits() -> None:
    held = {"instanceType": "m5.large"}
    aws = listing(product("0.0000000000", "Hrs", **held), product("0.107", "Hrs", **held))
    assert book(aws).price("ec2-instance", REGION, instance_type="m5.large").usd == 0.107


def test_two_prices_that_differ_are_no_answer() -> None:
    held = {"instanceType": "m5.large"}
    aws = listing(product("0.2", "Hrs", **held), product("0.107", "Hrs", **held))
    assert book(aws).price("ec2-instance", REGION, instance_type="m5.large").source == "embedded"


DATABASES = (
    ("0.19", "MySQL", "", "No license required", "Single-AZ", "EU-InstanceUsage:db.m5.large"),
    ("0.38", "MySQL", "", "No license required", "Multi-AZ", "EU-Multi-AZUsage:db.m5.large"),
    ("0.40", "MySQL", "", "No license required", "Multi-AZ (readable standbys)", "EU-Multi-AZClusterUsage:db.m5.large"),
    ("0.20", "PostgreSQL", "", "No license required", "Single-AZ", "EU-InstanceUsage:db.m5.large"),
    ("0.50", "Oracle", "Standard Two", "License included", "Single-AZ", "EU-InstanceUsage:db.m5.large"),
    ("0.21", "Oracle", "Standard Two", "Bring your own license", "Single-AZ", "EU-InstanceUsage:db.m5.large"),
    ("1.00", "SQL Server", "Standard", "License included", "Single-AZ", "EU-InstanceUsage:db.m5.large"),
    ("2.10", "SQL Server", "Standard", "License included", "Multi-AZ (SQL Server Mirror)", "EU-Mirror:db.m5.large"),
    ("0.29", "Aurora MySQL", "", "No license required", "Single-AZ", "EU-InstanceUsage:db.m5.large"),
    ("0.38", "Aurora MySQL", "", "No license required", "Single-AZ", "EU-InstanceUsageIOOptimized:db.m5.large"),
)


@pytest.mark.parametrize(
    ("engine", "license_model", "deployment", "storage_type", "usd"),
    [
        ("mysql", "general-public-license", "single-az", "", 0.19),
        ("mysql", "general-public-license", "multi-az", "", 0.38),
        ("postgres", "postgresql-license", "single-az", "", 0.20),
        ("oracle-se2", "license-included", "single-az", "", 0.50),
        ("oracle-se2", "bring-your-own-license", "single-az", "", 0.21),
        ("sqlserver-se", "license-included", "single-az", "", 1.00),
        ("sqlserver-se", "license-included", "multi-az", "", 2.10),
        ("aurora-mysql", "general-public-license", "single-az", "aurora", 0.29),
        ("aurora-mysql", "general-public-license", "single-az", "aurora-iopt1", 0.38),
    ],
)
def test_a_databases_price_fits_engine_edition_licence_and_zones(
    engine: str, license_model: str, deployment: str, storage_type: str, usd: float
) -> None:
    names = ("databaseEngine", "databaseEdition", "licenseModel", "deploymentOption", "usagetype")
    aws = listing(*(product(row[0], "Hrs", **dict(zip(names, row[1:], strict=True))) for row in DATABASES))
    price = book(aws).price(
        "rds-instance",
        REGION,
        instance_class="db.m5.large",
        engine=engine,
        license_model=license_model,
        deployment=deployment,
        storage_type=storage_type,
    )
    assert price.usd == usd


def test_pages_are_followed() -> None:
    def answer(_: str, params: Mapping[str, Any], __: str) -> Mapping[str, Any]:
        second = params.get("NextToken") == "2"
        return {"PriceList": [STORAGE[2]]} if second else {"PriceList": [STORAGE[1]], "NextToken": "2"}

    assert book(Aws(answer)).price("ebs-storage", REGION, volume_type="gp3").usd == 0.088


def test_an_endless_list_is_not_chosen_from() -> None:
    aws = Aws(lambda *_: {"PriceList": list(STORAGE), "NextToken": "again"})
    assert book(aws).price("ebs-storage", REGION, volume_type="gp3").source == "embedded"
    assert len(aws.asked) == 20


def test_junk_deeper_than_a_program_can_look_is_left_out() -> None:
    price = book(listing("[" * 100_000, *STORAGE)).price("ebs-storage", REGION, volume_type="gp3")
    assert price.usd == 0.088


@given(st.lists(st.one_of(st.text(), st.none(), st.just("{}"), st.just('{"product": 1}'), st.just("[1]"))))
def test_what_has_no_shape_of_a_product_is_left_out(junk: list[Any]) -> None:
    price = book(listing(*junk, *STORAGE)).price("ebs-storage", REGION, volume_type="gp3")
    assert price.usd == 0.088


# ---- failures --------------------------------------------------------------------------------------------------------


def test_a_denial_is_met_once_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    aws = failing(Fault.DENIED, "AccessDeniedException")
    prices = book(aws)
    found = [prices.price("ebs-storage", region, volume_type="gp3") for region in ("us-east-1", "eu-west-1")]
    found.append(prices.price("load-balancer", "us-east-1", type="network"))
    assert [price.source for price in found] == ["embedded"] * 3
    assert len(aws.asked) == 1
    (said,) = caplog.messages
    assert "pricing:GetProducts answered AccessDeniedException" in said


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.TRANSIENT, Fault.NOT_HERE])
def test_a_busy_or_unreachable_endpoint_gives_way_to_the_next_one(
    fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(_: str, __: Mapping[str, Any], endpoint: str) -> Mapping[str, Any]:
        if endpoint == "eu-central-1":
            raise CallError(fault, "Busy")
        return {"PriceList": list(STORAGE)}

    aws = Aws(answer)
    assert book(aws, region_home="eu-west-3").price("ebs-storage", REGION, volume_type="gp3").usd == 0.088
    assert [endpoint for _, _, endpoint in aws.asked] == ["eu-central-1", "us-east-1"]
    assert not caplog.messages

    aws = failing(fault, "Busy")
    prices = book(aws)
    for region in ("us-east-1", "eu-west-1"):
        assert prices.price("ebs-storage", region, volume_type="gp3").source == "embedded"
    assert [endpoint for _, _, endpoint in aws.asked] == ["us-east-1", "eu-central-1", "ap-south-1"]
    assert len(caplog.messages) == 1


def test_a_question_that_is_not_understood_says_nothing_of_the_others() -> None:
    def answer(_: str, params: Mapping[str, Any], __: str) -> Mapping[str, Any]:
        if params["ServiceCode"] == "AWSELB":
            raise CallError(Fault.PARAMETER, "InvalidParameterException")
        return {"PriceList": list(STORAGE)}

    prices = book(Aws(answer))
    assert prices.price("load-balancer", REGION, type="network").source == "embedded"
    assert prices.price("ebs-storage", REGION, volume_type="gp3").source == "pricing-api"


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_days_and_keeps_its_date() -> None:
    cache, aws = Memory(), listing(*STORAGE)
    book(aws, cache).price("ebs-storage", REGION, volume_type="gp3")
    later = book(aws, cache, NOW + timedelta(days=6)).price("ebs-storage", REGION, volume_type="gp2")
    assert (later.usd, later.as_of) == (0.11, "2026-09-10")
    assert len(aws.asked) == 1
    again = book(aws, cache, NOW + timedelta(days=8)).price("ebs-storage", REGION, volume_type="gp2")
    assert again.as_of == "2026-09-18"
    assert len(aws.asked) == 2


@pytest.mark.parametrize("aws", [None, failing(Fault.DENIED, "AccessDenied")])
def test_an_old_answer_is_better_than_the_table(aws: Aws | None) -> None:
    cache = Memory()
    book(listing(*STORAGE), cache).price("ebs-storage", REGION, volume_type="gp3")
    price = book(aws, cache, NOW + timedelta(days=100)).price("ebs-storage", REGION, volume_type="gp3")
    assert (price.usd, price.source, price.as_of) == (0.088, "pricing-api", "2026-09-10")


def test_that_aws_lists_nothing_is_kept_too() -> None:
    cache, aws = Memory(), listing()
    for _ in range(2):
        assert book(aws, cache).price("ebs-storage", REGION, volume_type="gp3").source == "embedded"
    assert len(aws.asked) == 1


def test_without_a_caller_and_a_cache_the_table_is_all_there_is() -> None:
    assert book(None).price("ebs-storage", "us-east-1", volume_type="gp3").source == "embedded"


def test_the_oldest_date_is_that_of_the_prices_given() -> None:
    prices = book(listing(*STORAGE))
    assert prices.oldest_as_of == ""
    prices.price("ebs-storage", REGION, volume_type="gp3")
    assert prices.oldest_as_of == "2026-09-10"
    prices.price("secret", REGION)
    assert prices.oldest_as_of == "2026-08"


# ---- Spot ------------------------------------------------------------------------------------------------------------


def _history(*prices: str) -> Aws:
    rows = [
        {"SpotPrice": usd, "AvailabilityZone": "eu-west-1a", "Timestamp": "2026-09-09T00:00:00+00:00"} for usd in prices
    ]
    return Aws(lambda *_: {"SpotPriceHistory": rows})


def test_a_spot_price_is_the_median_of_its_history_and_an_estimate() -> None:
    aws = _history("0.05", "0.04", "0.90", "nan", "")
    price = book(aws).price("spot", REGION, instance_type="m5.large")
    assert (price.usd, price.unit, price.certainty) == (0.05, "hour", Certainty.ESTIMATE)
    ((operation, params, region),) = aws.asked
    assert (operation, region) == ("ec2:DescribeSpotPriceHistory", REGION)
    assert params["StartTime"] == NOW - timedelta(days=7)
    assert params["ProductDescriptions"] == ["Linux/UNIX"]


def test_a_spot_price_is_kept_for_a_day() -> None:
    cache, aws = Memory(), _history("0.05")
    for hours in (0, 12, 36):
        assert (
            book(aws, cache, NOW + timedelta(hours=hours)).price("spot", REGION, instance_type="m5.large").usd == 0.05
        )
    assert len(aws.asked) == 2


@pytest.mark.parametrize("aws", [None, failing(Fault.DENIED, "UnauthorizedOperation"), _history()])
def test_without_a_history_spot_has_no_price(aws: Aws | None) -> None:
    prices = book(aws)
    for region in ("eu-west-1", "eu-west-2"):
        assert prices.price("spot", region, instance_type="m5.large") is None


def test_a_denied_spot_history_is_not_asked_for_again_and_leaves_the_list_alone() -> None:
    def answer(operation: str, _: Mapping[str, Any], __: str) -> Mapping[str, Any]:
        if operation == "DescribeSpotPriceHistory":
            raise CallError(Fault.DENIED, "UnauthorizedOperation")
        return {"PriceList": list(STORAGE)}

    aws = Aws(answer)
    prices = book(aws)
    for region in ("eu-west-1", "eu-west-2"):
        prices.price("spot", region, instance_type="m5.large")
    assert len(aws.asked) == 1
    assert prices.price("ebs-storage", REGION, volume_type="gp3").source == "pricing-api"


def test_nothing_is_asked_that_is_not_declared() -> None:
    aws = Aws(lambda *_: {})
    prices = book(aws)
    prices.price("ebs-storage", REGION, volume_type="gp3")
    prices.price("spot", REGION, instance_type="m5.large")
    assert {operation for operation, _, _ in aws.asked} == {str(call) for call in CALLS}


@pytest.mark.parametrize("home", ["cn-north-1", "us-gov-west-1"])
def test_the_list_is_not_asked_with_credentials_of_another_partition(home: str) -> None:
    aws = listing(*STORAGE)
    price_book(aws, None, region_home=home, now=lambda: NOW).price("ebs-storage", home, volume_type="gp3")
    assert not aws.asked
