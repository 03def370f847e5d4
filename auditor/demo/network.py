"""The demo account's networks: a VPC in each region, its subnets, and security groups good and bad."""

from dataclasses import dataclass
from typing import Any

from auditor.demo.way import tag

__all__ = ["Network", "build"]

ANYWHERE = "0.0.0.0/0"
ANYWHERE_6 = "::/0"


@dataclass(frozen=True, slots=True)
class Network:
    """What the rest of the account is put into."""

    region: str
    vpc: str
    public: tuple[str, ...]
    """Subnets with a route to the internet, one a zone."""
    private: tuple[str, ...]
    groups: dict[str, str]
    """Security group's name -> its id."""


def build(ec2: Any, region: str, environment: str, number: int, zones: int = 3) -> Network:
    """Make ENVIRONMENT's VPC in REGION (10.NUMBER.0.0/16) with its subnets and security groups."""
    vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
    tag(ec2, environment, f"{environment}-vpc", vpc)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    subnets: dict[str, list[str]] = {"public": [], "private": []}
    for offset, (kind, made) in enumerate(subnets.items()):
        for index in range(zones):
            subnet = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.{number}.{offset * 16 + index}.0/24",
                AvailabilityZone=f"{region}{'abc'[index]}",
            )["Subnet"]["SubnetId"]
            tag(ec2, environment, f"{environment}-{kind}-{'abc'[index]}", subnet)
            made.append(subnet)
            if kind == "public":
                ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    if environment == "production":
        _close_default_group(ec2, vpc)
    groups = {name: _group(ec2, vpc, environment, name, rules) for name, rules in _rules(number).items()}
    return Network(region, vpc, tuple(subnets["public"]), tuple(subnets["private"]), groups)


def _close_default_group(ec2: Any, vpc: str) -> None:
    """Take the rules of the VPC's default group away."""
    asked = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    for group in ec2.describe_security_groups(Filters=asked)["SecurityGroups"]:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])


def _group(ec2: Any, vpc: str, environment: str, name: str, rules: list[dict[str, Any]]) -> str:
    group: str = ec2.create_security_group(GroupName=name, Description=f"{name} of {environment}", VpcId=vpc)["GroupId"]
    tag(ec2, environment, name, group)
    if rules:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    return group


def rule(protocol: str, first: int, last: int | None = None, *sources: str) -> dict[str, Any]:
    """Return an ingress permission from SOURCES (CIDRs of either kind)."""
    permission: dict[str, Any] = {"IpProtocol": protocol}
    if protocol != "-1":
        permission |= {"FromPort": first, "ToPort": first if last is None else last}
    if four := [source for source in sources if ":" not in source]:
        permission["IpRanges"] = [{"CidrIp": source} for source in four]
    if six := [source for source in sources if ":" in source]:
        permission["Ipv6Ranges"] = [{"CidrIpv6": source} for source in six]
    return permission


def _rules(number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the groups' rules; the odd network is the one that nobody looks after."""
    inside = f"10.{number}.0.0/16"
    groups = {
        "web-public": [rule("tcp", 80, None, ANYWHERE), rule("tcp", 443, None, ANYWHERE, ANYWHERE_6)],
        "app": [rule("tcp", 8080, None, inside)],
        "database": [rule("tcp", 5432, None, inside), rule("tcp", 3306, None, inside)],
        "cache": [rule("tcp", 6379, None, inside)],
        "bastion": [rule("tcp", 22, None, "203.0.113.17/32", "198.51.100.0/24")],
        "monitoring": [rule("tcp", 9100, 9110, inside)],
        "batch": [],
        "partner-sftp": [rule("tcp", 22, None, "192.0.2.0/25")],
    }
    if number % 2:
        groups |= {
            "bastion-old": [rule("tcp", 22, None, ANYWHERE)],
            "windows-jump": [rule("tcp", 3389, None, "0.0.0.0/1", "128.0.0.0/1")],
            "reporting-db": [rule("tcp", 5432, None, ANYWHERE), rule("tcp", 1433, None, ANYWHERE_6)],
            "vendor-debug": [rule("-1", 0, None, ANYWHERE)],
            "load-test": [rule("tcp", 80, 443, ANYWHERE)],
            "call-centre": [rule("tcp", 5060, 5061, "52.0.0.0/6")],
            "search": [rule("tcp", 9200, 9300, ANYWHERE)],
            "launch-2021": [rule("tcp", 8443, None, ANYWHERE)],
            "temp-maria": [rule("tcp", 22, None, "0.0.0.0/0"), rule("udp", 161, None, ANYWHERE)],
        }
    return groups
