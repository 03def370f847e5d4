"""Spot: groups on Spot can do without any one type and zone."""

from collections.abc import Iterator, Mapping

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, Unavailable, check

from ._groups import (
    ALWAYS_ON_DEMAND,
    CONFIGURATION,
    GROUP,
    OLD,
    ON_DEMAND,
    PLAIN,
    TEMPLATE,
    TEMPLATE_ID,
    a_group,
    a_template,
    distribution_of,
    is_all_spot,
    mixed_policy,
    on_demand_pct,
    template_data,
)
from .thresholds import Spot

_DIVERSE = a_group(**mixed_policy(20), CapacityRebalance=True)


_NEEDS = {"InstanceRequirements": {"VCpuCount": {"Min": 2, "Max": 4}, "MemoryMiB": {"Min": 4096}}}
_NEEDS_IN_TEMPLATE = {**a_template(), "Versions": [{"VersionNumber": 2, "LaunchTemplateData": _NEEDS}]}


def _requirements(*overrides: object) -> dict[str, object]:
    return {
        "MixedInstancesPolicy": {
            "LaunchTemplate": {"LaunchTemplateSpecification": TEMPLATE_ID, "Overrides": list(overrides)},
            "InstancesDistribution": {
                "OnDemandPercentageAboveBaseCapacity": 0,
                "SpotAllocationStrategy": "capacity-optimized",
            },
        }
    }


@check(
    "asg-spot-diversified",
    pattern="cost.right-sizing.spot",
    on=GROUP,
    severity=MEDIUM,
    reads=(TEMPLATE, CONFIGURATION),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --capacity-rebalance --mixed-instances-policy file://POLICY.json",
        terraform="aws_autoscaling_group.capacity_rebalance, aws_autoscaling_group.mixed_instances_policy",
    ),
    same_as=(
        "prowler:autoscaling_group_capacity_rebalance_enabled",
        "prowler:autoscaling_group_multiple_instance_types",
    ),
    passes=[
        _DIVERSE,
        Case(a_group(**_requirements(_NEEDS), CapacityRebalance=True), why="requirements match many types"),
        Case(
            a_group(**_requirements(), CapacityRebalance=True),
            related={TEMPLATE: [_NEEDS_IN_TEMPLATE]},
            why="its launch template has the requirements",
        ),
        Case(_DIVERSE, unread=[TEMPLATE, CONFIGURATION], why="a mixed group says it all itself"),
    ],
    fails=[
        {**_DIVERSE, "CapacityRebalance": False},
        a_group(**mixed_policy(20, types=2), CapacityRebalance=True),
        {**_DIVERSE, "AvailabilityZones": ["eu-west-1a"]},
        Case(a_group(**_requirements(), CapacityRebalance=True), related=ON_DEMAND, why="its template names one type"),
        Case(a_group(**_requirements()), unread=[TEMPLATE], why="whatever its template names, it does not rebalance"),
        Case(a_group(**mixed_policy(20, SpotAllocationStrategy="lowest-price"), CapacityRebalance=True)),
        Case(
            PLAIN,
            related={TEMPLATE: [a_template("spot")]},
            why="one type from a launch template has no alternative when it runs out",
        ),
    ],
    skips=[
        a_group(**mixed_policy(100)),
        a_group(**mixed_policy(None)),
        Case(a_group(**mixed_policy(0, OnDemandBaseCapacity=10)), why="it never grows beyond its base on demand"),
        Case(PLAIN, related=ON_DEMAND),
        {**_DIVERSE, "MaxSize": 0},
    ],
    unknowns=[
        Case(PLAIN, unread=[TEMPLATE]),
        Case(OLD, unread=[CONFIGURATION]),
        Case(a_group(**_requirements(), CapacityRebalance=True), unread=[TEMPLATE], why="it may have requirements"),
    ],
)
def asg_spot_diversified(group: Facts, want: Spot) -> Iterator[Evidence]:
    """A group on Spot can choose among several machines and zones, and replaces one before it is taken.

    Why: AWS takes Spot capacity back by type and zone; a group that knows one type in one zone loses all of it at once.

    Fix: list three or more types of like size (or attributes), subnets in two zones, a strategy that looks at capacity, and
    turn capacity rebalancing on.

    Source: Amazon EC2 User Guide, "Best practices for Amazon EC2 Spot"; standard, "Use for fault-tolerant workloads". The
    default strategy, lowest-price, picks what is interrupted most.
    """
    if group["MaxSize"] == 0:
        raise NotApplicable("the group can never hold an instance")
    distribution = distribution_of(group)
    overrides: list[Mapping[str, object]] = []
    if distribution is None:
        if not is_all_spot(group):
            raise NotApplicable("it uses no Spot")
    else:
        if on_demand_pct(group, distribution) >= ALWAYS_ON_DEMAND:
            raise NotApplicable("it uses no Spot")
        overrides = group["MixedInstancesPolicy"].get("LaunchTemplate", {}).get("Overrides", [])
    zones = sorted(set(group["AvailabilityZones"]))
    types = {override["InstanceType"] for override in overrides if "InstanceType" in override}
    doubt: Unavailable | None = None
    by_attributes = any("InstanceRequirements" in override for override in overrides)
    if distribution is not None and not types and not by_attributes:
        try:
            by_attributes = _by_template(group)
        except Unavailable as unread:
            doubt = unread.kept()
    strategy = str((distribution or {}).get("SpotAllocationStrategy", "lowest-price"))
    missing = {
        f"{want.min_instance_types} instance types": (
            by_attributes or len(types) >= want.min_instance_types or doubt is not None
        ),
        f"{want.min_azs} Availability Zones": len(zones) >= want.min_azs,
        "a strategy that looks at capacity": strategy in want.allocation_strategies,
        "capacity rebalancing": bool(group.get("CapacityRebalance", False)),
    }
    if lacks := [name for name, there in missing.items() if not there]:
        yield Evidence(
            f"runs on Spot without {', '.join(lacks)}",
            {
                "types": sorted(map(str, types)),
                "zones": zones,
                "SpotAllocationStrategy": strategy,
                "CapacityRebalance": bool(group.get("CapacityRebalance", False)),
            },
        )
    if doubt:
        raise doubt


def _by_template(group: Facts) -> bool:
    """Whether the launch template of a mixed group asks for attributes instead of one type."""
    specification = group["MixedInstancesPolicy"].get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    return specification is not None and "InstanceRequirements" in template_data(group, specification)
