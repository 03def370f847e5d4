"""Restores, databases and their parts, for the cases."""

import json
from typing import Any

from auditor.kit import ago

ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": ARN,
    "DbiResourceId": "db-ORDERS",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "InstanceCreateTime": ago(days=400),
}
CLUSTER_ARN = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": CLUSTER_ARN,
    "DbClusterResourceId": "cluster-SHOP",
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=400),
}
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/carts"


def table(days: float = 400, **fields: Any) -> dict[str, Any]:
    """A DynamoDB table made so many days ago."""
    return {"TableName": "carts", "Table": {"TableName": "carts", "CreationDateTime": ago(days=days), **fields}}


def job(days: float = 5, arn: str = ARN, kind: str = "RDS", number: int = 1, **fields: Any) -> dict[str, Any]:
    """A restore by AWS Backup that was done so many days ago and took an hour."""
    return {
        "RestoreJobId": f"job-{number}",
        "Status": "COMPLETED",
        "SourceResourceArn": arn,
        "RecoveryPointArn": "arn:aws:rds:eu-west-1:111122223333:snapshot:awsbackup:job-1",
        "ResourceType": kind,
        "CreationDate": ago(days=days, hours=1),
        "CompletionDate": ago(days=days),
        **fields,
    }


def call(name: str, parameters: dict[str, Any], days: float = 20, **record: Any) -> dict[str, Any]:
    """A call that restores a database, as CloudTrail recorded it so many days ago."""
    return {
        "EventId": f"e-{name}",
        "EventName": name,
        "EventTime": ago(days=days),
        "CloudTrailEvent": json.dumps({"eventName": name, "requestParameters": parameters, **record}),
    }
