"""Application Load Balancer: For HTTP/HTTPS traffic."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import LOW, MEDIUM, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.balancing import LISTENER, LISTENER_RULE, TARGET_GROUP, dead_end, forwards_to, speaks_http

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"
ENDPOINT_SERVICE = "AWS::EC2::VPCEndpointService"

KUBERNETES_TAGS = ("kubernetes.io/service-name", "service.k8s.aws/stack")
"""Tags of balancers that a Kubernetes controller made for a Service (in-tree and AWS Load Balancer Controller)."""


@dataclass(frozen=True, slots=True)
class ApplicationLoadBalancer:
    """Where HTTP belongs."""

    http_ports: tuple[int, ...]
    allow_ingress_controller_behind_nlb: bool
    allow_internal_http: bool
    l4_required_tag: str
    direct_public_tag: str


_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/web/1"
_TARGETS_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
_OTHER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/other/2"
_LISTENER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/net/web/1/1"
_FORWARD = {"Type": "forward", "TargetGroupArn": _TARGETS_ARN}
_REDIRECT = {
    "Type": "redirect",
    "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
}
_REFUSE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}


def _listener(protocol: str, port: int, *actions: Document) -> Document:
    return {
        "ListenerArn": _LISTENER_ARN,
        "LoadBalancerArn": _ARN,
        "Protocol": protocol,
        "Port": port,
        "DefaultActions": list(actions or (_FORWARD,)),
    }


def _targets(type: str = "instance", health_check: str = "TCP") -> Document:
    return {"TargetGroupArn": _TARGETS_ARN, "TargetType": type, "HealthCheckProtocol": health_check}


_NETWORK = {"Type": "network", "LoadBalancerArn": _ARN}
_TLS_443 = {LISTENER: [_listener("TLS", 443)], TARGET_GROUP: [_targets()]}


@check(
    "http-listener-on-alb",
    pattern="cloud.load-balancing.alb",
    on=BALANCER,
    severity=LOW,
    reads=(LISTENER, TARGET_GROUP, ENDPOINT_SERVICE),
    fix=Fix(
        cli="aws elbv2 create-load-balancer --type application --name NAME --subnets SUBNET_A SUBNET_B",
        terraform="aws_lb.load_balancer_type",
    ),
    passes=[
        Case(_NETWORK, related={LISTENER: [_listener("TCP", 5432)]}),
        Case(_NETWORK, related={LISTENER: [_listener("TCP", 443)], TARGET_GROUP: [_targets("alb")]}),
        Case(_NETWORK, related={LISTENER: [_listener("UDP", 443)]}, why="no HTTP over TCP"),
        Case(_NETWORK, related={LISTENER: [_listener("TCP", 5432)]}, unread=[TARGET_GROUP, ENDPOINT_SERVICE]),
    ],
    fails=[
        Case(_NETWORK, related=_TLS_443),
        Case(
            _NETWORK,
            related={LISTENER: [_listener("TCP", 80)], TARGET_GROUP: [_targets("ip", health_check="HTTP")]},
            why="its health check speaks HTTP",
        ),
        Case(_NETWORK, related=_TLS_443, tags={"audit:l4-required": " "}, why="the tag must say why"),
        Case(
            _NETWORK,
            related={
                LISTENER: [_listener("TCP", 80, {**_FORWARD, "TargetGroupArn": _OTHER_ARN}), _listener("TLS", 443)],
                TARGET_GROUP: [_targets()],
            },
            why="one target group is not in the inventory, the other is enough",
        ),
    ],
    skips=[
        {"Type": "application", "LoadBalancerArn": _ARN},
        {"Type": "gateway", "LoadBalancerArn": _ARN},
        Case(_NETWORK, related=_TLS_443, tags={"audit:l4-required": "mutual TLS ends in the application"}),
        Case(_NETWORK, related=_TLS_443, tags={"service.k8s.aws/stack": "ingress/nginx"}),
        Case(
            _NETWORK,
            related={**_TLS_443, ENDPOINT_SERVICE: [{"NetworkLoadBalancerArns": [_ARN]}]},
            why="PrivateLink takes no Application Load Balancer",
        ),
    ],
    unknowns=[
        Case(_NETWORK, unread=[LISTENER]),
        Case(_NETWORK, related={LISTENER: [_listener("TLS", 443)]}, unread=[TARGET_GROUP]),
        Case(_NETWORK, related=_TLS_443, unread=[ENDPOINT_SERVICE]),
        Case(_NETWORK, related=_TLS_443, gaps={"Tags": Gap("elasticloadbalancing:DescribeTags", "AccessDenied")}),
    ],
)
def http_listener_on_alb(balancer: Facts, want: ApplicationLoadBalancer) -> Iterator[Evidence]:
    """HTTP and HTTPS come through an Application Load Balancer.

    Why: a Network Load Balancer passes bytes on: no routing by host or path, no redirect to HTTPS, no web application
    firewall, no retry on another target.

    Fix: put an Application Load Balancer in front (or behind it, as the target, where static addresses are needed). Where
    the application itself must end TLS, say why in the tag audit:l4-required.

    Source: Elastic Load Balancing, "Application Load Balancer-type target groups"; standard, "For HTTP/HTTPS traffic".
    Port 443 can carry any TLS protocol, hence the low severity.
    """
    if balancer["Type"] != "network":
        raise NotApplicable("only a Network Load Balancer can stand where an Application Load Balancer belongs")
    doubt = _skip_meant(balancer, want)
    unread: Unavailable | None = None
    for listener in balancer.known_referrers(LISTENER, "LoadBalancerArn", balancer["LoadBalancerArn"]):
        if listener["Port"] not in want.http_ports or listener["Protocol"] not in ("TCP", "TLS"):
            continue
        arns = list(forwards_to(listener["DefaultActions"]))
        try:
            groups = balancer.related(TARGET_GROUP, arns, by="TargetGroupArn", required=True)
        except Unavailable as missing:
            unread = unread or missing.kept()
            continue
        direct = [group for group in groups if group["TargetType"] != "alb"]
        if not direct:
            continue
        if doubt:
            raise doubt
        checked = any(group.get("HealthCheckProtocol") in ("HTTP", "HTTPS") for group in direct)
        yield Evidence(
            f"its {listener['Protocol']} listener on port {listener['Port']} forwards straight to "
            f"{direct[0]['TargetType']} targets" + (", whose health check speaks HTTP" if checked else ""),
            {"port": listener["Port"], "protocol": listener["Protocol"], "target_groups": arns},
        )
    balancer.referrers(LISTENER, "LoadBalancerArn", balancer["LoadBalancerArn"])
    if unread:
        raise unread


def _skip_meant(balancer: Facts, want: ApplicationLoadBalancer) -> Unavailable | None:
    """Raise NotApplicable when passing bytes on is meant; return what keeps that from being known."""
    doubt: Unavailable | None = None
    try:
        if balancer.tags.get(want.l4_required_tag, "").strip():
            raise NotApplicable("a tag says why it must pass bytes on")
        if want.allow_ingress_controller_behind_nlb and any(tag in balancer.tags for tag in KUBERNETES_TAGS):
            raise NotApplicable("an ingress controller in Kubernetes speaks HTTP behind it")
    except Unavailable as unread:
        doubt = unread.kept()
    if balancer.known_referrers(ENDPOINT_SERVICE, "NetworkLoadBalancerArns[]", balancer["LoadBalancerArn"]):
        raise NotApplicable("it backs a PrivateLink endpoint service")
    try:
        balancer.referrers(ENDPOINT_SERVICE, "NetworkLoadBalancerArns[]", balancer["LoadBalancerArn"])
    except Unavailable as unread:
        doubt = doubt or unread.kept()
    return doubt


def _classic(protocol: str, port: int, health_check: str = "TCP:8080") -> Document:
    listener = {"Protocol": protocol, "LoadBalancerPort": port, "InstanceProtocol": protocol, "InstancePort": 8080}
    return {
        "ListenerDescriptions": [{"Listener": listener, "PolicyNames": []}],
        "HealthCheck": {"Target": health_check, "Interval": 30},
    }


@check(
    "elb-classic-http-migrated-to-alb",
    pattern="cloud.load-balancing.alb",
    on=CLASSIC,
    severity=MEDIUM,
    fix=Fix(
        cli="aws elbv2 create-load-balancer --type application --name NAME --subnets SUBNET_A SUBNET_B",
        terraform="aws_lb",
    ),
    same_as=("service-screener:ELBClassicLB",),
    passes=[
        Case(
            {"ListenerDescriptions": [], "HealthCheck": {"Target": "TCP:80", "Interval": 30}},
            why="its listeners are gone",
        )
    ],
    fails=[
        _classic("HTTP", 80),
        _classic("HTTPS", 443),
        Case(_classic("TCP", 443, "HTTPS:443/ping"), why="its health check shows HTTP behind raw TCP"),
        Case(_classic("HTTP", 80), tags={"kubernetes.io/service-name": "shop/web"}),
        Case(_classic("HTTP", 80), gaps={"Tags": Gap("elasticloadbalancing:DescribeTags", "AccessDenied")}),
    ],
    skips=[
        Case(_classic("TCP", 5432), why="elb-classic-tcp-migrated-to-nlb judges it"),
        _classic("SSL", 443),
        Case(_classic("TCP", 5432, "HTTP:8080/ping"), why="a status page does not make it HTTP"),
    ],
)
def elb_classic_http_migrated_to_alb(balancer: Facts, want: ApplicationLoadBalancer) -> Iterator[Evidence]:
    """No Classic Load Balancer carries HTTP or HTTPS.

    Why: Classic Load Balancers are the previous generation: no routing by host or path, no HTTP/2, no web application
    firewall, and no new features.

    Fix: create an Application Load Balancer with the same listeners, move the targets and DNS, then delete this one. Where
    Kubernetes made it, annotate the Service instead.

    Source: Elastic Load Balancing, "Migrate your Classic Load Balancer"; standard, "For HTTP/HTTPS traffic".
    """
    listeners = [description["Listener"] for description in balancer["ListenerDescriptions"]]
    target = balancer.get("HealthCheck", {}).get("Target", "")
    http = [listener for listener in listeners if speaks_http(listener, target, want.http_ports)]
    if listeners and not http:
        raise NotApplicable("it carries TCP or SSL only")
    if http:
        try:
            service = balancer.tags.get("kubernetes.io/service-name", "")
        except Unavailable:
            service = ""
        ports = ", ".join(f"{listener['Protocol']} {listener['LoadBalancerPort']}" for listener in http)
        yield Evidence(
            f"a Classic Load Balancer carries HTTP ({ports})"
            + (f" for the Kubernetes Service {service}" if service else ""),
            {"listeners": ports, "service": service},
        )


_APPLICATION = {"Type": "application", "LoadBalancerArn": _ARN, "Scheme": "internet-facing"}
_HEALTH = {"TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": "healthy"}}]}
_LOGIN = {"Type": "authenticate-cognito", "Order": 1}
_EMPTY: Document = {"TargetHealthDescriptions": []}


def _rule(*actions: Document, default: bool = False) -> Document:
    return {"ListenerArn": _LISTENER_ARN, "IsDefault": default, "Actions": list(actions)}


@check(
    "alb-has-working-listener",
    pattern="cloud.load-balancing.alb",
    on=BALANCER,
    severity=LOW,
    reads=(LISTENER, LISTENER_RULE, TARGET_GROUP),
    fix=Fix(
        cli="aws elbv2 create-listener --load-balancer-arn {id} --protocol HTTPS --port 443 --certificates CertificateArn=CERTIFICATE --default-actions Type=forward,TargetGroupArn=TARGET_GROUP",
        terraform="aws_lb_listener",
    ),
    same_as=("prowler:elbv2_listeners_underneath",),
    passes=[
        Case(_APPLICATION, related={LISTENER: [_listener("HTTPS", 443)], TARGET_GROUP: [{**_targets(), **_HEALTH}]}),
        Case(
            _APPLICATION,
            related={LISTENER: [_listener("HTTPS", 443, _LOGIN, _FORWARD)], TARGET_GROUP: [{**_targets(), **_HEALTH}]},
            why="a login comes before the forward",
        ),
        Case(_APPLICATION, related={LISTENER: [_listener("HTTP", 80, _REDIRECT)]}),
        Case(
            _APPLICATION,
            related={
                LISTENER: [_listener("HTTPS", 443, _REFUSE)],
                LISTENER_RULE: [_rule(_FORWARD)],
                TARGET_GROUP: [{**_targets(), **_HEALTH}],
            },
        ),
        Case(
            _APPLICATION, related={LISTENER: [_listener("HTTP", 80, _REDIRECT)]}, unread=[LISTENER_RULE, TARGET_GROUP]
        ),
    ],
    fails=[
        _APPLICATION,
        Case(_APPLICATION, related={LISTENER: [_listener("HTTPS", 443)], TARGET_GROUP: [{**_targets(), **_EMPTY}]}),
        Case(
            _APPLICATION,
            related={
                LISTENER: [_listener("HTTPS", 443)],
                LISTENER_RULE: [_rule(_FORWARD)],
                TARGET_GROUP: [{**_targets(), **_EMPTY}],
            },
        ),
    ],
    skips=[_NETWORK],
    unknowns=[
        Case(_APPLICATION, unread=[LISTENER]),
        Case(_APPLICATION, related={LISTENER: [_listener("HTTPS", 443)]}, unread=[TARGET_GROUP]),
        Case(
            _APPLICATION,
            related={LISTENER: [_listener("HTTPS", 443)], TARGET_GROUP: [{**_targets(), **_EMPTY}]},
            unread=[LISTENER_RULE],
        ),
    ],
)
def alb_has_working_listener(balancer: Facts, _: ApplicationLoadBalancer) -> Iterator[Evidence]:
    """An Application Load Balancer has a listener that leads somewhere.

    Why: a balancer without a listener or without any target serves nobody, costs money every hour, and hides that something
    was never finished or never cleaned up.

    Fix: add a listener and register targets, or delete the balancer.

    Source: Elastic Load Balancing, "Listeners for your Application Load Balancers"; standard, "For HTTP/HTTPS traffic". A
    redirect or a fixed response counts.
    """
    if balancer["Type"] != "application":
        raise NotApplicable("it is not an Application Load Balancer")
    if reason := dead_end(balancer):
        yield Evidence(reason)


@check(
    "alb-http-redirects-to-https",
    pattern="cloud.load-balancing.alb",
    on=BALANCER,
    severity=MEDIUM,
    reads=(LISTENER, LISTENER_RULE),
    fix=Fix(
        cli="aws elbv2 modify-listener --listener-arn {facts.listener} --default-actions 'Type=redirect,RedirectConfig={Protocol=HTTPS,Port=443,StatusCode=HTTP_301}'",
        terraform="aws_lb_listener.default_action.redirect",
    ),
    same_as=("prowler:elbv2_ssl_listeners", "fsbp:ELB.1"),
    passes=[
        Case(_APPLICATION, related={LISTENER: [_listener("HTTP", 80, _REDIRECT), _listener("HTTPS", 443)]}),
        Case(
            _APPLICATION,
            related={LISTENER: [_listener("HTTP", 80, _REDIRECT)], LISTENER_RULE: [_rule(_REDIRECT, default=True)]},
        ),
        Case(_APPLICATION, related={LISTENER: [_listener("HTTP", 80, _REFUSE)]}, why="nothing is served in clear"),
    ],
    fails=[
        Case(_APPLICATION, related={LISTENER: [_listener("HTTP", 80)]}),
        Case({**_APPLICATION, "Scheme": "internal"}, related={LISTENER: [_listener("HTTP", 80)]}),
        Case(
            _APPLICATION,
            related={LISTENER: [_listener("HTTP", 80, _REDIRECT)], LISTENER_RULE: [_rule(_FORWARD)]},
            why="a rule forwards although the default redirects",
        ),
        Case(
            _APPLICATION,
            related={LISTENER: [_listener("HTTP", 80, {**_REDIRECT, "RedirectConfig": {"Protocol": "#{protocol}"}})]},
            why="it redirects to HTTP again",
        ),
        Case(_APPLICATION, related={LISTENER: [_listener("HTTP", 80)]}, unread=[LISTENER_RULE]),
    ],
    skips=[_NETWORK, Case(_APPLICATION, related={LISTENER: [_listener("HTTPS", 443)]})],
    unknowns=[
        Case(_APPLICATION, unread=[LISTENER]),
        Case(_APPLICATION, related={LISTENER: [_listener("HTTP", 80, _REDIRECT)]}, unread=[LISTENER_RULE]),
    ],
)
def alb_http_redirects_to_https(balancer: Facts, want: ApplicationLoadBalancer) -> Iterator[Evidence]:
    """Every HTTP listener of an Application Load Balancer redirects to HTTPS.

    Why: what is forwarded from an HTTP listener crosses the internet in clear: sessions and passwords with it.

    Fix: let the default action redirect to HTTPS, and take forwarding rules off the HTTP listener. A fixed response is fine.

    Source: AWS FSBP ELB.1; standard, "For HTTP/HTTPS traffic".
    """
    if balancer["Type"] != "application":
        raise NotApplicable("it is not an Application Load Balancer")
    listeners = balancer.known_referrers(LISTENER, "LoadBalancerArn", balancer["LoadBalancerArn"])
    clear = [listener for listener in listeners if listener["Protocol"] == "HTTP"]
    if not clear:
        balancer.referrers(LISTENER, "LoadBalancerArn", balancer["LoadBalancerArn"])
        raise NotApplicable("it has no HTTP listener")
    if want.allow_internal_http and balancer["Scheme"] == "internal":
        return
    for listener in clear:
        if fault := _serves_in_clear(listener):
            yield Evidence(
                f"its HTTP listener on port {listener['Port']} {fault}",
                {"listener": listener.id, "port": listener["Port"]},
            )
        rules = listener.known_referrers(LISTENER_RULE, "ListenerArn", listener["ListenerArn"])
        forwarding = [rule.id for rule in rules if not rule["IsDefault"] and any(forwards_to(rule["Actions"]))]
        if forwarding:
            yield Evidence(
                f"rules of its HTTP listener on port {listener['Port']} forward in clear ({len(forwarding)})",
                {"listener": listener.id, "port": listener["Port"], "rules": forwarding},
            )
    balancer.referrers(LISTENER, "LoadBalancerArn", balancer["LoadBalancerArn"])
    for listener in clear:
        listener.referrers(LISTENER_RULE, "ListenerArn", listener["ListenerArn"])


def _serves_in_clear(listener: Facts) -> str:
    """Return what the listener's default action does instead of redirecting to HTTPS, or ``""``."""
    for action in listener["DefaultActions"]:
        if action["Type"] == "forward":
            return "forwards in clear"
        if action["Type"] == "redirect" and action["RedirectConfig"].get("Protocol") != "HTTPS":
            return "redirects, but not to HTTPS"
    return ""
