"""A pool shows: as a proxy, or in how few connections are new."""

from collections.abc import Iterator, Sequence
from typing import Any

from auditor.kit import (
    ATTESTATION,
    MEDIUM,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Series,
    Unavailable,
    ago,
    check,
    stated,
)
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    engine_family,
    identifier,
    is_cluster,
    skip_member,
    skip_transient,
)

from ._examples import CLUSTER, CLUSTER_PROXY, DB_PROXY, MEMBER, NONE, ORDERS, PROXY
from .thresholds import ConnectionPooling, daily

ECS_SERVICE = "AWS::ECS::Service"
EKS_CLUSTER = "AWS::EKS::Cluster"

_POOLED = {
    **MEMBER,
    **daily(DatabaseConnections__Maximum=60, DatabaseConnections__Average=40, ConnectionAttempts__Sum=5760),
}
_CHURNING = {
    **MEMBER,
    **daily(DatabaseConnections__Maximum=60, DatabaseConnections__Average=10, ConnectionAttempts__Sum=86400),
}
_USED = daily(DatabaseConnections__Maximum=60, DatabaseConnections__Average=40)
_SERVICE = {"serviceArn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/web", "serviceName": "web"}
_EKS = {"name": "shop"}


_ID = "rds-connection-pooling-evident"
_STATED = stated(_ID, "HikariCP with 10 connections an instance of the service")
_EXPIRED = stated(_ID, "HikariCP with 10 connections an instance of the service", until=ago(days=3))


@check(
    _ID,
    pattern="databases.high-availability.connection-pooling",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds create-db-proxy --db-proxy-name {name} --engine-family MYSQL_OR_POSTGRESQL --auth SecretArn=SECRET --role-arn ROLE --vpc-subnet-ids SUBNET_A SUBNET_B",
        terraform="aws_db_proxy",
    ),
    reads=(DB_PROXY, ECS_SERVICE, EKS_CLUSTER),
    passes=[
        Case({**ORDERS, **_USED}, related={DB_PROXY: [PROXY]}),
        Case(CLUSTER, related={DB_PROXY: [CLUSTER_PROXY], DB_INSTANCE: [_CHURNING]}, type=DB_CLUSTER),
        Case(
            CLUSTER,
            related={DB_INSTANCE: [_POOLED]},
            type=DB_CLUSTER,
            why="0.1 new connections a minute for each open one",
        ),
        Case({**ORDERS, **_USED}, attested=[_STATED], why="what cannot be measured was attested"),
        Case({**ORDERS, **NONE}, attested=[_STATED]),
    ],
    fails=[
        Case(CLUSTER, related={DB_INSTANCE: [_CHURNING]}, type=DB_CLUSTER),
        Case(
            CLUSTER,
            related={
                DB_INSTANCE: [_CHURNING],
                DB_PROXY: [
                    {
                        **PROXY,
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
        Case(
            CLUSTER,
            related={DB_INSTANCE: [_CHURNING]},
            type=DB_CLUSTER,
            attested=[_STATED],
            why="what is measured is not overridden",
        ),
        Case({**ORDERS, **_USED}, attested=[_EXPIRED]),
        Case({**ORDERS, **_USED}, attested=[stated(_ID, "pooled", evidence="")], why="without evidence"),
        Case({**ORDERS, **_USED}, attested=[stated(_ID, "pooled", given=ago(days=400))], why="too old"),
    ],
    skips=[
        Case({**MEMBER, **_USED}),
        Case({**ORDERS, **daily(DatabaseConnections__Maximum=0, DatabaseConnections__Average=0)}),
        Case({**ORDERS, "DBInstanceStatus": "deleting"}),
        Case({**CLUSTER, "DBClusterMembers": []}, type=DB_CLUSTER),
    ],
    unknowns=[
        Case({**ORDERS, **_USED}, why="RDS for PostgreSQL does not tell how many connections are new"),
        Case({**ORDERS, "PerformanceInsightsEnabled": True, **_USED}),
        Case({**ORDERS, **NONE}),
        Case({**ORDERS, **NONE}, attested=[_EXPIRED], why="it could have been measured"),
        Case({**ORDERS, **_USED}, unread=[DB_PROXY]),
        Case({**ORDERS, **_USED}, unread=[DB_PROXY], attested=[_EXPIRED]),
        Case(CLUSTER, related={DB_INSTANCE: [_CHURNING], ECS_SERVICE: [_SERVICE]}, type=DB_CLUSTER),
        Case(CLUSTER, related={DB_INSTANCE: [_CHURNING], EKS_CLUSTER: [_EKS]}, type=DB_CLUSTER),
        Case(
            CLUSTER,
            related={
                DB_INSTANCE: [
                    {
                        **MEMBER,
                        **daily(
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

    Fix: put RDS Proxy or another pooler before it, or use the driver's pool and say so with `auditor attest`.

    Source: RDS User Guide, "Amazon RDS Proxy"; the standard's "Connection pooling". A proxy shows a pool, and so does the
    behaviour: pooled connections stay open, so that few are new. Aurora MySQL alone counts new connections in CloudWatch
    (ConnectionAttempts). Where that cannot be measured, a person's attestation is the last resort.
    """
    skip_member(database)
    skip_transient(database)
    if _is_proxied(database):
        return
    instances: Sequence[Facts] = [database]
    if is_cluster(database):
        names = [member["DBInstanceIdentifier"] for member in database.get("DBClusterMembers", ())]
        if not names:
            raise NotApplicable("the cluster has no instances")
        instances = database.related(DB_INSTANCE, names, "DBInstanceIdentifier", required=True)
    try:
        if not any(_connections(instance, "Maximum", want).maximum for instance in instances):
            raise NotApplicable(f"nobody connected in {want.window_days} days")
        churn = _churn(instances, want)
    except Unavailable as unmeasured:
        if database.attestation(_ID, want.attestation_max_age_days):
            return
        if unmeasured.gap.operation != ATTESTATION:
            raise
        yield from _attested(database, want, unmeasured.kept())
        return
    if churn <= want.churn_max:
        return
    _require_no_other_pool(database)
    yield Evidence(
        f"opens {churn:.1f} new connections a minute for each open one, {want.churn_max:g} allowed, and no proxy stands before it",
        {"churn": round(churn, 2), "days": want.window_days},
    )


def _attested(database: Facts, want: ConnectionPooling, unmeasured: Unavailable) -> Iterator[Evidence]:
    """Yield what is wrong with the attestation. Raises UNMEASURED where there is none."""
    try:
        wrong = list(database.attested(_ID, want.attestation_max_age_days))
    except Unavailable:
        raise unmeasured from None
    _require_no_other_pool(database)
    yield from wrong


def _require_no_other_pool(database: Facts) -> None:
    """Raise Unavailable where there may be a proxy or a pooler that was not read."""
    for proxy in database.all(DB_PROXY):
        proxy.get("Targets")
    if database.all(ECS_SERVICE):
        raise Unavailable(
            Gap("ecs:DescribeTaskDefinition", "NotRead", "whether a workload is a connection pooler is not read")
        )
    if database.all(EKS_CLUSTER):
        raise Unavailable(Gap("Kubernetes pods", "NotRead", "whether a workload is a connection pooler is not read"))


def _is_proxied(database: Facts) -> bool:
    """Return whether an available target of an available proxy is DATABASE; proxies of clusters name the cluster they track."""
    name, cluster = identifier(database), is_cluster(database)
    found = [*database.known_referrers(DB_PROXY, "Targets[].RdsResourceId", name)]
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


def _churn(instances: Sequence[Facts], want: ConnectionPooling) -> float:
    """Return the new connections a minute for each open one. Raises Unavailable where it cannot be measured."""
    first = instances[0]
    if engine_family(first["Engine"]) != "aurora-mysql":
        if first.get("PerformanceInsightsEnabled"):
            raise Unavailable(Gap("pi:GetResourceMetrics", "NotRead", "how many connections are new is not read"))
        raise Unavailable(Gap(ATTESTATION, "NotGiven", f"pooling is to be attested: auditor attest --check {_ID}"))
    open_now = sum(_connections(instance, "Average", want).average for instance in instances)
    if open_now < want.min_average_connections:
        raise Unavailable(Gap(ATTESTATION, "NotGiven", f"too few connections to measure: auditor attest --check {_ID}"))
    new = 0.0
    for instance in instances:
        attempts = instance.metric("ConnectionAttempts", "Sum", want.window_days)
        if not attempts:
            raise Unavailable(Gap("cloudwatch:GetMetricData", "NoData", "ConnectionAttempts has no datapoints"))
        new += attempts.average / (attempts.period_seconds / 60)
    return new / open_now
