"""Read replicas: a database that is mostly read has copies to read from, and they are used."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from itertools import compress
from typing import Any

from auditor.kit import LOW, MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, Series, Unavailable, ago, check
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    engine_family,
    is_multi_az_cluster,
    is_running,
    readers,
    skip_member,
    skip_replica,
    skip_transient,
)

_NO_REPLICAS = ("sqlserver-ex", "sqlserver-web", "sqlserver-se", "oracle-se", "custom-sqlserver")
"""Editions without read replicas. Source: RDS User Guide, "Working with DB instance read replicas"."""

_MOUNTED = "mounted"


@dataclass(frozen=True, slots=True)
class ReadReplicas:
    """The numbers of "Read replicas"."""

    read_ratio: float
    min_read_iops: int
    window_days: int
    min_datapoint_days: int
    min_reader_connections: int
    cache_min_cpu_pct: int


def _metrics(period: int = 86400, days: int = 14, **values: float) -> dict[str, Any]:
    """Metrics with the same value at each datapoint, as the collector keeps them, for the cases: name__statistic=value."""
    times = [ago(hours=hours) for hours in range(days * 24, 0, -(period // 3600))]
    return {
        "Metrics": {
            name.replace("__", "."): {"Days": 14, "Period": period, "Timestamps": times, "Values": [value] * len(times)}
            for name, value in values.items()
        }
    }


@lru_cache(maxsize=1024)
def _backup_minutes(window: str, seconds: int) -> frozenset[int]:
    """Return the minutes of the day (UTC) at which a period of SECONDS begins that holds a part of WINDOW, ``03:10-03:40``."""
    try:
        start, end = (60 * part.hour + part.minute for part in map(time.fromisoformat, window.split("-")))
    except ValueError:
        return frozenset()
    length = (end - start) % _MINUTES_PER_DAY
    return frozenset(
        minute
        for minute in range(_MINUTES_PER_DAY)
        if (start - minute) % _MINUTES_PER_DAY < seconds / 60 or (minute - start) % _MINUTES_PER_DAY < length
    )


_MINUTES_PER_DAY = 1440


def _average(series: Series, window: str, want: ReadReplicas) -> float:
    """Return the average outside the daily WINDOW (none: ""). Raises Unavailable with too few days of datapoints."""
    counted, count, days = _outside(window, series.times, series.period_seconds)
    if not count or days < want.min_datapoint_days:
        raise Unavailable(
            Gap(
                "cloudwatch:GetMetricData",
                "TooFewDays",
                f"{days} days of datapoints, {want.min_datapoint_days} wanted",
            )
        )
    return sum(compress(series.values, counted)) / count


@lru_cache(maxsize=64)
def _outside(window: str, times: tuple[datetime, ...], seconds: int) -> tuple[tuple[bool, ...], int, int]:
    """Return which of TIMES lie outside the daily WINDOW, how many, and on how many days: metrics of one answer share them."""
    left_out = _backup_minutes(window, seconds)
    counted = tuple(60 * moment.hour + moment.minute not in left_out for moment in times)
    return counted, sum(counted), len({moment.toordinal() for moment in compress(times, counted)})


def _require_read_heavy(reads: float, writes: float, what: str, want: ReadReplicas) -> dict[str, Any]:
    """Return what was measured, per second; raises NotApplicable when it is not read-heavy."""
    if not reads or reads < want.min_read_iops:
        raise NotApplicable(f"it is not read-heavy: fewer than {want.min_read_iops} {what} a second")
    if reads / (reads + writes) < want.read_ratio:
        raise NotApplicable(f"it is not read-heavy: reads are less than {want.read_ratio:.0%} of all {what}")
    return {"reads_per_second": round(reads, 1), "writes_per_second": round(writes, 1), "days": want.window_days}


_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "MultiAZ": True,
    "PreferredBackupWindow": "02:30-03:00",
}
_REPLICA = {
    "DBInstanceIdentifier": "orders-read",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders-read",
    "ReadReplicaSourceDBInstanceIdentifier": "orders",
    "DBInstanceStatus": "available",
}
_FAR = {**_REPLICA, "DBInstanceArn": "arn:aws:rds:eu-central-1:111122223333:db:orders-read", "#region": "eu-central-1"}
_WITH_REPLICA = {**_ORDERS, "ReadReplicaDBInstanceIdentifiers": ["orders-read"]}
_READ_HEAVY = _metrics(3600, ReadIOPS__Average=900, WriteIOPS__Average=100)
_BALANCED = _metrics(3600, ReadIOPS__Average=500, WriteIOPS__Average=500)


@check(
    "rds-read-heavy-has-read-replica",
    pattern="databases.high-availability.read-replicas",
    on=DB_INSTANCE,
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds create-db-instance-read-replica --source-db-instance-identifier {name} --db-instance-identifier REPLICA",
        terraform="aws_db_instance.replicate_source_db",
    ),
    reads=(DB_CLUSTER,),
    passes=[
        Case({**_WITH_REPLICA, **_READ_HEAVY}, related={DB_INSTANCE: [_REPLICA]}),
        Case(
            {**_ORDERS, "ReadReplicaDBInstanceIdentifiers": [_FAR["DBInstanceArn"]], **_READ_HEAVY},
            related={DB_INSTANCE: [_FAR]},
            why="a replica in another region is named by its ARN",
        ),
        Case(
            _WITH_REPLICA,
            related={DB_INSTANCE: [_REPLICA]},
            gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")},
            why="with a replica it passes, read-heavy or not",
        ),
        Case(
            {**_ORDERS, "ReadReplicaDBClusterIdentifiers": ["orders-cluster"], **_READ_HEAVY},
            related={DB_CLUSTER: [{"DBClusterIdentifier": "orders-cluster", "Status": "available"}]},
        ),
    ],
    fails=[
        Case({**_ORDERS, **_READ_HEAVY}, why="a Multi-AZ standby cannot be read"),
        Case({**_WITH_REPLICA, **_READ_HEAVY}, related={DB_INSTANCE: [{**_REPLICA, "ReplicaMode": "mounted"}]}),
        Case({**_WITH_REPLICA, **_READ_HEAVY}, related={DB_INSTANCE: [{**_REPLICA, "DBInstanceStatus": "failed"}]}),
    ],
    skips=[
        Case({**_ORDERS, **_BALANCED}),
        Case({**_ORDERS, **_metrics(3600, ReadIOPS__Average=20, WriteIOPS__Average=0)}),
        Case({**_ORDERS, "DBClusterIdentifier": "orders", **_READ_HEAVY}),
        Case({**_REPLICA, **_READ_HEAVY}),
        Case({**_ORDERS, "Engine": "sqlserver-se", **_READ_HEAVY}),
        Case(
            {
                **_ORDERS,
                "Metrics": {
                    "ReadIOPS.Average": {
                        "Days": 14,
                        "Period": 3600,
                        "Timestamps": [ago(hours=hours) for hours in range(336, 0, -1)],
                        "Values": [9000.0 if hours % 24 == 1 else 10.0 for hours in range(336, 0, -1)],
                    },
                    **_metrics(3600, WriteIOPS__Average=10)["Metrics"],
                },
            },
            why="it is read much in the backup window only",
        ),
    ],
    unknowns=[
        Case(_ORDERS, gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}),
        Case({**_ORDERS, **_metrics(3600, 3, ReadIOPS__Average=900, WriteIOPS__Average=100)}, why="three days of data"),
        Case(
            {**_ORDERS, "ReadReplicaDBInstanceIdentifiers": [_FAR["DBInstanceArn"]], **_READ_HEAVY},
            unread=[DB_INSTANCE],
        ),
    ],
)
def rds_read_heavy_has_read_replica(instance: Facts, want: ReadReplicas) -> Iterator[Evidence]:
    """A stand-alone instance that is mostly read has a readable replica.

    Why: reads on the primary compete with the writes that only it can do.

    Fix: add a read replica and send the application's reads to it.

    Source: RDS User Guide, "Working with DB instance read replicas"; the standard's "Read replicas". What is read-heavy is
    measured in storage operations, without the backup window's; reads from memory do not show in them.
    """
    skip_member(instance)
    skip_replica(instance)
    skip_transient(instance)
    if instance["Engine"].startswith(_NO_REPLICAS):
        raise NotApplicable("this edition has no read replicas")
    try:
        window = instance.get("PreferredBackupWindow", "")
        measured = _require_read_heavy(
            _average(instance.metric("ReadIOPS", "Average", want.window_days), window, want),
            _average(instance.metric("WriteIOPS", "Average", want.window_days), window, want),
            "storage operations",
            want,
        )
    except Unavailable:
        if any(_readable(replica) for replica in _replicas(instance)):
            return
        raise
    replicas = _replicas(instance)
    if not any(_readable(replica) for replica in replicas):
        share = measured["reads_per_second"] / (measured["reads_per_second"] + measured["writes_per_second"])
        yield Evidence(
            f"reads are {share:.0%} of its {measured['reads_per_second'] + measured['writes_per_second']:,.0f} storage operations"
            " a second, and it has no readable replica that runs",
            {**measured, "replicas": sorted(replica.name for replica in replicas)},
        )


def _replicas(instance: Facts) -> list[Facts]:
    """Return the replicas that are in the inventory; those in other regions are named by their ARNs."""
    found: list[Facts] = []
    for type, field, by in (
        (DB_INSTANCE, "ReadReplicaDBInstanceIdentifiers", "DBInstanceIdentifier"),
        (DB_CLUSTER, "ReadReplicaDBClusterIdentifiers", "DBClusterIdentifier"),
    ):
        names = instance.get(field, ())
        arns = [name for name in names if name.startswith("arn:")]
        near = [name for name in names if name not in arns]
        found += instance.related(type, near, by) if near else []
        found += instance.related(type, arns, everywhere=True) if arns else []
    return found


def _readable(replica: Facts) -> bool:
    return is_running(replica) and replica.get("ReplicaMode") != _MOUNTED


_WRITER = {"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True, "PromotionTier": 1}
_READER = {"DBInstanceIdentifier": "shop-2", "IsClusterWriter": False, "PromotionTier": 1}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "Status": "available",
    "DBClusterMembers": [_WRITER, _READER],
    **_metrics(SelectThroughput__Average=2000, DMLThroughput__Average=100),
}
_SINGLE = {**_CLUSTER, "DBClusterMembers": [_WRITER]}
_POSTGRES = {
    **_SINGLE,
    "Engine": "aurora-postgresql",
    # CloudWatch counts these operations over five minutes: 60,000 are 200 a second.
    **_metrics(VolumeReadIOPs__Average=60_000, VolumeWriteIOPs__Average=3_000),
}
_IDLE = _metrics(SelectThroughput__Average=1, DMLThroughput__Average=1)


def _aurora_reads(cluster: Facts, want: ReadReplicas) -> dict[str, Any]:
    """Return what was measured of an Aurora cluster; raises NotApplicable when it is not read-heavy.

    Aurora MySQL counts statements a second; Aurora PostgreSQL only operations of the storage volume, over five minutes each.
    """
    if is_multi_az_cluster(cluster):
        raise NotApplicable("a Multi-AZ DB cluster always has two readers")
    if cluster.get("EngineMode") == "serverless":
        raise NotApplicable("Aurora Serverless v1 has no readers")
    skip_replica(cluster)
    skip_transient(cluster)
    if engine_family(cluster["Engine"]) == "aurora-mysql":
        reads, writes, seconds, what = "SelectThroughput", "DMLThroughput", 1, "statements"
    else:
        reads, writes, seconds, what = "VolumeReadIOPs", "VolumeWriteIOPs", _VOLUME_IO_SECONDS, "storage operations"
    return _require_read_heavy(
        _average(cluster.metric(reads, "Average", want.window_days), "", want) / seconds,
        _average(cluster.metric(writes, "Average", want.window_days), "", want) / seconds,
        what,
        want,
    )


_VOLUME_IO_SECONDS = 300
"""VolumeReadIOPs and VolumeWriteIOPs are counts over five minutes. Source: Aurora User Guide, "Amazon CloudWatch metrics for
Amazon Aurora"."""


@check(
    "aurora-read-heavy-has-reader",
    pattern="databases.high-availability.read-replicas",
    on=DB_CLUSTER,
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds create-db-instance --db-cluster-identifier {name} --engine {Engine} --db-instance-identifier READER --db-instance-class CLASS",
        terraform="aws_rds_cluster_instance",
    ),
    passes=[_CLUSTER, Case(_CLUSTER, gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")})],
    fails=[_SINGLE, _POSTGRES],
    skips=[
        {**_SINGLE, **_IDLE},
        {**_SINGLE, **_metrics(SelectThroughput__Average=500, DMLThroughput__Average=500)},
        {**_SINGLE, "Engine": "mysql"},
        {**_SINGLE, "ReplicationSourceIdentifier": "arn:aws:rds:us-east-1:111122223333:cluster:shop"},
    ],
    unknowns=[
        Case(_SINGLE, gaps={"Metrics": Gap("cloudwatch:GetMetricData", "AccessDenied")}),
        {**_SINGLE, **_metrics(days=3, SelectThroughput__Average=2000, DMLThroughput__Average=100)},
    ],
)
def aurora_read_heavy_has_reader(cluster: Facts, want: ReadReplicas) -> Iterator[Evidence]:
    """An Aurora cluster that is mostly read has a reader.

    Why: readers share the writer's storage, so that reads can be taken off it without copying any data.

    Fix: add a reader and use the reader endpoint.

    Source: Aurora User Guide, "Aurora Replicas"; the standard's "Read replicas". Aurora PostgreSQL's storage operations do not
    show what is read from memory.
    """
    try:
        measured = _aurora_reads(cluster, want)
    except Unavailable:
        if readers(cluster):
            return
        raise
    if not readers(cluster):
        yield Evidence(
            f"{measured['reads_per_second']:,.0f} reads and {measured['writes_per_second']:,.0f} writes a second, and no reader",
            measured,
        )


def _reader(connections: float) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": "shop-2",
        "DBClusterIdentifier": "shop",
        **_metrics(DatabaseConnections__Average=connections),
    }


@check(
    "aurora-reader-receives-traffic",
    pattern="databases.high-availability.read-replicas",
    on=DB_CLUSTER,
    severity=LOW,
    fix=Fix(
        cli="aws rds describe-db-clusters --db-cluster-identifier {name} --query DBClusters[0].ReaderEndpoint",
        terraform="aws_rds_cluster.reader_endpoint",
    ),
    reads=(DB_INSTANCE,),
    passes=[Case(_CLUSTER, related={DB_INSTANCE: [_reader(12)]})],
    fails=[Case(_CLUSTER, related={DB_INSTANCE: [_reader(0)]}), Case(_CLUSTER, related={DB_INSTANCE: [_reader(0.3)]})],
    skips=[_SINGLE, Case({**_CLUSTER, **_IDLE}, related={DB_INSTANCE: [_reader(0)]})],
    unknowns=[
        Case(_CLUSTER, unread=[DB_INSTANCE]),
        Case(_CLUSTER, related={DB_INSTANCE: [{"DBInstanceIdentifier": "shop-2", "DBClusterIdentifier": "shop"}]}),
        Case(_CLUSTER, related={DB_INSTANCE: [{**_reader(0), **_metrics(days=3, DatabaseConnections__Average=0)}]}),
    ],
)
def aurora_reader_receives_traffic(cluster: Facts, want: ReadReplicas) -> Iterator[Evidence]:
    """The readers of a cluster that is mostly read are used.

    Why: a reader nobody connects to costs as much as the writer and takes no load off it.

    Fix: let the application read through the reader endpoint.

    Source: Aurora User Guide, "Using the reader endpoint"; the standard's "Read replicas".
    """
    names = readers(cluster)
    if not names:
        raise NotApplicable("the cluster has no reader")
    measured = _aurora_reads(cluster, want)
    busiest = 0.0
    gap: Unavailable | None = None
    for name in names:
        try:
            (reader,) = cluster.related(DB_INSTANCE, [name], "DBInstanceIdentifier", required=True)
            average = _average(reader.metric("DatabaseConnections", "Average", want.window_days), "", want)
        except Unavailable as unavailable:
            gap = unavailable.kept()
            continue
        if average >= want.min_reader_connections:
            return
        busiest = max(busiest, average)
    if gap:
        raise gap
    yield Evidence(
        f"its {len(names)} readers had {busiest:.1f} open connections at most on average, {want.min_reader_connections} wanted",
        {**measured, "readers": sorted(names), "connections": round(busiest, 2)},
    )
