"""DocumentDB and Neptune: each cluster with a replica has failed over in the last quarter."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditor.kit import LOW, Case, Document, Evidence, Facts, Fix, NotApplicable, ago, check
from auditor.kit.databases import age_hours, readers, skip_transient
from auditor.kit.trail import TRAIL_EVENT

from ._examples import CLUSTER, CLUSTER_ARN, call, event
from ._failovers import EVENT, by_call, by_event, unproven
from .thresholds import FailoverTest


def _cases(engine: str) -> dict[str, Any]:
    """The cases of one engine; both answer on RDS's API, and CloudTrail calls both rds.amazonaws.com."""
    cluster: dict[str, Any] = {**CLUSTER, "Engine": engine}
    done = event("Completed failover to DB instance: shop-2", CLUSTER_ARN)
    asked = call("FailoverDBCluster", "shop", {"dBClusterIdentifier": "shop"})

    def case(
        related: Mapping[str, Sequence[Document]] | None = None,
        recorded: Mapping[str, Sequence[Document]] | None = None,
        unread: Sequence[str] = (),
        why: str = "",
        **fields: Any,
    ) -> Case:
        return Case({**cluster, **fields}, related=related or {}, recorded=recorded or {}, unread=unread, why=why)

    return {
        "passes": [
            case({EVENT: [done]}, unread=[TRAIL_EVENT]),
            case({TRAIL_EVENT: [asked]}, unread=[EVENT]),
            case(recorded={EVENT: [{**done, "Date": ago(days=80)}]}, why="the ledger did not forget it"),
        ],
        "fails": [
            case(),
            case(recorded={EVENT: [{**done, "Date": ago(days=95)}]}),
            case({EVENT: [event("Started cross AZ failover to DB instance: shop-2", CLUSTER_ARN)]}),
            case({EVENT: [event("Completed failover to DB instance: news-2", f"{CLUSTER_ARN}-news")]}),
            case({TRAIL_EVENT: [call("FailoverDBCluster", "shop", {}, errorCode="InvalidDBClusterStateFault")]}),
        ],
        "skips": [
            case(DBClusterMembers=CLUSTER["DBClusterMembers"][:1]),
            case(ClusterCreateTime=ago(days=30)),
            case(Status="creating"),
        ],
        "unknowns": [case(unread=[EVENT]), case(unread=[TRAIL_EVENT])],
    }


@check(
    "docdb-failover-tested-quarterly",
    pattern="recovery.failover.test-quarterly",
    on="AWS::DocDB::DBCluster",
    severity=LOW,
    fix=Fix(
        cli="aws docdb failover-db-cluster --db-cluster-identifier {name} --region {region}",
        terraform="aws_scheduler_schedule.target.arn",
    ),
    reads=(EVENT, TRAIL_EVENT),
    **_cases("docdb"),
)
def docdb_failover_tested_quarterly(cluster: Facts, want: FailoverTest) -> Iterator[Evidence]:
    """A DocumentDB cluster with a replica has failed over in the last quarter.

    Why: drivers that know the writer by its address, and not as a replica set by the cluster's, lose it for good when it moves.

    Fix: fail the cluster over in a quiet hour and watch the application.

    Source: Amazon DocumentDB Developer Guide, "Testing failover"; the standard's "Failover testing". An event says that it
    completed, or a call in CloudTrail that it was asked for; the evidence ledger keeps both.
    """
    yield from _judge(cluster, want)


@check(
    "neptune-failover-tested-quarterly",
    pattern="recovery.failover.test-quarterly",
    on="AWS::Neptune::DBCluster",
    severity=LOW,
    fix=Fix(
        cli="aws neptune failover-db-cluster --db-cluster-identifier {name} --region {region}",
        terraform="aws_scheduler_schedule.target.arn",
    ),
    reads=(EVENT, TRAIL_EVENT),
    **_cases("neptune"),
)
def neptune_failover_tested_quarterly(cluster: Facts, want: FailoverTest) -> Iterator[Evidence]:
    """A Neptune cluster with a replica has failed over in the last quarter.

    Why: clients keep connections and the address of the writer; whether they come back shows when it moves.

    Fix: fail the cluster over in a quiet hour and watch the application.

    Source: Amazon Neptune User Guide, "Neptune high availability"; the standard's "Failover testing". An event says that it
    completed, or a call in CloudTrail that it was asked for; the evidence ledger keeps both.
    """
    yield from _judge(cluster, want)


def _judge(cluster: Facts, want: FailoverTest) -> Iterator[Evidence]:
    skip_transient(cluster)
    if not readers(cluster):
        raise NotApplicable("it has no replica")
    if age_hours(cluster) < want.failover_test_max_age_days * 24:
        raise NotApplicable("it is younger than a quarter")
    yield from unproven(cluster, want, {"events": by_event, "CloudTrail": by_call})
