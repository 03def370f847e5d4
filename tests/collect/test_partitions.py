"""What is declared holds in China and GovCloud as well: no ARN, home region or place of a call is of one partition only."""

import re
from typing import Any

import pytest
from scripted import Kept, Scripted, a_type, read

from auditor.aws.partitions import home_region, partition_of
from auditor.collect import load_types
from auditor.collect.declare import Call, ResourceType
from auditor.collect.plan import make_plan
from auditor.model import GLOBAL, CoverageState

TYPES = load_types()
PARTITIONS = {
    "aws": ("eu-west-1", "us-east-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}
_FIXED = re.compile(r"arn:aws(-cn|-us-gov)?:")


def calls() -> list[Any]:
    return [
        pytest.param(type, call, id=f"{name} {call.operation}")
        for name, type in TYPES.items()
        for call in type.every_call
    ]


@pytest.mark.parametrize("name", TYPES)
def test_no_declared_arn_names_a_partition(name: str) -> None:
    assert not _FIXED.search(TYPES[name].id)


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize(("type", "call"), calls())
def test_every_call_is_made_in_the_partition_that_is_read_or_has_no_place_there(
    type: ResourceType, call: Call, partition: str
) -> None:
    for regions in (PARTITIONS[partition], PARTITIONS[partition][1:]):
        plan = make_plan([type], TYPES, "123456789012", partition, regions)
        for region in plan.regions_of(type):
            where = plan.region_of_call(call, region)
            assert where is None or partition_of(where) == partition
            places = (call.region,) if isinstance(call.region, str) else call.region
            assert where is not None or partition not in map(partition_of, places)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_what_is_global_is_read_once_in_the_partitions_home(partition: str) -> None:
    box = a_type("A::B::Box", list=Call("box", "ListBoxes", "Boxes"), scope="global")
    caller = Scripted(ListBoxes=lambda params, region: {"Boxes": [{"Id": "one"}]})
    kept, _ = read(caller, box, regions=PARTITIONS[partition], partition=partition)
    assert [region for _, _, region in caller.calls] == [home_region(partition)]
    assert [(item.region, item.id) for item in kept.resources] == [
        (GLOBAL, f"arn:{partition}:x:global:123456789012:one")
    ]


def buckets(regions: tuple[str, ...]) -> tuple[Kept, list[tuple[str, str]]]:
    """Read two buckets in different regions: listed once, their settings asked for where they are."""
    bucket = a_type(
        "A::B::Bucket",
        list=Call("s3", "ListBuckets", "Buckets"),
        details={"Versioning": Call("s3", "GetBucketVersioning", "Status", args={"Bucket": "Name"})},
        scope="global",
        region="{BucketRegion}",
        id="arn:{partition}:s3:::{Name}",
        name="{Name}",
    )
    rows = [{"Name": "near", "BucketRegion": "eu-west-1"}, {"Name": "far", "BucketRegion": "us-east-1"}]
    caller = Scripted(
        ListBuckets=lambda params, region: {"Buckets": rows},
        GetBucketVersioning=lambda params, region: {"Status": "Enabled"},
    )
    kept, _ = read(caller, bucket, regions=regions)
    asked = [(params["Bucket"], region) for operation, params, region in caller.calls if operation != "ListBuckets"]
    assert caller.count()["ListBuckets"] == 1
    return kept, asked


def test_buckets_are_listed_once_and_their_settings_are_asked_for_in_their_own_region() -> None:
    kept, asked = buckets(("eu-west-1", "us-east-1"))
    assert sorted(asked) == [("far", "us-east-1"), ("near", "eu-west-1")]
    assert {item.name: item.region for item in kept.resources} == {"near": "eu-west-1", "far": "us-east-1"}


def test_a_bucket_in_a_region_that_is_not_read_is_neither_asked_for_nor_taken_for_gone() -> None:
    kept, asked = buckets(("eu-west-1",))
    assert asked == [("near", "eu-west-1")]
    assert kept.coverage("A::B::Bucket", "eu-west-1").state is CoverageState.COMPLETE
    assert {coverage.scope.region for coverage in kept.closed} == {"eu-west-1"}
