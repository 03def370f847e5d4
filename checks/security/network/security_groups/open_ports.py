"""Security groups that open servers, databases or everything to the internet."""

from collections.abc import Iterable, Iterator, Sequence

from auditor.kit import CRITICAL, HIGH, LOW, Case, Document, Evidence, Facts, Fix, Gap, check
from auditor.kit.exposure import Opening, openings
from auditor.kit.network import ALL, TRANSPORTS, count_ports

from ._openings import by_reach, evidence, open_ports
from .thresholds import SecurityGroups

PATTERN = "security.network.security-groups"
GROUP = "AWS::EC2::SecurityGroup"
PREFIX_LIST = "AWS::EC2::PrefixList"
RULE = "AWS::EC2::SecurityGroupRule"
INTERFACE, SUBNET, VPC, ROUTE_TABLE = (
    "AWS::EC2::NetworkInterface",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::EC2::RouteTable",
)
FIX = Fix(
    cli="aws ec2 revoke-security-group-ingress --group-id {GroupId} --security-group-rule-ids {facts.rules} --region {region}",
    terraform="aws_vpc_security_group_ingress_rule.cidr_ipv4 / cidr_ipv6",
)

WEB = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
PRIVATE_SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
OFFICES = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "PrefixListIds": [{"PrefixListId": "pl-0123456789abcdef0"}],
}
OFFICES_LIST = {
    "PrefixListId": "pl-0123456789abcdef0",
    "OwnerId": "111122223333",
    "Entries": [{"Cidr": "198.51.100.0/24"}],
}
AWS_LIST = {"PrefixListId": "pl-0123456789abcdef0", "OwnerId": "AWS", "PrefixListName": "com.amazonaws.eu-west-1.s3"}
EVERYTHING_LIST = {
    "PrefixListId": "pl-0123456789abcdef0",
    "OwnerId": "111122223333",
    "Entries": [{"Cidr": "0.0.0.0/1"}, {"Cidr": "128.0.0.0/1"}],
}


def group(*permissions: object, **more: object) -> dict[str, object]:
    """Return a security group as the API describes it, for the cases."""
    return {"GroupId": "sg-0aa", "GroupName": "web", "VpcId": "vpc-0aa", "IpPermissions": list(permissions), **more}


def tcp(first: int, last: int, *cidrs: str) -> dict[str, object]:
    """Return a permission for TCP ports, for the cases; IPv4 and IPv6 ranges lie apart in the API."""
    return {
        "IpProtocol": "tcp",
        "FromPort": first,
        "ToPort": last,
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr],
    }


PUBLIC_INTERFACE = {
    "NetworkInterfaceId": "eni-0aa",
    "SubnetId": "subnet-0aa",
    "VpcId": "vpc-0aa",
    "Groups": [{"GroupId": "sg-0aa", "GroupName": "web"}],
    "Association": {"PublicIp": "18.200.1.1"},
    "Ipv6Addresses": [],
}
PRIVATE_INTERFACE = {key: value for key, value in PUBLIC_INTERFACE.items() if key != "Association"}
ROUTES = {
    "RouteTableId": "rtb-0aa",
    "VpcId": "vpc-0aa",
    "Associations": [{"Main": True, "RouteTableId": "rtb-0aa"}],
    "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0aa", "State": "active"}],
}
NETWORK: dict[str, list[Document]] = {
    INTERFACE: [PUBLIC_INTERFACE],
    SUBNET: [{"SubnetId": "subnet-0aa", "VpcId": "vpc-0aa"}],
    VPC: [{"VpcId": "vpc-0aa", "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"}}],
    ROUTE_TABLE: [ROUTES],
}
_by_reach = by_reach(CRITICAL, LOW)


@check(
    "security-group-open-admin-port",
    pattern=PATTERN,
    on=GROUP,
    severity=HIGH,
    fix=FIX,
    reads=(PREFIX_LIST, RULE, INTERFACE, SUBNET, VPC, ROUTE_TABLE),
    same_as=(
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22",
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389",
        "prowler:ec2_instance_port_ssh_exposed_to_internet",
        "fsbp:EC2.13",
        "fsbp:EC2.14",
        "fsbp:EC2.19",
        "cis:6.3",
        "cis:6.4",
        "service-screener:SGSensitivePortOpenToAll",
    ),
    passes=[
        Case(group(WEB, PRIVATE_SSH), why="SSH from private addresses"),
        Case(group(), why="no rule lets anything in"),
        Case(group(OFFICES), related={PREFIX_LIST: [OFFICES_LIST]}, why="SSH from a prefix list of offices"),
        Case(group(OFFICES), related={PREFIX_LIST: [AWS_LIST]}, why="AWS's own prefix lists never hold the internet"),
        Case(
            group({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-0bb", "UserId": "111122223333"}]}),
            why="another group is not the internet",
        ),
        Case(
            group({"IpProtocol": "icmp", "FromPort": 22, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
            why="of ICMP, From is a type and no port",
        ),
        Case(group(tcp(22, 22, "0.0.0.0/1")), why="half of the internet: security-group-wide-public-range judges that"),
        Case(group(tcp(443, 443, "0.0.0.0/0", "::/0"), OFFICES), related={PREFIX_LIST: [OFFICES_LIST]}),
    ],
    fails=[
        Case(group(tcp(22, 22, "0.0.0.0/0")), related=NETWORK, why="critical: it reaches an instance"),
        Case(group(tcp(20, 3400, "::/0")), why="IPv6 alone, and a range that holds two of the ports"),
        Case(group(tcp(22, 22, "0.0.0.0/1", "128.0.0.0/1")), why="two halves are the internet"),
        Case(group(tcp(22, 22, "0.0.0.0/1"), tcp(20, 30, "128.0.0.0/1")), why="two halves in two rules"),
        Case(group({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}), why="all traffic has no ports at all"),
        Case(
            group({"IpProtocol": "udp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}), why="udp without ports is every port"
        ),
        Case(group(OFFICES), related={PREFIX_LIST: [EVERYTHING_LIST]}, why="a prefix list that holds the internet"),
        Case(group(tcp(3389, 3389, "0.0.0.0/0"), OFFICES), unread=[PREFIX_LIST], why="proven without the prefix list"),
        Case(group(tcp(22, 22, "0.0.0.0/0"), GroupName="default"), why="default groups count too"),
        Case(
            group(tcp(22, 22, "0.0.0.0/0")),
            related={
                RULE: [
                    {
                        "SecurityGroupRuleId": "sgr-0aa",
                        "GroupId": "sg-0aa",
                        "IsEgress": False,
                        "IpProtocol": "tcp",
                        "FromPort": 22,
                        "ToPort": 22,
                        "CidrIpv4": "0.0.0.0/0",
                    }
                ]
            },
            why="low: attached to nothing; the rule's id is named",
        ),
    ],
    unknowns=[
        Case(group(OFFICES), unread=[PREFIX_LIST]),
        Case(group(OFFICES), why="the prefix list is not in the inventory"),
        Case(group(WEB), gaps={"IpPermissions": Gap("ec2:DescribeSecurityGroups", "UnauthorizedOperation")}),
    ],
)
def security_group_open_admin_port(group: Facts, want: SecurityGroups) -> Iterator[Evidence]:
    """A security group does not open a port of administration to the internet.

    Why: SSH, RDP, Telnet, WinRM and VNC are tried by strangers all day long; one weak password or one unmended hole is enough.
    The finding is critical when a network interface with a public address behind an internet gateway carries the group,
    and low when nothing carries it or VPC Block Public Access keeps the internet out.

    Fix: Revoke the rule, and reach the servers by Session Manager, EC2 Instance Connect Endpoint or a VPN instead.

    Source: Amazon VPC User Guide, "Security group rules"; FSBP EC2.13, EC2.14 and EC2.19; CIS 6.3 and 6.4; the standard's
    "Security groups: Least privilege access".
    """
    return open_ports(group, want.admin, _by_reach)


def _own_severity(_group: Facts, _versions: Iterable[int]) -> None:
    return None


@check(
    "security-group-open-database-port",
    pattern=PATTERN,
    on=GROUP,
    severity=HIGH,
    fix=FIX,
    reads=(PREFIX_LIST, RULE),
    same_as=(
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_mysql_3306",
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_postgres_5432",
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_mongodb_27017_27018",
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_redis_6379",
        "fsbp:EC2.19",
    ),
    passes=[
        Case(group(tcp(5432, 5432, "10.0.0.0/16"))),
        Case(group(tcp(443, 443, "0.0.0.0/0"))),
        Case(group(tcp(5432, 5432), OFFICES), unread=[PREFIX_LIST], why="the unread prefix list is about SSH alone"),
    ],
    fails=[
        Case(group(tcp(5432, 5432, "0.0.0.0/0"))),
        Case(group(tcp(27018, 27018, "::/0")), why="IPv6 alone; a port inside 27017-27019"),
        Case(group(tcp(0, 65535, "0.0.0.0/0"))),
        Case(group(tcp(3306, 3306, "0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2")), why="four quarters"),
    ],
    unknowns=[
        Case(
            group({**OFFICES, "FromPort": 1433, "ToPort": 1433}),
            unread=[PREFIX_LIST],
        ),
    ],
)
def security_group_open_database_port(group: Facts, want: SecurityGroups) -> Iterator[Evidence]:
    """A security group does not open a database, a cache or a file share to the internet.

    Why: Data stores are meant for the application beside them. Open to the world, their accounts are guessed, their holes are
    used, and caches without a password hand out everything.

    Fix: Revoke the rule and name the application's security group as the source instead.

    Source: Amazon VPC User Guide, "Security group rules"; FSBP EC2.19; the standard's "Security groups: Least privilege
    access".
    """
    return open_ports(group, want.database, _own_severity)


def all_traffic(found: Sequence[Opening], min_ports: int) -> set[str]:
    """Return the protocols of which FOUND opens MIN_PORTS ports or more; ``all`` where every protocol is open."""
    wide = {opening.protocol for opening in found if opening.protocol == ALL}
    for transport in TRANSPORTS:
        ranges = [opening.ports for opening in found if opening.ports and opening.protocol == transport]
        if len(ranges) and count_ports(ranges) >= min_ports:
            wide.add(transport)
    return wide


@check(
    "security-group-open-all-traffic",
    pattern=PATTERN,
    on=GROUP,
    severity=CRITICAL,
    fix=Fix(cli=FIX.cli, terraform="aws_vpc_security_group_ingress_rule.ip_protocol"),
    reads=(PREFIX_LIST, RULE),
    same_as=(
        "prowler:ec2_securitygroup_allow_ingress_from_internet_to_all_ports",
        "service-screener:SGAllPortOpenToAll",
    ),
    passes=[
        Case(group(WEB, tcp(1024, 65000, "0.0.0.0/0")), why="many ports, yet fewer than all"),
        Case(
            group({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "172.16.0.0/12"}]}),
            why="all traffic of private addresses",
        ),
        Case(group(OFFICES), unread=[PREFIX_LIST], why="whatever the prefix list holds, it is one port"),
    ],
    fails=[
        Case(group({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})),
        Case(group({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}), why="IPv6 alone"),
        Case(group(tcp(0, 65535, "0.0.0.0/0"))),
        Case(group(tcp(0, 30000, "0.0.0.0/0"), tcp(30001, 65535, "0.0.0.0/0")), why="two ranges that are all ports"),
        Case(
            group({"IpProtocol": "17", "FromPort": 1, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
            why="17 is UDP",
        ),
    ],
    unknowns=[
        Case(group({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-0aa"}]}), unread=[PREFIX_LIST]),
    ],
)
def security_group_open_all_traffic(group: Facts, want: SecurityGroups) -> Iterator[Evidence]:
    """A security group does not open everything to the internet.

    Why: Such a rule switches the firewall off: whatever is started behind it, today or next year, is public at once.

    Fix: Replace the rule by one for each port that the public is meant to reach.

    Source: Amazon EC2 API Reference, IpPermission; Amazon VPC User Guide, "Security group rules"; the standard's "Security
    groups: Least privilege access".
    """
    if not (found := openings(group)):
        return
    proven = [opening for opening in found if not opening.doubt]
    wide = all_traffic(proven, want.all_traffic_min_ports)
    for opening in proven:
        if opening.protocol in wide and opening.ports:
            yield evidence(group, opening, (opening.ports,))
    possible = all_traffic(found, want.all_traffic_min_ports) - wide
    for opening in found:
        if opening.doubt and opening.protocol in possible:
            raise opening.doubt
