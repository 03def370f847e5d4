"""SNS: topics and whether somebody listens, without the addresses of who."""

from auditor.collect.declare import Call, ResourceType, Row

_TOPIC = {"TopicArn": "TopicArn"}


def _with_name(topic: Row) -> Row:
    """Return the topic with CloudFormation's TopicName, the ARN's last part."""
    return {**topic, "TopicName": topic["TopicArn"].rpartition(":")[2]}


TOPIC = ResourceType(
    "AWS::SNS::Topic",
    "A topic with its attributes and subscriptions; a SubscriptionArn of PendingConfirmation is not confirmed yet.",
    list=Call("sns", "ListTopics", "Topics"),
    shape=_with_name,
    id="{TopicArn}",
    name="{TopicName}",
    details={
        "Attributes": Call("sns", "GetTopicAttributes", "Attributes", args=_TOPIC),
        "Subscriptions": Call("sns", "ListSubscriptionsByTopic", "Subscriptions", args=_TOPIC),
    },
    drop=("Subscriptions[].Endpoint",),
)
