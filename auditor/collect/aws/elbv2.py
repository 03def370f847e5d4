"""Elastic Load Balancing: Application, Network and Gateway Load Balancers, their listeners, rules and target groups."""

from collections.abc import Callable

from auditor.collect.declare import Batch, Call, Metric, ResourceType, Row


def _tags(by: str) -> Batch:
    """Return the detail that reads tags, twenty ARNs a call; BY is the row's field with the ARN."""
    return Batch(
        Call("elbv2", "DescribeTags", "TagDescriptions"),
        ids="ResourceArns",
        by=by,
        size=20,
        match="ResourceArn",
        value="Tags",
    )


# ---- load balancers --------------------------------------------------------------------------------------------------

_FULL_NAME = {"LoadBalancer": "LoadBalancerFullName"}


def _of_type(type: str) -> Callable[[Row], bool]:
    return lambda balancer: balancer.get("Type") == type


def _with_full_name(balancer: Row) -> Row:
    """Return the balancer with CloudFormation's LoadBalancerFullName (``app/name/id``), CloudWatch's name for it."""
    return {**balancer, "LoadBalancerFullName": balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]}


LOAD_BALANCER = ResourceType(
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "An Application, Network or Gateway Load Balancer with its attributes and its daily traffic.",
    list=Call("elbv2", "DescribeLoadBalancers", "LoadBalancers"),
    shape=_with_full_name,
    id="{LoadBalancerArn}",
    name="{LoadBalancerName}",
    tags="Tags",
    details={
        "Attributes": Call(
            "elbv2", "DescribeLoadBalancerAttributes", "Attributes", args={"LoadBalancerArn": "LoadBalancerArn"}
        ),
        "Tags": _tags("LoadBalancerArn"),
    },
    metrics=(
        Metric("AWS/ApplicationELB", "RequestCount", "Sum", _FULL_NAME, when=_of_type("application")),
        *(
            Metric(namespace, name, "Sum", _FULL_NAME, when=_of_type(type))
            for type, namespace in (("network", "AWS/NetworkELB"), ("gateway", "AWS/GatewayELB"))
            for name in ("NewFlowCount", "ProcessedBytes")
        ),
    ),
    get=Call("elbv2", "DescribeLoadBalancers", "LoadBalancers", args={"LoadBalancerArns[]": "LoadBalancerArn"}),
)

# ---- target groups ---------------------------------------------------------------------------------------------------


def _in_use(group: Row) -> bool:
    return bool(group.get("LoadBalancerArns"))


TARGET_GROUP = ResourceType(
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "A target group with its health check. Attributes and health are read of those a load balancer uses.",
    list=Call("elbv2", "DescribeTargetGroups", "TargetGroups"),
    id="{TargetGroupArn}",
    name="{TargetGroupName}",
    tags="Tags",
    details={
        "Attributes": Call(
            "elbv2", "DescribeTargetGroupAttributes", "Attributes", args={"TargetGroupArn": "TargetGroupArn"}
        ),
        "Tags": _tags("TargetGroupArn"),
        "TargetHealthDescriptions": Call(
            "elbv2", "DescribeTargetHealth", "TargetHealthDescriptions", args={"TargetGroupArn": "TargetGroupArn"}
        ),
    },
    details_when={"Attributes": _in_use, "TargetHealthDescriptions": _in_use},
    volatile=("TargetHealthDescriptions",),
    get=Call("elbv2", "DescribeTargetGroups", "TargetGroups", args={"TargetGroupArns[]": "TargetGroupArn"}),
)

# ---- listeners and rules ---------------------------------------------------------------------------------------------

LISTENER = ResourceType(
    "AWS::ElasticLoadBalancingV2::Listener",
    "A listener of a load balancer with its default actions.",
    parent="AWS::ElasticLoadBalancingV2::LoadBalancer",
    list=Call("elbv2", "DescribeListeners", "Listeners", args={"LoadBalancerArn": "LoadBalancerArn"}),
    id="{ListenerArn}",
    name="{Protocol}:{Port}",
    tags="Tags",
    details={"Tags": _tags("ListenerArn")},
    drop=(
        "DefaultActions[].AuthenticateOidcConfig.ClientSecret",
        "DefaultActions[].AuthenticateOidcConfig.AuthenticationRequestExtraParams",
        "DefaultActions[].AuthenticateCognitoConfig.AuthenticationRequestExtraParams",
    ),
    get=Call("elbv2", "DescribeListeners", "Listeners", args={"ListenerArns[]": "ListenerArn"}),
)

LISTENER_RULE = ResourceType(
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "A rule of an HTTP or HTTPS listener, its default rule included; other listeners have none.",
    parent="AWS::ElasticLoadBalancingV2::Listener",
    parent_when=lambda listener: listener.get("Protocol") in ("HTTP", "HTTPS"),
    inherit=("ListenerArn", "LoadBalancerArn"),
    list=Call("elbv2", "DescribeRules", "Rules", args={"ListenerArn": "ListenerArn"}),
    id="{RuleArn}",
    name="{Priority}",
    tags="Tags",
    details={"Tags": _tags("RuleArn")},
    details_when={"Tags": lambda rule: not rule.get("IsDefault")},
    # The value of a header is what a CDN proves with that it is itself.
    drop=(
        "Actions[].AuthenticateOidcConfig.ClientSecret",
        "Actions[].AuthenticateOidcConfig.AuthenticationRequestExtraParams",
        "Actions[].AuthenticateCognitoConfig.AuthenticationRequestExtraParams",
        "Conditions[].RegexValues",
        "Conditions[].HttpHeaderConfig",
        "Conditions[].QueryStringConfig",
    ),
)
