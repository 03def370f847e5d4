"""Primary-replica: every database has a primary and at least one replica, and the replica keeps up."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import HIGH, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, ago, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    age_hours,
    is_aurora,
    is_replica,
    is_running,
    readers,
    skip_member,
    skip_replica,
    skip_transient,
    status,
)

_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
_CLUSTER_ARN = "arn:aws:rds:eu-west-1:111122223333:cluster:orders"
_ORDERS = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": _ARN,
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "MultiAZ": False,
}
_WRITER = {"DBInstanceIdentifier": "orders-1", "IsClusterWriter": True, "PromotionTier": 1}
_READER = {"DBInstanceIdentifier": "orders-2", "IsClusterWriter": False, "PromotionTier": 1}
_CLUSTER = {
    "DBClusterIdentifier": "orders",
    "DBClusterArn": _CLUSTER_ARN,
    "Engine": "aurora-postgresql",
    "EngineMode": "provisioned",
    "Status": "available",
    "DBClusterMembers": [_WRITER, _READER],
}
_SECOND = {"DBInstanceIdentifier": "orders-2", "DBClusterIdentifier": "orders", "Engine": "aurora-postgresql"}


@dataclass(frozen=True, slots=True)
class PrimaryReplica:
    """The numbers of "Primary-replica"."""

    min_replicas: int
    replica_lag_max_seconds: int
    replica_lag_window_hours: int
    new_replica_grace_hours: int
    self_managed_engines: tuple[str, ...]
    attestation_max_age_days: int


@check(
    "rds-instance-has-replica",
    pattern="databases.high-availability.primary-replica",
    on=DB_INSTANCE,
    severity=HIGH,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --multi-az --apply-immediately",
        terraform="aws_db_instance.multi_az",
    ),
    same_as=("prowler:rds_instance_multi_az", "fsbp:RDS.5"),
    passes=[
        Case({**_ORDERS, "MultiAZ": True}),
        Case({**_ORDERS, "ReadReplicaDBInstanceIdentifiers": ["orders-replica"]}),
        Case(
            {**_ORDERS, "Engine": "oracle-ee", "ReadReplicaDBInstanceIdentifiers": ["orders-mounted"]},
            why="a mounted replica is a replica, though nobody can read from it",
        ),
        Case({**_ORDERS, "ReadReplicaDBClusterIdentifiers": ["orders-multi-az-cluster"]}),
    ],
    fails=[
        Case(_ORDERS),
        Case({**_ORDERS, "ReadReplicaDBInstanceIdentifiers": [], "PendingModifiedValues": {"MultiAZ": True}}),
    ],
    skips=[
        Case({**_ORDERS, "DBClusterIdentifier": "orders"}),
        Case({**_ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "orders-main"}),
        Case({**_ORDERS, "DBInstanceStatus": "creating"}),
    ],
)
def rds_instance_has_replica(instance: Facts, want: PrimaryReplica) -> Iterator[Evidence]:
    """A stand-alone RDS instance has a standby or a read replica.

    Why: without a second copy the database is down until the instance is repaired or restored from a backup.

    Fix: make it Multi-AZ, or add a read replica.

    Source: RDS User Guide, "Multi-AZ DB instance deployments"; FSBP RDS.5; the standard's "Primary-replica".
    """
    skip_member(instance)
    skip_replica(instance)
    skip_transient(instance)
    standbys = int(instance["MultiAZ"])
    replicas = len(instance.get("ReadReplicaDBInstanceIdentifiers", ())) + len(
        instance.get("ReadReplicaDBClusterIdentifiers", ())
    )
    if standbys + replicas < want.min_replicas:
        yield Evidence(
            f"has {standbys} standbys and {replicas} read replicas, {want.min_replicas} wanted in all",
            {"MultiAZ": bool(standbys), "read_replicas": replicas},
        )


@check(
    "rds-cluster-has-reader",
    pattern="databases.high-availability.primary-replica",
    on=DB_CLUSTER,
    severity=HIGH,
    fix=Fix(
        cli="aws rds create-db-instance --db-cluster-identifier {name} --engine {Engine} --db-instance-identifier READER --db-instance-class CLASS",
        terraform="aws_rds_cluster_instance",
    ),
    reads=(DB_INSTANCE,),
    same_as=("prowler:rds_cluster_multi_az", "fsbp:RDS.15"),
    passes=[
        Case(_CLUSTER, related={DB_INSTANCE: [{**_SECOND, "DBInstanceStatus": "available"}]}),
        Case(
            _CLUSTER,
            related={DB_INSTANCE: [{**_SECOND, "DBInstanceStatus": "backing-up"}]},
            why="the reader serves while it is backed up",
        ),
    ],
    fails=[
        Case({**_CLUSTER, "DBClusterMembers": [_WRITER]}),
        Case(
            {**_CLUSTER, "DBClusterMembers": [_WRITER, {**_READER, "IsClusterWriter": True}]},
            why="two writers have no reader",
        ),
        Case({**_CLUSTER, "DBClusterMembers": []}),
        Case(_CLUSTER, related={DB_INSTANCE: [{**_SECOND, "DBInstanceStatus": "stopped"}]}),
        Case(_CLUSTER, related={DB_INSTANCE: [{**_SECOND, "DBInstanceStatus": "incompatible-parameters"}]}),
    ],
    skips=[
        Case({**_CLUSTER, "EngineMode": "serverless", "DBClusterMembers": []}),
        Case({**_CLUSTER, "Status": "stopped"}),
        Case(
            {**_CLUSTER, "DBClusterMembers": [], "ReplicationSourceIdentifier": _CLUSTER_ARN},
            why="a secondary cluster without instances, kept for its data only",
        ),
        Case({**_CLUSTER, "DBClusterMembers": [], "GlobalClusterIdentifier": "world"}),
    ],
    unknowns=[Case(_CLUSTER, unread=[DB_INSTANCE]), Case(_CLUSTER)],
)
def rds_cluster_has_reader(cluster: Facts, want: PrimaryReplica) -> Iterator[Evidence]:
    """A cluster has a running reader beside its writer.

    Why: without a reader Aurora must make a new instance when the writer fails, which takes minutes and may find no capacity.

    Fix: add a reader in another Availability Zone.

    Source: Aurora User Guide, "High availability for Amazon Aurora"; FSBP RDS.15; the standard's "Primary-replica".
    """
    if cluster.get("EngineMode") == "serverless":
        raise NotApplicable("Aurora Serverless v1 has no instances of its own")
    skip_transient(cluster)
    if (now := status(cluster)) in ("stopped", "stopping", "starting"):
        raise NotApplicable(f"the cluster is {now}")
    if not cluster.get("DBClusterMembers", ()) and (is_replica(cluster) or cluster.get("GlobalClusterIdentifier")):
        raise NotApplicable("a secondary cluster without instances")
    wanted = readers(cluster)
    seen = [found for name in wanted for found in cluster.known_referrers(DB_INSTANCE, "DBInstanceIdentifier", name)]
    running = [reader.name for reader in seen if is_running(reader)]
    if len(running) >= want.min_replicas:
        return
    if len(wanted) >= want.min_replicas:
        cluster.related(DB_INSTANCE, wanted, "DBInstanceIdentifier", required=True)
    yield Evidence(
        f"has {len(running)} running readers of {want.min_replicas} wanted",
        {"readers": sorted(wanted), "running": sorted(running)},
    )


def _lag(name: str, value: float) -> dict[str, object]:
    """A metric of one day as the collector keeps it, for the cases."""
    return {
        "Metrics": {
            f"{name}.Maximum": {
                "Days": 1,
                "Period": 300,
                "Timestamps": [ago(hours=2), ago(hours=1)],
                "Values": [0.5, value],
            }
        }
    }


_REPLICA = {
    **_ORDERS,
    "ReadReplicaSourceDBInstanceIdentifier": "orders-main",
    "InstanceCreateTime": ago(days=100),
    "StatusInfos": [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}],
}
_STOPPED = [{"StatusType": "read replication", "Normal": False, "Status": "stopped"}]
_REACHED = [{"StatusType": "read replication", "Normal": True, "Status": "replication stop point reached"}]
_FAILED = [
    {"StatusType": "read replication", "Normal": False, "Status": "error", "Message": "Could not apply the row event"}
]
_AURORA_READER = {
    **_SECOND,
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders-2",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=100),
}


_STANDING_STILL = ("error", "terminated", "stopped", "replication stop point reached")
"""Source: RDS API, DBInstanceStatusInfo.Status."""


@check(
    "rds-replica-replicating",
    pattern="databases.high-availability.primary-replica",
    on=DB_INSTANCE,
    severity=HIGH,
    fix=Fix(
        cli="aws rds reboot-db-instance --db-instance-identifier {name}",
        terraform="aws_db_instance.replicate_source_db",
    ),
    reads=(DB_CLUSTER,),
    passes=[
        Case({**_REPLICA, **_lag("ReplicaLag", 12)}),
        Case({**_AURORA_READER, **_lag("AuroraReplicaLag", 40)}, related={DB_CLUSTER: [_CLUSTER]}),
        Case(
            {**_AURORA_READER, "Engine": "mysql", **_lag("ReplicaLag", 1)},
            related={DB_CLUSTER: [{**_CLUSTER, "Engine": "mysql"}]},
            why="a readable standby of a Multi-AZ DB cluster",
        ),
    ],
    fails=[
        Case({**_REPLICA, "StatusInfos": _FAILED, **_lag("ReplicaLag", 0)}),
        Case({**_REPLICA, "StatusInfos": _STOPPED}, gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}),
        Case({**_REPLICA, "StatusInfos": _REACHED, **_lag("ReplicaLag", 0)}, why="it was told to go no further"),
        Case({**_REPLICA, **_lag("ReplicaLag", 4000)}),
        Case({**_REPLICA, **_lag("ReplicaLag", -1)}, why="-1 means that replication is broken"),
        Case({**_AURORA_READER, **_lag("AuroraReplicaLag", 400_000)}, related={DB_CLUSTER: [_CLUSTER]}),
    ],
    skips=[
        Case(_ORDERS),
        Case({**_REPLICA, "InstanceCreateTime": ago(minutes=30)}),
        Case({**_REPLICA, "DBInstanceStatus": "creating"}),
        Case(
            {**_AURORA_READER, "DBInstanceIdentifier": "orders-1"}, related={DB_CLUSTER: [_CLUSTER]}, why="the writer"
        ),
    ],
    unknowns=[
        Case(_REPLICA, gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}),
        Case(
            {**_REPLICA, "Metrics": {"ReplicaLag.Maximum": {"Days": 1, "Period": 300, "Timestamps": [], "Values": []}}}
        ),
        Case({**_REPLICA, "StatusInfos": [], **_lag("ReplicaLag", 3)}, why="nothing says whether replication runs"),
        Case({**_AURORA_READER, **_lag("AuroraReplicaLag", 40)}, unread=[DB_CLUSTER]),
    ],
)
def rds_replica_replicating(instance: Facts, want: PrimaryReplica) -> Iterator[Evidence]:
    """A replica receives the primary's changes without a long delay.

    Why: a replica whose replication stands still serves old data, and promoting it loses everything since.

    Fix: read the replication error in the replica's events, then reboot or recreate the replica.

    Source: RDS User Guide, "Monitoring read replication" (a lag of -1 means broken; an idle PostgreSQL source reports up to five
    minutes); the standard's "Primary-replica".
    """
    cluster_name = instance.get("DBClusterIdentifier")
    if cluster_name:
        (cluster,) = instance.related(DB_CLUSTER, [cluster_name], "DBClusterIdentifier", required=True)
        if instance["DBInstanceIdentifier"] not in readers(cluster):
            raise NotApplicable("it is the writer of its cluster")
    elif not is_replica(instance):
        raise NotApplicable("it is not a replica")
    skip_transient(instance)
    if (now := status(instance)) in ("stopped", "stopping", "starting"):
        raise NotApplicable(f"the instance is {now}")
    if age_hours(instance) < want.new_replica_grace_hours:
        raise NotApplicable("the replica is new")
    infos = [] if cluster_name else instance.get("StatusInfos", ())
    states = [info for info in infos if info.get("StatusType") == "read replication"]
    for state in states:
        if not state.get("Normal") or state.get("Status") in _STANDING_STILL:
            yield Evidence(
                f"replication is {state.get('Status', 'not normal')}",
                {"Status": state.get("Status"), "Message": state.get("Message", "")},
            )
    yield from _lagging(instance, want)
    if not cluster_name and not states:
        raise Unavailable(Gap("rds:DescribeDBInstances", "FieldMissing", "nothing says whether replication runs"))


def _lagging(instance: Facts, want: PrimaryReplica) -> Iterator[Evidence]:
    aurora = is_aurora(instance)
    name, per_second = ("AuroraReplicaLag", 1000) if aurora else ("ReplicaLag", 1)
    lag = instance.metric(name, "Maximum", want.replica_lag_window_hours / 24)
    if not lag:
        raise Unavailable(Gap("cloudwatch:GetMetricData", "NoData", f"{name} has no datapoints"))
    worst = lag.maximum / per_second
    if lag.values[-1] < 0:
        yield Evidence(f"{name} is {lag.values[-1]:g}: replication is broken", {name: lag.values[-1]})
    if worst > want.replica_lag_max_seconds:
        yield Evidence(
            f"lagged up to {worst:,.0f} s in {want.replica_lag_window_hours} h, {want.replica_lag_max_seconds} s allowed",
            {name: lag.maximum, "hours": want.replica_lag_window_hours},
        )
