"""Scaling policies: Target 70% CPU utilization."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.kit import (
    LOW,
    MEDIUM,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Series,
    Unavailable,
    ago,
    check,
)
from auditor.kit.scaling import (
    ALARM,
    CAPACITY_PROVIDER,
    CPU,
    MEMORY,
    QUEUE_DEPTH,
    REQUEST_RATE,
    SCALING_POLICY,
    SCHEDULE,
    SCHEDULED_ACTION,
    alarms_of,
    is_active,
    is_balanced,
    metric_class,
    metric_classes,
    skip_managed,
    triggers,
)

GROUP = "AWS::AutoScaling::AutoScalingGroup"
IN_SERVICE = "GroupInServiceInstances"


@dataclass(frozen=True, slots=True)
class Policies:
    """Where CPU is to be held."""

    cpu_target_pct: int
    cpu_target_tolerance_pct: int
    observed_window_days: int
    observed_excess_pct: int
    saturated_hours_max_pct: int


_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:7f:autoScalingGroupName/web"
_NAMED = {"AutoScalingGroupName": "web"}
_GROUP = {**_NAMED, "AutoScalingGroupARN": _ARN, "MinSize": 2, "MaxSize": 8}
_BALANCED = {**_GROUP, "TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"]}
_PROVIDER = {
    "name": "web",
    "autoScalingGroupProvider": {"autoScalingGroupArn": _ARN, "managedScaling": {"status": "ENABLED"}},
}
_POLICY_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:1:autoScalingGroupName/web:policyName/step"


def _tracking(target: float, predefined: str = "ASGAverageCPUUtilization") -> dict[str, object]:
    return {
        **_NAMED,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": predefined},
            "TargetValue": target,
        },
    }


def _customized(target: float, statistic: str = "Average") -> dict[str, object]:
    specification = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": statistic}
    return {
        **_tracking(target),
        "TargetTrackingConfiguration": {"CustomizedMetricSpecification": specification, "TargetValue": target},
    }


_QUEUE = {
    **_tracking(100.0),
    "TargetTrackingConfiguration": {
        "CustomizedMetricSpecification": {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Statistic": "Average",
        },
        "TargetValue": 100.0,
    },
}


def _predictive(target: float, mode: str) -> dict[str, object]:
    pair = {"PredefinedMetricPairSpecification": {"PredefinedMetricType": "ASGCPUUtilization"}, "TargetValue": target}
    return {
        **_NAMED,
        "PolicyType": "PredictiveScaling",
        "PredictiveScalingConfiguration": {"MetricSpecifications": [pair], "Mode": mode},
    }


_STEP = {**_NAMED, "PolicyARN": _POLICY_ARN, "PolicyType": "StepScaling", "Alarms": [{"AlarmName": "busy"}]}


def _alarm(threshold: float, comparison: str = "GreaterThanThreshold", statistic: str = "Average") -> dict[str, object]:
    return {
        "AlarmName": "busy",
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Statistic": statistic,
        "ComparisonOperator": comparison,
        "Threshold": threshold,
    }


@check(
    "asg-cpu-target-70",
    pattern="cloud.auto-scaling.policies",
    on=GROUP,
    severity=MEDIUM,
    reads=(SCALING_POLICY, SCHEDULED_ACTION, ALARM, CAPACITY_PROVIDER),
    fix=Fix(
        cli='aws autoscaling put-scaling-policy --auto-scaling-group-name {name} --policy-name cpu70 --policy-type TargetTrackingScaling --target-tracking-configuration \'{"PredefinedMetricSpecification":{"PredefinedMetricType":"ASGAverageCPUUtilization"},"TargetValue":70}\'',
        terraform="aws_autoscaling_policy.target_tracking_configuration.target_value",
    ),
    same_as=("service-screener:ASGTargetTrackingPolicy",),
    passes=[
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(70.0)]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(75.0)]}),
        Case(_BALANCED, related={SCALING_POLICY: [_customized(70.0)]}),
        Case(_BALANCED, related={SCALING_POLICY: [_predictive(70.0, "ForecastAndScale")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP], ALARM: [_alarm(70.0)]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(90.0), _tracking(70.0)]}, why="the lowest target governs"),
    ],
    fails=[
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(90.0)]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(40.0)]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(40.0), _tracking(70.0)]}, why="the lowest target governs"),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP], ALARM: [_alarm(90.0)]}),
        Case(
            _BALANCED, related={SCALING_POLICY: [_tracking(40.0), _STEP]}, unread=[ALARM], why="no other can raise it"
        ),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP], ALARM: [_alarm(70.0, statistic="Maximum")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP], ALARM: [_alarm(70.0, "LessThanThreshold")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_predictive(70.0, "ForecastOnly")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(5e6, "ASGAverageNetworkIn")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_QUEUE]}, why="what a balancer sends does not wait in a queue"),
        _BALANCED,
    ],
    skips=[
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(1000.0, "ALBRequestCountPerTarget")]}),
        Case(_GROUP, related={SCALING_POLICY: [_QUEUE]}, why="a worker"),
        Case(_GROUP, related={SCHEDULED_ACTION: [{**_NAMED, "Recurrence": "0 6 * * 1", "DesiredCapacity": 4}]}),
        {**_BALANCED, "MinSize": 8},
        Case(_BALANCED, tags={"k8s.io/cluster-autoscaler/enabled": "true"}),
        Case(_BALANCED, related={CAPACITY_PROVIDER: [_PROVIDER]}),
    ],
    unknowns=[
        Case(_BALANCED, unread=[SCALING_POLICY]),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP]}, unread=[ALARM]),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(90.0), _STEP]}, unread=[ALARM], why="one may be lower"),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking(70.0), _STEP]}, unread=[ALARM]),
        Case(
            _BALANCED,
            related={SCALING_POLICY: [_tracking(1000.0, "ALBRequestCountPerTarget"), _STEP]},
            unread=[ALARM],
        ),
        Case(_BALANCED, unread=[CAPACITY_PROVIDER]),
    ],
)
def asg_cpu_target_70(group: Facts, want: Policies) -> Iterator[Evidence]:
    """An Auto Scaling group aims at 70% CPU utilization.

    Why: a higher target adds instances too late for the peak that is already there; a lower one pays for idle machines.

    Fix: set the target of the policy (or the threshold of the step policy's alarm) to 70.

    Source: standard, "Target 70% CPU utilization"; Amazon EC2 Auto Scaling User Guide, "Target tracking scaling policies"
    (of several, the one that wants most instances wins: the lowest target).
    """
    if group["MinSize"] == group["MaxSize"]:
        raise NotApplicable("the group has a fixed size")
    doubt = skip_managed(group)
    targets, hidden = _targets(group)
    if not targets:
        if hidden:
            raise hidden
        balanced = is_balanced(group)
        used, unread = triggers(group, with_schedule=not balanced)
        accepted = {MEMORY, REQUEST_RATE} if balanced else {MEMORY, REQUEST_RATE, QUEUE_DEPTH, SCHEDULE}
        if CPU not in used and used & accepted:
            raise NotApplicable("the group scales by another accepted trigger")
        doubt = unread or doubt
        if doubt:
            raise doubt
        yield Evidence(
            "no active policy aims at a CPU utilization", {"used": sorted(used), "wanted": want.cpu_target_pct}
        )
        return
    target = min(targets)
    below = target < want.cpu_target_pct
    if abs(target - want.cpu_target_pct) <= want.cpu_target_tolerance_pct:
        if hidden:
            raise hidden
    else:
        # What could not be read may be a lower target, never a higher one that counts.
        doubt = doubt or (None if below else hidden)
        if doubt:
            raise doubt
        yield Evidence(
            f"aims at {target:g}% CPU, wanted is {want.cpu_target_pct}% (±{want.cpu_target_tolerance_pct}): "
            + ("instances idle" if below else "it grows too late"),
            {"target": target, "wanted": want.cpu_target_pct, "tolerance": want.cpu_target_tolerance_pct},
            severity=LOW if below else None,
        )


def _targets(group: Facts) -> tuple[list[float], Unavailable | None]:
    """Return the CPU utilizations the group's active policies aim at, and why there could be more."""
    name = group["AutoScalingGroupName"]
    targets: list[float] = []
    hidden: Unavailable | None = None
    for policy in group.known_referrers(SCALING_POLICY, "AutoScalingGroupName", name):
        try:
            targets += _cpu_targets(policy) if is_active(policy) else []
        except Unavailable as unread:
            hidden = hidden or unread.kept()
    try:
        group.referrers(SCALING_POLICY, "AutoScalingGroupName", name)
    except Unavailable as unread:
        hidden = hidden or unread.kept()
    return targets, hidden


def _cpu_targets(policy: Facts) -> list[float]:
    """Return the CPU utilizations (percent) at which POLICY adds instances."""
    match policy["PolicyType"]:
        case "TargetTrackingScaling":
            return _held([policy["TargetTrackingConfiguration"]])
        case "PredictiveScaling":
            return _held(policy["PredictiveScalingConfiguration"]["MetricSpecifications"])
        case _:
            return [alarm["Threshold"] for alarm in alarms_of(policy) if _is_high_cpu(alarm)]


def _held(configurations: Iterable[Document]) -> list[float]:
    return [
        configuration["TargetValue"]
        for configuration in configurations
        if metric_classes(configuration) == {CPU}
        and configuration.get("CustomizedMetricSpecification", {}).get("Statistic", "Average") == "Average"
    ]


def _is_high_cpu(alarm: Facts) -> bool:
    return (
        alarm.get("Statistic") == "Average"
        and alarm.get("ComparisonOperator") in ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
        and metric_class(alarm.get("Namespace", ""), alarm.get("MetricName", "")) == CPU
    )


def _hours(*values: float, days: int = 14) -> dict[str, object]:
    """Return a metric whose last hours have these values."""
    times = [ago(hours=len(values) - number) for number in range(len(values))]
    return {"Days": days, "Period": 3600, "Timestamps": times, "Values": list(values)}


def _observed(*cpu: float, running: int, published: tuple[float, ...] = ()) -> dict[str, object]:
    metrics = {"CPUUtilization.Average": _hours(*cpu)}
    if published:
        metrics[f"{IN_SERVICE}.Minimum"] = _hours(*published)
    return {
        **_NAMED,
        "MaxSize": 4,
        "Instances": [{"InstanceId": f"i-{n}", "LifecycleState": "InService"} for n in range(running)],
        "EnabledMetrics": [{"Metric": IN_SERVICE, "Granularity": "1Minute"}] if published else [],
        "Metrics": metrics,
    }


_HOT = (95.0,) * 6
_BY_CPU = {SCALING_POLICY: [_tracking(70.0)]}


@check(
    "asg-cpu-held-near-target",
    pattern="cloud.auto-scaling.policies",
    on=GROUP,
    severity=MEDIUM,
    reads=(SCALING_POLICY, ALARM),
    fix=Fix(
        cli="aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --max-size MORE",
        terraform="aws_autoscaling_group.max_size",
    ),
    same_as=("service-screener:EC2HighUtilization",),
    passes=[
        Case(_observed(*(70.0,) * 6, running=4), related=_BY_CPU),
        Case(_observed(95.0, 95.0, 60.0, running=4), related=_BY_CPU, why="two hours in fourteen days"),
        Case(_observed(*_HOT, running=3), related=_BY_CPU, why="it has room: no limit keeps it from growing"),
        Case(
            _observed(*_HOT, running=4, published=(2.0,) * 6),
            related=_BY_CPU,
            why="it was not at its maximum in the hot hours",
        ),
    ],
    fails=[
        Case(_observed(*_HOT, running=4), related=_BY_CPU),
        Case(_observed(*_HOT, running=2, published=(4.0,) * 6), related=_BY_CPU, why="it was full at the time"),
    ],
    skips=[
        Case(_observed(running=4), related=_BY_CPU),
        _observed(*_HOT, running=4),
        Case(_observed(*_HOT, running=4), related={SCALING_POLICY: [_tracking(1000.0, "ALBRequestCountPerTarget")]}),
    ],
    unknowns=[
        Case(_observed(*_HOT, running=4), unread=[SCALING_POLICY]),
        Case({**_observed(running=4), "Metrics": {}}, related=_BY_CPU, why="the metric was not read"),
    ],
)
def asg_cpu_held_near_target(group: Facts, want: Policies) -> Iterator[Evidence]:
    """An Auto Scaling group keeps CPU near its target instead of running hot at its maximum size.

    Why: a policy can hold its target only while the group may grow; hours at the maximum with hot processors are hours in
    which users wait.

    Fix: raise the maximum, use a larger instance type, or make the work cheaper.

    Source: standard, "Target 70% CPU utilization"; CloudWatch AWS/EC2 CPUUtilization by AutoScalingGroupName, hour by
    hour. Without group metrics (GroupInServiceInstances) today's size stands for that of the past hours.
    """
    cpu = group.metric("CPUUtilization", "Average", days=want.observed_window_days)
    if not cpu:
        raise NotApplicable("CloudWatch has no CPU data of the group")
    doubt: Unavailable | None = None
    try:
        if not _scales_by_cpu(group):
            raise NotApplicable("the group has no CPU policy")
    except Unavailable as unread:
        doubt = unread.kept()
    limit = want.cpu_target_pct + want.observed_excess_pct
    hot = {moment for moment, value in zip(cpu.times, cpu.values, strict=True) if value > limit}
    window = timedelta(days=want.observed_window_days) / timedelta(seconds=cpu.period_seconds)
    allowed = window * want.saturated_hours_max_pct / 100
    if len(hot) > allowed:
        hot = _at_maximum(group, hot, want.observed_window_days)
    if len(hot) > allowed:
        if doubt:
            raise doubt
        yield Evidence(
            f"CPU was above {limit}% at the maximum size in {len(hot)} hours of {want.observed_window_days} days",
            {"hours": len(hot), "allowed": round(allowed, 1), "MaxSize": group["MaxSize"], "hottest": cpu.maximum},
        )


def _scales_by_cpu(group: Facts) -> bool:
    used, doubt = triggers(group, with_schedule=False)
    if CPU not in used and doubt:
        raise doubt
    return CPU in used


def _at_maximum(group: Facts, hours: set[datetime], days: int) -> set[datetime]:
    """Return those of HOURS in which the group was at its maximum all the time."""
    serving = [instance for instance in group["Instances"] if instance["LifecycleState"] == "InService"]
    weighted = any("WeightedCapacity" in instance for instance in serving)
    published = any(metric["Metric"] == IN_SERVICE for metric in group.get("EnabledMetrics", ()))
    if published and not weighted:
        sizes: Series = group.metric(IN_SERVICE, "Minimum", days=days)
        return hours & {t for t, n in zip(sizes.times, sizes.values, strict=True) if n >= group["MaxSize"]}
    capacity = sum(int(instance.get("WeightedCapacity", 1)) for instance in serving)
    return hours if capacity >= group["MaxSize"] else set()
