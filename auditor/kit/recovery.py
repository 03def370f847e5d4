"""Which data stores need recovery points: classes of data, and volumes that are made anew with their instance."""

from collections.abc import Collection

from auditor.kit.facts import Facts, NotApplicable

__all__ = [
    "EC2_INSTANCE",
    "completed_snapshots",
    "instance_ids",
    "skip_data_class",
    "skip_disposable_root",
    "skip_idle_volume",
]

EC2_INSTANCE = "AWS::EC2::Instance"
_SNAPSHOT = "AWS::EC2::Snapshot"

_REPLACEABLE_TAGS = ("aws:autoscaling:groupName", "eks:cluster-name", "aws:eks:cluster-name")
_REPLACEABLE_TAG_PREFIX = "kubernetes.io/cluster/"


def skip_data_class(store: Facts, tag_key: str, classes: Collection[str]) -> None:
    """Raise NotApplicable for a store whose tag TAG_KEY names one of CLASSES: data that may be lost."""
    tags = store.tags
    value = tags.get(tag_key) if tags else None
    if value is not None and value.lower() in classes:
        raise NotApplicable(f"tagged {tag_key}={value.lower()}")


def instance_ids(volume: Facts) -> list[str]:
    """Return the ids of the instances VOLUME is attached to."""
    return volume.remembered(_instance_ids)


def _instance_ids(volume: Facts) -> list[str]:
    return [name for attachment in volume.get("Attachments", ()) if (name := attachment.get("InstanceId"))]


def completed_snapshots(volume: Facts) -> list[Facts]:
    """Return the completed snapshots of VOLUME in its region, as far as they were read."""
    return volume.remembered(_completed_snapshots)


def _completed_snapshots(volume: Facts) -> list[Facts]:
    snapshots = volume.known_referrers(_SNAPSHOT, "VolumeId", volume["VolumeId"])
    if not snapshots:
        return []
    return [snapshot for snapshot in snapshots if snapshot["State"] == "completed"]


def skip_idle_volume(volume: Facts, max_days: int) -> None:
    """Raise NotApplicable for a volume that nothing writes to: attached to nothing and older than MAX_DAYS.

    EC2 does not tell since when a volume is unattached; one younger than MAX_DAYS cannot have been for longer.
    """
    if volume["State"] == "available" and not instance_ids(volume) and volume.days_since("CreateTime") > max_days:
        raise NotApplicable("it is attached to nothing")


def skip_disposable_root(volume: Facts) -> None:
    """Raise NotApplicable for the root volume of a Spot, Auto Scaling or Kubernetes instance, deleted and made anew with it.

    Raises Unavailable when the instance could not be read.
    """
    for attachment in volume.get("Attachments", ()):
        if not attachment.get("DeleteOnTermination") or not attachment.get("InstanceId"):
            continue
        for instance in volume.related(EC2_INSTANCE, [attachment["InstanceId"]], "InstanceId"):
            if instance.get("RootDeviceName") == attachment.get("Device") and _is_replaceable(instance):
                raise NotApplicable("the root volume of an instance that is replaced, not repaired")


def _is_replaceable(instance: Facts) -> bool:
    return instance.get("InstanceLifecycle") == "spot" or any(
        key in _REPLACEABLE_TAGS or key.startswith(_REPLACEABLE_TAG_PREFIX) for key in instance.tags
    )
