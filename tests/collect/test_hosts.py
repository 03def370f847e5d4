"""Where botocore sends what is declared: a host that serves several regions is asked once, and no partition is left out."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import botocore.session
import pytest
from scripted import Kept, Scripted, a_type, read

from auditor.aws.clients import Clients, _region
from auditor.aws.partitions import home_region, partition_of
from auditor.collect import load_types
from auditor.collect.declare import Call, ResourceType
from auditor.collect.plan import make_plan
from auditor.model import CoverageState

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
TYPES = load_types()


@cache
def session() -> Any:
    return botocore.session.get_session()


@cache
def clients(partition: str) -> Clients:
    return Clients(session(), home_region(partition))


@cache
def host(service: str, operation: str, region: str) -> str:
    """The host by botocore's endpoint rules; nothing is sent."""
    client = clients(partition_of(region)).client(service, region)
    model = client.meta.service_model.operation_model(operation)
    token = _region.set(region)
    try:
        return str(client._ruleset_resolver.construct_endpoint(model, {}, {"client_config": client.meta.config}).url)
    finally:
        _region.reset(token)


def counted_often(types: Iterable[ResourceType], partition: str) -> Iterator[str]:
    """What is read in every region although one host answers for several: its answer would count once for each of them."""
    regions = session().get_available_regions("ec2", partition_name=partition)
    for type in types:
        if type.scope != "regional":
            continue
        plan = make_plan([type], {**TYPES, type.type: type}, "123456789012", partition, regions)
        for call in type.every_call:
            places = [place for region in regions if (place := plan.region_of_call(call, region))]
            if len({host(call.service, call.operation, place) for place in places}) < len(places):
                yield f"{type.type} {call.service}:{call.operation}"


@pytest.mark.parametrize("partition", PARTITIONS)
def test_no_host_that_serves_several_regions_is_asked_in_each(partition: str) -> None:
    assert not list(counted_often(TYPES.values(), partition))


def test_a_call_that_one_host_answers_for_all_regions_is_noticed() -> None:
    plans, own, fixed = (
        a_type("A::B::Plan", list=Call("arc-region-switch", "ListPlans", "plans")),
        a_type("A::B::Own", list=Call("arc-region-switch", "ListPlansInRegion", "plans")),
        a_type("A::B::Fixed", list=Call("ec2", "DescribeVpcs", "Vpcs", region="us-east-1")),
    )
    found = ["A::B::Plan arc-region-switch:ListPlans", "A::B::Fixed ec2:DescribeVpcs"]
    assert list(counted_often((plans, own, fixed), "aws")) == found


def test_what_lives_in_one_region_is_asked_in_every_partition_that_has_it() -> None:
    calls = {(call.service, call.region) for type in TYPES.values() for call in type.every_call if call.region}
    listed = {made["partition"]: made["services"] for made in session().get_data("endpoints")["partitions"]}
    for service, region in calls:
        places = (region,) if isinstance(region, str) else region
        has = {partition for partition in PARTITIONS if service in listed[partition]}
        assert {partition_of(place) for place in places} == has, service


def test_a_global_database_that_every_region_lists_is_kept_once_in_its_writers_region() -> None:
    member = "arn:aws:rds:{}:123456789012:cluster:{}"
    world = {
        "GlobalClusterIdentifier": "world",
        "GlobalClusterMembers": [
            {"DBClusterArn": member.format("eu-west-1", "shop-2"), "IsWriter": False},
            {"DBClusterArn": member.format("us-east-1", "shop"), "IsWriter": True},
        ],
    }
    changing = {
        "GlobalClusterIdentifier": "changing",
        "GlobalClusterMembers": [{"DBClusterArn": member.format("eu-west-1", "x")}, {"DBClusterArn": "broken"}],
    }
    empty = {"GlobalClusterIdentifier": "empty", "GlobalClusterMembers": []}
    lost = {"GlobalClusterIdentifier": "lost", "GlobalClusterMembers": [{"DBClusterArn": "broken"}]}

    def kept(*rows: dict[str, Any]) -> Kept:
        script = Scripted(DescribeGlobalClusters=lambda params, region: {"GlobalClusters": list(rows)})
        found, _ = read(script, TYPES["AWS::RDS::GlobalCluster"], regions=("us-east-1", "eu-west-1"))
        return found

    whole = kept(world, changing, empty)
    assert sorted((one.name, one.region) for one in whole.resources) == [
        ("changing", "eu-west-1"),
        ("world", "us-east-1"),
    ]
    assert {coverage.state for coverage in whole.closed} == {CoverageState.COMPLETE}
    assert {coverage.state for coverage in kept(world, lost).closed} == {CoverageState.PARTIAL}, "it is not passed over"
