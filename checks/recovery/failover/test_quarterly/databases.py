"""Failover testing: each standby has taken over once a quarter."""

from collections.abc import Iterator

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, ago, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    age_hours,
    has_standby,
    skip_member,
    skip_transient,
)
from auditor.kit.rehearsals import EXPERIMENT
from auditor.kit.trail import TRAIL_EVENT

from ._examples import ARN, CLUSTER, CLUSTER_ARN, ORDERS, call, event, fis_experiment
from ._failovers import EVENT, by_call, by_event, by_experiment, unproven
from .thresholds import FailoverTest

_FORCED = {"dBInstanceIdentifier": "orders", "forceFailover": True}
_BY_TAG = fis_experiment("aws:rds:failover-db-cluster", None)


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
        Case(ORDERS, related={EVENT: [event("Multi-AZ instance failover completed")]}),
        Case(
            ORDERS, related={EVENT: [event("Multi-AZ instance failover completed")]}, unread=[TRAIL_EVENT, EXPERIMENT]
        ),
        Case(ORDERS, related={TRAIL_EVENT: [call("RebootDBInstance", "orders", _FORCED)]}),
        Case(
            ORDERS,
            recorded={EVENT: [event("Multi-AZ instance failover completed", days=80)]},
            unread=[EVENT, TRAIL_EVENT, EXPERIMENT],
            why="RDS forgot it long ago, the evidence ledger did not",
        ),
        Case(ORDERS, recorded={TRAIL_EVENT: [call("RebootDBInstance", "orders", _FORCED)]}),
        Case(
            CLUSTER,
            recorded={EXPERIMENT: [fis_experiment("aws:rds:failover-db-cluster", CLUSTER_ARN)]},
            type=DB_CLUSTER,
        ),
        Case(ORDERS, related={EXPERIMENT: [fis_experiment("aws:rds:reboot-db-instances", ARN, forceFailover="true")]}),
        Case(
            CLUSTER,
            related={EVENT: [event("Completed failover to DB instance: shop-2", CLUSTER_ARN)]},
            type=DB_CLUSTER,
        ),
        Case(
            CLUSTER,
            related={TRAIL_EVENT: [call("FailoverDBCluster", "shop", {"dBClusterIdentifier": "shop"})]},
            type=DB_CLUSTER,
        ),
        Case(
            CLUSTER,
            related={EXPERIMENT: [{**_BY_TAG, "ResolvedTargets": [{"targetInformation": {"arn": CLUSTER_ARN}}]}]},
            type=DB_CLUSTER,
            why="the experiment names its targets by tag",
        ),
    ],
    fails=[
        Case(ORDERS),
        Case(
            ORDERS,
            recorded={EVENT: [event("Multi-AZ instance failover completed", days=95)]},
            why="more than a quarter ago",
        ),
        Case(ORDERS, related={EVENT: [event("Multi-AZ instance failover started.")]}, why="it may not have completed"),
        Case(
            CLUSTER,
            related={
                EVENT: [event("Cluster failover failed, check the health of your cluster instances", CLUSTER_ARN)]
            },
            type=DB_CLUSTER,
        ),
        Case(
            ORDERS,
            related={TRAIL_EVENT: [call("RebootDBInstance", "orders", {})]},
            why="a reboot only",
        ),
        Case(
            ORDERS,
            related={TRAIL_EVENT: [call("RebootDBInstance", "orders", _FORCED, errorCode="InvalidDBInstanceState")]},
        ),
        Case(ORDERS, related={TRAIL_EVENT: [call("RebootDBInstance", "other", _FORCED)]}),
        Case(
            ORDERS, related={EXPERIMENT: [fis_experiment("aws:rds:reboot-db-instances", ARN)]}, why="without a failover"
        ),
        Case(
            CLUSTER,
            related={EXPERIMENT: [fis_experiment("aws:rds:failover-db-cluster", CLUSTER_ARN, status="failed")]},
            type=DB_CLUSTER,
        ),
        Case(
            CLUSTER,
            related={EXPERIMENT: [fis_experiment("aws:rds:failover-db-cluster", CLUSTER_ARN, days=120)]},
            type=DB_CLUSTER,
        ),
    ],
    skips=[
        Case({**ORDERS, "MultiAZ": False}),
        Case({**ORDERS, "InstanceCreateTime": ago(days=30)}),
        Case({**ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**CLUSTER, "DBClusterMembers": CLUSTER["DBClusterMembers"][:1]}, type=DB_CLUSTER),
    ],
    unknowns=[
        Case(ORDERS, unread=[EVENT]),
        Case(
            ORDERS,
            recorded={EVENT: [event("Multi-AZ instance failover completed", days=95)]},
            unread=[EVENT],
            why="what the ledger holds proves no failure",
        ),
        Case(ORDERS, unread=[TRAIL_EVENT]),
        Case(CLUSTER, unread=[EXPERIMENT], type=DB_CLUSTER),
        Case(
            CLUSTER,
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
    if not has_standby(database):
        raise NotApplicable("it has no standby")
    if age_hours(database) < want.failover_test_max_age_days * 24:
        raise NotApplicable("it is younger than a quarter")
    yield from unproven(
        database, want, {"RDS events": by_event, "CloudTrail": by_call, "Fault Injection Service": by_experiment}
    )
