"""Daily backups: every database is backed up in full each day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from auditor.kit import (
    HIGH,
    HOURS,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    parse_time,
)
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_CLUSTER_SNAPSHOT,
    DB_INSTANCE,
    DB_SNAPSHOT,
    age_hours,
    backup_retention_days,
    is_cluster,
    is_replica,
    known_snapshots,
    require_snapshots,
    skip_member,
    skip_replica,
    skip_transient,
    snapshot_time,
    status,
)

PROTECTED_RESOURCE = "AWS::Backup::ProtectedResource"

_RETENTION_CLI = (
    "aws rds modify-db-instance --db-instance-identifier {name} --backup-retention-period 30 --apply-immediately"
    "  # a cluster: aws rds modify-db-cluster --db-cluster-identifier {name} --backup-retention-period 30 --apply-immediately"
)


@dataclass(frozen=True, slots=True)
class DailyBackups:
    """The numbers of "Daily backups"."""

    max_backup_age_hours: int
    backup_grace_hours: int
    job_window_hours: int
    pure_cache_tag: str


_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": _ARN,
    "DbiResourceId": "db-ORDERS",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=100),
    "BackupRetentionPeriod": 7,
    "PendingModifiedValues": {},
}
_CLUSTER_ARN = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": _CLUSTER_ARN,
    "DbClusterResourceId": "cluster-SHOP",
    "Engine": "aurora-postgresql",
    "Status": "available",
    "ClusterCreateTime": ago(days=100),
    "BackupRetentionPeriod": 7,
}
_SOURCE = {
    **_ORDERS,
    "DBInstanceIdentifier": "main",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:main",
}
_REPLICA = {**_ORDERS, "BackupRetentionPeriod": 0, "ReadReplicaSourceDBInstanceIdentifier": "main"}


@check(
    "rds-automated-backups-enabled",
    pattern="databases.backup.daily",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=HIGH,
    fix=Fix(cli=_RETENTION_CLI, terraform="aws_db_instance.backup_retention_period"),
    same_as=("prowler:rds_instance_backup_enabled", "fsbp:RDS.11"),
    passes=[Case(_ORDERS), Case(_CLUSTER, type=DB_CLUSTER), Case({**_REPLICA, "BackupRetentionPeriod": 7})],
    fails=[
        Case({**_ORDERS, "BackupRetentionPeriod": 0}),
        Case(
            {**_ORDERS, "PendingModifiedValues": {"BackupRetentionPeriod": 0}},
            why="the next maintenance window switches them off",
        ),
        Case({**_ORDERS, "BackupRetentionPeriod": 0, "PendingModifiedValues": {"BackupRetentionPeriod": 7}}),
        Case(_REPLICA, related={DB_INSTANCE: [{**_SOURCE, "BackupRetentionPeriod": 0}]}),
    ],
    skips=[
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
        Case(_REPLICA, related={DB_INSTANCE: [_SOURCE]}),
        Case({**_ORDERS, "DBInstanceStatus": "deleting"}),
        Case(
            {**_REPLICA, "ReadReplicaSourceDBInstanceIdentifier": "arn:aws:rds:us-east-1:111122223333:db:main"},
            related={
                DB_INSTANCE: [
                    {
                        **_SOURCE,
                        "DBInstanceArn": "arn:aws:rds:us-east-1:111122223333:db:main",
                        "#region": "us-east-1",
                    }
                ]
            },
        ),
        Case(
            {
                **_ORDERS,
                "BackupRetentionPeriod": 0,
                "ReadReplicaSourceDBClusterIdentifier": "shop",
            },
            related={DB_CLUSTER: [_CLUSTER]},
        ),
    ],
    unknowns=[Case(_REPLICA, unread=[DB_INSTANCE]), Case(_REPLICA, why="its source is in another account")],
)
def rds_automated_backups_enabled(database: Facts, want: DailyBackups) -> Iterator[Evidence]:
    """Automated backups are switched on.

    Why: without them there is no daily snapshot and no transaction log, and a mistake cannot be taken back.

    Fix: set a retention period above zero.

    Source: RDS User Guide, "Enabling automated backups"; FSBP RDS.11; the standard's "Daily backups".
    """
    skip_member(database)
    skip_transient(database)
    if backup_retention_days(database) > 0:
        return
    if not is_cluster(database) and is_replica(database) and backup_retention_days(_source(database)) > 0:
        raise NotApplicable("a replica without backups of its own: its source has them")
    now = database["BackupRetentionPeriod"]
    yield Evidence(
        "automated backups are off" if now == 0 else "automated backups will be switched off by a pending change",
        {"BackupRetentionPeriod": now, "to_be": backup_retention_days(database)},
    )


def _source(replica: Facts) -> Facts:
    """Return what REPLICA replicates; in another region it is named by its ARN. Raises Unavailable when it is not known."""
    for type, field, by in (
        (DB_INSTANCE, "ReadReplicaSourceDBInstanceIdentifier", "DBInstanceIdentifier"),
        (DB_CLUSTER, "ReadReplicaSourceDBClusterIdentifier", "DBClusterIdentifier"),
    ):
        if name := replica.get(field):
            far = name.startswith("arn:")
            (source,) = replica.related(type, [name], "id" if far else by, required=True, everywhere=far)
            return source
    raise Unavailable(Gap("rds:DescribeDBInstances", "FieldMissing", "the replica's source is not known"))


def _snapshot(hours: float, **fields: Any) -> dict[str, Any]:
    """A snapshot of "orders" taken so many hours ago, for the cases."""
    return {
        "DBSnapshotIdentifier": "rds:orders-2026-06-14-23-10",
        "DBSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:snapshot:rds:orders-2026-06-14-23-10",
        "DBInstanceIdentifier": "orders",
        "DbiResourceId": "db-ORDERS",
        "SnapshotType": "automated",
        "Status": "available",
        "SnapshotCreateTime": ago(hours=hours),
        **fields,
    }


def _cluster_snapshot(hours: float, **fields: Any) -> dict[str, Any]:
    """A snapshot of "shop" taken so many hours ago, for the cases."""
    return {
        "DBClusterSnapshotIdentifier": "rds:shop-2026-06-14-23-10",
        "DBClusterSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:rds:shop-2026-06-14-23-10",
        "DBClusterIdentifier": "shop",
        "DbClusterResourceId": "cluster-SHOP",
        "SnapshotType": "automated",
        "Status": "available",
        "SnapshotCreateTime": ago(hours=hours),
        **fields,
    }


@check(
    "rds-snapshot-fresh",
    pattern="databases.backup.daily",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=HIGH,
    fix=Fix(
        cli="aws rds create-db-snapshot --db-instance-identifier {name} --db-snapshot-identifier SNAPSHOT"
        "  # a cluster: aws rds create-db-cluster-snapshot --db-cluster-identifier {name} --db-cluster-snapshot-identifier SNAPSHOT",
        terraform="aws_backup_plan.rule.schedule",
    ),
    reads=(DB_SNAPSHOT, DB_CLUSTER_SNAPSHOT, PROTECTED_RESOURCE),
    same_as=("prowler:rds_instance_protected_by_backup_plan", "fsbp:RDS.26"),
    passes=[
        Case(_ORDERS, related={DB_SNAPSHOT: [_snapshot(4), _snapshot(28)]}),
        Case(_ORDERS, related={DB_SNAPSHOT: [_snapshot(25, SnapshotType="awsbackup")]}),
        Case(_CLUSTER, related={DB_CLUSTER_SNAPSHOT: [_cluster_snapshot(4)]}, type=DB_CLUSTER),
        Case(_ORDERS, related={PROTECTED_RESOURCE: [{"ResourceArn": _ARN, "LastBackupTime": ago(hours=5)}]}),
        Case(
            _ORDERS,
            related={PROTECTED_RESOURCE: [{"ResourceArn": _ARN, "LastBackupTime": ago(hours=5)}]},
            unread=[DB_SNAPSHOT],
        ),
    ],
    fails=[
        Case(_ORDERS),
        Case(_ORDERS, related={DB_SNAPSHOT: [_snapshot(30)]}),
        Case(_ORDERS, related={DB_SNAPSHOT: [_snapshot(1, Status="creating")]}),
        Case(
            _ORDERS,
            related={DB_SNAPSHOT: [_snapshot(1, SnapshotType="manual", OriginalSnapshotCreateTime=ago(days=40))]},
            why="an old snapshot that was copied just now",
        ),
        Case(
            _ORDERS,
            related={DB_SNAPSHOT: [_snapshot(1, DbiResourceId="db-OLDER")]},
            why="the snapshot is of an earlier instance of the same name",
        ),
        Case(
            _ORDERS,
            related={
                DB_INSTANCE: [{**_ORDERS, "DBInstanceIdentifier": "other", "DBInstanceArn": f"{_ARN}-other"}],
                DB_SNAPSHOT: [_snapshot(1, DBInstanceIdentifier="other")],
            },
            why="two instances share an id, and the snapshot names the other",
        ),
        Case(
            _CLUSTER,
            related={
                DB_CLUSTER_SNAPSHOT: [_cluster_snapshot(30)],
                PROTECTED_RESOURCE: [{"ResourceArn": _CLUSTER_ARN, "LastBackupTime": ago(days=9)}],
            },
            type=DB_CLUSTER,
        ),
    ],
    skips=[
        Case({**_ORDERS, "InstanceCreateTime": ago(hours=20)}),
        Case({**_ORDERS, "DBInstanceStatus": "stopped"}),
        Case(_REPLICA),
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
    ],
    unknowns=[
        Case(_ORDERS, unread=[DB_SNAPSHOT]),
        Case(_ORDERS, related={DB_SNAPSHOT: [_snapshot(30)]}, unread=[PROTECTED_RESOURCE]),
    ],
)
def rds_snapshot_fresh(database: Facts, want: DailyBackups) -> Iterator[Evidence]:
    """The newest snapshot is not older than a day.

    Why: backups that are switched on can still fail; only a fresh snapshot shows that they work.

    Fix: take one now and look for failed backup events or jobs.

    Source: RDS User Guide, "Backup window"; FSBP RDS.26; the standard's "Daily backups".
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    if status(database) in ("stopped", "stopping", "starting"):
        raise NotApplicable("it is stopped: no backups are made meanwhile")
    limit = want.max_backup_age_hours + want.backup_grace_hours
    if age_hours(database) < limit:
        raise NotApplicable("it is new: its first daily backup is not due yet")
    now = database.observed_at
    newest = max((snapshot_time(snapshot) for snapshot in known_snapshots(database)), default=None)
    if newest and now - newest <= timedelta(hours=limit):
        return
    backups = [
        parse_time(row["LastBackupTime"])
        for row in database.known_referrers(PROTECTED_RESOURCE, "ResourceArn")
        if row.get("LastBackupTime")
    ]
    newest = max((*backups, *([newest] if newest else [])), default=None)
    if newest and now - newest <= timedelta(hours=limit):
        return
    require_snapshots(database)
    database.referrers(PROTECTED_RESOURCE, "ResourceArn")
    yield Evidence(
        f"its newest snapshot is {HOURS} hours old, {limit} allowed"
        if newest
        else "has no snapshot and no backup by AWS Backup",
        {"newest": newest.isoformat() if newest else None, "hours_allowed": limit},
        since=newest,
    )
