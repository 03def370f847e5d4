"""WAF: regional web ACLs and the load balancers they protect."""

from auditor.collect.declare import Call, ResourceType

WEB_ACL = ResourceType(
    "AWS::WAFv2::WebACL",
    "A regional web ACL; ResourceArns are the Application Load Balancers it is attached to.",
    list=Call("wafv2", "ListWebACLs", "WebACLs", params={"Scope": "REGIONAL"}),
    id="{ARN}",
    name="{Name}",
    details={
        "ResourceArns": Call(
            "wafv2",
            "ListResourcesForWebACL",
            "ResourceArns",
            args={"WebACLArn": "ARN"},
            params={"ResourceType": "APPLICATION_LOAD_BALANCER"},
        )
    },
    drop=("LockToken",),
)
