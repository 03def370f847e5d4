"""AWS Batch: compute environments."""

from auditor.collect.declare import Call, ResourceType

COMPUTE_ENVIRONMENT = ResourceType(
    "AWS::Batch::ComputeEnvironment",
    "A compute environment of AWS Batch: where its jobs run.",
    list=Call("batch", "DescribeComputeEnvironments", "computeEnvironments"),
    id="{computeEnvironmentArn}",
    name="{computeEnvironmentName}",
    tags="tags",
)
