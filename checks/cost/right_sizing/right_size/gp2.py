"""Right-size: volumes of the former general purpose type."""

from collections.abc import Iterator

from auditor.kit import (
    LOW,
    Case,
    Certainty,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Saving,
    Unavailable,
    check,
    sum_of,
    unpriced,
)
from auditor.kit.bills import GP3_IOPS, GP3_MIBPS, volume_iops, volume_storage, volume_throughput

from ._volumes import GP2, GP3_IOPS_MAX, MIB, NO_METRICS, PIOPS_MIN, VOLUME, peak, used
from .thresholds import RightSize


@check(
    "ebs-volume-gp2",
    pattern="cost.right-sizing.right-size",
    on=VOLUME,
    severity=LOW,
    fix=Fix(cli="aws ec2 modify-volume --volume-id {name} --volume-type gp3", terraform="aws_ebs_volume.type"),
    same_as=("thrifty:gp2_volumes", "service-screener:EBSNewGen"),
    passes=[{**GP2, "VolumeType": "gp3"}, {**GP2, "VolumeType": "io2"}],
    fails=[
        GP2,
        Case({**GP2, "State": "available"}, why="an unattached one is paid for too"),
        Case({**GP2, "Size": 2000, "Metrics": used(900, 40)}, why="its use fits what gp3 includes"),
        Case({**GP2, "Size": 2000}, gaps=NO_METRICS, why="its type needs no metrics; the saving is then like for like"),
        Case({**GP2, "Iops": None}, why="some endpoints leave out what its size implies"),
    ],
    skips=[
        {**GP2, "State": "deleting"},
        Case(
            {**GP2, "OutpostArn": "arn:aws:outposts:eu-west-1:111122223333:outpost/op-1"},
            why="Outposts offer gp2 only",
        ),
    ],
)
def ebs_volume_gp2(volume: Facts, want: RightSize) -> Iterator[Evidence]:
    """A volume is not of the former type gp2.

    Why: gp3 costs a fifth less per GB and has 3,000 IOPS and 125 MiB/s at any size, where gp2 earns its speed by size.

    Fix: change the type; the volume stays attached and in use. Two changes of a volume lie at least six hours apart. Above
    1,000 GiB give the gp3 volume the IOPS and the throughput that are really used.

    Source: Amazon EBS User Guide, "General Purpose SSD volumes"; standard, "Match resources to actual usage".
    """
    if volume["State"] in ("deleting", "deleted"):
        raise NotApplicable("it is being deleted")
    if volume.get("OutpostArn"):
        raise NotApplicable("it lies on an Outpost")
    if volume["VolumeType"] == "gp2":
        size = volume.get("Size", 0)
        yield Evidence(
            f"its {size} GiB are of type gp2, which gp3 does cheaper",
            {"VolumeType": "gp2", "Size": size, "wanted": "gp3"},
            saving=_as_gp3(volume, size, want) if size else unpriced("its size is not known"),
        )


def _as_gp3(volume: Facts, gib: int, want: RightSize) -> Saving:
    """Return what a gp3 volume of the same performance saves; of the same use, where the metrics show that it is little.

    Up to 333 GiB gp2 sustains no more than gp3 includes: 128 MiB/s are not worth 3 MiB/s of extra throughput.
    """
    iops = min(GP3_IOPS_MAX, max(PIOPS_MIN, 3 * gib))
    mibps = 250 if gib >= 334 else GP3_MIBPS
    certainty, note = Certainty.EXACT, ""
    try:
        ops = peak(volume, "Ops", want.lookback_days, want.min_metric_coverage_ratio, GP3_IOPS)
        rate = peak(volume, "Bytes", want.lookback_days, want.min_metric_coverage_ratio, GP3_MIBPS * MIB) / MIB
    except Unavailable:
        pass
    else:
        if (ops <= GP3_IOPS and iops > GP3_IOPS) or (rate <= GP3_MIBPS and mibps > GP3_MIBPS):
            certainty, note = Certainty.ESTIMATE, "its hourly peaks fit what gp3 includes"
        iops = iops if ops > GP3_IOPS else min(iops, GP3_IOPS)
        mibps = mibps if rate > GP3_MIBPS else GP3_MIBPS
    newer = [volume_storage(volume, "gp3", gib), *volume_iops(volume, "gp3", iops)]
    newer += volume_throughput(volume, "gp3", mibps)
    now = volume_storage(volume, "gp2", gib)
    return sum_of(now, *(part.times(-1) for part in newer), certainty=certainty, note=note)
