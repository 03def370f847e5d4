"""Connection pooling: databases are reached through pools, and their connection limit is far."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.kit import HIGH, MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Series, Unavailable, ago, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    SERVERLESS,
    class_memory_bytes,
    engine_family,
    identifier,
    is_cluster,
    skip_member,
    skip_transient,
    status,
)
from auditor.kit.parameters import evaluate

DB_PROXY = "AWS::RDS::DBProxy"
DB_PARAMETER_GROUP = "AWS::RDS::DBParameterGroup"
INSTANCE_TYPE = "AWS::EC2::InstanceType"
ECS_SERVICE = "AWS::ECS::Service"
EKS_CLUSTER = "AWS::EKS::Cluster"

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


@dataclass(frozen=True, slots=True)
class ConnectionPooling:
    """The numbers of "Connection pooling"."""

    connection_usage_max_pct: int
    limit_uncertainty_pct: int
    churn_max: float
    min_average_connections: int
    window_days: int
    pooler_images: tuple[str, ...]
    reserved_concurrency_max: int
    attestation_max_age_days: int


def _daily(**values: float) -> dict[str, Any]:
    """Metrics of 14 days with the same value each day, as the collector keeps them, for the cases: name__statistic=value."""
    times = [ago(days=day) for day in range(14, 0, -1)]
    return {
        "Metrics": {
            name.replace("__", "."): {"Days": 14, "Period": 86400, "Timestamps": times, "Values": [value] * len(times)}
            for name, value in values.items()
        }
    }


_NONE: dict[str, Any] = {
    "Metrics": {"DatabaseConnections.Maximum": {"Days": 14, "Period": 86400, "Timestamps": [], "Values": []}}
}
_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "DBInstanceClass": "db.r6g.large",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "DBParameterGroups": [{"DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync"}],
    "PerformanceInsightsEnabled": False,
}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "Status": "available",
    "DBClusterMembers": [{"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True, "PromotionTier": 1}],
}
_MEMBER: dict[str, Any] = {
    "DBInstanceIdentifier": "shop-1",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:shop-1",
    "DBClusterIdentifier": "shop",
    "DBInstanceClass": "db.serverless",
    "DBInstanceStatus": "available",
    "Engine": "aurora-mysql",
}
_POOLED = {
    **_MEMBER,
    **_daily(DatabaseConnections__Maximum=60, DatabaseConnections__Average=40, ConnectionAttempts__Sum=5760),
}
_CHURNING = {
    **_MEMBER,
    **_daily(DatabaseConnections__Maximum=60, DatabaseConnections__Average=10, ConnectionAttempts__Sum=86400),
}
_USED = _daily(DatabaseConnections__Maximum=60, DatabaseConnections__Average=40)
_PROXY = {
    "DBProxyName": "orders",
    "DBProxyArn": "arn:aws:rds:eu-west-1:111122223333:db-proxy:prx-0123",
    "Status": "available",
    "Targets": [{"Type": "RDS_INSTANCE", "RdsResourceId": "orders", "TargetHealth": {"State": "AVAILABLE"}}],
}
_CLUSTER_PROXY = {
    **_PROXY,
    "Targets": [
        {"Type": "TRACKED_CLUSTER", "RdsResourceId": "shop"},
        {
            "Type": "RDS_INSTANCE",
            "RdsResourceId": "shop-1",
            "TrackedClusterId": "shop",
            "Role": "READ_WRITE",
            "TargetHealth": {"State": "AVAILABLE"},
        },
    ],
}
_SERVICE = {"serviceArn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/web", "serviceName": "web"}
_EKS = {"name": "shop"}


@check(
    "rds-connection-pooling-evident",
    pattern="databases.high-availability.connection-pooling",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds create-db-proxy --db-proxy-name {name} --engine-family MYSQL_OR_POSTGRESQL --auth SecretArn=SECRET --role-arn ROLE --vpc-subnet-ids SUBNET_A SUBNET_B",
        terraform="aws_db_proxy",
    ),
    reads=(DB_PROXY, ECS_SERVICE, EKS_CLUSTER),
    passes=[
        Case({**_ORDERS, **_USED}, related={DB_PROXY: [_PROXY]}),
        Case(_CLUSTER, related={DB_PROXY: [_CLUSTER_PROXY], DB_INSTANCE: [_CHURNING]}, type=DB_CLUSTER),
        Case(
            _CLUSTER,
            related={DB_INSTANCE: [_POOLED]},
            type=DB_CLUSTER,
            why="0.1 new connections a minute for each open one",
        ),
    ],
    fails=[
        Case(_CLUSTER, related={DB_INSTANCE: [_CHURNING]}, type=DB_CLUSTER),
        Case(
            _CLUSTER,
            related={
                DB_INSTANCE: [_CHURNING],
                DB_PROXY: [
                    {
                        **_PROXY,
                        "Targets": [
                            {
                                "Type": "RDS_INSTANCE",
                                "RdsResourceId": "shop-1",
                                "TrackedClusterId": "shop",
                                "TargetHealth": {"State": "UNAVAILABLE", "Reason": "AUTH_FAILURE"},
                            }
                        ],
                    }
                ],
            },
            type=DB_CLUSTER,
            why="the proxy cannot reach the database",
        ),
    ],
    skips=[
        Case({**_MEMBER, **_USED}),
        Case({**_ORDERS, **_daily(DatabaseConnections__Maximum=0, DatabaseConnections__Average=0)}),
        Case({**_ORDERS, "DBInstanceStatus": "deleting"}),
        Case({**_CLUSTER, "DBClusterMembers": []}, type=DB_CLUSTER),
    ],
    unknowns=[
        Case({**_ORDERS, **_USED}, why="RDS for PostgreSQL does not tell how many connections are new"),
        Case({**_ORDERS, "PerformanceInsightsEnabled": True, **_USED}),
        Case({**_ORDERS, **_NONE}),
        Case({**_ORDERS, **_USED}, unread=[DB_PROXY]),
        Case(_CLUSTER, related={DB_INSTANCE: [_CHURNING], ECS_SERVICE: [_SERVICE]}, type=DB_CLUSTER),
        Case(_CLUSTER, related={DB_INSTANCE: [_CHURNING], EKS_CLUSTER: [_EKS]}, type=DB_CLUSTER),
        Case(
            _CLUSTER,
            related={
                DB_INSTANCE: [
                    {
                        **_MEMBER,
                        **_daily(
                            DatabaseConnections__Maximum=2,
                            DatabaseConnections__Average=0.2,
                            ConnectionAttempts__Sum=999,
                        ),
                    }
                ]
            },
            type=DB_CLUSTER,
            why="too few open connections to tell",
        ),
    ],
)
def rds_connection_pooling_evident(database: Facts, want: ConnectionPooling) -> Iterator[Evidence]:
    """A database in use is reached through a pool of connections.

    Why: every new connection costs the database memory and a login; without a pool a wave of clients exhausts it.

    Fix: put RDS Proxy or another pooler before it, or use the driver's pool and have that attested.

    Source: RDS User Guide, "Amazon RDS Proxy"; the standard's "Connection pooling". A proxy shows a pool, and so does the
    behaviour: pooled connections stay open, so that few are new. Aurora MySQL alone counts new connections in CloudWatch
    (ConnectionAttempts).
    """
    skip_member(database)
    skip_transient(database)
    if _is_proxied(database):
        return
    instances = [database]
    if is_cluster(database):
        names = [member["DBInstanceIdentifier"] for member in database.get("DBClusterMembers", ())]
        if not names:
            raise NotApplicable("the cluster has no instances")
        instances = database.related(DB_INSTANCE, names, "DBInstanceIdentifier", required=True)
    if not any(_connections(instance, "Maximum", want).maximum for instance in instances):
        raise NotApplicable(f"nobody connected in {want.window_days} days")
    churn = _churn(instances, want)
    if churn <= want.churn_max:
        return
    for proxy in database.all(DB_PROXY):
        proxy.get("Targets")
    if database.all(ECS_SERVICE):
        raise Unavailable(
            Gap("ecs:DescribeTaskDefinition", "NotRead", "whether a workload is a connection pooler is not read")
        )
    if database.all(EKS_CLUSTER):
        raise Unavailable(Gap("Kubernetes pods", "NotRead", "whether a workload is a connection pooler is not read"))
    yield Evidence(
        f"opens {churn:.1f} new connections a minute for each open one, {want.churn_max:g} allowed, and no proxy stands before it",
        {"churn": round(churn, 2), "days": want.window_days},
    )


def _is_proxied(database: Facts) -> bool:
    """Return whether an available target of an available proxy is DATABASE; proxies of clusters name the cluster they track."""
    name, cluster = identifier(database), is_cluster(database)
    found = database.known_referrers(DB_PROXY, "Targets[].RdsResourceId", name)
    found += database.known_referrers(DB_PROXY, "Targets[].TrackedClusterId", name) if cluster else []
    return any(
        _leads_to(target, name, cluster)
        for proxy in found
        if proxy.get("Status") == "available"
        for target in proxy.get("Targets", ())
    )


def _leads_to(target: dict[str, Any], name: str, cluster: bool) -> bool:
    health = target.get("TargetHealth")
    if target.get("RdsResourceId") == name and (target.get("Type") != "RDS_INSTANCE") == cluster:
        # A tracked cluster itself has no health: its instances are listed with theirs.
        return bool(health and health.get("State") == "AVAILABLE")
    return cluster and target.get("TrackedClusterId") == name and bool(health and health.get("State") == "AVAILABLE")


def _connections(instance: Facts, statistic: str, want: ConnectionPooling) -> Series:
    series = instance.metric("DatabaseConnections", statistic, want.window_days)
    if not series:
        raise Unavailable(Gap("cloudwatch:GetMetricData", "NoData", "DatabaseConnections has no datapoints"))
    return series


def _churn(instances: list[Facts], want: ConnectionPooling) -> float:
    """Return the new connections a minute for each open one. Raises Unavailable where it cannot be measured."""
    first = instances[0]
    if engine_family(first["Engine"]) != "aurora-mysql":
        if first.get("PerformanceInsightsEnabled"):
            raise Unavailable(Gap("pi:GetResourceMetrics", "NotRead", "how many connections are new is not read"))
        raise Unavailable(Gap("attestation", "NotGiven", "connection pooling is to be attested"))
    open_now = sum(_connections(instance, "Average", want).average for instance in instances)
    if open_now < want.min_average_connections:
        raise Unavailable(Gap("attestation", "NotGiven", "too few connections to measure: pooling is to be attested"))
    new = 0.0
    for instance in instances:
        attempts = instance.metric("ConnectionAttempts", "Sum", want.window_days)
        if not attempts:
            raise Unavailable(Gap("cloudwatch:GetMetricData", "NoData", "ConnectionAttempts has no datapoints"))
        new += attempts.average / (attempts.period_seconds / 60)
    return new / open_now


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
    **_MEMBER,
    "Engine": "aurora-postgresql",
    "DBParameterGroups": [{"DBParameterGroupName": "default.aurora-postgresql16"}],
}
_SCALING = {
    **_CLUSTER,
    "Engine": "aurora-postgresql",
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 2, "MaxCapacity": 16},
}


def _peak(connections: float) -> dict[str, Any]:
    return _daily(DatabaseConnections__Maximum=connections)


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
        Case({**_ORDERS, **_peak(80)}, related={DB_PARAMETER_GROUP: [_FIXED]}),
        Case({**_ORDERS, **_peak(1100)}, related={DB_PARAMETER_GROUP: [_GROUP], INSTANCE_TYPE: [_R6G]}),
        Case({**_SERVERLESS, **_peak(2000)}, related={DB_PARAMETER_GROUP: [_SERVERLESS_GROUP], DB_CLUSTER: [_SCALING]}),
    ],
    fails=[
        Case({**_ORDERS, **_peak(81)}, related={DB_PARAMETER_GROUP: [_FIXED]}),
        Case({**_ORDERS, **_peak(1500)}, related={DB_PARAMETER_GROUP: [_GROUP], INSTANCE_TYPE: [_R6G]}),
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
                **_ORDERS,
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
        Case({**_ORDERS, "Engine": "sqlserver-se", **_peak(5000)}),
        Case({**_ORDERS, "DBInstanceStatus": "stopped", **_NONE}),
    ],
    unknowns=[
        Case(
            {**_ORDERS, **_peak(1300)},
            related={DB_PARAMETER_GROUP: [_GROUP], INSTANCE_TYPE: [_R6G]},
            why="what the class leaves to connections is known to about 10%",
        ),
        Case({**_ORDERS, **_NONE}),
        Case({**_ORDERS, **_peak(80)}),
        Case({**_ORDERS, **_peak(80)}, related={DB_PARAMETER_GROUP: [{**_GROUP, "Parameters": []}]}),
        Case(
            {**_ORDERS, **_peak(80)},
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


@check(
    "rds-proxy-targets-available",
    pattern="databases.high-availability.connection-pooling",
    on=DB_PROXY,
    severity=HIGH,
    fix=Fix(cli="aws rds describe-db-proxy-targets --db-proxy-name {name}", terraform="aws_db_proxy_target"),
    passes=[
        Case(_PROXY),
        Case(_CLUSTER_PROXY, why="the tracked cluster itself has no health"),
        Case({**_PROXY, "Status": "modifying"}),
    ],
    fails=[
        Case({**_PROXY, "Status": "incompatible-network"}),
        Case({**_PROXY, "Targets": []}),
        Case(
            {
                **_PROXY,
                "Targets": [
                    *_CLUSTER_PROXY["Targets"],
                    {
                        "Type": "RDS_INSTANCE",
                        "RdsResourceId": "shop-2",
                        "TrackedClusterId": "shop",
                        "Role": "READ_ONLY",
                        "TargetHealth": {"State": "UNAVAILABLE", "Reason": "PENDING_PROXY_CAPACITY"},
                    },
                ],
            }
        ),
    ],
    skips=[
        Case({**_PROXY, "Status": "creating"}),
        Case(
            {
                **_PROXY,
                "Targets": [
                    {"Type": "RDS_INSTANCE", "RdsResourceId": "orders", "TargetHealth": {"State": "REGISTERING"}}
                ],
            }
        ),
    ],
    unknowns=[Case({**_PROXY, "Targets": []}, gaps={"Targets": Gap("rds:DescribeDBProxyTargets", "AccessDenied")})],
)
def rds_proxy_targets_available(proxy: Facts, want: ConnectionPooling) -> Iterator[Evidence]:
    """A proxy works and can reach every database behind it.

    Why: clients connect to the proxy only; a target it cannot reach is down for them, or missing when it is needed for a failover.

    Fix: read the target's reason (credentials, security groups, capacity) and mend that.

    Source: RDS User Guide, "Troubleshooting for RDS Proxy"; the standard's "Connection pooling".
    """
    now = proxy["Status"]
    if now in ("creating", "deleting"):
        raise NotApplicable(f"it is {now} right now")
    works = now in ("available", "modifying")
    if not works:
        yield Evidence(f"is {now}", {"Status": now})
    targets = [target for target in proxy["Targets"] if target.get("Type") != "TRACKED_CLUSTER"]
    if not targets:
        yield Evidence("has no target", {"targets": 0})
    states = [target.get("TargetHealth", {}).get("State") for target in targets]
    if works and "REGISTERING" in states and set(states) <= {"AVAILABLE", "REGISTERING"}:
        raise NotApplicable("a target is being registered")
    for target, state in zip(targets, states, strict=True):
        if state not in ("AVAILABLE", "REGISTERING"):
            health = target.get("TargetHealth", {})
            yield Evidence(
                f"cannot use its target {target.get('RdsResourceId')}: {state}, {health.get('Reason', 'no reason given')}",
                {"target": target.get("RdsResourceId"), "Role": target.get("Role"), "TargetHealth": health},
            )
