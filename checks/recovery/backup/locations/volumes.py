"""EBS volumes: copied snapshots, policies that copy, replicated servers."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import (
    MEDIUM,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
)
from auditor.kit.arn import region_of
from auditor.kit.recovery import (
    EC2_INSTANCE,
    completed_snapshots,
    instance_ids,
    skip_data_class,
    skip_disposable_root,
    skip_idle_volume,
)

from ._regions import COPY_JOB, copy_jobs, is_fresh, job, judge
from .thresholds import BackupLocations

VOLUME = "AWS::EC2::Volume"
SNAPSHOT = "AWS::EC2::Snapshot"
LIFECYCLE_POLICY = "AWS::DLM::LifecyclePolicy"
SOURCE_SERVER = "AWS::DRS::SourceServer"

_INSTANCE_HINT = "sourceProperties.identificationHints.awsInstanceID"
_COPIES_VOLUME = "vol-ffffffff"
"""The volume that copied snapshots name. Source: EC2 API Reference, "Snapshot" (an arbitrary id); in practice this one."""
_POLICY_TAG = "aws:dlm:lifecycle-policy-id"


def _fresh_snapshots(volume: Facts, want: BackupLocations) -> list[Facts]:
    """Return the completed snapshots of VOLUME in its own region that are fresh enough to be the source of a fresh copy."""
    return [snapshot for snapshot in completed_snapshots(volume) if is_fresh(snapshot.hours_since("StartTime"), want)]


def _described_copies(volume: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions that hold copies of fresh snapshots, known by the description that EC2 gives a copy.

    Raises Unavailable when a fresh copy of the same size has a description of its own: it may be this volume's.
    """
    snapshots = _fresh_snapshots(volume, want)
    for snapshot in snapshots:
        native = f"[Copied {snapshot['SnapshotId']} from {volume.region}]"
        for text in {native, f"{native} {snapshot.get('Description', '')}".rstrip()}:
            for copy in volume.known_referrers(SNAPSHOT, "Description", text, everywhere=True):
                if copy.region != volume.region and copy["State"] == "completed":
                    yield copy.region
    volume.require_read(SNAPSHOT, "VolumeId", everywhere=True)
    if snapshots and _has_unnamed_copy(volume, want):
        raise Unavailable(
            Gap(
                "ec2:DescribeSnapshots", "NotRecorded", "copies with descriptions of their own do not tell their volume"
            )
        )


def _has_unnamed_copy(volume: Facts, want: BackupLocations) -> bool:
    newest = volume.once(_newest_unnamed_copies, everywhere=True).get(volume.get("Size"), {})
    return any(
        region != volume.region and is_fresh(copy.hours_since("StartTime"), want) for region, copy in newest.items()
    )


def _newest_unnamed_copies(somebody: Facts) -> dict[int | None, dict[str, Facts]]:
    """Return the newest copy with a description of its own, by size and region; looking at all for each volume takes ages."""
    newest: dict[int | None, dict[str, Facts]] = {}
    for copy in somebody.known_referrers(SNAPSHOT, "VolumeId", _COPIES_VOLUME, everywhere=True):
        if not copy.get("Description", "").startswith("[Copied snap-"):
            regions = newest.setdefault(copy.get("VolumeSize"), {})
            if copy.region not in regions or copy.time("StartTime") > regions[copy.region].time("StartTime"):
                regions[copy.region] = copy
    return newest


def _policy_copies(volume: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions to which Data Lifecycle Manager's policy copies the fresh snapshots that it made."""
    if not completed_snapshots(volume):
        return
    ids = {snapshot.tags[_POLICY_TAG] for snapshot in _fresh_snapshots(volume, want) if _POLICY_TAG in snapshot.tags}
    if not ids:
        return
    for policy in volume.related(LIFECYCLE_POLICY, sorted(ids), "PolicyId"):
        if policy["State"] != "ENABLED":
            continue
        details = policy["PolicyDetails"]
        for target in details.get("CrossRegionCopyTargets", ()):
            yield target.get("TargetRegion", "")
        for schedule in details.get("Schedules", ()):
            for rule in schedule.get("CrossRegionCopyRules", ()):
                # The target is a region, or the ARN of an Outpost in one.
                yield region_of(rule.get("Target", "")) or rule.get("TargetRegion") or rule.get("Target", "")


def _recovery_servers(volume: Facts, want: BackupLocations) -> Iterator[str]:
    """The other regions to which Elastic Disaster Recovery replicates the instances the volume is attached to."""
    instances = instance_ids(volume)
    for instance in instances:
        for server in volume.known_referrers(SOURCE_SERVER, _INSTANCE_HINT, instance, everywhere=True):
            if server["dataReplicationInfo"].get("dataReplicationState") == "CONTINUOUS":
                yield server.region
    if instances:
        volume.require_read(SOURCE_SERVER, _INSTANCE_HINT, everywhere=True)


_VOLUME: dict[str, Any] = {
    "VolumeId": "vol-0aaa",
    "Size": 100,
    "State": "in-use",
    "CreateTime": ago(days=100),
    "Attachments": [{"InstanceId": "i-0aaa", "Device": "/dev/sdf", "DeleteOnTermination": False}],
}
_ROOT = {**_VOLUME, "Attachments": [{"InstanceId": "i-0aaa", "Device": "/dev/xvda", "DeleteOnTermination": True}]}
_SNAPSHOT = {
    "SnapshotId": "snap-0aaa",
    "VolumeId": "vol-0aaa",
    "State": "completed",
    "StartTime": ago(hours=4),
    "Description": "nightly",
}
_COPY = {
    "SnapshotId": "snap-0ccc",
    "VolumeId": "vol-ffffffff",
    "VolumeSize": 100,
    "State": "completed",
    "StartTime": ago(hours=3),
    "Description": "[Copied snap-0aaa from eu-west-1]",
    "#region": "eu-central-1",
}
_BY_POLICY = {**_SNAPSHOT, "Tags": [{"Key": _POLICY_TAG, "Value": "policy-0aaa"}]}
_POLICY = {
    "PolicyId": "policy-0aaa",
    "State": "ENABLED",
    "PolicyDetails": {"Schedules": [{"Name": "daily", "CrossRegionCopyRules": [{"Target": "eu-central-1"}]}]},
}
_SERVER = {
    "arn": "arn:aws:drs:eu-central-1:111122223333:source-server/s-0aaa",
    "sourceServerID": "s-0aaa",
    "sourceProperties": {"identificationHints": {"awsInstanceID": "i-0aaa"}},
    "sourceCloudProperties": {"originRegion": "eu-west-1"},
    "dataReplicationInfo": {"dataReplicationState": "CONTINUOUS", "lagDuration": "PT3M"},
    "#region": "eu-central-1",
}
_VOLUME_ARN = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0aaa"


@check(
    "ebs-backup-in-second-region",
    pattern="recovery.backup.locations",
    on=VOLUME,
    severity=MEDIUM,
    fix=Fix(
        cli="aws ec2 copy-snapshot --source-region {region} --source-snapshot-id SNAPSHOT --region OTHER_REGION",
        terraform="aws_dlm_lifecycle_policy.policy_details.schedule.cross_region_copy_rule",
    ),
    reads=(SNAPSHOT, EC2_INSTANCE, LIFECYCLE_POLICY, COPY_JOB, SOURCE_SERVER),
    passes=[
        Case(_VOLUME, related={SNAPSHOT: [_SNAPSHOT, _COPY]}),
        Case(
            _VOLUME,
            related={SNAPSHOT: [_SNAPSHOT, {**_COPY, "Description": "[Copied snap-0aaa from eu-west-1] nightly"}]},
            why="the console adds the source's own description",
        ),
        Case(_VOLUME, related={SNAPSHOT: [_BY_POLICY], LIFECYCLE_POLICY: [_POLICY]}),
        Case(
            _VOLUME,
            related={
                SNAPSHOT: [_BY_POLICY],
                LIFECYCLE_POLICY: [
                    {**_POLICY, "PolicyDetails": {"CrossRegionCopyTargets": [{"TargetRegion": "eu-central-1"}]}}
                ],
            },
            why="a default policy",
        ),
        Case(_VOLUME, related={COPY_JOB: [job(_VOLUME_ARN)]}),
        Case(
            _VOLUME,
            recorded={COPY_JOB: [job(_VOLUME_ARN, hours=20)]},
            unread=[COPY_JOB],
            why="AWS Backup could not be asked tonight; last night's copy is in the evidence ledger",
        ),
        Case(
            _VOLUME,
            related={COPY_JOB: [job("arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaa")]},
            why="AWS Backup copied the whole instance",
        ),
        Case(_VOLUME, related={SOURCE_SERVER: [_SERVER]}),
        Case(_ROOT, related={SOURCE_SERVER: [_SERVER]}, unread=[EC2_INSTANCE]),
    ],
    fails=[
        Case(_VOLUME),
        Case(_VOLUME, related={SNAPSHOT: [_SNAPSHOT]}),
        Case(_VOLUME, related={SNAPSHOT: [_SNAPSHOT, {**_COPY, "#region": "eu-west-1"}]}),
        Case(_VOLUME, related={SNAPSHOT: [_SNAPSHOT, {**_COPY, "State": "pending"}]}),
        Case(
            _VOLUME,
            related={SNAPSHOT: [_SNAPSHOT, {**_COPY, "Description": "[Copied snap-0bbb from eu-west-1]"}]},
            why="the copy of another volume's snapshot",
        ),
        Case(_VOLUME, related={SNAPSHOT: [_BY_POLICY], LIFECYCLE_POLICY: [{**_POLICY, "State": "DISABLED"}]}),
        Case(_VOLUME, related={SNAPSHOT: [{**_SNAPSHOT, "StartTime": ago(days=9)}, _COPY]}),
        Case(
            _VOLUME, related={SOURCE_SERVER: [{**_SERVER, "dataReplicationInfo": {"dataReplicationState": "STALLED"}}]}
        ),
    ],
    skips=[
        Case(
            _ROOT,
            related={
                EC2_INSTANCE: [{"InstanceId": "i-0aaa", "RootDeviceName": "/dev/xvda", "InstanceLifecycle": "spot"}]
            },
        ),
        Case({**_VOLUME, "State": "available", "Attachments": []}),
        Case({**_VOLUME, "Tags": [{"Key": "data-class", "Value": "reproducible"}]}),
        Case({**_VOLUME, "CreateTime": ago(hours=20)}),
    ],
    unknowns=[
        Case(_VOLUME, unread=[SNAPSHOT]),
        Case(_VOLUME, unread=[COPY_JOB]),
        Case(
            _ROOT,
            related={
                EC2_INSTANCE: [{"InstanceId": "i-0aaa", "RootDeviceName": "/dev/xvda", "InstanceLifecycle": "spot"}]
            },
            unread=[COPY_JOB],
            why="it needs no copy, and may have one all the same",
        ),
        Case(_VOLUME, unread=[SOURCE_SERVER]),
        Case(_VOLUME, related={SNAPSHOT: [_BY_POLICY]}, unread=[LIFECYCLE_POLICY]),
        Case(
            _VOLUME,
            related={SNAPSHOT: [_SNAPSHOT, {**_COPY, "Description": "orders data"}]},
            why="a copy of the same size does not say of what",
        ),
    ],
)
def ebs_backup_in_second_region(volume: Facts, want: BackupLocations) -> Iterator[Evidence]:
    """A volume with data can be restored in a second region.

    Why: a region's outage, or an attacker in it, reaches every snapshot that lies there.

    Fix: let Data Lifecycle Manager or AWS Backup copy its snapshots to another region each day; tag volumes whose data may be
    lost.

    Source: EBS User Guide, "Copy an Amazon EBS snapshot" and "Automate cross-Region snapshot copies"; the standard's "Backup
    locations". A copied snapshot loses its volume: it is recognised by its description, or by the policy or job that made it.
    """
    skip_data_class(volume, want.data_class_tag_key, want.excluded_data_classes)
    if is_fresh(volume.hours_since("CreateTime"), want):
        raise NotApplicable("it is new: its first copy is not due yet")
    skip_idle_volume(volume, want.unattached_max_days)
    wrong, gap = judge(volume, want, (_described_copies, _policy_copies, copy_jobs, _recovery_servers))
    if wrong:
        skip_disposable_root(volume)
    yield from wrong
    if gap:
        raise gap
