"""Transaction logs: every change can be restored a few minutes after it was made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.kit import HIGH, MINUTES, Case, Evidence, Facts, Fix, NotApplicable, ago, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    age_hours,
    backup_retention_days,
    is_replica,
    skip_member,
    skip_replica,
    status,
)

_RESTING = frozenset(
    {
        "creating",
        "deleting",
        "restoring",
        "starting",
        "stopped",
        "stopping",
        "storage-full",
        "backtracking",
        "migrating",
    }
)
"""Statuses in which no logs are shipped, so that LatestRestorableTime stands still."""


@dataclass(frozen=True, slots=True)
class TransactionLogs:
    """The numbers of "Transaction logs"."""

    max_log_lag_minutes: int
    new_resource_grace_hours: int


_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=100),
    "BackupRetentionPeriod": 7,
    "LatestRestorableTime": ago(minutes=4),
}
_UNRESTORABLE = {key: value for key, value in _ORDERS.items() if key != "LatestRestorableTime"}


@check(
    "rds-pitr-current",
    pattern="databases.backup.transaction-logs",
    on=DB_INSTANCE,
    severity=HIGH,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --backup-retention-period 30 --apply-immediately",
        terraform="aws_db_instance.backup_retention_period",
    ),
    same_as=("prowler:rds_instance_backup_enabled", "fsbp:RDS.11"),
    passes=[Case(_ORDERS), Case({**_ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "main"})],
    fails=[
        Case({**_UNRESTORABLE, "BackupRetentionPeriod": 0}),
        Case(_UNRESTORABLE),
        Case({**_ORDERS, "LatestRestorableTime": ago(minutes=40)}),
        Case(
            {**_ORDERS, "Engine": "sqlserver-se", "LatestRestorableTime": ago(hours=30)},
            why="a SQL Server database in the SIMPLE recovery model has no log to ship",
        ),
    ],
    skips=[
        Case({**_ORDERS, "DBClusterIdentifier": "orders"}),
        Case(
            {
                **_UNRESTORABLE,
                "BackupRetentionPeriod": 0,
                "ReadReplicaSourceDBInstanceIdentifier": "main",
            }
        ),
        Case({**_ORDERS, "DBInstanceStatus": "stopped", "LatestRestorableTime": ago(days=3)}),
        Case({**_ORDERS, "DBInstanceStatus": "storage-full", "LatestRestorableTime": ago(hours=3)}),
        Case({**_ORDERS, "InstanceCreateTime": ago(minutes=30)}),
    ],
)
def rds_pitr_current(instance: Facts, want: TransactionLogs) -> Iterator[Evidence]:
    """A stand-alone instance can be restored to a moment some minutes ago.

    Why: what was written since the latest restorable moment is lost when the instance is.

    Fix: switch automated backups on; if they are, look why logs are not shipped (on SQL Server the recovery model).

    Source: RDS User Guide, "Restoring a DB instance to a specified time" (logs are shipped every five minutes); the
    standard's "Transaction logs".
    """
    skip_member(instance)
    retention = backup_retention_days(instance)
    if retention == 0 and is_replica(instance):
        raise NotApplicable("a replica without backups of its own: its source is judged")
    _skip_resting_and_new(instance, want)
    if retention == 0:
        yield Evidence("automated backups are off, so no transaction log is kept", {"BackupRetentionPeriod": 0})
    else:
        yield from _behind(instance, want)


def _skip_resting_and_new(database: Facts, want: TransactionLogs) -> None:
    if (now := status(database)) in _RESTING:
        raise NotApplicable(f"it is {now}: no logs are shipped meanwhile")
    if age_hours(database) < want.new_resource_grace_hours:
        raise NotApplicable("it is new")


def _behind(database: Facts, want: TransactionLogs) -> Iterator[Evidence]:
    if database.get("LatestRestorableTime") is None:
        yield Evidence("cannot be restored to any point in time", {"LatestRestorableTime": None})
        return
    minutes = database.hours_since("LatestRestorableTime") * 60
    if minutes > want.max_log_lag_minutes:
        yield Evidence(
            f"the latest restorable moment is {MINUTES} minutes ago, {want.max_log_lag_minutes} allowed",
            {"LatestRestorableTime": database["LatestRestorableTime"]},
            since=database.time("LatestRestorableTime"),
        )


_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=100),
    "BackupRetentionPeriod": 7,
    "LatestRestorableTime": ago(minutes=4),
}


@check(
    "rds-cluster-pitr-current",
    pattern="databases.backup.transaction-logs",
    on=DB_CLUSTER,
    severity=HIGH,
    fix=Fix(
        cli="aws rds modify-db-cluster --db-cluster-identifier {name} --backup-retention-period 30 --apply-immediately",
        terraform="aws_rds_cluster.backup_retention_period",
    ),
    passes=[_CLUSTER],
    fails=[
        {**_CLUSTER, "LatestRestorableTime": ago(minutes=16)},
        {key: value for key, value in _CLUSTER.items() if key != "LatestRestorableTime"},
    ],
    skips=[
        {**_CLUSTER, "Status": "stopped", "LatestRestorableTime": ago(days=2)},
        {**_CLUSTER, "ClusterCreateTime": ago(minutes=50)},
        {**_CLUSTER, "ReplicationSourceIdentifier": "arn:aws:rds:us-east-1:111122223333:cluster:shop"},
    ],
)
def rds_cluster_pitr_current(cluster: Facts, want: TransactionLogs) -> Iterator[Evidence]:
    """A cluster can be restored to a moment some minutes ago.

    Why: a cluster's log is always shipped; when its latest restorable moment stands still, new changes are in no backup.

    Fix: look at the cluster's events and storage, and ask AWS Support when nothing shows there.

    Source: Aurora User Guide, "Restoring a DB cluster to a specified time"; the standard's "Transaction logs".
    """
    skip_replica(cluster)
    _skip_resting_and_new(cluster, want)
    yield from _behind(cluster, want)
