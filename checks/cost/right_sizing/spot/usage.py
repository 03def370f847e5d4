"""Spot: groups whose work bears interruptions use it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from auditor.kit import (
    HOURS_PER_MONTH,
    MEDIUM,
    Case,
    Certainty,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Part,
    Saving,
    Unavailable,
    ago,
    check,
    sum_of,
    unpriced,
)
from auditor.kit.balancing import INSTANCE
from auditor.kit.scaling import CAPACITY_PROVIDER, skip_owned
from auditor.kit.usage import datapoints, has_tag, require_days

from ._groups import (
    ALWAYS_ON_DEMAND,
    CONFIGURATION,
    GROUP,
    OLD,
    ON_DEMAND,
    PLAIN,
    TEMPLATE,
    a_group,
    a_template,
    distribution_of,
    is_all_spot,
    mixed_policy,
    on_demand_pct,
)
from .thresholds import Spot

ACTIVITY = "AWS::AutoScaling::ScalingActivity"
_OWNER_TAGS = {"AWSBatchServiceTag": "AWS Batch", "elasticbeanstalk:environment-name": "Elastic Beanstalk"}
_LINUX = "Linux/UNIX"

_DECLARED = {"fault-tolerant": "true"}
_TESTING = {"Environment": "Staging"}
_EMPTY = {"DesiredCapacity": 0, "Instances": []}


def _launched(days_ago: float) -> dict[str, list[dict[str, object]]]:
    return {**ON_DEMAND, ACTIVITY: [{"ActivityId": "1", "AutoScalingGroupName": "ci", "StartTime": ago(days=days_ago)}]}


_INSTANCES: list[dict[str, object]] = [{"InstanceId": f"i-{number}", "PlatformDetails": _LINUX} for number in range(4)]


@check(
    "asg-spot-usage",
    pattern="cost.right-sizing.spot",
    on=GROUP,
    severity=MEDIUM,
    reads=(TEMPLATE, CONFIGURATION, INSTANCE, CAPACITY_PROVIDER, ACTIVITY),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --mixed-instances-policy file://POLICY.json",
        terraform="aws_autoscaling_group.mixed_instances_policy",
    ),
    same_as=("prowler:autoscaling_group_multiple_instance_types", "well-architected:COST05"),
    passes=[
        Case(a_group(**mixed_policy(50)), tags=_DECLARED),
        Case(a_group(**mixed_policy(0)), tags=_TESTING),
        Case(a_group(**mixed_policy(0)), tags=_TESTING, unread=[TEMPLATE, INSTANCE, CAPACITY_PROVIDER, CONFIGURATION]),
        Case(PLAIN, related={TEMPLATE: [a_template("spot")]}, tags=_DECLARED),
        Case(OLD, related={CONFIGURATION: [{"LaunchConfigurationName": "ci-1", "SpotPrice": "0.05"}]}, tags=_DECLARED),
        Case(a_group(**mixed_policy(20)), why="who runs on Spot has said that the work bears it"),
    ],
    fails=[
        Case(PLAIN, related=ON_DEMAND, tags=_DECLARED),
        Case(PLAIN, related={**ON_DEMAND, INSTANCE: _INSTANCES}, tags=_TESTING),
        Case(a_group(**mixed_policy(80)), tags=_DECLARED),
        Case(a_group(**mixed_policy(None)), tags=_DECLARED, why="what is left out means 100% on demand"),
        Case(
            a_group(**mixed_policy(0, OnDemandBaseCapacity=10)),
            tags=_DECLARED,
            why="it never grows beyond its base on demand",
        ),
        Case({**PLAIN, **_EMPTY, "Metrics": {}}, related=_launched(20), tags=_DECLARED, why="it was used this month"),
        Case(
            a_group(LaunchTemplate={"LaunchTemplateId": "lt-1"}),
            related={TEMPLATE: [a_template("spot")]},
            tags=_DECLARED,
            why="without a version the default one counts, not the latest",
        ),
        Case(OLD, related={CONFIGURATION: [{"LaunchConfigurationName": "ci-1"}]}, tags=_DECLARED),
    ],
    skips=[
        Case({**PLAIN, "MaxSize": 0}, tags=_DECLARED),
        Case(PLAIN, related=ON_DEMAND, tags={"Environment": "production"}),
        Case(PLAIN, related=ON_DEMAND, tags={"fault-tolerant": "false", "Environment": "dev"}, why="its tag says so"),
        Case(PLAIN, related=ON_DEMAND, tags={**_DECLARED, "eks:cluster-name": "shop"}),
        Case(PLAIN, related=ON_DEMAND, tags={**_DECLARED, "elasticbeanstalk:environment-name": "shop"}),
        Case(PLAIN, related=ON_DEMAND, tags={**_DECLARED, "AWSBatchServiceTag": "batch"}),
        Case(
            PLAIN,
            related=ON_DEMAND,
            tags={**_DECLARED, "AWSBatchServiceTag": "batch"},
            unread=[CAPACITY_PROVIDER],
            why="its tag tells the owner",
        ),
        Case(
            {**PLAIN, **_EMPTY, "Metrics": {}}, related=_launched(35), tags=_DECLARED, why="it launched nothing since"
        ),
        Case(
            {**PLAIN, **_EMPTY, "Metrics": {"GroupDesiredCapacity.Maximum": datapoints(*[0] * 30, days=30)}},
            related=ON_DEMAND,
            tags=_DECLARED,
        ),
    ],
    unknowns=[
        Case(PLAIN, related=ON_DEMAND, why="nothing says whether it bears an interruption"),
        Case(PLAIN, tags=_DECLARED, unread=[TEMPLATE]),
        Case(OLD, tags=_DECLARED, unread=[CONFIGURATION]),
        Case(PLAIN, related=ON_DEMAND, tags=_DECLARED, unread=[CAPACITY_PROVIDER], why="ECS may own it"),
        Case(a_group(LaunchTemplate={"LaunchTemplateId": "lt-1", "Version": "7"}), related=ON_DEMAND, tags=_DECLARED),
        Case(
            {**PLAIN, **_EMPTY, "Metrics": {}},
            related=ON_DEMAND,
            tags=_DECLARED,
            unread=[ACTIVITY],
            why="it may be unused",
        ),
    ],
)
def asg_spot_usage(group: Facts, want: Spot) -> Iterator[Evidence]:
    """An Auto Scaling group whose work bears interruptions runs at least half of it on Spot.

    Why: Spot capacity is the same machine at a fraction of the price; AWS takes it back with two minutes' notice, which
    test environments, batch work and build machines bear.

    Fix: give the group a mixed instances policy with several types and few on demand. If the work does not bear
    interruptions after all, tag the group `fault-tolerant=false`.

    Source: Amazon EC2 Auto Scaling User Guide, "Auto Scaling groups with multiple instance types and purchase options";
    Well-Architected COST05; standard, "Use for fault-tolerant workloads". No API shows what bears an interruption: a tag
    or the environment declares it, or that it runs there already.
    """
    if group["MaxSize"] == 0:
        raise NotApplicable("the group can never hold an instance")
    undeclared = _skip_undeclared(group, want)
    distribution = distribution_of(group)
    percentage = ALWAYS_ON_DEMAND
    if distribution is not None:
        percentage = on_demand_pct(group, distribution)
    elif is_all_spot(group):
        percentage = 0
    if percentage <= want.max_on_demand_pct:
        return
    if undeclared:
        raise undeclared
    for tag, owner in _OWNER_TAGS.items():
        if tag in group.tags:
            raise NotApplicable(f"{owner} owns it")
    if doubt := skip_owned(group):
        raise doubt
    if group["DesiredCapacity"] == 0:
        _skip_unused(group, want)
    yield Evidence(
        f"starts {percentage}% of its instances on demand, at most {want.max_on_demand_pct}% are wanted",
        {"on_demand_pct": percentage, "wanted_max_pct": want.max_on_demand_pct, "mixed": distribution is not None},
        saving=_on_spot(group, percentage, distribution or {}, want),
    )


def _skip_undeclared(group: Facts, want: Spot) -> Unavailable | None:
    """Raise NotApplicable when the group's work needs its instances.

    Returns that nothing says what its work is, or ``None`` when it bears interruptions.
    """
    if has_tag(group, want.fault_tolerant_tag):
        return None
    key = want.fault_tolerant_tag.partition("=")[0]
    if key in group.tags:
        raise NotApplicable(f"its tag {key} says that its work does not bear interruptions")
    environment = next((group.tags[key] for key in want.environment_tag_keys if key in group.tags), None)
    if environment is None:
        message = f"it has neither a tag {want.fault_tolerant_tag} nor one that names its environment"
        return Unavailable(Gap("autoscaling:DescribeAutoScalingGroups", "Undeclared", message))
    if not want.nonprod_is_fault_tolerant or environment.casefold() not in want.fault_tolerant_environments:
        raise NotApplicable("its environment does not bear interruptions")
    return None


def _skip_unused(group: Facts, want: Spot) -> None:
    """Raise NotApplicable when the group was empty on every day; Unavailable when that is not known.

    Most groups do not publish their size; then they held something if they launched or ended an instance.
    """
    try:
        held = group.metric("GroupDesiredCapacity", "Maximum", days=want.unused_group_days)
        if held and held.maximum > 0:
            return
        require_days(held, want.unused_group_days, 1.0, "GroupDesiredCapacity")
    except Unavailable:
        if _has_acted(group, want.unused_group_days):
            return
    raise NotApplicable(f"it has held nothing for {want.unused_group_days} days")


def _has_acted(group: Facts, days: int) -> bool:
    """Whether the group launched or ended an instance in the last DAYS (EC2 Auto Scaling keeps activities for six weeks).

    Raises Unavailable when there could be an activity that was not read.
    """
    by, name = "AutoScalingGroupName", group["AutoScalingGroupName"]
    if any(activity.days_since("StartTime") <= days for activity in group.known_referrers(ACTIVITY, by, name)):
        return True
    group.referrers(ACTIVITY, by, name)
    return False


def _on_spot(group: Facts, percentage: int, distribution: Mapping[str, object], want: Spot) -> Saving | None:
    """Return what the instances above the wanted share save on Spot, by the median price of the region's zones."""
    running = group.get("Instances", [])
    above = max(0, len(running) - int(str(distribution.get("OnDemandBaseCapacity", 0))))
    moved = above * (percentage - want.max_on_demand_pct) / 100
    if not moved:
        return None
    try:
        instances = group.related(INSTANCE, [i["InstanceId"] for i in running], by="InstanceId", required=True)
        if any(instance["PlatformDetails"] != _LINUX for instance in instances):
            return unpriced("only Linux is priced")
        if any(instance.get("Placement", {}).get("Tenancy", "default") != "default" for instance in instances):
            return unpriced("only shared hardware is priced")
    except Unavailable:
        return unpriced("what system its instances run is not known")
    parts: list[Part] = []
    for name, count in Counter(instance["InstanceType"] for instance in running).items():
        hours = HOURS_PER_MONTH * moved * count / len(running)
        price, days = group.prices.price, str(want.spot_price_days)
        parts.append(Part(hours, f"hours of {name}", price("ec2-instance", group.region, instance_type=name)))
        parts.append(Part(-hours, "hours on Spot", price("spot", group.region, instance_type=name, days=days)))
    return sum_of(*parts, certainty=Certainty.ESTIMATE)
