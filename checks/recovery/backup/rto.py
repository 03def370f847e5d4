"""RTO: what was restored was there within the recovery time objective."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.kit import HIGH, Case, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, ago, check
from auditor.kit.restores import RECOVERY_POINT, RESTORE_JOB, is_recent, jobs_of

PROTECTED_RESOURCE = "AWS::Backup::ProtectedResource"

_MEASURED_FOR_P95 = 5
_LAZY = ("EBS", "EC2", "RDS", "Aurora")
"""What is reported as restored before its blocks are there: they come from S3 when they are first touched."""


@dataclass(frozen=True, slots=True)
class RecoveryTime:
    """The numbers of "RTO"."""

    rto_minutes: int
    restore_overhead_minutes: int
    restore_mb_per_second: int
    own_restores_min: int
    evidence_max_age_days: int
    attestation_max_age_days: int
    initial_sync_max_days: int


_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
_ORDERS: dict[str, Any] = {"ResourceArn": _ARN, "ResourceType": "RDS"}


def _job(minutes: float, days: float = 5, number: int = 1, **fields: Any) -> dict[str, Any]:
    """A restore that began so many days ago and took so many minutes, for the cases."""
    return {
        "RestoreJobId": f"job-{number}",
        "Status": "COMPLETED",
        "SourceResourceArn": _ARN,
        "ResourceType": "RDS",
        "RecoveryPointArn": "arn:aws:rds:eu-west-1:111122223333:snapshot:awsbackup:job-1",
        "CreationDate": ago(days=days),
        "CompletionDate": ago(days=days, minutes=-minutes),
        **fields,
    }


def _failed(status: str = "FAILED", days: float = 2) -> dict[str, Any]:
    return {key: value for key, value in _job(0, days, 9, Status=status).items() if key != "CompletionDate"}


@check(
    "restore-duration-within-rto",
    pattern="recovery.backup.rto",
    on=PROTECTED_RESOURCE,
    severity=HIGH,
    fix=Fix(
        cli="aws backup start-restore-job --recovery-point-arn RECOVERY_POINT_ARN --iam-role-arn ROLE_ARN --metadata file://metadata.json",
        terraform="aws_backup_restore_testing_plan",
    ),
    reads=(RESTORE_JOB, RECOVERY_POINT),
    passes=[
        Case(_ORDERS, related={RESTORE_JOB: [_job(50)]}),
        Case(_ORDERS, related={RESTORE_JOB: [_job(240)]}, why="four hours to the minute"),
        Case(_ORDERS, related={RESTORE_JOB: [_job(50), _job(400, 20, 2)]}, why="the newest decides"),
        Case(_ORDERS, related={RESTORE_JOB: [_job(50), _failed(days=20)]}),
        Case(_ORDERS, related={RESTORE_JOB: [_job(50), _job(0, 1, 2, Status="RUNNING")]}),
        Case(_ORDERS, recorded={RESTORE_JOB: [_job(50, 200)]}, why="AWS Backup forgot it, the ledger did not"),
        Case(
            _ORDERS,
            related={RESTORE_JOB: [_job(50), _job(900, 1, 2, IsParent=True)]},
            why="a stack's parent does not count",
        ),
    ],
    fails=[
        Case(_ORDERS, related={RESTORE_JOB: [_job(241)]}),
        Case(_ORDERS, related={RESTORE_JOB: [_failed(), _job(50)]}),
        Case(_ORDERS, related={RESTORE_JOB: [_failed("ABORTED")]}),
        Case(
            _ORDERS,
            recorded={RESTORE_JOB: [_failed(days=100), _job(50, 200)]},
            why="the ledger knows the failed one, too",
        ),
        Case(_ORDERS, related={RESTORE_JOB: [_job(300 + number, 5 + number, number) for number in range(6)]}),
    ],
    skips=[
        Case(_ORDERS),
        Case(_ORDERS, recorded={RESTORE_JOB: [_job(50, 401)]}, why="too long ago to say anything"),
        Case(_ORDERS, related={RESTORE_JOB: [_job(50, SourceResourceArn=f"{_ARN}-2")]}),
    ],
    unknowns=[
        Case(_ORDERS, unread=[RESTORE_JOB]),
        Case(_ORDERS, recorded={RESTORE_JOB: [_job(50, 40)]}, unread=[RESTORE_JOB], why="there may be a newer one"),
        Case(
            _ORDERS,
            related={RESTORE_JOB: [{key: value for key, value in _job(50).items() if key != "CompletionDate"}]},
        ),
    ],
)
def restore_duration_within_rto(resource: Facts, want: RecoveryTime) -> Iterator[Evidence]:
    """The newest restore of a protected resource was done within the recovery time objective.

    Why: how long a restore takes is known once it was measured; an estimate leaves out queues, keys and copying.

    Fix: restore from a recovery point that lies nearer and is warm, split what is too large, or keep a copy that only needs to
    be promoted. A failed restore says in its StatusMessage why.

    Source: the standard's "Recovery Time Objective: 4 hours". AWS Backup's newest finished job tells, from its creation to its
    completion; validation comes after it. Instances and volumes are reported as restored before all of their blocks are
    there: the first touch of each is slow. The evidence ledger keeps every duration after AWS Backup's 30 days.
    """
    arn, kind = str(resource["ResourceArn"]), str(resource["ResourceType"])
    known = [
        job
        for job in jobs_of(resource, arn, kind)
        if job["Status"] in ("COMPLETED", "FAILED", "ABORTED")
        and is_recent(job.time("CreationDate"), resource.observed_at, want.evidence_max_age_days)
    ]
    resource.require_read(RESTORE_JOB, everywhere=True)
    if not known:
        raise NotApplicable(f"no restore of it is known in {want.evidence_max_age_days} days")
    newest = max(known, key=lambda job: job.time("CreationDate"))
    values: dict[str, Any] = {
        "job": newest.name,
        "Status": newest["Status"],
        "CreationDate": newest["CreationDate"],
        "minutes_allowed": want.rto_minutes,
        **_measured(known),
    }
    if newest["Status"] != "COMPLETED":
        yield Evidence(f"its newest restore ended as {newest['Status']}", values)
        return
    minutes = _minutes(newest)
    if minutes <= want.rto_minutes:
        return
    note = ", before all of its blocks were there" if kind in _LAZY else ""
    yield Evidence(
        f"its newest restore took {minutes:,.0f} minutes{note}; {want.rto_minutes} are allowed",
        {**values, "minutes": round(minutes, 1)},
    )


def _minutes(job: Facts) -> float:
    minutes = (job.time("CompletionDate") - job.time("CreationDate")).total_seconds() / 60
    if minutes < 0:
        gap = Gap("backup:ListRestoreJobs", "NotUnderstood", f"{job.name} was completed before it was created")
        raise Unavailable(gap)
    return minutes


def _measured(known: Sequence[Facts]) -> dict[str, Any]:
    """Return what 95 of 100 restores took at most, in minutes, where enough were measured."""
    took = sorted(_minutes(job) for job in known if job["Status"] == "COMPLETED" and job.get("CompletionDate"))
    if len(took) < _MEASURED_FOR_P95:
        return {}
    return {"restores": len(took), "p95_minutes": round(took[-(-len(took) * 95 // 100) - 1], 1)}
