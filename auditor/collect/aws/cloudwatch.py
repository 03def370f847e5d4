"""CloudWatch: alarms, and which metrics there are."""

from auditor.collect.declare import Call, ResourceType, Row

_STATE = (
    "StateReason",
    "StateReasonData",
    "StateTransitionedTimestamp",
    "StateUpdatedTimestamp",
    "StateValue",
)

ALARM = ResourceType(
    "AWS::CloudWatch::Alarm",
    "An alarm on a metric or on metric math.",
    list=Call("cloudwatch", "DescribeAlarms", "MetricAlarms", params={"AlarmTypes": ["MetricAlarm"]}),
    id="{AlarmArn}",
    name="{AlarmName}",
    volatile=(*_STATE, "EvaluationState"),
    get=Call("cloudwatch", "DescribeAlarms", "MetricAlarms", args={"AlarmNames[]": "AlarmName"}),
)

COMPOSITE_ALARM = ResourceType(
    "AWS::CloudWatch::CompositeAlarm",
    "An alarm on other alarms.",
    list=Call("cloudwatch", "DescribeAlarms", "CompositeAlarms", params={"AlarmTypes": ["CompositeAlarm"]}),
    id="{AlarmArn}",
    name="{AlarmName}",
    volatile=(*_STATE, "ActionsSuppressedBy", "ActionsSuppressedReason"),
)

MEMORY_METRICS = ("mem_used_percent", "Memory % Committed Bytes In Use")
"""What the CloudWatch agent calls used memory, on Linux and on Windows (AWS: metrics collected by the CloudWatch agent)."""


def _with_id(metric: Row) -> Row:
    """Return the metric with an Id made of all that identifies it."""
    dimensions = sorted(f"{dimension['Name']}={dimension['Value']}" for dimension in metric.get("Dimensions") or ())
    return {**metric, "Id": "/".join((metric["Namespace"], metric["MetricName"], *dimensions))}


METRIC = ResourceType(
    "AWS::CloudWatch::Metric",
    "A memory metric that the agent sent within the last three hours from a machine of an Auto Scaling group.",
    list=tuple(
        Call(
            "cloudwatch",
            "ListMetrics",
            "Metrics",
            params={
                "Namespace": "CWAgent",
                "MetricName": name,
                "Dimensions": [{"Name": "AutoScalingGroupName"}],
                "RecentlyActive": "PT3H",
            },
        )
        for name in MEMORY_METRICS
    ),
    id="arn:{partition}:cloudwatch:{region}:{account}:metric/{Id}",
    name="{Id}",
    shape=_with_id,
)
