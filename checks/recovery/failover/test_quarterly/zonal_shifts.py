"""What zonal shift manages: its traffic left a zone in the last quarter, in a practice run or for real."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from auditor.kit import (
    DAYS,
    LOW,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    parse_time,
)
from auditor.kit.restores import is_recent

from .thresholds import FailoverTest

MANAGED_RESOURCE = "AWS::ARCZonalShift::ManagedResource"
ZONAL_SHIFT = "AWS::ARCZonalShift::ZonalShift"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
GROUP = "AWS::AutoScaling::AutoScalingGroup"

_FAILED = ("FAILED", "INTERRUPTED", "CAPACITY_CHECK_FAILED")

_BALANCER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/1"
_GROUP_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/web"
_CLUSTER_ARN = "arn:aws:eks:eu-west-1:111122223333:cluster/main"


def _shift(days: float = 30, kind: str = "PRACTICE_RUN", outcome: str = "SUCCEEDED", **fields: Any) -> Document:
    """A shift that began so many days ago, for the cases."""
    practised = {"practiceRunOutcome": outcome} if kind == "PRACTICE_RUN" else {}
    named = {"zonalShiftId": f"{kind}-{days}", "resourceIdentifier": _BALANCER_ARN}
    return {**named, "shiftType": kind, "status": "EXPIRED", "startTime": ago(days=days), **practised, **fields}


def _case(
    *shifts: Document,
    arn: str = _BALANCER_ARN,
    age: float = 400,
    kept: Sequence[Document] = (),
    unread: Sequence[str] = (),
    autoshifts: Sequence[Document] = (),
    why: str = "",
) -> Case:
    managed = {"arn": arn, "name": "front", "autoshifts": autoshifts, "zonalAutoshiftStatus": "DISABLED"}
    balancer = {"LoadBalancerArn": _BALANCER_ARN, "CreatedTime": ago(days=age), "Type": "application"}
    group = {"AutoScalingGroupARN": _GROUP_ARN, "AutoScalingGroupName": "web", "CreatedTime": ago(days=age)}
    joined = {ZONAL_SHIFT: shifts, LOAD_BALANCER: [balancer], GROUP: [group]}
    return Case(managed, related=joined, recorded={ZONAL_SHIFT: kept}, unread=unread, why=why)


@check(
    "zonal-shift-practised-quarterly",
    pattern="recovery.failover.test-quarterly",
    on=MANAGED_RESOURCE,
    severity=LOW,
    fix=Fix(
        cli="aws arc-zonal-shift start-zonal-shift --resource-identifier {arn} --away-from ZONE_ID --expires-in 30m --comment test --region {region}",
        terraform="awscc_arczonalshift_zonal_autoshift_configuration",
    ),
    reads=(ZONAL_SHIFT, LOAD_BALANCER, GROUP),
    passes=[
        _case(_shift()),
        _case(_shift(91.5)),
        _case(_shift(kind="ZONAL_SHIFT")),
        _case(_shift(kind="ZONAL_SHIFT", status="CANCELED"), why="somebody ended it before its time"),
        _case(_shift(kind="FIS_EXPERIMENT")),
        _case(_shift(kind="ZONAL_AUTOSHIFT")),
        _case(autoshifts=[{"appliedStatus": "APPLIED", "startTime": ago(days=0.1)}], why="AWS shifts it right now"),
        _case(_shift(10), _shift(20, outcome="FAILED"), why="the practice run after it succeeded"),
        _case(_shift(5, kind="ZONAL_SHIFT"), _shift(10, outcome="FAILED"), why="shifted for real since"),
        _case(_shift(1, outcome="PENDING"), _shift(8), why="one is under way, and the one before succeeded"),
        _case(kept=[_shift(80)], why="the list does not hold it any more; the evidence ledger does"),
        _case(_shift(3), age=10, why="young, and practised already"),
        _case(_shift(resourceIdentifier=_GROUP_ARN), arn=_GROUP_ARN),
    ],
    fails=[
        _case(),
        _case(_shift(95)),
        _case(kept=[_shift(95)], why="the ledger knows an old one alone"),
        _case(_shift(outcome="FAILED")),
        _case(_shift(outcome="INTERRUPTED")),
        _case(_shift(outcome="CAPACITY_CHECK_FAILED")),
        _case(_shift(10, outcome="FAILED"), _shift(20), why="the newest practice run failed"),
        _case(_shift(20), kept=[_shift(10, outcome="FAILED")]),
        _case(_shift(1, outcome="PENDING"), why="a first practice run that has not ended proves nothing yet"),
        _case(_shift(resourceIdentifier=_GROUP_ARN), why="another resource was shifted"),
        _case(_shift(), arn=_GROUP_ARN),
        _case(_shift(5, outcome="FAILED", resourceIdentifier=_CLUSTER_ARN), arn=_CLUSTER_ARN),
        _case(_shift(95, resourceIdentifier=_CLUSTER_ARN), arn=_CLUSTER_ARN, why="it was there a quarter ago"),
        _case(kept=[_shift(95)], unread=[LOAD_BALANCER], why="it was there a quarter ago"),
    ],
    skips=[
        _case(age=30),
        _case(arn=_GROUP_ARN, age=30),
        _case(_shift(5, outcome="FAILED"), age=30),
    ],
    unknowns=[
        _case(unread=[ZONAL_SHIFT]),
        _case(kept=[_shift(95)], unread=[ZONAL_SHIFT], why="what the ledger holds proves no failure"),
        _case(kept=[_shift(80)], unread=[ZONAL_SHIFT], why="a newer practice run may have failed"),
        _case(unread=[LOAD_BALANCER], why="how old it is could not be read"),
        _case(arn=_CLUSTER_ARN, why="since when there is the cluster is not read"),
    ],
)
def zonal_shift_practised_quarterly(managed: Facts, want: FailoverTest) -> Iterator[Evidence]:
    """What zonal shift manages was shifted away from a zone in the last quarter, and the newest practice run did not fail.

    Why: a shift moves a third of the traffic onto the zones that are left. Whether they can carry it shows when it is tried on a
    quiet day, or in the hour a zone is down.

    Fix: start a shift for half an hour in a quiet hour and watch the application; or configure zonal autoshift, whose practice
    runs come every week by themselves.

    Source: Amazon Application Recovery Controller Developer Guide, "Zonal shift" and "Zonal autoshift" (outcomes of practice
    runs); the standard's "Failover testing". A practice run that succeeded counts, and any other shift: one that somebody or an
    experiment started, and unless ``count_unplanned`` is off one by AWS. A load balancer or group younger than a quarter is
    not judged; how old a cluster is, is not read, so that it fails only by a practice run, or by an old shift that shows that
    it was there a quarter ago.
    """
    days, arn = want.failover_test_max_age_days, managed["arn"]
    shifts = managed.recorded(ZONAL_SHIFT, "resourceIdentifier", arn)
    decided = [(shift.time("startTime"), good) for shift in shifts if (good := proves(shift, want)) is not None]
    if want.count_unplanned:
        decided += [(at, True) for at in _autoshifts(managed)]
    at, good = max(decided, default=(None, False))
    managed.require_read(ZONAL_SHIFT)
    if at and good and is_recent(at, managed.observed_at, days):
        return
    if not at or is_recent(at, managed.observed_at, days):  # else it is older: it was shifted before the quarter
        created = _created(managed, arn)
        if created and is_recent(created, managed.observed_at, days):
            raise NotApplicable(f"it is younger than {days} days")
        if not created and not at:
            raise Unavailable(Gap(MANAGED_RESOURCE, "NotRead", "nothing shows a shift, and how old it is is not read"))
    if at and not good:
        sentence = f"its newest practice run, {DAYS} days ago, failed"
    elif at:
        sentence = f"its newest known shift was {DAYS} days ago, {days} allowed"
    else:
        sentence = f"nothing shows a zonal shift in {days} days"
    seen = {
        "days": days,
        "newest": at.isoformat() if at else None,
        "practiceRunStatus": managed.get("practiceRunStatus"),
    }
    yield Evidence(sentence, seen, since=at)


def proves(shift: Facts, want: FailoverTest) -> bool | None:
    """Return whether a shift proves that traffic can leave a zone, ``None`` where it says nothing."""
    kind, outcome = shift.get("shiftType", ""), shift.get("practiceRunOutcome", "")
    if kind == "PRACTICE_RUN" or outcome:
        return True if outcome == "SUCCEEDED" else False if outcome in _FAILED else None
    return True if kind != "ZONAL_AUTOSHIFT" or want.count_unplanned else None


def _autoshifts(managed: Facts) -> Iterator[datetime]:
    """Yield when AWS began to shift the resource, which its own list tells while it lasts (UTC)."""
    for shift in managed.get("autoshifts", ()):
        if shift.get("appliedStatus") == "APPLIED" and shift.get("startTime"):
            yield parse_time(shift["startTime"])


def _created(managed: Facts, arn: str) -> datetime | None:
    """Return since when there is what ARN names (UTC), ``None`` where that is not read. Raises Unavailable."""
    type = LOAD_BALANCER if ":loadbalancer/" in arn else GROUP if ":autoScalingGroup:" in arn else ""
    for resource in managed.related(type, [arn]) if type else ():
        return resource.time("CreatedTime")
    return None
