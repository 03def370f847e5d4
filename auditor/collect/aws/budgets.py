"""AWS Budgets: what is to be spent, what was and will be, and who is told before it is too much."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from auditor.collect.asking import one_of, side_by_side
from auditor.collect.aws.account import IDENTITY
from auditor.collect.declare import Call, CallFailed, Collector, ResourceType, Row

BILLED_IN = ("us-east-1", "cn-northwest-1")
"""Where billing answers, for each partition that has it. What GovCloud costs is on the bill of a standard account beside it.

Source: AWS GovCloud (US) User Guide, "Billing and Payment"; AWS General Reference, endpoints of AWS Budgets and Cost Explorer.
"""

_BUDGETS = Call("budgets", "DescribeBudgets", "Budgets", region=BILLED_IN)
_NOTIFICATIONS = Call(
    "budgets",
    "DescribeBudgetNotificationsForAccount",
    "BudgetNotificationsForAccount",
    region=BILLED_IN,
)
_SUBSCRIBERS = Call("budgets", "DescribeSubscribersForNotification", "Subscribers", region=BILLED_IN)
_NAMED_BY = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
"""What AWS tells a budget's notifications apart by."""


def _budgets() -> Collector:
    """Yield the budgets, each with its notifications, and each of those with how its subscribers are reached.

    The notifications of all budgets are one list; subscribers are asked for notification by notification.
    """
    account = yield IDENTITY
    whose = {"AccountId": one_of(account)["Account"]}
    budgets, told = yield [
        replace(_BUDGETS, params={**whose, "ShowFilterExpression": True}),
        replace(_NOTIFICATIONS, params=whose),
    ]
    if isinstance(budgets, CallFailed):
        raise budgets
    if isinstance(told, CallFailed):
        yield [{**budget, "Notifications": told.gap} for budget in budgets]
        return
    of = {entry["BudgetName"]: [_plain(item) for item in entry.get("Notifications") or ()] for entry in told}
    asked = [(name, notification) for name, held in of.items() for notification in held]
    answers = yield from side_by_side(
        replace(_SUBSCRIBERS, params={**whose, "BudgetName": name, "Notification": notification})
        for name, notification in asked
    )
    reached = {(name, _key(item)): answer for (name, item), answer in zip(asked, answers, strict=True)}
    yield [{**budget, "Notifications": _together(budget["BudgetName"], of, reached)} for budget in budgets]


def _plain(notification: Row) -> dict[str, Any]:
    """Return what names a notification; whether it is in alarm changes by itself."""
    return {name: notification[name] for name in _NAMED_BY if name in notification}


def _key(notification: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(notification.get(name) for name in _NAMED_BY)


def _together(name: str, of: Mapping[str, Sequence[Row]], reached: Mapping[Any, Any]) -> Any:
    """Return a budget's notifications with their subscribers, or why one's could not be read."""
    made = []
    for notification in of.get(name, ()):
        answer = reached[name, _key(notification)]
        if isinstance(answer, CallFailed):
            return answer.gap
        # Addresses are people's; how many there are is enough.
        made.append({**notification, "Subscribers": [{"SubscriptionType": who["SubscriptionType"]} for who in answer]})
    return made


BUDGET = ResourceType(
    "AWS::Budgets::Budget",
    "A budget with what was and what is expected to be spent, its notifications, and how many are told (not who).",
    collect=_budgets,
    calls=(IDENTITY, _BUDGETS, _NOTIFICATIONS, _SUBSCRIBERS),
    id="arn:{partition}:budgets::{account}:budget/{BudgetName}",
    name="{BudgetName}",
    scope="global",
    volatile=("CalculatedSpend", "LastUpdatedTime"),
)
