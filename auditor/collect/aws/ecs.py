"""ECS: capacity providers and services."""

from collections.abc import Sequence

from auditor.collect.asking import batches, raise_first, read, rows_of, side_by_side
from auditor.collect.declare import Call, CallFailed, Collector, ResourceType

_CLUSTERS = Call("ecs", "ListClusters", "clusterArns")

# ---- capacity providers ----------------------------------------------------------------------------------------------

_DESCRIBE_CLUSTERS = Call("ecs", "DescribeClusters", "clusters")
_PROVIDERS = Call("ecs", "DescribeCapacityProviders", "capacityProviders")
_AT_ONCE = 100
"""Clusters, and capacity providers, in one call."""

_FARGATE = ("FARGATE", "FARGATE_SPOT")


def _providers() -> Collector:
    """Yield the capacity providers that a cluster uses; one that none uses runs and scales nothing."""
    clusters: Sequence[str] = yield _CLUSTERS
    described = yield from side_by_side(
        Call("ecs", "DescribeClusters", "clusters", params={"clusters": batch}) for batch in batches(clusters, _AT_ONCE)
    )
    names = {name for cluster in read(described) for name in cluster.get("capacityProviders") or ()}
    yield from rows_of(
        Call("ecs", "DescribeCapacityProviders", "capacityProviders", params={"capacityProviders": batch})
        for batch in batches(sorted(names.difference(_FARGATE)), _AT_ONCE)
    )
    raise_first(described)


CAPACITY_PROVIDER = ResourceType(
    "AWS::ECS::CapacityProvider",
    "What a cluster runs tasks on; names the Auto Scaling group it scales.",
    collect=_providers,
    calls=(_CLUSTERS, _DESCRIBE_CLUSTERS, _PROVIDERS),
    id="{capacityProviderArn}",
    name="{name}",
)

# ---- services --------------------------------------------------------------------------------------------------------

_SERVICES = Call("ecs", "ListServices", "serviceArns")
_DESCRIBE = Call("ecs", "DescribeServices", "services")
_PER_CALL = 10


def _services() -> Collector:
    """Yield the services of every cluster: their ARNs cluster by cluster, then ten to a description."""
    clusters: Sequence[str] = yield _CLUSTERS
    listed = yield from side_by_side(
        Call("ecs", "ListServices", "serviceArns", params={"cluster": cluster}) for cluster in clusters
    )
    yield from rows_of(
        Call("ecs", "DescribeServices", "services", params={"cluster": cluster, "services": batch})
        for cluster, arns in zip(clusters, listed, strict=True)
        if not isinstance(arns, CallFailed)
        for batch in batches(arns, _PER_CALL)
    )
    raise_first(listed)


SERVICE = ResourceType(
    "AWS::ECS::Service",
    "An ECS service: how many tasks it keeps, and in which network.",
    collect=_services,
    calls=(_CLUSTERS, _SERVICES, _DESCRIBE),
    id="{serviceArn}",
    name="{serviceName}",
    volatile=("runningCount", "pendingCount"),
    # What happened lately, and how far roll-outs are: it changes with every task.
    drop=("events", "deployments", "taskSets"),
)
