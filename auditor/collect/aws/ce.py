"""Cost Explorer: what looks for anomalies of cost, who is told, the anomalies; what commitments are used, cover and could save.

AWS takes 0.01 USD for each of these requests (AWS Cost Explorer pricing). A scan makes three of them in every account, and
twelve more where the account pays for itself or for an organisation; none with ``scan.cost_explorer = false``.
"""

from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from auditor.collect.asking import one_of
from auditor.collect.aws.account import IDENTITY
from auditor.collect.aws.budgets import BILLED_IN
from auditor.collect.aws.organizations import DESCRIBE as ORGANIZATION
from auditor.collect.declare import Call, CallFailed, Collector, Now, ResourceType, Row

# ---- anomalies -------------------------------------------------------------------------------------------------------

ANOMALY_MONITOR = ResourceType(
    "AWS::CE::AnomalyMonitor",
    "What watches a part of the costs for anomalies.",
    list=Call("ce", "GetAnomalyMonitors", "AnomalyMonitors", region=BILLED_IN),
    id="{MonitorArn}",
    name="{MonitorName}",
    scope="global",
    volatile=("LastEvaluatedDate", "DimensionalValueCount"),
)


def _without_people(subscription: Row) -> Row:
    """Return the subscription with the addresses of topics alone: those of people are nobody's business."""
    kept = [
        {name: value for name, value in subscriber.items() if name != "Address" or not _is_of_somebody(subscriber)}
        for subscriber in subscription.get("Subscribers") or ()
    ]
    return {**subscription, "Subscribers": kept}


def _is_of_somebody(subscriber: Row) -> bool:
    return subscriber.get("Type") == "EMAIL" or "@" in str(subscriber.get("Address", ""))


ANOMALY_SUBSCRIPTION = ResourceType(
    "AWS::CE::AnomalySubscription",
    "Who is told of anomalies and from which impact on; of people only that there is somebody.",
    list=Call("ce", "GetAnomalySubscriptions", "AnomalySubscriptions", region=BILLED_IN),
    shape=_without_people,
    id="{SubscriptionArn}",
    name="{SubscriptionName}",
    scope="global",
)

_ANOMALIES = Call("ce", "GetAnomalies", "Anomalies", region=BILLED_IN)
_KEPT_DAYS = 90
"""So long AWS keeps anomalies (Cost Explorer API reference, GetAnomalies)."""


def _anomalies() -> Collector:
    """Yield the anomalies of the time that AWS keeps them, newest or not, reviewed or not."""
    yield IDENTITY
    today: date = (yield Now()).date()
    interval = {"StartDate": str(today - timedelta(days=_KEPT_DAYS)), "EndDate": str(today)}
    yield (yield replace(_ANOMALIES, params={"DateInterval": interval}))


ANOMALY = ResourceType(
    "AWS::CE::Anomaly",
    "Costs of the last 90 days that were not expected, what is behind them, and what people made of them (Feedback).",
    collect=_anomalies,
    calls=(IDENTITY, _ANOMALIES),
    id="arn:{partition}:ce::{account}:anomaly/{AnomalyId}",
    name="{AnomalyId}",
    scope="global",
    volatile=("AnomalyScore", "Impact", "RootCauses"),
)

# ---- commitments -----------------------------------------------------------------------------------------------------

_LAG = timedelta(days=2)
"""So late the last of a month's figures may come (Cost Explorer: "up to 48 hours")."""
_UNAVAILABLE = ("DataUnavailableException",)
"""AWS has no figures: nothing is owned, or Cost Explorer was never switched on."""


def _of(operation: str, result: str) -> Call:
    return Call("ce", operation, result, absent=_UNAVAILABLE, region=BILLED_IN)


_PLANS_UTILIZATION = _of("GetSavingsPlansUtilization", "Total")
_PLANS_COVERAGE = _of("GetSavingsPlansCoverage", "SavingsPlansCoverages")
_RESERVATIONS_UTILIZATION = _of("GetReservationUtilization", "Total")

COMPUTE = "Amazon Elastic Compute Cloud - Compute"
RESERVED_SERVICES = (
    "Amazon Relational Database Service",
    "Amazon ElastiCache",
    "Amazon Redshift",
    "Amazon OpenSearch Service",
)
"""What reservations are bought for beside EC2, as Cost Explorer calls it."""


def last_month(now: datetime) -> Mapping[str, str]:
    """Return the last calendar month whose figures are all in at NOW: its first day, and the first day after it."""
    end = (now - _LAG).date().replace(day=1)
    return {"Start": str((end - timedelta(days=1)).replace(day=1)), "End": str(end)}


def _own_bill() -> Generator[Any, Any, bool]:
    """Ask who pays; returns whether this account does, also where that may not be asked.

    Where another account pays for it, commitments are shared among all it pays for, and their figures are there.
    """
    account, organization = yield [IDENTITY, ORGANIZATION]
    if isinstance(account, CallFailed):
        raise account
    if isinstance(organization, CallFailed) or not (found := one_of(organization)):
        return True
    return bool(found.get("MasterAccountId") == one_of(account)["Account"])


def _usage() -> Collector:
    """Yield last month's figures of Savings Plans and of reservations by service; none where another account pays."""
    if not (yield from _own_bill()):
        return
    month = last_month((yield Now()))
    period = {"TimePeriod": month, "Granularity": "MONTHLY"}
    services = (COMPUTE, *RESERVED_SERVICES)
    filters = [{"Filter": {"Dimensions": {"Key": "SERVICE", "Values": [name]}}} for name in services]
    used, covered, *reserved = yield [
        replace(_PLANS_UTILIZATION, params=period),
        replace(_PLANS_COVERAGE, params=period),
        *(replace(_RESERVATIONS_UTILIZATION, params={**period, **only}) for only in filters),
    ]
    yield [
        {"For": SAVINGS_PLANS, "TimePeriod": month, "Utilization": _told(used), "Coverage": _told(covered)},
        *(
            {"For": name, "TimePeriod": month, "ReservationUtilization": _told(answer)}
            for name, answer in zip(services, reserved, strict=True)
        ),
    ]


def _told(answer: Any) -> Any:
    return answer.gap if isinstance(answer, CallFailed) else answer


SAVINGS_PLANS = "Savings Plans"

COMMITMENT_USAGE = ResourceType(
    "AWS::CE::CommitmentUsage",
    "How far Savings Plans, or a service's reservations, were used last month; read where the bill is paid.",
    collect=_usage,
    calls=(IDENTITY, ORGANIZATION, _PLANS_UTILIZATION, _PLANS_COVERAGE, _RESERVATIONS_UTILIZATION),
    id="arn:{partition}:ce::{account}:commitment-usage/{For}",
    name="{For}",
    scope="global",
    volatile=("TimePeriod", "Utilization", "Coverage", "ReservationUtilization"),
)

_TERMS: Mapping[str, str] = {
    "TermInYears": "ONE_YEAR",
    "PaymentOption": "NO_UPFRONT",
    "LookbackPeriodInDays": "THIRTY_DAYS",
    "AccountScope": "PAYER",
}
_PLANS = Call(
    "ce",
    "GetSavingsPlansPurchaseRecommendation",
    params={"SavingsPlansType": "COMPUTE_SP", **_TERMS},
    absent=_UNAVAILABLE,
    region=BILLED_IN,
)
_RESERVATIONS = Call("ce", "GetReservationPurchaseRecommendation", absent=_UNAVAILABLE, region=BILLED_IN)


def _recommendations() -> Collector:
    """Yield what AWS would commit to: Compute Savings Plans, and reservations service by service.

    EC2's reservations are not among them: they are the other way to save the same hours. Of the Savings Plans the first page is
    enough, for it has the summary; the pages of a service repeat its summary.
    """
    if not (yield from _own_bill()):
        return
    calls = [replace(_RESERVATIONS, params={"Service": name, **_TERMS}) for name in RESERVED_SERVICES]
    plans, *reservations = yield [_PLANS, *calls]
    yield [_plans_row(plans), *(map(_service_row, RESERVED_SERVICES, reservations))]


def _plans_row(answer: Any) -> Row:
    if isinstance(answer, CallFailed):
        return {"For": PLANS_OF_COMPUTE, "SavingsPlansSummary": answer.gap, "Metadata": answer.gap}
    found: Row = answer or {}
    summary = (found.get("SavingsPlansPurchaseRecommendation") or {}).get("SavingsPlansPurchaseRecommendationSummary")
    return {"For": PLANS_OF_COMPUTE, "SavingsPlansSummary": summary, "Metadata": found.get("Metadata")}


def _service_row(service: str, answer: Any) -> Row:
    if isinstance(answer, CallFailed):
        return {"For": service, "ReservationSummary": answer.gap, "Metadata": answer.gap}
    found: Row = answer or {}
    first: Row = next(iter(found.get("Recommendations") or ()), {})
    return {"For": service, "ReservationSummary": first.get("RecommendationSummary"), "Metadata": found.get("Metadata")}


PLANS_OF_COMPUTE = "Compute Savings Plans"

PURCHASE_RECOMMENDATION = ResourceType(
    "AWS::CE::PurchaseRecommendation",
    "What AWS recommends to commit to for a year without upfront payment, by the last 30 days; read where the bill is paid.",
    collect=_recommendations,
    calls=(IDENTITY, ORGANIZATION, _PLANS, _RESERVATIONS),
    id="arn:{partition}:ce::{account}:purchase-recommendation/{For}",
    name="{For}",
    scope="global",
    volatile=("SavingsPlansSummary", "ReservationSummary", "Metadata"),
)
