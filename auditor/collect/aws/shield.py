"""Shield Advanced: the subscription and what it protects."""

from auditor.collect.declare import Call, ResourceType

SUBSCRIPTION = ResourceType(
    "AWS::Shield::Subscription",
    "Whether the account pays for Shield Advanced.",
    list=Call("shield", "GetSubscriptionState", region="us-east-1"),
    id="arn:{partition}:shield::{account}:subscription",
    name="Shield Advanced",
    scope="global",
)

PROTECTION = ResourceType(
    "AWS::Shield::Protection",
    "A resource that Shield Advanced protects.",
    # Without a subscription there is nothing to list, and the answer says so with an error.
    list=Call("shield", "ListProtections", "Protections", region="us-east-1", absent=("ResourceNotFoundException",)),
    id="{ProtectionArn}",
    name="{Name}",
    scope="global",
)
