"""Communication: people are told when a database fails over."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.kit import (
    HIGH,
    MEDIUM,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    stated,
)
from auditor.kit.arn import account_of
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE, has_standby, identifier, is_cluster
from auditor.kit.eventpattern import matches

REGION = "AWS::::Region"
DOCDB_CLUSTER = "AWS::DocDB::DBCluster"
NEPTUNE_CLUSTER = "AWS::Neptune::DBCluster"
SUBSCRIPTION = "AWS::RDS::EventSubscription"
TOPIC = "AWS::SNS::Topic"
RULE = "AWS::Events::Rule"

_WANTED = frozenset({"failover", "failure"})
_NAMES_SHOWN = 5

_MESSAGES = {
    "db-instance": {
        "RDS-EVENT-0013": "A Multi-AZ failover that resulted in the activation of a standby instance has started.",
        "RDS-EVENT-0015": "Multi-AZ failover to standby complete - DNS propagation may take a few minutes.",
        "RDS-EVENT-0049": "Multi-AZ instance failover completed",
        "RDS-EVENT-0050": "Multi-AZ instance activation has started",
        "RDS-EVENT-0051": "Multi-AZ instance activation completed",
        "RDS-EVENT-0065": "The instance has recovered from a partial failover.",
    },
    "db-cluster": {
        "RDS-EVENT-0069": "Cluster failover failed, check the health of your cluster instances and try again.",
        "RDS-EVENT-0071": "Completed failover to DB instance",
        "RDS-EVENT-0072": "Started same AZ failover to DB instance",
        "RDS-EVENT-0073": "Started cross AZ failover to DB instance",
    },
}
"""What RDS sends about a failover. Source: RDS User Guide, "Amazon RDS event categories and event messages"."""


@dataclass(frozen=True, slots=True)
class Communication:
    """The numbers of "Communication"."""

    min_confirmed_subscribers: int
    require_human_subscriber: bool
    human_protocols: tuple[str, ...]
    attestation_max_age_days: int


@dataclass(slots=True)
class _Paths:
    """The ways by which people may hear of a failover in a region."""

    subscriptions: list[Facts] = field(default_factory=list)
    rules: list[tuple[Facts, Mapping[str, Any]]] = field(default_factory=list)
    gap: Unavailable | None = None
    """Set when there may be more ways than these."""


_TOPIC_ARN = "arn:aws:sns:eu-west-1:111122223333:operations"
_HERE: dict[str, Any] = {"RegionName": "eu-west-1", "OptInStatus": "opt-in-not-required"}
_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "Engine": "postgres",
    "MultiAZ": True,
}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "DBClusterMembers": [
        {"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True},
        {"DBInstanceIdentifier": "shop-2", "IsClusterWriter": False},
    ],
}
_MEMBER = {"DBInstanceIdentifier": "shop-1", "DBClusterIdentifier": "shop", "MultiAZ": False}
_EVERYTHING: dict[str, Any] = {
    "CustSubscriptionId": "failover",
    "EventSubscriptionArn": "arn:aws:rds:eu-west-1:111122223333:es:failover",
    "SnsTopicArn": _TOPIC_ARN,
    "Status": "active",
    "Enabled": True,
}
_OF_CLUSTERS = {**_EVERYTHING, "SourceType": "db-cluster", "EventCategoriesList": ["failover", "failure"]}
_OF_INSTANCES = {**_EVERYTHING, "SourceType": "db-instance"}
_HEARD: dict[str, Any] = {
    "TopicArn": _TOPIC_ARN,
    "Attributes": {"SubscriptionsConfirmed": "1"},
    "Subscriptions": [{"SubscriptionArn": f"{_TOPIC_ARN}:0123", "Protocol": "email"}],
}
_UNHEARD: dict[str, Any] = {
    "TopicArn": _TOPIC_ARN,
    "Attributes": {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "1"},
    "Subscriptions": [{"SubscriptionArn": "PendingConfirmation", "Protocol": "email"}],
}


def _rule(
    pattern: Mapping[str, Any], target: str = "arn:aws:lambda:eu-west-1:111122223333:function:page", **fields: Any
) -> dict[str, Any]:
    """A rule of EventBridge, for the cases."""
    return {
        "Name": "databases",
        "Arn": "arn:aws:events:eu-west-1:111122223333:rule/databases",
        "State": "ENABLED",
        "EventPattern": json.dumps(pattern),
        "Targets": [{"Id": "1", "Arn": target}],
        **fields,
    }


_CLUSTER_RULE = {
    "source": ["aws.rds"],
    "detail-type": ["RDS DB Cluster Event"],
    "detail": {"EventCategories": ["failover"]},
}


@check(
    "rds-failover-events-notify",
    pattern="recovery.failover.communication",
    on=REGION,
    severity=HIGH,
    fix=Fix(
        cli="aws rds create-event-subscription --region {region} --subscription-name failover --sns-topic-arn TOPIC --event-categories failover failure --source-type db-cluster --enabled"
        "  # and once more with --source-type db-instance",
        terraform="aws_db_event_subscription",
    ),
    reads=(DB_INSTANCE, DB_CLUSTER, DOCDB_CLUSTER, NEPTUNE_CLUSTER, SUBSCRIPTION, TOPIC, RULE),
    same_as=(
        "prowler:rds_instance_critical_event_subscription",
        "prowler:rds_cluster_critical_event_subscription",
        "fsbp:RDS.19",
        "fsbp:RDS.20",
    ),
    passes=[
        Case(
            _HERE,
            related={DB_CLUSTER: [_CLUSTER], DB_INSTANCE: [_MEMBER], SUBSCRIPTION: [_OF_CLUSTERS], TOPIC: [_HEARD]},
        ),
        Case(
            _HERE,
            related={DB_CLUSTER: [_CLUSTER], DB_INSTANCE: [_ORDERS], SUBSCRIPTION: [_EVERYTHING], TOPIC: [_HEARD]},
            why="a subscription without a source type hears all",
        ),
        Case(
            _HERE,
            related={
                DB_CLUSTER: [_CLUSTER],
                SUBSCRIPTION: [{**_OF_CLUSTERS, "SourceIdsList": ["shop"]}],
                TOPIC: [_HEARD],
            },
        ),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], RULE: [_rule(_CLUSTER_RULE)]}),
        Case(_HERE, related={DB_INSTANCE: [_ORDERS], RULE: [_rule({"source": [{"prefix": "aws."}]})]}),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], RULE: [_rule(_CLUSTER_RULE, _TOPIC_ARN)], TOPIC: [_HEARD]}),
        Case(
            _HERE,
            related={
                DB_CLUSTER: [_CLUSTER],
                SUBSCRIPTION: [_OF_CLUSTERS],
                TOPIC: [{**_UNHEARD, "Attributes": {"SubscriptionsConfirmed": "1"}}],
            },
            why="the subscriber is in another account, which only the topic's count shows",
        ),
    ],
    fails=[
        Case(_HERE, related={DB_INSTANCE: [_ORDERS]}),
        Case(
            _HERE,
            related={DB_CLUSTER: [_CLUSTER], SUBSCRIPTION: [_OF_INSTANCES], TOPIC: [_HEARD]},
            why="Aurora reports its failovers as events of the cluster",
        ),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], SUBSCRIPTION: [_OF_CLUSTERS], TOPIC: [_UNHEARD]}),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], SUBSCRIPTION: [_OF_CLUSTERS]}, why="the topic was deleted"),
        Case(
            _HERE,
            related={DB_CLUSTER: [_CLUSTER], SUBSCRIPTION: [{**_OF_CLUSTERS, "Enabled": False}], TOPIC: [_HEARD]},
        ),
        Case(
            _HERE,
            related={
                DB_CLUSTER: [_CLUSTER],
                SUBSCRIPTION: [{**_OF_CLUSTERS, "Status": "no-permission"}],
                TOPIC: [_HEARD],
            },
        ),
        Case(
            _HERE,
            related={
                DB_CLUSTER: [_CLUSTER],
                SUBSCRIPTION: [{**_OF_CLUSTERS, "EventCategoriesList": ["failover"]}],
                TOPIC: [_HEARD],
            },
        ),
        Case(
            _HERE,
            related={
                DB_CLUSTER: [_CLUSTER],
                SUBSCRIPTION: [{**_OF_CLUSTERS, "SourceIdsList": ["other"]}],
                TOPIC: [_HEARD],
            },
        ),
        Case(_HERE, related={DB_INSTANCE: [_ORDERS], RULE: [_rule(_CLUSTER_RULE)]}),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], RULE: [_rule(_CLUSTER_RULE, State="DISABLED")]}),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], RULE: [_rule(_CLUSTER_RULE, Targets=[])]}),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], RULE: [_rule(_CLUSTER_RULE, _TOPIC_ARN)], TOPIC: [_UNHEARD]}),
        Case(
            _HERE,
            related={
                DOCDB_CLUSTER: [
                    {
                        **_CLUSTER,
                        "DBClusterIdentifier": "papers",
                        "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:papers",
                        "Engine": "docdb",
                    }
                ]
            },
        ),
    ],
    skips=[
        _HERE,
        Case(_HERE, related={DB_INSTANCE: [{**_ORDERS, "MultiAZ": False}, _MEMBER]}),
        Case(_HERE, related={DB_INSTANCE: [{**_ORDERS, "#region": "us-east-1"}]}),
    ],
    unknowns=[
        Case(_HERE, unread=[DB_CLUSTER]),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER]}, unread=[SUBSCRIPTION]),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER]}, unread=[RULE]),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], SUBSCRIPTION: [_OF_CLUSTERS]}, unread=[TOPIC]),
        Case(
            _HERE,
            related={
                DB_CLUSTER: [_CLUSTER],
                SUBSCRIPTION: [{**_OF_CLUSTERS, "SnsTopicArn": "arn:aws:sns:eu-west-1:444455556666:operations"}],
            },
            why="the topic is another account's",
        ),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER], RULE: [_rule({"source": [{"cidr": "10.0.0.0/8"}]})]}),
    ],
)
def rds_failover_events_notify(region: Facts, want: Communication) -> Iterator[Evidence]:
    """Somebody is told when a database of the region fails over or breaks.

    Why: an unnoticed failover leaves a database without its standby, and the cause in place.

    Fix: subscribe a topic with a confirmed subscriber to the events "failover" and "failure" of instances and clusters.

    Source: RDS User Guide, "Working with Amazon RDS event notification"; FSBP RDS.19 and RDS.20; the standard's
    "Communication". Only a way with an end counts: a confirmed subscriber of the topic, or a target of the rule.
    """
    databases, gap = _with_standby(region)
    if not databases and not gap:
        raise NotApplicable("no database here has a standby")
    paths = _paths(region)
    unheard: list[str] = []
    for database in databases:
        try:
            if not _is_told(database, paths, region, want):
                unheard.append(database.name)
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    if unheard:
        shown = ", ".join(sorted(unheard)[:_NAMES_SHOWN]) + (", …" if len(unheard) > _NAMES_SHOWN else "")
        yield Evidence(
            f"nobody is told of failovers and failures of {len(unheard)} of {len(databases)} databases with a standby: {shown}",
            {"databases": sorted(unheard)},
        )
    if gap:
        raise gap


_STAKEHOLDERS = "stakeholder-communication-attested"
_LIST = stated(_STAKEHOLDERS, "list, channel and template are in the runbook; last used in the test of 2026-05-20")


@check(
    _STAKEHOLDERS,
    pattern="recovery.failover.communication",
    on=REGION,
    severity=MEDIUM,
    fix=Fix(
        cli="auditor attest --check stakeholder-communication-attested --account {account} --statement WHO_IS_TOLD_HOW_AND_LAST_USE --evidence URL --days 365"
    ),
    reads=(DB_INSTANCE, DB_CLUSTER, DOCDB_CLUSTER, NEPTUNE_CLUSTER),
    passes=[
        Case(_HERE, related={DB_INSTANCE: [_ORDERS]}, attested=[_LIST]),
        Case(_HERE, related={DB_CLUSTER: [_CLUSTER]}, unread=[NEPTUNE_CLUSTER], attested=[_LIST]),
    ],
    fails=[
        Case(
            _HERE,
            related={DB_INSTANCE: [_ORDERS]},
            attested=[stated(_STAKEHOLDERS, "a list in the wiki", until=ago(days=1))],
            why="it ran out",
        ),
        Case(
            _HERE,
            related={DB_INSTANCE: [_ORDERS]},
            attested=[stated(_STAKEHOLDERS, "everybody knows", evidence="")],
            why="it names no evidence",
        ),
    ],
    skips=[_HERE, Case(_HERE, related={DB_INSTANCE: [{**_ORDERS, "MultiAZ": False}]}, attested=[_LIST])],
    unknowns=[
        Case(_HERE, related={DB_INSTANCE: [_ORDERS]}, why="nobody attested it yet"),
        Case(_HERE, unread=[DB_CLUSTER], attested=[_LIST]),
    ],
)
def stakeholder_communication_attested(region: Facts, want: Communication) -> Iterator[Evidence]:
    """Whoever must hear of a failover is known, and so is how they are told.

    Why: a topic with a subscriber tells machines and operators; customers, support and management hear of an outage from
    somebody who knows whom to call, and only if the list was tried before.

    Fix: keep the list of stakeholders, the channel and a template of the message; use them in a failover test, and attest it with
    the date of that test.

    Source: the standard's "Notify stakeholders during failover". No API names the people; an attestation is the only evidence.
    """
    databases, gap = _with_standby(region)
    if not databases:
        if gap:
            raise gap
        raise NotApplicable("no database here has a standby")
    yield from region.attested(_STAKEHOLDERS, want.attestation_max_age_days)


def _with_standby(region: Facts) -> tuple[list[Facts], Unavailable | None]:
    """Return the region's databases that can fail over, and why there may be more of them."""
    found: list[Facts] = []
    gap: Unavailable | None = None
    for type in (DB_INSTANCE, DB_CLUSTER, DOCDB_CLUSTER, NEPTUNE_CLUSTER):
        try:
            found += [database for database in region.all(type) if has_standby(database)]
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    return found, gap


def _paths(region: Facts) -> _Paths:
    paths = _Paths()
    try:
        paths.subscriptions = [s for s in region.all(SUBSCRIPTION) if s["Enabled"] and s["Status"] == "active"]
    except Unavailable as unavailable:
        paths.gap = unavailable.kept()
    try:
        rules = [rule for rule in region.all(RULE) if rule["State"] != "DISABLED" and rule.get("EventPattern")]
        paths.rules = [(rule, _pattern(rule)) for rule in rules]
    except Unavailable as unavailable:
        paths.gap = paths.gap or unavailable.kept()
    return paths


def _pattern(rule: Facts) -> Mapping[str, Any]:
    try:
        pattern = json.loads(rule["EventPattern"])
    except ValueError:
        pattern = None
    if not isinstance(pattern, dict):
        raise Unavailable(Gap("events:ListRules", "NotUnderstood", f"the pattern of {rule.name} is no JSON object"))
    return pattern


def _is_told(database: Facts, paths: _Paths, region: Facts, want: Communication) -> bool:
    """Return whether somebody hears of DATABASE's failovers. Raises Unavailable when that cannot be told."""
    source = "db-cluster" if is_cluster(database) else "db-instance"
    name = identifier(database)
    told: set[str] = set()
    gap = paths.gap
    for subscription in paths.subscriptions:
        names = subscription.get("SourceIdsList", ())
        if subscription.get("SourceType", source) != source or (names and name not in names):
            continue
        try:
            if _is_heard(subscription["SnsTopicArn"], region, want):
                told |= set(subscription.get("EventCategoriesList", ())) or _WANTED
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    if told >= _WANTED:
        return True
    for rule, pattern in paths.rules:
        try:
            if _lets_through(pattern, database, source) and any(
                ":sns:" not in target["Arn"] or _is_heard(target["Arn"], region, want) for target in rule["Targets"]
            ):
                return True
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
        except ValueError as error:
            gap = gap or Unavailable(Gap("events:ListRules", "NotUnderstood", f"the pattern of {rule.name}: {error}"))
    if gap:
        raise gap
    return False


def _lets_through(pattern: Mapping[str, Any], database: Facts, source: str) -> bool:
    """Return whether PATTERN lets any event of a failover of DATABASE through."""
    cluster = source == "db-cluster"
    event = {
        "version": "0",
        "detail-type": f"RDS DB {'Cluster' if cluster else 'Instance'} Event",
        "source": "aws.rds",
        "account": database.account,
        "region": database.region,
        "resources": [database.id],
    }
    detail = {
        "EventCategories": ["failover"],
        "SourceType": "CLUSTER" if cluster else "DB_INSTANCE",
        "SourceArn": database.id,
        "SourceIdentifier": identifier(database),
    }
    return any(
        matches(pattern, {**event, "detail": {**detail, "EventID": id, "Message": message}})
        for id, message in _MESSAGES[source].items()
    )


def _is_heard(arn: str, region: Facts, want: Communication) -> bool:
    """Return whether the topic has confirmed subscribers. Raises Unavailable when that cannot be told."""
    topics = region.related(TOPIC, [arn])
    if not topics:
        if account_of(arn) != region.account:
            raise Unavailable(
                Gap("sns:GetTopicAttributes", "OtherAccount", "a topic of another account cannot be read")
            )
        return False
    gap: Unavailable | None = None
    try:
        heard = [s for s in topics[0]["Subscriptions"] if str(s.get("SubscriptionArn", "")).startswith("arn:")]
        if want.require_human_subscriber:
            heard = [s for s in heard if s.get("Protocol") in want.human_protocols]
        if len(heard) >= want.min_confirmed_subscribers:
            return True
    except Unavailable as unavailable:
        gap = unavailable.kept()
    if not want.require_human_subscriber:
        # Subscriptions of other accounts are not listed, but counted.
        confirmed = str(topics[0]["Attributes"].get("SubscriptionsConfirmed", "0"))
        if confirmed.isdecimal() and int(confirmed) >= want.min_confirmed_subscribers:
            return True
    if gap:
        raise gap
    return False
