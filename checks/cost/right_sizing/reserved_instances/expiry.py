"""Reserved instances: what ends soon is followed by something."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, ago, check, parse_time

from .thresholds import ReservedInstances
from .utilization import OWNED, PLAN

EC2 = "AWS::EC2::ReservedInstances"
RDS = "AWS::RDS::ReservedDBInstance"
CACHE = "AWS::ElastiCache::ReservedCacheNode"
_YEAR = 31536000
_KINDS = ("savingsPlanType", "InstanceType")
"""By what a queued plan or reservation follows another of its type; a Compute plan covers no database."""


def _plan(days_left: float, **fields: Any) -> dict[str, Any]:
    return {
        "savingsPlanArn": "arn:aws:savingsplans::111122223333:savingsplan/1",
        "savingsPlanId": "1",
        "savingsPlanType": "Compute",
        "state": "active",
        "end": ago(days=-days_left),
        **fields,
    }


def _reserved(days_left: float, **fields: Any) -> dict[str, Any]:
    return {
        "ReservedInstancesId": "r-1",
        "InstanceType": "m7i.large",
        "State": "active",
        "End": ago(days=-days_left),
        **fields,
    }


def _node(days_left: float, **fields: Any) -> dict[str, Any]:
    return {"StartTime": ago(days=365 - days_left), "Duration": _YEAR, "State": "active", **fields}


_NEXT = _plan(375, savingsPlanArn="arn:aws:savingsplans::111122223333:savingsplan/2", savingsPlanId="2", state="queued")


@check(
    "commitment-expiry",
    pattern="cost.right-sizing.reserved-instances",
    on=OWNED,
    severity=MEDIUM,
    fix=Fix(
        cli="aws savingsplans create-savings-plan --savings-plan-offering-id OFFERING --commitment USD_AN_HOUR "
        "--purchase-time END",
        terraform="aws_savingsplans_plan",
    ),
    same_as=("thrifty:ec2_reserved_instance_lease_expiration_days",),
    passes=[
        Case(_plan(200), type=PLAN),
        Case(_plan(10), type=PLAN, related={PLAN: [_NEXT]}, why="the next one is queued"),
        Case(_reserved(31), type=EC2),
        Case(_reserved(10), type=EC2, related={EC2: [_reserved(400, ReservedInstancesId="r-2", State="queued")]}),
        Case(_node(100), type=RDS),
        Case(_node(100), type=CACHE),
    ],
    fails=[
        Case(_plan(10), type=PLAN),
        Case(
            _plan(10),
            type=PLAN,
            related={PLAN: [{**_NEXT, "savingsPlanType": "Database"}]},
            why="another kind is queued",
        ),
        Case(_reserved(29), type=EC2),
        Case(_node(12), type=RDS),
        Case(_node(12), type=CACHE),
    ],
    skips=[
        Case(_plan(10, state="queued"), type=PLAN),
        Case(_reserved(10, State="payment-pending"), type=EC2),
        Case(_node(10, State="payment-failed"), type=RDS),
    ],
)
def commitment_expiry(held: Facts, want: ReservedInstances) -> Iterator[Evidence]:
    """A Savings Plan or reservation that ends within a month is followed by another one.

    Why: on the day after, the same hours cost list price, and nobody is told.

    Fix: look at what still runs, then queue the next one to begin when this one ends.

    Source: AWS Savings Plans User Guide, "Queuing Savings Plans"; EC2 User Guide, "Reserved Instances", queued purchases. RDS,
    ElastiCache, Redshift and OpenSearch queue nothing.
    """
    state = held["state"] if held.type == PLAN else held["State"]
    if state != "active":
        raise NotApplicable(f"it is {state}")
    end = _end(held)
    if end - held.observed_at > timedelta(days=want.expiry_warning_days):
        return
    kind = next((name for name in _KINDS if held.get(name)), "")
    queued = [
        other
        for other in (held.all(held.type, everywhere=True) if kind else ())
        if other.get("state" if held.type == PLAN else "State") == "queued" and other.get(kind) == held.get(kind)
    ]
    if not queued:
        yield Evidence(
            f"ends on {end:%Y-%m-%d}, and nothing is queued to follow it",
            {"end": f"{end:%Y-%m-%d}", "wanted_days": want.expiry_warning_days},
        )


def _end(held: Facts) -> datetime:
    """Return when it ends: EC2 and Savings Plans say it, the others when it began and for how many seconds it is."""
    if held.type == PLAN:
        return parse_time(held["end"])
    if held.type == EC2:
        return held.time("End")
    return held.time("StartTime") + timedelta(seconds=float(held["Duration"]))
