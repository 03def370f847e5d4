"""ElastiCache: cache clusters and reserved nodes."""

from auditor.collect.declare import Call, ResourceType

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
