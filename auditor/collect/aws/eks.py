"""EKS: which clusters there are."""

from collections.abc import Sequence

from auditor.collect.declare import Call, Collector, ResourceType

_CLUSTERS = Call("eks", "ListClusters", "clusters")


def _clusters() -> Collector:
    """Yield a row for each name that ListClusters answers."""
    names: Sequence[str] = yield _CLUSTERS
    yield [{"name": name} for name in names]


CLUSTER = ResourceType(
    "AWS::EKS::Cluster",
    "An EKS cluster; only its name is read.",
    collect=_clusters,
    calls=(_CLUSTERS,),
    id="arn:{partition}:eks:{region}:{account}:cluster/{name}",
    name="{name}",
)
