"""Automated cleanup: EBS volumes that nothing uses."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from auditor.kit import (
    DAYS,
    LOW,
    MEDIUM,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Saving,
    Unavailable,
    ago,
    check,
)
from auditor.kit.bills import net_of_snapshot, volume_bill
from auditor.kit.instances import INSTANCE, in_warm_pool, is_stopped, stopped_at
from auditor.kit.recovery import instance_ids
from auditor.kit.time import hours_between
from auditor.kit.usage import datapoints, skip_tagged

from .thresholds import AutomatedCleanup

VOLUME = "AWS::EC2::Volume"
_CLAIM = "kubernetes.io/created-for/pvc/name"
_NO_METRICS = {"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}

# ---- attached to nothing ---------------------------------------------------------------------------------------------


def _idle_time(last_days_ago: int | None) -> dict[str, object]:
    """Return the metric a volume has while it is attached; its last day lies so many days back."""
    held = datapoints(*[60.0] * 90, days=90)
    kept = 0 if last_days_ago is None else 90 - last_days_ago
    return {"VolumeIdleTime.Sum": {**held, "Timestamps": held["Timestamps"][:kept], "Values": held["Values"][:kept]}}


_FREE = {
    "VolumeId": "vol-1",
    "VolumeType": "gp3",
    "Size": 500,
    "Iops": 6000,
    "Throughput": 250,
    "State": "available",
    "Attachments": [],
    "CreateTime": ago(days=400),
    "Metrics": _idle_time(30),
}


@check(
    "ebs-volume-unattached",
    pattern="cost.cleanup.automated-cleanup",
    on=VOLUME,
    severity=MEDIUM,
    fix=Fix(
        cli="aws ec2 create-snapshot --volume-id {name} --description kept-of-{name} && aws ec2 delete-volume --volume-id {name}",
        terraform="remove aws_ebs_volume",
    ),
    same_as=("trusted-advisor:DAvU99Dc4C", "thrifty:unattached_ebs_volumes", "service-screener:EBSInUse"),
    passes=[
        {**_FREE, "State": "in-use", "Attachments": [{"InstanceId": "i-1", "State": "attached"}]},
        Case({**_FREE, "State": "in-use", "Attachments": [{"InstanceId": "i-1"}]}, gaps=_NO_METRICS),
    ],
    fails=[
        _FREE,
        Case({**_FREE, "Metrics": _idle_time(None)}, why="no data in 90 days: it was not attached then"),
        Case({**_FREE, "CreateTime": ago(days=20), "Metrics": _idle_time(None)}, why="it was never attached"),
        Case(_FREE, tags={_CLAIM: "data-db-0"}, why="a claim of Kubernetes may still want it: the sentence says so"),
    ],
    skips=[
        {**_FREE, "State": "creating"},
        {**_FREE, "State": "deleting"},
        Case({**_FREE, "Metrics": _idle_time(3)}, why="detached three days ago"),
        Case({**_FREE, "CreateTime": ago(days=2)}, gaps=_NO_METRICS, why="it cannot have been unattached for longer"),
        Case(_FREE, tags={"keep": "true"}),
    ],
    unknowns=[
        Case(_FREE, gaps=_NO_METRICS, why="it may have been detached yesterday"),
        Case(
            {**_FREE, "MultiAttachEnabled": True, "Metrics": _idle_time(None)},
            why="a volume for several instances never has this metric",
        ),
    ],
)
def ebs_volume_unattached(volume: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """A volume is attached to an instance.

    Why: a volume is paid for whether anything uses it or not, and its data grows old unseen.

    Fix: take a snapshot if anybody may want the data (it costs less, and nothing for what is empty), then delete the volume.

    Source: AWS Trusted Advisor, "Underutilized Amazon EBS Volumes"; standard, "Remove unused resources". A volume reports
    its idle time only while it is attached: its last datapoint says when it was detached.
    """
    state = volume["State"]
    if state == "in-use":
        return
    if state != "available":
        raise NotApplicable("it is just being made or deleted, or it is broken")
    doubt = skip_tagged(volume, want.keep_tag)
    created = volume.time("CreateTime")
    since: datetime | None = created
    looked = float("inf")
    if volume.observed_at - created > timedelta(days=want.grace_days):
        since, looked = _unattached_since(volume, created)
    days = hours_between(since, volume.observed_at) / 24 if since else looked
    if days <= want.grace_days:
        raise NotApplicable(f"it has been unattached for less than {want.grace_days} days")
    if doubt:
        raise doubt
    claim = volume.tags.get(_CLAIM)
    note = f"; the Kubernetes claim {claim} may still want it" if claim else ""
    yield Evidence(
        f"has been attached to nothing for at least {DAYS if since else f'{looked:.0f}'} days{note}",
        {
            "VolumeType": volume["VolumeType"],
            "Size": volume.get("Size", 0),
            "unattached_since": since.isoformat() if since else f"before the {looked:.0f} days that were looked at",
            "wanted_max_days": want.grace_days,
        },
        saving=_deleted(volume),
        since=since,
    )


def _deleted(volume: Facts) -> Saving:
    price = volume.prices.price("ebs-snapshot", volume.region, tier="standard")
    return net_of_snapshot(volume_bill(volume), volume.get("Size"), price)


def _unattached_since(volume: Facts, created: datetime) -> tuple[datetime | None, float]:
    """Return since when at the latest nothing is attached, and for how many days it was looked.

    It is the end of the last day with data, or the volume's creation; ``None``: longer than was looked.

    Raises Unavailable when the metric was not read, or when the volume cannot have it.
    """
    seen = volume.metric("VolumeIdleTime", "Sum")
    if seen:
        return seen.times[-1] + timedelta(seconds=seen.period_seconds), 0
    if volume.get("MultiAttachEnabled"):
        raise Unavailable(
            Gap("cloudwatch:GetMetricData", "NoDatapoints", "volumes for several instances report no idle time")
        )
    looked = volume["Metrics"]["VolumeIdleTime.Sum"]["Days"]
    return (created if created > volume.observed_at - timedelta(days=looked) else None), looked


# ---- on stopped instances --------------------------------------------------------------------------------------------

_ATTACHED = {**_FREE, "State": "in-use", "Attachments": [{"InstanceId": "i-1", "State": "attached"}]}


def _instance(days_stopped: float | None, name: str = "i-1", zone: str = "GMT", **tags: str) -> dict[str, object]:
    stopped = ago(days=days_stopped or 0)[:19].replace("T", " ")
    return {
        "InstanceId": name,
        "State": {"Name": "running" if days_stopped is None else "stopped"},
        "StateTransitionReason": "" if days_stopped is None else f"User initiated ({stopped} {zone})",
        "Tags": [{"Key": key.replace("__", ":"), "Value": value} for key, value in tags.items()],
    }


@check(
    "ebs-volume-on-stopped-instance",
    pattern="cost.cleanup.automated-cleanup",
    on=VOLUME,
    severity=LOW,
    reads=(INSTANCE,),
    fix=Fix(
        cli="aws ec2 create-snapshot --volume-id {name} && aws ec2 detach-volume --volume-id {name} && aws ec2 wait volume-available --volume-ids {name} && aws ec2 delete-volume --volume-id {name}",
        terraform="aws_ebs_volume",
    ),
    same_as=("thrifty:ebs_volumes_on_stopped_instances", "service-screener:EBSStoppedInstance"),
    passes=[
        Case(_ATTACHED, related={INSTANCE: [_instance(None)]}),
        Case(_ATTACHED, related={INSTANCE: [_instance(10)]}),
        Case(
            {**_ATTACHED, "Attachments": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]},
            related={INSTANCE: [_instance(90), _instance(None, "i-2")]},
            why="one of its instances runs",
        ),
        Case(
            {**_ATTACHED, "Attachments": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]},
            related={INSTANCE: [_instance(None, "i-2")]},
            why="one of its instances runs, whatever the one does that is not in the inventory",
        ),
        Case(
            {**_ATTACHED, "Attachments": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]},
            related={INSTANCE: [{**_instance(90), "StateTransitionReason": ""}, _instance(10, "i-2")]},
            why="one of its instances was stopped lately, whenever the other was",
        ),
        Case({**_ATTACHED, "Attachments": [{"AssociatedResource": "arn:aws:ecs:x"}]}, why="AWS itself attached it"),
    ],
    fails=[
        Case(_ATTACHED, related={INSTANCE: [_instance(90)]}),
        Case(_ATTACHED, related={INSTANCE: [_instance(90, zone="UTC")]}),
        Case(
            {**_ATTACHED, "Attachments": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]},
            related={INSTANCE: [_instance(90), _instance(40, "i-2")]},
        ),
    ],
    skips=[
        Case(_FREE, why="ebs-volume-unattached reports it"),
        Case(_ATTACHED, related={INSTANCE: [_instance(90)]}, tags={"keep": "true"}),
        Case(
            _ATTACHED,
            related={INSTANCE: [_instance(90, aws__autoscaling__groupName="web")]},
            why="a warm pool keeps stopped instances at hand",
        ),
    ],
    unknowns=[
        Case(_ATTACHED, unread=[INSTANCE]),
        Case(_ATTACHED, why="the instance is not in the inventory"),
        Case(
            _ATTACHED,
            related={INSTANCE: [{**_instance(90), "StateTransitionReason": "Server.ScheduledStop"}]},
            why="nothing says since when it is stopped",
        ),
    ],
)
def ebs_volume_on_stopped_instance(volume: Facts, want: AutomatedCleanup) -> Iterator[Evidence]:
    """A volume's instance runs, or was stopped only lately.

    Why: a stopped instance costs nothing, its volumes cost as much as ever.

    Fix: start the instance, or keep a snapshot of the volume and delete it with its instance. The amount is the volume's own
    price, and nothing else's.

    Source: AWS FSBP EC2.4 ("stopped EC2 instances should be removed after a specified time period"); standard, "Remove
    unused resources".
    """
    attachments = volume.get("Attachments", [])
    if not attachments:
        raise NotApplicable("it is not attached")
    ids = instance_ids(volume)
    if len(ids) < len(attachments):
        return
    known = [instance for name in ids for instance in volume.known_referrers(INSTANCE, "InstanceId", name)]
    if not all(map(is_stopped, known)):
        return
    doubt = skip_tagged(volume, want.keep_tag)
    if any(map(in_warm_pool, known)):
        raise NotApplicable("its instance waits in the warm pool of an Auto Scaling group")
    since: list[datetime] = []
    for instance in known:
        try:
            since.append(stopped_at(instance))
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    days = hours_between(max(since), volume.observed_at) / 24 if since else float("inf")
    if days <= want.ec2_stopped_days:
        return
    volume.related(INSTANCE, ids, by="InstanceId", required=True)
    if doubt:
        raise doubt
    yield Evidence(
        f"is attached to stopped instances only, for {DAYS} days",
        {"instances": sorted(ids), "stopped_at": max(since).isoformat(), "wanted_max_days": want.ec2_stopped_days},
        saving=_deleted(volume),
        since=max(since),
    )
