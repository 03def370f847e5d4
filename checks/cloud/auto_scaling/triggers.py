"""Scaling triggers: CPU, memory, request rate."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import LOW, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, ago, check
from auditor.kit.scaling import (
    ALARM,
    CAPACITY_PROVIDER,
    SCALING_POLICY,
    SCHEDULED_ACTION,
    any_of,
    is_balanced,
    skip_managed,
    skip_owned,
    triggers,
)

GROUP = "AWS::AutoScaling::AutoScalingGroup"
METRIC = "AWS::CloudWatch::Metric"


@dataclass(frozen=True, slots=True)
class Triggers:
    """What a workload may scale by."""

    trigger_classes: tuple[str, ...]
    accepted_extra: tuple[str, ...]
    require: str
    alarm_blind_max_hours: int
    min_scalable_workloads: int
    memory_namespaces: tuple[str, ...]
    memory_metrics: tuple[str, ...]
    memory_metric_max_age_hours: int

    def __post_init__(self) -> None:
        """Raise ValueError for a requirement nobody knows."""
        if self.require not in ("any", "all"):
            raise ValueError(f'require must be "any" or "all", not {self.require!r}')


_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:7f:autoScalingGroupName/web"
_NAMED = {"AutoScalingGroupName": "web"}
_GROUP = {**_NAMED, "AutoScalingGroupARN": _ARN, "MinSize": 2, "MaxSize": 8}
_BALANCED = {**_GROUP, "TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"]}
_PROVIDER = {
    "name": "web",
    "autoScalingGroupProvider": {"autoScalingGroupArn": _ARN, "managedScaling": {"status": "ENABLED"}},
}
_POLICY_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:1:autoScalingGroupName/web:policyName/step"


def _tracking(predefined: str) -> dict[str, object]:
    return {
        **_NAMED,
        "PolicyType": "TargetTrackingScaling",
        "Enabled": True,
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": predefined},
            "TargetValue": 70.0,
        },
    }


def _custom(namespace: str, metric: str) -> dict[str, object]:
    """Return a policy whose metric is math over one metric."""
    query = {"Id": "m1", "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": metric}, "Stat": "Sum"}}
    return {
        **_tracking(""),
        "TargetTrackingConfiguration": {
            "CustomizedMetricSpecification": {"Metrics": [query, {"Id": "e1", "Expression": "m1 / 10"}]},
            "TargetValue": 100.0,
        },
    }


_STEP = {
    **_NAMED,
    "PolicyARN": _POLICY_ARN,
    "PolicyType": "StepScaling",
    "Enabled": True,
    "Alarms": [{"AlarmName": "busy"}],
}
_BUSY = {"AlarmName": "busy", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization"}
_FULL = {"AlarmName": "full", "Namespace": "CWAgent", "MetricName": "mem_used_percent", "AlarmActions": [_POLICY_ARN]}
_WEEKLY = {**_NAMED, "Recurrence": "0 6 * * 1", "StartTime": ago(days=90), "DesiredCapacity": 4}


@check(
    "asg-scaling-trigger-class",
    pattern="cloud.auto-scaling.triggers",
    on=GROUP,
    severity=MEDIUM,
    reads=(SCALING_POLICY, SCHEDULED_ACTION, ALARM, CAPACITY_PROVIDER),
    fix=Fix(
        cli='aws autoscaling put-scaling-policy --auto-scaling-group-name {name} --policy-name requests --policy-type TargetTrackingScaling --target-tracking-configuration \'{"PredefinedMetricSpecification":{"PredefinedMetricType":"ALBRequestCountPerTarget","ResourceLabel":"LABEL"},"TargetValue":REQUESTS}\'',
        terraform="aws_autoscaling_policy.target_tracking_configuration.predefined_metric_specification",
    ),
    same_as=("service-screener:ASGTargetTrackingPolicy",),
    passes=[
        Case(_BALANCED, related={SCALING_POLICY: [_tracking("ASGAverageCPUUtilization")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking("ALBRequestCountPerTarget")]}),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP], ALARM: [_BUSY]}, why="a step policy's alarm has the metric"),
        Case(
            _BALANCED,
            related={SCALING_POLICY: [{**_STEP, "Alarms": []}], ALARM: [_FULL]},
            why="the alarm names the policy",
        ),
        Case(_GROUP, related={SCALING_POLICY: [_custom("AWS/SQS", "ApproximateNumberOfMessagesVisible")]}),
        Case(_GROUP, related={SCHEDULED_ACTION: [_WEEKLY]}),
    ],
    fails=[
        Case(_BALANCED, related={SCALING_POLICY: [_tracking("ASGAverageNetworkIn")]}),
        Case(
            _BALANCED,
            related={SCALING_POLICY: [_custom("AWS/SQS", "ApproximateNumberOfMessagesVisible")]},
            why="a queue says nothing of the requests a balancer sends",
        ),
        Case(_BALANCED, related={SCHEDULED_ACTION: [_WEEKLY]}),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP]}, why="its alarm is gone: nothing triggers it"),
        Case(_BALANCED, related={SCALING_POLICY: [{**_tracking("ASGAverageCPUUtilization"), "Enabled": False}]}),
        Case(_BALANCED, related={SCALING_POLICY: [_tracking("ASGAverageNetworkIn")]}, unread=[SCHEDULED_ACTION, ALARM]),
        _GROUP,
    ],
    skips=[
        {**_BALANCED, "MinSize": 8},
        Case(_GROUP, tags={"k8s.io/cluster-autoscaler/enabled": "true"}),
        Case(_GROUP, related={CAPACITY_PROVIDER: [_PROVIDER]}, why="ECS scales it by the tasks waiting"),
    ],
    unknowns=[
        Case(_BALANCED, unread=[SCALING_POLICY]),
        Case(_BALANCED, related={SCALING_POLICY: [_STEP]}, unread=[ALARM]),
        Case(_GROUP, unread=[SCHEDULED_ACTION]),
        Case(_GROUP, unread=[CAPACITY_PROVIDER]),
    ],
)
def asg_scaling_trigger_class(group: Facts, want: Triggers) -> Iterator[Evidence]:
    """An Auto Scaling group scales by CPU, memory or request rate.

    Why: a trigger that does not follow the load (network bytes, disk) adds instances too late or for nothing.

    Fix: add a target tracking policy on CPU or on requests per target; for workers without a load balancer the length of
    their queue or a schedule is fine too.

    Source: Amazon EC2 Auto Scaling User Guide, "Target tracking scaling policies"; standard, "CPU, memory, request rate".
    Step and simple policies are judged by the metric of their alarms.
    """
    if group["MinSize"] == group["MaxSize"]:
        raise NotApplicable("the group has a fixed size")
    doubt = skip_managed(group)
    balanced = is_balanced(group)
    used, unread = triggers(group, with_schedule=not balanced)
    wanted = set(want.trigger_classes)
    if want.require == "all":
        missing = wanted - used
    else:
        missing = set() if used & (wanted if balanced else wanted.union(want.accepted_extra)) else wanted
    if missing:
        doubt = unread or doubt
        if doubt:
            raise doubt
        yield Evidence(
            (f"scales by {', '.join(sorted(used))}" if used else "no active policy has a metric")
            + f"; wanted is {' and '.join(want.trigger_classes) if want.require == 'all' else ' or '.join(want.trigger_classes)}",
            {"used": sorted(used), "missing": sorted(missing)},
        )


_SERVING = {**_GROUP, "Instances": [{"InstanceId": "i-1", "LifecycleState": "InService"}]}


def _metric(name: str, dimension: str = "AutoScalingGroupName", namespace: str = "CWAgent") -> dict[str, object]:
    return {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": "web"}]}


@check(
    "asg-memory-metric-available",
    pattern="cloud.auto-scaling.triggers",
    on=GROUP,
    severity=LOW,
    reads=(METRIC, CAPACITY_PROVIDER),
    fix=Fix(
        cli="aws ssm send-command --document-name AmazonCloudWatch-ManageAgent --targets Key=tag:aws:autoscaling:groupName,Values={name} --parameters action=configure,mode=ec2,optionalConfigurationSource=ssm,optionalConfigurationLocation=AGENT_CONFIG",
        terraform="aws_ssm_association",
    ),
    same_as=("service-screener:EC2MemoryMonitor",),
    passes=[
        Case(_SERVING, related={METRIC: [_metric("mem_used_percent")]}),
        Case(_SERVING, related={METRIC: [_metric("Memory % Committed Bytes In Use")]}, why="Windows"),
    ],
    fails=[
        _SERVING,
        Case(_SERVING, related={METRIC: [_metric("mem_used_percent", dimension="InstanceId")]}),
        Case(_SERVING, related={METRIC: [_metric("disk_used_percent")]}),
    ],
    skips=[
        {**_SERVING, "MaxSize": 0},
        Case({**_SERVING, "Instances": []}, why="nothing runs that could report"),
        Case(_SERVING, tags={"kubernetes.io/cluster/shop": "owned"}, why="containers have metrics of their own"),
        Case(_SERVING, related={CAPACITY_PROVIDER: [_PROVIDER]}),
    ],
    unknowns=[
        Case(_SERVING, unread=[METRIC]),
        Case(_SERVING, unread=[CAPACITY_PROVIDER]),
    ],
)
def asg_memory_metric_available(group: Facts, want: Triggers) -> Iterator[Evidence]:
    """The instances of an Auto Scaling group report how much memory they use.

    Why: EC2 sees no memory from outside; without the CloudWatch agent neither an alarm nor a scaling policy can follow it,
    and nobody can say whether the instances have the right size.

    Fix: install the CloudWatch agent with memory metrics and the AutoScalingGroupName dimension.

    Source: Amazon CloudWatch User Guide, "Metrics collected by the CloudWatch agent"; ListMetrics (RecentlyActive=PT3H);
    standard, "CPU, memory, request rate".
    """
    if group["MaxSize"] == 0:
        raise NotApplicable("the group can never hold an instance")
    if not any(instance["LifecycleState"] == "InService" for instance in group["Instances"]):
        raise NotApplicable("the group has no instance in service")
    doubt = skip_owned(group)
    name = group["AutoScalingGroupName"]

    def reports(metric: Facts) -> bool:
        return (
            metric["MetricName"] in want.memory_metrics
            and metric["Namespace"] in want.memory_namespaces
            and {"Name": "AutoScalingGroupName", "Value": name} in metric["Dimensions"]
        )

    if not any_of(group, METRIC, "Dimensions[].Value", reports, name):
        if doubt:
            raise doubt
        yield Evidence(
            f"sent no memory metric in the last {want.memory_metric_max_age_hours} hours",
            {"looked_for": list(want.memory_metrics), "namespaces": list(want.memory_namespaces)},
        )
