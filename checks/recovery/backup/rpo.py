"""RPO: at most one hour of data is lost, measured by the age of the newest point that can be restored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auditor.kit import (
    HIGH,
    MEDIUM,
    MINUTES,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    parse_duration,
    parse_time,
)
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
from auditor.kit.recovery import (
    EC2_INSTANCE,
    completed_snapshots,
    instance_ids,
    skip_data_class,
    skip_disposable_root,
    skip_idle_volume,
)

VOLUME = "AWS::EC2::Volume"
SNAPSHOT = "AWS::EC2::Snapshot"
SOURCE_SERVER = "AWS::DRS::SourceServer"

_STOP_LASTS = timedelta(days=7)
"""A stopped database is started again after seven days, at AutomaticRestartTime. Source: RDS User Guide, "Stopping an Amazon RDS
DB instance temporarily"."""


@dataclass(frozen=True, slots=True)
class Rpo:
    """The numbers of "RPO"."""

    rpo_minutes: int
    redshift_grace_minutes: int
    new_resource_grace_hours: int
    unattached_max_days: int
    data_class_tag_key: str
    excluded_data_classes: tuple[str, ...]
    excluded_bucket_classes: tuple[str, ...]
    rebuildable_tag: str
    primary_cache_tag: str


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
    at the moment it was stopped: nothing is written after it.
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
    if point is None or _minutes(point, now) > want.rpo_minutes:
        point = max((*(snapshot_time(s) for s in known_snapshots(database)), *([point] if point else [])), default=None)
        if point is None or _minutes(point, now) > want.rpo_minutes:
            require_snapshots(database)
            # What is stopped ages no more: then the clock has no part in it.
            minutes = f"{_minutes(point, now):,.0f}" if point and stopped else MINUTES
            yield Evidence(
                _too_old(point, minutes, want),
                {"newest": point.isoformat() if point else None, "stopped": stopped},
                since=None if stopped else point,
            )
            return
    if stopped:
        raise NotApplicable("it is stopped, and what was written before can be restored")


def _restorable(database: Facts) -> datetime | None:
    if database.get("BackupRetentionPeriod") == 0:
        return None
    text = database.get("LatestRestorableTime")
    return parse_time(text) if text else None


def _minutes(point: datetime, now: datetime) -> float:
    return (now - point).total_seconds() / 60


def _too_old(point: datetime | None, minutes: str, want: Rpo) -> str:
    if point is None:
        return "has no recovery point at all"
    return f"its newest recovery point is {minutes} minutes old, {want.rpo_minutes} allowed"


_VOLUME: dict[str, Any] = {
    "VolumeId": "vol-0aaa",
    "State": "in-use",
    "CreateTime": ago(days=100),
    "Attachments": [
        {
            "InstanceId": "i-0aaa",
            "Device": "/dev/sdf",
            "DeleteOnTermination": False,
            "State": "attached",
            "VolumeId": "vol-0aaa",
        }
    ],
}
_ROOT = {**_VOLUME, "Attachments": [{"InstanceId": "i-0aaa", "Device": "/dev/xvda", "DeleteOnTermination": True}]}
_INSTANCE = {"InstanceId": "i-0aaa", "RootDeviceName": "/dev/xvda"}


def _copy(minutes: float, **fields: Any) -> dict[str, Any]:
    """A snapshot of the volume begun so long ago, for the cases."""
    return {
        "SnapshotId": "snap-0aaa",
        "VolumeId": "vol-0aaa",
        "State": "completed",
        "StartTime": ago(minutes=minutes),
        **fields,
    }


def _server(state: str = "CONTINUOUS", lag: str = "PT3M") -> dict[str, Any]:
    """The instance as a source server of Elastic Disaster Recovery, for the cases."""
    return {
        "arn": "arn:aws:drs:eu-west-1:111122223333:source-server/s-0aaa",
        "sourceServerID": "s-0aaa",
        "sourceProperties": {"identificationHints": {"awsInstanceID": "i-0aaa"}},
        "dataReplicationInfo": {"dataReplicationState": state, "lagDuration": lag},
    }


@check(
    "ebs-recovery-point-within-rpo",
    pattern="recovery.backup.rpo",
    on=VOLUME,
    severity=MEDIUM,
    fix=Fix(
        cli="aws dlm create-lifecycle-policy --description hourly --state ENABLED --execution-role-arn ROLE --policy-details file://HOURLY.json",
        terraform="aws_dlm_lifecycle_policy.policy_details.schedule.create_rule.interval",
    ),
    reads=(SNAPSHOT, EC2_INSTANCE, SOURCE_SERVER),
    same_as=("prowler:dlm_ebs_snapshot_lifecycle_policy_exists", "fsbp:EC2.28"),
    passes=[
        Case(_VOLUME, related={SNAPSHOT: [_copy(40), _copy(100, SnapshotId="snap-0bbb")]}),
        Case(_VOLUME, related={SNAPSHOT: [_copy(40)]}, unread=[SOURCE_SERVER, EC2_INSTANCE]),
        Case(_VOLUME, related={SOURCE_SERVER: [_server()]}),
    ],
    fails=[
        Case(_VOLUME),
        Case(
            _VOLUME,
            related={SNAPSHOT: [_copy(90, CompletionTime=ago(minutes=10))]},
            why="it holds what was there at its start",
        ),
        Case(_VOLUME, related={SNAPSHOT: [_copy(10, State="pending")]}),
        Case(_VOLUME, related={SNAPSHOT: [_copy(10, VolumeId="vol-ffffffff")]}, why="a copy names no volume"),
        Case(_VOLUME, related={SOURCE_SERVER: [_server("STALLED")]}),
        Case(_VOLUME, related={SOURCE_SERVER: [_server(lag="PT2H")]}),
        Case(_ROOT, related={EC2_INSTANCE: [_INSTANCE]}, why="the root volume of an instance nobody would replace"),
        Case(
            {**_VOLUME, "Tags": [{"Key": "kubernetes.io/created-for/pv/name", "Value": "data"}]},
            why="a persistent volume holds data",
        ),
    ],
    skips=[
        Case(_ROOT, related={EC2_INSTANCE: [{**_INSTANCE, "InstanceLifecycle": "spot"}]}),
        Case(_ROOT, related={EC2_INSTANCE: [{**_INSTANCE, "Tags": [{"Key": "eks:cluster-name", "Value": "shop"}]}]}),
        Case(
            _ROOT,
            related={EC2_INSTANCE: [{**_INSTANCE, "Tags": [{"Key": "aws:autoscaling:groupName", "Value": "web"}]}]},
        ),
        Case({**_VOLUME, "State": "available", "Attachments": []}),
        Case({**_VOLUME, "Tags": [{"Key": "data-class", "Value": "ephemeral"}]}),
        Case({**_VOLUME, "CreateTime": ago(minutes=10)}),
    ],
    unknowns=[
        Case(_VOLUME, unread=[SNAPSHOT]),
        Case(_VOLUME, unread=[SOURCE_SERVER]),
        Case(_ROOT, unread=[EC2_INSTANCE]),
        Case(_VOLUME, related={SOURCE_SERVER: [_server(lag="soon")]}),
    ],
)
def ebs_recovery_point_within_rpo(volume: Facts, want: Rpo) -> Iterator[Evidence]:
    """The newest snapshot of a volume with data is less than an hour old.

    Why: whatever was written since is lost when the volume is lost now.

    Fix: let Data Lifecycle Manager take hourly snapshots, or replicate the instance with Elastic Disaster Recovery; tag volumes
    whose data may be lost.

    Source: EBS User Guide, "Amazon EBS snapshots" (a snapshot holds what was written until it began); FSBP EC2.28; the
    standard's "RPO".
    """
    skip_data_class(volume, want.data_class_tag_key, want.excluded_data_classes)
    if volume.hours_since("CreateTime") < want.new_resource_grace_hours:
        raise NotApplicable("it is new")
    skip_idle_volume(volume, want.unattached_max_days)
    newest = max([snapshot.time("StartTime") for snapshot in completed_snapshots(volume)], default=None)
    if newest is not None and _minutes(newest, volume.observed_at) <= want.rpo_minutes:
        return
    skip_disposable_root(volume)
    instances = instance_ids(volume)
    unclear = False
    for instance in instances:
        for server in volume.known_referrers(SOURCE_SERVER, _INSTANCE_HINT, instance):
            lag = _replication_lag(server)
            if lag is not None and lag.total_seconds() / 60 <= want.rpo_minutes:
                return
            unclear |= lag is None and server["dataReplicationInfo"].get("dataReplicationState") == "CONTINUOUS"
    volume.require_read(SNAPSHOT, "VolumeId")
    if instances:
        volume.require_read(SOURCE_SERVER, _INSTANCE_HINT)
    if unclear:
        raise Unavailable(
            Gap("drs:DescribeSourceServers", "FieldMissing", "how far replication lags behind is not known")
        )
    yield Evidence(
        _too_old(newest, MINUTES, want),
        {"newest": newest.isoformat() if newest else None, "instances": instances},
        since=newest,
    )


_INSTANCE_HINT = "sourceProperties.identificationHints.awsInstanceID"


def _replication_lag(server: Facts) -> timedelta | None:
    """Return how far a server's continuous replication lags behind; ``None`` without one, and where it is not told."""
    info = server["dataReplicationInfo"]
    if info.get("dataReplicationState") != "CONTINUOUS":
        return None
    try:
        return parse_duration(info.get("lagDuration", ""))
    except ValueError:
        return None
