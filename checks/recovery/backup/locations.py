"""Backup locations: every data store has a usable copy in a second region."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from auditor.kit import (
    HIGH,
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
from auditor.kit.recovery import EC2_INSTANCE, instance_ids, skip_data_class, skip_disposable_root, skip_idle_volume

GLOBAL_CLUSTER = "AWS::RDS::GlobalCluster"
COPY_JOB = "AWS::Backup::CopyJob"
VOLUME = "AWS::EC2::Volume"
SNAPSHOT = "AWS::EC2::Snapshot"
LIFECYCLE_POLICY = "AWS::DLM::LifecyclePolicy"
SOURCE_SERVER = "AWS::DRS::SourceServer"


@dataclass(frozen=True, slots=True)
class BackupLocations:
    """The numbers of "Backup locations"."""

    min_regions: int
    allowed_regions: tuple[str, ...]
    copy_max_age_hours: int
    data_class_tag_key: str
    excluded_data_classes: tuple[str, ...]
    excluded_bucket_classes: tuple[str, ...]
    unattached_max_days: int


Source = Callable[[Facts, BackupLocations], Iterator[str]]
"""Yields the regions in which one kind of copy lies; raises Unavailable, last, when there could be more."""


def _judge(
    store: Facts, want: BackupLocations, sources: tuple[Source, ...]
) -> tuple[list[Evidence], Unavailable | None]:
    """Return what is wrong with the regions that hold copies of STORE (its own counts), and what could not be read if it matters."""
    regions: set[str] = {store.region}
    gap: Unavailable | None = None
    for source in sources:
        try:
            for region in source(store, want):
                regions.add(region)
        except Unavailable as unavailable:
            gap = gap or unavailable
    regions.discard("")
    outside = sorted(regions - {store.region} - set(want.allowed_regions)) if want.allowed_regions else []
    usable = regions - set(outside)
    wrong = []
    if outside:
        wrong.append(Evidence(f"is copied to {', '.join(outside)}, where its data may not lie", {"regions": outside}))
    if len(usable) >= want.min_regions:
        return wrong, None
    if not gap:
        wrong.append(
            Evidence(
                f"has a usable copy in {len(usable)} of {want.min_regions} regions: {', '.join(sorted(usable))}",
                {"regions": sorted(usable), "hours_allowed": want.copy_max_age_hours},
            )
        )
    return wrong, gap


def _is_fresh(hours: float, want: BackupLocations) -> bool:
    return hours <= want.copy_max_age_hours


# ---- copy jobs of AWS Backup, for every kind of store ----


def _copy_jobs(store: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions to which AWS Backup copied STORE, or an instance it is attached to."""
    names = [store.id]
    if store.type == VOLUME:
        names += [store.id.replace(f"volume/{store['VolumeId']}", f"instance/{name}") for name in instance_ids(store)]
    for name in names:
        for job in store.known_referrers(COPY_JOB, "ResourceArn", name):
            if job["State"] == "COMPLETED" and _is_fresh(job.hours_since("CompletionDate"), want):
                yield region_of(job["DestinationBackupVaultArn"])
    store.referrers(COPY_JOB, "ResourceArn")


# ---- databases ----


def _replications(database: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions to which the database itself replicates: its backups, read replicas, a global database's members."""
    for replication in database.get("DBInstanceAutomatedBackupsReplications", ()):
        yield region_of(replication.get("DBInstanceAutomatedBackupsArn", ""))
    for field in ("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBClusterIdentifiers", "ReadReplicaIdentifiers"):
        for name in database.get(field, ()):
            yield region_of(name)
    if is_cluster(database):
        for whole in database.known_referrers(GLOBAL_CLUSTER, "GlobalClusterMembers[].DBClusterArn"):
            for member in whole["GlobalClusterMembers"]:
                yield region_of(member["DBClusterArn"])
        database.referrers(GLOBAL_CLUSTER, "GlobalClusterMembers[].DBClusterArn")


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
        if _is_fresh(hours_between(snapshot_time(snapshot), database.observed_at), want):
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


def _job(arn: str, region: str = "eu-central-1", hours: float = 5, state: str = "COMPLETED") -> dict[str, Any]:
    """A copy job of AWS Backup, for the cases."""
    return {
        "CopyJobId": "job-1",
        "ResourceArn": arn,
        "State": state,
        "DestinationBackupVaultArn": f"arn:aws:backup:{region}:111122223333:backup-vault:dr",
        "CompletionDate": ago(hours=hours),
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
        Case(_ORDERS, related={COPY_JOB: [_job(_ARN)]}),
        Case(_ORDERS, related={COPY_JOB: [_job(_ARN)]}, unread=[DB_SNAPSHOT]),
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
        Case(_ORDERS, related={COPY_JOB: [_job(_ARN, "eu-west-1")]}),
        Case(_ORDERS, related={COPY_JOB: [_job(_ARN, state="FAILED")]}),
        Case(_ORDERS, related={COPY_JOB: [_job(_ARN, hours=60)]}),
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
    wrong, gap = _judge(database, want, (_replications, _snapshot_copies, _copy_jobs))
    yield from wrong
    if gap:
        raise gap


# ---- volumes ----

_INSTANCE_HINT = "sourceProperties.identificationHints.awsInstanceID"
_COPIES_VOLUME = "vol-ffffffff"
"""The volume that copied snapshots name. Source: EC2 API Reference, "Snapshot" (an arbitrary id); in practice this one."""
_POLICY_TAG = "aws:dlm:lifecycle-policy-id"


def _fresh_snapshots(volume: Facts, want: BackupLocations) -> list[Facts]:
    """Return the completed snapshots of VOLUME in its own region that are fresh enough to be the source of a fresh copy."""
    return [
        snapshot
        for snapshot in volume.known_referrers(SNAPSHOT, "VolumeId", volume["VolumeId"])
        if snapshot["State"] == "completed" and _is_fresh(snapshot.hours_since("StartTime"), want)
    ]


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
    volume.referrers(SNAPSHOT, "VolumeId", _COPIES_VOLUME, everywhere=True)
    if snapshots and _has_unnamed_copy(volume, want):
        raise Unavailable(
            Gap(
                "ec2:DescribeSnapshots", "NotRecorded", "copies with descriptions of their own do not tell their volume"
            )
        )


def _has_unnamed_copy(volume: Facts, want: BackupLocations) -> bool:
    return any(
        copy.region != volume.region
        and copy.get("VolumeSize") == volume.get("Size")
        and not copy.get("Description", "").startswith("[Copied snap-")
        and _is_fresh(copy.hours_since("StartTime"), want)
        for copy in volume.known_referrers(SNAPSHOT, "VolumeId", _COPIES_VOLUME, everywhere=True)
    )


def _policy_copies(volume: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions to which Data Lifecycle Manager's policy copies the fresh snapshots that it made."""
    ids = {snapshot.tags[_POLICY_TAG] for snapshot in _fresh_snapshots(volume, want) if _POLICY_TAG in snapshot.tags}
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
        volume.referrers(SOURCE_SERVER, _INSTANCE_HINT, instances[0], everywhere=True)


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
        Case(_VOLUME, related={COPY_JOB: [_job(_VOLUME_ARN)]}),
        Case(
            _VOLUME,
            related={COPY_JOB: [_job("arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaa")]},
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
    if _is_fresh(volume.hours_since("CreateTime"), want):
        raise NotApplicable("it is new: its first copy is not due yet")
    skip_idle_volume(volume, want.unattached_max_days)
    wrong, gap = _judge(volume, want, (_described_copies, _policy_copies, _copy_jobs, _recovery_servers))
    if wrong or gap:
        skip_disposable_root(volume)
    yield from wrong
    if gap:
        raise gap
