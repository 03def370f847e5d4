"""The demo account's databases: instances and Aurora clusters good and bad, their replicas, snapshots and load."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditor.demo.network import Network
from auditor.demo.past import ago, backend, set_date, set_field
from auditor.demo.usage import tell
from auditor.demo.way import Clients, tags_of

__all__ = ["MEMORY_GIB", "build"]

MEMORY_GIB = {
    "db.r6g.large": 16,
    "db.m6g.large": 8,
    "db.m4.large": 8,
    "db.r5.xlarge": 32,
    "db.t3.medium": 4,
    "db.t3.micro": 1,
}
"""Instance class -> its memory."""
_VERSIONS = {"postgres": "16.4", "mysql": "8.0.39", "aurora-postgresql": "16.4"}


@dataclass(frozen=True, slots=True)
class _Database:
    """A database instance, and how it is used."""

    name: str
    engine: str
    kind: str
    gib: int
    connections: float
    cpu: float
    free: float
    """Share of the storage that is free."""
    age_days: float
    more: dict[str, Any] = field(default_factory=dict)


_KEPT_WELL: dict[str, Any] = {
    "MultiAZ": True, "BackupRetentionPeriod": 30, "StorageType": "gp3", "ManageMasterUserPassword": True,
    "DeletionProtection": True,
}  # fmt: skip
_PRODUCTION = (
    _Database("orders", "postgres", "db.r6g.large", 200, 60, 62, 0.45, 700,
              {**_KEPT_WELL, "MaxAllocatedStorage": 1000, "EnableCloudwatchLogsExports": ["postgresql", "upgrade"]}),
    _Database("catalogue", "mysql", "db.m6g.large", 150, 42, 55, 0.4, 520,
              {**_KEPT_WELL, "MaxAllocatedStorage": 500, "EnableCloudwatchLogsExports": ["error", "slowquery"]}),
)  # fmt: skip
_GROWN = (
    _Database("catalogue", "mysql", "db.m6g.large", 100, 12, 21, 0.4, 480, {"BackupRetentionPeriod": 7, "StorageType": "gp3"}),
    _Database("crm", "mysql", "db.m4.large", 500, 18, 70, 0.9, 1400, {"BackupRetentionPeriod": 0, "StorageType": "gp2"}),
    _Database("reporting", "postgres", "db.r5.xlarge", 1000, 7, 11, 0.92, 900, {"BackupRetentionPeriod": 1, "StorageType": "gp2"}),
    _Database("campaign-2022", "mysql", "db.t3.medium", 50, 0, 2, 0.97, 1300, {"BackupRetentionPeriod": 7, "StorageType": "gp2"}),
    _Database("scratch", "postgres", "db.t3.micro", 20, 0, 1, 0.99, 300, {"BackupRetentionPeriod": 0, "StorageType": "gp2"}),
)  # fmt: skip


def build(client: Clients, network: Network, environment: str, careful: bool, now: datetime) -> None:
    """Make ENVIRONMENT's databases: kept well when CAREFUL, as they grew when not."""
    rds = client("rds")
    rds.create_db_subnet_group(
        DBSubnetGroupName=f"{environment}-databases",
        DBSubnetGroupDescription="private subnets",
        SubnetIds=list(network.private),
    )
    for number, database in enumerate(_PRODUCTION if careful else _GROWN):
        _instance(rds, network, environment, database, number, now)
    replica = f"{environment}-catalogue-replica"
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier=replica,
        SourceDBInstanceIdentifier=f"{environment}-catalogue",
        DBInstanceClass="db.m6g.large",
    )
    record = backend("rds", network.region).databases[replica]
    _born(record, ago(now, 400))
    # moto does not say how a replica does.
    record.status_infos = [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
    _load(network.region, replica, "db.m6g.large", 9, 18, 60 * 2**30)
    if careful:
        _tell_people(client)
    else:
        rds.stop_db_instance(DBInstanceIdentifier=f"{environment}-scratch")
        stopped = backend("rds", network.region).databases[f"{environment}-scratch"]
        stopped.automatic_restart_time = ago(now, -5)
    _cluster(rds, network, environment, readers=2 if careful else 0, now=now)


def _instance(rds: Any, network: Network, environment: str, database: _Database, number: int, now: datetime) -> None:
    full, careful = f"{environment}-{database.name}", environment == "production"
    more = dict(database.more)
    if not more.get("ManageMasterUserPassword"):
        more["MasterUserPassword"] = "not-a-secret"
    rds.create_db_instance(
        DBInstanceIdentifier=full,
        Engine=database.engine,
        EngineVersion=_VERSIONS[database.engine],
        DBInstanceClass=database.kind,
        AllocatedStorage=database.gib,
        MasterUsername="keeper",
        DBSubnetGroupName=f"{environment}-databases",
        VpcSecurityGroupIds=[network.groups["database"]],
        AvailabilityZone=f"{network.region}{'abc'[number % 3]}",
        StorageEncrypted=careful,
        CopyTagsToSnapshot=True,
        Tags=tags_of(environment),
        **more,
    )
    _born(backend("rds", network.region).databases[full], ago(now, database.age_days))
    _load(network.region, full, database.kind, database.connections, database.cpu, database.free * database.gib * 2**30)
    rds_records = backend("rds", network.region)
    held, database_id = rds_records.database_snapshots, rds_records.databases[full].dbi_resource_id
    for snapshot in held.values():
        if snapshot.db_instance_identifier == full:
            set_date(snapshot, ["created", "original_snapshot_create_time"], ago(now, 0.3))
            set_field(snapshot, "dbi_resource_id", database_id)
    for age in (0.4, 14, 45) if careful else (30, 380) if number % 2 else ():
        name = f"{full}-{ago(now, age):%Y-%m-%d}"
        rds.create_db_snapshot(DBInstanceIdentifier=full, DBSnapshotIdentifier=name)
        set_date(held[name], ["created", "original_snapshot_create_time"], ago(now, age))


def _born(record: Any, moment: datetime) -> None:
    set_date(record, ["created", "instance_create_time"], moment)
    # moto gives all databases the same id.
    set_field(record, "dbi_resource_id", f"db-{hashlib.sha256(record.arn.encode()).hexdigest()[:26].upper()}")


def _cluster(rds: Any, network: Network, environment: str, readers: int, now: datetime) -> None:
    cluster, region = f"{environment}-basket", network.region
    managed = {"ManageMasterUserPassword": True} if readers else {"MasterUserPassword": "not-a-secret"}
    rds.create_db_cluster(
        DBClusterIdentifier=cluster,
        Engine="aurora-postgresql",
        EngineVersion=_VERSIONS["aurora-postgresql"],
        MasterUsername="keeper",
        DBSubnetGroupName=f"{environment}-databases",
        BackupRetentionPeriod=30 if readers else 1,
        StorageEncrypted=bool(readers),
        EnableCloudwatchLogsExports=["postgresql"] if readers else [],
        Tags=tags_of(environment),
        **managed,
    )
    held = backend("rds", region)
    set_date(held.clusters[cluster], ["created", "cluster_create_time"], ago(now, 500))
    set_date(held.clusters[cluster], ["earliest_restorable_time"], ago(now, 30 if readers else 1))
    tell(region, "AWS/RDS", cluster, {"VolumeReadIOPs": 90_000.0, "VolumeWriteIOPs": 30_000.0})
    for number in range(readers + 1):
        name = f"{cluster}-{number}"
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=cluster,
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
            AvailabilityZone=f"{region}{'abc'[number]}",
            PromotionTier=number,
        )
        _born(held.databases[name], ago(now, 500))
        _load(region, name, "db.r6g.large", 35 - 10 * number, 48, 0)
    for snapshot in held.cluster_snapshots.values():
        set_date(snapshot, ["created"], ago(now, 0.3))


def _load(region: str, name: str, kind: str, connections: float, cpu: float, free_bytes: float) -> None:
    """Let CloudWatch tell how much a database is used."""
    levels = {
        "DatabaseConnections": connections,
        "CPUUtilization": cpu,
        "FreeableMemory": MEMORY_GIB[kind] * 2**30 * (0.75 if cpu < 30 else 0.3),
        "ReadIOPS": connections * 9.0,
        "WriteIOPS": connections * 2.0,
        "ReplicaLag": 0.4,
        "AuroraReplicaLag": 18.0,
    }
    tell(region, "AWS/RDS", name, levels | ({"FreeStorageSpace": free_bytes} if free_bytes else {}))


def _tell_people(client: Clients) -> None:
    """Let the people on call hear of failovers in production."""
    sns, rds = client("sns"), client("rds")
    topic = sns.create_topic(Name="on-call")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://pager.northwind.example/rds")
    for kind, categories in (("db-instance", ["failover", "failure"]), ("db-cluster", ["failover", "failure"])):
        rds.create_event_subscription(
            SubscriptionName=f"production-{kind}",
            SnsTopicArn=topic,
            SourceType=kind,
            EventCategories=categories,
            Enabled=True,
        )
