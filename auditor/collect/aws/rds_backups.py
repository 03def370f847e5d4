"""RDS: snapshots, automated backups, events, and who is told of them."""

from auditor.collect.aws.rds import is_rds
from auditor.collect.declare import Call, Dated, ResourceType, Row
from auditor.collect.events import FORTNIGHT, with_event_id

DB_SNAPSHOT = ResourceType(
    "AWS::RDS::DBSnapshot",
    "A snapshot of a database instance that this account owns: manual, automated or by AWS Backup.",
    list=Call("rds", "DescribeDBSnapshots", "DBSnapshots"),
    only=is_rds,
    id="{DBSnapshotArn}",
    name="{DBSnapshotIdentifier}",
    tags="TagList",
    volatile=("PercentProgress",),
    get=Call("rds", "DescribeDBSnapshots", "DBSnapshots", args={"DBSnapshotIdentifier": "DBSnapshotIdentifier"}),
)

DB_CLUSTER_SNAPSHOT = ResourceType(
    "AWS::RDS::DBClusterSnapshot",
    "A snapshot of an Aurora or Multi-AZ DB cluster that this account owns.",
    list=Call("rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots"),
    only=is_rds,
    id="{DBClusterSnapshotArn}",
    name="{DBClusterSnapshotIdentifier}",
    tags="TagList",
    volatile=("PercentProgress",),
    get=Call(
        "rds",
        "DescribeDBClusterSnapshots",
        "DBClusterSnapshots",
        args={"DBClusterSnapshotIdentifier": "DBClusterSnapshotIdentifier"},
    ),
)


def _with_backup_id(backup: Row) -> Row:
    """Return the backup with a BackupId: the database's resource id, its name where an endpoint leaves that out.

    AWS's own DBInstanceAutomatedBackupsArn is missing from the rows of backups that are not replicated.
    """
    return {**backup, "BackupId": backup.get("DbiResourceId") or backup["DBInstanceIdentifier"]}


DB_INSTANCE_AUTOMATED_BACKUP = ResourceType(
    "AWS::RDS::DBInstanceAutomatedBackup",
    "The automated backups of a database instance, and between which moments it can be restored.",
    list=Call("rds", "DescribeDBInstanceAutomatedBackups", "DBInstanceAutomatedBackups"),
    only=is_rds,
    shape=_with_backup_id,
    id="arn:{partition}:rds:{region}:{account}:auto-backup:{BackupId}",
    name="{DBInstanceIdentifier}",
    tags="TagList",
    volatile=("RestoreWindow",),
)

DB_CLUSTER_AUTOMATED_BACKUP = ResourceType(
    "AWS::RDS::DBClusterAutomatedBackup",
    "The automated backups of a cluster, and between which moments it can be restored.",
    list=Call("rds", "DescribeDBClusterAutomatedBackups", "DBClusterAutomatedBackups"),
    only=is_rds,
    id="arn:{partition}:rds:{region}:{account}:cluster-auto-backup:{DbClusterResourceId}",
    name="{DBClusterIdentifier}",
    tags="TagList",
    volatile=("RestoreWindow",),
)

EVENT_SUBSCRIPTION = ResourceType(
    "AWS::RDS::EventSubscription",
    "Which events of RDS, DocumentDB and Neptune go to which SNS topic.",
    list=Call("rds", "DescribeEventSubscriptions", "EventSubscriptionsList"),
    id="{EventSubscriptionArn}",
    name="{CustSubscriptionId}",
)

EVENT = ResourceType(
    "AWS::RDS::Event",
    "A step of a failover of a database instance or cluster in the last 14 days; other events are not asked for.",
    list=tuple(
        Call(
            "rds",
            "DescribeEvents",
            "Events",
            params={"SourceType": source, "EventCategories": ["failover"], "Duration": FORTNIGHT},
        )
        for source in ("db-instance", "db-cluster")
    ),
    shape=with_event_id,
    id="arn:{partition}:rds:{region}:{account}:event:{SourceType}:{SourceIdentifier}:{EventId}",
    name="{SourceIdentifier}",
    dated=(
        Dated(
            "failover",
            at="Date",
            about="SourceArn",
            when=lambda event: "completed" in str(event.get("Message", "")).lower(),
        ),
    ),
)
