"""Health checks: Every 30 seconds."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import HIGH, MEDIUM, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check

CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

DEFAULT_CLASSIC_SECONDS = 30
"""Elastic Load Balancing, "Configure health checks for your Classic Load Balancer": the interval where nobody set one."""


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """How often targets are checked."""

    health_check_interval_seconds: int
    mode: str
    sidecar_containers: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for a mode nobody knows."""
        if self.mode not in ("max", "exact"):
            raise ValueError(f'mode must be "max" or "exact", not {self.mode!r}')

    def allows(self, seconds: int) -> bool:
        """Whether checks SECONDS apart are often enough."""
        wanted = self.health_check_interval_seconds
        return seconds == wanted if self.mode == "exact" else seconds <= wanted

    @property
    def wanted(self) -> str:
        """The interval for people."""
        return f"{'at most' if self.mode == 'max' else 'exactly'} {self.health_check_interval_seconds} s"


_ARNS = ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1"]


def _group(interval: int, type: str = "instance", enabled: bool = True) -> Document:
    return {
        "TargetType": type,
        "LoadBalancerArns": _ARNS,
        "HealthCheckEnabled": enabled,
        "HealthCheckIntervalSeconds": interval,
        "UnhealthyThresholdCount": 2,
    }


@check(
    "target-group-health-check-interval",
    pattern="cloud.load-balancing.health-checks",
    on=TARGET_GROUP,
    severity=MEDIUM,
    fix=Fix(
        cli="aws elbv2 modify-target-group --target-group-arn {id} --health-check-enabled --health-check-interval-seconds 30",
        terraform="aws_lb_target_group.health_check.interval",
    ),
    passes=[_group(30), _group(10), _group(30, type="lambda")],
    fails=[
        _group(35),
        Case(_group(35, type="lambda"), why="35 s is the default for Lambda"),
        _group(30, enabled=False),
    ],
    skips=[
        Case(_group(35, type="lambda", enabled=False), why="the default for Lambda: each check is paid for"),
        {**_group(300), "LoadBalancerArns": []},
    ],
)
def target_group_health_check_interval(group: Facts, want: HealthChecks) -> Iterator[Evidence]:
    """A target group checks its targets every 30 seconds or more often.

    Why: until a check has failed often enough, every request to a broken target is lost.

    Fix: set the interval to 30 seconds, and keep the number of failures that count small.

    Source: Elastic Load Balancing, "Health checks for your target groups"; standard, "Every 30 seconds".
    """
    if not group["LoadBalancerArns"]:
        raise NotApplicable("no load balancer uses the target group")
    if not group["HealthCheckEnabled"]:
        if group["TargetType"] == "lambda":
            raise NotApplicable("health checks of a Lambda function are off, as they are by default")
        yield Evidence(f"health checks are off, wanted is {want.wanted}", {"HealthCheckEnabled": False})
        return
    interval = group["HealthCheckIntervalSeconds"]
    if not want.allows(interval):
        failures = group.get("UnhealthyThresholdCount", 1)
        yield Evidence(
            f"checks every {interval} s, wanted is {want.wanted}; a broken target is noticed after {interval * failures} s",
            {"interval": interval, "wanted": want.health_check_interval_seconds, "UnhealthyThresholdCount": failures},
        )


@check(
    "elb-classic-health-check-interval",
    pattern="cloud.load-balancing.health-checks",
    on=CLASSIC,
    severity=MEDIUM,
    fix=Fix(
        cli="aws elb configure-health-check --load-balancer-name {name} --health-check Target={facts.target},Interval=30,UnhealthyThreshold=2,HealthyThreshold=2,Timeout=3",
        terraform="aws_elb.health_check.interval",
    ),
    passes=[
        {"HealthCheck": {"Target": "HTTP:80/", "Interval": 30, "UnhealthyThreshold": 2}},
        Case({"HealthCheck": {}}, why="nobody configured one: 30 seconds is the default"),
    ],
    fails=[{"HealthCheck": {"Target": "TCP:80", "Interval": 60, "UnhealthyThreshold": 10}}],
)
def elb_classic_health_check_interval(balancer: Facts, want: HealthChecks) -> Iterator[Evidence]:
    """A Classic Load Balancer checks its instances every 30 seconds or more often.

    Why: until a check has failed often enough, every request to a broken instance is lost.

    Fix: set the interval to 30 seconds, and keep the number of failures that count small.

    Source: Elastic Load Balancing, "Configure health checks for your Classic Load Balancer"; standard, "Every 30 seconds".
    """
    held = balancer.get("HealthCheck", {})
    interval = held.get("Interval", DEFAULT_CLASSIC_SECONDS)
    if not want.allows(interval):
        failures = held.get("UnhealthyThreshold", 1)
        yield Evidence(
            f"checks every {interval} s, wanted is {want.wanted}; a broken instance is noticed after {interval * failures} s",
            {"interval": interval, "wanted": want.health_check_interval_seconds, "target": held.get("Target", "")},
        )


def _states(*states: str, type: str = "instance", reason: str = "Target.Timeout") -> Document:
    return {
        "TargetType": type,
        "LoadBalancerArns": _ARNS,
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": f"i-{number}"},
                "TargetHealth": {"State": state, **({} if state == "healthy" else {"Reason": reason})},
            }
            for number, state in enumerate(states)
        ],
    }


@check(
    "target-group-has-healthy-target",
    pattern="cloud.load-balancing.health-checks",
    on=TARGET_GROUP,
    severity=HIGH,
    fix=Fix(
        cli="aws elbv2 describe-target-health --target-group-arn {id}",
        terraform="aws_lb_target_group.health_check",
    ),
    passes=[_states("healthy"), _states("unhealthy", "healthy")],
    fails=[
        Case(_states("unhealthy", "unhealthy"), why="the balancer then sends traffic to all of them: still broken"),
        _states("unhealthy.draining", "unused"),
        _states("initial", "unhealthy"),
    ],
    skips=[
        {**_states("unhealthy"), "LoadBalancerArns": []},
        _states(),
        _states("unavailable", type="lambda", reason="Target.HealthCheckDisabled"),
        _states("initial", "unused", "draining"),
    ],
    unknowns=[
        Case(
            _states("healthy"),
            gaps={"TargetHealthDescriptions": Gap("elasticloadbalancing:DescribeTargetHealth", "AccessDenied")},
        ),
        Case(_states("unavailable", reason="Elb.InternalError"), why="AWS itself does not know"),
    ],
)
def target_group_has_healthy_target(group: Facts, _: HealthChecks) -> Iterator[Evidence]:
    """A target group with targets has at least one that is healthy.

    Why: with none healthy the balancer gives up and sends traffic to all of them: users get errors.

    Fix: look at the reasons the health checks give; either the application is down or the check asks the wrong question
    (path, port, security group).

    Source: Elastic Load Balancing, "Health checks for your target groups"; standard, "Health checks".
    """
    if not group["LoadBalancerArns"]:
        raise NotApplicable("no load balancer uses the target group")
    health = [described["TargetHealth"] for described in group["TargetHealthDescriptions"]]
    states = {held["State"] for held in health}
    if "healthy" in states:
        return
    if not states:
        raise NotApplicable("no target is registered")
    if states == {"unavailable"} and group["TargetType"] == "lambda":
        raise NotApplicable("health checks of a Lambda function are off, as they are by default")
    if states <= {"initial", "unused", "draining"}:
        raise NotApplicable("its targets are only starting, leaving or not in use")
    reasons = sorted({held["Reason"] for held in health if "Reason" in held})
    if "unavailable" in states:
        code = next(
            (held["Reason"] for held in health if held["State"] == "unavailable" and "Reason" in held), "unavailable"
        )
        raise Unavailable(Gap("elasticloadbalancing:DescribeTargetHealth", code, "the health of a target is not known"))
    yield Evidence(
        f"none of its targets ({len(health)}) is healthy" + (f": {', '.join(reasons)}" if reasons else ""),
        {"targets": len(health), "states": sorted(states), "reasons": reasons},
    )
