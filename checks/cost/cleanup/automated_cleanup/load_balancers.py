"""Automated cleanup: load balancers without traffic."""

from collections.abc import Iterator

from auditor.kit import (
    HOURS_PER_MONTH,
    MEDIUM,
    Case,
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
)
from auditor.kit.balancing import LISTENER, LISTENER_RULE, TARGET_GROUP, dead_end
from auditor.kit.usage import datapoints, skip_tagged, skip_young

from .thresholds import AutomatedCleanup

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"

_NO_METRICS = {"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}
_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1"
_GROUP_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
_LISTENER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/1/1"


def _requests(*counts: float) -> dict[str, object]:
    return {"Metrics": {"RequestCount.Sum": datapoints(*counts)}}


def _flows(flows: float, size: float) -> dict[str, object]:
    return {"Metrics": {"NewFlowCount.Sum": datapoints(flows), "ProcessedBytes.Sum": datapoints(size)}}


_ALB = {
    "LoadBalancerArn": _ARN,
    "Type": "application",
    "Scheme": "internet-facing",
    "State": {"Code": "active"},
    "CreatedTime": ago(days=100),
    "AvailabilityZones": [{"ZoneName": "eu-west-1a"}, {"ZoneName": "eu-west-1b"}],
    **_requests(5000, 4000),
}
_NLB = {**_ALB, "Type": "network", **_flows(100, 1e6)}
_CLB = {
    "LoadBalancerName": "web",
    "Scheme": "internet-facing",
    "CreatedTime": ago(days=100),
    "AvailabilityZones": ["eu-west-1a", "eu-west-1b"],
    "Instances": [{"InstanceId": "i-1"}],
    **_requests(5000),
}


def _behind(action: str = "forward", targets: int = 1) -> dict[str, list[dict[str, object]]]:
    """Return what stands behind _ALB: one listener that does ACTION, and a target group with so many targets."""
    does: dict[str, object] = {"Type": action, **({"TargetGroupArn": _GROUP_ARN} if action == "forward" else {})}
    described = [{"Target": {"Id": f"i-{n}"}, "TargetHealth": {"State": "healthy"}} for n in range(targets)]
    return {
        LISTENER: [
            {"ListenerArn": _LISTENER_ARN, "LoadBalancerArn": _ARN, "Protocol": "HTTP", "DefaultActions": [does]}
        ],
        TARGET_GROUP: [{"TargetGroupArn": _GROUP_ARN, "TargetHealthDescriptions": described}],
    }


@check(
    "load-balancer-idle",
    pattern="cost.cleanup.automated-cleanup",
    on=(BALANCER, CLASSIC),
    severity=MEDIUM,
    reads=(LISTENER, LISTENER_RULE, TARGET_GROUP),
    fix=Fix(
        cli="aws elbv2 delete-load-balancer --load-balancer-arn {id}  # a Classic one: aws elb delete-load-balancer --load-balancer-name {name}",
        terraform="remove aws_lb, aws_elb",
    ),
    same_as=(
        "trusted-advisor:hjLMh88uM8",
        "thrifty:ec2_application_lb_unused",
        "thrifty:ec2_network_lb_unused",
        "thrifty:ec2_gateway_lb_unused",
        "thrifty:ec2_classic_lb_unused",
    ),
    passes=[
        Case(_ALB, related=_behind()),
        Case(_ALB, related=_behind("redirect", 0), why="it redirects, and has traffic"),
        Case({**_ALB, **_requests(0, 0, 0, 2000)}, related=_behind(), why="one busy day proves its use"),
        Case(_NLB, related=_behind()),
        Case({**_NLB, **_flows(0, 1e6)}, related=_behind(), why="flows that last for weeks are no new ones"),
        Case({**_NLB, "Type": "gateway"}, related=_behind()),
        Case(_CLB, type=CLASSIC),
    ],
    fails=[
        Case(_ALB, why="it has no listener"),
        Case(_ALB, related=_behind(targets=0), why="nothing is behind it, whatever asks for it"),
        Case({**_ALB, **_requests(3, 50)}, related=_behind()),
        Case({**_ALB, **_requests()}, related=_behind(), why="without a request there are no datapoints"),
        Case({**_ALB, **_requests(3)}, related=_behind("redirect", 0), why="it redirects nobody"),
        Case({**_ALB, **_requests(3)}, related=_behind(), unread=[TARGET_GROUP], why="the traffic decides"),
        Case(_ALB, related=_behind(targets=0), gaps=_NO_METRICS, why="the targets decide"),
        Case({**_NLB, **_flows(0, 0)}, related=_behind()),
        Case({**_CLB, "Instances": []}, type=CLASSIC),
        Case({**_CLB, **_requests(3)}, type=CLASSIC),
    ],
    skips=[
        Case({**_ALB, "CreatedTime": ago(days=3)}),
        Case({**_ALB, "State": {"Code": "provisioning"}}),
        Case(_ALB, tags={"keep": "true"}),
        Case({**_CLB, "Instances": []}, type=CLASSIC, tags={"keep": "true"}),
    ],
    unknowns=[
        Case(_ALB, related=_behind(), gaps=_NO_METRICS),
        Case(_ALB, unread=[LISTENER], why="it may have no listener"),
        Case(_CLB, type=CLASSIC, gaps=_NO_METRICS),
    ],
)
def load_balancer_idle(balancer: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """A load balancer has targets and traffic.

    Why: a balancer is paid for by the hour, and one that faces the internet also for an address in each zone.

    Fix: delete it. Look first whether a DNS name still points at it, and whether it waits for a failover.

    Source: AWS Trusted Advisor, "Idle Load Balancers"; Elastic Load Balancing, "CloudWatch metrics" (without requests there
    are no datapoints); standard, "Remove unused resources".
    """
    classic = balancer.type == CLASSIC
    if not classic and balancer["State"]["Code"] != "active":
        raise NotApplicable("it is not active")
    skip_young(balancer, balancer.time("CreatedTime"), want.elb_lookback_days)
    doubt: Unavailable | None = None
    why = ""
    try:
        why = ("" if balancer["Instances"] else "has no instance") if classic else dead_end(balancer)
    except Unavailable as unread:
        doubt = unread.kept()
    quiet = why or _without_traffic(balancer, classic, want)
    if quiet:
        if unread_tags := skip_tagged(balancer, want.keep_tag):
            raise unread_tags
        yield Evidence(
            quiet,
            {
                "Type": "classic" if classic else balancer["Type"],
                "Scheme": balancer.get("Scheme", ""),
                "days": want.elb_lookback_days,
                "wanted_requests_per_day": want.elb_min_requests_per_day,
            },
            saving=_deleted(balancer, classic),
        )
    elif doubt:
        raise doubt


def _without_traffic(balancer: Facts, classic: bool, want: AutomatedCleanup) -> str:
    """Return how little traffic there was; empty when there was enough. Raises Unavailable when that was not read."""
    days = want.elb_lookback_days
    if classic or balancer["Type"] == "application":
        requests = max(balancer.metric("RequestCount", "Sum", days=days).values, default=0.0)
        few = requests < want.elb_min_requests_per_day
        return f"got at most {requests:,.0f} requests a day in {days} days" if few else ""
    for name in ("NewFlowCount", "ProcessedBytes"):
        if any(balancer.metric(name, "Sum", days=days).values):
            return ""
    return f"had no connection in {days} days"


def _deleted(balancer: Facts, classic: bool) -> Saving:
    """Return what its hours cost, and those of its addresses when it faces the internet; its traffic costs nothing."""
    kind = "classic" if classic else str(balancer["Type"])
    hourly = balancer.prices.price("load-balancer", balancer.region, type=kind)
    parts = [Part(HOURS_PER_MONTH, "hours", hourly)]
    # A Gateway Load Balancer has no address of its own, whatever scheme is named.
    public = kind != "gateway" and balancer.get("Scheme", "") == "internet-facing"
    if public and balancer.get("IpAddressType", "ipv4") != "dualstack-without-public-ipv4":
        # One subnet a zone; some endpoints name only these.
        zones = len(balancer.get("AvailabilityZones", ())) or len(balancer.get("Subnets", ()))
        address = balancer.prices.price("public-ipv4", balancer.region) if zones else None
        parts.append(Part(HOURS_PER_MONTH * max(1, zones), "hours of addresses", address))
    return sum_of(*parts)
