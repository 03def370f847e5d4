"""How near the open connections come to the limit, which is often a formula."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    SERVERLESS,
    class_memory_bytes,
    engine_family,
    status,
)
from auditor.kit.parameters import evaluate

from ._examples import CLUSTER, MEMBER, NONE, ORDERS
from .thresholds import ConnectionPooling, daily

DB_PARAMETER_GROUP = "AWS::RDS::DBParameterGroup"
INSTANCE_TYPE = "AWS::EC2::InstanceType"

_LIMIT_PARAMETERS = {
    "aurora-mysql": "max_connections",
    "aurora-postgresql": "max_connections",
    "mariadb": "max_connections",
    "mysql": "max_connections",
    "oracle": "processes",
    "postgres": "max_connections",
}
"""Source: RDS User Guide, "Quotas and constraints for Amazon RDS", maximum number of database connections."""

_SMALL_SERVERLESS_ACU = 0.5
_SMALL_SERVERLESS_LIMIT = 2000
"""Aurora PostgreSQL Serverless v2 that may shrink to 0.5 capacity units or less allows no more connections than this.
Source: Aurora User Guide, "Maximum connections for Aurora Serverless v2"."""


_GROUP = {
    "DBParameterGroupName": "default.postgres16",
    "DBParameterGroupArn": "arn:aws:rds:eu-west-1:111122223333:pg:default.postgres16",
    "Parameters": [
        {"ParameterName": "max_connections", "ParameterValue": "LEAST({DBInstanceClassMemory/9531392},5000)"}
    ],
}
_FIXED = {**_GROUP, "Parameters": [{"ParameterName": "max_connections", "ParameterValue": "100"}]}
_R6G = {"InstanceType": "r6g.large", "MemoryInfo": {"SizeInMiB": 16384}}
_SERVERLESS_GROUP = {**_GROUP, "DBParameterGroupName": "default.aurora-postgresql16"}
_SERVERLESS = {
    **MEMBER,
    "Engine": "aurora-postgresql",
    "DBParameterGroups": [{"DBParameterGroupName": "default.aurora-postgresql16"}],
}
_SCALING = {
    **CLUSTER,
    "Engine": "aurora-postgresql",
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 2, "MaxCapacity": 16},
}


def _peak(connections: float) -> dict[str, Any]:
    return daily(DatabaseConnections__Maximum=connections)


@check(
    "rds-connections-below-limit",
    pattern="databases.high-availability.connection-pooling",
    on=DB_INSTANCE,
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds create-db-proxy --db-proxy-name {name} --engine-family MYSQL_OR_POSTGRESQL --auth SecretArn=SECRET --role-arn ROLE --vpc-subnet-ids SUBNET_A SUBNET_B",
        terraform="aws_db_parameter_group.parameter",
    ),
    reads=(DB_PARAMETER_GROUP, INSTANCE_TYPE, DB_CLUSTER),
    passes=[
        Case({**ORDERS, **_peak(80)}, related={DB_PARAMETER_GROUP: [_FIXED]}),
        Case({**ORDERS, **_peak(1100)}, related={DB_PARAMETER_GROUP: [_GROUP], INSTANCE_TYPE: [_R6G]}),
        Case({**_SERVERLESS, **_peak(2000)}, related={DB_PARAMETER_GROUP: [_SERVERLESS_GROUP], DB_CLUSTER: [_SCALING]}),
    ],
    fails=[
        Case({**ORDERS, **_peak(81)}, related={DB_PARAMETER_GROUP: [_FIXED]}),
        Case({**ORDERS, **_peak(1500)}, related={DB_PARAMETER_GROUP: [_GROUP], INSTANCE_TYPE: [_R6G]}),
        Case(
            {**_SERVERLESS, **_peak(2000)},
            related={
                DB_PARAMETER_GROUP: [_SERVERLESS_GROUP],
                DB_CLUSTER: [{**_SCALING, "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 64}}],
            },
            why="a cluster that may shrink to half a capacity unit allows 2,000 at most",
        ),
        Case(
            {
                **ORDERS,
                "Engine": "oracle-ee",
                "DBParameterGroups": [{"DBParameterGroupName": "default.oracle-ee-19"}],
                **_peak(290),
            },
            related={
                DB_PARAMETER_GROUP: [
                    {
                        **_GROUP,
                        "DBParameterGroupName": "default.oracle-ee-19",
                        "Parameters": [{"ParameterName": "processes", "ParameterValue": "300"}],
                    }
                ]
            },
        ),
    ],
    skips=[
        Case({**ORDERS, "Engine": "sqlserver-se", **_peak(5000)}),
        Case({**ORDERS, "DBInstanceStatus": "stopped", **NONE}),
    ],
    unknowns=[
        Case(
            {**ORDERS, **_peak(1300)},
            related={DB_PARAMETER_GROUP: [_GROUP], INSTANCE_TYPE: [_R6G]},
            why="what the class leaves to connections is known to about 10%",
        ),
        Case({**ORDERS, **NONE}),
        Case({**ORDERS, **_peak(80)}),
        Case({**ORDERS, **_peak(80)}, related={DB_PARAMETER_GROUP: [{**_GROUP, "Parameters": []}]}),
        Case(
            {**ORDERS, **_peak(80)},
            related={
                DB_PARAMETER_GROUP: [
                    {**_GROUP, "Parameters": [{"ParameterName": "max_connections", "ParameterValue": "exec(1)"}]}
                ],
                INSTANCE_TYPE: [_R6G],
            },
        ),
    ],
)
def rds_connections_below_limit(instance: Facts, want: ConnectionPooling) -> Iterator[Evidence]:
    """The open connections stay well below the instance's limit.

    Why: at the limit the database turns clients away, and often its administrators too.

    Fix: pool connections (RDS Proxy), or take a larger class; raising the parameter only trades memory for connections.

    Source: RDS User Guide, "Quotas and constraints for Amazon RDS" and "Specifying DB parameters"; the standard's "Connection
    pooling". The limit is usually a formula of the memory that the class leaves to the database: a peak within that
    uncertainty is not judged.
    """
    family = engine_family(instance["Engine"])
    if family not in _LIMIT_PARAMETERS:
        raise NotApplicable("no parameter of this engine limits connections")
    series = instance.metric("DatabaseConnections", "Maximum", want.window_days)
    if not series:
        if status(instance) in ("stopped", "stopping", "starting"):
            raise NotApplicable("the instance is stopped")
        raise Unavailable(Gap("cloudwatch:GetMetricData", "NoData", "DatabaseConnections has no datapoints"))
    low, high = _limits(instance, _LIMIT_PARAMETERS[family], want)
    peak = series.maximum
    allowed = want.connection_usage_max_pct / 100
    if peak <= allowed * low:
        return
    limit = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    if peak <= allowed * high:
        raise Unavailable(Gap("rds:DescribeDBParameters", "NotExact", f"{peak:,.0f} connections of a limit of {limit}"))
    yield Evidence(
        f"had {peak:,.0f} connections at once, more than {want.connection_usage_max_pct}% of its limit of {limit}",
        {"peak": peak, "limit_low": low, "limit_high": high, "days": want.window_days},
    )


def _limits(instance: Facts, parameter: str, want: ConnectionPooling) -> tuple[int, int]:
    """Return the lowest and the highest number of connections that the instance may allow."""
    names = [group["DBParameterGroupName"] for group in instance["DBParameterGroups"]]
    (group,) = instance.related(DB_PARAMETER_GROUP, names[:1], "DBParameterGroupName", required=True)
    values = [p.get("ParameterValue") for p in group["Parameters"] if p["ParameterName"] == parameter]
    if not values or values[0] is None:
        raise Unavailable(Gap("rds:DescribeDBParameters", "FieldMissing", f"{parameter} has no value in {group.name}"))
    formula = str(values[0])
    if formula.isdecimal():
        return int(formula), int(formula)
    cluster = None
    if instance["DBInstanceClass"] == SERVERLESS:
        (cluster,) = instance.related(
            DB_CLUSTER, [instance["DBClusterIdentifier"]], "DBClusterIdentifier", required=True
        )
    memory = class_memory_bytes(instance, cluster)
    # The class's memory less what RDS keeps for itself: about the uncertainty less, give or take as much.
    least = memory * (100 - 2 * want.limit_uncertainty_pct) // 100
    try:
        low, high = (evaluate(formula, {"DBInstanceClassMemory": available}) for available in (least, memory))
    except ValueError as error:
        raise Unavailable(Gap("rds:DescribeDBParameters", "NotUnderstood", f"{parameter}: {error}")) from None
    cap = _serverless_cap(instance, cluster)
    return min(low, cap or low), min(high, cap or high)


def _serverless_cap(instance: Facts, cluster: Facts | None) -> int | None:
    if cluster is None or engine_family(instance["Engine"]) != "aurora-postgresql":
        return None
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    return _SMALL_SERVERLESS_LIMIT if scaling["MinCapacity"] <= _SMALL_SERVERLESS_ACU else None
