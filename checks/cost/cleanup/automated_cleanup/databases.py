"""Automated cleanup: databases that stay stopped, and snapshots by hand that stay for ever."""

from collections.abc import Iterator

from auditor.kit import (
    DAYS,
    LOW,
    Case,
    Certainty,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Part,
    Saving,
    ago,
    check,
    sum_of,
    unpriced,
)
from auditor.kit.bills import database_iops, database_storage, net_of_snapshot
from auditor.kit.databases import GIB, is_aurora, snapshot_time, status
from auditor.kit.time import hours_between
from auditor.kit.usage import datapoints, skip_tagged

from .thresholds import AutomatedCleanup

DB_INSTANCE = "AWS::RDS::DBInstance"
DB_SNAPSHOT = "AWS::RDS::DBSnapshot"
DB_CLUSTER_SNAPSHOT = "AWS::RDS::DBClusterSnapshot"

# ---- stopped ---------------------------------------------------------------------------------------------------------


def _ran(days: int) -> dict[str, object]:
    """Return the metric of a database that ran on the first DAYS of the last 14."""
    held = datapoints(*[5.0] * 14)
    return {
        "CPUUtilization.Maximum": {**held, "Timestamps": held["Timestamps"][:days], "Values": held["Values"][:days]}
    }


_STOPPED = {
    "DBInstanceIdentifier": "shop",
    "DBInstanceStatus": "stopped",
    "InstanceCreateTime": ago(days=400),
    "Engine": "postgres",
    "MultiAZ": False,
    "StorageType": "gp3",
    "AllocatedStorage": 500,
    "AutomaticRestartTime": ago(days=-2),
    "Metrics": _ran(2),
}


@check(
    "rds-instance-stopped-long",
    pattern="cost.cleanup.automated-cleanup",
    on=DB_INSTANCE,
    severity=LOW,
    fix=Fix(
        cli="aws rds delete-db-instance --db-instance-identifier {name} --final-db-snapshot-identifier {name}-final",
        terraform="remove aws_db_instance",
    ),
    same_as=("cloud-custodian:rds",),
    passes=[
        {**_STOPPED, "DBInstanceStatus": "available", "Metrics": _ran(14)},
        Case({**_STOPPED, "Metrics": _ran(10)}, why="stopped for four days"),
    ],
    fails=[
        _STOPPED,
        Case({**_STOPPED, "Metrics": _ran(0)}),
        Case(
            {**_STOPPED, "DBClusterIdentifier": "shop", "Engine": "aurora-mysql"},
            why="its cluster's storage is paid for",
        ),
    ],
    skips=[
        Case(_STOPPED, tags={"keep": "true"}),
        Case({**_STOPPED, "InstanceCreateTime": ago(days=5)}, why="it is younger than that"),
    ],
    unknowns=[
        Case(_STOPPED, gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}),
    ],
)
def rds_instance_stopped_long(instance: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """A database is not stopped for longer than a week.

    Why: a stopped database still pays for its storage, its IOPS and its backups; AWS starts it again after seven days, and
    who stops it again and again does not need it.

    Fix: take a final snapshot and delete it; a snapshot costs less than the storage.

    Source: Amazon RDS User Guide, "Stopping an Amazon RDS DB instance temporarily"; standard, "Remove unused resources". The
    API does not tell since when: a database has metrics on the days on which it ran, and none on the others.
    """
    if status(instance) != "stopped":
        return
    doubt = skip_tagged(instance, want.keep_tag)
    lookback = want.rds_stopped_lookback_days
    if instance.days_since("InstanceCreateTime") < lookback:
        raise NotApplicable(f"it is younger than the {lookback} days it is judged by")
    stopped = lookback - instance.metric("CPUUtilization", "Maximum", days=lookback).days
    if stopped <= want.rds_stopped_days:
        return
    if doubt:
        raise doubt
    yield Evidence(
        f"is stopped, and was on {stopped} of the last {lookback} days",
        {
            "stopped_days": stopped,
            "lookback_days": lookback,
            "wanted_max_days": want.rds_stopped_days,
        },
        saving=_storage(instance),
    )


def _storage(instance: Facts) -> Saving:
    if instance.get("DBClusterIdentifier"):
        return unpriced("its storage is paid for with its cluster")
    gib = instance.get("AllocatedStorage")
    price = instance.prices.price("rds-backup", instance.region) if gib else None
    return net_of_snapshot([*database_storage(instance, gib), *database_iops(instance)], gib, price)


# ---- snapshots -------------------------------------------------------------------------------------------------------

_SNAPSHOT = {
    "DBSnapshotIdentifier": "shop-before-2025",
    "SnapshotType": "manual",
    "Status": "available",
    "Engine": "mysql",
    "SnapshotCreateTime": ago(days=200),
    "AllocatedStorage": 100,
}
_OF_CLUSTER = {
    "DBClusterSnapshotIdentifier": "shop-before-2025",
    "SnapshotType": "manual",
    "Status": "available",
    "Engine": "aurora-mysql",
    "SnapshotCreateTime": ago(days=200),
    "AllocatedStorage": 1,
}


@check(
    "rds-snapshot-old-manual",
    pattern="cost.cleanup.automated-cleanup",
    on=(DB_SNAPSHOT, DB_CLUSTER_SNAPSHOT),
    severity=LOW,
    fix=Fix(
        cli="aws rds delete-db-snapshot --db-snapshot-identifier {name}  # of a cluster: aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier {name}",
        terraform="remove aws_db_snapshot, aws_db_cluster_snapshot",
    ),
    same_as=("thrifty:rds_unused_snapshots", "service-screener:ManualSnapshotTooOld"),
    passes=[
        {**_SNAPSHOT, "SnapshotCreateTime": ago(days=30)},
        Case({**_OF_CLUSTER, "SnapshotCreateTime": ago(days=30)}, type=DB_CLUSTER_SNAPSHOT),
    ],
    fails=[
        _SNAPSHOT,
        Case(_OF_CLUSTER, type=DB_CLUSTER_SNAPSHOT),
        Case(
            {**_SNAPSHOT, "SnapshotCreateTime": ago(days=5), "OriginalSnapshotCreateTime": ago(days=200)},
            why="a copy of an old one is as old as its data",
        ),
    ],
    skips=[
        Case({**_SNAPSHOT, "SnapshotType": "automated"}, why="RDS deletes it itself"),
        Case({**_SNAPSHOT, "SnapshotType": "awsbackup"}, why="AWS Backup deletes it"),
        {**_SNAPSHOT, "Status": "creating"},
        Case(_SNAPSHOT, tags={"keep": "true"}),
        Case(_SNAPSHOT, tags={"legal-hold": "true"}),
    ],
)
def rds_snapshot_old_manual(snapshot: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """A database snapshot by hand is no older than three months.

    Why: nothing deletes a manual snapshot; it outlives its database, and its data the time it may be kept.

    Fix: delete it, export it to S3 if the law wants it kept, or let AWS Backup make snapshots that end.

    Source: Amazon RDS User Guide, "Managing manual backups"; standard, "Remove unused resources". The amount is an upper
    bound: snapshots are incremental, and backup storage up to the size of the region's databases is free.
    """
    if snapshot["SnapshotType"] != "manual":
        raise NotApplicable("it was not made by hand: what made it deletes it")
    if snapshot["Status"] != "available":
        raise NotApplicable("it is not available")
    days = hours_between(snapshot_time(snapshot), snapshot.observed_at) / 24
    if days <= want.rds_snapshot_max_age_days:
        return
    if doubt := skip_tagged(snapshot, want.keep_tag, want.legal_hold_tag):
        raise doubt
    yield Evidence(
        f"is {DAYS} days old, at most {want.rds_snapshot_max_age_days} are wanted",
        {
            "created": snapshot_time(snapshot).isoformat(),
            "AllocatedStorage": snapshot.get("AllocatedStorage", 0),
            "wanted_max_days": want.rds_snapshot_max_age_days,
        },
        saving=_backup(snapshot),
        since=snapshot_time(snapshot),
    )


def _backup(snapshot: Facts) -> Saving:
    """Return what deleting it saves at most; Aurora says of its snapshots no size at all."""
    size = snapshot.get("FullSnapshotSizeInBytes")
    gib = round(size / GIB, 2) if size else snapshot.get("AllocatedStorage", 0)
    if is_aurora(snapshot) and gib <= 1:
        return unpriced("Aurora does not tell the size of a snapshot")
    if not gib:
        return unpriced("its size is not known")
    price = snapshot.prices.price("aurora-backup" if is_aurora(snapshot) else "rds-backup", snapshot.region)
    note = "at most: backups up to the size of the region's databases are free"
    return sum_of(Part(gib, "GB", price), certainty=Certainty.UPPER_BOUND, note=note)
