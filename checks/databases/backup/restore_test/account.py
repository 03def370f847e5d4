"""The account: some database is restored from a backup each month."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from auditor.kit import (
    DAYS,
    HIGH,
    Case,
    Document,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Unavailable,
    ago,
    check,
    stated,
)
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE
from auditor.kit.restores import (
    DATABASES,
    READ_FOR_RESTORES,
    RESTORE_EVENT,
    RESTORE_JOB,
    TABLE,
    Restore,
    is_recent,
    known_restores,
    require_restores,
)

from ._databases import created_at
from ._examples import CLUSTER, ORDERS, call, job, table
from .thresholds import RestoreTest

ACCOUNT = "AWS::::Account"
_ID = "account-restore-test-monthly"
_THE_ACCOUNT = {"Account": "111122223333"}
_MONTHS_SHOWN = 3


def _case(
    *jobs: Document,
    calls: tuple[Document, ...] = (),
    kept: tuple[Document, ...] = (),
    unread: tuple[str, ...] = (),
    attested: bool | str = False,
    why: str = "",
) -> Case:
    word = stated(_ID, "dump of orders loaded into the test rack", given=attested if isinstance(attested, str) else "")
    return Case(
        _THE_ACCOUNT,
        related={DB_INSTANCE: [ORDERS], RESTORE_JOB: jobs, RESTORE_EVENT: calls},
        recorded={RESTORE_JOB: kept},
        unread=unread,
        attested=[word] if attested else [],
        why=why,
    )


_BY_SNAPSHOT = call("RestoreDBInstanceFromDBSnapshot", {"dBSnapshotIdentifier": "before-upgrade"})
_CLONE = call("RestoreDBClusterToPointInTime", {"sourceDBClusterIdentifier": "shop", "restoreType": "copy-on-write"})


@check(
    _ID,
    pattern="databases.backup.restore-test",
    on=ACCOUNT,
    severity=HIGH,
    fix=Fix(
        cli="aws backup start-restore-job --recovery-point-arn RECOVERY_POINT_ARN --iam-role-arn ROLE_ARN --metadata file://metadata.json"
        "  # tested elsewhere: auditor attest --check account-restore-test-monthly --account {account} --statement WHAT_WAS_RESTORED --evidence URL --days 31",
        terraform="aws_backup_restore_testing_plan",
    ),
    reads=(*DATABASES, *READ_FOR_RESTORES),
    passes=[
        _case(job()),
        _case(job(25), unread=(RESTORE_EVENT,)),
        _case(
            kept=(job(25),),
            unread=(RESTORE_JOB, RESTORE_EVENT),
            why="AWS Backup forgot it already, or could not be asked; the evidence ledger did not forget",
        ),
        _case({**job(kind="Aurora"), "#region": "eu-central-1"}, why="restored in another region"),
        _case(calls=(_BY_SNAPSHOT,), why="of which database the snapshot was does not matter here"),
        _case(calls=(call("RestoreTableToPointInTime", {"sourceTableName": "carts"}),), unread=(RESTORE_JOB,)),
        _case(attested=True, why="tested outside of AWS"),
        _case(attested=True, unread=(RESTORE_JOB,)),
    ],
    fails=[
        _case(),
        _case(job(33)),
        _case(kept=(job(50), job(80, number=2)), why="the ledger knows older ones alone"),
        _case(job(Status="FAILED")),
        _case(job(Status="RUNNING")),
        _case(job(kind="EBS", arn="arn:aws:ec2:eu-west-1:111122223333:volume/vol-1"), why="a volume is no database"),
        _case(job(IsParent=True), why="a stack's job; its parts tell what was restored"),
        _case(calls=(_CLONE,), why="a clone shares its source's storage: it proves no backup"),
        _case(calls=(call("RestoreDBInstanceToPointInTime", {}, errorCode="AccessDenied"),)),
        _case(attested=ago(days=60), why="attested two months ago"),
    ],
    skips=[
        Case(_THE_ACCOUNT),
        Case(_THE_ACCOUNT, related={TABLE: [table(days=10)]}),
        Case(_THE_ACCOUNT, related={DB_INSTANCE: [{**ORDERS, "ReadReplicaSourceDBInstanceIdentifier": "main"}]}),
    ],
    unknowns=[
        _case(unread=(RESTORE_JOB,)),
        _case(unread=(RESTORE_EVENT,)),
        _case(kept=(job(50),), unread=(RESTORE_JOB,), why="what the ledger holds proves no failure"),
        _case(attested=ago(days=60), unread=(RESTORE_JOB,), why="an old word proves no failure either"),
        Case(_THE_ACCOUNT, unread=(DB_CLUSTER,), why="whether there is a database at all could not be read"),
        Case(_THE_ACCOUNT, related={DB_CLUSTER: [CLUSTER], RESTORE_EVENT: [{**_CLONE, "CloudTrailEvent": "no JSON"}]}),
        _case(
            {key: value for key, value in job().items() if key not in ("SourceResourceArn", "ResourceType")},
            why="an old job does not say what it restored, and its recovery point is gone",
        ),
    ],
)
def account_restore_test_monthly(account: Facts, want: RestoreTest) -> Iterator[Evidence]:
    """Some database was restored from a backup in the last month.

    Why: a backup that was never restored is a hope. Keys are lost, formats change, a parameter group is missing: all that
    shows when somebody tries, better in a test than in the night that counts.

    Fix: restore a recovery point each month, by hand or by a restore testing plan of AWS Backup. A test outside of AWS is
    attested; an attestation proves the month in which it was given.

    Source: the standard's "Test restore monthly". A restore is a completed job of AWS Backup (ListRestoreJobs) or a call in
    CloudTrail that was not refused. AWS Backup tells of 30 days and CloudTrail of 90; the evidence ledger keeps what a scan
    saw. Clones of Aurora, blue/green deployments and DMS restore no backup.
    """
    account["Account"]
    days = want.restore_test_max_age_days
    _skip_without_databases(account, days)
    known = known_restores(account)
    if any(made.is_of_a_database and is_recent(made.at, account.observed_at, days) for made in known):
        return
    if account.attestation(_ID, days):
        return
    require_restores(account)
    for made in known:
        if made.gap and not made.is_of_a_database and is_recent(made.at, account.observed_at, days):
            raise Unavailable(made.gap)
    yield _evidence([made for made in known if made.is_of_a_database], account.observed_at, days)
    with suppress(Unavailable):  # Nobody is bound to attest what an API shows.
        yield from account.attested(_ID, days)


def _skip_without_databases(account: Facts, days: int) -> None:
    """Raise NotApplicable where no database could have been restored in the last DAYS: none, or all are younger."""
    there, gap = False, None
    for type in DATABASES:
        for database in account.known(type):
            try:
                created = created_at(database)
            except NotApplicable:
                continue
            except Unavailable as unavailable:
                gap = gap or unavailable.kept()
                continue
            if not is_recent(created, account.observed_at, days):
                return
            there = True
    for type in DATABASES:
        account.require_read(type)
    if gap:
        raise gap
    raise NotApplicable(f"its databases are younger than {days} days" if there else "it has no database")


def _evidence(known: list[Restore], now: datetime, days: int) -> Evidence:
    newest = max((made.at for made in known), default=None)
    by_month = Counter(f"{made.at:%Y-%m}" for made in known)
    months, month = [], now
    for _ in range(_MONTHS_SHOWN):
        months.append(f"{month:%Y-%m}")
        month = month.replace(day=1) - timedelta(days=1)
    return Evidence(
        f"the newest known restore of a database is {DAYS} days old, {days} allowed"
        if newest
        else f"nothing shows a restore of a database in {days} days",
        {
            "days": days,
            "newest": newest.isoformat() if newest else None,
            "restores_by_month": {name: by_month[name] for name in months},
            "looked_at": ["AWS Backup", "CloudTrail"],
        },
        since=newest,
    )
