"""What a group scales by: metrics have classes, policies and schedules count only while they do something."""

import pytest

from auditor.kit import NOW, Facts, ago
from auditor.kit.scaling import SCHEDULED_ACTION, is_coming, metric_class, metric_classes
from auditor.kit.world import Inventory
from auditor.model import Resource


@pytest.mark.parametrize(
    ("namespace", "metric", "kind"),
    [
        ("AWS/EC2", "CPUUtilization", "cpu"),
        ("AWS/ECS", "MemoryUtilization", "memory"),
        ("Fleet/Machines", "mem_used_percent", "memory"),
        ("AWS/ApplicationELB", "RequestCountPerTarget", "request_rate"),
        ("AWS/NetworkELB", "ActiveFlowCount_TLS", "request_rate"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "queue_depth"),
        ("AWS/Kafka", "SumOffsetLag", "queue_depth"),
        ("AWS/EC2", "NetworkIn", "other"),
        ("Own/Metrics", "CPUUtilization", "other"),
        ("AWS/ECS/ManagedScaling", "CapacityProviderReservation", "other"),
    ],
)
def test_a_metric_is_classed_by_its_namespace_and_name(namespace: str, metric: str, kind: str) -> None:
    assert metric_class(namespace, metric) == kind


def test_metric_math_has_the_classes_of_all_its_metrics() -> None:
    queries = [
        {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessages"}}},
        {
            "Id": "m2",
            "MetricStat": {"Metric": {"Namespace": "AWS/AutoScaling", "MetricName": "GroupInServiceInstances"}},
        },
        {"Id": "e1", "Expression": "m1 / m2"},
    ]
    assert metric_classes({"CustomizedMetricSpecification": {"Metrics": queries}}) == {"queue_depth", "other"}


def test_what_predictive_scaling_only_forecasts_by_is_no_target() -> None:
    specification = {
        "TargetValue": 70.0,
        "PredefinedScalingMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "PredefinedLoadMetricSpecification": {"PredefinedMetricType": "ALBTargetGroupRequestCount"},
    }
    assert metric_classes(specification) == {"cpu"}


@pytest.mark.parametrize(
    ("fields", "coming"),
    [
        ({"Recurrence": "0 6 * * *"}, True),
        ({"Recurrence": "0 6 * * *", "EndTime": ago(days=-1)}, True),
        ({"Recurrence": "0 6 * * *", "EndTime": ago(days=1)}, False),
        ({"StartTime": ago(days=-1)}, True),
        ({"StartTime": ago(days=1)}, False),
        ({}, False),
    ],
)
def test_a_scheduled_action_counts_while_it_will_run_again(fields: dict[str, str], coming: bool) -> None:
    action = Resource(SCHEDULED_ACTION, "arn:action", "action", "111122223333", "eu-west-1", NOW, fields)
    assert is_coming(Facts(action, Inventory("111122223333", lambda _: (), {}, ["eu-west-1"]))) is coming
