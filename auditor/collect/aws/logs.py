"""CloudWatch Logs: what delivers its logs by itself."""

from auditor.collect.declare import Call, ResourceType

DELIVERY_SOURCE = ResourceType(
    "AWS::Logs::DeliverySource",
    "A resource whose service delivers its logs (vended logs), a load balancer for one.",
    list=Call("logs", "DescribeDeliverySources", "deliverySources"),
    id="{arn}",
    name="{name}",
    tags="tags",
)
