"""Redshift: reserved nodes."""

from auditor.collect.declare import Call, ResourceType

RESERVED_NODE = ResourceType(
    "AWS::Redshift::ReservedNode",
    "Nodes of Redshift that are paid for a year or three.",
    list=Call("redshift", "DescribeReservedNodes", "ReservedNodes"),
    only=lambda node: node.get("State") != "retired",
    id="arn:{partition}:redshift:{region}:{account}:reserved-node/{ReservedNodeId}",
    name="{ReservedNodeId}",
)
