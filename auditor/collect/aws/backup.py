"""AWS Backup: what is protected, recovery points, copies, restores and the plans that test them."""

from auditor.collect.declare import Call, Dated, ResourceType, Row

PROTECTED_RESOURCE = ResourceType(
    "AWS::Backup::ProtectedResource",
    "A resource that AWS Backup has backed up, and when it did last.",
    list=Call("backup", "ListProtectedResources", "Results"),
    # The resource's own ARN is another resource's id.
    id="arn:{partition}:backup:{region}:{account}:protected-resource:{ResourceArn}",
    name="{ResourceArn}",
    volatile=("LastBackupTime", "LastRecoveryPointArn"),
)

BACKUP_VAULT = ResourceType(
    "AWS::Backup::BackupVault",
    "A backup vault.",
    list=Call("backup", "ListBackupVaults", "BackupVaultList"),
    id="{BackupVaultArn}",
    name="{BackupVaultName}",
    volatile=("NumberOfRecoveryPoints",),
)

RECOVERY_POINT = ResourceType(
    "AWS::Backup::RecoveryPoint",
    "A recovery point in a vault.",
    parent="AWS::Backup::BackupVault",
    list=Call(
        "backup", "ListRecoveryPointsByBackupVault", "RecoveryPoints", args={"BackupVaultName": "BackupVaultName"}
    ),
    # Of volumes and databases the recovery point's ARN is that of a snapshot, another resource's id.
    id="arn:{partition}:backup:{region}:{account}:recovery-point:{BackupVaultName}/{RecoveryPointArn}",
    name="{RecoveryPointArn}",
)

COPY_JOB = ResourceType(
    "AWS::Backup::CopyJob",
    "A copy of a recovery point to another vault in the last 30 days.",
    list=Call("backup", "ListCopyJobs", "CopyJobs"),
    id="arn:{partition}:backup:{region}:{account}:copy-job:{CopyJobId}",
    name="{CopyJobId}",
    dated=(Dated("copy", at="CompletionDate", about="ResourceArn", when=lambda job: job.get("State") == "COMPLETED"),),
)

_ENDED_BADLY = ("FAILED", "ABORTED")


def _completed(job: Row) -> bool:
    """Whether it restored something itself: a parent's parts are jobs of their own."""
    return job.get("Status") == "COMPLETED" and not job.get("IsParent")


def _ended_badly(job: Row) -> bool:
    return job.get("Status") in _ENDED_BADLY and not job.get("IsParent")


def _validated(job: Row) -> bool:
    return _completed(job) and job.get("ValidationStatus") in ("SUCCESSFUL", "FAILED", "TIMED_OUT")


RESTORE_JOB = ResourceType(
    "AWS::Backup::RestoreJob",
    "A restore by AWS Backup, by hand or by a restore testing plan, in the last 30 days.",
    list=Call("backup", "ListRestoreJobs", "RestoreJobs"),
    id="arn:{partition}:backup:{region}:{account}:restore-job:{RestoreJobId}",
    name="{RestoreJobId}",
    volatile=("PercentDone",),
    # Three facts of one job, because a row of the ledger cannot change: whether a restore is good is found out later.
    dated=(
        Dated("restore", at="CompletionDate", about="SourceResourceArn", when=_completed),
        Dated("restore-failed", at="CreationDate", about="SourceResourceArn", when=_ended_badly),
        Dated("restore-validation", at="CompletionDate", about="SourceResourceArn", when=_validated),
    ),
)

RESTORE_TESTING_PLAN = ResourceType(
    "AWS::Backup::RestoreTestingPlan",
    "A plan by which AWS Backup restores recovery points to see whether they can be.",
    list=Call("backup", "ListRestoreTestingPlans", "RestoreTestingPlans"),
    id="{RestoreTestingPlanArn}",
    name="{RestoreTestingPlanName}",
    volatile=("LastExecutionTime",),
)

RESTORE_TESTING_SELECTION = ResourceType(
    "AWS::Backup::RestoreTestingSelection",
    "Which resources of one kind a restore testing plan restores.",
    parent="AWS::Backup::RestoreTestingPlan",
    list=Call(
        "backup",
        "ListRestoreTestingSelections",
        "RestoreTestingSelections",
        args={"RestoreTestingPlanName": "RestoreTestingPlanName"},
    ),
    # CloudFormation has no ARN of it either.
    id="arn:{partition}:backup:{region}:{account}:restore-testing-selection:{RestoreTestingPlanName}/{RestoreTestingSelectionName}",
    name="{RestoreTestingSelectionName}",
    details={
        "Selection": Call(
            "backup",
            "GetRestoreTestingSelection",
            "RestoreTestingSelection",
            args={
                "RestoreTestingPlanName": "RestoreTestingPlanName",
                "RestoreTestingSelectionName": "RestoreTestingSelectionName",
            },
        )
    },
    # How a restored database is set up, its passwords' parameters among it.
    drop=("Selection.RestoreMetadataOverrides",),
)
