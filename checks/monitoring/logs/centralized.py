"""Centralized logging: what writes logs sends them to a place where they are kept and found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.kit import MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, check
from auditor.kit.databases import DB_CLUSTER, DB_INSTANCE, engine_family, skip_member, skip_transient

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CLASSIC_LOAD_BALANCER = "AWS::ElasticLoadBalancing::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
DELIVERY_SOURCE = "AWS::Logs::DeliverySource"

_AUDITED = ("mysql", "mariadb", "aurora-mysql")
"""The engines whose audit log can be exported. Source: RDS User Guide, "Publishing database logs to Amazon CloudWatch Logs"."""


@dataclass(frozen=True, slots=True)
class CentralizedLogging:
    """The numbers of "Centralized logging"."""

    central_mode: str
    central_destinations: tuple[str, ...]
    exempt_groups: tuple[str, ...]
    access_logs_required: bool
    strict_filters: bool
    idle_group_max_days: int
    remote_log_drivers: tuple[str, ...]
    ecs_host_agent: bool
    eks_log_types: tuple[str, ...]
    rds_audit_required: bool
    log_agents: tuple[str, ...]
    log_agent_max_age_hours: int
    rds_log_exports: Mapping[str, str]


_ORDERS: dict[str, Any] = {
    "DBInstanceIdentifier": "orders",
    "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "Engine": "postgres",
    "DBInstanceStatus": "available",
    "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
}
_CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop",
    "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:shop",
    "Engine": "aurora-mysql",
    "Status": "available",
    "EnabledCloudwatchLogsExports": ["error", "slowquery"],
}


def _silent(document: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The document without exports, for the cases: AWS leaves the list out when nothing is exported."""
    return {key: value for key, value in document.items() if key != "EnabledCloudwatchLogsExports"} | fields


@check(
    "rds-instance-log-exports",
    pattern="monitoring.logs.centralized",
    on=(DB_INSTANCE, DB_CLUSTER),
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds modify-db-instance --db-instance-identifier {name} --cloudwatch-logs-export-configuration EnableLogTypes={facts.missing}"
        "  # a cluster: aws rds modify-db-cluster --db-cluster-identifier {name} --cloudwatch-logs-export-configuration EnableLogTypes={facts.missing}",
        terraform="aws_db_instance.enabled_cloudwatch_logs_exports",
    ),
    same_as=(
        "prowler:rds_instance_integration_cloudwatch_logs",
        "prowler:rds_cluster_integration_cloudwatch_logs",
        "fsbp:RDS.9",
        "fsbp:RDS.34",
        "fsbp:RDS.36",
    ),
    passes=[
        Case(_ORDERS),
        Case(_CLUSTER, type=DB_CLUSTER),
        Case({**_ORDERS, "Engine": "sqlserver-se", "EnabledCloudwatchLogsExports": ["error", "agent"]}),
        Case({**_ORDERS, "Engine": "oracle-ee-cdb", "EnabledCloudwatchLogsExports": ["alert", "audit", "listener"]}),
        Case({**_ORDERS, "Engine": "db2-se", "EnabledCloudwatchLogsExports": ["diag.log"]}),
    ],
    fails=[
        Case(_silent(_ORDERS)),
        Case({**_ORDERS, "EnabledCloudwatchLogsExports": ["upgrade"]}),
        Case({**_ORDERS, "Engine": "oracle-se2", "EnabledCloudwatchLogsExports": ["alert"]}),
        Case(_silent(_CLUSTER), type=DB_CLUSTER),
    ],
    skips=[
        Case(_silent(_ORDERS, DBClusterIdentifier="shop", Engine="aurora-postgresql")),
        Case(_silent(_ORDERS, Engine="custom-sqlserver-ee")),
        Case(_silent(_ORDERS, DBInstanceStatus="creating")),
    ],
)
def rds_instance_log_exports(database: Facts, want: CentralizedLogging) -> Iterator[Evidence]:
    """A database sends its log to CloudWatch Logs.

    Why: on the instance the log is kept a few days at most, and is gone with it, just when it is needed.

    Fix: switch the export of the engine's log types on.

    Source: RDS User Guide, "Publishing database logs to Amazon CloudWatch Logs"; FSBP RDS.9, RDS.34 and RDS.36; the standard's
    "Centralized logging".
    """
    skip_member(database)
    family = engine_family(database["Engine"])
    if family not in want.rds_log_exports:
        raise NotApplicable("this engine exports no logs")
    skip_transient(database)
    needed = set(want.rds_log_exports[family].split(","))
    if want.rds_audit_required and family in _AUDITED:
        needed.add("audit")
    exported = set(database.get("EnabledCloudwatchLogsExports", ()))
    if missing := sorted(needed - exported):
        yield Evidence(
            f"does not export its log: {', '.join(missing)} missing",
            {"exported": sorted(exported), "missing": missing},
        )


def _logging(enabled: str = "true", bucket: str = "logs") -> list[dict[str, str]]:
    """The attributes of a load balancer, for the cases."""
    return [
        {"Key": "access_logs.s3.enabled", "Value": enabled},
        {"Key": "access_logs.s3.bucket", "Value": bucket},
        {"Key": "idle_timeout.timeout_seconds", "Value": "60"},
    ]


_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123"
_ALB: dict[str, Any] = {
    "LoadBalancerArn": _ARN,
    "LoadBalancerName": "web",
    "Type": "application",
    "Attributes": _logging(),
}
_QUIET = {**_ALB, "Attributes": _logging("false", "")}
_NLB = {**_ALB, "Type": "network"}
_QUIET_NLB = {**_QUIET, "Type": "network"}
_CLASSIC: dict[str, Any] = {
    "LoadBalancerName": "old",
    "LoadBalancerAttributes": {"AccessLog": {"Enabled": True, "S3BucketName": "logs", "EmitInterval": 60}},
}


def _listener(protocol: str) -> dict[str, Any]:
    return {"ListenerArn": f"{_ARN}/{protocol}", "LoadBalancerArn": _ARN, "Protocol": protocol, "Port": 443}


def _source(log_type: str) -> dict[str, Any]:
    return {
        "name": "web",
        "arn": "arn:aws:logs:eu-west-1:111122223333:delivery-source:web",
        "resourceArns": [_ARN],
        "service": "elasticloadbalancing",
        "logType": log_type,
    }


@check(
    "load-balancer-access-logging",
    pattern=("monitoring.logs.centralized", "security.access.audit-logging"),
    on=(LOAD_BALANCER, CLASSIC_LOAD_BALANCER),
    severity=MEDIUM,
    fix=Fix(
        cli="aws elbv2 modify-load-balancer-attributes --load-balancer-arn {id} --attributes Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=BUCKET"
        "  # a Classic one: aws elb modify-load-balancer-attributes --load-balancer-name {name} --load-balancer-attributes AccessLog={Enabled=true,S3BucketName=BUCKET}",
        terraform="aws_lb.access_logs",
    ),
    reads=(LISTENER, DELIVERY_SOURCE),
    same_as=("prowler:elbv2_logging_enabled", "prowler:elb_logging_enabled", "fsbp:ELB.5"),
    passes=[
        Case(_ALB),
        Case(_QUIET, related={DELIVERY_SOURCE: [_source("ALB_ACCESS_LOGS")]}),
        Case(_NLB, related={LISTENER: [_listener("TLS")]}),
        Case(_CLASSIC, type=CLASSIC_LOAD_BALANCER),
    ],
    fails=[
        Case(_QUIET),
        Case({**_ALB, "Attributes": []}, why="what is not set is off"),
        Case(_QUIET, related={DELIVERY_SOURCE: [_source("ALB_HEALTH_CHECK_LOGS")]}),
        Case(_QUIET_NLB, related={LISTENER: [_listener("TCP"), _listener("TLS")]}),
        Case({**_CLASSIC, "LoadBalancerAttributes": {"AccessLog": {"Enabled": False}}}, type=CLASSIC_LOAD_BALANCER),
    ],
    skips=[
        Case({**_QUIET, "Type": "gateway"}),
        Case(_QUIET_NLB, related={LISTENER: [_listener("TCP")]}),
    ],
    unknowns=[
        Case(_QUIET, gaps={"Attributes": Gap("elasticloadbalancing:DescribeLoadBalancerAttributes", "AccessDenied")}),
        Case(_QUIET, unread=[DELIVERY_SOURCE]),
        Case(_QUIET_NLB, unread=[LISTENER]),
    ],
)
def load_balancer_access_logging(balancer: Facts, want: CentralizedLogging) -> Iterator[Evidence]:
    """A load balancer logs every request.

    Why: it is often the only record of who asked for what: without it an attack or an error cannot be traced.

    Fix: switch access logs on, to a bucket or a log group.

    Source: Elastic Load Balancing user guides, "Access logs" (a Network Load Balancer logs TLS listeners only); FSBP ELB.5; the
    standard's "Centralized logging" and "Audit logging".
    """
    if not want.access_logs_required:
        raise NotApplicable("access logs are not required")
    if balancer.type == CLASSIC_LOAD_BALANCER:
        log = balancer["LoadBalancerAttributes"].get("AccessLog", {})
        if not log.get("Enabled"):
            yield Evidence("access logs are off", {"AccessLog": log})
        return
    kind = balancer["Type"]
    if kind == "gateway":
        raise NotApplicable("a Gateway Load Balancer has no access logs")
    if kind == "network" and not any(
        listener["Protocol"] == "TLS" for listener in balancer.known_referrers(LISTENER, "LoadBalancerArn")
    ):
        balancer.referrers(LISTENER, "LoadBalancerArn")
        raise NotApplicable("a Network Load Balancer without a TLS listener has no access logs")
    if any(
        source.get("logType", "").endswith("ACCESS_LOGS")
        for source in balancer.known_referrers(DELIVERY_SOURCE, "resourceArns[]")
    ):
        return
    attributes = {pair["Key"]: pair.get("Value", "") for pair in balancer["Attributes"]}
    if attributes.get("access_logs.s3.enabled") == "true" and attributes.get("access_logs.s3.bucket"):
        return
    balancer.referrers(DELIVERY_SOURCE, "resourceArns[]")
    yield Evidence("access logs are off", {"access_logs.s3.enabled": attributes.get("access_logs.s3.enabled", "false")})
