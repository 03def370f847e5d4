"""Who pays for an account, and how much of its costs a budget or an anomaly monitor looks at."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.model import Gap

__all__ = ["ORGANIZATION", "amount", "billed_here", "covers", "covers_budget", "covers_monitor", "partly", "payer_of"]

ORGANIZATION = "AWS::Organizations::Organization"
_BILLS_ELSEWHERE = ("aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f")
"""Partitions without a bill of their own. Source: AWS GovCloud (US) User Guide, "Billing and Payment"."""
_NO_USE = frozenset({"Credit", "Refund", "Tax", "Support", "Enterprise Discount Program Discount", "Bundled Discount"})
"""Types of charges that are not what an account uses; filters that leave them out leave nothing out."""

_PLAIN = frozenset({"EQUALS", "CASE_SENSITIVE"})
"""How values are matched where nothing else is said."""


def billed_here(account: Facts) -> None:
    """Raise NotApplicable where the account's costs are on the bill of another partition's account."""
    if account.id.split(":")[1:2] and account.id.split(":")[1] in _BILLS_ELSEWHERE:
        raise NotApplicable("what this partition costs is on the bill of a standard account beside it")


def payer_of(account: Facts, named: str = "") -> str:
    """Return the id of the account that pays for ACCOUNT: itself, unless it is a member of an organisation.

    NAMED is who pays by the standard's numbers, where it is not the organisation. Raises Unavailable when it is not known.
    """
    if named:
        return named
    organizations = account.all(ORGANIZATION)
    return str(organizations[0]["MasterAccountId"]) if organizations else account.account


def amount(spend: Any) -> float | None:
    """Return the number of SPEND (AWS writes amounts as text, or as ``{"Amount": …, "Unit": …}``); ``None`` without one."""
    text: Any = spend.get("Amount") if isinstance(spend, Mapping) else spend
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if isfinite(value) else None


def covers(expression: Mapping[str, Any] | None, account: str) -> bool | None:
    """Return whether a filter of Cost Explorer lets all costs of ACCOUNT (its id) through.

    ``True``: all; ``False``: none; ``None``: a part of them, and nobody knows how much. Without an expression all.
    Source: AWS Cost Explorer API reference, "Expression".
    """
    return _every(_one(name, value, account) for name, value in (expression or {}).items())


def _one(name: str, value: Any, account: str) -> bool | None:
    match name:
        case "And":
            return _every(covers(item, account) for item in value)
        case "Or":
            return _not(_every(_not(covers(item, account)) for item in value)) if value else True
        case "Not":
            return _not(covers(value, account))
        case "Dimensions":
            return _dimension(value, account)
        case _:
            return None


def _dimension(asked: Mapping[str, Any], account: str) -> bool | None:
    values = asked.get("Values") or ()
    if not _PLAIN.issuperset(asked.get("MatchOptions") or ()):
        return None
    if asked.get("Key") == "LINKED_ACCOUNT":
        return account in values
    if asked.get("Key") == "RECORD_TYPE" and values and _NO_USE.issuperset(values):
        return False
    return None


def _not(covered: bool | None) -> bool | None:
    return None if covered is None else not covered


def _every(parts: Iterable[bool | None]) -> bool | None:
    """Return what is let through by filters that all must let it through."""
    covered: bool | None = True
    for part in parts:
        if part is False:
            return False
        covered = None if part is None else covered
    return covered


def covers_budget(budget: Facts, account: str) -> bool | None:
    """Return whether BUDGET counts all costs of ACCOUNT, as ``covers`` says it."""
    filters: Mapping[str, Sequence[str]] = budget.get("CostFilters", {})
    view = str(budget.get("BillingViewArn", ""))
    return _every(
        (
            covers(budget.get("FilterExpression", {}), account),
            *((account in values) if name == "LinkedAccount" else None for name, values in filters.items()),
            True if not view or view.endswith("billingview/primary") else None,
        )
    )


def covers_monitor(monitor: Facts, account: str) -> bool | None:
    """Return whether MONITOR watches all costs of ACCOUNT, as ``covers`` says it.

    One that AWS manages by services or by accounts watches everything there is to pay; by tags or cost categories, what has
    one: the standard lets that count for the account that has the monitor. Source: AWS Cost Management, "Monitor types".
    """
    if monitor["MonitorType"] == "CUSTOM":
        return covers(monitor["MonitorSpecification"], account)
    if monitor["MonitorDimension"] in ("SERVICE", "LINKED_ACCOUNT"):
        return True
    return True if monitor.account == account else None


def partly(operation: str, name: str) -> Unavailable:
    """Return why it is not known whether the budget or monitor called NAME, read by OPERATION, looks at the whole."""
    return Unavailable(
        Gap(operation, "Filtered", f"{name} looks at a part of the costs, and how large that is is not read")
    )
