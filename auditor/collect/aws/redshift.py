"""Redshift: provisioned clusters and reserved nodes."""

from auditor.collect.declare import Call, ResourceType

CLUSTER = ResourceType(
    "AWS::Redshift::Cluster",
    "A provisioned Redshift cluster.",
    list=Call("redshift", "DescribeClusters", "Clusters"),
    # AWS Backup and the console name it so; ClusterNamespaceArn is another thing's.
    id="arn:{partition}:redshift:{region}:{account}:cluster:{ClusterIdentifier}",
    name="{ClusterIdentifier}",
    tags="Tags",
    volatile=("RestoreStatus", "DataTransferProgress", "ResizeInfo"),
    drop=("Endpoint", "PendingModifiedValues.MasterUserPassword"),
)

RESERVED_NODE = ResourceType(
    "AWS::Redshift::ReservedNode",
    "Nodes of Redshift that are paid for a year or three.",
    list=Call("redshift", "DescribeReservedNodes", "ReservedNodes"),
    only=lambda node: node.get("State") != "retired",
    id="arn:{partition}:redshift:{region}:{account}:reserved-node/{ReservedNodeId}",
    name="{ReservedNodeId}",
)
