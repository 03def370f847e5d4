"""What the checks of EBS volumes share: a volume for the cases, and its peaks."""

from datetime import timedelta
from math import inf

from auditor.kit import Facts, Gap, ago, parse_time
from auditor.kit.instances import INSTANCE, is_stopped, stopped_at
from auditor.kit.usage import datapoints, peak_of_both, require_days

VOLUME = "AWS::EC2::Volume"

MIB = 2**20
GP3_IOPS_MAX = 16_000
"""What every gp3 volume can have in every region. Source: Amazon EBS User Guide, "General Purpose SSD volumes"."""
PIOPS_MIN = 100
"""The fewest IOPS an io1 or io2 volume can have, and what the smallest gp2 volume has."""

NO_METRICS = {"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}
GP2 = {
    "VolumeId": "vol-1",
    "VolumeType": "gp2",
    "State": "in-use",
    "Size": 200,
    "Iops": 600,
    "CreateTime": ago(days=400),
}


def used(ops: float, mibps: float = 0.0, days: int = 14) -> dict[str, object]:
    """Return the metrics of a volume that did OPS operations and MIBPS MiB each second of every hour, half of them reads."""
    series = {
        "VolumeReadOps.Sum": ops * 1800,
        "VolumeWriteOps.Sum": ops * 1800,
        "VolumeReadBytes.Sum": mibps * MIB * 1800,
        "VolumeWriteBytes.Sum": mibps * MIB * 1800,
    }
    return {name: datapoints(*[value] * 24 * days, period=3600) for name, value in series.items()}


_CLEARLY = 1 + 1e-9
"""What is more by this factor is more however it is rounded."""


def peak(volume: Facts, what: str, days: int, ratio: float, enough: float, *, exact: bool = False) -> float:
    """Return the largest hourly mean a second of WHAT (``Ops``, ``Bytes``) over the last DAYS.

    One above ENOUGH will do, unless it is to be EXACT: it need not be the largest then. Raises Unavailable when there is data
    for fewer than RATIO of the days, unless what there is reaches ENOUGH.
    """
    read, written = volume.metric(f"VolumeRead{what}", "Sum", days), volume.metric(f"VolumeWrite{what}", "Sum", days)
    total, series = peak_of_both(read, written, inf if exact else enough * read.period_seconds * _CLEARLY)
    highest = total / series.period_seconds if total else 0.0
    if highest < enough:
        require_days(series, days, ratio, f"Volume{what}")
    return highest


def was_asleep(volume: Facts, days: int) -> bool:
    """Whether nothing can have used VOLUME in the last DAYS: all that it is attached to was stopped the whole time.

    Raises Unavailable when that is not known.
    """
    since = volume.observed_at - timedelta(days=days)
    attachments = volume.get("Attachments", ())
    for attachment in attachments:
        if "InstanceId" not in attachment or "AttachTime" not in attachment:
            return False
        (instance,) = volume.related(INSTANCE, [attachment["InstanceId"]], by="InstanceId", required=True)
        if not is_stopped(instance) or max(stopped_at(instance), parse_time(attachment["AttachTime"])) > since:
            return False
    return bool(attachments)
