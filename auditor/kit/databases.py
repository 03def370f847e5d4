"""What many checks must know of RDS: who is whose replica or member, what a status means, which snapshots there are."""

from collections.abc import Iterator
from datetime import datetime

from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.kit.time import hours_between, parse_time
from auditor.model import Gap

__all__ = [
    "DB_CLUSTER",
    "DB_CLUSTER_SNAPSHOT",
    "DB_INSTANCE",
    "DB_SNAPSHOT",
    "GIB",
    "SERVERLESS",
    "age_hours",
    "backup_retention_days",
    "class_memory_bytes",
    "created_at",
    "engine_family",
    "has_standby",
    "identifier",
    "is_aurora",
    "is_cluster",
    "is_multi_az_cluster",
    "is_replica",
    "is_running",
    "known_snapshots",
    "readers",
    "require_snapshots",
    "skip_member",
    "skip_replica",
    "skip_transient",
    "snapshot_time",
    "status",
]

DB_INSTANCE = "AWS::RDS::DBInstance"
DB_CLUSTER = "AWS::RDS::DBCluster"
DB_SNAPSHOT = "AWS::RDS::DBSnapshot"
DB_CLUSTER_SNAPSHOT = "AWS::RDS::DBClusterSnapshot"
INSTANCE_TYPE = "AWS::EC2::InstanceType"

GIB = 2**30

SERVERLESS = "db.serverless"
"""The instance class of Aurora Serverless v2."""

GIB_PER_ACU = 2
"""Memory of an Aurora capacity unit. Source: Aurora User Guide, "How Aurora Serverless v2 works"."""

_DOWN = frozenset(
    {
        "creating",
        "deleting",
        "failed",
        "insufficient-capacity",
        "restore-error",
        "starting",
        "stopped",
        "stopping",
        "storage-full",
    }
)
_DOWN_PREFIXES = ("inaccessible-encryption-credentials", "incompatible-")
"""Statuses in which a database serves nobody. Source: RDS User Guide, "Viewing DB instance status"."""


def is_cluster(database: Facts) -> bool:
    """Return whether DATABASE is a cluster, not an instance."""
    return database.type.endswith("::DBCluster")


def identifier(database: Facts) -> str:
    """Return the identifier of an instance or a cluster: unique in its account and region."""
    return str(database["DBClusterIdentifier" if is_cluster(database) else "DBInstanceIdentifier"])


def status(database: Facts) -> str:
    """Return the status of an instance or a cluster, ``available``."""
    return str(database["Status" if is_cluster(database) else "DBInstanceStatus"])


def is_running(database: Facts) -> bool:
    """Return whether DATABASE serves: available, or in one of the statuses that pass by while it does (``backing-up``)."""
    now = status(database)
    return now not in _DOWN and not now.startswith(_DOWN_PREFIXES)


def created_at(database: Facts) -> datetime:
    """Return when an instance or a cluster was created (UTC)."""
    return database.time("ClusterCreateTime" if is_cluster(database) else "InstanceCreateTime")


def age_hours(database: Facts) -> float:
    """Return the hours since DATABASE was created."""
    return hours_between(created_at(database), database.observed_at)


def is_replica(database: Facts) -> bool:
    """Return whether DATABASE is a read replica (of an instance or a cluster), or a secondary cluster of a global database."""
    if is_cluster(database):
        return bool(database.get("ReplicationSourceIdentifier"))
    return bool(
        database.get("ReadReplicaSourceDBInstanceIdentifier") or database.get("ReadReplicaSourceDBClusterIdentifier")
    )


def skip_member(database: Facts) -> None:
    """Raise NotApplicable for an instance that belongs to a cluster: its cluster is judged."""
    if not is_cluster(database) and database.get("DBClusterIdentifier"):
        raise NotApplicable("it belongs to a cluster, which is judged itself")


def skip_replica(database: Facts) -> None:
    """Raise NotApplicable for a replica: its source is judged."""
    if is_replica(database):
        raise NotApplicable("it is a replica: its source is judged")


def skip_transient(database: Facts) -> None:
    """Raise NotApplicable for a database that is just being made or deleted."""
    if (now := status(database)) in ("creating", "deleting"):
        raise NotApplicable(f"it is {now} right now")


def is_aurora(database: Facts) -> bool:
    """Return whether DATABASE runs Aurora (MySQL or PostgreSQL)."""
    return bool(database["Engine"].startswith("aurora"))


def is_multi_az_cluster(cluster: Facts) -> bool:
    """Return whether CLUSTER is an RDS Multi-AZ DB cluster: MySQL or PostgreSQL with two readable standbys, no Aurora."""
    return not is_aurora(cluster)


_FAMILIES = ("sqlserver", "oracle", "db2")


def engine_family(engine: str) -> str:
    """Return ENGINE without its edition: ``sqlserver-se`` -> ``sqlserver``; ``aurora-mysql`` and ``custom-…`` stay as they are.

    ``aurora`` is the old name of ``aurora-mysql`` (MySQL 5.6).
    """
    if engine == "aurora":
        return "aurora-mysql"
    return next((family for family in _FAMILIES if engine.startswith(f"{family}-")), engine)


def readers(cluster: Facts) -> list[str]:
    """Return the identifiers of the members that are not the writer."""
    return [m["DBInstanceIdentifier"] for m in cluster.get("DBClusterMembers", ()) if not m.get("IsClusterWriter")]


def has_standby(database: Facts) -> bool:
    """Return whether DATABASE itself can fail over: a cluster with a reader, an instance in two zones that is no member."""
    if is_cluster(database):
        return bool(readers(database))
    return not database.get("DBClusterIdentifier") and bool(database["MultiAZ"])


def backup_retention_days(database: Facts) -> int:
    """Return how many days automated backups are kept; a pending change counts when it keeps them shorter."""
    days = int(database["BackupRetentionPeriod"])
    pending = database.get("PendingModifiedValues", {}).get("BackupRetentionPeriod")
    return days if pending is None else min(days, int(pending))


def known_snapshots(database: Facts) -> Iterator[Facts]:
    """Yield the snapshots of DATABASE that are available in its region and were read: automated, manual, AWS Backup's.

    Instances are matched by DbiResourceId, because identifiers are used again (and by identifier too where several
    instances share a DbiResourceId, as some endpoints have it); clusters by identifier, and by DbClusterResourceId where
    the snapshot has one.
    """
    if is_cluster(database):
        own = database.get("DbClusterResourceId")
        for snapshot in database.known_referrers(DB_CLUSTER_SNAPSHOT, "DBClusterIdentifier", identifier(database)):
            if snapshot.get("DbClusterResourceId", own) == own and _is_usable(snapshot):
                yield snapshot
    else:
        resource_id, name = database["DbiResourceId"], identifier(database)
        unique = len(database.known_referrers(DB_INSTANCE, "DbiResourceId", resource_id)) < 2
        for snapshot in database.known_referrers(DB_SNAPSHOT, "DbiResourceId", resource_id):
            if _is_usable(snapshot) and (unique or snapshot.get("DBInstanceIdentifier") == name):
                yield snapshot


def _is_usable(snapshot: Facts) -> bool:
    return snapshot.get("Status") == "available" and snapshot.get("SnapshotCreateTime") is not None


def require_snapshots(database: Facts) -> None:
    """Raise Unavailable when there could be more snapshots of DATABASE than were read."""
    database.referrers(DB_CLUSTER_SNAPSHOT if is_cluster(database) else DB_SNAPSHOT, "id")


def snapshot_time(snapshot: Facts) -> datetime:
    """Return the moment (UTC) whose data SNAPSHOT holds; a copy's own SnapshotCreateTime is only when it was copied."""
    return parse_time(snapshot.get("OriginalSnapshotCreateTime") or snapshot["SnapshotCreateTime"])


def class_memory_bytes(instance: Facts, cluster: Facts | None = None) -> int:
    """Return the memory of INSTANCE's class in bytes: that of the EC2 type it is named after.

    For Aurora Serverless v2 it is that of the largest capacity its CLUSTER allows. Raises Unavailable when EC2 does not
    know the type.
    """
    name = str(instance["DBInstanceClass"])
    if name == SERVERLESS:
        scaling = cluster.get("ServerlessV2ScalingConfiguration") if cluster else None
        if not scaling or "MaxCapacity" not in scaling:
            raise Unavailable(Gap(DB_CLUSTER, "FieldMissing", "the cluster's largest capacity is not known"))
        return int(scaling["MaxCapacity"] * GIB_PER_ACU * GIB)
    (type,) = instance.related(INSTANCE_TYPE, [name.removeprefix("db.")], "InstanceType", required=True)
    return int(type["MemoryInfo"]["SizeInMiB"]) * 2**20
