"""The demo account's databases: instances and Aurora clusters good and bad, their replicas, snapshots and load."""

from datetime import datetime, timedelta
from typing import Any

from auditor.demo.compute import Clients
from auditor.demo.network import Network
from auditor.demo.past import ago, backend, set_date

__all__ = ["build"]


def build(client: Clients, network: Network, environment: str, careful: bool, now: datetime) -> None:
    """Make ENVIRONMENT's databases: kept well when CAREFUL, as they grew when not."""
    rds, cloudwatch = client("rds"), client("cloudwatch")
    rds.create_db_subnet_group(
        DBSubnetGroupName=f"{environment}-databases",
        DBSubnetGroupDescription="private subnets",
        SubnetIds=list(network.private),
    )
    made: list[tuple[str, str, str, int, dict[str, Any], float, float]] = [
        ("orders", "postgres", "db.r6g.large", 200, {"MultiAZ": True, "BackupRetentionPeriod": 30, "StorageType": "gp3",
         "MaxAllocatedStorage": 1000, "EnableCloudwatchLogsExports": ["postgresql", "upgrade"]}, 60, 0.55),
        ("catalogue", "mysql", "db.m6g.large", 100, {"MultiAZ": careful, "BackupRetentionPeriod": 30 if careful else 7,
         "StorageType": "gp3", "MaxAllocatedStorage": 500}, 42, 0.4),
    ]  # fmt: skip
    if not careful:
        made += [
            ("legacy-crm", "mysql", "db.m4.large", 500, {"BackupRetentionPeriod": 0, "StorageType": "gp2"}, 18, 0.9),
            ("reporting", "postgres", "db.r5.large", 1000, {"BackupRetentionPeriod": 1, "StorageType": "gp2"}, 7, 0.92),
            ("campaign-2022", "mysql", "db.t3.medium", 50, {"BackupRetentionPeriod": 7, "StorageType": "gp2"}, 0, 0.97),
            ("scratch", "postgres", "db.t3.micro", 20, {"BackupRetentionPeriod": 0, "StorageType": "gp2"}, 0, 0.99),
        ]
    for number, (name, engine, kind, size, more, connections, free) in enumerate(made):
        full = f"{environment}-{name}"
        rds.create_db_instance(
            DBInstanceIdentifier=full,
            Engine=engine,
            DBInstanceClass=kind,
            AllocatedStorage=size,
            MasterUsername="keeper",
            MasterUserPassword="not-a-secret",
            DBSubnetGroupName=f"{environment}-databases",
            VpcSecurityGroupIds=[network.groups["database"]],
            AvailabilityZone=f"{network.region}{'abc'[number % 3]}",
            StorageEncrypted=careful,
            CopyTagsToSnapshot=True,
            Tags=[{"Key": "Environment", "Value": environment}],
            **more,
        )
        records = backend("rds", network.region).databases
        set_date(records[full], ["created"], ago(now, 400 + 60 * number))
        _load(cloudwatch, full, connections, free * size * 2**30, now)
        for age in (0.4, 14, 45) if careful else (30, 380) if number % 2 else ():
            snapshot = f"{full}-{round(age * 10)}"
            rds.create_db_snapshot(DBInstanceIdentifier=full, DBSnapshotIdentifier=snapshot)
            set_date(backend("rds", network.region).database_snapshots[snapshot], ["created"], ago(now, age))
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier=f"{environment}-catalogue-replica",
        SourceDBInstanceIdentifier=f"{environment}-catalogue",
        DBInstanceClass="db.m6g.large",
    )
    if not careful:
        rds.stop_db_instance(DBInstanceIdentifier=f"{environment}-scratch")
    _cluster(rds, network, environment, readers=2 if careful else 0, now=now)


def _cluster(rds: Any, network: Network, environment: str, readers: int, now: datetime) -> None:
    cluster = f"{environment}-basket"
    rds.create_db_cluster(
        DBClusterIdentifier=cluster,
        Engine="aurora-postgresql",
        MasterUsername="keeper",
        MasterUserPassword="not-a-secret",
        DBSubnetGroupName=f"{environment}-databases",
        BackupRetentionPeriod=30 if readers else 1,
        StorageEncrypted=bool(readers),
        Tags=[{"Key": "Environment", "Value": environment}],
    )
    set_date(backend("rds", network.region).clusters[cluster], ["created"], ago(now, 500))
    for number in range(readers + 1):
        name = f"{cluster}-{number}"
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=cluster,
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
            AvailabilityZone=f"{network.region}{'abc'[number]}",
            PromotionTier=number,
        )
        set_date(backend("rds", network.region).databases[name], ["created"], ago(now, 500))


def _load(cloudwatch: Any, name: str, connections: float, free_bytes: float, now: datetime) -> None:
    """Give a database two weeks of daily metrics."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    values = {
        "DatabaseConnections": connections,
        "CPUUtilization": min(90.0, connections * 1.2),
        "FreeStorageSpace": free_bytes,
        "ReadIOPS": connections * 9.0,
        "WriteIOPS": connections * 2.0,
    }
    data = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": name}],
            "Timestamp": midnight - timedelta(days=back) + timedelta(hours=12),
            "Value": value,
        }
        for metric, value in values.items()
        for back in range(1, 16)
    ]
    cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=data)
