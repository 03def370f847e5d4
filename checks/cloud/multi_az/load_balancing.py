"""Load balancing: Distribute traffic across AZs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.kit import HIGH, MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.balancing import (
    ANYWHERE,
    INSTANCE,
    NETWORK_INTERFACE,
    SUBNET,
    attribute,
    zones_of_classic,
    zones_of_targets,
)
from auditor.kit.zones import AVAILABILITY_ZONE, regional_zones

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

CROSS_ZONE = "load_balancing.cross_zone.enabled"
INHERITED = "use_load_balancer_configuration"
"""The value by which a target group leaves the choice to its balancer; AWS's default."""


@dataclass(frozen=True, slots=True)
class LoadBalancing:
    """How far traffic must be spread."""

    min_azs: int
    require_cross_zone: bool


_ZONES = [{"ZoneName": f"eu-west-1{letter}", "ZoneType": "availability-zone"} for letter in "abc"]
_BALANCER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/web/1"
_ATTRIBUTES_DENIED = {"Attributes": Gap("elasticloadbalancing:DescribeLoadBalancerAttributes", "AccessDenied")}


def _enabled(*zones: str) -> list[dict[str, str]]:
    return [{"ZoneName": zone, "SubnetId": f"subnet-{zone[-1]}"} for zone in zones]


_SPREAD = {
    "Type": "network",
    "State": {"Code": "active"},
    "AvailabilityZones": _enabled("eu-west-1a", "eu-west-1b"),
}
_SINGLE = {**_SPREAD, "AvailabilityZones": _enabled("eu-west-1a")}


@check(
    "elbv2-spans-two-azs",
    pattern="cloud.multi-az.load-balancing",
    on=BALANCER,
    severity=HIGH,
    reads=(AVAILABILITY_ZONE,),
    fix=Fix(
        cli="aws elbv2 set-subnets --load-balancer-arn {id} --subnets SUBNET_A SUBNET_B",
        terraform="aws_lb.subnets",
    ),
    same_as=("prowler:elbv2_is_in_multiple_az", "fsbp:ELB.13", "service-screener:ELBMultiAZ"),
    passes=[Case(_SPREAD, related={AVAILABILITY_ZONE: _ZONES})],
    fails=[
        Case(_SINGLE, related={AVAILABILITY_ZONE: _ZONES}),
        Case(
            {**_SPREAD, "Type": "application", "AvailabilityZones": _enabled("us-west-2-lax-1a")},
            related={AVAILABILITY_ZONE: [{"ZoneName": "us-west-2-lax-1a", "ZoneType": "local-zone"}]},
            why="a Local Zone can hold an Application Load Balancer on its own",
        ),
    ],
    skips=[
        {**_SINGLE, "State": {"Code": "provisioning"}},
        {**_SINGLE, "State": {"Code": "failed"}},
        {**_SINGLE, "AvailabilityZones": [{"ZoneName": "eu-west-1a", "OutpostId": "op-0f1"}]},
    ],
    unknowns=[Case(_SPREAD, unread=[AVAILABILITY_ZONE])],
)
def elbv2_spans_two_azs(balancer: Facts, want: LoadBalancing) -> Iterator[Evidence]:
    """A load balancer is enabled in at least two Availability Zones.

    Why: a balancer in one zone goes down with that zone, however many targets are healthy elsewhere.

    Fix: add a subnet in another zone (a Network Load Balancer takes one more at any time).

    Source: AWS FSBP ELB.13; standard, "Distribute traffic across AZs". AWS itself asks two zones of an Application Load
    Balancer, except in Local Zones.
    """
    if balancer["State"]["Code"] in ("provisioning", "failed"):
        raise NotApplicable("the load balancer is not in service")
    enabled = balancer["AvailabilityZones"]
    if any("OutpostId" in zone for zone in enabled):
        raise NotApplicable("the load balancer stands on an Outpost")
    zones = {zone["ZoneName"] for zone in enabled}
    if len(zones) >= want.min_azs:
        zones = regional_zones(balancer, zones)
    if len(zones) < want.min_azs:
        yield Evidence(
            f"is enabled in {len(zones)} of at least {want.min_azs} Availability Zones",
            {"zones": sorted(zones), "enabled": sorted(zone["ZoneName"] for zone in enabled), "wanted": want.min_azs},
        )


_CLASSIC = {"AvailabilityZones": ["eu-west-1a", "eu-west-1b"]}
_IN_SUBNETS = {"AvailabilityZones": [], "Subnets": ["subnet-0a", "subnet-0b"]}


def _subnets(*zones: str) -> list[dict[str, str]]:
    return [
        {
            "SubnetId": f"subnet-0{letter}",
            "VpcId": "vpc-1",
            "AvailabilityZone": zone,
            "CidrBlock": f"10.0.{number}.0/24",
        }
        for number, (letter, zone) in enumerate(zip("ab", zones, strict=False))
    ]


@check(
    "elb-classic-spans-two-azs",
    pattern="cloud.multi-az.load-balancing",
    on=CLASSIC,
    severity=HIGH,
    reads=(AVAILABILITY_ZONE, SUBNET),
    fix=Fix(
        cli="aws elb attach-load-balancer-to-subnets --load-balancer-name {name} --subnets SUBNET_B",
        terraform="aws_elb.subnets",
    ),
    same_as=("prowler:elb_is_in_multiple_az", "fsbp:ELB.10"),
    passes=[
        Case(_CLASSIC, related={AVAILABILITY_ZONE: _ZONES}),
        Case(
            _IN_SUBNETS,
            related={AVAILABILITY_ZONE: _ZONES, SUBNET: _subnets("eu-west-1a", "eu-west-1b")},
            why="the answer names subnets only",
        ),
    ],
    fails=[
        {"AvailabilityZones": ["eu-west-1a"]},
        Case(_IN_SUBNETS, related={SUBNET: _subnets("eu-west-1a", "eu-west-1a")}, why="two subnets of one zone"),
    ],
    unknowns=[Case(_CLASSIC, unread=[AVAILABILITY_ZONE]), Case(_IN_SUBNETS, unread=[SUBNET])],
)
def elb_classic_spans_two_azs(balancer: Facts, want: LoadBalancing) -> Iterator[Evidence]:
    """A Classic Load Balancer is enabled in at least two Availability Zones.

    Why: a balancer in one zone goes down with that zone, however many instances are healthy elsewhere.

    Fix: attach a subnet in another zone.

    Source: AWS FSBP ELB.10; standard, "Distribute traffic across AZs".
    """
    zones = zones_of_classic(balancer)
    if len(zones) >= want.min_azs:
        zones = regional_zones(balancer, zones)
    if len(zones) < want.min_azs:
        yield Evidence(
            f"is enabled in {len(zones)} of at least {want.min_azs} Availability Zones",
            {"zones": sorted(zones), "wanted": want.min_azs},
        )


def _group(*targets: tuple[str, str], **attributes: str) -> dict[str, object]:
    """Return a target group of addresses: (zone, state) each; an empty zone is left out."""
    return {
        "TargetType": "ip",
        "LoadBalancerArns": [_BALANCER_ARN],
        "VpcId": "vpc-1",
        "Attributes": [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()],
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": f"10.0.0.{number}", **({"AvailabilityZone": zone} if zone else {})},
                "TargetHealth": {"State": state},
            }
            for number, (zone, state) in enumerate(targets, 10)
        ],
    }


def _crossing(enabled: str, type: str = "network") -> dict[str, object]:
    return {
        **_SPREAD,
        "Type": type,
        "LoadBalancerArn": _BALANCER_ARN,
        "Attributes": [{"Key": CROSS_ZONE, "Value": enabled}],
    }


_A, _B = ("eu-west-1a", "healthy"), ("eu-west-1b", "healthy")
_OWN = "load_balancing__cross_zone__enabled"


@check(
    "elbv2-cross-zone-effective",
    pattern="cloud.multi-az.load-balancing",
    on=TARGET_GROUP,
    severity=MEDIUM,
    reads=(BALANCER, INSTANCE, NETWORK_INTERFACE, SUBNET),
    fix=Fix(
        cli="aws elbv2 modify-target-group-attributes --target-group-arn {id} --attributes Key=load_balancing.cross_zone.enabled,Value=true",
        terraform="aws_lb_target_group.load_balancing_cross_zone_enabled",
    ),
    same_as=("prowler:elbv2_cross_zone_load_balancing_enabled", "service-screener:ELBCrossZone"),
    passes=[
        Case(_group(_A), related={BALANCER: [_crossing("true")]}),
        Case(_group(_A, **{_OWN: "true"}), related={BALANCER: [_crossing("false")]}),
        Case(_group(_A, **{_OWN: "true"}), unread=[BALANCER], why="the group's own setting decides"),
        Case(
            _group(_A),
            related={BALANCER: [_crossing("false", type="application")]},
            why="an Application Load Balancer always crosses zones",
        ),
        Case(_group(_A, _B), related={BALANCER: [_crossing("false")]}, why="zones kept apart on purpose, each served"),
        Case(
            _group(_A, _B), related={BALANCER: [_crossing("true")]}, gaps=_ATTRIBUTES_DENIED, why="served in each zone"
        ),
        Case(_group(("all", "healthy")), related={BALANCER: [_crossing("false")]}, why="outside the VPC"),
    ],
    fails=[
        Case(_group(_A), related={BALANCER: [_crossing("false")]}),
        Case(_group(_A, ("eu-west-1b", "unhealthy")), related={BALANCER: [_crossing("false")]}),
        Case(
            _group(_A, **{_OWN: "false"}),
            related={BALANCER: [_crossing("false", type="application")]},
            why="the target group may switch off what its balancer does",
        ),
    ],
    skips=[
        {**_group(_A), "LoadBalancerArns": []},
        Case({**_group(), "TargetType": "lambda"}, related={BALANCER: [_crossing("false")]}),
        Case({**_group(), "TargetType": "alb"}, related={BALANCER: [_crossing("false")]}),
        Case(
            _group(_A),
            related={BALANCER: [{**_crossing("false"), "AvailabilityZones": _enabled("eu-west-1a")}]},
            why="elbv2-spans-two-azs reports it",
        ),
    ],
    unknowns=[
        Case(_group(_A), related={BALANCER: [_crossing("true")]}, gaps=_ATTRIBUTES_DENIED),
        Case(_group(_A), unread=[BALANCER]),
        Case(
            {
                **_group(_A),
                "TargetType": "instance",
                "TargetHealthDescriptions": [
                    {"Target": {"Id": "i-1", "Port": 80}, "TargetHealth": {"State": "healthy"}}
                ],
            },
            related={BALANCER: [_crossing("false")]},
            unread=[INSTANCE],
        ),
    ],
)
def elbv2_cross_zone_effective(group: Facts, want: LoadBalancing) -> Iterator[Evidence]:
    """A target group gets traffic from every zone of its load balancer, or has a healthy target in each of them.

    Why: without cross-zone balancing a zone's node reaches only targets of its own zone; where there is none, the clients
    sent there fail, or the zone drops out of DNS.

    Fix: turn cross-zone load balancing on, or register targets in every enabled zone. Behind Network and Gateway Load
    Balancers traffic between zones is billed: keeping zones apart on purpose is fine while each has healthy targets.

    Source: Elastic Load Balancing, "Cross-zone load balancing for target groups" (the group's setting wins over the
    balancer's; Application Load Balancers are always on); standard, "Distribute traffic across AZs".
    """
    _skip_unjudged(group)
    arns = group["LoadBalancerArns"]
    try:
        balancers = group.related(BALANCER, arns, by="LoadBalancerArn", required=True)
    except Unavailable:
        if attribute(group, CROSS_ZONE) == "true":
            return
        raise
    zones = {zone["ZoneName"] for balancer in balancers for zone in balancer["AvailabilityZones"]}
    if len(zones) == 1:
        raise NotApplicable("the load balancer is enabled in one zone only")
    doubt: Unavailable | None = None
    try:
        if _crosses_zones(group, balancers):
            return
    except Unavailable as unread:
        doubt = unread.kept()
    unserved = zones
    if not want.require_cross_zone:
        served, unplaced = zones_of_targets(group, _healthy(group))
        unserved = set() if ANYWHERE in served else zones - served
        doubt = doubt or unplaced
    if unserved:
        if doubt:
            raise doubt
        yield Evidence(
            "cross-zone load balancing is off"
            + ("" if want.require_cross_zone else f", and no healthy target stands in {', '.join(sorted(unserved))}"),
            {"zones": sorted(zones), "unserved": sorted(unserved)},
        )


def _skip_unjudged(group: Facts) -> None:
    if not group["LoadBalancerArns"]:
        raise NotApplicable("no load balancer uses the target group")
    if group["TargetType"] == "lambda":
        raise NotApplicable("a Lambda function is its target, which has no zone")
    if group["TargetType"] == "alb":
        raise NotApplicable("an Application Load Balancer is its target, which has zones of its own")


def _crosses_zones(group: Facts, balancers: Sequence[Facts]) -> bool:
    own = attribute(group, CROSS_ZONE, INHERITED)
    if own != INHERITED:
        return own == "true"
    return all(b["Type"] == "application" or attribute(b, CROSS_ZONE) == "true" for b in balancers)


def _healthy(group: Facts) -> list[dict[str, dict[str, str]]]:
    return [t for t in group["TargetHealthDescriptions"] if t["TargetHealth"]["State"] == "healthy"]


@check(
    "elb-classic-cross-zone-enabled",
    pattern="cloud.multi-az.load-balancing",
    on=CLASSIC,
    severity=MEDIUM,
    reads=(SUBNET,),
    fix=Fix(
        cli="aws elb modify-load-balancer-attributes --load-balancer-name {name}"
        ' --load-balancer-attributes "CrossZoneLoadBalancing={Enabled=true}"',
        terraform="aws_elb.cross_zone_load_balancing",
    ),
    same_as=("prowler:elb_cross_zone_load_balancing_enabled", "fsbp:ELB.9"),
    passes=[{**_CLASSIC, "LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": True}}}],
    fails=[
        Case(
            {**_CLASSIC, "LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": False}}},
            why="the default of balancers made by command or API",
        )
    ],
    skips=[
        {
            "AvailabilityZones": ["eu-west-1a"],
            "LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": False}},
        },
        Case(
            {**_IN_SUBNETS, "LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": False}}},
            related={SUBNET: _subnets("eu-west-1a", "eu-west-1a")},
        ),
    ],
    unknowns=[
        Case(
            _CLASSIC,
            gaps={"LoadBalancerAttributes": Gap("elasticloadbalancing:DescribeLoadBalancerAttributes", "AccessDenied")},
        )
    ],
)
def elb_classic_cross_zone_enabled(balancer: Facts, want: LoadBalancing) -> Iterator[Evidence]:
    """A Classic Load Balancer spreads traffic over the instances of all its zones.

    Why: without it each zone gets the same share of traffic, however few instances it has: the smallest zone is overrun.

    Fix: turn cross-zone load balancing on; on a Classic Load Balancer its traffic between zones is not billed.

    Source: AWS FSBP ELB.9; standard, "Distribute traffic across AZs".
    """
    zones = zones_of_classic(balancer)
    if len(zones) == 1:
        raise NotApplicable("the load balancer is enabled in one zone only")
    if not balancer["LoadBalancerAttributes"]["CrossZoneLoadBalancing"]["Enabled"]:
        yield Evidence("cross-zone load balancing is off", {"zones": sorted(zones)})


_INSTANCES = {
    "TargetType": "instance",
    "LoadBalancerArns": [_BALANCER_ARN],
    "TargetHealthDescriptions": [
        {"Target": {"Id": f"i-{number}", "Port": 80}, "TargetHealth": {"State": "healthy"}} for number in (1, 2)
    ],
}


def _placed(*zones: str) -> list[dict[str, object]]:
    return [{"InstanceId": f"i-{n}", "Placement": {"AvailabilityZone": zone}} for n, zone in enumerate(zones, 1)]


def _at(address: str) -> dict[str, object]:
    return {"Target": {"Id": address}, "TargetHealth": {"State": "healthy"}}


def _v6(block: str) -> dict[str, object]:
    return {"Ipv6CidrBlock": block, "Ipv6CidrBlockState": {"State": "associated"}}


def _interface(zone: str, vpc: str = "vpc-1", address: str = "10.0.0.11") -> dict[str, object]:
    return {"VpcId": vpc, "AvailabilityZone": zone, "PrivateIpAddresses": [{"PrivateIpAddress": address}]}


@check(
    "target-group-healthy-targets-in-two-azs",
    pattern="cloud.multi-az.load-balancing",
    on=TARGET_GROUP,
    severity=HIGH,
    reads=(INSTANCE, NETWORK_INTERFACE, SUBNET, AVAILABILITY_ZONE),
    fix=Fix(
        cli="aws elbv2 register-targets --target-group-arn {id} --targets Id=TARGET_IN_ANOTHER_ZONE",
        terraform="aws_lb_target_group_attachment.target_id",
    ),
    passes=[
        Case(_group(_A, _B), related={AVAILABILITY_ZONE: _ZONES}),
        Case(_INSTANCES, related={INSTANCE: _placed("eu-west-1a", "eu-west-1b"), AVAILABILITY_ZONE: _ZONES}),
        Case(_group(_A, ("all", "healthy")), related={AVAILABILITY_ZONE: _ZONES}, why="one more outside the VPC"),
        Case(
            _group(_A, ("", "healthy")),
            related={
                NETWORK_INTERFACE: [_interface("eu-west-1a", vpc="vpc-2"), _interface("eu-west-1b")],
                AVAILABILITY_ZONE: _ZONES,
            },
            why="the same address can exist in another VPC",
        ),
        Case(
            _group(_A, ("", "healthy")),
            related={SUBNET: _subnets("eu-west-1b"), AVAILABILITY_ZONE: _ZONES},
            why="an address lies in one subnet of its VPC",
        ),
        Case(
            {**_group(_A), "TargetHealthDescriptions": [_at("10.0.0.10"), _at("2001:db8:0:1::7")]},
            related={
                SUBNET: [
                    {**_subnets("eu-west-1a")[0], "Ipv6CidrBlockAssociationSet": [_v6("2001:db8::/64")]},
                    {
                        **_subnets("eu-west-1a", "eu-west-1b")[1],
                        "Ipv6CidrBlockAssociationSet": [_v6("2001:db8:0:1::/64")],
                    },
                ],
                AVAILABILITY_ZONE: _ZONES,
            },
            why="so does one of IPv6",
        ),
    ],
    fails=[
        Case(_group(_A, _A), related={AVAILABILITY_ZONE: _ZONES}),
        Case(_group(_A), related={AVAILABILITY_ZONE: _ZONES}),
        Case(_group(_A, ("eu-west-1b", "unhealthy"), ("eu-west-1b", "draining")), related={AVAILABILITY_ZONE: _ZONES}),
        Case(_INSTANCES, related={INSTANCE: _placed("eu-west-1a", "eu-west-1a"), AVAILABILITY_ZONE: _ZONES}),
    ],
    skips=[
        Case({**_group(_A), "LoadBalancerArns": []}, why="the idle half of a blue/green pair"),
        {**_group(), "TargetType": "lambda"},
        {**_group(), "TargetType": "alb"},
        _group(),
        Case(_group(("eu-west-1a", "unhealthy")), why="target-group-has-healthy-target reports it"),
        Case(_group(("all", "healthy")), why="outside the VPC"),
    ],
    unknowns=[
        Case(
            {**_INSTANCES},
            gaps={"TargetHealthDescriptions": Gap("elasticloadbalancing:DescribeTargetHealth", "AccessDenied")},
        ),
        Case(_INSTANCES, unread=[INSTANCE]),
        Case(_INSTANCES, related={INSTANCE: _placed("eu-west-1a")}, why="one instance is not in the inventory"),
        Case(
            _group(_A, ("", "healthy")),
            related={SUBNET: [{**_subnets("eu-west-1b")[0], "CidrBlock": "10.0.9.0/24"}]},
            why="nothing tells where the address is",
        ),
    ],
)
def target_group_healthy_targets_in_two_azs(group: Facts, want: LoadBalancing) -> Iterator[Evidence]:
    """The healthy targets of a target group stand in at least two Availability Zones.

    Why: only healthy targets prove that traffic is spread; with all of them in one zone that zone's outage is the
    service's.

    Fix: register targets of another zone, or give the Auto Scaling group or ECS service behind it a second subnet.

    Source: Elastic Load Balancing, "Target groups" (register targets in every enabled zone); standard, "Distribute
    traffic across AZs".
    """
    _skip_unjudged(group)
    if not group["TargetHealthDescriptions"]:
        raise NotApplicable("no target is registered")
    healthy = _healthy(group)
    if not healthy:
        raise NotApplicable("no target is healthy, which target-group-has-healthy-target reports")
    zones, doubt = zones_of_targets(group, healthy)
    if zones == {ANYWHERE} and not doubt:
        raise NotApplicable("all healthy targets are outside the VPC")
    if len(zones) >= want.min_azs:
        zones = regional_zones(group, zones - {ANYWHERE}) | (zones & {ANYWHERE})
    if len(zones) < want.min_azs:
        if doubt:
            raise doubt
        yield Evidence(
            f"its healthy targets ({len(healthy)}) stand in {len(zones)} of at least {want.min_azs} Availability Zones",
            {"healthy": len(healthy), "zones": sorted(zones), "wanted": want.min_azs},
        )
