"""Cost alerts: somebody who exists is told of anomalies."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from auditor.kit import MEDIUM, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.arn import account_of
from auditor.kit.billing import ORGANIZATION, amount, billed_here, covers_monitor, partly, payer_of

from .monitors import ACCOUNT, MONITOR
from .thresholds import CostAlerts

SUBSCRIPTION = "AWS::CE::AnomalySubscription"
TOPIC = "AWS::SNS::Topic"
_PAYER = "999988887777"
_THE_ACCOUNT = {"Account": "111122223333"}
_MEMBER = {ORGANIZATION: [{"MasterAccountId": _PAYER}]}
_MONITOR = {
    "MonitorArn": "arn:aws:ce::111122223333:anomalymonitor/1",
    "MonitorName": "services",
    "MonitorType": "DIMENSIONAL",
    "MonitorDimension": "SERVICE",
}
_TOPIC_ARN = "arn:aws:sns:us-east-1:111122223333:costs"
_BY_TOPIC = {"Subscribers": [{"Type": "SNS", "Address": _TOPIC_ARN}]}
_THEIR_TOPIC = {"Subscribers": [{"Type": "SNS", "Address": f"arn:aws:sns:us-east-1:{_PAYER}:costs"}]}


def _at_least(key: str, value: str) -> dict[str, Any]:
    options = ["GREATER_THAN_OR_EQUAL"]
    return {"Dimensions": {"Key": f"ANOMALY_TOTAL_IMPACT_{key}", "Values": [value], "MatchOptions": options}}


def _subscription(**fields: Any) -> dict[str, Any]:
    """Return a subscription to _MONITOR that tells a person of 50 USD and more, but for FIELDS."""
    return {
        "SubscriptionArn": "arn:aws:ce::111122223333:anomalysubscription/1",
        "SubscriptionName": "finance",
        "MonitorArnList": [_MONITOR["MonitorArn"]],
        "Subscribers": [{"Type": "EMAIL", "Status": "CONFIRMED"}],
        "Frequency": "DAILY",
        "ThresholdExpression": _at_least("ABSOLUTE", "50"),
        **fields,
    }


def _topic(*arns: str) -> dict[str, Any]:
    subscriptions = [{"SubscriptionArn": arn, "Protocol": "email"} for arn in arns]
    return {"#region": "us-east-1", "TopicArn": _TOPIC_ARN, "Subscriptions": subscriptions}


def _case(
    *subscriptions: Document,
    why: str = "",
    monitors: Iterable[Document] = (_MONITOR,),
    topics: Iterable[Document] = (),
    member: bool = False,
    payers: Mapping[str, Iterable[Document]] | None = None,
) -> Case:
    related = {
        MONITOR: list(monitors),
        SUBSCRIPTION: subscriptions,
        TOPIC: list(topics),
        **(_MEMBER if member else {}),
    }
    elsewhere = {} if payers is None else {_PAYER: {type: list(held) for type, held in payers.items()}}
    return Case(_THE_ACCOUNT, related=related, elsewhere=elsewhere, why=why)


@check(
    "cost-anomaly-subscription",
    pattern="cost.cleanup.cost-alerts",
    on=ACCOUNT,
    severity=MEDIUM,
    reads=(SUBSCRIPTION, MONITOR, TOPIC, ORGANIZATION),
    fix=Fix(
        cli="aws ce create-anomaly-subscription --anomaly-subscription file://subscription.json",
        terraform="aws_ce_anomaly_subscription",
    ),
    passes=[
        _case(_subscription()),
        _case(_subscription(Subscribers=[{"Type": "EMAIL"}])),
        _case(_subscription(ThresholdExpression=None, Threshold=100.0), why="the older form"),
        _case(_subscription(ThresholdExpression={"And": [_at_least("ABSOLUTE", "100"), _at_least("PERCENTAGE", "40")]})),
        _case(_subscription(ThresholdExpression={"Or": [_at_least("ABSOLUTE", "900"), _at_least("ABSOLUTE", "90")]})),
        _case(_subscription(**_BY_TOPIC), topics=[_topic(f"{_TOPIC_ARN}:1")]),
        _case(_subscription(**_THEIR_TOPIC), payers={TOPIC: [_topic(f"{_TOPIC_ARN}:1") | {"TopicArn": _THEIR_TOPIC["Subscribers"][0]["Address"]}]},
              why="the topic's own account says that somebody listens"),
        _case(_subscription(), member=True, why="its own is enough, whoever pays"),
    ],
    fails=[
        _case(why="nobody is told"),
        _case(_subscription(MonitorArnList=["arn:aws:ce::111122223333:anomalymonitor/gone"])),
        _case(_subscription(Subscribers=[])),
        _case(_subscription(Subscribers=[{"Type": "EMAIL", "Status": "DECLINED"}])),
        _case(_subscription(ThresholdExpression=_at_least("ABSOLUTE", "5000"))),
        _case(_subscription(ThresholdExpression={"And": [_at_least("ABSOLUTE", "50"), _at_least("ABSOLUTE", "101")]})),
        _case(_subscription(**_BY_TOPIC), topics=[_topic("PendingConfirmation")], why="nobody confirmed"),
        _case(_subscription(**_BY_TOPIC), why="the topic is gone"),
        _case(member=True, payers={MONITOR: [_MONITOR], SUBSCRIPTION: []}),
    ],
    skips=[
        _case(monitors=[], why="what is not watched is another finding"),
        _case(member=True, payers={MONITOR: [_MONITOR], SUBSCRIPTION: [_subscription()]}),
        _case(monitors=[], member=True, payers={MONITOR: [], SUBSCRIPTION: []}),
    ],
    unknowns=[
        Case(_THE_ACCOUNT, related={MONITOR: [_MONITOR]}, unread=[SUBSCRIPTION]),
        Case(_THE_ACCOUNT, related={SUBSCRIPTION: [_subscription()]}, unread=[MONITOR]),
        Case(_THE_ACCOUNT, related={MONITOR: [_MONITOR], SUBSCRIPTION: [_subscription(**_BY_TOPIC)]}, unread=[TOPIC]),
        _case(_subscription(**_THEIR_TOPIC), why="the topic is of an account that was not scanned"),
        _case(member=True, why="the payer was not scanned"),
        _case(member=True, payers={MONITOR: [{**_MONITOR, "MonitorDimension": "TAG"}], SUBSCRIPTION: [_subscription()]}),
    ],
)  # fmt: skip
def cost_anomaly_subscription(account: Facts, want: CostAlerts) -> Iterator[Evidence]:
    """Somebody who exists is told of anomalies of the account's costs, from a sum on that matters.

    Why: a monitor that tells nobody is found by whoever looks, in the month after.

    Fix: subscribe an address that is read, or a topic that has a confirmed subscription, from 100 USD of impact on or less.

    Source: AWS Cost Explorer API reference, "AnomalySubscription" and "ThresholdExpression". Of a threshold what counts is the
    impact in USD that it asks for at least; a percentage beside it is not judged.
    """
    account["Account"]
    billed_here(account)
    faults: dict[str, str] = {}
    monitors = {monitor.id for monitor in account.known(MONITOR)}
    ours = _told(account.known(SUBSCRIPTION), monitors, account, want, faults)
    if ours is _ENOUGH:
        return
    payer = payer_of(account, want.payer_account)
    theirs: object = None
    watched = bool(monitors)
    if payer != account.account:
        covered = {
            monitor.id: covers_monitor(monitor, account.account) for monitor in account.elsewhere(payer, MONITOR)
        }
        watching = [id for id, whole in covered.items() if whole]
        theirs = _told(account.elsewhere(payer, SUBSCRIPTION), watching, account, want, faults)
        if theirs is _ENOUGH:
            raise NotApplicable(f"{payer}, which pays for it, has somebody told")
        if None in covered.values():
            theirs = theirs or partly("ce:GetAnomalyMonitors", f"a monitor of {payer}")
        watched = watched or bool(watching) or None in covered.values()
    account.require_read(MONITOR)
    if not watched:
        raise NotApplicable("no monitor looks for anomalies")
    account.require_read(SUBSCRIPTION)
    for unsure in (ours, theirs):
        if isinstance(unsure, Unavailable):
            raise unsure
    told = "; ".join(f"{name} {fault}" for name, fault in sorted(faults.items()))
    yield Evidence(
        "nobody is told of anomalies: " + (told or "there is no subscription"),
        {"subscriptions": faults, "wanted_threshold_usd": want.max_subscription_threshold_usd},
    )


_ENOUGH = object()


def _told(
    subscriptions: Iterable[Facts], monitors: Collection[str], account: Facts, want: CostAlerts, faults: dict[str, str]
) -> object:
    """Return _ENOUGH when one of SUBSCRIPTIONS to MONITORS tells somebody, why that is not known, or None."""
    unsure: Unavailable | None = None
    for subscription in subscriptions:
        try:
            fault = _fault(subscription, monitors, account, want.max_subscription_threshold_usd)
        except Unavailable as unknown:
            unsure = unsure or unknown.kept()
            continue
        if not fault:
            return _ENOUGH
        faults[subscription.name] = fault
    return unsure


def _fault(subscription: Facts, monitors: Collection[str], account: Facts, most: float) -> str:
    if not set(subscription["MonitorArnList"]) & set(monitors):
        return "is to no monitor that there is"
    expression = subscription.get("ThresholdExpression")
    asks = least_impact(expression) if expression else amount(subscription.get("Threshold"))
    if asks is None:
        raise Unavailable(Gap("ce:GetAnomalySubscriptions", "FieldMissing", "the answer did not hold a threshold"))
    if asks > most:
        return f"tells of {asks:g} USD and more"
    unsure: Unavailable | None = None
    for subscriber in subscription["Subscribers"]:
        try:
            if _listens(subscriber, account):
                return ""
        except Unavailable as unknown:
            unsure = unsure or unknown.kept()
    if unsure:
        raise unsure
    return "reaches nobody"


def least_impact(expression: Mapping[str, Any]) -> float | None:
    """Return the impact in USD that a threshold asks for at least; 0 where it asks for a percentage alone, None: unreadable.

    Source: AWS Cost Explorer API reference, AnomalySubscription: dimensions, And and Or, nested.
    """
    dimension = expression.get("Dimensions")
    if dimension:
        value = amount(next(iter(dimension.get("Values") or ()), None))
        return value if dimension.get("Key") == "ANOMALY_TOTAL_IMPACT_ABSOLUTE" else 0.0
    for name, choose in _CHOICES.items():
        if parts := expression.get(name):
            asked = [least_impact(part) for part in parts]
            return None if None in asked else choose([value for value in asked if value is not None])
    return None


_CHOICES: Mapping[str, Callable[[list[float]], float]] = {"And": max, "Or": min}


def _listens(subscriber: Mapping[str, Any], account: Facts) -> bool:
    """Whether somebody is at the other end."""
    if subscriber.get("Type") != "SNS":
        return bool(subscriber.get("Status", "CONFIRMED") == "CONFIRMED")
    address = str(subscriber.get("Address", ""))
    owner = account_of(address)
    if owner == account.account:
        topics = account.related(TOPIC, [address], by="TopicArn", everywhere=True)
    else:
        topics = [topic for topic in account.elsewhere(owner, TOPIC) if topic["TopicArn"] == address]
    held = [item.get("SubscriptionArn", "") for topic in topics for item in topic["Subscriptions"]]
    # PendingConfirmation and Deleted stand in the place of the ARN.
    return any(":" in str(arn) for arn in held)
