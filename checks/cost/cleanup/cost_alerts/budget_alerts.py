"""Cost alerts: a budget tells somebody before it is used up."""

from collections.abc import Iterator, Mapping
from typing import Any

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, ago, check, parse_time
from auditor.kit.billing import amount

from .thresholds import CostAlerts

BUDGET = "AWS::Budgets::Budget"
_EMAIL = {"Subscribers": [{"SubscriptionType": "EMAIL"}]}


def _alert(kind: str, threshold: float, **fields: Any) -> dict[str, Any]:
    return {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": threshold,
        "ThresholdType": "PERCENTAGE",
        **_EMAIL,
        **fields,
    }


_SPENT, _EXPECTED = _alert("ACTUAL", 80.0), _alert("FORECASTED", 100.0)


def _budget(*notifications: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "BudgetName": "everything",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "5000.0", "Unit": "USD"},
        "Notifications": list(notifications),
        **fields,
    }


def _absolute(usd: float) -> dict[str, Any]:
    return _alert("ACTUAL", usd, ThresholdType="ABSOLUTE_VALUE")


@check(
    "budget-alert-configured",
    pattern="cost.cleanup.cost-alerts",
    on=BUDGET,
    severity=MEDIUM,
    fix=Fix(
        cli="aws budgets create-notification --account-id {account} --budget-name {name} --notification "
        "NotificationType=FORECASTED,ComparisonOperator=GREATER_THAN,Threshold=100 "
        "--subscribers SubscriptionType=EMAIL,Address=ADDRESS",
        terraform="aws_budgets_budget.notification",
    ),
    passes=[
        _budget(_SPENT, _EXPECTED),
        Case(_budget(_EXPECTED), why="what is expected is an alert as well"),
        Case(_budget(_absolute(4000.0), _EXPECTED), why="4,000 of 5,000 USD"),
        Case(_budget(_SPENT, TimeUnit="DAILY"), why="AWS forecasts no days"),
    ],
    fails=[
        _budget(),
        Case(_budget(_SPENT), why="it tells of nothing that is only expected"),
        Case(_budget(_alert("ACTUAL", 120.0), _alert("FORECASTED", 150.0)), why="when it is heard of it is too late"),
        Case(_budget({**_SPENT, "Subscribers": []}, {**_EXPECTED, "Subscribers": []}), why="nobody is told"),
        _budget(_absolute(6000.0), _alert("FORECASTED", 150.0)),
        Case(_budget(_alert("ACTUAL", 80.0, ComparisonOperator="LESS_THAN")), why="it tells of what is saved"),
    ],
    skips=[
        _budget(BudgetType="USAGE"),
        _budget(BudgetType="RI_UTILIZATION"),
        Case(_budget(TimePeriod={"End": ago(days=3)}), why="it has ended"),
    ],
    unknowns=[
        Case(_budget(), gaps={"Notifications": Gap("budgets:ViewBudget", "AccessDenied")}),
        Case(_budget(_absolute(4000.0), BudgetLimit={}), why="of which limit nobody knows"),
    ],
)
def budget_alert_configured(budget: Facts, want: CostAlerts) -> Iterator[Evidence]:
    """A cost budget tells somebody before it is used up, and when it is going to be.

    Why: a budget that alerts at 120%, or nobody, is a chart. A forecast leaves days in which something can still be done.

    Fix: add a notification at 100% of what is forecast, with an address that somebody reads.

    Source: AWS Budgets API reference, "Notification"; AWS Cost Management User Guide, "Creating a budget" (there is no forecast
    for daily budgets). A threshold in USD is held against the limit.
    """
    if budget["BudgetType"] != "COST":
        raise NotApplicable("it counts no costs")
    end = budget.get("TimePeriod", {}).get("End")
    if end and parse_time(end) < budget.observed_at:
        raise NotApplicable("it has ended")
    told = [alert for alert in budget["Notifications"] if alert.get("Subscribers")]
    alerts = [alert for alert in told if alert.get("ComparisonOperator") == "GREATER_THAN"]
    unsure: Unavailable | None = None
    early: list[Mapping[str, Any]] = []
    for alert in alerts:
        try:
            if _percent(alert, budget) <= want.budget_threshold_max_pct:
                early.append(alert)
        except Unavailable as unknown:
            unsure = unsure or unknown.kept()
    foreseen = [alert for alert in alerts if alert.get("NotificationType") == "FORECASTED"]
    facts = {
        "thresholds": [f"{alert.get('NotificationType')} {alert.get('Threshold'):g}" for alert in alerts],
        "wanted_pct": want.budget_threshold_max_pct,
        "wanted_forecast": want.require_forecast,
    }
    if not early:
        if unsure:
            raise unsure
        late = f"only above {want.budget_threshold_max_pct}% of it" if alerts else "of nothing"
        yield Evidence(f"tells {'somebody' if alerts else 'nobody'} {late}", facts)
    elif want.require_forecast and not foreseen and budget["TimeUnit"] != "DAILY":
        yield Evidence("tells of what was spent, never of what is expected", facts)


def _percent(alert: Mapping[str, Any], budget: Facts) -> float:
    """Return at how much of its limit ALERT tells; PERCENTAGE is what it is where nothing is said."""
    threshold = float(alert["Threshold"])
    if alert.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE":
        return threshold
    limit = amount(budget.get("BudgetLimit"))
    if not limit:
        raise Unavailable(Gap("budgets:DescribeBudgets", "FieldMissing", "the answer did not hold a limit"))
    return 100 * threshold / limit
