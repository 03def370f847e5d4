"""Data Lifecycle Manager: which snapshots are made when, and copied where."""

from auditor.collect.declare import Call, ResourceType

LIFECYCLE_POLICY = ResourceType(
    "AWS::DLM::LifecyclePolicy",
    "A Data Lifecycle Manager policy: which snapshots are made when, and copied where.",
    list=Call("dlm", "GetLifecyclePolicies", "Policies"),
    id="arn:{partition}:dlm:{region}:{account}:policy/{PolicyId}",
    name="{PolicyId}",
    tags="Tags",
    details={"PolicyDetails": Call("dlm", "GetLifecyclePolicy", "Policy.PolicyDetails", args={"PolicyId": "PolicyId"})},
)
