"""Right-size: volumes with performance that is paid for."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from auditor.kit import (
    MEDIUM,
    Case,
    Certainty,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Part,
    Saving,
    Unavailable,
    ago,
    check,
    sum_of,
)
from auditor.kit.bills import GP3_IOPS, GP3_MIBPS, volume_iops, volume_storage, volume_throughput
from auditor.kit.instances import INSTANCE
from auditor.kit.usage import skip_young

from ._recommendations import OPTIMIZED, VOLUME_RECOMMENDATION, best, of_volume, saves, saving_of
from ._volumes import GP2, GP3_IOPS_MAX, MIB, NO_METRICS, PIOPS_MIN, VOLUME, peak, used, was_asleep
from .thresholds import RightSize

_ARN = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1"
_IO2 = {**GP2, "VolumeType": "io2", "Iops": 10_000, "Size": 500}
_GP3 = {**GP2, "VolumeType": "gp3", "Iops": 6000, "Throughput": 250, "Size": 500}


def _attached(days: float) -> dict[str, object]:
    return {"Attachments": [{"InstanceId": "i-1", "AttachTime": ago(days=days)}]}


def _stopped(days: float) -> dict[str, list[dict[str, object]]]:
    """Return the instance of _attached, stopped so many days ago."""
    when = ago(days=days)[:19].replace("T", " ")
    reason = f"User initiated ({when} GMT)"
    return {INSTANCE: [{"InstanceId": "i-1", "State": {"Name": "stopped"}, "StateTransitionReason": reason}]}


def _advice(
    finding: str, usd: float | None = None, currency: str = "USD", **configuration: object
) -> dict[str, object]:
    option: dict[str, object] = {"rank": 1, "configuration": {"volumeType": "gp3", "volumeBaselineIOPS": 3000}}
    if usd is not None:
        option["savingsOpportunity"] = {"estimatedMonthlySavings": {"currency": currency, "value": usd}}
    return {
        "volumeArn": _ARN,
        "finding": finding,
        "currentConfiguration": {"volumeType": "io2", "volumeBaselineIOPS": 10_000, **configuration},
        "volumeRecommendationOptions": [{"rank": 2, "configuration": {"volumeType": "io1"}}, option],
        "lastRefreshTimestamp": ago(days=1),
    }


@check(
    "ebs-volume-overprovisioned-performance",
    pattern="cost.right-sizing.right-size",
    on=VOLUME,
    severity=MEDIUM,
    reads=(VOLUME_RECOMMENDATION, INSTANCE),
    fix=Fix(
        cli="aws ec2 modify-volume --volume-id {name} --iops IOPS --throughput MIBPS",
        terraform="aws_ebs_volume.iops, aws_ebs_volume.throughput",
    ),
    same_as=(
        "thrifty:high_iops_ebs_volumes",
        "thrifty:low_iops_ebs_volumes",
        "thrifty:ebs_with_low_usage",
        "service-screener:EBSRightSizing",
    ),
    passes=[
        {**_IO2, "Metrics": used(8000)},
        Case({**_IO2, "Metrics": used(8000, days=2)}, why="one busy hour proves it"),
        Case(
            {**_GP3, "Iops": 3000, "Throughput": 125},
            unread=[VOLUME_RECOMMENDATION],
            why="no more than every gp3 volume has: nothing is paid for it",
        ),
        Case(
            {**_GP3, "Iops": 3000, "Throughput": 125, "CreateTime": ago(days=1)},
            gaps=NO_METRICS,
            why="what is not paid for needs no two weeks",
        ),
        {**_GP3, "Metrics": used(3500, 200)},
        Case(_IO2, related={VOLUME_RECOMMENDATION: [_advice(OPTIMIZED)]}, why="AWS finds it right"),
    ],
    fails=[
        {**_IO2, "Metrics": used(1000)},
        {**_IO2, "VolumeType": "io1", "Metrics": used(1000, 60)},
        Case({**_GP3, "Metrics": used(100, 200)}, why="the operations, not the throughput"),
        Case({**_GP3, "Metrics": used(5000, 20)}, why="the throughput, not the operations"),
        Case(_IO2, related={VOLUME_RECOMMENDATION: [_advice("NotOptimized", usd=300.0)]}, why="AWS finds it too large"),
        Case(
            _IO2,
            related={VOLUME_RECOMMENDATION: [_advice("NotOptimized", usd=300.0, currency="CNY")]},
            why="it saves something, though nothing in USD",
        ),
        Case(
            {**_IO2, **_attached(days=60), "Metrics": used(0, days=0)},
            related=_stopped(days=30),
            why="its instance was stopped all the time: no data is no use then",
        ),
        Case(
            {**_IO2, "Metrics": used(1000)},
            related={VOLUME_RECOMMENDATION: [_advice(OPTIMIZED, volumeBaselineIOPS=1200)]},
            why="AWS judged what it was before it was changed",
        ),
    ],
    skips=[
        GP2,
        {**GP2, "VolumeType": "st1"},
        Case({**_IO2, "State": "available"}, why="ebs-volume-unattached reports it"),
        {**_IO2, "CreateTime": ago(days=3), "Metrics": used(10, days=3)},
        Case({**_IO2, "CreateTime": ago(days=3)}, gaps=NO_METRICS),
    ],
    unknowns=[
        Case(_IO2, gaps=NO_METRICS),
        Case({**_IO2, "Metrics": used(1000)}, unread=[VOLUME_RECOMMENDATION], why="AWS may find it right"),
        Case({**_IO2, "Metrics": used(8000)}, unread=[VOLUME_RECOMMENDATION], why="AWS may find it too large"),
        Case({**_IO2, "Metrics": used(1000, days=5)}, why="too few days to conclude anything"),
        Case({**_IO2, "Metrics": used(0, days=0)}, why="no data is not no use"),
        Case({**_IO2, **_attached(days=60)}, gaps=NO_METRICS, related=_stopped(days=3), why="it ran ten days ago"),
        Case({**_IO2, **_attached(days=3)}, gaps=NO_METRICS, related=_stopped(days=30), why="it was elsewhere before"),
        Case({**_IO2, **_attached(days=60)}, gaps=NO_METRICS, unread=[INSTANCE]),
        Case(
            _IO2,
            related={VOLUME_RECOMMENDATION: [_advice("NotOptimized", usd=0.0)]},
            why="what AWS wants changed saves nothing: it may be too small",
        ),
    ],
)
def ebs_volume_overprovisioned_performance(volume: Facts, want: RightSize) -> Iterator[Evidence]:
    """A volume uses the performance that is paid for it.

    Why: provisioned IOPS and throughput are billed by the month whether they are used or not, and often cost more than
    the storage.

    Fix: lower them to the peak and a reserve; the volume stays in use. The peaks are means over an hour: look at shorter
    ones in CloudWatch first if the volume works in bursts.

    Source: AWS Compute Optimizer User Guide, "Viewing EBS volume recommendations"; Amazon EBS User Guide, "Amazon
    CloudWatch metrics for Amazon EBS"; standard, "Match resources to actual usage".
    """
    kind = str(volume["VolumeType"])
    if kind not in ("gp3", "io1", "io2"):
        raise NotApplicable("its type has no performance of its own to pay for")
    if volume["State"] != "in-use":
        raise NotApplicable("it is not attached")
    paid = _paid(volume, kind)
    if not paid:
        return
    skip_young(volume, volume.time("CreateTime"), want.lookback_days)
    if recommendation := of_volume(volume):
        if recommendation["finding"] == OPTIMIZED:
            return
        option = best(recommendation, "volumeRecommendationOptions")
        if saves(option):
            yield Evidence(
                "has more performance than it needs, says AWS Compute Optimizer",
                {"finding": recommendation["finding"], "recommended": (option or {}).get("configuration", {})},
                saving=saving_of(recommendation, option, f"EBS volume, {kind}"),
            )
            return
    yield from _unused(volume, kind, paid, want)


class _Paid(NamedTuple):
    """Performance that is paid for: its unit, how much of it, and the metrics that count it in so many of theirs."""

    unit: str
    provisioned: int
    what: str
    size: int


def _paid(volume: Facts, kind: str) -> list[_Paid]:
    """Return the performance of VOLUME that is paid for: of gp3 what is above that which each volume has."""
    iops, mibps = volume["Iops"], volume.get("Throughput", GP3_MIBPS) if kind == "gp3" else 0
    found = [_Paid("IOPS", iops, "Ops", 1)] if iops > (GP3_IOPS if kind == "gp3" else 0) else []
    return [*found, _Paid("MiB/s", mibps, "Bytes", MIB)] if mibps > GP3_MIBPS else found


def _unused(volume: Facts, kind: str, paid: list[_Paid], want: RightSize) -> Iterator[Evidence]:
    """Yield evidence when the peaks are far below what is provisioned."""
    peaks: dict[str, float] = {}
    wasted: list[str] = []
    used: list[_Paid] = []
    doubt: Unavailable | None = None
    for part in paid:
        unit, provisioned, what, size = part
        enough = want.ebs_utilization_min_ratio * provisioned
        try:
            peaks[unit] = _peak(volume, what, enough * size, want) / size
        except Unavailable as unread:
            doubt = doubt or unread.kept()
            continue
        if peaks[unit] < enough:
            wasted.append(f"{peaks[unit]:,.0f} of {provisioned:,} {unit}")
        else:
            used.append(part)
    if wasted:
        for unit, provisioned, what, size in used:  # it was enough to know that it is; now it is said how much
            enough = want.ebs_utilization_min_ratio * provisioned
            peaks[unit] = _peak(volume, what, enough * size, want, exact=True) / size
        yield Evidence(
            f"used at most {' and '.join(wasted)} in {want.lookback_days} days",
            {
                "VolumeType": kind,
                "provisioned": {unit: provisioned for unit, provisioned, *_ in paid},
                "peak": {unit: round(highest, 1) for unit, highest in peaks.items()},
                "wanted_ratio": want.ebs_utilization_min_ratio,
            },
            saving=_smaller(volume, kind, peaks, want),
        )
    elif doubt:
        raise doubt


def _peak(volume: Facts, what: str, enough: float, want: RightSize, *, exact: bool = False) -> float:
    """Return the peak of WHAT, or one above ENOUGH; 0 without data when the volume's instances were stopped all the time."""
    try:
        return peak(volume, what, want.lookback_days, want.min_metric_coverage_ratio, enough, exact=exact)
    except Unavailable as unread:
        try:
            asleep = was_asleep(volume, want.lookback_days)
        except Unavailable:
            raise unread from None
        if asleep:
            return 0.0
        raise


def _smaller(volume: Facts, kind: str, peaks: dict[str, float], want: RightSize) -> Saving:
    """Return what the peaks with a reserve save; for io1 as a gp3 volume, when its throughput is known and fits."""
    iops, mibps = volume["Iops"], volume.get("Throughput", 0)

    def kept(unit: str, now: float, least: float) -> float:
        return min(now, max(least, ceil(want.provisioned_keep_factor * peaks[unit]))) if unit in peaks else now

    now = [*volume_iops(volume, kind, iops), *volume_throughput(volume, kind, mibps)]
    target = kept("IOPS", iops, GP3_IOPS if kind == "gp3" else PIOPS_MIN)
    after = [*volume_iops(volume, kind, target), *volume_throughput(volume, kind, kept("MiB/s", mibps, GP3_MIBPS))]
    note = ""
    if kind == "io1" and target <= GP3_IOPS_MAX and (moved := _moved_to_gp3(volume, target, want)):
        now, after = [volume_storage(volume, "io1", volume["Size"]), *now], moved
        note = "as gp3"
    return sum_of(*now, *(part.times(-1) for part in after), certainty=Certainty.ESTIMATE, note=note)


def _moved_to_gp3(volume: Facts, iops: float, want: RightSize) -> list[Part]:
    """Return what the volume costs as gp3 with IOPS and the throughput it uses; nothing when that is not known."""
    try:
        rate = peak(volume, "Bytes", want.lookback_days, want.min_metric_coverage_ratio, float("inf")) / MIB
    except Unavailable:
        return []
    mibps = max(GP3_MIBPS, ceil(want.provisioned_keep_factor * rate))
    storage = volume_storage(volume, "gp3", volume["Size"])
    return [storage, *volume_iops(volume, "gp3", iops), *volume_throughput(volume, "gp3", mibps)]
