"""ElastiCache: replication groups and their failovers, cache clusters and reserved nodes."""

from auditor.collect.declare import Call, Dated, ResourceType
from auditor.collect.events import FORTNIGHT, with_event_id

REPLICATION_GROUP = ResourceType(
    "AWS::ElastiCache::ReplicationGroup",
    "A replication group of Redis or Valkey: a primary with its replicas, in one node group or several.",
    list=Call("elasticache", "DescribeReplicationGroups", "ReplicationGroups"),
    id="{ARN}",
    name="{ReplicationGroupId}",
)

EVENT = ResourceType(
    "AWS::ElastiCache::Event",
    "A step of a failover of a replication group in the last 14 days.",
    list=Call(
        "elasticache",
        "DescribeEvents",
        "Events",
        params={"SourceType": "replication-group", "Duration": FORTNIGHT},
    ),
    only=lambda event: "failover" in str(event.get("Message", "")).lower(),
    shape=with_event_id,
    id="arn:{partition}:elasticache:{region}:{account}:event:{SourceType}:{SourceIdentifier}:{EventId}",
    name="{SourceIdentifier}",
    dated=(
        Dated(
            "failover",
            at="Date",
            about="SourceIdentifier",
            when=lambda event: "completed" in str(event.get("Message", "")).lower(),
        ),
    ),
)

CACHE_CLUSTER = ResourceType(
    "AWS::ElastiCache::CacheCluster",
    "A cache cluster: a Memcached cluster or one node of a Redis or Valkey replication group.",
    list=Call("elasticache", "DescribeCacheClusters", "CacheClusters"),
    id="{ARN}",
    name="{CacheClusterId}",
)

RESERVED_CACHE_NODE = ResourceType(
    "AWS::ElastiCache::ReservedCacheNode",
    "Cache nodes that are paid for a year or three.",
    list=Call("elasticache", "DescribeReservedCacheNodes", "ReservedCacheNodes"),
    only=lambda node: node.get("State") != "retired",
    id="{ReservationARN}",
    name="{ReservedCacheNodeId}",
)
