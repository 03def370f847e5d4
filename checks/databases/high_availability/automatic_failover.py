"""Automatic failover: what is promoted when the primary fails can carry its load."""

from collections.abc import Iterator

from auditor.kit import MEDIUM, Case, Document, Evidence, Facts, Fix, NotApplicable, NoThresholds, check
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE, GIB, class_memory_bytes, is_multi_az_cluster

INSTANCE_TYPE = "AWS::EC2::InstanceType"

_CLUSTER = {
    "DBClusterIdentifier": "orders",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:orders",
    "Engine": "aurora-mysql",
    "DBClusterMembers": [
        {"DBInstanceIdentifier": "orders-1", "IsClusterWriter": True, "PromotionTier": 1},
        {"DBInstanceIdentifier": "orders-2", "IsClusterWriter": False, "PromotionTier": 1},
    ],
}
_THREE = {
    **_CLUSTER,
    "DBClusterMembers": [
        *_CLUSTER["DBClusterMembers"],
        {"DBInstanceIdentifier": "orders-3", "IsClusterWriter": False, "PromotionTier": 1},
    ],
}
_AUTO_SCALED = {
    **_CLUSTER,
    "DBClusterMembers": [
        *_CLUSTER["DBClusterMembers"],
        {"DBInstanceIdentifier": "orders-3", "IsClusterWriter": False, "PromotionTier": 15},
    ],
}
_TYPES: list[Document] = [
    {"InstanceType": "r6g.large", "MemoryInfo": {"SizeInMiB": 16384}},
    {"InstanceType": "r6g.xlarge", "MemoryInfo": {"SizeInMiB": 32768}},
    {"InstanceType": "r7g.xlarge", "MemoryInfo": {"SizeInMiB": 32768}},
    {"InstanceType": "t4g.medium", "MemoryInfo": {"SizeInMiB": 4096}},
]


def _members(*classes: str) -> dict[str, list[Document]]:
    """Members orders-1, orders-2 … of the given classes and the types behind them, for the cases."""
    members: list[Document] = [
        {"DBInstanceIdentifier": f"orders-{number}", "DBClusterIdentifier": "orders", "DBInstanceClass": name}
        for number, name in enumerate(classes, 1)
    ]
    return {DB_INSTANCE: members, INSTANCE_TYPE: _TYPES}


@check(
    "aurora-failover-target-same-class",
    pattern="databases.high-availability.automatic-failover",
    on=DB_CLUSTER,
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {facts.target} --db-instance-class {facts.writer} --promotion-tier 1 --apply-immediately",
        terraform="aws_rds_cluster_instance.instance_class",
    ),
    reads=(DB_INSTANCE, INSTANCE_TYPE),
    passes=[
        Case(_CLUSTER, related=_members("db.r6g.large", "db.r6g.large")),
        Case(_CLUSTER, related=_members("db.serverless", "db.serverless")),
        Case(_CLUSTER, related=_members("db.r6g.xlarge", "db.r7g.xlarge"), why="another family, as large"),
        Case(_CLUSTER, related=_members("db.r6g.large", "db.r6g.xlarge")),
        Case(
            _THREE,
            related=_members("db.r6g.xlarge", "db.t4g.medium", "db.r6g.xlarge"),
            why="of equal tiers the largest is promoted",
        ),
        Case(
            _AUTO_SCALED,
            related=_members("db.r6g.large", "db.r6g.large", "db.t4g.medium"),
            why="Auto Scaling adds readers in tier 15",
        ),
        Case(
            {**_CLUSTER, "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 16}},
            related=_members("db.r6g.xlarge", "db.serverless"),
            why="16 capacity units have as much memory",
        ),
    ],
    fails=[
        Case(_CLUSTER, related=_members("db.r6g.xlarge", "db.r6g.large")),
        Case(
            _AUTO_SCALED,
            related=_members("db.r6g.xlarge", "db.t4g.medium", "db.r6g.xlarge"),
            why="the reader of the writer's size stands in a later tier",
        ),
        Case(
            {**_CLUSTER, "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4}},
            related=_members("db.r6g.xlarge", "db.serverless"),
        ),
    ],
    skips=[
        Case({**_CLUSTER, "DBClusterMembers": _CLUSTER["DBClusterMembers"][:1]}),
        Case(
            {**_CLUSTER, "DBClusterMembers": _CLUSTER["DBClusterMembers"][1:]}, why="a secondary cluster has no writer"
        ),
        Case({**_CLUSTER, "Engine": "postgres", "DBClusterInstanceClass": "db.r6gd.large"}),
    ],
    unknowns=[
        Case(_CLUSTER, unread=[DB_INSTANCE]),
        Case(_CLUSTER, related=_members("db.r6g.xlarge", "db.r6g.large"), unread=[INSTANCE_TYPE]),
        Case(_CLUSTER, related=_members("db.r6g.large", "db.serverless"), why="its largest capacity was not given"),
    ],
)
def aurora_failover_target_same_class(cluster: Facts, want: NoThresholds) -> Iterator[Evidence]:
    """The reader that Aurora would promote is as large as the writer.

    Why: a smaller instance takes over the whole load at the worst moment, and fails under it.

    Fix: give one reader of the first promotion tier the writer's class.

    Source: Aurora User Guide, "Fault tolerance for an Aurora DB cluster" (the lowest tier is promoted first, of equal tiers the
    largest instance); the standard's "Automatic failover".
    """
    if is_multi_az_cluster(cluster):
        raise NotApplicable("all instances of a Multi-AZ DB cluster have one class")
    members = cluster.get("DBClusterMembers", ())
    writers = [m["DBInstanceIdentifier"] for m in members if m.get("IsClusterWriter")]
    others = [m for m in members if not m.get("IsClusterWriter")]
    if not writers or not others:
        raise NotApplicable("there is nothing to promote" if writers else "the cluster has no writer")
    tier = min(m.get("PromotionTier", 1) for m in others)
    first = [m["DBInstanceIdentifier"] for m in others if m.get("PromotionTier", 1) == tier]
    (writer, *targets) = cluster.related(DB_INSTANCE, [writers[0], *first], "DBInstanceIdentifier", required=True)
    if any(target["DBInstanceClass"] == writer["DBInstanceClass"] for target in targets):
        return
    needed = class_memory_bytes(writer, cluster)
    largest = max(targets, key=lambda target: class_memory_bytes(target, cluster))
    held = class_memory_bytes(largest, cluster)
    if held < needed:
        yield Evidence(
            f"would promote {largest['DBInstanceIdentifier']} ({largest['DBInstanceClass']}, {held / GIB:g} GiB), smaller than the"
            f" writer ({writer['DBInstanceClass']}, {needed / GIB:g} GiB)",
            {
                "writer": writer["DBInstanceClass"],
                "target": largest["DBInstanceIdentifier"],
                "class": largest["DBInstanceClass"],
                "PromotionTier": tier,
            },
        )
