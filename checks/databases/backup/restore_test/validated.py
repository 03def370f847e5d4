"""Restore tests: what was restored is looked at."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import LOW, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.restores import RECOVERY_POINT, RESTORE_JOB, is_database_kind, jobs_of

from ._examples import ARN, job
from .thresholds import RestoreTest

PROTECTED_RESOURCE = "AWS::Backup::ProtectedResource"

_ORDERS: dict[str, Any] = {"ResourceArn": ARN, "ResourceType": "RDS"}
_PLAN = {"RestoreTestingPlanArn": "arn:aws:backup:eu-west-1:111122223333:restore-testing-plan:monthly"}


def _test(status: str | None, days: float = 5, number: int = 1, **fields: Any) -> dict[str, Any]:
    """A restore by a restore testing plan, for the cases."""
    validated = {"ValidationStatus": status} if status else {}
    return {**job(days, number=number, CreatedBy=_PLAN), **validated, **fields}


@check(
    "restore-test-validated",
    pattern="databases.backup.restore-test",
    on=PROTECTED_RESOURCE,
    severity=LOW,
    fix=Fix(
        cli="aws backup put-restore-validation-result --restore-job-id {facts.job} --validation-status SUCCESSFUL",
        terraform="aws_lambda_function, aws_cloudwatch_event_rule",
    ),
    reads=(RESTORE_JOB, RECOVERY_POINT),
    passes=[
        Case(_ORDERS, related={RESTORE_JOB: [_test("SUCCESSFUL"), _test("FAILED", 36, 2)]}),
        Case(_ORDERS, related={RESTORE_JOB: [_test("SUCCESSFUL"), job(1, number=2)]}, why="the newer one was no test"),
        Case(_ORDERS, related={RESTORE_JOB: [_test("SUCCESSFUL"), _test(None, 0, 2, Status="RUNNING")]}),
        Case(
            _ORDERS,
            recorded={RESTORE_JOB: [_test("VALIDATING", 50), _test("SUCCESSFUL", 50)]},
            why="AWS Backup forgot it; the ledger saw how it ended",
        ),
    ],
    fails=[
        Case(_ORDERS, related={RESTORE_JOB: [_test("FAILED"), _test("SUCCESSFUL", 36, 2)]}),
        Case(_ORDERS, related={RESTORE_JOB: [_test("TIMED_OUT")]}),
        Case(_ORDERS, related={RESTORE_JOB: [_test(None)]}, why="nobody looks at what was restored"),
        Case(_ORDERS, related={RESTORE_JOB: [_test(None, Status="FAILED")]}, why="nothing was restored"),
        Case(_ORDERS, related={RESTORE_JOB: [_test("FAILED")]}, recorded={RESTORE_JOB: [_test("SUCCESSFUL", 60, 2)]}),
    ],
    skips=[
        Case(_ORDERS),
        Case(_ORDERS, related={RESTORE_JOB: [job()]}, why="restored by hand"),
        Case({"ResourceArn": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "ResourceType": "EBS"}),
    ],
    unknowns=[
        Case(_ORDERS, related={RESTORE_JOB: [_test("VALIDATING")]}),
        Case(_ORDERS, unread=[RESTORE_JOB]),
        Case(
            _ORDERS, recorded={RESTORE_JOB: [_test("SUCCESSFUL")]}, unread=[RESTORE_JOB], why="there may be a newer one"
        ),
        Case(
            _ORDERS,
            related={
                RESTORE_JOB: [{key: value for key, value in _test("FAILED").items() if key != "SourceResourceArn"}]
            },
            why="of what it was is not known any more",
        ),
    ],
)
def restore_test_validated(resource: Facts, want: RestoreTest) -> Iterator[Evidence]:
    """The newest restore test of a database was validated, and its data was good.

    Why: a restore that ends without an error can still hold an empty database. Only a look at the data says that it is all
    there.

    Fix: let a Lambda function, started by the event of the restore, query the restored database and report by
    PutRestoreValidationResult.

    Source: AWS Backup Developer Guide, "Restore testing validation". Judged for each protected database by its newest job that
    a restore testing plan started; the evidence ledger keeps what AWS Backup forgets after 30 days. While it is being
    validated it is unknown.
    """
    arn, kind = str(resource["ResourceArn"]), str(resource["ResourceType"])
    if not is_database_kind(kind):
        raise NotApplicable("it is no database")
    tests = [
        job
        for job in jobs_of(resource, arn, kind)
        if (job.get("CreatedBy") or {}).get("RestoreTestingPlanArn") and job["Status"] not in ("PENDING", "RUNNING")
    ]
    resource.require_read(RESTORE_JOB, everywhere=True)
    if not tests:
        raise NotApplicable("no restore testing plan restored it")
    newest = max(tests, key=lambda job: job.time("CreationDate"))
    status = newest.get("ValidationStatus")
    if status == "SUCCESSFUL":
        return
    if status == "VALIDATING":
        raise Unavailable(Gap("backup:ListRestoreJobs", "Validating", f"{newest.name} is being validated"))
    if newest["Status"] != "COMPLETED":
        said = f"its newest restore test ended as {newest['Status']}"
    elif status:
        said = f"the validation of its newest restore test ended as {status}"
    else:
        said = "its newest restore test was not validated: nothing looked at the data"
    yield Evidence(
        said,
        {
            "job": newest.name,
            "Status": newest["Status"],
            "ValidationStatus": status,
            "CreationDate": newest["CreationDate"],
        },
    )
