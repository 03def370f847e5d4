"""What shows that something failed over: events of RDS (DocumentDB and Neptune answer there, too), calls, experiments."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from auditor.kit import Evidence, Facts, Unavailable, parse_time
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE, identifier, is_cluster
from auditor.kit.rehearsals import EXPERIMENT
from auditor.kit.restores import is_recent
from auditor.kit.trail import TRAIL_EVENT, record_of

from .thresholds import FailoverTest

EVENT = "AWS::RDS::Event"
REPLICATION_GROUP = "AWS::ElastiCache::ReplicationGroup"

ACTIONS = {
    DB_INSTANCE: "aws:rds:reboot-db-instances",
    DB_CLUSTER: "aws:rds:failover-db-cluster",
    REPLICATION_GROUP: "aws:elasticache:replicationgroup-interrupt-az-power",
}
"""Resource type -> the action of Fault Injection Service that makes it fail over; an instance is to be forced besides.

Source: AWS FIS User Guide, "AWS FIS actions reference"."""


def is_recent_date(date: str, resource: Facts, want: FailoverTest) -> bool:
    """Return whether DATE lies in the quarter."""
    return is_recent(parse_time(date), resource.observed_at, want.failover_test_max_age_days)


def unproven(
    resource: Facts, want: FailoverTest, proofs: Mapping[str, Callable[[Facts, FailoverTest], bool]]
) -> Iterator[Evidence]:
    """Yield what is wrong where none of PROOFS (where is looked -> whether that shows a failover) holds for RESOURCE.

    Raises Unavailable where one that could hold was not read.
    """
    gap: Unavailable | None = None
    for proof in proofs.values():
        try:
            if proof(resource, want):
                return
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    if gap:
        raise gap
    days = want.failover_test_max_age_days
    yield Evidence(f"nothing shows a completed failover in {days} days", {"days": days, "looked_at": list(proofs)})


def forces(action: Mapping[str, Any]) -> bool:
    """Return whether an experiment's ACTION makes its target fail over: a reboot of an instance does where it is told to."""
    return action.get("actionId") != ACTIONS[DB_INSTANCE] or action.get("parameters", {}).get("forceFailover") == "true"


def by_event(database: Facts, want: FailoverTest) -> bool:
    """Whether RDS reported a completed failover; the API gives no event ids, so the message tells."""
    if not want.count_unplanned:
        return False  # An event does not tell whether somebody wanted it.
    for event in database.recorded(EVENT, "SourceArn"):
        if (
            "failover" in event.get("EventCategories", ())
            and "completed" in event["Message"].lower()
            and is_recent_date(event["Date"], database, want)
        ):
            return True
    database.referrers(EVENT, "SourceArn")
    return False


def by_call(database: Facts, want: FailoverTest) -> bool:
    """Whether CloudTrail recorded a successful call that forces a failover."""
    path = "Resources[].ResourceName"
    for event in (
        *database.recorded(TRAIL_EVENT, path, identifier(database)),
        *database.recorded(TRAIL_EVENT, path),
    ):
        if event["EventName"] == (
            "FailoverDBCluster" if is_cluster(database) else "RebootDBInstance"
        ) and is_recent_date(event["EventTime"], database, want):
            record = record_of(event)
            parameters = record.get("requestParameters") or {}
            forced = is_cluster(database) or parameters.get("forceFailover") is True
            if forced and not record.get("errorCode"):
                return True
    database.referrers(TRAIL_EVENT, path)
    return False


def by_experiment(resource: Facts, want: FailoverTest) -> bool:
    """Whether a completed experiment failed RESOURCE over."""
    gap: Unavailable | None = None
    for experiment in resource.all_recorded(EXPERIMENT):
        try:
            if _failed_over(experiment, resource, want):
                return True
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    resource.require_read(EXPERIMENT)
    if gap:
        raise gap
    return False


def _failed_over(experiment: Facts, resource: Facts, want: FailoverTest) -> bool:
    if experiment["state"].get("status") != "completed":
        return False  # It proves nothing.
    whole = experiment["Experiment"]
    if not whole.get("endTime") or not is_recent_date(whole["endTime"], resource, want):
        return False
    for action in whole.get("actions", {}).values():
        if action.get("actionId") != ACTIONS[resource.type] or action.get("state", {}).get("status") != "completed":
            continue
        if not forces(action):
            continue
        targets = [whole.get("targets", {}).get(name, {}) for name in action.get("targets", {}).values()]
        if any(resource.id in target.get("resourceArns", ()) for target in targets):
            return True
        if all("resourceArns" in target for target in targets):
            continue
        if any(
            resource.id in resolved.get("targetInformation", {}).values() for resolved in experiment["ResolvedTargets"]
        ):
            return True
    return False
