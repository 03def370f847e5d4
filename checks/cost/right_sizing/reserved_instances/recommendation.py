"""Reserved instances: what AWS recommends to commit to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditor.kit import (
    MEDIUM,
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

from ._payer import ACCOUNT, MEMBER, PAYER, THE_ACCOUNT, figures_of_the_bill
from .thresholds import ReservedInstances

RECOMMENDATION = "AWS::CE::PurchaseRecommendation"
_PLANS = "Compute Savings Plans"
_RDS, _CACHE = "Amazon Relational Database Service", "Amazon ElastiCache"
_MADE = {"GenerationTimestamp": "2026-06-14T02:10:00Z"}


def _plans(saved: str, spent: str = "4000", **fields: Any) -> dict[str, Any]:
    summary = {
        "EstimatedMonthlySavingsAmount": saved,
        "CurrentOnDemandSpend": spent,
        "HourlyCommitmentToPurchase": "1.5",
        "CurrencyCode": "USD",
    }
    return {"For": _PLANS, "SavingsPlansSummary": summary, "Metadata": _MADE, **fields}


def _service(saved: str = "", service: str = _RDS, currency: str = "USD") -> dict[str, Any]:
    summary = {"TotalEstimatedMonthlySavingsAmount": saved, "CurrencyCode": currency} if saved else None
    return {"For": service, "ReservationSummary": summary, "Metadata": _MADE}


def _case(*rows: dict[str, Any], why: str = "") -> Case:
    return Case(THE_ACCOUNT, related={RECOMMENDATION: rows}, why=why)


@check(
    "compute-commitment-recommendation",
    pattern="cost.right-sizing.reserved-instances",
    on=ACCOUNT,
    severity=MEDIUM,
    reads=(RECOMMENDATION, ORGANIZATION),
    fix=Fix(
        cli="aws savingsplans create-savings-plan --savings-plan-offering-id OFFERING --commitment USD_AN_HOUR",
        terraform="aws_savingsplans_plan",
    ),
    same_as=("trusted-advisor:cX3c2R1chu",),
    passes=[
        _case(_plans("0"), _service()),
        _case(_plans("20.5"), _service("12"), why="together not worth it"),
    ],
    fails=[
        _case(_plans("812.4"), _service()),
        _case(_plans("30"), _service("15"), _service("10.5", _CACHE), why="together they are"),
        _case(_plans("0", "0"), _service("75"), why="whatever the compute costs"),
    ],
    skips=[
        _case(_plans("0", "12.5"), _service(), why="so little runs"),
        Case(THE_ACCOUNT, related=MEMBER, elsewhere={PAYER: {RECOMMENDATION: [_plans("0")]}}),
    ],
    unknowns=[
        Case(THE_ACCOUNT, unread=[RECOMMENDATION]),
        Case(THE_ACCOUNT, related=MEMBER, why="who pays was not scanned"),
        _case(_plans("0", Metadata=None, SavingsPlansSummary=None), _service(), why="AWS never worked it out"),
        _case(_plans("0"), _service("900", currency="CNY"), why="how much that is in USD nobody said"),
    ],
)  # fmt: skip
def compute_commitment_recommendation(account: Facts, want: ReservedInstances) -> Iterator[Evidence]:
    """AWS recommends to commit to nothing that is worth it.

    Why: what runs day and night for a year costs a quarter to a half less when that is promised.

    Fix: delete and right-size first: the recommendation goes by what runs today. Then commit to what stays, in steps.

    Source: AWS Cost Explorer API reference, "SavingsPlansPurchaseRecommendationSummary": a year, no upfront payment, by the last
    30 days, for all whose bill it is. Reservations of EC2 are left out, because Savings Plans would save the same hours.
    """
    found = sorted(figures_of_the_bill(account, RECOMMENDATION), key=lambda row: row.id)
    worth: list[tuple[Facts, float]] = []
    unsure: Unavailable | None = None
    spent: float | None = None
    for row in found:
        try:
            saved = _saved(row)
            spent = amount(_summary(row).get("CurrentOnDemandSpend")) if row["For"] == _PLANS else spent
        except Unavailable as unread:
            unsure = unsure or unread.kept()
            continue
        if saved > 0:
            worth.append((row, saved))
    total = sum(saved for _, saved in worth)
    if total >= want.min_recommended_saving_usd:
        told = ", ".join(f"{row['For']} {saved:,.2f} USD" for row, saved in worth)
        facts = {
            **{str(row["For"]): saved for row, saved in worth},
            "wanted_usd_month": want.min_recommended_saving_usd,
        }
        yield Evidence(
            f"AWS recommends commitments that save {total:,.2f} USD a month: {told}", facts, saving=_saving(worth)
        )
        return
    account.require_read(RECOMMENDATION)
    if unsure:
        raise unsure
    if spent is not None and spent < want.min_monthly_on_demand_usd and not worth:
        least = want.min_monthly_on_demand_usd
        raise NotApplicable(f"what could be committed to costs less than {least} USD a month")


def _summary(row: Facts) -> Mapping[str, Any]:
    found: Mapping[str, Any] = row.get("SavingsPlansSummary" if row["For"] == _PLANS else "ReservationSummary", {})
    return found


def _saved(row: Facts) -> float:
    """Return what committing would save (USD a month); 0 where AWS recommends none. Raises Unavailable where that is not known."""
    summary = _summary(row)
    plans = row["For"] == _PLANS
    if plans and not row.get("Metadata"):
        said = "AWS never worked a recommendation out; whoever may can start it in the console"
        raise Unavailable(Gap("ce:GetSavingsPlansPurchaseRecommendation", "NeverGenerated", said))
    saved = (
        amount(summary.get("EstimatedMonthlySavingsAmount" if plans else "TotalEstimatedMonthlySavingsAmount")) or 0.0
    )
    if saved and summary.get("CurrencyCode", "USD") != "USD":
        said = f"the recommendation for {row['For']} is in {summary['CurrencyCode']}"
        raise Unavailable(Gap("ce:GetReservationPurchaseRecommendation", "OtherCurrency", said))
    return saved


def _saving(worth: Sequence[tuple[Facts, float]]) -> Saving:
    """Return what AWS says is saved: of what runs today, so at most that once waste is gone and sizes are right."""
    parts = []
    for row, saved in worth:
        made = str((row.get("Metadata", {})).get("GenerationTimestamp") or row.observed_at.date())[:10]
        item = str(row["For"]) if row["For"] == _PLANS else f"reservations of {row['For']}"
        price = Price(saved, "month", f"{item}, a year, no upfront", "aws-recommendation", made, Certainty.UPPER_BOUND)
        parts.append(Part(1, "month", price))
    return sum_of(
        *parts, certainty=Certainty.UPPER_BOUND, note="by what runs today: less once waste is gone and sizes are right"
    )
