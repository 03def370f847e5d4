"""What an account of the reports' tests spends: budgets, anomalies and commitments, in every state they can be in."""

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.kit import NOW, ago
from auditor.model import GLOBAL, Coverage, CoverageState, Resource, Scope
from auditor.report import SPENDING_TYPES

BUDGET, ANOMALY, USAGE, RECOMMENDATION = SPENDING_TYPES[:4]
PLAN, RESERVED, DATABASE = (
    "AWS::SavingsPlans::SavingsPlan",
    "AWS::EC2::ReservedInstances",
    "AWS::RDS::ReservedDBInstance",
)
_REGIONAL = {type for type in SPENDING_TYPES if "Reserved" in type}


def _budget(
    name: str, limit: Any, actual: Any, forecast: Any, *alerts: tuple[str, float], **fields: Any
) -> dict[str, Any]:
    spent = {"ActualSpend": _usd(actual), **({"ForecastedSpend": _usd(forecast)} if forecast else {})}
    notifications = [
        {
            "NotificationType": kind, "ComparisonOperator": "GREATER_THAN", "Threshold": threshold,
            "ThresholdType": "PERCENTAGE", "Subscribers": [{"SubscriptionType": "EMAIL"}],
        }
        for kind, threshold in alerts
    ]  # fmt: skip
    return {
        "BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": _usd(limit),
        "CalculatedSpend": spent, "Notifications": notifications, **fields,
    }  # fmt: skip


def _usd(value: Any) -> dict[str, Any]:
    return {"Amount": value, "Unit": "USD"}


def _anomaly(
    id: str, ended: float | None, usd: float, feedback: str = "", where: str = "Amazon Redshift"
) -> dict[str, Any]:
    cause = {
        "Service": where,
        "Region": "eu-west-1",
        "LinkedAccount": "111122223333",
        "UsageType": "EU-Node:ra3.xlplus",
    }
    return {
        "AnomalyId": id,
        "AnomalyStartDate": ago(days=(ended or 0) + 3)[:10],
        **({"AnomalyEndDate": ago(days=ended)[:10]} if ended is not None else {}),
        "DimensionValue": where,
        "RootCauses": [cause, cause],
        "Impact": {"TotalImpact": usd},
        **({"Feedback": feedback} if feedback else {}),
    }


def resources(account: str, text: str = "") -> Mapping[str, Sequence[Resource]]:
    """Return resources by type; TEXT stands wherever somebody in the account may write."""
    month, made = {"Start": "2026-05-01", "End": "2026-06-01"}, {"GenerationTimestamp": "2026-06-14T02:10:00Z"}
    who = text or "everything"
    used = {"TotalCommitment": "876", "UnusedCommitment": "227.76", "UtilizationPercentage": "74"}
    reserved = {"PurchasedHours": "744", "RICostForUnusedHours": "0", "UtilizationPercentage": "100"}
    wanted = {"EstimatedMonthlySavingsAmount": "318.6", "CurrencyCode": "USD"}
    hours = {"BudgetType": "USAGE", "BudgetLimit": {"Amount": "700", "Unit": "Hrs"}}
    part = {"CostFilters": {"Service": [text or "Amazon EC2"]}}
    forecast = {"AutoAdjustType": "FORECAST"}
    held: dict[str, list[tuple[str, dict[str, Any]]]] = {
        BUDGET: [
            (who, _budget(who, "5000", "3100.5", "4800", ("ACTUAL", 80), ("FORECASTED", 100))),
            ("legacy", _budget("legacy", "900.0", "950.25", "1200", **part)),
            ("shop", _budget("shop", "100", "60", "130", ("ACTUAL", 100))),
            ("hours", _budget("hours", "700", "12", None) | hours),
            ("auto", {"BudgetName": "auto", "BudgetType": "COST", "TimeUnit": "DAILY", "AutoAdjustData": forecast}),
        ],
        ANOMALY: [
            ("a-1", _anomaly("a-1", 40, 812.4, where=text or "Amazon Redshift")),
            ("a-2", _anomaly("a-2", 20, 120.0, "PLANNED_ACTIVITY")),
            ("a-3", _anomaly("a-3", None, 55.5)),
            ("a-4", _anomaly("a-4", 60, 99.0, "NO")),
        ],
        USAGE: [
            ("Savings Plans", {"TimePeriod": month, "Utilization": {"Utilization": used}}),
            ("Amazon ElastiCache", {"TimePeriod": month, "ReservationUtilization": None}),
            ("Amazon Redshift", {"TimePeriod": month, "ReservationUtilization": reserved}),
        ],
        RECOMMENDATION: [
            ("Compute Savings Plans", {"Metadata": made, "SavingsPlansSummary": wanted}),
            ("Amazon ElastiCache", {"Metadata": made, "ReservationSummary": None}),
            ("Amazon Redshift", {"Metadata": None, "ReservationSummary": None}),
        ],
        PLAN: [
            ("plan-1", {"savingsPlanType": "Compute", "state": "active", "end": ago(days=-19), **_hourly("1.20")}),
            ("plan-2", {"savingsPlanType": text or "Database", "state": "payment-pending", "end": "soon"}),
        ],
        RESERVED: [
            ("r-1", {"InstanceType": "m7i.large", "InstanceCount": 4, "State": "active", "End": ago(days=-200)}),
        ],
        DATABASE: [
            ("d-1", {"DBInstanceClass": "db.r6g.large", "DBInstanceCount": 2, "State": "active", **_began(300)}),
        ],
    }
    return {
        type: [
            Resource(type, f"arn:aws:x::{account}:{type}/{number}", name, account, _place(type), NOW, document)
            for number, (name, document) in enumerate(rows)
        ]
        for type, rows in held.items()
    }


def _hourly(commitment: str) -> dict[str, str]:
    return {"commitment": commitment, "currency": "USD"}


def _began(days: float) -> dict[str, Any]:
    return {"StartTime": ago(days=days), "Duration": 31536000}


def _place(type: str) -> str:
    return "eu-west-1" if type in _REGIONAL else GLOBAL


def coverage(account: str, regions: Sequence[str]) -> list[Coverage]:
    """Return the coverage of a scan that read all of it."""
    return [
        Coverage(Scope(account, region, type), CoverageState.COMPLETE, None, NOW, 1, 1)
        for type in SPENDING_TYPES
        for region in (regions if type in _REGIONAL else (GLOBAL,))
    ]
