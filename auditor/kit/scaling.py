"""Auto Scaling groups: who owns them, what sends them traffic, and what makes them grow and shrink."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.model import Document

__all__ = [
    "ALARM",
    "CAPACITY_PROVIDER",
    "CPU",
    "MEMORY",
    "OTHER",
    "PROVIDER_GROUP",
    "QUEUE_DEPTH",
    "REQUEST_RATE",
    "SCALING_POLICY",
    "SCHEDULE",
    "SCHEDULED_ACTION",
    "alarms_of",
    "any_of",
    "by_autoscaler",
    "by_ecs",
    "by_kubernetes",
    "is_active",
    "is_balanced",
    "is_coming",
    "metric_class",
    "metric_classes",
    "skip_managed",
    "skip_owned",
    "trigger_classes",
    "triggers",
]

ALARM = "AWS::CloudWatch::Alarm"
CAPACITY_PROVIDER = "AWS::ECS::CapacityProvider"
SCALING_POLICY = "AWS::AutoScaling::ScalingPolicy"
SCHEDULED_ACTION = "AWS::AutoScaling::ScheduledAction"

PROVIDER_GROUP = "autoScalingGroupProvider.autoScalingGroupArn"
"""Where an ECS capacity provider names its group."""

CPU, MEMORY, REQUEST_RATE, QUEUE_DEPTH, SCHEDULE, OTHER = (
    "cpu",
    "memory",
    "request_rate",
    "queue_depth",
    "schedule",
    "other",
)
"""What a workload can scale by."""

_AUTOSCALER_TAGS = ("k8s.io/cluster-autoscaler/", "karpenter.sh/")
_KUBERNETES_TAGS = ("eks:cluster-name", "kubernetes.io/cluster/", *_AUTOSCALER_TAGS)
_ECS_TAG = "AmazonECSManaged"
"""The tag ECS puts on the group of a capacity provider that it scales."""


# ---- who owns a group, what balances on it ----


def is_balanced(group: Facts) -> bool:
    """Whether a load balancer (or VPC Lattice) sends the group traffic."""
    return bool(group.get("TargetGroupARNs") or group.get("LoadBalancerNames") or group.get("TrafficSources"))


def by_kubernetes(group: Facts) -> bool:
    """Whether the group holds nodes of a Kubernetes cluster: EKS and the autoscalers tag their groups."""
    return any(tag.startswith(_KUBERNETES_TAGS) for tag in group.tags)


def by_autoscaler(group: Facts) -> bool:
    """Whether the group's tags hand it to a Kubernetes autoscaler."""
    return any(tag.startswith(_AUTOSCALER_TAGS) for tag in group.tags)


def any_of(group: Facts, type: str, by: str, test: Callable[[Facts], bool], key: str | None = None) -> bool:
    """Whether TEST holds for any resource of TYPE that holds KEY (the group's ARN if ``None``) at the path BY.

    Raises Unavailable when it holds for none that was read and there could be more.
    """
    if any(map(test, group.known_referrers(type, by, key))):
        return True
    group.referrers(type, by, key)
    return False


def by_ecs(group: Facts) -> bool:
    """Whether ECS changes the group's size (managed scaling of a capacity provider). Raises Unavailable when unknown."""
    return any_of(
        group,
        CAPACITY_PROVIDER,
        PROVIDER_GROUP,
        lambda provider: "ENABLED" in provider.values("autoScalingGroupProvider.managedScaling.status"),
    )


_OF_KUBERNETES = "its nodes belong to a Kubernetes cluster, which is judged as a whole"
_OF_ECS = "its instances belong to an ECS capacity provider, which is judged as a whole"


def skip_owned(group: Facts) -> Unavailable | None:
    """Raise NotApplicable when Kubernetes or ECS owns the group: it is then one part of something judged as a whole.

    Returns what keeps the owner from being known, or ``None`` when there is none. A check that passes needs no owner; one
    that would fail raises what was returned first.
    """
    return _skip(group, lambda: any_of(group, CAPACITY_PROVIDER, PROVIDER_GROUP, lambda _: True))


def skip_managed(group: Facts) -> Unavailable | None:
    """Raise NotApplicable when a Kubernetes cluster or ECS itself changes the group's size; else like ``skip_owned``."""
    return _skip(group, lambda: by_ecs(group))


def _skip(group: Facts, in_ecs: Callable[[], bool]) -> Unavailable | None:
    doubt: Unavailable | None = None
    try:
        if by_kubernetes(group):
            raise NotApplicable(_OF_KUBERNETES)
        if _ECS_TAG in group.tags:
            raise NotApplicable(_OF_ECS)
    except Unavailable as unread:
        doubt = unread.kept()
    try:
        if in_ecs():
            raise NotApplicable(_OF_ECS)
    except Unavailable as unread:
        doubt = doubt or unread.kept()
    return doubt


# ---- what makes it scale ----


def is_active(policy: Facts) -> bool:
    """Whether a scaling policy changes anything: it is enabled, and it does not only forecast.

    Source: EC2 Auto Scaling API, ScalingPolicy.Enabled; PredictiveScalingConfiguration.Mode is ForecastOnly when left out.
    """
    if not policy.get("Enabled", True):
        return False
    if policy["PolicyType"] != "PredictiveScaling":
        return True
    return bool(policy["PredictiveScalingConfiguration"].get("Mode") == "ForecastAndScale")


def is_coming(action: Facts) -> bool:
    """Whether a scheduled action will run again after it was observed."""
    if action.get("EndTime") and action.time("EndTime") <= action.observed_at:
        return False
    if action.get("Recurrence"):
        return True
    return bool(action.get("StartTime")) and action.time("StartTime") > action.observed_at


def alarms_of(policy: Facts) -> list[Facts]:
    """Return the alarms that trigger a step or simple POLICY: those it names, and those that name it.

    Raises Unavailable when there could be one that was not read.
    """
    alarms = {
        alarm.id: alarm
        for alarm in (
            *policy.related(ALARM, policy.values("Alarms[].AlarmName"), by="AlarmName"),
            *policy.referrers(ALARM, "AlarmActions[]", policy["PolicyARN"]),
        )
    }
    return list(alarms.values())


_PREDEFINED = {
    "ASGAverageCPUUtilization": CPU,
    "ASGAverageCPUUtilizationHighResolution": CPU,
    "ASGCPUUtilization": CPU,
    "ALBRequestCountPerTarget": REQUEST_RATE,
    "ALBRequestCount": REQUEST_RATE,
    "ECSServiceAverageCPUUtilization": CPU,
    "ECSServiceAverageCPUUtilizationHighResolution": CPU,
    "ECSServiceAverageMemoryUtilization": MEMORY,
    "ECSServiceAverageMemoryUtilizationHighResolution": MEMORY,
}
"""Predefined metrics of target tracking and predictive scaling, single and as pairs."""

_METRICS: dict[str, tuple[tuple[str, str], ...]] = {
    "AWS/EC2": (("CPUUtilization", CPU),),
    "AWS/ECS": (("CPUUtilization", CPU), ("MemoryUtilization", MEMORY)),
    "AWS/ApplicationELB": (("RequestCount", REQUEST_RATE),),
    "AWS/ELB": (("RequestCount", REQUEST_RATE),),
    "AWS/NetworkELB": (("NewFlowCount", REQUEST_RATE), ("ActiveFlowCount", REQUEST_RATE)),
    "AWS/ApiGateway": (("Count", REQUEST_RATE),),
    "AWS/SQS": (("ApproximateNumberOfMessages", QUEUE_DEPTH),),
    "AWS/Kafka": (
        ("MaxOffsetLag", QUEUE_DEPTH),
        ("SumOffsetLag", QUEUE_DEPTH),
        ("OffsetLag", QUEUE_DEPTH),
        ("EstimatedMaxTimeLag", QUEUE_DEPTH),
        ("EstimatedTimeLag", QUEUE_DEPTH),
    ),
}
"""Namespace -> beginning of a metric's name and its class."""

_AGENT_MEMORY = ("mem_used_percent", "Memory % Committed Bytes In Use")
"""The CloudWatch agent's names on Linux and Windows; its namespace is free."""


def metric_class(namespace: str, metric: str) -> str:
    """Return what a CloudWatch METRIC measures: ``cpu``, ``memory``, ``request_rate``, ``queue_depth`` or ``other``."""
    if metric in _AGENT_MEMORY:
        return MEMORY
    for name, kind in _METRICS.get(namespace, ()):
        if metric.startswith(name):
            return kind
    return OTHER


def trigger_classes(policy: Facts) -> set[str]:
    """Return the classes of every metric POLICY scales by; empty when nothing triggers it.

    Step and simple policies name no metric: their alarms do. Raises Unavailable when one of these could not be read.
    """
    match policy["PolicyType"]:
        case "TargetTrackingScaling":
            return metric_classes(policy["TargetTrackingConfiguration"])
        case "PredictiveScaling":
            specified = policy["PredictiveScalingConfiguration"]["MetricSpecifications"]
            return {kind for specification in specified for kind in metric_classes(specification)}
        case _:
            return {kind for alarm in alarms_of(policy) for kind in _watched(alarm)}


def _watched(alarm: Facts) -> Iterator[str]:
    """Yield the classes of the metrics an alarm watches, itself or within metric math."""
    if alarm.get("MetricName"):
        yield metric_class(alarm.get("Namespace", ""), alarm["MetricName"])
    yield from _queried(alarm.get("Metrics", ()))


def triggers(group: Facts, *, with_schedule: bool) -> tuple[set[str], Unavailable | None]:
    """Return the classes of all metrics the group's active policies scale it by, and why there could be more.

    WITH_SCHEDULE: a scheduled action still to come counts as the class ``schedule``.
    """
    name = group["AutoScalingGroupName"]
    used: set[str] = set()
    doubt: Unavailable | None = None
    for policy in group.known_referrers(SCALING_POLICY, "AutoScalingGroupName", name):
        try:
            if is_active(policy):
                used |= trigger_classes(policy)
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    try:
        group.referrers(SCALING_POLICY, "AutoScalingGroupName", name)
        if with_schedule and any_of(group, SCHEDULED_ACTION, "AutoScalingGroupName", is_coming, name):
            used.add(SCHEDULE)
    except Unavailable as unread:
        doubt = doubt or unread.kept()
    return used, doubt


def metric_classes(configuration: Document) -> set[str]:
    """Return the classes of the metrics that a target tracking or predictive CONFIGURATION holds at a target."""
    return set(_specified(configuration))


def _specified(configuration: Document) -> Iterator[str]:
    for name, specification in configuration.items():
        if not name.endswith("Specification") or "Load" in name or "Capacity" in name:
            continue
        predefined = specification.get("PredefinedMetricType")
        if predefined is not None:
            yield _PREDEFINED.get(predefined, OTHER)
        if "MetricName" in specification:
            yield metric_class(specification.get("Namespace", ""), specification["MetricName"])
        yield from _queried(specification.get("Metrics") or specification.get("MetricDataQueries") or ())


def _queried(queries: Iterable[Any]) -> Iterator[str]:
    """Yield the classes of the metrics within metric math."""
    for query in queries:
        metric = (query.get("MetricStat") or {}).get("Metric")
        if metric:
            yield metric_class(metric.get("Namespace", ""), metric.get("MetricName", ""))
