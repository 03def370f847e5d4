"""CloudFront: distributions."""

from auditor.collect.declare import Call, ResourceType

DISTRIBUTION = ResourceType(
    "AWS::CloudFront::Distribution",
    "A distribution with its origins and its web ACL. The headers it adds are not kept: they often are secrets.",
    list=Call("cloudfront", "ListDistributions", "DistributionList.Items", region="us-east-1"),
    id="{ARN}",
    name="{Id}",
    scope="global",
    drop=("Origins.Items[].CustomHeaders",),
)
