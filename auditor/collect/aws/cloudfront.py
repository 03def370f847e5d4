"""CloudFront: distributions."""

from auditor.collect.declare import Call, ResourceType

DISTRIBUTION = ResourceType(
    "AWS::CloudFront::Distribution",
    "A distribution with its origins and its web ACL; not the headers it adds, which often are secrets.",
    # China has a CloudFront of its own, GovCloud none (docs.amazonaws.cn, "Getting Started", Amazon CloudFront).
    list=Call("cloudfront", "ListDistributions", "DistributionList.Items", region=("us-east-1", "cn-northwest-1")),
    id="{ARN}",
    name="{Id}",
    scope="global",
    drop=("Comment", "Origins.Items[].CustomHeaders"),
)
