"""Availability Zones: Deploy across at least 2 AZs."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import HIGH, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, check
from auditor.kit.scaling import CAPACITY_PROVIDER, is_balanced, skip_owned
from auditor.kit.zones import AVAILABILITY_ZONE, regional_zones

GROUP = "AWS::AutoScaling::AutoScalingGroup"


@dataclass(frozen=True, slots=True)
class AvailabilityZones:
    """How far a workload must be spread."""

    min_azs: int
    min_running_copies: int
    workload_tag_keys: tuple[str, ...]
    singleton_tag: str
    system_namespaces: tuple[str, ...]


_ZONES = [{"ZoneName": f"eu-west-1{letter}", "ZoneType": "availability-zone"} for letter in "abc"]
_LOCAL = {"ZoneName": "us-west-2-lax-1a", "ZoneType": "local-zone"}
_SPREAD = {"MaxSize": 4, "AvailabilityZones": ["eu-west-1a", "eu-west-1b"]}
_SINGLE = {"MaxSize": 4, "AvailabilityZones": ["eu-west-1a"]}
_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:7f:autoScalingGroupName/web"
_PROVIDER = {"name": "web", "autoScalingGroupProvider": {"autoScalingGroupArn": _ARN}}


@check(
    "asg-spans-two-azs",
    pattern="cloud.multi-az.availability-zones",
    on=GROUP,
    severity=HIGH,
    reads=(AVAILABILITY_ZONE, CAPACITY_PROVIDER),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --vpc-zone-identifier SUBNET_A,SUBNET_B",
        terraform="aws_autoscaling_group.vpc_zone_identifier",
    ),
    same_as=(
        "prowler:autoscaling_group_multiple_az",
        "service-screener:ASGMultiAZ",
        "fsbp:AutoScaling.2",
    ),
    passes=[
        Case(_SPREAD, related={AVAILABILITY_ZONE: _ZONES}),
        Case(
            _SPREAD,
            related={AVAILABILITY_ZONE: _ZONES},
            unread=[CAPACITY_PROVIDER],
            why="who owns it need not be known",
        ),
    ],
    fails=[
        Case(_SINGLE, related={AVAILABILITY_ZONE: _ZONES}),
        Case(
            {**_SINGLE, "VPCZoneIdentifier": "subnet-0a1,subnet-0a2"},
            related={AVAILABILITY_ZONE: _ZONES},
            why="two subnets of one zone",
        ),
        Case(_SINGLE, unread=[AVAILABILITY_ZONE], why="one zone is too few, whatever its kind"),
        Case(
            {"MaxSize": 4, "AvailabilityZones": ["us-west-2a", "us-west-2-lax-1a"]},
            related={AVAILABILITY_ZONE: [{"ZoneName": "us-west-2a", "ZoneType": "availability-zone"}, _LOCAL]},
            why="a Local Zone is no Availability Zone",
        ),
    ],
    skips=[
        {"MaxSize": 0, "AvailabilityZones": ["eu-west-1a"]},
        {**_SINGLE, "Status": "Delete in progress"},
        Case(_SINGLE, tags={"eks:cluster-name": "shop"}, why="one group per zone is right for Kubernetes"),
        Case(_SINGLE, tags={"k8s.io/cluster-autoscaler/shop": "owned"}),
        Case({**_SINGLE, "AutoScalingGroupARN": _ARN}, related={CAPACITY_PROVIDER: [_PROVIDER]}),
    ],
    unknowns=[
        Case(_SPREAD, unread=[AVAILABILITY_ZONE], why="they may be Local Zones"),
        Case(_SINGLE, unread=[CAPACITY_PROVIDER], why="ECS may own it"),
    ],
)
def asg_spans_two_azs(group: Facts, want: AvailabilityZones) -> Iterator[Evidence]:
    """An Auto Scaling group runs in at least two Availability Zones.

    Why: when a zone fails, a group that knows no other zone has nowhere to start replacements, and the service is down
    until AWS repairs the zone.

    Fix: give the group subnets in a second zone; it moves instances there by itself.

    Source: AWS FSBP AutoScaling.2; standard, "Deploy across at least 2 AZs". Local Zones and Wavelength Zones do not
    count. Groups of Kubernetes nodes and of ECS capacity providers are judged as one with their siblings.
    """
    if group["MaxSize"] == 0:
        raise NotApplicable("the group can never hold an instance")
    if group.get("Status"):
        raise NotApplicable("the group is being deleted")
    doubt = skip_owned(group)
    zones = set(group["AvailabilityZones"])
    if len(zones) >= want.min_azs:
        zones = regional_zones(group, zones)
    if len(zones) < want.min_azs:
        if doubt:
            raise doubt
        yield Evidence(
            f"runs in {len(zones)} of at least {want.min_azs} Availability Zones",
            {"zones": sorted(zones), "enabled": sorted(group["AvailabilityZones"]), "wanted": want.min_azs},
        )


def _instances(*zones: str, state: str = "InService") -> list[dict[str, str]]:
    return [
        {"InstanceId": f"i-{number}", "AvailabilityZone": zone, "LifecycleState": state}
        for number, zone in enumerate(zones)
    ]


_BALANCED = {
    "MinSize": 2,
    "MaxSize": 4,
    "Instances": _instances("eu-west-1a", "eu-west-1b"),
    "TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"],
}


@check(
    "asg-instances-in-two-azs",
    pattern="cloud.multi-az.availability-zones",
    on=GROUP,
    severity=MEDIUM,
    reads=(AVAILABILITY_ZONE, CAPACITY_PROVIDER),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --min-size 2",
        terraform="aws_autoscaling_group.min_size",
    ),
    same_as=("steampipe:autoscaling_group_multiple_az_configured",),
    passes=[
        Case(_BALANCED, related={AVAILABILITY_ZONE: _ZONES}),
        Case(
            {"MinSize": 1, "MaxSize": 4, "Instances": _instances("eu-west-1a", "eu-west-1b")},
            related={AVAILABILITY_ZONE: _ZONES},
            why="nothing balances on it: it may shrink to one",
        ),
    ],
    fails=[
        Case({**_BALANCED, "Instances": _instances("eu-west-1a", "eu-west-1a")}, related={AVAILABILITY_ZONE: _ZONES}),
        Case({**_BALANCED, "Instances": _instances("eu-west-1a")}, related={AVAILABILITY_ZONE: _ZONES}),
        Case(
            {**_BALANCED, "MinSize": 1},
            related={AVAILABILITY_ZONE: _ZONES},
            why="it may shrink to one copy at any time",
        ),
        Case(
            {**_BALANCED, "MinSize": 1, "MaxSize": 1, "Instances": _instances("eu-west-1a")},
            why="a singleton that a balancer sends traffic to",
        ),
        Case({**_BALANCED, "MinSize": 1}, unread=[AVAILABILITY_ZONE], why="too few copies, wherever they stand"),
        Case(
            {
                **_BALANCED,
                "Instances": [
                    *_instances("eu-west-1a", "eu-west-1a"),
                    *_instances("eu-west-1b", state="Warmed:Stopped"),
                ],
            },
            why="a warm pool does not serve",
        ),
    ],
    skips=[
        {**_BALANCED, "Instances": []},
        Case(
            {"MinSize": 1, "MaxSize": 1, "Instances": _instances("eu-west-1a")},
            why="a singleton that heals itself",
        ),
        Case({**_BALANCED, "MinSize": 1}, tags={"kubernetes.io/cluster/shop": "owned"}),
    ],
    unknowns=[
        Case(_BALANCED, unread=[AVAILABILITY_ZONE]),
        Case({**_BALANCED, "MinSize": 1}, unread=[CAPACITY_PROVIDER]),
    ],
)
def asg_instances_in_two_azs(group: Facts, want: AvailabilityZones) -> Iterator[Evidence]:
    """The instances of an Auto Scaling group that are in service stand in at least two Availability Zones.

    Why: several subnets help only when instances really run in them; a group that may shrink to one copy loses its
    service with that copy's zone.

    Fix: keep at least two instances; the group spreads them over its zones. A zonal shift or an impaired zone can pile
    them up for a while: look again before acting.

    Source: Amazon EC2 Auto Scaling User Guide, "Auto Scaling benefits for application architecture"; standard, "Deploy
    across at least 2 AZs": two zones need two copies.
    """
    serving = [i["AvailabilityZone"] for i in group.get("Instances", ()) if i["LifecycleState"] == "InService"]
    if not serving:
        raise NotApplicable("the group has no instance in service")
    balanced = is_balanced(group)
    if len(serving) == 1 and not balanced:
        raise NotApplicable("a single instance is in service and no load balancer sends it traffic")
    doubt = skip_owned(group)
    if balanced and group["MinSize"] < want.min_running_copies:
        if doubt:
            raise doubt
        yield Evidence(
            f"a load balancer sends it traffic, and it may shrink to {group['MinSize']} of at least "
            f"{want.min_running_copies} copies",
            {"MinSize": group["MinSize"], "wanted": want.min_running_copies},
        )
    zones = set(serving)
    if len(zones) >= want.min_azs:
        zones = regional_zones(group, zones)
    if len(zones) < want.min_azs:
        if doubt:
            raise doubt
        yield Evidence(
            f"its instances in service ({len(serving)}) stand in {len(zones)} of at least {want.min_azs} Availability Zones",
            {"instances": len(serving), "zones": sorted(zones), "wanted": want.min_azs},
        )
