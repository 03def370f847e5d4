"""ECS: capacity providers and services."""

from collections.abc import Iterator, Sequence

from auditor.collect.declare import Call, CallFailed, Collector, ResourceType, Row

CAPACITY_PROVIDER = ResourceType(
    "AWS::ECS::CapacityProvider",
    "What ECS runs tasks on; names the Auto Scaling group it scales.",
    list=Call("ecs", "DescribeCapacityProviders", "capacityProviders"),
    id="{capacityProviderArn}",
    name="{name}",
)

_CLUSTERS = Call("ecs", "ListClusters", "clusterArns")
_SERVICES = Call("ecs", "ListServices", "serviceArns")
_DESCRIBE = Call("ecs", "DescribeServices", "services")
_PER_CALL = 10


def _services() -> Collector:
    """Yield the services of every cluster: their ARNs cluster by cluster, then ten to a description."""
    clusters: Sequence[str] = yield _CLUSTERS
    if not clusters:
        return
    lists = [Call("ecs", "ListServices", "serviceArns", params={"cluster": cluster}) for cluster in clusters]
    listed: Sequence[Sequence[str] | CallFailed] = yield lists
    failed = [arns for arns in listed if isinstance(arns, CallFailed)]
    calls = [
        Call("ecs", "DescribeServices", "services", params={"cluster": cluster, "services": batch})
        for cluster, arns in zip(clusters, listed, strict=True)
        if not isinstance(arns, CallFailed)
        for batch in _batches(arns)
    ]
    described: Sequence[Sequence[Row] | CallFailed] = (yield calls) if calls else ()
    for rows in described:
        if isinstance(rows, CallFailed):
            failed.append(rows)
        else:
            yield rows
    if failed:
        raise failed[0]


def _batches(arns: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(arns), _PER_CALL):
        yield arns[start : start + _PER_CALL]


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
