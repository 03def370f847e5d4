"""Retention: daily backups are kept for a month and transaction logs for a week."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from auditor.kit import (
    MEDIUM,
    Case,
    Evidence,
    Facts,
    Fix,
    Gap,
    NotApplicable,
    Unavailable,
    ago,
    check,
    hours_between,
    parse_time,
)
from auditor.kit.databases import (
    DB_CLUSTER,
    DB_INSTANCE,
    age_hours,
    backup_retention_days,
    is_cluster,
    skip_member,
    skip_replica,
    skip_transient,
    status,
)

RECOVERY_POINT = "AWS::Backup::RecoveryPoint"
AUTOMATED_BACKUP = "AWS::RDS::DBInstanceAutomatedBackup"

_CLI = (
    "aws rds modify-db-instance --db-instance-identifier {name} --backup-retention-period 30 --apply-immediately"
    "  # a cluster: aws rds modify-db-cluster --db-cluster-identifier {name} --backup-retention-period 30 --apply-immediately"
)


@dataclass(frozen=True, slots=True)
class Retention:
    """The numbers of "Retention"."""

    daily_retention_days: int
    log_retention_days: int
    max_gap_hours: int
    retention_slack_days: int
    new_resource_grace_days: int
    pure_cache_tag: str
    rebuildable_tag: str
    attestation_max_age_days: int


_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": _ARN,
    "DbiResourceId": "db-ORDERS",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=100),
    "BackupRetentionPeriod": 7,
}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=100),
    "BackupRetentionPeriod": 35,
    "EarliestRestorableTime": ago(days=34.5),
}


def _point(hours: float, days: int | None = 35, rule: str = "rule-daily", **fields: Any) -> dict[str, Any]:
    """A recovery point made so many hours ago by a rule that keeps it for DAYS (None: for ever), for the cases."""
    return {
        "RecoveryPointArn": f"arn:aws:rds:eu-west-1:111122223333:snapshot:awsbackup:job-{rule}-{hours}",
        "ResourceArn": _ARN,
        "Status": "COMPLETED",
        "CreationDate": ago(hours=hours),
        "CreatedBy": {"BackupPlanId": "plan", "BackupRuleId": rule},
        "Lifecycle": {} if days is None else {"DeleteAfterDays": days},
        **fields,
    }


@check(
    "rds-daily-retention-30d",
    pattern="databases.backup.retention",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=MEDIUM,
    fix=Fix(cli=_CLI, terraform="aws_db_instance.backup_retention_period"),
    reads=(RECOVERY_POINT,),
    same_as=("prowler:rds_instance_backup_enabled",),
    passes=[
        Case({**_ORDERS, "BackupRetentionPeriod": 30}),
        Case(_CLUSTER, type=DB_CLUSTER),
        Case(_ORDERS, related={RECOVERY_POINT: [_point(5), _point(29)]}),
        Case(_ORDERS, related={RECOVERY_POINT: [_point(5, None), _point(29, None)]}, why="kept for ever"),
        Case(_ORDERS, related={RECOVERY_POINT: [_point(5), _point(29)]}, unread=[]),
    ],
    fails=[
        Case(_ORDERS),
        Case({**_ORDERS, "BackupRetentionPeriod": 35, "PendingModifiedValues": {"BackupRetentionPeriod": 1}}),
        Case(_ORDERS, related={RECOVERY_POINT: [_point(5, 14), _point(29, 14)]}),
        Case(
            _ORDERS,
            related={RECOVERY_POINT: [_point(5, 365, "weekly"), _point(5 + 168, 365, "weekly")]},
            why="what is kept for a year is made once a week",
        ),
        Case(
            _ORDERS,
            related={RECOVERY_POINT: [_point(24 * 9), _point(24 * 10)]},
            why="the daily rule made nothing for nine days",
        ),
        Case(
            _ORDERS,
            related={RECOVERY_POINT: [_point(5, None, CreatedBy={}), _point(29, None, CreatedBy={})]},
            why="made by hand: no policy keeps them coming",
        ),
    ],
    skips=[
        Case({**_ORDERS, "BackupRetentionPeriod": 0}),
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**_ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "main"}),
    ],
    unknowns=[Case(_ORDERS, unread=[RECOVERY_POINT])],
)
def rds_daily_retention_30d(database: Facts, want: Retention) -> Iterator[Evidence]:
    """Daily backups are kept for 30 days.

    Why: damage is often found weeks later, when a shorter row of backups holds nothing but the damage.

    Fix: raise the retention period (35 days at most), or let a daily rule of AWS Backup keep its recovery points longer.

    Source: RDS User Guide, "Backup retention period"; the standard's "Retention". Manual snapshots stay for ever, but nothing
    makes the next one: they do not count.
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    retention = backup_retention_days(database)
    if retention >= want.daily_retention_days:
        return
    if retention == 0:
        raise NotApplicable("automated backups are off, which another check reports")
    days = max((_kept_days(points, database.observed_at, want) for points in _by_rule(database)), default=0.0)
    if days >= want.daily_retention_days:
        return
    database.referrers(RECOVERY_POINT, "ResourceArn")
    yield Evidence(
        f"daily backups are kept {max(retention, days):g} days, {want.daily_retention_days} wanted",
        {"BackupRetentionPeriod": retention, "backup_rule_days": days},
    )


def _by_rule(database: Facts) -> list[list[Facts]]:
    """Return the usable recovery points of DATABASE that rules of AWS Backup made, newest first, for each rule."""
    rules: dict[tuple[str, str], list[Facts]] = defaultdict(list)
    for point in database.known_referrers(RECOVERY_POINT, "ResourceArn"):
        made_by = point.get("CreatedBy", {})
        if made_by.get("BackupRuleId") and point["Status"] in ("COMPLETED", "AVAILABLE"):
            rules[made_by.get("BackupPlanId", ""), made_by["BackupRuleId"]].append(point)
    return [sorted(points, key=lambda point: point.time("CreationDate"), reverse=True) for points in rules.values()]


def _kept_days(points: list[Facts], now: datetime, want: Retention) -> float:
    """Return how long the rule that made POINTS keeps them; 0 for a rule that does not run daily."""
    times = [now, *(point.time("CreationDate") for point in points[:2])]
    if any(hours_between(older, newer) > want.max_gap_hours for newer, older in pairwise(times)):
        return 0.0
    lifecycle = points[0].get("Lifecycle", {})
    if lifecycle.get("DeleteAfterEvent"):
        return 0.0
    days = lifecycle.get("DeleteAfterDays", -1)
    return float("inf") if days < 0 else float(days)


_BACKUP = {
    "DbiResourceId": "db-ORDERS",
    "DBInstanceIdentifier": "orders",
    "DBInstanceAutomatedBackupsArn": "arn:aws:rds:eu-west-1:111122223333:auto-backup:ab-orders",
    "Status": "active",
    "RestoreWindow": {"EarliestTime": ago(days=6.9), "LatestTime": ago(minutes=4)},
}
_SHORT = {**_BACKUP, "RestoreWindow": {"EarliestTime": ago(days=3), "LatestTime": ago(minutes=4)}}


@check(
    "rds-log-retention-7d",
    pattern="databases.backup.retention",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=MEDIUM,
    fix=Fix(cli=_CLI, terraform="aws_db_instance.backup_retention_period"),
    reads=(AUTOMATED_BACKUP,),
    same_as=("prowler:rds_instance_backup_enabled",),
    passes=[
        Case(_ORDERS, related={AUTOMATED_BACKUP: [_BACKUP]}),
        Case(_CLUSTER, type=DB_CLUSTER),
        Case({**_ORDERS, "InstanceCreateTime": ago(days=3.1)}, related={AUTOMATED_BACKUP: [_SHORT]}),
        Case(
            {**_ORDERS, "InstanceCreateTime": ago(hours=2)}, unread=[AUTOMATED_BACKUP], why="no window is that long yet"
        ),
        Case({**_ORDERS, "DBInstanceStatus": "stopped"}, unread=[AUTOMATED_BACKUP], why="the window stands still"),
    ],
    fails=[
        Case({**_ORDERS, "BackupRetentionPeriod": 3}, related={AUTOMATED_BACKUP: [_SHORT]}),
        Case({**_CLUSTER, "BackupRetentionPeriod": 1}, type=DB_CLUSTER),
    ],
    skips=[
        Case({**_ORDERS, "BackupRetentionPeriod": 0}),
        Case({**_ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**_ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "main"}),
    ],
    unknowns=[
        Case(_ORDERS, unread=[AUTOMATED_BACKUP]),
        Case(_ORDERS, related={AUTOMATED_BACKUP: [{**_BACKUP, "RestoreWindow": {}}]}),
        Case(_ORDERS, related={AUTOMATED_BACKUP: [_SHORT]}, why="was the retention raised three days ago?"),
        Case({**_CLUSTER, "EarliestRestorableTime": ago(days=2)}, type=DB_CLUSTER),
        Case({key: value for key, value in _CLUSTER.items() if key != "EarliestRestorableTime"}, type=DB_CLUSTER),
    ],
)
def rds_log_retention_7d(database: Facts, want: Retention) -> Iterator[Evidence]:
    """A database can be restored to any moment of the last seven days.

    Why: to take back a mistake one restores to the second before it; the logs must reach back that far.

    Fix: raise the retention period to seven days or more: it is that of the transaction logs too.

    Source: RDS User Guide, "Backup retention period"; the standard's "Retention". A window that is still shorter than the
    retention period grows after that was raised; nothing records when, so that it is not judged.
    """
    skip_member(database)
    skip_replica(database)
    skip_transient(database)
    retention = backup_retention_days(database)
    if retention == 0:
        raise NotApplicable("automated backups are off, which another check reports")
    if retention < want.log_retention_days:
        yield Evidence(
            f"transaction logs are kept {retention} days, {want.log_retention_days} wanted",
            {"BackupRetentionPeriod": retention},
        )
        return
    needed = min(want.log_retention_days, age_hours(database) / 24) - want.retention_slack_days
    if needed <= 0 or status(database) in ("stopped", "stopping"):
        return
    window = hours_between(_earliest(database), database.observed_at) / 24
    if window < needed:
        raise Unavailable(
            Gap(
                "rds:DescribeDBInstances",
                "NotRecorded",
                f"the window reaches back {window:.1f} days, {want.log_retention_days} wanted; it may grow since a change",
            )
        )


def _earliest(database: Facts) -> datetime:
    """Return the earliest moment DATABASE can be restored to (UTC); instances tell it in their automated backup."""
    if is_cluster(database):
        return database.time("EarliestRestorableTime")
    for backup in database.known_referrers(AUTOMATED_BACKUP, "DbiResourceId", database["DbiResourceId"]):
        earliest = backup.get("RestoreWindow", {}).get("EarliestTime")
        if backup.get("Status") == "active" and earliest:
            return parse_time(earliest)
    database.referrers(AUTOMATED_BACKUP, "DbiResourceId")
    raise Unavailable(
        Gap("rds:DescribeDBInstanceAutomatedBackups", "FieldMissing", "no active backup tells its window")
    )
