"""RDS: replicated backups, replicas, global databases, copied snapshots."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import (
    HIGH,
    Case,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    ago,
    check,
    hours_between,
)
from auditor.kit.arn import region_of
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_CLUSTER_SNAPSHOT,
    DB_INSTANCE,
    DB_SNAPSHOT,
    age_hours,
    identifier,
    is_cluster,
    skip_member,
    skip_replica,
    skip_transient,
    snapshot_time,
)
from auditor.kit.recovery import skip_data_class

from ._regions import COPY_JOB, copy_jobs, is_fresh, job, judge
from .thresholds import BackupLocations

GLOBAL_CLUSTER = "AWS::RDS::GlobalCluster"


def _replications(database: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions to which the database itself replicates: its backups, read replicas, a global database's members."""
    for replication in database.get("DBInstanceAutomatedBackupsReplications", ()):
        yield region_of(replication.get("DBInstanceAutomatedBackupsArn", ""))
    for field in ("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBClusterIdentifiers", "ReadReplicaIdentifiers"):
        for name in database.get(field, ()):
            yield region_of(name)
    if is_cluster(database):
        for whole in database.known_referrers(GLOBAL_CLUSTER, "GlobalClusterMembers[].DBClusterArn", everywhere=True):
            for member in whole["GlobalClusterMembers"]:
                yield region_of(member["DBClusterArn"])
        database.referrers(GLOBAL_CLUSTER, "GlobalClusterMembers[].DBClusterArn", everywhere=True)


def _snapshot_copies(database: Facts, want: BackupLocations) -> Iterator[str]:
    """The other regions that hold a fresh, usable copy of a snapshot made in the database's own region."""
    cluster = is_cluster(database)
    type, by = (DB_CLUSTER_SNAPSHOT, "DBClusterIdentifier") if cluster else (DB_SNAPSHOT, "DBInstanceIdentifier")
    for snapshot in database.known_referrers(type, by, identifier(database), everywhere=True):
        if snapshot.region == database.region or snapshot["Status"] != "available":
            continue
        source = snapshot.get("SourceDBClusterSnapshotArn" if cluster else "SourceDBSnapshotIdentifier", "")
        if database.region not in (snapshot.get("SourceRegion"), region_of(source)):
            continue
        if is_fresh(hours_between(snapshot_time(snapshot), database.observed_at), want):
            yield snapshot.region
    database.referrers(type, by, identifier(database), everywhere=True)


_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": _ARN,
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=100),
}
_CLUSTER_ARN = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": _CLUSTER_ARN,
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=100),
}
_GLOBAL = {
    "GlobalClusterIdentifier": "shop-world",
    "GlobalClusterArn": "arn:aws:rds::111122223333:global-cluster:shop-world",
    "GlobalClusterMembers": [
        {"DBClusterArn": _CLUSTER_ARN, "IsWriter": True, "Readers": []},
        {"DBClusterArn": "arn:aws:rds:eu-central-1:111122223333:cluster:shop-2", "IsWriter": False},
    ],
}


def _copied(hours: float, **fields: Any) -> dict[str, Any]:
    """A snapshot of "orders" copied to eu-central-1, its data so many hours old, for the cases."""
    return {
        "DBSnapshotIdentifier": "orders-copy",
        "DBSnapshotArn": "arn:aws:rds:eu-central-1:111122223333:snapshot:orders-copy",
        "DBInstanceIdentifier": "orders",
        "Status": "available",
        "SourceRegion": "eu-west-1",
        "SourceDBSnapshotIdentifier": "arn:aws:rds:eu-west-1:111122223333:snapshot:rds:orders-2026-06-14",
        "SnapshotCreateTime": ago(hours=1),
        "OriginalSnapshotCreateTime": ago(hours=hours),
        "#region": "eu-central-1",
        **fields,
    }


@check(
    "rds-backup-in-second-region",
    pattern="recovery.backup.locations",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=HIGH,
    fix=Fix(
        cli="aws rds start-db-instance-automated-backups-replication --source-db-instance-arn {id} --backup-retention-period 30 --region OTHER_REGION",
        terraform="aws_db_instance_automated_backups_replication",
    ),
    reads=(DB_SNAPSHOT, DB_CLUSTER_SNAPSHOT, GLOBAL_CLUSTER, COPY_JOB),
    passes=[
        Case(
            {
                **_ORDERS,
                "DBInstanceAutomatedBackupsReplications": [
                    {"DBInstanceAutomatedBackupsArn": "arn:aws:rds:eu-central-1:111122223333:auto-backup:ab-1"}
                ],
            }
        ),
        Case({**_ORDERS, "ReadReplicaDBInstanceIdentifiers": ["arn:aws:rds:eu-central-1:111122223333:db:orders-dr"]}),
        Case(_ORDERS, related={DB_SNAPSHOT: [_copied(20)]}),
        Case(_ORDERS, related={COPY_JOB: [job(_ARN)]}),
        Case(_ORDERS, related={COPY_JOB: [job(_ARN)]}, unread=[DB_SNAPSHOT]),
        Case(_ORDERS, recorded={COPY_JOB: [job(_ARN, hours=20)]}, unread=[COPY_JOB], why="the ledger has last night's"),
        Case(_CLUSTER, related={GLOBAL_CLUSTER: [_GLOBAL, _GLOBAL]}, type=DB_CLUSTER),
        Case(
            _CLUSTER,
            related={
                DB_CLUSTER_SNAPSHOT: [
                    {
                        "DBClusterSnapshotIdentifier": "shop-copy",
                        "DBClusterSnapshotArn": "arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:shop-copy",
                        "DBClusterIdentifier": "shop",
                        "Status": "available",
                        "SourceDBClusterSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:rds:shop",
                        "SnapshotCreateTime": ago(hours=3),
                        "#region": "eu-central-1",
                    }
                ]
            },
            type=DB_CLUSTER,
        ),
    ],
    fails=[
        Case(_ORDERS),
        Case(
            {**_ORDERS, "ReadReplicaDBInstanceIdentifiers": ["orders-eu-central-1"]},
            why="the replica lies in the same region, whatever its name says",
        ),
        Case(_ORDERS, related={DB_SNAPSHOT: [_copied(40)]}, why="an old snapshot that was copied an hour ago"),
        Case(_ORDERS, related={DB_SNAPSHOT: [_copied(5, Status="creating")]}),
        Case(
            _ORDERS,
            related={DB_SNAPSHOT: [_copied(5, SourceRegion="us-east-1", SourceDBSnapshotIdentifier="")]},
            why="the copy of another region's database of the same name",
        ),
        Case(_ORDERS, related={COPY_JOB: [job(_ARN, "eu-west-1")]}),
        Case(_ORDERS, related={COPY_JOB: [job(_ARN, state="FAILED")]}),
        Case(_ORDERS, related={COPY_JOB: [job(_ARN, hours=60)]}),
        Case(_CLUSTER, type=DB_CLUSTER),
    ],
    skips=[
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**_ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "main"}),
        Case({**_ORDERS, "InstanceCreateTime": ago(hours=20)}),
        Case({**_ORDERS, "TagList": [{"Key": "data-class", "Value": "cache"}]}),
    ],
    unknowns=[
        Case(_ORDERS, unread=[DB_SNAPSHOT]),
        Case(_ORDERS, unread=[COPY_JOB]),
        Case(_CLUSTER, unread=[GLOBAL_CLUSTER], type=DB_CLUSTER),
    ],
)
def rds_backup_in_second_region(database: Facts, want: BackupLocations) -> Iterator[Evidence]:
    """A database can be restored in a second region.

    Why: a region's outage, or an attacker in it, reaches every copy that lies there.

    Fix: replicate its automated backups, add a replica in another region, make the cluster global, or copy snapshots daily.

    Source: RDS User Guide, "Replicating automated backups to another AWS Region"; the standard's "Backup locations".
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    skip_data_class(database, want.data_class_tag_key, want.excluded_data_classes)
    if age_hours(database) < want.copy_max_age_hours:
        raise NotApplicable("it is new: its first copy is not due yet")
    wrong, gap = judge(database, want, (_replications, _snapshot_copies, copy_jobs))
    yield from wrong
    if gap:
        raise gap
