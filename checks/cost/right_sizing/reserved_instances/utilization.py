"""Reserved instances: what was committed to is used."""

from collections.abc import Iterator, Sequence
from typing import Any

from auditor.kit import (
    HIGH,
    Case,
    Certainty,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Part,
    Price,
    Saving,
    Unavailable,
    check,
    sum_of,
)
from auditor.kit.billing import ORGANIZATION, amount

from ._payer import ACCOUNT, COMPUTE, MEMBER, PAYER, PLANS, THE_ACCOUNT, USAGE, figures_of_the_bill
from .thresholds import ReservedInstances

PLAN = "AWS::SavingsPlans::SavingsPlan"
OWNED = (
    PLAN,
    "AWS::EC2::ReservedInstances",
    "AWS::RDS::ReservedDBInstance",
    "AWS::ElastiCache::ReservedCacheNode",
    "AWS::Redshift::ReservedNode",
    "AWS::OpenSearchService::ReservedInstance",
)
_MONTH = {"Start": "2026-05-01", "End": "2026-06-01"}
_DENIED = Gap("ce:GetReservationUtilization", "AccessDenied")


def _plans(percent: str, unused: str = "0", total: str = "3650") -> dict[str, Any]:
    said = {"UtilizationPercentage": percent, "UnusedCommitment": unused, "TotalCommitment": total}
    return {"For": PLANS, "TimePeriod": _MONTH, "Utilization": {"Utilization": said}}


def _reserved(percent: str, unused: str = "0", service: str = COMPUTE, hours: str = "744") -> dict[str, Any]:
    said = {"UtilizationPercentage": percent, "RICostForUnusedHours": unused, "PurchasedHours": hours}
    return {"For": service, "TimePeriod": _MONTH, "ReservationUtilization": said}


def _nothing(of: str) -> dict[str, Any]:
    return {"For": of, "TimePeriod": _MONTH, "Utilization" if of == PLANS else "ReservationUtilization": None}


_ALL_USED = [_plans("98.5"), _reserved("100"), _nothing("Amazon ElastiCache")]
_OWNED_PLAN = {"savingsPlanArn": "arn:aws:savingsplans::111122223333:savingsplan/1", "state": "active"}


def _case(*rows: dict[str, Any], why: str = "", plans: Sequence[dict[str, Any]] = ()) -> Case:
    return Case(THE_ACCOUNT, related={USAGE: rows, PLAN: plans}, why=why)


@check(
    "commitment-utilization",
    pattern="cost.right-sizing.reserved-instances",
    on=ACCOUNT,
    severity=HIGH,
    reads=(USAGE, ORGANIZATION, *OWNED),
    fix=Fix(
        cli="aws ec2 get-reserved-instances-exchange-quote --reserved-instance-ids ID --target-configurations OfferingId=OFFERING"
    ),
    same_as=("service-screener:CEReservedInstance",),
    passes=[
        _case(*_ALL_USED),
        _case(_plans("90"), _nothing(COMPUTE), why="just enough"),
    ],
    fails=[
        _case(_plans("71.2", "1051.2"), _reserved("100")),
        _case(_plans("99"), _reserved("40.5", "310.25", "Amazon Relational Database Service")),
        _case(_plans("0", "3650"), _reserved("12", "20")),
    ],
    skips=[
        _case(_nothing(PLANS), _nothing(COMPUTE), why="nothing is owned"),
        _case(_plans("0", "0", "0"), _reserved("0", "0", hours="0")),
        Case(THE_ACCOUNT, related=MEMBER, elsewhere={PAYER: {USAGE: _ALL_USED}}, why="it is judged where it is paid"),
    ],
    unknowns=[
        Case(THE_ACCOUNT, unread=[USAGE]),
        Case(THE_ACCOUNT, related=MEMBER, why="who pays was not scanned"),
        _case(_nothing(PLANS), _nothing(COMPUTE), plans=[_OWNED_PLAN], why="a plan is owned, and there are no figures of it"),
        Case(THE_ACCOUNT, related={USAGE: [_nothing(PLANS), _nothing(COMPUTE)]}, unread=[PLAN]),
    ],
)  # fmt: skip
def commitment_utilization(account: Facts, want: ReservedInstances) -> Iterator[Evidence]:
    """Savings Plans and reservations that are paid for are used.

    Why: what is committed to is paid by the hour, used or not: an unused part is the dearest capacity there is.

    Fix: move what runs to what is reserved, or exchange it where AWS allows that. It cannot be deleted: what is unused saves
    something again by being used, until it ends.

    Source: AWS Cost Explorer API reference, "ReservationAggregates" and "SavingsPlansUtilization", of the last whole month.
    Reservations of EC2, RDS, ElastiCache, Redshift and OpenSearch are looked at.
    """
    used, low = 0, list[tuple[Facts, float, float | None]]()
    unsure: Unavailable | None = None
    for row in sorted(figures_of_the_bill(account, USAGE), key=lambda row: row.id):
        try:
            found = _used(row)
        except Unavailable as unread:
            unsure = unsure or unread.kept()
            continue
        if found is None:
            continue
        used += 1
        percent, unused = found
        if percent < want.utilization_min_pct:
            low.append((row, percent, unused))
    if low:
        month = low[0][0]["TimePeriod"]["Start"][:7]
        told = "; ".join(f"{_name(row)} to {percent:g}%" for row, percent, _ in low)
        facts = {
            "month": month,
            "wanted_pct": want.utilization_min_pct,
            **{_name(row): f"{percent:g}%" for row, percent, _ in low},
        }
        yield Evidence(f"used in {month}: {told}", facts, saving=_unused(low))
        return
    account.require_read(USAGE)
    if unsure:
        raise unsure
    if not used:
        for type in OWNED:
            if any(_in_force(held) for held in account.all(type, everywhere=True)):
                raise Unavailable(
                    Gap(type, "DataUnavailableException", "it is owned, and AWS has no figures of its use")
                )
        raise NotApplicable("nothing is committed to")


def _used(row: Facts) -> tuple[float, float | None] | None:
    """Return to how many per cent it was used and what the rest cost (USD), or ``None`` where nothing is owned."""
    if row["For"] == PLANS:
        found = row.get("Utilization", {}).get("Utilization") or {}
        owned, unused = amount(found.get("TotalCommitment")), amount(found.get("UnusedCommitment"))
    else:
        found = row.get("ReservationUtilization", {})
        owned, unused = amount(found.get("PurchasedHours")), amount(found.get("RICostForUnusedHours"))
    percent = amount(found.get("UtilizationPercentage"))
    return None if percent is None or not owned else (percent, unused)


def _in_force(held: Facts) -> bool:
    return str(held.get("State", held.get("state", ""))) == "active"


def _name(row: Facts) -> str:
    return str(row["For"]) if row["For"] == PLANS else f"reservations of {row['For']}"


def _unused(low: Sequence[tuple[Facts, float, float | None]]) -> Saving:
    """Return what the unused part cost in the month; it comes back by being used, not by being deleted."""
    parts = []
    for row, _, unused in low:
        end = row["TimePeriod"]["End"]
        item = f"{_name(row)}, unused in {row['TimePeriod']['Start'][:7]}"
        price = (
            None
            if unused is None
            else Price(max(0.0, unused), "month", item, "cost-explorer", end, Certainty.UPPER_BOUND)
        )
        parts.append(Part(1, "month", price))
    return sum_of(*parts, certainty=Certainty.UPPER_BOUND, note="recoverable by re-use, not by deletion")
