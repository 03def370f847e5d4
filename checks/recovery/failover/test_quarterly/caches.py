"""ElastiCache: each replication group that fails over by itself has done so in the last quarter."""

from collections.abc import Iterator

from auditor.kit import LOW, Case, Evidence, Facts, Fix, NotApplicable, check
from auditor.kit.rehearsals import EXPERIMENT

from ._examples import CARTS, cache_event, fis_experiment
from ._failovers import ACTIONS, REPLICATION_GROUP, by_experiment, is_recent_date, unproven
from .thresholds import FailoverTest

CACHE_EVENT = "AWS::ElastiCache::Event"

_ACTION = ACTIONS[REPLICATION_GROUP]


@check(
    "elasticache-failover-tested-quarterly",
    pattern="recovery.failover.test-quarterly",
    on=REPLICATION_GROUP,
    severity=LOW,
    fix=Fix(
        cli="aws elasticache test-failover --replication-group-id {name} --node-group-id 0001 --region {region}",
        terraform="aws_fis_experiment_template.action.action_id",
    ),
    reads=(CACHE_EVENT, EXPERIMENT),
    passes=[
        Case(CARTS, related={CACHE_EVENT: [cache_event()]}, unread=[EXPERIMENT]),
        Case(
            CARTS,
            related={
                CACHE_EVENT: [cache_event("Failover from master node carts-001 to replica node carts-002 completed")]
            },
            why="as old engines say it",
        ),
        Case(CARTS, recorded={CACHE_EVENT: [cache_event(days=80)]}, unread=[CACHE_EVENT]),
        Case(CARTS, related={EXPERIMENT: [fis_experiment(_ACTION, CARTS["ARN"])]}, unread=[CACHE_EVENT]),
    ],
    fails=[
        Case(CARTS),
        Case(CARTS, recorded={CACHE_EVENT: [cache_event(days=95)]}),
        Case(CARTS, related={CACHE_EVENT: [cache_event("Test Failover API called for node group 0001")]}),
        Case(CARTS, related={CACHE_EVENT: [cache_event(group="sessions")]}),
        Case(CARTS, related={EXPERIMENT: [fis_experiment(_ACTION, CARTS["ARN"], status="failed")]}),
    ],
    skips=[
        Case({**CARTS, "AutomaticFailover": "disabled"}),
        Case({**CARTS, "ReplicationGroupCreateTime": cache_event(days=30)["Date"]}),
    ],
    unknowns=[
        Case(CARTS, unread=[CACHE_EVENT]),
        Case(CARTS, unread=[EXPERIMENT]),
        Case({key: value for key, value in CARTS.items() if key != "AutomaticFailover"}),
    ],
)
def elasticache_failover_tested_quarterly(group: Facts, want: FailoverTest) -> Iterator[Evidence]:
    """A replication group that fails over by itself has done so in the last quarter.

    Why: clients that keep the primary's address write to a node that is gone, and what was not replicated yet is lost.

    Fix: test the failover of a node group in a quiet hour and watch the application.

    Source: ElastiCache API Reference, "TestFailover" (its events); the standard's "Failover testing". ElastiCache remembers
    events 14 days; the evidence ledger keeps what a scan saw. An event does not tell whether somebody wanted it: with
    ``count_unplanned`` off an experiment of Fault Injection Service counts alone.
    """
    if not fails_over(group):
        raise NotApplicable("it does not fail over by itself")
    if group.days_since("ReplicationGroupCreateTime") < want.failover_test_max_age_days:
        raise NotApplicable("it is younger than a quarter")
    yield from unproven(group, want, {"ElastiCache events": _by_event, "Fault Injection Service": by_experiment})


def fails_over(group: Facts) -> bool:
    """Return whether a replication group fails over by itself."""
    return str(group["AutomaticFailover"]).lower() in ("enabled", "enabling")


def _by_event(group: Facts, want: FailoverTest) -> bool:
    """Whether ElastiCache reported a completed failover."""
    if not want.count_unplanned:
        return False
    for event in group.recorded(CACHE_EVENT, "SourceIdentifier", str(group["ReplicationGroupId"])):
        message = str(event["Message"]).lower()
        if message.startswith("failover") and "completed" in message and is_recent_date(event["Date"], group, want):
            return True
    group.require_read(CACHE_EVENT)
    return False
