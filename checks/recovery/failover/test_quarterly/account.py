"""The account: a failover is exercised once a quarter."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from auditor.kit import (
    HIGH,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Unavailable,
    ago,
    check,
    stated,
)
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE, age_hours, has_standby
from auditor.kit.rehearsals import EXPERIMENT, Reader, Rehearsal, by_experiment, missing
from auditor.kit.trail import TRAIL_EVENT, record_of

from ._examples import CARTS, CLUSTER, CLUSTER_ARN, ORDERS, cache_event, call, event, fis_experiment
from ._failovers import ACTIONS, EVENT, REPLICATION_GROUP, forces
from .caches import CACHE_EVENT, fails_over
from .thresholds import FailoverTest
from .zonal_shifts import MANAGED_RESOURCE, ZONAL_SHIFT, proves

ACCOUNT = "AWS::::Account"
_ID = "account-failover-test-quarterly"
_THE_ACCOUNT = {"Account": "111122223333"}
_DATABASES = (DB_INSTANCE, DB_CLUSTER, "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster")
_CALLS = ("FailoverDBCluster", "FailoverGlobalCluster", "RebootDBInstance", "SwitchoverGlobalCluster")
_ACTIONS = (*ACTIONS.values(), "aws:arc:start-zonal-autoshift")


def _by_event(one: Facts, since: datetime) -> Rehearsal | None:
    message = str(one["Message"]).lower()
    if "failover" not in message or not ("completed" in message or "failover failed" in message):
        return None
    return Rehearsal(one.time("Date"), f"a failover of {one['SourceIdentifier']}", "completed" in message, one.id)


def _by_call(one: Facts, since: datetime) -> Rehearsal | None:
    if one["EventName"] not in _CALLS:
        return None
    record = record_of(one)
    forced = (record.get("requestParameters") or {}).get("forceFailover") is True
    if record.get("errorCode") or (one["EventName"] == "RebootDBInstance" and not forced):
        return None
    return Rehearsal(one.time("EventTime"), f"a call of {one['EventName']}", True, one.id)


def _by_experiment(one: Facts, since: datetime) -> Rehearsal | None:
    return by_experiment(
        one,
        "an experiment of Fault Injection Service",
        lambda action: action.get("actionId") in _ACTIONS and forces(action),
    )


def _readers(want: FailoverTest) -> dict[str, Reader]:
    """Return what tells of an exercise: what nobody planned only where it counts, and an event does not tell who did."""

    def by_shift(one: Facts, since: datetime) -> Rehearsal | None:
        worked = proves(one, want)
        return None if worked is None else Rehearsal(one.time("startTime"), "a zonal shift", worked, one.id)

    planned: dict[str, Reader] = {TRAIL_EVENT: _by_call, EXPERIMENT: _by_experiment, ZONAL_SHIFT: by_shift}
    return {EVENT: _by_event, CACHE_EVENT: _by_event, **planned} if want.count_unplanned else planned


def _case(
    *told: tuple[str, Document],
    kept: Sequence[tuple[str, Document]] = (),
    there: tuple[str, Document] = (DB_INSTANCE, ORDERS),
    unread: Sequence[str] = (),
    attested: str = "",
    why: str = "",
) -> Case:
    related: dict[str, list[Document]] = {there[0]: [there[1]]}
    recorded: dict[str, list[Document]] = {}
    for place, held in ((related, told), (recorded, kept)):
        for type, document in held:
            place.setdefault(type, []).append(document)
    word = [stated(_ID, "failover of the shop: report in the wiki", given=attested)] if attested else []
    return Case(_THE_ACCOUNT, related=related, recorded=recorded, unread=unread, attested=word, why=why)


def _shift(outcome: str = "SUCCEEDED", days: float = 30) -> tuple[str, Document]:
    named: dict[str, Any] = {"zonalShiftId": "1", "resourceIdentifier": "arn:aws:x", "shiftType": "PRACTICE_RUN"}
    return ZONAL_SHIFT, {**named, "practiceRunOutcome": outcome, "startTime": ago(days=days)}


_DONE = EVENT, event("Completed failover to DB instance: shop-2", CLUSTER_ARN)
_FORCED = call("RebootDBInstance", "orders", {"forceFailover": True})
_MANAGED = MANAGED_RESOURCE, {"arn": "arn:aws:x", "name": "front"}


@check(
    _ID,
    pattern="recovery.failover.test-quarterly",
    on=ACCOUNT,
    severity=HIGH,
    fix=Fix(
        cli="aws rds failover-db-cluster --db-cluster-identifier CLUSTER --region REGION"
        "  # tested otherwise: auditor attest --check account-failover-test-quarterly --account {account} --statement WHAT_WAS_TESTED --evidence REPORT_URL --days 92",
        terraform="aws_fis_experiment_template.action.action_id",
    ),
    reads=(EVENT, CACHE_EVENT, TRAIL_EVENT, EXPERIMENT, ZONAL_SHIFT, MANAGED_RESOURCE, REPLICATION_GROUP, *_DATABASES),
    passes=[
        _case(_DONE),
        _case(_DONE, there=(DB_CLUSTER, CLUSTER), unread=[TRAIL_EVENT, EXPERIMENT, ZONAL_SHIFT]),
        _case((TRAIL_EVENT, _FORCED)),
        _case((TRAIL_EVENT, call("SwitchoverGlobalCluster", "shop", {}))),
        _case((EXPERIMENT, fis_experiment("aws:rds:failover-db-cluster", CLUSTER_ARN))),
        _case((EXPERIMENT, fis_experiment("aws:rds:reboot-db-instances", None, forceFailover="true"))),
        _case(_shift(), there=_MANAGED),
        _case(_shift("FAILED", 5), _shift(), there=_MANAGED, why="one of two worked"),
        _case(kept=[(EVENT, {**_DONE[1], "Date": ago(days=80)})], unread=[EVENT], why="the ledger did not forget it"),
        _case((CACHE_EVENT, cache_event()), there=(REPLICATION_GROUP, CARTS)),
        _case(attested=ago(days=30), why="a broker was failed over, with a report"),
    ],
    fails=[
        _case(),
        _case(there=(DB_CLUSTER, CLUSTER)),
        _case(there=_MANAGED),
        _case(there=(REPLICATION_GROUP, CARTS)),
        _case(kept=[(EVENT, {**_DONE[1], "Date": ago(days=95)})]),
        _case((EVENT, event("Cluster failover failed, check the health of your cluster instances", CLUSTER_ARN))),
        _case((EVENT, event("Started cross AZ failover to DB instance: shop-2", CLUSTER_ARN))),
        _case((TRAIL_EVENT, call("RebootDBInstance", "orders", {})), why="a reboot only"),
        _case((TRAIL_EVENT, call("FailoverDBCluster", "shop", {}, errorCode="AccessDenied"))),
        _case((EXPERIMENT, fis_experiment("aws:rds:reboot-db-instances", None)), why="without a failover"),
        _case((EXPERIMENT, fis_experiment("aws:ec2:stop-instances", None))),
        _case((EXPERIMENT, fis_experiment("aws:rds:failover-db-cluster", None, status="failed"))),
        _case(_shift("FAILED"), there=_MANAGED),
        _case(_shift("PENDING"), there=_MANAGED),
        _case(attested=ago(days=95)),
    ],
    skips=[
        Case(_THE_ACCOUNT),
        _case(there=(DB_INSTANCE, {**ORDERS, "MultiAZ": False})),
        _case(there=(DB_INSTANCE, {**ORDERS, "InstanceCreateTime": ago(days=30)})),
        _case(there=(DB_CLUSTER, {**CLUSTER, "DBClusterMembers": CLUSTER["DBClusterMembers"][:1]})),
    ],
    unknowns=[
        *(_case(unread=[type]) for type in (EVENT, CACHE_EVENT, TRAIL_EVENT, EXPERIMENT, ZONAL_SHIFT)),
        _case((TRAIL_EVENT, {**_FORCED, "CloudTrailEvent": "no JSON"})),
        Case(_THE_ACCOUNT, unread=[DB_CLUSTER], why="whether anything can fail over could not be read"),
        Case(_THE_ACCOUNT, unread=[MANAGED_RESOURCE]),
    ],
)
def account_failover_test_quarterly(account: Facts, want: FailoverTest) -> Iterator[Evidence]:
    """A failover was exercised in the last quarter.

    Why: a standby that never took over is an assumption: about the clients, about its size, about who notices.

    Fix: fail one database over, or shift traffic away from a zone, in a quiet hour of each quarter; what was exercised
    otherwise (a broker, routing controls, a warehouse) is attested with its report.

    Source: the standard's "Failover testing: Test quarterly"; Well-Architected REL12-BP05. Counted are events of RDS and
    ElastiCache that say that a failover completed (unless ``count_unplanned`` is off), calls in CloudTrail that force one, completed
    experiments of Fault Injection Service that fail something over, and zonal shifts; what AWS forgot stands in the evidence
    ledger. An account without a database that has a standby, a cache that fails over by itself, or anything that zonal shift
    manages has nothing to test.
    """
    account["Account"]
    days = want.failover_test_max_age_days
    _skip_without_standby(account, days)
    yield from missing(account, _ID, _readers(want), days, called="failover")


def _skip_without_standby(account: Facts, days: int) -> None:
    """Raise NotApplicable where nothing can fail over, or could not yet DAYS ago; Unavailable where that is not known."""
    there, gap = False, None
    for type in _DATABASES:
        for database in account.known(type):
            try:
                if has_standby(database):
                    if age_hours(database) >= days * 24:
                        return
                    there = True
            except Unavailable as unavailable:
                gap = gap or unavailable.kept()
    for group in account.known(REPLICATION_GROUP):
        try:
            if fails_over(group):
                if group.days_since("ReplicationGroupCreateTime") >= days:
                    return
                there = True
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
    if account.known(MANAGED_RESOURCE):
        return
    for type in (*_DATABASES, REPLICATION_GROUP, MANAGED_RESOURCE):
        account.require_read(type, everywhere=True)
    if gap:
        raise gap
    raise NotApplicable(f"what can fail over is younger than {days} days" if there else "nothing here can fail over")
