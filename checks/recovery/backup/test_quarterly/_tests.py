"""What shows a test of disaster recovery: drills, switches to another region, restores there, what rehearses its loss."""

from datetime import datetime

from auditor.kit import Facts, Gap, Unavailable
from auditor.kit.arn import region_of
from auditor.kit.rehearsals import EXPERIMENT, Reader, Rehearsal, by_experiment
from auditor.kit.restores import RECOVERY_POINT, RESTORE_JOB, source_of
from auditor.kit.trail import TRAIL_EVENT, record_of

JOB = "AWS::DRS::Job"
PLAN_EXECUTION = "AWS::ARCRegionSwitch::PlanExecution"

DRILLS = ("START_DRILL", "START_RECOVERY")
LAUNCHED = ("LAUNCHED", "TERMINATED")  # terminated: it was launched, and ended again once the drill was over

_SWITCHED = ("completed", "completedMonitoringApplicationHealth")
_NOT_SWITCHED = ("completedWithExceptions", "failed", "planExecutionTimedOut")
_CALLS = ("FailoverGlobalCluster", "SwitchoverGlobalCluster")
_ACROSS_REGIONS = (
    "aws:dynamodb:global-table-pause-replication",
    "aws:network:transit-gateway-disrupt-cross-region-connectivity",
    "aws:s3:bucket-pause-replication",
)
"""Source: AWS FIS User Guide, "AWS FIS actions reference"."""


def _by_drill(job: Facts, since: datetime) -> Rehearsal | None:
    if job["initiatedBy"] not in DRILLS or job["status"] != "COMPLETED" or not job.get("endDateTime"):
        return None
    became = [server.get("launchStatus") for server in job.get("participatingServers", ())]
    if not became:
        return None
    worked = any(status in LAUNCHED for status in became)
    return Rehearsal(job.time("endDateTime"), "a drill of Elastic Disaster Recovery", worked, job.id)


def _by_switch(execution: Facts, since: datetime) -> Rehearsal | None:
    state = execution["executionState"]
    if execution["executionAction"] == "postRecovery" or state not in (*_SWITCHED, *_NOT_SWITCHED):
        return None
    at = execution.time("endTime" if execution.get("endTime") else "startTime")
    return Rehearsal(at, "an execution of a Region switch plan", state in _SWITCHED, execution.id)


def _by_restore(job: Facts, since: datetime) -> Rehearsal | None:
    """A restore in another region than that of what was restored."""
    worked = job["Status"] == "COMPLETED"
    if not worked and job["Status"] not in ("FAILED", "ABORTED"):
        return None
    dated = "CompletionDate" if worked else "CreationDate"
    if job.get("IsParent") or not job.get(dated):
        return None
    at = job.time(dated)
    try:
        home = region_of(source_of(job)) or _vaults_region(job)
    except Unavailable:
        if at < since:
            return None
        raise
    there = region_of(str(job.get("CreatedResourceArn") or "")) or job.region
    return Rehearsal(at, f"a restore in {there} of what is in {home}", worked, job.id) if there != home else None


def _vaults_region(job: Facts) -> str:
    """Return where the vault of what JOB restored was first: a bucket, whose ARN names no region, is backed up in its own.

    Raises Unavailable where the recovery point is gone.
    """
    arn = str(job["RecoveryPointArn"])
    for point in job.known_referrers(RECOVERY_POINT, "RecoveryPointArn", arn):
        return region_of(str(point.get("SourceBackupVaultArn") or "")) or point.region
    job.require_read(RECOVERY_POINT)
    raise Unavailable(
        Gap("backup:ListRecoveryPointsByBackupVault", "NotFound", f"where recovery point {arn} came from is not known")
    )


def _by_call(event: Facts, since: datetime) -> Rehearsal | None:
    if event["EventName"] not in _CALLS or record_of(event).get("errorCode"):
        return None
    done = "switchover" if event["EventName"].startswith("Switchover") else "failover"
    return Rehearsal(event.time("EventTime"), f"a {done} of a global database", True, event.id)


def _by_experiment(experiment: Facts, since: datetime) -> Rehearsal | None:
    return by_experiment(
        experiment,
        "an experiment that cuts regions apart",
        lambda action: action.get("actionId") in _ACROSS_REGIONS,
    )


TESTS: dict[str, Reader] = {
    JOB: _by_drill,
    PLAN_EXECUTION: _by_switch,
    RESTORE_JOB: _by_restore,
    TRAIL_EVENT: _by_call,
    EXPERIMENT: _by_experiment,
}
"""Resource type -> what one of it tells."""
