"""Network Load Balancer: For TCP/UDP traffic."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import LOW, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, check
from auditor.kit.balancing import LISTENER, TARGET_GROUP, dead_end, speaks_http

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"


@dataclass(frozen=True, slots=True)
class NetworkLoadBalancer:
    """Where TCP and UDP belong."""

    http_ports: tuple[int, ...]
    admin_ports: tuple[int, ...]
    ephemeral_ports: tuple[str, ...]
    direct_public_tag: str


def _classic(*listeners: tuple[str, int], health_check: str = "TCP:8080") -> dict[str, object]:
    return {
        "ListenerDescriptions": [
            {"Listener": {"Protocol": protocol, "LoadBalancerPort": port}, "PolicyNames": []}
            for protocol, port in listeners
        ],
        "HealthCheck": {"Target": health_check, "Interval": 30},
    }


@check(
    "elb-classic-tcp-migrated-to-nlb",
    pattern="cloud.load-balancing.nlb",
    on=CLASSIC,
    severity=MEDIUM,
    fix=Fix(
        cli="aws elbv2 create-load-balancer --type network --name NAME --subnets SUBNET_A SUBNET_B",
        terraform="aws_lb.load_balancer_type",
    ),
    same_as=("service-screener:ELBClassicLB",),
    passes=[Case(_classic(), why="its listeners are gone")],
    fails=[
        _classic(("TCP", 5432)),
        _classic(("SSL", 8883)),
        _classic(("HTTP", 80), ("TCP", 5432)),
        Case(_classic(("TCP", 443)), why="nothing shows HTTP behind it"),
    ],
    skips=[
        _classic(("HTTP", 80), ("HTTPS", 443)),
        Case(_classic(("TCP", 443), health_check="HTTPS:443/ping"), why="elb-classic-http-migrated-to-alb judges it"),
    ],
)
def elb_classic_tcp_migrated_to_nlb(balancer: Facts, want: NetworkLoadBalancer) -> Iterator[Evidence]:
    """No Classic Load Balancer carries plain TCP or TLS.

    Why: Classic Load Balancers are the previous generation: no static addresses, no UDP, no PrivateLink, slower to follow a
    rise in traffic, and no new features.

    Fix: create a Network Load Balancer with the same listeners, move the targets and DNS, then delete this one.

    Source: Elastic Load Balancing, "Migrate your Classic Load Balancer"; standard, "For TCP/UDP traffic".
    """
    listeners = [description["Listener"] for description in balancer["ListenerDescriptions"]]
    target = balancer.get("HealthCheck", {}).get("Target", "")
    raw = [listener for listener in listeners if not speaks_http(listener, target, want.http_ports)]
    if listeners and not raw:
        raise NotApplicable("it carries HTTP or HTTPS only")
    if raw:
        ports = ", ".join(f"{listener['Protocol']} {listener['LoadBalancerPort']}" for listener in raw)
        yield Evidence(f"a Classic Load Balancer carries {ports}", {"listeners": ports})


_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/web/1"
_TARGETS_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
_NETWORK = {"Type": "network", "LoadBalancerArn": _ARN}
_LISTENER = {
    "ListenerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/net/web/1/1",
    "LoadBalancerArn": _ARN,
    "Protocol": "TCP",
    "Port": 5432,
    "DefaultActions": [{"Type": "forward", "TargetGroupArn": _TARGETS_ARN}],
}
_HEALTH = [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": "unhealthy"}}]
_FULL = {"TargetGroupArn": _TARGETS_ARN, "TargetHealthDescriptions": _HEALTH}
_EMPTY = {"TargetGroupArn": _TARGETS_ARN, "TargetHealthDescriptions": []}


@check(
    "nlb-has-working-listener",
    pattern="cloud.load-balancing.nlb",
    on=BALANCER,
    severity=LOW,
    reads=(LISTENER, TARGET_GROUP),
    fix=Fix(
        cli="aws elbv2 create-listener --load-balancer-arn {id} --protocol TCP --port PORT --default-actions Type=forward,TargetGroupArn=TARGET_GROUP",
        terraform="aws_lb_listener.protocol",
    ),
    same_as=("prowler:elbv2_listeners_underneath",),
    passes=[
        Case(_NETWORK, related={LISTENER: [_LISTENER], TARGET_GROUP: [_FULL]}, why="registered is enough here"),
        Case(_NETWORK, related={LISTENER: [{**_LISTENER, "Protocol": "QUIC"}], TARGET_GROUP: [_FULL]}),
    ],
    fails=[
        _NETWORK,
        Case(_NETWORK, related={LISTENER: [_LISTENER], TARGET_GROUP: [_EMPTY]}),
    ],
    skips=[{"Type": "application", "LoadBalancerArn": _ARN}],
    unknowns=[
        Case(_NETWORK, unread=[LISTENER]),
        Case(_NETWORK, related={LISTENER: [_LISTENER]}, unread=[TARGET_GROUP]),
    ],
)
def nlb_has_working_listener(balancer: Facts, _: NetworkLoadBalancer) -> Iterator[Evidence]:
    """A Network Load Balancer has a listener that leads to a target.

    Why: a balancer without a listener or without any target serves nobody, costs money every hour, and hides that something
    was never finished or never cleaned up.

    Fix: add a listener and register targets, or delete the balancer.

    Source: Elastic Load Balancing, "Listeners for your Network Load Balancers"; standard, "For TCP/UDP traffic".
    """
    if balancer["Type"] != "network":
        raise NotApplicable("it is not a Network Load Balancer")
    if reason := dead_end(balancer):
        yield Evidence(reason)
