"""Elastic Load Balancing, the first generation: Classic Load Balancers."""

from auditor.collect.declare import Batch, Call, Metric, ResourceType

_NAME = {"LoadBalancerName": "LoadBalancerName"}

LOAD_BALANCER = ResourceType(
    "AWS::ElasticLoadBalancing::LoadBalancer",
    "A Classic Load Balancer with its listeners, policies, attributes and the health of its instances.",
    list=Call("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions"),
    id="arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{LoadBalancerName}",
    name="{LoadBalancerName}",
    tags="Tags",
    details={
        "LoadBalancerAttributes": Call("elb", "DescribeLoadBalancerAttributes", "LoadBalancerAttributes", args=_NAME),
        "Tags": Batch(
            Call("elb", "DescribeTags", "TagDescriptions"),
            ids="LoadBalancerNames",
            by="LoadBalancerName",
            size=20,
            match="LoadBalancerName",
            value="Tags",
        ),
        "InstanceHealth": Call("elb", "DescribeInstanceHealth", "InstanceStates", args=_NAME),
    },
    details_when={"InstanceHealth": lambda balancer: bool(balancer.get("Instances"))},
    metrics=(
        Metric("AWS/ELB", "RequestCount", "Sum", _NAME, days=14),
        Metric("AWS/ELB", "EstimatedProcessedBytes", "Sum", _NAME, days=14),
    ),
    volatile=("InstanceHealth",),
    get=Call(
        "elb", "DescribeLoadBalancers", "LoadBalancerDescriptions", args={"LoadBalancerNames[]": "LoadBalancerName"}
    ),
)
