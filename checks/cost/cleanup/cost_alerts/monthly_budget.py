"""Cost alerts: a budget counts the whole cost of the account."""

from collections.abc import Iterable, Iterator
from typing import Any

from auditor.kit import (
    MEDIUM,
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
from auditor.kit.billing import ORGANIZATION, amount, billed_here, covers_budget, partly, payer_of

from .thresholds import CostAlerts

ACCOUNT = "AWS::::Account"
BUDGET = "AWS::Budgets::Budget"
_DENIED = Gap("budgets:ViewBudget", "AccessDenied")
_PAYER = "999988887777"
_THE_ACCOUNT = {"Account": "111122223333"}
_ALERT = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
    "Subscribers": [{"SubscriptionType": "EMAIL"}],
}


def _budget(**fields: Any) -> dict[str, Any]:
    """Return a budget that counts everything and alerts somebody, but for FIELDS."""
    return {
        "BudgetName": "everything",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "5000.0", "Unit": "USD"},
        "CostFilters": {},
        "Notifications": [_ALERT],
        **fields,
    }


def _filter(**dimensions: str) -> dict[str, Any]:
    [(key, value)] = dimensions.items()
    return {"FilterExpression": {"Dimensions": {"Key": key, "Values": [value]}}}


_MEMBER = {ORGANIZATION: [{"MasterAccountId": _PAYER}]}


def _case(*budgets: Document, why: str = "", member: bool = False, payers: Iterable[Document] | None = None) -> Case:
    """Return the account with BUDGETS; MEMBER: of an organisation, in whose payer's scan the budgets are PAYERS."""
    elsewhere = {} if payers is None else {_PAYER: {BUDGET: list(payers)}}
    return Case(_THE_ACCOUNT, related={BUDGET: budgets, **(_MEMBER if member else {})}, elsewhere=elsewhere, why=why)


@check(
    "budget-monthly-cost",
    pattern="cost.cleanup.cost-alerts",
    on=ACCOUNT,
    severity=MEDIUM,
    reads=(BUDGET, ORGANIZATION),
    fix=Fix(
        cli="aws budgets create-budget --account-id {account} --budget file://budget.json "
        "--notifications-with-subscribers file://notifications.json",
        terraform="aws_budgets_budget",
    ),
    same_as=("service-screener:enableCostBudget",),
    passes=[
        _case(_budget()),
        _case(_budget(TimeUnit="DAILY")),
        _case(_budget(BudgetName="usage", BudgetType="USAGE"), _budget()),
        _case(_budget(BudgetLimit=None, PlannedBudgetLimits={"1781481600": {"Amount": "5000", "Unit": "USD"}})),
        _case(_budget(BudgetLimit=None, AutoAdjustData={"AutoAdjustType": "HISTORICAL"})),
        _case(
            _budget(FilterExpression={"Not": _filter(RECORD_TYPE="Credit")["FilterExpression"]}),
            why="credits are no use",
        ),
        _case(_budget(**_filter(LINKED_ACCOUNT="111122223333")), why="that is the account itself"),
        _case(_budget(), member=True, why="its own budget is enough, whoever pays"),
    ],
    fails=[
        _case(why="there is no budget"),
        _case(_budget(BudgetType="SAVINGS_PLANS_UTILIZATION")),
        _case(_budget(TimeUnit="ANNUALLY"), why="a year's budget is used up before anybody hears of it"),
        _case(_budget(TimePeriod={"End": ago(days=30)}), why="it has ended"),
        _case(_budget(BudgetLimit={"Amount": "0", "Unit": "USD"})),
        _case(_budget(HealthStatus={"Status": "UNHEALTHY"})),
        _case(_budget(Notifications=[])),
        _case(_budget(Notifications=[{**_ALERT, "Subscribers": []}]), why="it alerts nobody"),
        _case(_budget(**_filter(LINKED_ACCOUNT="222233334444")), why="it counts another account"),
        _case(member=True, payers=[], why="the payer has none either"),
        _case(member=True, payers=[_budget(CostFilters={"LinkedAccount": ["222233334444"]})]),
    ],
    skips=[
        _case(member=True, payers=[_budget()], why="the payer's budget counts all that it pays for"),
        _case(member=True, payers=[_budget(CostFilters={"LinkedAccount": ["111122223333"]})]),
    ],
    unknowns=[
        Case(_THE_ACCOUNT, unread=[BUDGET]),
        _case(_budget(**_filter(SERVICE="Amazon Redshift")), why="how much of the costs that is nobody said"),
        _case(_budget(CostFilters={"TagKeyValue": ["user:team$core"]})),
        _case(member=True, why="the payer was not scanned"),
        _case(member=True, payers=[_budget(CostFilters={"CostCategory": ["unit$shop"]})]),
        Case(_THE_ACCOUNT, unread=[ORGANIZATION], why="somebody else may pay"),
    ],
)
def budget_monthly_cost(account: Facts, want: CostAlerts) -> Iterator[Evidence]:
    """A budget counts the whole cost of the account, by the month or the day, and alerts somebody.

    Why: what nobody planned nobody misses: without a budget the first to hear of a mistake is who reads the invoice.

    Fix: create a monthly cost budget without filters and have it alert somebody. In an organisation one in the account that pays
    counts for all its members, also one that names them.

    Source: AWS Budgets API reference, "Budget"; standard, "Cost alerts: Alert on cost anomalies". A budget that filters by
    services or tags counts a part of the costs, and how large that is is not read: then it is unknown.
    """
    account["Account"]
    billed_here(account)
    faults: dict[str, str] = {}
    unsure = _counted(account.known(BUDGET), account, faults)
    if unsure is _ENOUGH:
        return
    payer = payer_of(account, want.payer_account)
    if payer != account.account:
        theirs = _counted(account.elsewhere(payer, BUDGET), account, faults)
        if theirs is _ENOUGH:
            raise NotApplicable(f"a budget of {payer}, which pays for it, counts it")
        unsure = unsure or theirs
    account.require_read(BUDGET)
    if isinstance(unsure, Unavailable):
        raise unsure
    told = "; ".join(f"{name} {fault}" for name, fault in sorted(faults.items()))
    yield Evidence("no budget counts the account's whole cost: " + (told or "there is none"), {"budgets": faults})


_ENOUGH = object()


def _counted(budgets: Iterable[Facts], account: Facts, faults: dict[str, str]) -> object:
    """Return _ENOUGH when one of BUDGETS counts the account, why that is not known, or None; the others' faults go into FAULTS."""
    unsure: Unavailable | None = None
    for budget in budgets:
        try:
            fault = _fault(budget, account)
        except Unavailable as unknown:
            unsure = unsure or unknown.kept()
            continue
        if not fault:
            return _ENOUGH
        faults[budget.name] = fault
    return unsure


def _fault(budget: Facts, account: Facts) -> str:
    """Return why BUDGET does not count, empty where it does."""
    if budget["BudgetType"] != "COST":
        return "counts no costs"
    if budget["TimeUnit"] not in ("MONTHLY", "DAILY"):
        return f"is {str(budget['TimeUnit']).lower()}"
    end = budget.get("TimePeriod", {}).get("End")
    if end and parse_time(end) < account.observed_at:
        return "has ended"
    planned = budget.get("PlannedBudgetLimits", {})
    limits = [budget.get("BudgetLimit"), *planned.values()]
    if not budget.get("AutoAdjustData") and not any((amount(limit) or 0) > 0 for limit in limits):
        return "has no limit"
    if budget.get("HealthStatus", {}).get("Status") == "UNHEALTHY":
        return "is unhealthy"
    covered = covers_budget(budget, account.account)
    if covered is False:
        return "counts other accounts"
    if not any(notification.get("Subscribers") for notification in budget["Notifications"]):
        return "alerts nobody"
    if covered is None:
        raise partly("budgets:DescribeBudgets", f"budget {budget.name}")
    return ""
