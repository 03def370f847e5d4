"""Bills: what is paid for a volume, and what a kept snapshot costs; an amount is never made from what is not known."""

from collections.abc import Mapping
from typing import Any

import pytest
from cases import ACCOUNT

from auditor.kit import NOW, Certainty, Facts
from auditor.kit.bills import net_of_snapshot, volume_bill
from auditor.kit.money import sum_of
from auditor.kit.world import Inventory
from auditor.model import Resource
from auditor.pricing import price_book


@pytest.fixture
def world() -> Inventory:
    return Inventory(ACCOUNT, lambda _: (), {}, None, price_book(None, None))


def volume(world: Inventory, region: str = "us-east-1", **fields: Any) -> Facts:
    document: Mapping[str, Any] = {"VolumeType": "gp3", "Size": 500, "Iops": 6000, "Throughput": 250, **fields}
    return Facts(Resource("AWS::EC2::Volume", "vol-1", "vol-1", ACCOUNT, region, NOW, document), world)


@pytest.mark.parametrize(
    ("fields", "usd", "certainty"),
    [
        ({}, 60.0, Certainty.EXACT),
        ({"Iops": 3000, "Throughput": 125}, 40.0, Certainty.EXACT),
        ({"VolumeType": "io2", "Size": 100, "Iops": 70_000}, 12.5 + 2080 + 1456 + 191.1, Certainty.ESTIMATE),
        ({"VolumeType": "standard"}, 25.0, Certainty.EXACT),
        ({"region": "eu-west-1"}, 67.2, Certainty.ESTIMATE),
        ({"region": "cn-north-1"}, None, Certainty.EXACT),
        ({"VolumeType": "io9"}, None, Certainty.EXACT),
    ],
)
def test_a_volume_costs_its_storage_and_the_performance_above_what_is_included(
    world: Inventory, fields: dict[str, Any], usd: float | None, certainty: Certainty
) -> None:
    made = sum_of(*volume_bill(volume(world, **fields)))
    assert made.usd_month == usd
    assert made.certainty is certainty


def test_provisioned_operations_of_an_unknown_number_are_not_free(world: Inventory) -> None:
    made = sum_of(*volume_bill(volume(world, VolumeType="io1", Iops=None)))
    assert (made.usd_month, made.formula) == (None, "500 GB x 0.125 + 1 unknown number of IOPS x (no price)")


def test_a_snapshot_that_is_kept_is_told_with_its_price_and_not_taken_off(world: Inventory) -> None:
    price = world.prices.price("ebs-snapshot", "us-east-1", tier="standard")
    made = net_of_snapshot(volume_bill(volume(world)), 500, price)
    assert made.usd_month == 60.0
    assert made.formula.endswith("(a snapshot that is kept costs at most 500 GB x 0.05)")
    assert made.prices[-1] == price
    assert net_of_snapshot(volume_bill(volume(world)), 500, None).usd_month == 60.0
