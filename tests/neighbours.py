"""What the simulated account lacks or its endpoint cannot answer, so that every declared call is made and decides something."""

from collections.abc import Callable, Mapping
from typing import Any

from auditor.aws.answer import CallError, Fault

__all__ = ["ADDED"]

Rows = Mapping[str, Any]
Ask = Callable[[str, str, Rows, str], Any]
"""Asks the account itself (service, operation, params, region)."""

_ACCOUNT = "123456789012"


def _arn(service: str, region: str, rest: str) -> str:
    return f"arn:aws:{service}:{region}:{_ACCOUNT}:{rest}"


def _balancers(ask: Ask, region: str, type: str) -> list[Any]:
    found = ask("elbv2", "DescribeLoadBalancers", {}, region).parsed["LoadBalancers"]
    return [balancer for balancer in found if balancer["Type"] == type]


def _groups(ask: Ask, region: str) -> list[str]:
    """Return security groups, those that nobody names first: in them it shows who does."""
    found = ask("ec2", "DescribeSecurityGroups", {"MaxResults": 1000}, region).parsed["SecurityGroups"]
    busy = {
        group["GroupId"]
        for interface in ask("ec2", "DescribeNetworkInterfaces", {}, region).parsed["NetworkInterfaces"]
        for group in interface["Groups"]
    }
    own = [group["GroupId"] for group in found if group["GroupName"] != "default"]
    return sorted(own, key=lambda id: (id in busy, id))


def _databases(ask: Ask, region: str) -> list[Any]:
    return list(ask("rds", "DescribeDBInstances", {}, region).parsed["DBInstances"])


def _clusters(ask: Ask, region: str) -> list[Any]:
    return list(ask("rds", "DescribeDBClusters", {}, region).parsed["DBClusters"])


def _volumes(ask: Ask, region: str) -> list[str]:
    found = ask("ec2", "DescribeVolumes", {"MaxResults": 1000}, region).parsed["Volumes"]
    return [_arn("ec2", region, f"volume/{volume['VolumeId']}") for volume in found]


def _scaled(ask: Ask, region: str) -> list[Any]:
    found = ask("autoscaling", "DescribeAutoScalingGroups", {"MaxRecords": 100}, region)
    return list(found.parsed["AutoScalingGroups"])


# ---- networks --------------------------------------------------------------------------------------------------------


def _web_acls(ask: Ask, params: Rows, region: str) -> Rows:
    return {"WebACLs": [{"Name": "front", "Id": "1", "ARN": _arn("wafv2", region, "regional/webacl/front/1")}]}


def _guarded(ask: Ask, region: str) -> list[str]:
    return [balancer["LoadBalancerArn"] for balancer in _balancers(ask, region, "application")][:1]


def _acl_of(ask: Ask, params: Rows, region: str) -> Rows:
    if params["ResourceArn"] not in _guarded(ask, region):
        raise CallError(Fault.GONE, "WAFNonexistentItemException", "no web ACL")
    return {"WebACL": _web_acls(ask, {}, region)["WebACLs"][0]}


def _references(ask: Ask, params: Rows, region: str) -> Rows:
    peer = {"ReferencingVpcId": "vpc-0123456789abcdef0", "VpcPeeringConnectionId": "pcx-0123456789abcdef0"}
    return {"SecurityGroupReferenceSet": [{"GroupId": _groups(ask, region)[0], **peer}]}


def _peerings(ask: Ask, params: Rows, region: str) -> Rows:
    return {"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-0123456789abcdef0"}]}


def _stale(ask: Ask, params: Rows, region: str) -> Rows:
    found = ask("ec2", "DescribeSecurityGroups", {"MaxResults": 1000}, region).parsed["SecurityGroups"]
    here = [group for group in found if group["VpcId"] == params["VpcId"] and group["GroupName"] != "default"]
    pair = {"GroupId": "sg-0123456789abcdef0", "UserId": _ACCOUNT, "PeeringStatus": "deleted"}
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [pair]}
    return {
        "StaleSecurityGroupSet": [
            {"GroupId": g["GroupId"], "GroupName": g["GroupName"], "VpcId": g["VpcId"], "StaleIpPermissions": [rule]}
            for g in here[:1]
        ]
    }


def _prefix_lists(ask: Ask, params: Rows, region: str) -> Rows:
    own = {"PrefixListId": "pl-0123456789abcdef0", "PrefixListName": "offices", "OwnerId": _ACCOUNT}
    return {"PrefixLists": [{**own, "PrefixListArn": _arn("ec2", region, "prefix-list/pl-0123456789abcdef0")}]}


def _endpoint_services(ask: Ask, params: Rows, region: str) -> Rows:
    arns = [balancer["LoadBalancerArn"] for balancer in _balancers(ask, region, "network")][:1]
    service = {"ServiceId": "vpce-svc-1", "ServiceName": f"com.amazonaws.vpce.{region}.vpce-svc-1"}
    return {"ServiceConfigurations": [{**service, "NetworkLoadBalancerArns": arns}]}


def _hosted(ask: Ask, params: Rows, region: str) -> Rows:
    records = [
        {"Name": f"www{number}.example.com.", "Type": "A", "AliasTarget": {"DNSName": f"{balancer['DNSName']}."}}
        for number, balancer in enumerate(_balancers(ask, "eu-west-1", "application"))
    ]
    return {"ResourceRecordSets": records}


# ---- what runs in the security groups --------------------------------------------------------------------------------


def _user_of(place: int) -> Callable[[Ask, str], list[str]]:
    return lambda ask, region: _groups(ask, region)[place : place + 1]


def _projects(ask: Ask, params: Rows, region: str) -> Rows:
    where = {"vpcId": "vpc-1", "securityGroupIds": _user_of(1)(ask, region)}
    return {"projects": [{"name": "build", "arn": _arn("codebuild", region, "project/build"), "vpcConfig": where}]}


def _functions(ask: Ask, params: Rows, region: str) -> Rows:
    arn = _arn("lambda", region, "function:thumbs")
    where = {"VpcId": "vpc-1", "SecurityGroupIds": _user_of(2)(ask, region)}
    return {"Functions": [{"FunctionName": "thumbs", "FunctionArn": arn, "VpcConfig": where}]}


def _environments(ask: Ask, params: Rows, region: str) -> Rows:
    arn = _arn("batch", region, "compute-environment/nightly")
    machines = {"type": "EC2", "securityGroupIds": _user_of(3)(ask, region)}
    named = {"computeEnvironmentName": "nightly", "computeEnvironmentArn": arn, "computeResources": machines}
    return {"computeEnvironments": [named]}


def _ecs_clusters(ask: Ask, params: Rows, region: str) -> Rows:
    return {"clusters": [{"clusterArn": _arn("ecs", region, "cluster/main"), "capacityProviders": ["own"]}]}


def _providers(ask: Ask, params: Rows, region: str) -> Rows:
    group = _scaled(ask, region)[0]["AutoScalingGroupARN"]
    scaling = {"autoScalingGroupArn": group, "managedScaling": {"status": "ENABLED", "targetCapacity": 80}}
    arn = _arn("ecs", region, "capacity-provider/own")
    return {
        "capacityProviders": [
            {"name": "own", "capacityProviderArn": arn, "status": "ACTIVE", "autoScalingGroupProvider": scaling}
        ]
    }


def _services(ask: Ask, params: Rows, region: str) -> Rows:
    where = {"awsvpcConfiguration": {"subnets": [], "securityGroups": _user_of(4)(ask, region)}}
    arn = _arn("ecs", region, "service/main/app")
    return {"services": [{"serviceName": "app", "serviceArn": arn, "networkConfiguration": where}]}


# ---- databases -------------------------------------------------------------------------------------------------------


def _cluster_backups(ask: Ask, params: Rows, region: str) -> Rows:
    return {
        "DBClusterAutomatedBackups": [
            {
                "DBClusterIdentifier": cluster["DBClusterIdentifier"],
                "DbClusterResourceId": cluster["DbClusterResourceId"],
                "DBClusterArn": cluster["DBClusterArn"],
                "Engine": cluster["Engine"],
                "Status": "active",
                "RestoreWindow": {"EarliestTime": "2026-01-01T00:00:00+00:00"},
            }
            for cluster in _clusters(ask, region)
        ]
    }


def _global_clusters(ask: Ask, params: Rows, region: str) -> Rows:
    members = [
        {"DBClusterArn": cluster["DBClusterArn"], "IsWriter": True, "Readers": []}
        for cluster in _clusters(ask, region)[:1]
    ]
    named = {"GlobalClusterIdentifier": "world", "Engine": "aurora-postgresql", "GlobalClusterMembers": members}
    return {"GlobalClusters": [named] if members else []}


def _proxies(ask: Ask, params: Rows, region: str) -> Rows:
    arn = _arn("rds", region, "db-proxy:prx-1")
    return {"DBProxies": [{"DBProxyName": "pool", "DBProxyArn": arn, "Status": "available", "EngineFamily": "MYSQL"}]}


def _proxy_targets(ask: Ask, params: Rows, region: str) -> Rows:
    return {
        "Targets": [
            {"RdsResourceId": database["DBInstanceIdentifier"], "Type": "RDS_INSTANCE", "Role": "READ_WRITE"}
            for database in _databases(ask, region)[:2]
        ]
    }


# ---- backups ---------------------------------------------------------------------------------------------------------


def _protected(ask: Ask, region: str) -> list[str]:
    databases = [row["DBInstanceArn"] for row in _databases(ask, region)[:2]]
    return databases + [row["DBClusterArn"] for row in _clusters(ask, region)[:1]] + _volumes(ask, region)[:2]


def _protected_resources(ask: Ask, params: Rows, region: str) -> Rows:
    last = {"ResourceType": "RDS", "LastBackupTime": "2026-01-01T00:00:00+00:00"}
    return {"Results": [{"ResourceArn": arn, **last} for arn in _protected(ask, region)]}


def _vaults(ask: Ask, params: Rows, region: str) -> Rows:
    return {
        "BackupVaultList": [{"BackupVaultName": "main", "BackupVaultArn": _arn("backup", region, "backup-vault:main")}]
    }


def _recovery_points(ask: Ask, params: Rows, region: str) -> Rows:
    return {
        "RecoveryPoints": [
            {
                "RecoveryPointArn": _arn("backup", region, f"recovery-point:{number}"),
                "BackupVaultName": "main",
                "ResourceArn": arn,
                "ResourceType": "RDS",
                "Status": "COMPLETED",
                "CreationDate": "2026-01-01T00:00:00+00:00",
                "CalculatedLifecycle": {"DeleteAt": "2036-01-01T00:00:00+00:00"},
            }
            for number, arn in enumerate(_protected(ask, region))
        ]
    }


def _restores(ask: Ask, params: Rows, region: str) -> Rows:
    """One database was restored long ago: nothing shows that any was in the last month."""
    done = {"Status": "COMPLETED", "CreationDate": "2026-01-01T00:00:00+00:00"}
    return {
        "RestoreJobs": [
            {
                **done,
                "RestoreJobId": f"job-{number}",
                "SourceResourceArn": arn,
                "RecoveryPointArn": _arn("backup", region, f"recovery-point:{number}"),
                "ResourceType": "RDS",
                "CompletionDate": "2026-01-01T01:00:00+00:00",
                "CreatedBy": {"RestoreTestingPlanArn": _arn("backup", region, "restore-testing-plan:monthly")},
                "ValidationStatus": "SUCCESSFUL",
            }
            for number, arn in enumerate(_protected(ask, region)[:1])
        ]
    }


def _restore_plans(ask: Ask, params: Rows, region: str) -> Rows:
    plan = {
        "RestoreTestingPlanArn": _arn("backup", region, "restore-testing-plan:monthly"),
        "RestoreTestingPlanName": "monthly",
        "ScheduleExpression": "cron(0 5 1 * ? *)",
        "CreationTime": "2026-01-01T00:00:00+00:00",
    }
    return {"RestoreTestingPlans": [plan]}


def _policies(ask: Ask, params: Rows, region: str) -> Rows:
    return {"Policies": [{"PolicyId": "policy-1", "State": "ENABLED", "Description": "daily"}]}


def _policy(ask: Ask, params: Rows, region: str) -> Rows:
    schedule = {"Name": "daily", "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS"}, "CrossRegionCopyRules": []}
    return {"Policy": {"PolicyId": "policy-1", "PolicyDetails": {"ResourceTypes": ["VOLUME"], "Schedules": [schedule]}}}


def _servers(ask: Ask, params: Rows, region: str) -> Rows:
    instances = ask("ec2", "DescribeInstances", {"MaxResults": 1000}, region).parsed["Reservations"][:1]
    return {
        "items": [
            {
                "sourceServerID": "s-1",
                "arn": _arn("drs", region, "source-server/s-1"),
                "sourceProperties": {
                    "identificationHints": {"awsInstanceID": reservation["Instances"][0]["InstanceId"]}
                },
                "dataReplicationInfo": {"dataReplicationState": "CONTINUOUS", "lagDuration": "PT1S"},
                "lifeCycle": {
                    "addedToServiceDateTime": "2025-01-01T00:00:00Z",
                    "lastLaunch": {
                        "initiated": {"apiCallDateTime": "2026-01-01T00:00:00Z", "jobID": "drsjob-1", "type": "DRILL"},
                        "status": "LAUNCHED",
                    },
                },
                "lastLaunchResult": "SUCCEEDED",
            }
            for reservation in instances
        ]
    }


def _drills(ask: Ask, params: Rows, region: str) -> Rows:
    """The server was launched in a drill long ago."""
    job = {"jobID": "drsjob-1", "arn": _arn("drs", region, "job/drsjob-1"), "status": "COMPLETED", "type": "LAUNCH"}
    times = {"creationDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-01-01T01:00:00Z"}
    servers = [{"sourceServerID": "s-1", "launchStatus": "LAUNCHED"}]
    return {"items": [{**job, **times, "initiatedBy": "START_DRILL", "participatingServers": servers}]}


def _plans(ask: Ask, params: Rows, region: str) -> Rows:
    arn = f"arn:aws:arc-region-switch::{_ACCOUNT}:plan/shop:abc123"
    return {"plans": [{"arn": arn, "name": "shop", "owner": _ACCOUNT, "regions": ["eu-west-1", "eu-central-1"]}]}


def _executions(ask: Ask, params: Rows, region: str) -> Rows:
    """The plan was executed long ago; both of its regions tell."""
    done = {"executionId": "1", "executionState": "completed", "executionAction": "activate", "mode": "graceful"}
    times = {"startTime": "2026-01-01T00:00:00+00:00", "endTime": "2026-01-01T00:30:00+00:00"}
    return {"items": [{**done, **times, "planArn": params["planArn"], "executionRegion": "eu-central-1"}]}


def _shiftable(ask: Ask, params: Rows, region: str) -> Rows:
    arns = [balancer["LoadBalancerArn"] for balancer in _balancers(ask, region, "application")][:1]
    return {"items": [{"arn": arn, "name": "front", "practiceRunStatus": "ENABLED"} for arn in arns]}


def _shifts(ask: Ask, params: Rows, region: str) -> Rows:
    """Its traffic was practised to leave a zone long ago."""
    shift = {"zonalShiftId": "1", "shiftType": "PRACTICE_RUN", "practiceRunOutcome": "SUCCEEDED", "status": "EXPIRED"}
    times = {"startTime": "2026-01-01T00:00:00+00:00", "expiryTime": "2026-01-01T00:30:00+00:00"}
    shiftable = _shiftable(ask, params, region)["items"]
    return {"items": [{**shift, **times, "resourceIdentifier": row["arn"]} for row in shiftable]}


# ---- rehearsals and advice -------------------------------------------------------------------------------------------


def _experiments(ask: Ask, params: Rows, region: str) -> Rows:
    known = {"id": "EXP1", "arn": _arn("fis", region, "experiment/EXP1"), "state": {"status": "completed"}}
    return {"experiments": [{**known, "creationTime": "2026-01-01T00:00:00+00:00"}]}


def _experiment(ask: Ask, params: Rows, region: str) -> Rows:
    action = {
        "actionId": "aws:rds:failover-db-cluster",
        "state": {"status": "completed"},
        "targets": {"Clusters": "all"},
    }
    times = {"startTime": "2026-01-01T00:00:00+00:00", "endTime": "2026-01-01T01:00:00+00:00"}
    return {"experiment": {"id": "EXP1", "state": {"status": "completed"}, "actions": {"fail": action}, **times}}


def _resolved(ask: Ask, params: Rows, region: str) -> Rows:
    return {
        "resolvedTargets": [
            {
                "targetName": "all",
                "resourceType": "aws:rds:cluster",
                "targetInformation": {"arn": cluster["DBClusterArn"]},
            }
            for cluster in _clusters(ask, region)[:1]
        ]
    }


def _volume_advice(ask: Ask, params: Rows, region: str) -> Rows:
    finding = {"finding": "NotOptimized", "volumeRecommendationOptions": []}
    return {"volumeRecommendations": [{"volumeArn": arn, **finding} for arn in _volumes(ask, region)[:2]]}


def _database_advice(ask: Ask, params: Rows, region: str) -> Rows:
    finding = {"instanceFinding": "Overprovisioned", "instanceRecommendationOptions": []}
    return {
        "rdsDBRecommendations": [{"resourceArn": d["DBInstanceArn"], **finding} for d in _databases(ask, region)[:2]]
    }


# ---- people, logs, events --------------------------------------------------------------------------------------------


def _credentials(ask: Ask, params: Rows, region: str) -> Rows:
    known = {"Status": "Active", "ServiceName": "codecommit.amazonaws.com", "CreateDate": "2020-01-01T00:00:00+00:00"}
    named = {"UserName": "backup", "ServiceUserName": "backup-at-123456789012", "ServiceSpecificCredentialId": "ACCA1"}
    return {"ServiceSpecificCredentials": [{**known, **named}]}


def _delivery_sources(ask: Ask, params: Rows, region: str) -> Rows:
    arns = [balancer["LoadBalancerArn"] for balancer in _balancers(ask, region, "network")][:1]
    named = {"name": "logs", "arn": _arn("logs", region, "delivery-source:logs"), "logType": "NLB_ACCESS_LOGS"}
    return {"deliverySources": [{**named, "resourceArns": arns}]}


def _rules(ask: Ask, params: Rows, region: str) -> Rows:
    pattern = '{"source": ["aws.rds"], "detail-type": ["RDS DB Instance Event"]}'
    named = {"Name": "failovers", "Arn": _arn("events", region, "rule/failovers"), "State": "ENABLED"}
    return {"Rules": [{**named, "EventPattern": pattern}]}


def _rule_targets(ask: Ask, params: Rows, region: str) -> Rows:
    topics = ask("sns", "ListTopics", {}, region).parsed["Topics"]
    return {"Targets": [{"Id": str(number), "Arn": topic["TopicArn"]} for number, topic in enumerate(topics)]}


def _always(answer: Rows) -> Callable[[Ask, Rows, str], Rows]:
    return lambda ask, params, region: answer


ADDED: Mapping[tuple[str, str], Callable[[Ask, Rows, str], Rows]] = {
    ("arc-region-switch", "ListPlanExecutions"): _executions,
    ("arc-region-switch", "ListPlans"): _plans,
    ("arc-zonal-shift", "ListManagedResources"): _shiftable,
    ("arc-zonal-shift", "ListZonalShifts"): _shifts,
    ("backup", "GetRestoreTestingSelection"): _always({"RestoreTestingSelection": {"ProtectedResourceArns": ["*"]}}),
    ("backup", "ListBackupVaults"): _vaults,
    ("backup", "ListProtectedResources"): _protected_resources,
    ("backup", "ListRecoveryPointsByBackupVault"): _recovery_points,
    ("backup", "ListRestoreJobs"): _restores,
    ("backup", "ListRestoreTestingPlans"): _restore_plans,
    ("backup", "ListRestoreTestingSelections"): _always(
        {
            "RestoreTestingSelections": [
                {
                    "RestoreTestingPlanName": "monthly",
                    "RestoreTestingSelectionName": "databases",
                    "ProtectedResourceType": "RDS",
                }
            ]
        }
    ),
    ("batch", "DescribeComputeEnvironments"): _environments,
    ("codebuild", "BatchGetProjects"): _projects,
    ("codebuild", "ListProjects"): _always({"projects": ["build"]}),
    ("compute-optimizer", "GetEBSVolumeRecommendations"): _volume_advice,
    ("compute-optimizer", "GetRDSDatabaseRecommendations"): _database_advice,
    ("dlm", "GetLifecyclePolicies"): _policies,
    ("dlm", "GetLifecyclePolicy"): _policy,
    ("drs", "DescribeJobs"): _drills,
    ("drs", "DescribeSourceServers"): _servers,
    ("dynamodb", "DescribeTable"): _always(
        {"Table": {"TableName": "carts", "CreationDateTime": "2020-01-01T00:00:00+00:00"}}
    ),
    ("dynamodb", "ListTables"): _always({"TableNames": ["carts"]}),
    ("ec2", "DescribeManagedPrefixLists"): _prefix_lists,
    ("ec2", "DescribeSecurityGroupReferences"): _references,
    ("ec2", "DescribeStaleSecurityGroups"): _stale,
    ("ec2", "DescribeVpcEndpointServiceConfigurations"): _endpoint_services,
    ("ec2", "DescribeVpcPeeringConnections"): _peerings,
    ("ec2", "GetManagedPrefixListEntries"): _always({"Entries": [{"Cidr": "192.0.2.0/24"}]}),
    ("ecs", "DescribeCapacityProviders"): _providers,
    ("ecs", "DescribeClusters"): _ecs_clusters,
    ("ecs", "DescribeServices"): _services,
    ("ecs", "ListClusters"): lambda ask, params, region: {"clusterArns": [_arn("ecs", region, "cluster/main")]},
    ("ecs", "ListServices"): lambda ask, params, region: {"serviceArns": [_arn("ecs", region, "service/main/app")]},
    ("events", "ListRules"): _rules,
    ("events", "ListTargetsByRule"): _rule_targets,
    ("fis", "GetExperiment"): _experiment,
    ("fis", "ListExperimentResolvedTargets"): _resolved,
    ("fis", "ListExperiments"): _experiments,
    ("iam", "ListServiceSpecificCredentials"): _credentials,
    ("lambda", "ListFunctions"): _functions,
    ("logs", "DescribeDeliverySources"): _delivery_sources,
    ("rds", "DescribeDBClusterAutomatedBackups"): _cluster_backups,
    ("rds", "DescribeDBProxies"): _proxies,
    ("rds", "DescribeDBProxyTargetGroups"): _always({"TargetGroups": [{"TargetGroupName": "default"}]}),
    ("rds", "DescribeDBProxyTargets"): _proxy_targets,
    ("rds", "DescribeGlobalClusters"): _global_clusters,
    ("route53", "ListHostedZones"): _always({"HostedZones": [{"Id": "/hostedzone/Z1", "Name": "example.com."}]}),
    ("route53", "ListResourceRecordSets"): _hosted,
    ("wafv2", "GetWebACLForResource"): _acl_of,
    ("wafv2", "ListResourcesForWebACL"): lambda ask, params, region: {"ResourceArns": _guarded(ask, region)},
    ("wafv2", "ListWebACLs"): _web_acls,
}
