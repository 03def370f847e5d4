"""What the account is planned to cost, what was not expected, and what it commits to: as it was read, and whether it was.

An empty list says two things that must not be mistaken for each other: that there is nothing, and that nobody could look.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from auditor.kit.billing import amount
from auditor.kit.time import parse_time
from auditor.model import Coverage, CoverageState, Gap, Resource, Scan
from auditor.report.text import visible

__all__ = [
    "SPENDING_TYPES",
    "AnomalyView",
    "BudgetView",
    "CommitmentView",
    "Reading",
    "RecommendationView",
    "SpendingView",
    "UsageView",
    "spending_view",
]

BUDGET = "AWS::Budgets::Budget"
ANOMALY = "AWS::CE::Anomaly"
USAGE = "AWS::CE::CommitmentUsage"
RECOMMENDATION = "AWS::CE::PurchaseRecommendation"
ORGANIZATION = "AWS::Organizations::Organization"
_HELD: Mapping[str, tuple[str, str, str]] = {
    "AWS::SavingsPlans::SavingsPlan": ("Savings Plan", "savingsPlanType", ""),
    "AWS::EC2::ReservedInstances": ("EC2 reservation", "InstanceType", "InstanceCount"),
    "AWS::RDS::ReservedDBInstance": ("RDS reservation", "DBInstanceClass", "DBInstanceCount"),
    "AWS::ElastiCache::ReservedCacheNode": ("ElastiCache reservation", "CacheNodeType", "CacheNodeCount"),
    "AWS::Redshift::ReservedNode": ("Redshift reservation", "NodeType", "NodeCount"),
    "AWS::OpenSearchService::ReservedInstance": ("OpenSearch reservation", "InstanceType", "InstanceCount"),
}
"""What is committed to: what people call it, the field with its kind, the field with its number."""
SPENDING_TYPES = (BUDGET, ANOMALY, USAGE, RECOMMENDATION, ORGANIZATION, *_HELD)
"""The resource types whose resources a report shows one by one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Whether something was read, and why not."""

    whole: bool = False
    why: str = ""
    """Why it is not there, or not all of it; empty where all was read."""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget, with what was and what is expected to be spent in its period."""

    name: str
    counts: str
    """``cost``, ``usage``, …"""
    each: str
    """``monthly``, ``daily``, …"""
    unit: str
    """``USD``, ``GB``, …"""
    limit: float | None
    actual: float | None
    forecast: float | None
    filtered: bool
    """Whether it looks at a part only."""
    alerts: tuple[str, ...] | None
    """When somebody is told (``80% spent``); ``None``: that could not be read."""

    @property
    def standing(self) -> str:
        """``over``, ``will be over`` or ``within``; empty where amounts are missing."""
        if not self.limit or self.actual is None:
            return ""
        if self.actual > self.limit:
            return "over"
        return "will be over" if self.forecast is not None and self.forecast > self.limit else "within"


@dataclass(frozen=True, slots=True)
class AnomalyView:
    """Costs that were not expected."""

    id: str
    start: str
    end: str
    """Its last day; empty while it goes on."""
    where: str
    """What it was found in, most often a service."""
    cause: str
    """The root cause as far as AWS names one: service, region, account, type of usage."""
    usd: float | None
    """How much more than expected."""
    feedback: str
    """``yes``, ``no``, ``planned activity``; empty: nobody said what it was."""


@dataclass(frozen=True, slots=True)
class CommitmentView:
    """A Savings Plan or reservation."""

    name: str
    what: str
    """``Savings Plan, Compute, 1.20 USD an hour``; ``RDS reservation, 2 x db.r6g.large``."""
    region: str
    state: str
    end: str
    """The day it ends; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class UsageView:
    """How far one kind of commitment was used in a month."""

    what: str
    month: str
    percent: float
    unused_usd: float | None


@dataclass(frozen=True, slots=True)
class RecommendationView:
    """What AWS recommends to commit to, for a year without upfront payment."""

    what: str
    usd_month: float
    """What it would save; 0: AWS recommends none."""
    made: str
    """The day AWS worked it out; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class SpendingView:
    """Budgets, anomalies and commitments, each with whether it was read."""

    budgets: tuple[BudgetView, ...] = ()
    anomalies: tuple[AnomalyView, ...] = ()
    """Of the last 90 days, newest first."""
    commitments: tuple[CommitmentView, ...] = ()
    """What ends first comes first."""
    usage: tuple[UsageView, ...] = ()
    recommendations: tuple[RecommendationView, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """For ``budgets``, ``anomalies``, ``commitments``, ``usage`` and ``recommendations``."""
    payer: str = ""
    """The account that pays, where that is another one; empty: this one, or it is not known."""


View = TypeVar("View")


def _made(
    make: Callable[[Resource], View | None], resources: Iterable[Resource], name: str, odd: dict[str, int]
) -> list[View]:
    """Return what MAKE makes of each of RESOURCES; those not shaped as promised are counted in ODD by NAME: no report is lost."""
    views = []
    for resource in resources:
        try:
            view = make(resource)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            odd[name] = odd.get(name, 0) + 1
            continue
        if view is not None:
            views.append(view)
    return views


def spending_view(scan: Scan, held: Mapping[str, Sequence[Resource]], coverage: Iterable[Coverage]) -> SpendingView:
    """Return what HELD (resources by type) says of an account's spending, and by COVERAGE whether it was read."""
    covers = list(coverage)
    payer = next((str(one.document.get("MasterAccountId", "")) for one in held.get(ORGANIZATION, ())), "")
    elsewhere = payer if payer != scan.account else ""
    owned = [one for type in _HELD for one in held.get(type, ())]
    odd: dict[str, int] = {}
    budgets = _made(_budget, held.get(BUDGET, ()), "budgets", odd)
    anomalies = _made(_anomaly, held.get(ANOMALY, ()), "anomalies", odd)
    commitments = _made(_commitment, owned, "commitments", odd)
    usage = _made(_usage, held.get(USAGE, ()), "usage", odd)
    recommended = _made(_recommendation, held.get(RECOMMENDATION, ()), "recommendations", odd)
    readings = {
        "budgets": _reading(scan, covers, (BUDGET,)),
        "anomalies": _reading(scan, covers, (ANOMALY,)),
        "commitments": _reading(scan, covers, tuple(_HELD)),
        "usage": _reading(scan, covers, (USAGE,)),
        "recommendations": _reading(scan, covers, (RECOMMENDATION,)),
    }
    for name, count in odd.items():
        readings[name] = Reading(False, f"{count} of them are not as AWS promises, and not shown")
    if elsewhere:
        for name in ("usage", "recommendations"):
            if readings[name].whole:
                readings[name] = Reading(False, f"account {visible(elsewhere)} pays for this one: its report has them")
    return SpendingView(
        budgets=tuple(sorted(budgets, key=lambda view: view.name)),
        anomalies=tuple(sorted(anomalies, key=lambda view: (view.start, view.id), reverse=True)),
        commitments=tuple(sorted(commitments, key=lambda view: (view.end or "9", view.what, view.name))),
        usage=tuple(sorted(usage, key=lambda view: view.what)),
        recommendations=tuple(sorted(recommended, key=lambda view: (-view.usd_month, view.what))),
        readings=readings,
        payer=visible(elsewhere),
    )


def _reading(scan: Scan, coverage: Iterable[Coverage], types: Sequence[str]) -> Reading:
    """Return whether all of TYPES were read everywhere; the first reason speaks for all."""
    left_out: Mapping[str, str] = scan.statistics.get("left_out") or {}
    for type in types:
        if type in left_out:
            return Reading(False, f"not read: {visible(left_out[type])}")
    found = [cover for cover in coverage if cover.scope.type in types]
    if {cover.scope.type for cover in found} != set(types):
        return Reading(False, "this scan did not ask for it")
    unread = [cover for cover in found if not cover.state.known]
    if unread:
        gap = unread[0].gap or Gap(unread[0].scope.type, str(unread[0].state))
        return Reading(False, _why(gap))
    if all(cover.state is CoverageState.NOT_OFFERED for cover in found):
        return Reading(False, "AWS does not offer it here")
    gaps = [gap for cover in found for gap in cover.gaps.values()]
    return Reading(False, _why(gaps[0])) if gaps else Reading(True)


def _why(gap: Gap) -> str:
    return visible(f"could not be read: {gap.operation}: {gap.code}" + (f" ({gap.message})" if gap.message else ""))


# ---- one by one ------------------------------------------------------------------------------------------------------


def _words(value: Any) -> str:
    return visible(str(value or "").replace("_", " ").lower())


def _budget(budget: Resource) -> BudgetView:
    document = budget.document
    spent = document.get("CalculatedSpend") or {}
    limit = document.get("BudgetLimit") or {}
    notifications = document.get("Notifications")
    return BudgetView(
        name=visible(budget.name),
        counts=_words(document.get("BudgetType")),
        each=_words(document.get("TimeUnit")),
        unit=visible(str(limit.get("Unit") or (spent.get("ActualSpend") or {}).get("Unit") or "USD")),
        limit=amount(limit),
        actual=amount(spent.get("ActualSpend")),
        forecast=amount(spent.get("ForecastedSpend")),
        filtered=bool(document.get("CostFilters") or document.get("FilterExpression")),
        alerts=None if notifications is None else tuple(_alert(one) for one in notifications if one.get("Subscribers")),
    )


def _alert(notification: Mapping[str, Any]) -> str:
    threshold = amount(notification.get("Threshold")) or 0.0
    percent = notification.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE"
    kind = {"ACTUAL": "spent", "FORECASTED": "expected"}.get(str(notification.get("NotificationType")), "")
    return f"{threshold:g}{'%' if percent else ''} {kind}".strip()


def _anomaly(anomaly: Resource) -> AnomalyView:
    document = anomaly.document
    causes = document.get("RootCauses") or ()
    named = ("Service", "Region", "LinkedAccountName", "LinkedAccount", "UsageType")
    first: Mapping[str, Any] = causes[0] if causes else {}
    others = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
    return AnomalyView(
        id=visible(str(document.get("AnomalyId", anomaly.name))),
        start=visible(str(document.get("AnomalyStartDate", "")))[:10],
        end=visible(str(document.get("AnomalyEndDate") or ""))[:10],
        where=visible(str(document.get("DimensionValue") or "")),
        cause=visible(", ".join(str(first[name]) for name in named if first.get(name)) + others),
        usd=amount((document.get("Impact") or {}).get("TotalImpact")),
        feedback=_words(document.get("Feedback")),
    )


def _commitment(held: Resource) -> CommitmentView:
    document = held.document
    title, kind, number = _HELD[held.type]
    count = f"{document[number]} x " if document.get(number) else ""
    hourly = amount(document.get("commitment"))
    said = [title, f"{count}{document.get(kind) or ''}".strip()]
    if hourly is not None:
        said.append(f"{hourly:.2f} {document.get('currency', 'USD')} an hour")
    return CommitmentView(
        name=visible(held.name),
        what=visible(", ".join(part for part in said if part)),
        region=visible(str(document.get("region") or held.region)),
        state=_words(document.get("state") or document.get("State")).replace("-", " "),
        end=_end(document),
    )


def _end(document: Mapping[str, Any]) -> str:
    text = document.get("end") or document.get("End")
    try:
        if text:
            return parse_time(str(text)).date().isoformat()
        began, seconds = document.get("StartTime"), amount(document.get("Duration"))
        if began and seconds:
            return (parse_time(str(began)) + timedelta(seconds=seconds)).date().isoformat()
    except (ValueError, OverflowError):
        pass
    return ""


def _usage(row: Resource) -> UsageView | None:
    """Return what a row of figures says; ``None`` where nothing is owned, or that could not be read."""
    document = row.document
    found = (document.get("Utilization") or {}).get("Utilization") or document.get("ReservationUtilization") or {}
    owned = amount(found.get("TotalCommitment")) or amount(found.get("PurchasedHours"))
    percent = amount(found.get("UtilizationPercentage"))
    if not owned or percent is None:
        return None
    unused = found.get("UnusedCommitment") if "UnusedCommitment" in found else found.get("RICostForUnusedHours")
    month = str((document.get("TimePeriod") or {}).get("Start", ""))[:7]
    return UsageView(visible(row.name), visible(month), percent, amount(unused))


def _recommendation(row: Resource) -> RecommendationView | None:
    """Return what AWS recommends; ``None`` where it never worked it out, or that could not be read."""
    document = row.document
    summary = document.get("SavingsPlansSummary") or document.get("ReservationSummary") or {}
    made = (document.get("Metadata") or {}).get("GenerationTimestamp")
    if not made and not summary:
        return None
    saved = summary.get("EstimatedMonthlySavingsAmount", summary.get("TotalEstimatedMonthlySavingsAmount"))
    return RecommendationView(visible(row.name), amount(saved) or 0.0, visible(str(made or ""))[:10])
