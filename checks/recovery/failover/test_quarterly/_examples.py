"""Databases with a standby, and what shows that they failed over, for the cases."""

import json
from collections.abc import Mapping
from typing import Any

from auditor.kit import ago

ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
CLUSTER_ARN = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": ARN,
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "MultiAZ": True,
    "InstanceCreateTime": ago(days=400),
}
CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": CLUSTER_ARN,
    "Engine": "aurora-mysql",
    "Status": "available",
    "ClusterCreateTime": ago(days=400),
    "DBClusterMembers": [
        {"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True},
        {"DBInstanceIdentifier": "shop-2", "IsClusterWriter": False},
    ],
}


def event(message: str, arn: str = ARN, days: float = 5) -> dict[str, Any]:
    """An event of RDS, for the cases."""
    return {
        "SourceIdentifier": arn.rpartition(":")[2],
        "SourceType": "db-instance" if arn == ARN else "db-cluster",
        "SourceArn": arn,
        "EventCategories": ["failover"],
        "Message": message,
        "Date": ago(days=days),
    }


def call(name: str, database: str, parameters: Mapping[str, Any], **record: str) -> dict[str, Any]:
    """A call that CloudTrail recorded, for the cases."""
    return {
        "EventId": "e-1",
        "EventName": name,
        "EventTime": ago(days=40),
        "Resources": [{"ResourceType": "AWS::RDS::DBInstance", "ResourceName": database}],
        "CloudTrailEvent": json.dumps({"eventName": name, "requestParameters": parameters, **record}),
    }


def fis_experiment(
    action: str, arn: str | None, days: float = 40, status: str = "completed", **parameters: str
) -> dict[str, Any]:
    """An experiment of Fault Injection Service, its targets named by ARN or by tag, for the cases."""
    return {
        "id": "EXP1",
        "arn": "arn:aws:fis:eu-west-1:111122223333:experiment/EXP1",
        "state": {"status": status},
        "Experiment": {
            "id": "EXP1",
            "state": {"status": status},
            "endTime": ago(days=days),
            "actions": {
                "fail": {
                    "actionId": action,
                    "parameters": parameters,
                    "targets": {"Clusters": "databases"},
                    "state": {"status": status},
                }
            },
            "targets": {"databases": {"resourceArns": [arn]} if arn else {"resourceTags": {"Environment": "staging"}}},
        },
        "ResolvedTargets": [],
    }


CARTS: dict[str, Any] = {
    "ReplicationGroupId": "carts",
    "ARN": "arn:aws:elasticache:eu-west-1:111122223333:replicationgroup:carts",
    "AutomaticFailover": "enabled",
    "Status": "available",
    "ReplicationGroupCreateTime": ago(days=400),
}


def cache_event(
    message: str = "Failover from primary node carts-001 to replica node carts-002 completed",
    days: float = 5,
    group: str = "carts",
) -> dict[str, Any]:
    """An event of ElastiCache, for the cases."""
    return {
        "SourceIdentifier": group,
        "SourceType": "replication-group",
        "Message": message,
        "Date": ago(days=days),
    }
