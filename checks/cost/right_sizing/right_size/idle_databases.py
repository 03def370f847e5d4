"""Right-size: databases that nobody uses."""

from collections.abc import Iterator

from auditor.kit import HIGH, LOW, Case, Evidence, Facts, Fix, NotApplicable, Severity, ago, check, sum_of
from auditor.kit.bills import database_hours, database_iops, database_storage
from auditor.kit.databases import SERVERLESS, created_at, is_aurora, is_replica
from auditor.kit.usage import datapoints, skip_tagged, skip_young

from ._databases import (
    DATABASE,
    DB_CLUSTER,
    DB_INSTANCE,
    MEMBER,
    NO_METRICS,
    advice,
    is_idle,
    measured,
    skip_unavailable,
)
from ._recommendations import RDS_RECOMMENDATION
from .thresholds import RightSize

_ALONE = {"Metrics": measured(DatabaseConnections__Maximum=0)}
_USED = {"Metrics": {"DatabaseConnections.Maximum": datapoints(0, 0, 0, 0, 0, 3, 0)}}


def _cluster(writer: str = "shop", engine: str = "aurora-mysql", **scaling: float) -> dict[str, object]:
    return {
        "DBClusterIdentifier": "shop-cluster",
        "Engine": engine,
        "DBClusterMembers": [
            {"DBInstanceIdentifier": name, "IsClusterWriter": name == writer} for name in ("shop", "shop-2")
        ],
        **({"ServerlessV2ScalingConfiguration": scaling} if scaling else {}),
    }


@check(
    "rds-instance-idle",
    pattern="cost.right-sizing.right-size",
    on=DB_INSTANCE,
    severity=HIGH,
    reads=(DB_CLUSTER, RDS_RECOMMENDATION),
    fix=Fix(
        cli="aws rds delete-db-instance --db-instance-identifier {name} --final-db-snapshot-identifier {name}-final",
        terraform="aws_db_instance (remove)",
    ),
    same_as=(
        "trusted-advisor:Ti39halfu8",
        "thrifty:rds_db_low_connection_count",
        "service-screener:RdsIsIdle7days",
    ),
    passes=[
        {**DATABASE, **_USED},
        Case({**DATABASE, "Metrics": measured(1, DatabaseConnections__Maximum=5)}, why="one connection proves its use"),
        Case({**DATABASE, **_USED}, unread=[RDS_RECOMMENDATION, DB_CLUSTER]),
    ],
    fails=[
        {**DATABASE, **_ALONE},
        Case({**DATABASE, **_ALONE}, unread=[RDS_RECOMMENDATION], why="the metrics decide"),
        Case(DATABASE, related={RDS_RECOMMENDATION: [advice(idle="True")]}, gaps=NO_METRICS, why="AWS finds it idle"),
        Case(
            {**DATABASE, **_ALONE, "ReadReplicaSourceDBInstanceIdentifier": "main"}, why="a replica nobody reads from"
        ),
        Case({**MEMBER, **_ALONE}, related={DB_CLUSTER: [_cluster("shop-2")]}, why="a reader; it may stand by: low"),
        Case(
            {**MEMBER, **_ALONE, "DBInstanceClass": SERVERLESS},
            related={DB_CLUSTER: [_cluster(MinCapacity=0.5, MaxCapacity=8)]},
            why="its smallest capacity is paid for",
        ),
    ],
    skips=[
        {**DATABASE, **_ALONE, "DBInstanceStatus": "stopped"},
        {**DATABASE, "InstanceCreateTime": ago(days=2), "Metrics": measured(2, DatabaseConnections__Maximum=0)},
        Case({**DATABASE, **_ALONE}, tags={"keep": "true"}),
        Case(
            {**MEMBER, **_ALONE, "DBInstanceClass": SERVERLESS},
            related={DB_CLUSTER: [_cluster(MinCapacity=0, MaxCapacity=8)]},
            why="it pauses by itself and costs nothing then",
        ),
        Case(
            {**MEMBER, **_ALONE, "Engine": "mysql"},
            related={DB_CLUSTER: [_cluster("shop-2", "mysql")]},
            why="a Multi-AZ DB cluster always has its two standbys",
        ),
    ],
    unknowns=[
        Case(DATABASE, gaps=NO_METRICS),
        Case({**DATABASE, "Metrics": measured(3, DatabaseConnections__Maximum=0)}, why="no data is not no use"),
        Case({**MEMBER, **_ALONE, "DBInstanceClass": SERVERLESS}, unread=[DB_CLUSTER], why="it may pause by itself"),
    ],
)
def rds_instance_idle(instance: Facts, want: RightSize) -> Iterator[Evidence]:
    """Somebody connects to a database.

    Why: an instance is paid for by the hour, used or not, and so are its storage and its IOPS.

    Fix: take a final snapshot and delete it, or stop it for a while (AWS starts it again after seven days). An engine that
    keeps connections of its own open (SQL Server, Oracle) needs a higher `rds_idle_connections_max`.

    Source: AWS Trusted Advisor, "Amazon RDS Idle DB Instances"; standard, "Match resources to actual usage". Readers of a
    cluster may stand by for a failover: then it is of low severity.
    """
    skip_unavailable(instance)
    doubt = skip_tagged(instance, want.keep_tag)
    skip_young(instance, created_at(instance), want.rds_idle_days)
    if want.rds_keep_replicas and is_replica(instance):
        raise NotApplicable("it is a replica, and those are kept")
    if not is_idle(instance, want):
        return
    if doubt:
        raise doubt
    severity = _as_member(instance)
    yield Evidence(
        f"nobody connected to it in {want.rds_idle_days} days",
        {"DBInstanceClass": instance["DBInstanceClass"], "days": want.rds_idle_days, "wanted": "connections"},
        severity=severity,
        saving=sum_of(
            database_hours(instance),
            *database_storage(instance, instance.get("AllocatedStorage")),
            *database_iops(instance),
        ),
    )


def _as_member(instance: Facts) -> Severity | None:
    """Return LOW for a reader, which may stand by. Raises NotApplicable for members that cost nothing or cannot go."""
    name = instance.get("DBClusterIdentifier")
    if not name:
        return None
    serverless, aurora = instance["DBInstanceClass"] == SERVERLESS, is_aurora(instance)
    # Of an Aurora instance with a class of its own the cluster only makes the finding milder.
    decides = serverless or not aurora
    clusters = instance.related(DB_CLUSTER, [name], by="DBClusterIdentifier", required=True) if decides else ()
    clusters = clusters or instance.known_referrers(DB_CLUSTER, "DBClusterIdentifier", name)
    reader = any(
        member["DBInstanceIdentifier"] == instance["DBInstanceIdentifier"] and not member.get("IsClusterWriter")
        for cluster in clusters
        for member in cluster.get("DBClusterMembers", ())
    )
    if serverless and any(c.get("ServerlessV2ScalingConfiguration", {}).get("MinCapacity") == 0 for c in clusters):
        raise NotApplicable("it pauses by itself when nobody connects")
    if reader and not aurora:
        raise NotApplicable("it is a standby of a Multi-AZ DB cluster, which always has two")
    return LOW if reader else None
