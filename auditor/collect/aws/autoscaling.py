"""EC2 Auto Scaling: groups, what changes their size, and what happened to them."""

from collections.abc import Callable

from auditor.collect.declare import Call, Metric, ResourceType, Row

GROUPS = Call("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups", params={"MaxRecords": 100})
_GROUP = {"AutoScalingGroupName": "AutoScalingGroupName"}


def _publishes(metric: str) -> Callable[[Row], bool]:
    """Return whether a group publishes METRIC: groups do so only when it was switched on."""
    return lambda group: any(enabled.get("Metric") == metric for enabled in group.get("EnabledMetrics") or ())


GROUP = ResourceType(
    "AWS::AutoScaling::AutoScalingGroup",
    "An Auto Scaling group with its instances and the processor load of each hour.",
    list=GROUPS,
    id="{AutoScalingGroupARN}",
    name="{AutoScalingGroupName}",
    tags="Tags",
    metrics=(
        Metric("AWS/EC2", "CPUUtilization", "Average", _GROUP, days=14, period=3600),
        *(
            Metric(
                "AWS/AutoScaling",
                "GroupInServiceInstances",
                statistic,
                _GROUP,
                days=14,
                period=3600,
                when=_publishes("GroupInServiceInstances"),
            )
            for statistic in ("Minimum", "Maximum")
        ),
        Metric(
            "AWS/AutoScaling",
            "GroupDesiredCapacity",
            "Maximum",
            _GROUP,
            days=30,
            when=_publishes("GroupDesiredCapacity"),
        ),
    ),
    volatile=("PredictedCapacity",),
    get=Call(
        "autoscaling",
        "DescribeAutoScalingGroups",
        "AutoScalingGroups",
        args={"AutoScalingGroupNames[]": "AutoScalingGroupName"},
    ),
)

LAUNCH_CONFIGURATION = ResourceType(
    "AWS::AutoScaling::LaunchConfiguration",
    "A launch configuration, the deprecated forerunner of launch templates.",
    list=Call("autoscaling", "DescribeLaunchConfigurations", "LaunchConfigurations", params={"MaxRecords": 100}),
    id="{LaunchConfigurationARN}",
    name="{LaunchConfigurationName}",
    drop=("UserData",),
)

SCALING_POLICY = ResourceType(
    "AWS::AutoScaling::ScalingPolicy",
    "A policy that changes a group's size by a metric or a forecast.",
    list=Call("autoscaling", "DescribePolicies", "ScalingPolicies", params={"MaxRecords": 100}),
    id="{PolicyARN}",
    name="{PolicyName}",
)

SCHEDULED_ACTION = ResourceType(
    "AWS::AutoScaling::ScheduledAction",
    "A change of a group's size at a time.",
    list=Call("autoscaling", "DescribeScheduledActions", "ScheduledUpdateGroupActions", params={"MaxRecords": 100}),
    # Like AWS's ARN but for its random part, which some rows come without: the two names are unique.
    id="arn:{partition}:autoscaling:{region}:{account}:scheduledUpdateGroupAction"
    ":autoScalingGroupName/{AutoScalingGroupName}:scheduledActionName/{ScheduledActionName}",
    name="{ScheduledActionName}",
)

SCALING_ACTIVITY = ResourceType(
    "AWS::AutoScaling::ScalingActivity",
    "A launch or termination by a group in the last six weeks, and how it ended.",
    list=Call("autoscaling", "DescribeScalingActivities", "Activities", params={"MaxRecords": 100}),
    id="arn:{partition}:autoscaling:{region}:{account}:scalingActivity:{ActivityId}",
    name="{ActivityId}",
    volatile=("Progress",),
    # Long texts about the group's capacity at that moment, which nobody reads.
    drop=("Cause", "Details"),
)
