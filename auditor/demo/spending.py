"""What the demo account is planned to cost, what was not expected, and what it commits to: a budget nobody hears of, a leak
nobody looked into, a Savings Plan that is not used up. Nearly all of it moto cannot answer."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from auditor.demo.past import ACCOUNT, backend

__all__ = ["answer", "build"]

_DAY = 86400
_MADE = time.time()
"""When the account was made: what happened before does not move from one scan to the next."""
_MONITOR = f"arn:aws:ce::{ACCOUNT}:anomalymonitor/5b1a7c6e"
_PLAN = f"arn:aws:savingsplans::{ACCOUNT}:savingsplan/7f3c"


def build(budgets: Any) -> None:
    """Make the budgets with BUDGETS, a client: one of the whole that alerts in time, one of the warehouse that alerts nobody."""
    email = [{"SubscriptionType": "EMAIL", "Address": "costs@northwind.example"}]
    for name, limit, spent, expected, filters, alerts in (
        ("whole account", "9000", "6873.41", "9420.10", {}, (("ACTUAL", 80.0), ("FORECASTED", 100.0))),
        ("legacy", "1500", "1711.80", "2013.55", {"TagKeyValue": ["user:environment$legacy"]}, ()),
    ):
        budgets.create_budget(
            AccountId=ACCOUNT,
            Budget={
                "BudgetName": name,
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": limit, "Unit": "USD"},
                "CostFilters": filters,
                "CalculatedSpend": {
                    "ActualSpend": {"Amount": spent, "Unit": "USD"},
                    "ForecastedSpend": {"Amount": expected, "Unit": "USD"},
                },
            },
            NotificationsWithSubscribers=[
                {
                    "Notification": {
                        "NotificationType": kind,
                        "ComparisonOperator": "GREATER_THAN",
                        "Threshold": threshold,
                        "ThresholdType": "PERCENTAGE",
                    },
                    "Subscribers": email,
                }
                for kind, threshold in alerts
            ],
        )


def answer(service: str, operation: str, path: str, body: bytes) -> dict[str, Any] | None:
    """Return what the account answers of its costs; ``None``: ask moto."""
    if (service, path) == ("savingsplans", "/DescribeSavingsPlans"):
        return {"savingsPlans": [_plan()]}
    make = _ANSWERS.get((service, operation))
    return make(json.loads(body or b"{}")) if make else None


def _day(ago: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(_MADE - ago * _DAY))


# ---- budgets ---------------------------------------------------------------------------------------------------------


def _notifications(_: Mapping[str, Any]) -> dict[str, Any]:
    held = backend("budgets", "aws").budgets[ACCOUNT]
    told = [{"BudgetName": name, "Notifications": list(budget.get_notifications())} for name, budget in held.items()]
    return {"BudgetNotificationsForAccount": told}


def _subscribers(asked: Mapping[str, Any]) -> dict[str, Any]:
    held = backend("budgets", "aws").budgets[ACCOUNT][asked["BudgetName"]].notifications
    same = [one for one in held if asked["Notification"].items() <= one.details.items()]
    return {"Subscribers": [subscriber for one in same for subscriber in one.subscribers]}


# ---- anomalies -------------------------------------------------------------------------------------------------------


def _monitors(_: Mapping[str, Any]) -> dict[str, Any]:
    monitor = {
        "MonitorArn": _MONITOR,
        "MonitorName": "Default-Services-Monitor",
        "MonitorType": "DIMENSIONAL",
        "MonitorDimension": "SERVICE",
        "CreationDate": _day(700),
        "LastEvaluatedDate": _day(0),
    }
    return {"AnomalyMonitors": [monitor]}


def _subscriptions(_: Mapping[str, Any]) -> dict[str, Any]:
    asked = [("ABSOLUTE", "100"), ("PERCENTAGE", "40")]
    dimensions = [
        {
            "Dimensions": {
                "Key": f"ANOMALY_TOTAL_IMPACT_{key}",
                "Values": [value],
                "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
            }
        }
        for key, value in asked
    ]
    subscription = {
        "SubscriptionArn": f"arn:aws:ce::{ACCOUNT}:anomalysubscription/91d0",
        "SubscriptionName": "Default-Services-Subscription",
        "AccountId": ACCOUNT,
        "MonitorArnList": [_MONITOR],
        "Subscribers": [{"Type": "EMAIL", "Address": "costs@northwind.example", "Status": "CONFIRMED"}],
        "Frequency": "DAILY",
        "ThresholdExpression": {"And": dimensions},
    }
    return {"AnomalySubscriptions": [subscription]}


def _anomalies(_: Mapping[str, Any]) -> dict[str, Any]:
    told = (
        (61, 6, "AWS Data Transfer", "us-east-1", "DataTransfer-Out-Bytes", 812.4, ""),
        (
            33,
            3,
            "Amazon Elastic Compute Cloud - Compute",
            "eu-central-1",
            "EUC1-BoxUsage:c6i.4xlarge",
            274.9,
            "PLANNED_ACTIVITY",
        ),
        (9, 4, "AmazonCloudWatch", "eu-west-1", "EU-DataProcessing-Bytes", 133.2, ""),
    )
    return {
        "Anomalies": [
            {
                "AnomalyId": f"0000000{number}-demo",
                "AnomalyStartDate": _day(ended + days),
                "AnomalyEndDate": _day(ended),
                "DimensionValue": service,
                "RootCauses": [{"Service": service, "Region": region, "LinkedAccount": ACCOUNT, "UsageType": usage}],
                "AnomalyScore": {"MaxScore": 0.8, "CurrentScore": 0.2},
                "Impact": {
                    "MaxImpact": usd,
                    "TotalImpact": usd,
                    "TotalActualSpend": 3 * usd,
                    "TotalExpectedSpend": 2 * usd,
                },
                "MonitorArn": _MONITOR,
                **({"Feedback": feedback} if feedback else {}),
            }
            for number, (ended, days, service, region, usage, usd, feedback) in enumerate(told)
        ]
    }


# ---- commitments -----------------------------------------------------------------------------------------------------


def _plan() -> dict[str, Any]:
    return {
        "savingsPlanArn": _PLAN,
        "savingsPlanId": "7f3c",
        "savingsPlanType": "Compute",
        "state": "active",
        "start": f"{_day(346)}T00:00:00.000Z",
        "end": f"{_day(-19)}T00:00:00.000Z",
        "commitment": "1.20",
        "currency": "USD",
        "paymentOption": "No Upfront",
        "termDurationInSeconds": 365 * _DAY,
        "productTypes": ["EC2", "Fargate", "Lambda"],
        "tags": {"owner": "platform"},
    }


def _plans_used(asked: Mapping[str, Any]) -> dict[str, Any]:
    used = {
        "TotalCommitment": "876",
        "UsedCommitment": "648.24",
        "UnusedCommitment": "227.76",
        "UtilizationPercentage": "74",
    }
    return {"Total": {"Utilization": used}, "SavingsPlansUtilizationsByTime": []}


def _plans_cover(asked: Mapping[str, Any]) -> dict[str, Any]:
    covered = {
        "SpendCoveredBySavingsPlans": "893.7",
        "OnDemandCost": "1620.3",
        "TotalCost": "2514",
        "CoveragePercentage": "35.5",
    }
    return {"SavingsPlansCoverages": [{"TimePeriod": asked["TimePeriod"], "Coverage": covered}]}


def _plans_wanted(_: Mapping[str, Any]) -> dict[str, Any]:
    summary = {
        "EstimatedMonthlySavingsAmount": "318.6",
        "HourlyCommitmentToPurchase": "1.1",
        "CurrentOnDemandSpend": "1620.3",
        "CurrencyCode": "USD",
    }
    return {
        "Metadata": {"RecommendationId": "r", "GenerationTimestamp": f"{_day(1)}T02:10:00Z"},
        "SavingsPlansPurchaseRecommendation": {"SavingsPlansPurchaseRecommendationSummary": summary},
    }


def _reservations_wanted(asked: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"Amazon Relational Database Service": "241.9"}.get(asked["Service"])
    summary = {"TotalEstimatedMonthlySavingsAmount": wanted, "CurrencyCode": "USD"}
    return {
        "Metadata": {"RecommendationId": "r", "GenerationTimestamp": f"{_day(1)}T02:10:00Z"},
        "Recommendations": [{"RecommendationSummary": summary}] if wanted else [],
    }


_ANSWERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    ("budgets", "DescribeBudgetNotificationsForAccount"): _notifications,
    ("budgets", "DescribeSubscribersForNotification"): _subscribers,
    ("ce", "GetAnomalyMonitors"): _monitors,
    ("ce", "GetAnomalySubscriptions"): _subscriptions,
    ("ce", "GetAnomalies"): _anomalies,
    ("ce", "GetSavingsPlansUtilization"): _plans_used,
    ("ce", "GetSavingsPlansCoverage"): _plans_cover,
    ("ce", "GetReservationUtilization"): lambda _: {"UtilizationsByTime": [], "Total": {}},
    ("ce", "GetSavingsPlansPurchaseRecommendation"): _plans_wanted,
    ("ce", "GetReservationPurchaseRecommendation"): _reservations_wanted,
}
