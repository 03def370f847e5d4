"""Failover testing: each standby has taken over once a quarter."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, Unavailable, ago, check, parse_time
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    age_hours,
    identifier,
    is_cluster,
    readers,
    skip_member,
    skip_transient,
)
from auditor.kit.trail import TRAIL_EVENT, record_of

from .thresholds import FailoverTest

EVENT = "AWS::RDS::Event"
EXPERIMENT = "AWS::FIS::Experiment"

_CALLS = {DB_INSTANCE: "RebootDBInstance", DB_CLUSTER: "FailoverDBCluster"}
_FIS_ACTIONS = {DB_INSTANCE: "aws:rds:reboot-db-instances", DB_CLUSTER: "aws:rds:failover-db-cluster"}
"""Source: AWS FIS User Guide, "Amazon RDS actions"."""


_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
_CLUSTER_ARN = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": _ARN,
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "MultiAZ": True,
    "InstanceCreateTime": ago(days=400),
}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": _CLUSTER_ARN,
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=400),
    "DBClusterMembers": [
        {"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True},
        {"DBInstanceIdentifier": "shop-2", "IsClusterWriter": False},
    ],
}


def _event(message: str, arn: str = _ARN, days: float = 5) -> dict[str, Any]:
    """An event of RDS, for the cases."""
    return {
        "SourceIdentifier": arn.rpartition(":")[2],
        "SourceType": "db-instance" if arn == _ARN else "db-cluster",
        "SourceArn": arn,
        "EventCategories": ["failover"],
        "Message": message,
        "Date": ago(days=days),
    }


def _call(name: str, database: str, parameters: Mapping[str, Any], **record: str) -> dict[str, Any]:
    """A call that CloudTrail recorded, for the cases."""
    return {
        "EventId": "e-1",
        "EventName": name,
        "EventTime": ago(days=40),
        "Resources": [{"ResourceType": "AWS::RDS::DBInstance", "ResourceName": database}],
        "CloudTrailEvent": json.dumps({"eventName": name, "requestParameters": parameters, **record}),
    }


def _experiment(
    action: str, arn: str | None, days: float = 40, status: str = "completed", **parameters: str
) -> dict[str, Any]:
    """An experiment of Fault Injection Service, its targets named by ARN or by tag, for the cases."""
    return {
        "id": "EXP1",
        "arn": "arn:aws:fis:eu-west-1:111122223333:experiment/EXP1",
        "state": {"status": status},
        "Experiment": {
            "id": "EXP1",
            "state": {"status": status},
            "endTime": ago(days=days),
            "actions": {
                "fail": {
                    "actionId": action,
                    "parameters": parameters,
                    "targets": {"Clusters": "databases"},
                    "state": {"status": status},
                }
            },
            "targets": {"databases": {"resourceArns": [arn]} if arn else {"resourceTags": {"Environment": "staging"}}},
        },
        "ResolvedTargets": [],
    }


_FORCED = {"dBInstanceIdentifier": "orders", "forceFailover": True}
_BY_TAG = _experiment("aws:rds:failover-db-cluster", None)


@check(
    "rds-failover-tested-quarterly",
    pattern="recovery.failover.test-quarterly",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds reboot-db-instance --db-instance-identifier {name} --force-failover"
        "  # a cluster: aws rds failover-db-cluster --db-cluster-identifier {name}",
        terraform="aws_fis_experiment_template.action.action_id",
    ),
    reads=(EVENT, TRAIL_EVENT, EXPERIMENT),
    passes=[
        Case(_ORDERS, related={EVENT: [_event("Multi-AZ instance failover completed")]}),
        Case(
            _ORDERS, related={EVENT: [_event("Multi-AZ instance failover completed")]}, unread=[TRAIL_EVENT, EXPERIMENT]
        ),
        Case(_ORDERS, related={TRAIL_EVENT: [_call("RebootDBInstance", "orders", _FORCED)]}),
        Case(
            _ORDERS,
            recorded={EVENT: [_event("Multi-AZ instance failover completed", days=80)]},
            unread=[EVENT, TRAIL_EVENT, EXPERIMENT],
            why="RDS forgot it long ago, the evidence ledger did not",
        ),
        Case(_ORDERS, recorded={TRAIL_EVENT: [_call("RebootDBInstance", "orders", _FORCED)]}),
        Case(
            _CLUSTER, recorded={EXPERIMENT: [_experiment("aws:rds:failover-db-cluster", _CLUSTER_ARN)]}, type=DB_CLUSTER
        ),
        Case(_ORDERS, related={EXPERIMENT: [_experiment("aws:rds:reboot-db-instances", _ARN, forceFailover="true")]}),
        Case(
            _CLUSTER,
            related={EVENT: [_event("Completed failover to DB instance: shop-2", _CLUSTER_ARN)]},
            type=DB_CLUSTER,
        ),
        Case(
            _CLUSTER,
            related={TRAIL_EVENT: [_call("FailoverDBCluster", "shop", {"dBClusterIdentifier": "shop"})]},
            type=DB_CLUSTER,
        ),
        Case(
            _CLUSTER,
            related={EXPERIMENT: [{**_BY_TAG, "ResolvedTargets": [{"targetInformation": {"arn": _CLUSTER_ARN}}]}]},
            type=DB_CLUSTER,
            why="the experiment names its targets by tag",
        ),
    ],
    fails=[
        Case(_ORDERS),
        Case(
            _ORDERS,
            recorded={EVENT: [_event("Multi-AZ instance failover completed", days=95)]},
            why="more than a quarter ago",
        ),
        Case(
            _ORDERS, related={EVENT: [_event("Multi-AZ instance failover started.")]}, why="it may not have completed"
        ),
        Case(
            _CLUSTER,
            related={
                EVENT: [_event("Cluster failover failed, check the health of your cluster instances", _CLUSTER_ARN)]
            },
            type=DB_CLUSTER,
        ),
        Case(
            _ORDERS,
            related={TRAIL_EVENT: [_call("RebootDBInstance", "orders", {})]},
            why="a reboot only",
        ),
        Case(
            _ORDERS,
            related={TRAIL_EVENT: [_call("RebootDBInstance", "orders", _FORCED, errorCode="InvalidDBInstanceState")]},
        ),
        Case(_ORDERS, related={TRAIL_EVENT: [_call("RebootDBInstance", "other", _FORCED)]}),
        Case(
            _ORDERS, related={EXPERIMENT: [_experiment("aws:rds:reboot-db-instances", _ARN)]}, why="without a failover"
        ),
        Case(
            _CLUSTER,
            related={EXPERIMENT: [_experiment("aws:rds:failover-db-cluster", _CLUSTER_ARN, status="failed")]},
            type=DB_CLUSTER,
        ),
        Case(
            _CLUSTER,
            related={EXPERIMENT: [_experiment("aws:rds:failover-db-cluster", _CLUSTER_ARN, days=120)]},
            type=DB_CLUSTER,
        ),
    ],
    skips=[
        Case({**_ORDERS, "MultiAZ": False}),
        Case({**_ORDERS, "InstanceCreateTime": ago(days=30)}),
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**_CLUSTER, "DBClusterMembers": _CLUSTER["DBClusterMembers"][:1]}, type=DB_CLUSTER),
    ],
    unknowns=[
        Case(_ORDERS, unread=[EVENT]),
        Case(
            _ORDERS,
            recorded={EVENT: [_event("Multi-AZ instance failover completed", days=95)]},
            unread=[EVENT],
            why="what the ledger holds proves no failure",
        ),
        Case(_ORDERS, unread=[TRAIL_EVENT]),
        Case(_CLUSTER, unread=[EXPERIMENT], type=DB_CLUSTER),
        Case(
            _CLUSTER,
            related={EXPERIMENT: [{key: value for key, value in _BY_TAG.items() if key != "ResolvedTargets"}]},
            type=DB_CLUSTER,
            why="which databases had the tag was not read",
        ),
    ],
)
def rds_failover_tested_quarterly(database: Facts, want: FailoverTest) -> Iterator[Evidence]:
    """A database with a standby has failed over in the last quarter.

    Why: a failover that was never tried fails when it is needed: clients keep old addresses, the standby is too small, a
    firewall rule names one zone.

    Fix: force a failover in a quiet hour, by hand or as a Fault Injection Service experiment, and watch the application.

    Source: RDS User Guide, "Amazon RDS event categories and event messages" (RDS-EVENT-0049 and 0071: failover completed); the
    standard's "Failover testing". RDS remembers events 14 days, CloudTrail calls 90 days; the evidence ledger keeps what a scan
    saw, so that a failover of two months ago still counts.
    """
    skip_member(database)
    skip_transient(database)
    if not (readers(database) if is_cluster(database) else database["MultiAZ"]):
        raise NotApplicable("it has no standby")
    if age_hours(database) < want.failover_test_max_age_days * 24:
        raise NotApplicable("it is younger than a quarter")
    gap: Unavailable | None = None
    for proof in (_by_event, _by_call, _by_experiment):
        try:
            if proof(database, want):
                return
        except Unavailable as unavailable:
            gap = gap or unavailable
    if gap:
        raise gap
    yield Evidence(
        f"nothing shows a completed failover in {want.failover_test_max_age_days} days",
        {"days": want.failover_test_max_age_days, "looked_at": ["RDS events", "CloudTrail", "Fault Injection Service"]},
    )


def _is_recent(date: str, database: Facts, want: FailoverTest) -> bool:
    return database.observed_at - parse_time(date) <= timedelta(days=want.failover_test_max_age_days)


def _by_event(database: Facts, want: FailoverTest) -> bool:
    """Whether RDS reported a completed failover; the API gives no event ids, so the message tells."""
    if not want.count_unplanned:
        return False  # An event does not tell whether somebody wanted it.
    for event in database.recorded(EVENT, "SourceArn"):
        if (
            "failover" in event.get("EventCategories", ())
            and "completed" in event["Message"].lower()
            and _is_recent(event["Date"], database, want)
        ):
            return True
    database.referrers(EVENT, "SourceArn")
    return False


def _by_call(database: Facts, want: FailoverTest) -> bool:
    """Whether CloudTrail recorded a successful call that forces a failover."""
    path = "Resources[].ResourceName"
    for event in (
        *database.recorded(TRAIL_EVENT, path, identifier(database)),
        *database.recorded(TRAIL_EVENT, path),
    ):
        if event["EventName"] == _CALLS[database.type] and _is_recent(event["EventTime"], database, want):
            record = record_of(event)
            parameters = record.get("requestParameters") or {}
            forced = is_cluster(database) or parameters.get("forceFailover") is True
            if forced and not record.get("errorCode"):
                return True
    database.referrers(TRAIL_EVENT, path)
    return False


def _by_experiment(database: Facts, want: FailoverTest) -> bool:
    """Whether a completed experiment failed this database over."""
    gap: Unavailable | None = None
    for experiment in database.all_recorded(EXPERIMENT):
        try:
            if _failed_over(experiment, database, want):
                return True
        except Unavailable as unavailable:
            gap = gap or unavailable
    database.require_read(EXPERIMENT)
    if gap:
        raise gap
    return False


def _failed_over(experiment: Facts, database: Facts, want: FailoverTest) -> bool:
    if experiment["state"].get("status") != "completed":
        return False  # It proves nothing, and its details are not read.
    whole = experiment["Experiment"]
    if not whole.get("endTime") or not _is_recent(whole["endTime"], database, want):
        return False
    for action in whole.get("actions", {}).values():
        if (
            action.get("actionId") != _FIS_ACTIONS[database.type]
            or action.get("state", {}).get("status") != "completed"
        ):
            continue
        if not is_cluster(database) and action.get("parameters", {}).get("forceFailover") != "true":
            continue
        targets = [whole.get("targets", {}).get(name, {}) for name in action.get("targets", {}).values()]
        if any(database.id in target.get("resourceArns", ()) for target in targets):
            return True
        if all("resourceArns" in target for target in targets):
            continue
        if any(
            database.id in resolved.get("targetInformation", {}).values() for resolved in experiment["ResolvedTargets"]
        ):
            return True
    return False
