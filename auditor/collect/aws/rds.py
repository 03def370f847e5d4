"""RDS: instances, clusters, proxies and what they are made with; DocumentDB and Neptune answer on the same API."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from auditor.collect.asking import raise_first, read, side_by_side
from auditor.collect.declare import Call, Collector, Dated, Metric, ResourceType, Row
from auditor.kit.arn import region_of
from auditor.model import Gap

INSTANCES = Call("rds", "DescribeDBInstances", "DBInstances")
CLUSTERS = Call("rds", "DescribeDBClusters", "DBClusters")
_OTHERS = ("docdb", "neptune")
_INSTANCE = {"DBInstanceIdentifier": "DBInstanceIdentifier"}
_CLUSTER = {"DBClusterIdentifier": "DBClusterIdentifier"}
_NEVER = ("PendingModifiedValues.MasterUserPassword",)


_RECOVERY_POINT = Dated(
    "recovery-point",
    at="LatestRestorableTime",
    keep=("LatestRestorableTime",),
    once_a_day=True,
    measured=True,
)
"""The newest moment a database could be restored to, and when that was so: one that stands still grows older each day."""


def is_rds(row: Row) -> bool:
    """Return whether a row of the shared API is RDS's own: DocumentDB and Neptune name their engine."""
    return row.get("Engine") not in _OTHERS


def _engine(name: str) -> Callable[[Row], bool]:
    return lambda row: row.get("Engine") == name


def _aurora(row: Row) -> bool:
    return str(row.get("Engine", "")).startswith("aurora")


def _may_lag(row: Row) -> bool:
    """Return whether a row is a read replica or a member of a Multi-AZ DB cluster, two of which are readers."""
    source = row.get("ReadReplicaSourceDBInstanceIdentifier") or row.get("ReadReplicaSourceDBClusterIdentifier")
    return bool(source or (row.get("DBClusterIdentifier") and not _aurora(row)))


def _has_own_storage(row: Row) -> bool:
    return not row.get("DBClusterIdentifier")


# ---- instances -------------------------------------------------------------------------------------------------------

DB_INSTANCE = ResourceType(
    "AWS::RDS::DBInstance",
    "A database instance of RDS or Aurora.",
    list=INSTANCES,
    only=is_rds,
    id="{DBInstanceArn}",
    name="{DBInstanceIdentifier}",
    tags="TagList",
    metrics=(
        Metric("AWS/RDS", "DatabaseConnections", "Maximum", _INSTANCE),
        Metric("AWS/RDS", "DatabaseConnections", "Average", _INSTANCE),
        # New connections; only Aurora MySQL counts them.
        Metric("AWS/RDS", "ConnectionAttempts", "Sum", _INSTANCE, when=_engine("aurora-mysql")),
        Metric("AWS/RDS", "CPUUtilization", "Maximum", _INSTANCE),
        Metric("AWS/RDS", "FreeableMemory", "Minimum", _INSTANCE),
        Metric("AWS/RDS", "FreeStorageSpace", "Minimum", _INSTANCE, when=_has_own_storage),
        # By the hour, so that the hours of the backup window can be left out.
        Metric("AWS/RDS", "ReadIOPS", "Average", _INSTANCE, period=3600, when=_has_own_storage),
        Metric("AWS/RDS", "WriteIOPS", "Average", _INSTANCE, period=3600, when=_has_own_storage),
        Metric("AWS/RDS", "ReplicaLag", "Maximum", _INSTANCE, days=1, period=300, when=_may_lag),
        # In milliseconds, where ReplicaLag is in seconds.
        Metric("AWS/RDS", "AuroraReplicaLag", "Maximum", _INSTANCE, days=1, period=300, when=_aurora),
    ),
    volatile=("LatestRestorableTime", "PercentProgress", "StorageOperationPercentProgress"),
    dated=(_RECOVERY_POINT,),
    drop=_NEVER,
    get=Call("rds", "DescribeDBInstances", "DBInstances", args=_INSTANCE),
)

# ---- clusters --------------------------------------------------------------------------------------------------------

_CLUSTER_VOLATILE = (
    "BacktrackConsumedChangeRecords",
    "EarliestBacktrackTime",
    "EarliestRestorableTime",
    "LatestRestorableTime",
    "PercentProgress",
)

DB_CLUSTER = ResourceType(
    "AWS::RDS::DBCluster",
    "An Aurora cluster or a Multi-AZ DB cluster of RDS.",
    list=CLUSTERS,
    only=is_rds,
    id="{DBClusterArn}",
    name="{DBClusterIdentifier}",
    tags="TagList",
    metrics=(
        # Statements a second; what share of them reads.
        Metric("AWS/RDS", "SelectThroughput", "Average", _CLUSTER, when=_engine("aurora-mysql")),
        Metric("AWS/RDS", "DMLThroughput", "Average", _CLUSTER, when=_engine("aurora-mysql")),
        # Operations on the cluster's volume; Aurora PostgreSQL has no statement metrics.
        Metric("AWS/RDS", "VolumeReadIOPs", "Average", _CLUSTER, when=_engine("aurora-postgresql")),
        Metric("AWS/RDS", "VolumeWriteIOPs", "Average", _CLUSTER, when=_engine("aurora-postgresql")),
    ),
    # Capacity is Aurora Serverless v1's, which scales it.
    volatile=(*_CLUSTER_VOLATILE, "Capacity"),
    dated=(_RECOVERY_POINT,),
    drop=_NEVER,
    get=Call("rds", "DescribeDBClusters", "DBClusters", args=_CLUSTER),
)


def _with_primary_region(row: Row) -> Row:
    """Return a global database with the region of its writer (none while it changes: of the first region by name)."""
    members = row["GlobalClusterMembers"]
    writers = [member for member in members if member.get("IsWriter")] or members
    regions = {region_of(member.get("DBClusterArn", "")) for member in writers} - {""}
    lacking = Gap("rds:DescribeGlobalClusters", "FieldMissing", "no member's ARN names a region")
    return {**row, "PrimaryRegion": min(regions, default=lacking)}


GLOBAL_CLUSTER = ResourceType(
    "AWS::RDS::GlobalCluster",
    "An Aurora global database that has members, in the region of its writer.",
    list=Call("rds", "DescribeGlobalClusters", "GlobalClusters"),
    only=lambda row: is_rds(row) and bool(row.get("GlobalClusterMembers")),
    shape=_with_primary_region,
    # AWS's ARN has no region. Each region may list those of all (its filter "region" asks for members): one keeps it.
    region="{PrimaryRegion}",
    id="arn:{partition}:rds:{region}:{account}:global-cluster:{GlobalClusterIdentifier}",
    name="{GlobalClusterIdentifier}",
    tags="TagList",
)

# ---- DocumentDB and Neptune ------------------------------------------------------------------------------------------

for _service, _title in (("DocDB", "DocumentDB"), ("Neptune", "Neptune")):
    ResourceType(
        f"AWS::{_service}::DBInstance",
        f"A database instance of {_title}.",
        list=INSTANCES,
        only=_engine(_service.lower()),
        id="{DBInstanceArn}",
        name="{DBInstanceIdentifier}",
        tags="TagList",
        volatile=("LatestRestorableTime", "PercentProgress"),
        drop=_NEVER,
    )
    ResourceType(
        f"AWS::{_service}::DBCluster",
        f"A cluster of {_title}.",
        list=CLUSTERS,
        only=_engine(_service.lower()),
        id="{DBClusterArn}",
        name="{DBClusterIdentifier}",
        tags="TagList",
        volatile=_CLUSTER_VOLATILE,
        drop=_NEVER,
    )

# ---- proxies ---------------------------------------------------------------------------------------------------------

_PROXY = {"DBProxyName": "DBProxyName"}

DB_PROXY = ResourceType(
    "AWS::RDS::DBProxy",
    "An RDS Proxy with its target groups and targets.",
    list=Call("rds", "DescribeDBProxies", "DBProxies"),
    id="{DBProxyArn}",
    name="{DBProxyName}",
    details={
        "TargetGroups": Call("rds", "DescribeDBProxyTargetGroups", "TargetGroups", args=_PROXY),
        "Targets": Call("rds", "DescribeDBProxyTargets", "Targets", args=_PROXY),
    },
    volatile=("Targets",),
    # The proxy's first statement of a session can hold anything.
    drop=("TargetGroups[].ConnectionPoolConfig.InitQuery",),
    get=Call("rds", "DescribeDBProxies", "DBProxies", args=_PROXY),
)

# ---- parameters and classes ------------------------------------------------------------------------------------------

READ_PARAMETERS = ("max_connections", "processes", "sessions", "user connections")
"""The parameters that limit connections: MySQL and PostgreSQL, Oracle (two), SQL Server. No other value is kept."""

DB_PARAMETER_GROUP = ResourceType(
    "AWS::RDS::DBParameterGroup",
    "A DB parameter group with the few parameters that limit connections.",
    list=Call("rds", "DescribeDBParameterGroups", "DBParameterGroups"),
    id="{DBParameterGroupArn}",
    name="{DBParameterGroupName}",
    details={
        "Parameters": Call(
            "rds",
            "DescribeDBParameters",
            "Parameters",
            args={"DBParameterGroupName": "DBParameterGroupName"},
            params={"Filters": [{"Name": "parameter-name", "Values": list(READ_PARAMETERS)}]},
        )
    },
)

_ENGINES = replace(INSTANCES, fields=("Engine", "EngineVersion"))
_ORDERABLE = Call("rds", "DescribeOrderableDBInstanceOptions", "OrderableDBInstanceOptions")
_ORDERABLE_KEPT = ("Engine", "EngineVersion", "DBInstanceClass", "MultiAZCapable")


def _orderable_options() -> Collector:
    """Yield the classes that can be had for each engine and version in use, each once: the API repeats them per storage."""
    instances: Sequence[Row] = yield _ENGINES
    pairs = sorted(
        {(row["Engine"], row["EngineVersion"]) for row in instances if is_rds(row) and "EngineVersion" in row}
    )
    answers = yield from side_by_side(
        Call(
            "rds",
            "DescribeOrderableDBInstanceOptions",
            "OrderableDBInstanceOptions",
            params={"Engine": engine, "EngineVersion": version},
        )
        for engine, version in pairs
    )
    for answer in answers:
        yield list(_merged(read([answer])).values())
    raise_first(answers)


def _merged(options: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """Return one option per class; Multi-AZ is possible when it is with any storage."""
    merged: dict[str, dict[str, Any]] = {}
    for option in options:
        kept = merged.setdefault(
            option["DBInstanceClass"], {name: option[name] for name in _ORDERABLE_KEPT if name in option}
        )
        if option.get("MultiAZCapable"):
            kept["MultiAZCapable"] = True
    return merged


ORDERABLE_OPTION = ResourceType(
    "AWS::RDS::OrderableDBInstanceOption",
    "An instance class that can be had in the region for an engine and version in use.",
    collect=_orderable_options,
    calls=(_ENGINES, _ORDERABLE),
    id="arn:{partition}:rds:{region}:{account}:orderable-option:{Engine}/{EngineVersion}/{DBInstanceClass}",
    name="{DBInstanceClass}",
    offering=True,
)

RESERVED_DB_INSTANCE = ResourceType(
    "AWS::RDS::ReservedDBInstance",
    "Database instances that are paid for a year or three.",
    list=Call("rds", "DescribeReservedDBInstances", "ReservedDBInstances"),
    only=lambda reserved: reserved.get("State") != "retired",
    id="{ReservedDBInstanceArn}",
    name="{ReservedDBInstanceId}",
)
