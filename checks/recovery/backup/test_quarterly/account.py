"""The account: disaster recovery is tested once a quarter."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from auditor.kit import HIGH, Case, Document, Evidence, Facts, Fix, NotApplicable, ago, check, stated
from auditor.kit.rehearsals import EXPERIMENT, missing
from auditor.kit.restores import RECOVERY_POINT, RESTORE_JOB
from auditor.kit.trail import TRAIL_EVENT

from ._tests import JOB, PLAN_EXECUTION, TESTS
from .thresholds import DisasterRecoveryTest

ACCOUNT = "AWS::::Account"
_ID = "account-dr-test-quarterly"
_THE_ACCOUNT = {"Account": "111122223333"}


def _case(
    *tests: tuple[str, Document],
    kept: Sequence[tuple[str, Document]] = (),
    points: Sequence[Document] = (),
    unread: Sequence[str] = (),
    attested: str = "",
    why: str = "",
) -> Case:
    related: dict[str, list[Document]] = {RECOVERY_POINT: list(points)}
    recorded: dict[str, list[Document]] = {}
    for place, held in ((related, tests), (recorded, kept)):
        for type, document in held:
            place.setdefault(type, []).append(document)
    word = [stated(_ID, "game day of the shop: report in the wiki", given=attested)] if attested else []
    return Case(_THE_ACCOUNT, related=related, recorded=recorded, unread=unread, attested=word, why=why)


def _drill(days: float = 30, launched: str = "TERMINATED", **fields: Any) -> tuple[str, Document]:
    """A drill that ended so many days ago, for the cases."""
    return JOB, {
        "jobID": "drsjob-1",
        "arn": "arn:aws:drs:eu-west-1:111122223333:job/drsjob-1",
        "initiatedBy": "START_DRILL",
        "status": "COMPLETED",
        "endDateTime": ago(days=days),
        "participatingServers": [{"sourceServerID": "s-1", "launchStatus": launched}],
        **fields,
    }


def _switch(days: float = 30, state: str = "completed", **fields: Any) -> tuple[str, Document]:
    return PLAN_EXECUTION, {
        "planArn": "arn:aws:arc-region-switch::111122223333:plan/shop:abc123",
        "executionId": "1",
        "executionAction": "activate",
        "executionRegion": "eu-central-1",
        "executionState": state,
        "mode": "graceful",
        "startTime": ago(days=days, hours=1),
        "endTime": ago(days=days),
        **fields,
    }


_SHOP = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
_POINT = "arn:aws:backup:eu-central-1:111122223333:recovery-point:1"


def _restore(
    days: float = 30, source: str = _SHOP, region: str = "eu-central-1", **fields: Any
) -> tuple[str, Document]:
    """A restore in a region of what SOURCE names, for the cases."""
    return RESTORE_JOB, {
        "#region": region,
        "RestoreJobId": "job-1",
        "Status": "COMPLETED",
        "SourceResourceArn": source,
        "RecoveryPointArn": _POINT,
        "CreatedResourceArn": f"arn:aws:rds:{region}:111122223333:cluster:shop-restored",
        "ResourceType": "Aurora",
        "CreationDate": ago(days=days, hours=1),
        "CompletionDate": ago(days=days),
        **fields,
    }


def _call(name: str = "SwitchoverGlobalCluster", days: float = 30, **record: Any) -> tuple[str, Document]:
    told = {"eventName": name, "requestParameters": {"globalClusterIdentifier": "shop"}, **record}
    return TRAIL_EVENT, {
        "EventId": "e-1",
        "EventName": name,
        "EventTime": ago(days=days),
        "CloudTrailEvent": json.dumps(told),
    }


def _experiment(
    action: str = "aws:s3:bucket-pause-replication", days: float = 30, status: str = "completed", mode: str = "run-all"
) -> tuple[str, Document]:
    done = {"actionId": action, "state": {"status": "skipped" if mode == "skip-all" else status}}
    return EXPERIMENT, {
        "id": "EXP1",
        "arn": "arn:aws:fis:eu-west-1:111122223333:experiment/EXP1",
        "state": {"status": status},
        "Experiment": {
            "endTime": ago(days=days),
            "experimentOptions": {"actionsMode": mode},
            "actions": {"cut": done},
        },
    }


_BUCKET: dict[str, Any] = {"CreatedResourceArn": "arn:aws:s3:::orders", "ResourceType": "S3"}
_COPIED = {
    "#region": "eu-central-1",
    "BackupVaultName": "second",
    "RecoveryPointArn": _POINT,
    "ResourceArn": "arn:aws:s3:::orders",
    "SourceBackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:nightly",
}
_NAMELESS = _restore()[0], {k: v for k, v in _restore()[1].items() if k != "SourceResourceArn"}
_OLD_NAMELESS = _restore()[0], {k: v for k, v in _restore(95)[1].items() if k != "SourceResourceArn"}


@check(
    _ID,
    pattern="recovery.backup.test-quarterly",
    on=ACCOUNT,
    severity=HIGH,
    fix=Fix(
        cli="aws drs start-recovery --is-drill --source-servers sourceServerID=SERVER_ID --region REGION"
        "  # tested otherwise: auditor attest --check account-dr-test-quarterly --account {account} --statement WHAT_WAS_TESTED --evidence REPORT_URL --days 92",
        terraform="awscc_arcregionswitch_plan",
    ),
    reads=(*TESTS, RECOVERY_POINT),
    passes=[
        _case(_drill()),
        _case(_drill(91.5, "LAUNCHED", initiatedBy="START_RECOVERY"), why="one that was for real proves it as well"),
        _case(_switch()),
        _case(_switch(0, "completedMonitoringApplicationHealth", endTime=None), why="all its steps are done"),
        _case(_restore()),
        _case(_restore(CreatedResourceArn=None), why="the job tells where it restored"),
        _case(_NAMELESS, points=[{**_COPIED, "ResourceArn": _SHOP}], why="the recovery point tells what was restored"),
        _case(_restore(source="arn:aws:s3:::orders", **_BUCKET), points=[_COPIED], why="restored from a copy"),
        _case(_call()),
        _case(_call("FailoverGlobalCluster")),
        _case(_experiment()),
        _case(_experiment("aws:dynamodb:global-table-pause-replication")),
        _case(_experiment("aws:network:transit-gateway-disrupt-cross-region-connectivity")),
        _case(_drill(), _drill(10, "FAILED", arn="arn:aws:drs:eu-west-1:111122223333:job/2"), why="one of two worked"),
        _case(
            kept=[_drill(80)],
            unread=list(TESTS),
            why="AWS forgot it already, or could not be asked; the evidence ledger did not forget",
        ),
        _case(kept=[_switch(80)]),
        _case(kept=[_restore(80)]),
        _case(kept=[_call(days=91)]),
        _case(attested=ago(days=30), why="a game day, with its report"),
        _case(attested=ago(days=30), unread=[JOB]),
    ],
    fails=[
        _case(),
        _case(_drill(95)),
        _case(kept=[_restore(95)], why="the ledger knows an old one alone"),
        _case(_drill(launched="FAILED"), why="it launched no server"),
        _case(_drill(initiatedBy="DIAGNOSTIC")),
        _case(_drill(status="STARTED")),
        _case(_drill(participatingServers=[])),
        _case(_switch(state="failed")),
        _case(_switch(state="completedWithExceptions")),
        _case(_switch(state="canceled")),
        _case(_switch(executionAction="postRecovery"), why="it puts in order what another one left"),
        _case(_restore(region="eu-west-1"), why="restored where it is: that proves the backup, no second region"),
        _case(_restore(Status="FAILED")),
        _case(_restore(Status="RUNNING")),
        _case(_restore(IsParent=True), why="a stack's job; its parts tell what was restored"),
        _case(
            _restore(source="arn:aws:s3:::orders", **_BUCKET),
            points=[{k: v for k, v in _COPIED.items() if k != "SourceBackupVaultArn"}],
            why="the bucket's own backup, in its own region",
        ),
        _case(kept=[_OLD_NAMELESS], why="whatever it restored, it is too old"),
        _case(_call(errorCode="AccessDenied")),
        _case(_call("FailoverDBCluster"), why="a failover within a region"),
        _case(_experiment("aws:rds:failover-db-cluster"), why="nothing across regions"),
        _case(_experiment(mode="skip-all"), why="a dry run"),
        _case(_experiment(status="stopped")),
        _case(_experiment(status="running")),
        _case(attested=ago(days=95), why="attested more than a quarter ago"),
    ],
    unknowns=[
        *(_case(unread=[type]) for type in TESTS),
        _case(kept=[_drill(95)], unread=[JOB], why="what the ledger holds proves no failure"),
        _case(attested=ago(days=95), unread=[JOB], why="an old word proves no failure either"),
        _case(_NAMELESS, why="the recovery point is gone, and nothing else tells what was restored"),
        _case(_restore(source="arn:aws:s3:::orders", **_BUCKET), unread=[RECOVERY_POINT]),
        _case((TRAIL_EVENT, {**_call()[1], "CloudTrailEvent": "no JSON"})),
        _case((EXPERIMENT, {k: v for k, v in _experiment()[1].items() if k != "Experiment"})),
    ],
)
def account_dr_test_quarterly(account: Facts, want: DisasterRecoveryTest) -> Iterator[Evidence]:
    """Disaster recovery was tested in the last quarter.

    Why: a plan that was never tried fails in the steps nobody thought of: a quota in the second region, a key that stayed in
    the first, a name that points to what is gone, a colleague who alone knows the order.

    Fix: launch the replicated servers in a drill, execute a Region switch plan, restore a copy in the second region, or switch
    a global database over; a game day outside of AWS is attested with its report.

    Source: the standard's "Test DR procedures quarterly"; Well-Architected REL13-BP03. Counted are drills and recoveries of
    Elastic Disaster Recovery that launched a server, completed executions of Region switch plans, completed restores of AWS
    Backup in another region than the original's, switchovers and failovers of global databases, and completed experiments of
    Fault Injection Service that cut regions apart. What AWS forgot stands in the evidence ledger. A test that failed is shown;
    it counts where ``count_failed`` says so. An assessment of Resilience Hub is a review and no test.
    """
    if account["Account"] in want.accounts_without_production:
        raise NotApplicable("declared to bear no production workload")
    yield from missing(
        account,
        _ID,
        TESTS,
        want.dr_test_max_age_days,
        called="test of disaster recovery",
        count_failed=want.count_failed,
    )
