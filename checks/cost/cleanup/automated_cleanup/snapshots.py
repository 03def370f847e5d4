"""Automated cleanup: EBS snapshots that nobody needs any more."""

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
    Unavailable,
    ago,
    check,
    sum_of,
    unpriced,
)
from auditor.kit.usage import skip_tagged

from .thresholds import AutomatedCleanup

SNAPSHOT = "AWS::EC2::Snapshot"
VOLUME = "AWS::EC2::Volume"
IMAGE = "AWS::EC2::Image"

GIB = 2**30
_OF_A_COPY = "vol-ffffffff"
"""The volume AWS names where there is none: for copies of snapshots and what was made without one."""
_MANAGED_BY = {"aws:dlm:lifecycle-policy-id": "Data Lifecycle Manager", "aws:backup:source-resource": "AWS Backup"}
_MAPPED = "BlockDeviceMappings[].Ebs.SnapshotId"

_OLD = {
    "SnapshotId": "snap-1",
    "VolumeId": "vol-1",
    "OwnerId": "111122223333",
    "State": "completed",
    "StartTime": ago(days=200),
    "VolumeSize": 100,
    "StorageTier": "standard",
}
_COPY = {**_OLD, "VolumeId": _OF_A_COPY}
_THE_VOLUME: list[dict[str, object]] = [{"VolumeId": "vol-1"}]
_THE_IMAGE: list[dict[str, object]] = [
    {"ImageId": "ami-1", "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-1"}}]}
]
_BY_DLM = {"aws:dlm:lifecycle-policy-id": "policy-1"}
_BY_BACKUP = {"aws:backup:source-resource": "vol-1"}


def _manager(snapshot: Facts) -> str:
    """Return who deletes the snapshot when its time has come; empty: nobody."""
    tags = snapshot.tags
    return next((name for tag, name in _MANAGED_BY.items() if tag in tags), "") if tags else ""


def _skip_unjudged(snapshot: Facts) -> None:
    """Raise NotApplicable for a snapshot of another account and for one that is not finished."""
    if snapshot["OwnerId"] != snapshot.account:
        raise NotApplicable("another account owns it")
    if snapshot["State"] != "completed":
        raise NotApplicable("it is not complete")


def _is_of_image(snapshot: Facts) -> bool:
    """Return whether an image of this account starts from it. Raises Unavailable when there could be one."""
    if snapshot.known_referrers(IMAGE, _MAPPED, snapshot["SnapshotId"]):
        return True
    snapshot.require_read(IMAGE, _MAPPED)
    return False


def _has_volume(snapshot: Facts) -> bool:
    """Return whether its volume is still there. Raises Unavailable when that is not known; a copy never knows its volume."""
    if snapshot["VolumeId"] == _OF_A_COPY:
        raise Unavailable(
            Gap("ec2:DescribeSnapshots", "SourceUnknown", "a copy does not say which volume it comes from")
        )
    return bool(snapshot.related(VOLUME, [snapshot["VolumeId"]], by="VolumeId"))


def _deleted(snapshot: Facts) -> Saving:
    """Return what deleting it can save at most: snapshots are incremental, what others share with it stays."""
    size = snapshot.get("FullSnapshotSizeInBytes")
    gib = round(size / GIB, 2) if size else snapshot.get("VolumeSize", 0)
    if not gib:
        return unpriced("its size is not known")
    price = snapshot.prices.price("ebs-snapshot", snapshot.region, tier=snapshot.get("StorageTier", "standard"))
    note = "at most: what other snapshots share with it stays"
    return sum_of(Part(gib, "GB", price), certainty=Certainty.UPPER_BOUND, note=note)


def _facts(snapshot: Facts, want: AutomatedCleanup) -> dict[str, object]:
    of_volume, volume = 1, snapshot["VolumeId"]
    if volume != _OF_A_COPY:
        of_volume = len(snapshot.known_referrers(SNAPSHOT, "VolumeId", volume))
    return {
        "VolumeId": volume,
        "VolumeSize": snapshot.get("VolumeSize", 0),
        "StartTime": snapshot["StartTime"],
        "snapshots_of_the_volume": of_volume,
        "wanted_max_days": want.ebs_snapshot_max_age_days,
    }


@check(
    "ebs-snapshot-orphaned",
    pattern="cost.cleanup.automated-cleanup",
    on=SNAPSHOT,
    severity=LOW,
    reads=(VOLUME, IMAGE),
    fix=Fix(cli="aws ec2 delete-snapshot --snapshot-id {name}", terraform="remove aws_ebs_snapshot"),
    same_as=("service-screener:EBSSnapshotDeletedVolume",),
    passes=[
        Case(_OLD, related={VOLUME: _THE_VOLUME}),
        Case(_OLD, related={VOLUME: _THE_VOLUME}, unread=[IMAGE]),
        Case(_OLD, related={IMAGE: _THE_IMAGE}),
        Case(_COPY, related={IMAGE: _THE_IMAGE}, why="an image starts from the copy"),
        Case(_OLD, tags=_BY_DLM),
        Case(_OLD, tags=_BY_BACKUP, unread=[VOLUME, IMAGE]),
    ],
    fails=[_OLD, {**_OLD, "StorageTier": "archive", "FullSnapshotSizeInBytes": 50 * GIB}],
    skips=[
        {**_OLD, "StartTime": ago(days=30)},
        Case(_OLD, tags={"keep": "true"}),
        Case({**_OLD, "OwnerId": "999988887777"}, why="some endpoints list public ones too"),
        {**_OLD, "State": "error"},
    ],
    unknowns=[
        Case(_COPY, why="ebs-snapshot-too-old judges it by its age"),
        Case(_OLD, unread=[VOLUME]),
        Case(_OLD, unread=[IMAGE]),
    ],
)
def ebs_snapshot_orphaned(snapshot: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """An old snapshot still has its volume, an image that starts from it, or somebody who manages it.

    Why: when the volume is gone nobody makes newer snapshots of it, and the last ones are paid for until someone
    remembers them.

    Fix: ask whose data it was, then delete it, or archive it if the law wants it kept. Look first whether it is shared with
    other accounts.

    Source: Amazon EBS User Guide, "Delete an Amazon EBS snapshot"; standard, "Remove unused resources". Snapshots by Data
    Lifecycle Manager and AWS Backup are deleted by these.
    """
    _skip_unjudged(snapshot)
    if snapshot.days_since("StartTime") <= want.ebs_snapshot_max_age_days:
        raise NotApplicable(f"it is no older than {want.ebs_snapshot_max_age_days} days")
    doubt = skip_tagged(snapshot, want.keep_tag)
    if not doubt and _manager(snapshot):
        return
    for is_kept in (_has_volume, _is_of_image):
        try:
            if is_kept(snapshot):
                return
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    if doubt:
        raise doubt
    yield Evidence(
        f"is {DAYS} days old, and its volume is gone",
        _facts(snapshot, want),
        saving=_deleted(snapshot),
        since=snapshot.time("StartTime"),
    )


@check(
    "ebs-snapshot-too-old",
    pattern="cost.cleanup.automated-cleanup",
    on=SNAPSHOT,
    severity=LOW,
    reads=(VOLUME, IMAGE),
    fix=Fix(cli="aws ec2 delete-snapshot --snapshot-id {name}", terraform="aws_dlm_lifecycle_policy"),
    same_as=("thrifty:ebs_snapshot_max_age",),
    passes=[
        {**_OLD, "StartTime": ago(days=30)},
        Case({**_OLD, "StorageTier": "archive"}, why="it was put away at a quarter of the price"),
        Case(_OLD, related={VOLUME: _THE_VOLUME, IMAGE: _THE_IMAGE}),
        Case(_OLD, related={VOLUME: _THE_VOLUME}, tags=_BY_DLM),
    ],
    fails=[
        Case(_OLD, related={VOLUME: _THE_VOLUME}),
        Case(_COPY, why="a copy is judged by its age alone"),
        Case(_COPY, unread=[VOLUME]),
    ],
    skips=[
        Case(_OLD, related={VOLUME: _THE_VOLUME}, tags={"keep": "true"}),
        Case(_OLD, related={VOLUME: _THE_VOLUME}, tags={"legal-hold": "true"}),
        Case(_OLD, why="ebs-snapshot-orphaned reports it"),
        {**_OLD, "OwnerId": "999988887777"},
    ],
    unknowns=[
        Case(_OLD, related={VOLUME: _THE_VOLUME}, unread=[IMAGE]),
        Case(_OLD, unread=[VOLUME], why="ebs-snapshot-orphaned may report it"),
    ],
)
def ebs_snapshot_too_old(snapshot: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """A snapshot by hand is no older than three months, or archived.

    Why: snapshots that nobody planned have no end: each keeps blocks that newer ones no longer need.

    Fix: delete it, or let Data Lifecycle Manager or AWS Backup make and delete snapshots. What the law wants kept goes into
    the archive tier (it holds the whole volume and costs at least 90 days) or gets the tag for legal holds.

    Source: Amazon EBS User Guide, "Archive Amazon EBS snapshots"; standard, "Remove unused resources".
    """
    _skip_unjudged(snapshot)
    if snapshot.days_since("StartTime") <= want.ebs_snapshot_max_age_days:
        return
    if snapshot.get("StorageTier", "standard") != "standard":
        return
    doubt = skip_tagged(snapshot, want.keep_tag, want.legal_hold_tag)
    if doubt:
        raise doubt
    if _manager(snapshot) or _is_of_image(snapshot):
        return
    if snapshot["VolumeId"] != _OF_A_COPY and not _has_volume(snapshot):
        raise NotApplicable("its volume is gone, which is reported itself")
    yield Evidence(
        f"is {DAYS} days old, at most {want.ebs_snapshot_max_age_days} are wanted",
        _facts(snapshot, want),
        saving=_deleted(snapshot),
        since=snapshot.time("StartTime"),
    )
