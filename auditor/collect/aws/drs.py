"""Elastic Disaster Recovery: servers that are replicated."""

from auditor.collect.declare import Call, ResourceType

SOURCE_SERVER = ResourceType(
    "AWS::DRS::SourceServer",
    "A server that Elastic Disaster Recovery replicates, and how far behind the copy is.",
    # An account that never set the service up gets UninitializedAccountException: it has no servers.
    list=Call("drs", "DescribeSourceServers", "items", absent=("UninitializedAccountException",)),
    id="{arn}",
    name="{sourceServerID}",
    tags="tags",
    volatile=("dataReplicationInfo", "lifeCycle"),
    drop=("sourceProperties.lastUpdatedDateTime",),
)
