"""RPO of volumes: the newest snapshot, or how far a replica lags behind."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from auditor.kit import (
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
)
from auditor.kit.recovery import (
    EC2_INSTANCE,
    completed_snapshots,
    instance_ids,
    skip_data_class,
    skip_disposable_root,
    skip_idle_volume,
)

from .thresholds import Rpo, minutes_between, too_old

VOLUME = "AWS::EC2::Volume"
SNAPSHOT = "AWS::EC2::Snapshot"
SOURCE_SERVER = "AWS::DRS::SourceServer"

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
    if newest is not None and minutes_between(newest, volume.observed_at) <= want.rpo_minutes:
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
        too_old(newest, MINUTES, want),
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
