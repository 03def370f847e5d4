"""AWS Backup: what is protected, recovery points and copies."""

from auditor.collect.declare import Call, Dated, ResourceType

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
