"""Data replication: Replicate data across AZs."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.kit import HIGH, Case, Evidence, Facts, Fix, Gap, Unavailable, check
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE, is_running, skip_member, skip_replica, skip_transient


@dataclass(frozen=True, slots=True)
class DataReplication:
    """How far data must be replicated."""

    min_azs: int
    opensearch_window_hours: int
    opensearch_max_unassigned_hours: int
    msk_min_replication_factor: int
    reproducible_tag: str


_SINGLE = {
    "Engine": "mysql",
    "DBInstanceStatus": "available",
    "MultiAZ": False,
    "AvailabilityZone": "eu-west-1a",
    "ReadReplicaDBInstanceIdentifiers": [],
}
_READ = {**_SINGLE, "ReadReplicaDBInstanceIdentifiers": ["shop-r"]}
_FAR_ARN = "arn:aws:rds:us-east-1:111122223333:db:shop-far"
_READ_FAR = {**_SINGLE, "ReadReplicaDBInstanceIdentifiers": [_FAR_ARN]}


def _replica(zone: str, status: str = "replicating", **fields: str) -> dict[str, object]:
    return {
        "DBInstanceIdentifier": "shop-r",
        "AvailabilityZone": zone,
        "StatusInfos": [{"StatusType": "read replication", "Status": status, "Normal": status == "replicating"}],
        **fields,
    }


@check(
    "rds-data-replicated-across-azs",
    pattern="cloud.multi-az.data-replication",
    on=DB_INSTANCE,
    severity=HIGH,
    reads=(DB_CLUSTER,),
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --multi-az --apply-immediately",
        terraform="aws_db_instance.multi_az",
    ),
    same_as=("prowler:rds_instance_multi_az", "service-screener:MultiAZ", "fsbp:RDS.5"),
    passes=[
        {**_SINGLE, "MultiAZ": True, "SecondaryAvailabilityZone": "eu-west-1b"},
        Case(_READ, related={DB_INSTANCE: [_replica("eu-west-1b")]}, why="an asynchronous copy is a copy"),
        Case(
            _READ_FAR,
            related={DB_INSTANCE: [{**_replica("us-east-1a", DBInstanceArn=_FAR_ARN), "#region": "us-east-1"}]},
            why="the replica is in another region",
        ),
        Case(
            {**_SINGLE, "ReadReplicaDBClusterIdentifiers": ["shop-aurora"]},
            related={DB_CLUSTER: [{"DBClusterIdentifier": "shop-aurora", "Status": "available"}]},
            why="an Aurora cluster that replicates from it keeps the data in three zones",
        ),
    ],
    fails=[
        _SINGLE,
        Case(_READ, related={DB_INSTANCE: [_replica("eu-west-1a")]}, why="the replica shares its zone"),
        Case(_READ, related={DB_INSTANCE: [{**_replica("eu-west-1a"), "StatusInfos": []}]}),
        Case(
            _READ,
            related={DB_INSTANCE: [{**_replica("eu-west-1b"), "StatusInfos": [], "DBInstanceStatus": "creating"}]},
            why="the replica is only being made",
        ),
        Case(_READ, related={DB_INSTANCE: [_replica("eu-west-1b", status="error")]}),
        Case({**_SINGLE, "PendingModifiedValues": {"MultiAZ": True}}, why="it is not done yet"),
        {**_SINGLE, "Engine": "custom-sqlserver-ee"},
    ],
    skips=[
        {**_SINGLE, "DBClusterIdentifier": "shop"},
        {**_SINGLE, "ReadReplicaSourceDBInstanceIdentifier": "shop"},
        {**_SINGLE, "ReadReplicaSourceDBClusterIdentifier": "shop"},
        {**_SINGLE, "DBInstanceStatus": "creating"},
    ],
    unknowns=[
        Case(_READ_FAR, unread=[DB_INSTANCE]),
        Case(
            _READ,
            related={DB_INSTANCE: [{**_replica("eu-west-1b"), "StatusInfos": [], "DBInstanceStatus": "available"}]},
            why="nothing says whether it replicates",
        ),
        Case(
            {**_SINGLE, "ReadReplicaDBClusterIdentifiers": ["shop-aurora"]},
            unread=[DB_CLUSTER],
        ),
    ],
)
def rds_data_replicated_across_azs(database: Facts, want: DataReplication) -> Iterator[Evidence]:
    """A database keeps a replicated copy of its data in a second Availability Zone.

    Why: the volume of a Single-AZ instance lives in one zone; when the zone is lost, so is everything since the last
    backup.

    Fix: turn Multi-AZ on, or keep a read replica in another zone (it replicates, but does not take over by itself).

    Source: AWS FSBP RDS.5; Amazon RDS User Guide, "Working with DB instance read replicas"; standard, "Replicate data
    across AZs". Aurora and Multi-AZ clusters replicate by design. For RDS Custom a reported Multi-AZ counts, as do replicas.
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    if database["MultiAZ"]:
        return
    doubt: Unavailable | None = None
    for look in (_has_replica, _has_replica_cluster):
        try:
            if look(database):
                return
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    if doubt:
        raise doubt
    zone = database.get("AvailabilityZone", "")
    pending = (database.get("PendingModifiedValues") or {}).get("MultiAZ")
    yield Evidence(
        "keeps its data in one Availability Zone: Multi-AZ is "
        + ("off until a pending change is applied" if pending else "off")
        + ", and no replica in another zone is replicating",
        {"MultiAZ": False, "zone": zone, "replicas": database.get("ReadReplicaDBInstanceIdentifiers", [])},
    )


def _has_replica(database: Facts) -> bool:
    """Whether a read replica replicates into another zone; one in another region is named by its ARN."""
    doubt: Unavailable | None = None
    for name in database.get("ReadReplicaDBInstanceIdentifiers", ()):
        far = name.startswith("arn:")
        by = "DBInstanceArn" if far else "DBInstanceIdentifier"
        try:
            for replica in database.related(DB_INSTANCE, [name], by=by, required=True, everywhere=far):
                apart = replica.region != database.region
                if (apart or replica["AvailabilityZone"] != database["AvailabilityZone"]) and _replicates(replica):
                    return True
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    if doubt:
        raise doubt
    return False


def _replicates(replica: Facts) -> bool:
    infos = replica.get("StatusInfos", ())
    if not infos and is_running(replica):
        raise Unavailable(Gap("rds:DescribeDBInstances", "FieldMissing", "nothing says whether the replica replicates"))
    return any(info.get("Status") == "replicating" for info in infos)


def _has_replica_cluster(database: Facts) -> bool:
    names = database.get("ReadReplicaDBClusterIdentifiers", ())
    clusters = database.related(DB_CLUSTER, names, by="DBClusterIdentifier", required=True) if names else ()
    return any(is_running(cluster) for cluster in clusters)
