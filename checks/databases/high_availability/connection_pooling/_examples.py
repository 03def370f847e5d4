"""Databases and the proxies in front of them, for the cases of the pooling checks."""

from typing import Any

DB_PROXY = "AWS::RDS::DBProxy"

NONE: dict[str, Any] = {
    "Metrics": {"DatabaseConnections.Maximum": {"Days": 14, "Period": 86400, "Timestamps": [], "Values": []}}
}
ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "DBInstanceClass": "db.r6g.large",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "DBParameterGroups": [{"DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync"}],
    "PerformanceInsightsEnabled": False,
}
CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "Status": "available",
    "DBClusterMembers": [{"DBInstanceIdentifier": "shop-1", "IsClusterWriter": True, "PromotionTier": 1}],
}
MEMBER: dict[str, Any] = {
    "DBInstanceIdentifier": "shop-1",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:shop-1",
    "DBClusterIdentifier": "shop",
    "DBInstanceClass": "db.serverless",
    "DBInstanceStatus": "available",
    "Engine": "aurora-mysql",
}
PROXY = {
    "DBProxyName": "orders",
    "DBProxyArn": "arn:aws:rds:eu-west-1:111122223333:db-proxy:prx-0123",
    "Status": "available",
    "Targets": [{"Type": "RDS_INSTANCE", "RdsResourceId": "orders", "TargetHealth": {"State": "AVAILABLE"}}],
}
CLUSTER_PROXY = {
    **PROXY,
    "Targets": [
        {"Type": "TRACKED_CLUSTER", "RdsResourceId": "shop"},
        {
            "Type": "RDS_INSTANCE",
            "RdsResourceId": "shop-1",
            "TrackedClusterId": "shop",
            "Role": "READ_WRITE",
            "TargetHealth": {"State": "AVAILABLE"},
        },
    ],
}
