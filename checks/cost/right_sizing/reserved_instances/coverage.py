"""Reserved instances: what runs all the time is committed to."""

from collections.abc import Iterator, Sequence
from typing import Any

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.billing import ORGANIZATION, amount

from ._payer import ACCOUNT, COMPUTE, MEMBER, PAYER, PLANS, THE_ACCOUNT, USAGE, figures_of_the_bill
from .thresholds import ReservedInstances

_MONTH = {"Start": "2026-05-01", "End": "2026-06-01"}


def _plans(covered: str, on_demand: str) -> dict[str, Any]:
    said = {"SpendCoveredBySavingsPlans": covered, "OnDemandCost": on_demand}
    return {"For": PLANS, "TimePeriod": _MONTH, "Coverage": [{"TimePeriod": _MONTH, "Coverage": said}]}


def _reserved(usd: str) -> dict[str, Any]:
    return {"For": COMPUTE, "TimePeriod": _MONTH, "ReservationUtilization": {"OnDemandCostOfRIHoursUsed": usd}}


_NONE = {"For": COMPUTE, "TimePeriod": _MONTH, "ReservationUtilization": None}


def _case(*rows: dict[str, Any], why: str = "") -> Case:
    return Case(THE_ACCOUNT, related={USAGE: rows}, why=why)


@check(
    "compute-commitment-coverage",
    pattern="cost.right-sizing.reserved-instances",
    on=ACCOUNT,
    severity=MEDIUM,
    reads=(USAGE, ORGANIZATION),
    fix=Fix(
        cli="aws ce get-savings-plans-purchase-recommendation --savings-plans-type COMPUTE_SP --term-in-years ONE_YEAR "
        "--payment-option NO_UPFRONT --lookback-period-in-days THIRTY_DAYS",
        terraform="aws_savingsplans_plan",
    ),
    same_as=("service-screener:CEReservedInstance", "service-screener:CESavingsPlans"),
    passes=[
        _case(_plans("700", "300"), _NONE),
        _case(_plans("300", "300"), _reserved("400"), why="reservations cover as well"),
    ],
    fails=[
        _case(_plans("300", "700"), _NONE),
        _case(_plans("0", "500"), _reserved("100")),
    ],
    skips=[
        _case(_plans("0", "99.5"), _NONE, why="so little runs"),
        Case(THE_ACCOUNT, related=MEMBER, elsewhere={PAYER: {USAGE: [_plans("0", "500"), _NONE]}}),
    ],
    unknowns=[
        Case(THE_ACCOUNT, unread=[USAGE]),
        Case(THE_ACCOUNT, related=MEMBER, why="who pays was not scanned"),
        _case({"For": PLANS, "TimePeriod": _MONTH, "Coverage": None}, _NONE, why="AWS has no figures"),
        _case(_plans("?", "500"), _NONE),
    ],
)
def compute_commitment_coverage(account: Facts, want: ReservedInstances) -> Iterator[Evidence]:
    """Most of what runs and could be committed to is covered by Savings Plans or reservations.

    Why: what runs day and night at list price is paid for as if it could end tomorrow.

    Fix: see what AWS recommends; commit to what stays after deleting and right-sizing, in steps.

    Source: AWS Cost Explorer API reference, "SavingsPlansCoverageData", of the last whole month, and what EC2's reservations
    would have cost on demand ("OnDemandCostOfRIHoursUsed"), which the former leaves out; FinOps Foundation, "Commitment discounts".
    """
    rows = {str(row["For"]): row for row in figures_of_the_bill(account, USAGE)}
    account.require_read(USAGE)
    covered, on_demand = _spend(rows[PLANS]["Coverage"] if PLANS in rows else None)
    if on_demand < want.min_monthly_on_demand_usd:
        least = want.min_monthly_on_demand_usd
        raise NotApplicable(f"what could be committed to costs less than {least} USD a month on demand")
    reserved = rows[COMPUTE].get("ReservationUtilization", {}) if COMPUTE in rows else {}
    covered += amount(reserved.get("OnDemandCostOfRIHoursUsed")) or 0.0
    percent = 100 * covered / (covered + on_demand)
    if percent < want.coverage_min_pct:
        month = rows[PLANS]["TimePeriod"]["Start"][:7]
        yield Evidence(
            f"{percent:.1f}% of what could be committed to was covered in {month}",
            {"month": month, "covered_usd": round(covered, 2), "on_demand_usd": round(on_demand, 2),
             "wanted_pct": want.coverage_min_pct},
        )  # fmt: skip


def _spend(coverages: Sequence[dict[str, Any]] | None) -> tuple[float, float]:
    """Return what Savings Plans covered and what was paid on demand, USD. Raises Unavailable without figures."""
    sums = [0.0, 0.0]
    for row in coverages or ():
        found = row.get("Coverage") or {}
        for place, name in enumerate(("SpendCoveredBySavingsPlans", "OnDemandCost")):
            value = amount(found.get(name))
            if value is None:
                raise Unavailable(Gap("ce:GetSavingsPlansCoverage", "FieldMissing", f"the answer did not hold {name}"))
            sums[place] += value
    if not coverages:
        raise Unavailable(Gap("ce:GetSavingsPlansCoverage", "DataUnavailableException", "AWS has no figures"))
    return sums[0], sums[1]
