"""Answers that follow from the demo account and that moto cannot give: copies, restores, failovers, classes, parameters."""

import json
import time
from collections.abc import Mapping
from typing import Any

from auditor.demo.past import ACCOUNT, backend

__all__ = ["copy_jobs", "orderable_classes", "parameters", "region_item", "rehearsals", "restore_jobs"]

_NOW = time.time()
"""When the account was made: what happened before does not move from one scan to the next."""
_PRODUCTION, _SECOND = "eu-west-1", "eu-central-1"
_BURSTABLE = ("micro", "small", "medium", "large")
_LARGE = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge")
_CLASSES = (
    *(f"{family}.{size}" for family in ("t3", "t4g") for size in _BURSTABLE),
    *(f"{family}.{size}" for family in ("m6g", "r6g", "m6i", "r6i", "m5", "r5", "m4") for size in _LARGE),
)
_CONNECTIONS = {
    "postgres": "LEAST({DBInstanceClassMemory/9531392},5000)",
    "aurora-postgresql": "LEAST({DBInstanceClassMemory/9531392},5000)",
    "mysql": "{DBInstanceClassMemory/12582880}",
}
"""Engine -> max_connections in its default parameter group. Source: RDS User Guide, "Quotas and constraints"."""


def region_item(name: str) -> str:
    """Return an enabled region as DescribeRegions writes it."""
    return (
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
        "<optInStatus>opt-in-not-required</optInStatus></item>"
    )


def copy_jobs(region: str) -> list[dict[str, Any]]:
    """Return last night's copies by AWS Backup: production's databases and half of its volumes go to a second region."""
    if region != _PRODUCTION:
        return []
    rds, ec2 = backend("rds", region), backend("ec2", region)
    arns = [record.arn for record in (*rds.databases.values(), *rds.clusters.values())]
    arns += [f"arn:aws:ec2:{region}:{ACCOUNT}:volume/{id}" for id in list(ec2.volumes)[::2]]  # as made: ids are random
    done = _NOW - 5 * 3600
    return [
        {
            "CopyJobId": f"00000000-0000-4000-8000-{number:012}",
            "AccountId": ACCOUNT,
            "ResourceArn": arn,
            "SourceBackupVaultArn": f"arn:aws:backup:{region}:{ACCOUNT}:backup-vault:nightly",
            "DestinationBackupVaultArn": f"arn:aws:backup:{_SECOND}:{ACCOUNT}:backup-vault:second-region",
            "State": "COMPLETED",
            "CreationDate": done - 1800,
            "CompletionDate": done,
        }
        for number, arn in enumerate(arns)
    ]


def restore_jobs(region: str) -> list[dict[str, Any]]:
    """Return the restores by AWS Backup in the last 30 days: of production one database was restored, to see whether it can be."""
    restored = backend("rds", region).databases.get("production-orders")
    if restored is None:
        return []
    source = restored.arn
    done = _NOW - 12 * 86400
    return [
        {
            "RestoreJobId": "00000000-0000-4000-8000-000000000001",
            "AccountId": ACCOUNT,
            "Status": "COMPLETED",
            "SourceResourceArn": source,
            "RecoveryPointArn": f"arn:aws:rds:{region}:{ACCOUNT}:snapshot:awsbackup:job-00000000",
            "ResourceType": "RDS",
            "BackupSizeInBytes": 200 * 2**30,
            "CreatedResourceArn": f"{source}-restored",
            "CreationDate": done - 50 * 60,
            "CompletionDate": done,
        }
    ]


def rehearsals(region: str, body: bytes) -> list[dict[str, Any]]:
    """Return the calls of the asked-for name in the last 90 days: in production two failovers were rehearsed."""
    asked = {pair["AttributeValue"] for pair in json.loads(body or b"{}").get("LookupAttributes", ())}
    called: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("RebootDBInstance", "AWS::RDS::DBInstance", "production-orders", {"forceFailover": True}),
        ("FailoverDBCluster", "AWS::RDS::DBCluster", "production-basket", {}),
    )
    moment = _NOW - 33 * 86400
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    return [
        {
            "EventId": f"00000000-0000-4000-8000-{number:012}",
            "EventName": name,
            "EventSource": "rds.amazonaws.com",
            "EventTime": moment,
            "Username": "alice.meyer",
            "Resources": [{"ResourceType": kind, "ResourceName": resource}],
            "CloudTrailEvent": json.dumps(
                {
                    "eventName": name,
                    "eventTime": when,
                    "eventSource": "rds.amazonaws.com",
                    "requestParameters": {f"dB{kind[12:]}Identifier": resource, **parameters},
                }
            ),
        }
        for number, (name, kind, resource, parameters) in enumerate(called)
        if region == _PRODUCTION and name in asked
    ]


def orderable_classes(given: Mapping[str, str]) -> str:
    """Return the classes an engine runs on, as DescribeOrderableDBInstanceOptions writes them."""
    options = "".join(
        f"<OrderableDBInstanceOption><Engine>{given.get('Engine', '')}</Engine>"
        f"<EngineVersion>{given.get('EngineVersion', '')}</EngineVersion>"
        f"<DBInstanceClass>db.{name}</DBInstanceClass><Vpc>true</Vpc></OrderableDBInstanceOption>"
        for name in _CLASSES
    )
    return f"<OrderableDBInstanceOptions>{options}</OrderableDBInstanceOptions>"


def parameters(given: Mapping[str, str]) -> str:
    """Return the one parameter of a default group that anybody asks for, as DescribeDBParameters writes it."""
    family = given.get("DBParameterGroupName", "").removeprefix("default.").rstrip("0123456789.")
    value = _CONNECTIONS.get(family, "1000")
    return (
        f"<Parameters><Parameter><ParameterName>max_connections</ParameterName><ParameterValue>{value}</ParameterValue>"
        "<Source>engine-default</Source><IsModifiable>true</IsModifiable></Parameter></Parameters>"
    )
