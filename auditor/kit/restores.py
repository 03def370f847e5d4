"""What shows that a backup was restored: AWS Backup's jobs and the calls CloudTrail recorded, with what the ledger kept."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auditor.kit.arn import account_of, region_of
from auditor.kit.databases import DB_CLUSTER, DB_CLUSTER_SNAPSHOT, DB_INSTANCE, DB_SNAPSHOT
from auditor.kit.facts import Facts, Unavailable
from auditor.model import Gap

__all__ = [
    "AUTOMATED_BACKUP",
    "DATABASES",
    "DOCDB_CLUSTER",
    "NEPTUNE_CLUSTER",
    "READ_FOR_RESTORES",
    "RECOVERY_POINT",
    "REDSHIFT_CLUSTER",
    "RESTORE_EVENT",
    "RESTORE_JOB",
    "TABLE",
    "Restore",
    "is_database_kind",
    "is_recent",
    "jobs_of",
    "kind_of",
    "known_jobs",
    "known_restores",
    "require_restores",
    "source_of",
]

RESTORE_JOB = "AWS::Backup::RestoreJob"
RESTORE_EVENT = "AWS::CloudTrail::RestoreEvent"
RECOVERY_POINT = "AWS::Backup::RecoveryPoint"
AUTOMATED_BACKUP = "AWS::RDS::DBInstanceAutomatedBackup"
DOCDB_CLUSTER = "AWS::DocDB::DBCluster"
NEPTUNE_CLUSTER = "AWS::Neptune::DBCluster"
REDSHIFT_CLUSTER = "AWS::Redshift::Cluster"
TABLE = "AWS::DynamoDB::Table"

DATABASES = (DB_INSTANCE, DB_CLUSTER, DOCDB_CLUSTER, NEPTUNE_CLUSTER, TABLE, REDSHIFT_CLUSTER)
"""The types whose backups are restored as a whole."""
READ_FOR_RESTORES = (RESTORE_JOB, RESTORE_EVENT, RECOVERY_POINT, DB_SNAPSHOT, DB_CLUSTER_SNAPSHOT, AUTOMATED_BACKUP)
"""The types that ``known_restores`` joins."""

_BY_SERVICE = {"dsql": "Aurora DSQL", "dynamodb": "DynamoDB", "redshift": "Redshift", "timestream": "Timestream"}
"""Service in an ARN -> the one kind of database it has."""
_CLUSTERS = frozenset({"Aurora", "DocumentDB", "Neptune", "RDS"})
_KINDS = frozenset({*_CLUSTERS, *_BY_SERVICE.values(), "Redshift Serverless", "SAP HANA on Amazon EC2"})
"""AWS Backup's ResourceType of databases. Source: AWS Backup API Reference, ListRestoreJobs, "ByResourceType"."""
_ANY = _KINDS | {""}
"""Of what may be a database or not."""

_VALIDATED = ("SUCCESSFUL", "FAILED", "TIMED_OUT")
_AUTOMATED = re.compile(r"(?:rds|rs):(.+?)-\d{4}(?:-\d{2}){2,5}", re.ASCII)
"""The name that RDS and Redshift give an automated snapshot: whose it is, and when it was made."""


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore that happened, and of what."""

    at: datetime
    keys: frozenset[str]
    """ARNs and resource ids of what was restored; empty where they are not known."""
    kinds: frozenset[str]
    """AWS Backup's kind of what was restored; several where only that much is known."""
    gap: Gap | None = None
    """Why it is not known what was restored."""

    @property
    def is_of_a_database(self) -> bool:
        """Whether it is sure that a database was restored."""
        return self.kinds <= _KINDS


def known_restores(asking: Facts) -> list[Restore]:
    """Return every restore of a database, or of what may be one, that is known in the whole account.

    A completed job of AWS Backup, or a call in CloudTrail that was not refused; a clone of Aurora (``copy-on-write``) shares
    its source's storage and restores nothing. There may be more until ``require_restores`` is satisfied.
    """
    return asking.once(_known_restores)


def require_restores(asking: Facts) -> None:
    """Raise Unavailable when there could be more restores in the account than are known."""
    for type in (RESTORE_JOB, RESTORE_EVENT):
        asking.require_read(type, everywhere=True)


def is_recent(moment: datetime, observed_at: datetime, days: float) -> bool:
    """Return whether MOMENT lies at most DAYS before OBSERVED_AT."""
    return observed_at - moment <= timedelta(days=days)


def kind_of(database: Facts) -> str:
    """Return what AWS Backup calls a resource such as DATABASE: ``Aurora``."""
    service = database.type.split("::")[1]
    if service == "RDS":
        return "Aurora" if str(database["Engine"]).startswith("aurora") else "RDS"
    return {"DocDB": "DocumentDB"}.get(service, service)


def is_database_kind(kind: str) -> bool:
    """Return whether KIND (AWS Backup's ResourceType) is one of databases."""
    return kind in _KINDS


def _known_restores(asking: Facts) -> list[Restore]:
    completed = (job for job in known_jobs(asking) if job["Status"] == "COMPLETED" and job.get("CompletionDate"))
    events = _each_once(asking.all_recorded(RESTORE_EVENT, everywhere=True))
    return [
        *(made for job in completed for made in _by_job(job)),
        *(made for event in events for made in _by_call(event)),
    ]


def _each_once(found: Iterable[Facts]) -> list[Facts]:
    """Return each of FOUND once: as it was read now, which comes first; of a job the one that says whether it was validated.

    The ledger holds a job twice, before and after that.
    """
    kept: dict[str, Facts] = {}
    for one in found:
        known = kept.setdefault(one.id, one)
        if known.get("ValidationStatus") not in _VALIDATED and one.get("ValidationStatus") in _VALIDATED:
            kept[one.id] = one
    return list(kept.values())


# ---- jobs of AWS Backup ----------------------------------------------------------------------------------------------


def known_jobs(asking: Facts) -> list[Facts]:
    """Return every restore job that is known in the whole account; a stack's is left out, its parts are jobs themselves."""
    return asking.once(_known_jobs)


def _known_jobs(asking: Facts) -> list[Facts]:
    return [job for job in _each_once(asking.all_recorded(RESTORE_JOB, everywhere=True)) if not job.get("IsParent")]


def jobs_of(resource: Facts, arn: str, kind: str) -> list[Facts]:
    """Return the known restore jobs, in any region, of what ARN names, which AWS Backup calls a KIND.

    Raises Unavailable when a job may be one of them: it names no source, and its recovery point is gone.
    """
    named = resource.recorded(RESTORE_JOB, "SourceResourceArn", arn, everywhere=True)
    found = [job for job in _each_once(named) if not job.get("IsParent")]
    nameless = (job for job in resource.once(_nameless) if job.get("ResourceType", kind) == kind)
    return [*found, *(job for job in nameless if source_of(job) == arn)]


def _nameless(asking: Facts) -> list[Facts]:
    return [job for job in known_jobs(asking) if not job.get("SourceResourceArn")]


def source_of(job: Facts) -> str:
    """Return the ARN of what JOB restored: old jobs name their recovery point alone. Raises Unavailable where it is gone."""
    if named := job.get("SourceResourceArn"):
        return str(named)
    for point in job.known_referrers(RECOVERY_POINT, "RecoveryPointArn", str(job["RecoveryPointArn"])):
        if source := point.get("ResourceArn"):
            return str(source)
    job.require_read(RECOVERY_POINT)
    raise _forgotten("backup:ListRecoveryPointsByBackupVault", f"recovery point {job['RecoveryPointArn']}")


def _by_job(job: Facts) -> Iterator[Restore]:
    kind, at = job.get("ResourceType"), job.time("CompletionDate")
    if kind and kind not in _KINDS:
        return
    try:
        source = source_of(job)
    except Unavailable as unavailable:
        yield Restore(at, frozenset(), frozenset({kind}) if kind else _ANY, unavailable.gap)
        return
    service = source.split(":")[2] if source.startswith("arn:") and source.count(":") > 4 else ""
    kinds = {kind} if kind else _CLUSTERS if service == "rds" else {_BY_SERVICE.get(service, "")}
    if kinds & _KINDS:
        yield Restore(at, frozenset({source}), frozenset(kinds))


# ---- calls that CloudTrail recorded ----------------------------------------------------------------------------------


def _by_call(event: Facts) -> Iterator[Restore]:
    at, name = event.time("EventTime"), str(event["EventName"])
    try:
        record = json.loads(event["CloudTrailEvent"])
        asked = record.get("requestParameters") or {}
        refused, clone = record.get("errorCode"), asked.get("restoreType") == "copy-on-write"
    except (ValueError, AttributeError):
        gap = Gap("cloudtrail:LookupEvents", "NotUnderstood", f"the record of a {name} is no JSON object")
        yield Restore(at, frozenset(), _ANY, gap)
        return
    if refused or clone:
        return
    kinds = _kinds(name, str(asked.get("engine") or ""))
    try:
        yield Restore(at, frozenset(_sources(event, name, asked)), kinds)
    except Unavailable as unavailable:
        yield Restore(at, frozenset(), kinds, unavailable.gap)


def _kinds(name: str, engine: str) -> frozenset[str]:
    if name.startswith("RestoreDBCluster"):
        if not engine:
            return _CLUSTERS
        return frozenset(
            {{"docdb": "DocumentDB", "neptune": "Neptune"}.get(engine, "Aurora" if "aurora" in engine else "RDS")}
        )
    if name.startswith("RestoreDBInstance"):
        return frozenset({"RDS"})
    return frozenset({"DynamoDB" if name.startswith("RestoreTable") else "Redshift"})


def _sources(event: Facts, name: str, asked: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ARN, or the resource id, of what was restored. Raises Unavailable where that cannot be told."""
    told = {member: str(value) for member, value in asked.items() if value}
    if name == "RestoreFromClusterSnapshot":
        yield _of_redshift(event, told)
        return
    if backup := told.get("backupArn"):
        yield backup.partition("/backup/")[0]
    for member, service, kind in (
        ("sourceTableArn", "dynamodb", "table/"),
        ("sourceTableName", "dynamodb", "table/"),
        ("sourceDBInstanceIdentifier", "rds", "db:"),
        ("sourceDBClusterIdentifier", "rds", "cluster:"),
    ):
        if source := told.get(member):
            yield _arn(event, service, kind, source)
    for member in ("sourceDbiResourceId", "sourceDbClusterResourceId"):
        if source := told.get(member):
            yield source
    if backups := told.get("sourceDBInstanceAutomatedBackupsArn"):
        yield from _of_backups(event, backups)
    for member in ("dBSnapshotIdentifier", "dBClusterSnapshotIdentifier", "snapshotIdentifier"):
        if snapshot := told.get(member):
            yield from _of_snapshot(event, name, snapshot)


def _arn(event: Facts, service: str, kind: str, name: str, region: str = "") -> str:
    """Return the ARN of what is called NAME where EVENT happened, or in REGION; NAME may be an ARN already."""
    if name.startswith("arn:"):
        return name
    return f"arn:{event.id.split(':')[1]}:{service}:{region or event.region}:{event.account}:{kind}{name}"


def _of_redshift(event: Facts, told: Mapping[str, str]) -> str:
    arn, snapshot = told.get("snapshotArn", ""), told.get("snapshotIdentifier", "")
    if cluster := told.get("snapshotClusterIdentifier"):
        return _arn(event, "redshift", "cluster:", cluster)
    if arn:
        return arn.replace(":snapshot:", ":cluster:").rpartition("/")[0]
    if automated := _AUTOMATED.fullmatch(snapshot):
        return _arn(event, "redshift", "cluster:", automated[1])
    raise _forgotten("redshift:DescribeClusterSnapshots", f"snapshot {snapshot}")


def _of_backups(event: Facts, arn: str) -> Iterator[str]:
    held = event.known_referrers(AUTOMATED_BACKUP, "DBInstanceAutomatedBackupsArn", arn)
    if not held:
        event.require_read(AUTOMATED_BACKUP)
        raise _forgotten("rds:DescribeDBInstanceAutomatedBackups", arn)
    for backup in held:
        yield str(backup["DBInstanceArn"])


_INSTANCE = (DB_SNAPSHOT, "DBSnapshotIdentifier", "DBInstanceIdentifier", "DbiResourceId", "db:")
_CLUSTER = (
    DB_CLUSTER_SNAPSHOT,
    "DBClusterSnapshotIdentifier",
    "DBClusterIdentifier",
    "DbClusterResourceId",
    "cluster:",
)


def _of_snapshot(event: Facts, call: str, snapshot: str) -> Iterator[str]:
    """Yield whose SNAPSHOT it was, by what RDS knows of it, or by the name RDS gave it where it is gone."""
    if account_of(snapshot) not in ("", event.account):
        return  # Another account's, shared with this one.
    own = _CLUSTER if call.startswith("RestoreDBCluster") else _INSTANCE
    for type, by, owner, owner_id, kind in (own, _INSTANCE if own is _CLUSTER else _CLUSTER):
        for known in event.known_referrers(type, "id" if snapshot.startswith("arn:") else by, snapshot):
            copied = known.get("SourceDBSnapshotIdentifier") or known.get("SourceDBClusterSnapshotArn") or ""
            came = known.get("SourceRegion") or region_of(str(copied))
            yield _arn(known, "rds", kind, str(known[owner]), str(came))
            if known.get(owner_id):
                yield str(known[owner_id])
            return
    name = re.sub(r"arn:.*?:(?:cluster-)?snapshot:", "", snapshot, count=1)
    if automated := _AUTOMATED.fullmatch(name):
        yield _arn(event, "rds", own[4], automated[1])
    elif not name.startswith("awsbackup:"):  # What AWS Backup restores, its jobs tell.
        event.require_read(DB_SNAPSHOT)
        event.require_read(DB_CLUSTER_SNAPSHOT)
        raise _forgotten("rds:DescribeDBSnapshots", f"snapshot {snapshot}")


def _forgotten(operation: str, what: str) -> Unavailable:
    return Unavailable(Gap(operation, "NotFound", f"of what {what} was is not known any more"))
