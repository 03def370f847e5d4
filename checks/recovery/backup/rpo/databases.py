"""RPO of databases: the newest moment one can be restored to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from auditor.kit import HIGH, MINUTES, OBSERVED_AT, Case, Evidence, Facts, Fix, NotApplicable, ago, check, parse_time
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_CLUSTER_SNAPSHOT,
    DB_INSTANCE,
    DB_SNAPSHOT,
    age_hours,
    known_snapshots,
    require_snapshots,
    skip_member,
    skip_replica,
    skip_transient,
    snapshot_time,
    status,
)
from auditor.kit.recovery import skip_data_class

from .thresholds import Rpo, minutes_between, too_old

_STOP_LASTS = timedelta(days=7)
"""A stopped database is started again after seven days, at AutomaticRestartTime. Source: RDS User Guide, "Stopping an Amazon RDS
DB instance temporarily"."""


_MEASURED_FOR_P95 = 5

_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "DbiResourceId": "db-ORDERS",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=100),
    "LatestRestorableTime": ago(minutes=5),
}
_STALE = {**_ORDERS, "LatestRestorableTime": ago(hours=7)}
_MEASURED = [
    {**_ORDERS, "LatestRestorableTime": ago(days=days, minutes=minutes), OBSERVED_AT: ago(days=days)}
    for days, minutes in enumerate((4, 5, 700, 6, 5, 4), 1)
]
_STOPPED = {
    **_ORDERS,
    "DBInstanceStatus": "stopped",
    "AutomaticRestartTime": ago(days=-5),
    "LatestRestorableTime": ago(days=2, minutes=3),
}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "DbClusterResourceId": "cluster-SHOP",
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=100),
    "LatestRestorableTime": ago(minutes=5),
}


def _taken(days: float = 0, hours: float = 0, minutes: float = 0) -> dict[str, Any]:
    """A snapshot of "orders" taken so long ago, for the cases."""
    return {
        "DBSnapshotIdentifier": "by-hand",
        "DBSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:snapshot:by-hand",
        "DBInstanceIdentifier": "orders",
        "DbiResourceId": "db-ORDERS",
        "Status": "available",
        "SnapshotCreateTime": ago(days=days, hours=hours, minutes=minutes),
    }


@check(
    "rds-recovery-point-within-rpo",
    pattern="recovery.backup.rpo",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=HIGH,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --backup-retention-period 30 --apply-immediately"
        "  # a cluster: aws rds modify-db-cluster --db-cluster-identifier {name} --backup-retention-period 30 --apply-immediately",
        terraform="aws_db_instance.backup_retention_period",
    ),
    reads=(DB_SNAPSHOT, DB_CLUSTER_SNAPSHOT),
    same_as=("prowler:rds_instance_backup_enabled",),
    passes=[
        Case(_ORDERS),
        Case(_ORDERS, unread=[DB_SNAPSHOT]),
        Case(_STALE, related={DB_SNAPSHOT: [_taken(minutes=20)]}),
        Case(_CLUSTER, type=DB_CLUSTER),
    ],
    fails=[
        Case(_STALE, recorded={DB_INSTANCE: _MEASURED}, why="and how it was on other days, by the evidence ledger"),
        Case(_STALE, related={DB_SNAPSHOT: [_taken(hours=3)]}),
        Case({key: value for key, value in _ORDERS.items() if key != "LatestRestorableTime"}),
        Case({**_ORDERS, "BackupRetentionPeriod": 0}, why="no log is kept, whatever moment it names"),
        Case({**_CLUSTER, "LatestRestorableTime": ago(hours=2)}, type=DB_CLUSTER),
        Case(
            {**_STOPPED, "LatestRestorableTime": ago(days=3)},
            related={DB_SNAPSHOT: [_taken(days=3)]},
            why="what was written in the last day before it was stopped is in no backup",
        ),
    ],
    skips=[
        Case(_STOPPED),
        Case({**_STOPPED, "LatestRestorableTime": ago(days=9)}, related={DB_SNAPSHOT: [_taken(days=1)]}),
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**_STALE, "ReadReplicaSourceDBInstanceIdentifier": "main"}),
        Case({**_STALE, "InstanceCreateTime": ago(minutes=40)}),
        Case({**_STALE, "TagList": [{"Key": "data-class", "Value": "reproducible"}]}),
    ],
    unknowns=[
        Case(_STALE, unread=[DB_SNAPSHOT]),
        Case({key: value for key, value in _STOPPED.items() if key != "AutomaticRestartTime"}),
    ],
)
def rds_recovery_point_within_rpo(database: Facts, want: Rpo) -> Iterator[Evidence]:
    """The newest moment a database can be restored to is less than an hour ago.

    Why: whatever was written since is lost when the database is lost now.

    Fix: switch automated backups on, and mend what keeps their transaction logs from being shipped.

    Source: RDS User Guide, "Restoring a DB instance to a specified time"; the standard's "RPO". A stopped database is measured
    at the moment it was stopped: nothing is written after it. With a finding stands what the evidence ledger measured on other
    days: the worst, and from five days on what 95 of 100 kept to.
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    skip_data_class(database, want.data_class_tag_key, want.excluded_data_classes)
    if age_hours(database) < want.new_resource_grace_hours:
        raise NotApplicable("it is new")
    stopped = status(database) in ("stopped", "stopping")
    now = database.time("AutomaticRestartTime") - _STOP_LASTS if stopped else database.observed_at
    point = _restorable(database)
    if point is None or minutes_between(point, now) > want.rpo_minutes:
        point = max((*(snapshot_time(s) for s in known_snapshots(database)), *([point] if point else [])), default=None)
        if point is None or minutes_between(point, now) > want.rpo_minutes:
            require_snapshots(database)
            # What is stopped ages no more: then the clock has no part in it.
            minutes = f"{minutes_between(point, now):,.0f}" if point and stopped else MINUTES
            yield Evidence(
                too_old(point, minutes, want),
                {"newest": point.isoformat() if point else None, "stopped": stopped, **_history(database)},
                since=None if stopped else point,
            )
            return
    if stopped:
        raise NotApplicable("it is stopped, and what was written before can be restored")


def _history(database: Facts) -> dict[str, float]:
    """Return how old, in minutes, earlier newest points were on the days that the ledger knows: at worst, and on 95 of 100.

    The one that is too old now is left out: with it the finding would be another one each night.
    """
    ages = sorted(
        minutes_between(kept.time("LatestRestorableTime"), kept.time(OBSERVED_AT))
        for kept in database.recorded(database.type, "id")
        if kept.get(OBSERVED_AT) and kept["LatestRestorableTime"] != database.get("LatestRestorableTime")
    )
    if not ages:
        return {}
    measured = {"worst_minutes": round(ages[-1], 1)}
    if len(ages) >= _MEASURED_FOR_P95:
        measured["p95_minutes"] = round(ages[-(-len(ages) * 95 // 100) - 1], 1)
    return measured


def _restorable(database: Facts) -> datetime | None:
    if database.get("BackupRetentionPeriod") == 0:
        return None
    text = database.get("LatestRestorableTime")
    return parse_time(text) if text else None
