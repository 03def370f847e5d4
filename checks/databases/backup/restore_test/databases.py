"""Each database: it is restored from a backup each month."""

from collections.abc import Iterator, Mapping, Sequence

from auditor.kit import (
    DAYS,
    MEDIUM,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Unavailable,
    ago,
    check,
)
from auditor.kit.databases import DB_CLUSTER, DB_CLUSTER_SNAPSHOT, DB_SNAPSHOT, engine_family
from auditor.kit.restores import (
    AUTOMATED_BACKUP,
    DATABASES,
    DOCDB_CLUSTER,
    READ_FOR_RESTORES,
    RECOVERY_POINT,
    REDSHIFT_CLUSTER,
    RESTORE_EVENT,
    RESTORE_JOB,
    TABLE,
    is_recent,
    kind_of,
    known_restores,
    require_restores,
)

from ._databases import created_at
from ._examples import ARN, CLUSTER, CLUSTER_ARN, ORDERS, TABLE_ARN, call, job, table
from .thresholds import RestoreTest

_SNAPSHOT = {
    "DBSnapshotIdentifier": "before-upgrade",
    "DBSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:snapshot:before-upgrade",
    "DBInstanceIdentifier": "orders",
    "DbiResourceId": "db-ORDERS",
}
_COPIED = {
    "DBClusterSnapshotIdentifier": "shop-dr",
    "DBClusterSnapshotArn": "arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:shop-dr",
    "DBClusterIdentifier": "shop",
    "SourceDBClusterSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:rds:shop-2026-06-01-03-05",
    "#region": "eu-central-1",
}
_REDSHIFT = {"ClusterIdentifier": "facts", "ClusterCreateTime": ago(days=400)}
_DOCUMENTS = {**CLUSTER, "Engine": "docdb"}
_FROM_SNAPSHOT = call("RestoreDBInstanceFromDBSnapshot", {"dBSnapshotIdentifier": "before-upgrade"})
_OLD_JOB = {key: value for key, value in job().items() if key != "SourceResourceArn"}
_POINT = {"RecoveryPointArn": _OLD_JOB["RecoveryPointArn"], "ResourceArn": ARN, "BackupVaultName": "nightly"}


def _instance(*calls: Document, why: str = "", joined: Mapping[str, Sequence[Document]] | None = None) -> Case:
    return Case(ORDERS, related={RESTORE_EVENT: calls, **(joined or {})}, why=why)


def _cluster(*calls: Document, why: str = "", joined: Mapping[str, Sequence[Document]] | None = None) -> Case:
    return Case(CLUSTER, related={RESTORE_EVENT: calls, **(joined or {})}, type=DB_CLUSTER, why=why)


@check(
    "db-restore-tested-monthly",
    pattern="databases.backup.restore-test",
    on=DATABASES,
    severity=MEDIUM,
    fix=Fix(
        cli="aws backup create-restore-testing-selection --restore-testing-plan-name PLAN --restore-testing-selection file://selection.json",
        terraform="aws_backup_restore_testing_selection",
    ),
    reads=READ_FOR_RESTORES,
    passes=[
        Case(ORDERS, related={RESTORE_JOB: [job()]}),
        Case(ORDERS, related={RESTORE_JOB: [job()]}, unread=[RESTORE_EVENT]),
        Case(
            ORDERS,
            recorded={RESTORE_JOB: [job(28)]},
            unread=[RESTORE_JOB, RESTORE_EVENT],
            why="AWS Backup could not be asked; the evidence ledger still has it",
        ),
        Case(ORDERS, related={RESTORE_JOB: [{**job(), "#region": "eu-central-1"}]}, why="its copy, in another region"),
        Case(ORDERS, related={RESTORE_JOB: [_OLD_JOB], RECOVERY_POINT: [_POINT]}, why="the job names no source"),
        _instance(_FROM_SNAPSHOT, joined={DB_SNAPSHOT: [_SNAPSHOT]}),
        _instance(
            call("RestoreDBInstanceFromDBSnapshot", {"dBSnapshotIdentifier": "rds:orders-2026-05-20-03-05"}),
            why="the automated snapshot is gone, its name tells whose it was",
        ),
        _instance(call("RestoreDBInstanceToPointInTime", {"sourceDbiResourceId": "db-ORDERS"})),
        _instance(
            call("RestoreDBInstanceToPointInTime", {"sourceDBInstanceAutomatedBackupsArn": "arn:ab"}),
            joined={AUTOMATED_BACKUP: [{"DBInstanceAutomatedBackupsArn": "arn:ab", "DBInstanceArn": ARN}]},
        ),
        _cluster(call("RestoreDBClusterToPointInTime", {"sourceDBClusterIdentifier": "shop"})),
        _cluster(
            {
                **call("RestoreDBClusterFromSnapshot", {"snapshotIdentifier": "shop-dr", "engine": "aurora-mysql"}),
                "#region": "eu-central-1",
            },
            why="a copy of its snapshot, in another region",
            joined={DB_CLUSTER_SNAPSHOT: [_COPIED]},
        ),
        Case(
            _DOCUMENTS,
            related={
                RESTORE_EVENT: [
                    call("RestoreDBClusterFromSnapshot", {"snapshotIdentifier": "rds:shop-2026-05-20-03-05"})
                ]
            },
            type=DOCDB_CLUSTER,
        ),
        Case(
            table(),
            related={RESTORE_EVENT: [call("RestoreTableFromBackup", {"backupArn": f"{TABLE_ARN}/backup/01"})]},
            type=TABLE,
        ),
        Case(
            _REDSHIFT,
            related={
                RESTORE_EVENT: [
                    call("RestoreFromClusterSnapshot", {"snapshotIdentifier": "rs:facts-2026-05-20-03-05-07"})
                ]
            },
            type=REDSHIFT_CLUSTER,
        ),
        _instance(
            call("RestoreDBInstanceToPointInTime", {"sourceDBInstanceIdentifier": "orders"}),
            call("RestoreDBInstanceFromDBSnapshot", {"dBSnapshotIdentifier": "gone"}),
            why="of what the other snapshot was does not matter",
        ),
    ],
    fails=[
        Case(ORDERS),
        Case(ORDERS, related={RESTORE_JOB: [job(40)]}),
        Case(ORDERS, recorded={RESTORE_JOB: [job(60)]}, why="the ledger knows an older one alone"),
        Case(ORDERS, related={RESTORE_JOB: [job(Status="FAILED")]}),
        Case(ORDERS, related={RESTORE_JOB: [job(arn=f"{ARN}-2")]}, why="another database was restored"),
        _instance(call("RestoreDBInstanceToPointInTime", {"sourceDBInstanceIdentifier": "other"})),
        _instance(
            {
                **call("RestoreDBInstanceToPointInTime", {"sourceDBInstanceIdentifier": "orders"}),
                "#region": "eu-central-1",
            },
            why="another region's database of the same name",
        ),
        _instance(
            call("RestoreDBInstanceFromDBSnapshot", {"dBSnapshotIdentifier": "awsbackup:job-9"}),
            why="what AWS Backup restores its own jobs tell",
        ),
        _instance(
            call(
                "RestoreDBInstanceFromDBSnapshot",
                {"dBSnapshotIdentifier": "arn:aws:rds:eu-west-1:999988887777:snapshot:theirs"},
            ),
            why="another account's snapshot",
        ),
        _cluster(
            call(
                "RestoreDBClusterToPointInTime",
                {"sourceDBClusterIdentifier": "shop", "restoreType": "copy-on-write"},
            ),
            why="a clone proves no backup",
        ),
        _cluster(
            call("RestoreDBClusterFromSnapshot", {"snapshotIdentifier": "gone", "engine": "docdb"}),
            why="what is not known was of another engine",
        ),
        Case(
            table(),
            related={RESTORE_EVENT: [call("RestoreTableToPointInTime", {"sourceTableName": "other"})]},
            type=TABLE,
        ),
        Case(_REDSHIFT, type=REDSHIFT_CLUSTER),
    ],
    skips=[
        Case({**ORDERS, "InstanceCreateTime": ago(days=20)}),
        Case({**ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "main"}),
        Case({**ORDERS, "DBClusterIdentifier": "shop"}),
        Case({**CLUSTER, "ReplicationSourceIdentifier": CLUSTER_ARN}, type=DB_CLUSTER),
        Case(table(days=20), type=TABLE),
    ],
    unknowns=[
        Case(ORDERS, unread=[RESTORE_JOB]),
        Case(ORDERS, unread=[RESTORE_EVENT]),
        _instance(_FROM_SNAPSHOT, why="of which database the deleted snapshot was, nobody can tell"),
        Case(ORDERS, related={RESTORE_EVENT: [_FROM_SNAPSHOT]}, unread=[DB_SNAPSHOT]),
        Case(ORDERS, related={RESTORE_JOB: [_OLD_JOB]}, why="the job names no source, and its recovery point is gone"),
        _instance({**_FROM_SNAPSHOT, "CloudTrailEvent": "[]"}),
        Case({key: value for key, value in table().items() if key != "Table"}, type=TABLE),
    ],
)
def db_restore_tested_monthly(database: Facts, want: RestoreTest) -> Iterator[Evidence]:
    """A database was restored from its own backup in the last month.

    Why: each database has a backup of its own, and each can be broken by itself: a key that is gone, an option that does not
    exist any more, a copy that was never complete.

    Fix: add it to a restore testing plan of AWS Backup, or restore it by hand. `scope` says whose restore counts for it:
    its own ("resource"), that of a database of the same engine ("type"), or any ("account").

    Source: the standard's "Test restore monthly". A restore is a completed job of AWS Backup, in any region, whose source it
    is, or a call in CloudTrail that was not refused. The evidence ledger keeps what AWS forgets after 30 and 90 days. Of which
    database a snapshot was that is deleted since only an automated one's name tells; else it is unknown.
    """
    days = want.restore_test_max_age_days
    if is_recent(created_at(database), database.observed_at, days):
        raise NotApplicable("it is younger than a month")
    keys, kind = _counted(database, want.scope), kind_of(database)
    newest, gap = None, None
    for made in known_restores(database):
        if keys & made.keys or (want.scope == "account" and made.is_of_a_database):
            if is_recent(made.at, database.observed_at, days):
                return
            newest = max(newest or made.at, made.at)
        elif made.gap and kind in made.kinds and is_recent(made.at, database.observed_at, days):
            gap = gap or made.gap
    require_restores(database)
    if gap:
        raise Unavailable(gap)
    yield Evidence(
        f"its newest known restore is {DAYS} days old, {days} allowed"
        if newest
        else f"nothing shows that it was restored in {days} days",
        {"days": days, "newest": newest.isoformat() if newest else None, "looked_at": ["AWS Backup", "CloudTrail"]},
        since=newest,
    )


def _counted(database: Facts, scope: str) -> set[str]:
    """Return the ARNs and resource ids of the databases whose restore counts for DATABASE."""
    alike = [database]
    if scope == "type":
        family = _engine(database)
        alike += [other for other in database.known(database.type) if _engine(other) == family]
    names = [(one.id, one.get("DbiResourceId"), one.get("DbClusterResourceId")) for one in alike]
    return {str(name) for one in names for name in one if name}


def _engine(database: Facts) -> str:
    return engine_family(str(database.get("Engine", "")))
