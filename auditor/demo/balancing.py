"""The demo account's load balancers: Application, Network and Classic ones, their listeners, targets and traffic."""

from datetime import datetime
from typing import Any

from auditor.demo.network import Network
from auditor.demo.past import ago, backend, set_date, set_field
from auditor.demo.usage import tell
from auditor.demo.way import Clients, tags_of

__all__ = ["build"]

_CERTIFICATE = "www.northwind.example"
_FORGOTTEN = (
    ("old-shop", "HTTP", 80, 3, 30, 40.0),
    ("feed", "TCP", 5000, 1, 60, 9e4),
    ("campaign", "HTTP", 80, 2, 30, 0.0),
)
"""Classic Load Balancers: name, protocol, port, in how many zones, health check interval, requests a day."""


def build(
    client: Clients, network: Network, environment: str, careful: bool, machines: list[str], now: datetime
) -> list[str]:
    """Make ENVIRONMENT's load balancers, and return the target groups its web servers belong to."""
    elbv2 = client("elbv2")
    shop = _application(client, network, environment, "shop", careful, [], 240_000)
    serving = [shop]
    if careful:
        serving.append(_application(client, network, environment, "api", careful, [], 90_000))
        _classic(client, network, environment, ("mail-relay", "TCP", 25, 3, 15, 3000.0), careful, machines)
    else:
        _application(client, network, environment, "intranet", careful, [], 0)
        for settings in _FORGOTTEN:
            _classic(client, network, environment, settings, careful, machines)
    _network(elbv2, network, environment, careful, machines)
    for number, record in enumerate(backend("elbv2", network.region).load_balancers.values()):
        set_date(record, ["created_time"], ago(now, 480 + 90 * number))
    for number, record in enumerate(backend("elb", network.region).load_balancers.values()):
        set_date(record, ["created_time"], ago(now, 1200 + 30 * number))
    return serving


def _application(
    client: Clients, network: Network, environment: str, name: str, careful: bool, targets: list[str], requests: float
) -> str:
    elbv2, full = client("elbv2"), f"{environment}-{name}"
    balancer: str = elbv2.create_load_balancer(
        Name=full,
        Type="application",
        Scheme="internal" if name == "intranet" else "internet-facing",
        Subnets=list(network.private if name == "intranet" else network.public),
        SecurityGroups=[network.groups["web-public"]],
        Tags=tags_of(environment),
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = _targets(elbv2, network, full, "HTTP", 8080, 15 if careful else 120, targets)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    elbv2.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=redirect if careful else forward
    )
    attributes = {"deletion_protection.enabled": str(careful).lower()}
    if careful:
        elbv2.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": _certificate(client("iam"))}],
            DefaultActions=forward,
        )
        attributes |= {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "northwind-access-logs"}
    else:
        elbv2.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}]
        )
    _attributes(elbv2, balancer, attributes)
    tell(network.region, "AWS/ApplicationELB", balancer.partition(":loadbalancer/")[2], {"RequestCount": requests})
    return group


def _network(elbv2: Any, network: Network, environment: str, careful: bool, machines: list[str]) -> None:
    full = f"{environment}-ingest"
    balancer: str = elbv2.create_load_balancer(
        Name=full,
        Type="network",
        Scheme="internal",
        Subnets=list(network.private if careful else network.private[:1]),
        Tags=tags_of(environment),
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = _targets(elbv2, network, full, "TCP", 9000, 10, machines if careful else machines[:1])
    elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="TCP",
        Port=9000,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    _attributes(elbv2, balancer, {"load_balancing.cross_zone.enabled": str(careful).lower()})
    flows = {"NewFlowCount": 4e5, "ProcessedBytes": 8e9}
    tell(network.region, "AWS/NetworkELB", balancer.partition(":loadbalancer/")[2], flows)


def _targets(
    elbv2: Any, network: Network, name: str, protocol: str, port: int, interval: int, targets: list[str]
) -> str:
    group: str = elbv2.create_target_group(
        Name=name,
        Protocol=protocol,
        Port=port,
        VpcId=network.vpc,
        HealthCheckProtocol=protocol,
        HealthCheckIntervalSeconds=interval,
    )["TargetGroups"][0]["TargetGroupArn"]
    if targets:
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": id} for id in targets])
    return group


def _attributes(elbv2: Any, balancer: str, attributes: dict[str, str]) -> None:
    given = [{"Key": key, "Value": value} for key, value in attributes.items()]
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=given)


def _certificate(iam: Any) -> str:
    """Return the ARN of the shop's certificate, uploading it if it is not there."""
    for held in iam.list_server_certificates()["ServerCertificateMetadataList"]:
        return str(held["Arn"])
    made = iam.upload_server_certificate(
        ServerCertificateName=_CERTIFICATE, CertificateBody="not a certificate", PrivateKey="not a key"
    )
    return str(made["ServerCertificateMetadata"]["Arn"])


def _classic(
    client: Clients,
    network: Network,
    environment: str,
    settings: tuple[str, str, int, int, int, float],
    careful: bool,
    machines: list[str],
) -> None:
    elb = client("elb")
    name, protocol, port, zones, interval, requests = settings
    full = f"{environment}-{name}"
    elb.create_load_balancer(
        LoadBalancerName=full,
        Listeners=[
            {"Protocol": protocol, "LoadBalancerPort": port, "InstanceProtocol": protocol, "InstancePort": port}
        ],
        Subnets=list(network.public[:zones]),
        Tags=tags_of(environment),
    )
    # moto forgets the zones of subnets.
    record = backend("elb", network.region).load_balancers[full]
    set_field(record, "availability_zones", [f"{network.region}{letter}" for letter in "abc"[:zones]])
    elb.configure_health_check(
        LoadBalancerName=full,
        HealthCheck={
            "Target": f"{protocol}:{port}" + ("/" if protocol == "HTTP" else ""),
            "Interval": interval,
            "Timeout": 5,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 3,
        },
    )
    attributes: dict[str, Any] = {"CrossZoneLoadBalancing": {"Enabled": careful or name == "old-shop"}}
    if careful:
        attributes["AccessLog"] = {"Enabled": True, "S3BucketName": "northwind-access-logs", "EmitInterval": 60}
    elb.modify_load_balancer_attributes(LoadBalancerName=full, LoadBalancerAttributes=attributes)
    if requests:
        elb.register_instances_with_load_balancer(
            LoadBalancerName=full, Instances=[{"InstanceId": id} for id in machines]
        )
    tell(network.region, "AWS/ELB", full, {"RequestCount": requests, "EstimatedProcessedBytes": requests * 2000})
