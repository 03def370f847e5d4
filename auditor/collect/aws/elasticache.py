"""ElastiCache: cache clusters."""

from auditor.collect.declare import Call, ResourceType

CACHE_CLUSTER = ResourceType(
    "AWS::ElastiCache::CacheCluster",
    "A cache cluster: a Memcached cluster or one node of a Redis or Valkey replication group.",
    list=Call("elasticache", "DescribeCacheClusters", "CacheClusters"),
    id="{ARN}",
    name="{CacheClusterId}",
)
