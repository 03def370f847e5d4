"""A VPC's default security group: nothing passes it."""

from collections.abc import Iterator

from auditor.kit import HIGH, MEDIUM, Case, Evidence, Facts, Fix, Gap, NotApplicable, check

from .thresholds import SecurityGroups

INTERFACE = "AWS::EC2::NetworkInterface"
EMPTY = {
    "GroupId": "sg-0aa",
    "GroupName": "default",
    "VpcId": "vpc-0aa",
    "IpPermissions": [],
    "IpPermissionsEgress": [],
}
EVERYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "UserIdGroupPairs": []}
ITSELF = {"IpProtocol": "-1", "IpRanges": [], "UserIdGroupPairs": [{"GroupId": "sg-0aa", "UserId": "111122223333"}]}
AS_CREATED = {**EMPTY, "IpPermissions": [ITSELF], "IpPermissionsEgress": [EVERYWHERE]}
ATTACHED = {"NetworkInterfaceId": "eni-0aa", "Groups": [{"GroupId": "sg-0aa", "GroupName": "default"}]}


@check(
    "security-group-default-restricts-all",
    pattern="security.network.security-groups",
    on="AWS::EC2::SecurityGroup",
    severity=MEDIUM,
    fix=Fix(
        cli="aws ec2 revoke-security-group-ingress --group-id {GroupId} --security-group-rule-ids RULE_ID --region {region} && "
        "aws ec2 revoke-security-group-egress --group-id {GroupId} --security-group-rule-ids RULE_ID --region {region}",
        terraform="aws_default_security_group (without ingress and egress)",
    ),
    reads=(INTERFACE,),
    same_as=(
        "prowler:ec2_securitygroup_default_restrict_traffic",
        "fsbp:EC2.2",
        "cis:6.5",
        "service-screener:SGDefaultDisallowTraffic",
    ),
    passes=[EMPTY],
    fails=[
        Case(AS_CREATED, why="as AWS creates it: all from itself, all out"),
        Case({**EMPTY, "IpPermissionsEgress": [EVERYWHERE]}, why="nothing in, everything out"),
        Case(AS_CREATED, related={INTERFACE: [ATTACHED]}, why="high: an interface carries it"),
    ],
    skips=[Case({**AS_CREATED, "GroupName": "web"})],
    unknowns=[Case(EMPTY, gaps={"IpPermissionsEgress": Gap("ec2:DescribeSecurityGroups", "UnauthorizedOperation")})],
)
def security_group_default_restricts_all(group: Facts, _want: SecurityGroups) -> Iterator[Evidence]:
    """A VPC's default security group lets nothing in and nothing out.

    Why: Whatever is started without naming a group gets this one. While it has rules, a forgotten argument puts a machine on
    the network together with all others that were forgotten. The finding is high when an interface carries the group.

    Fix: Give what carries it groups of its own, then revoke all its rules; the group itself cannot be deleted.

    Source: Amazon VPC User Guide, "Default security groups"; FSBP EC2.2; CIS 6.5; the standard's "Security groups: Least
    privilege access".
    """
    if group["GroupName"] != "default":
        raise NotApplicable("it is no default group")
    rules_in, rules_out = len(group["IpPermissions"]), len(group["IpPermissionsEgress"])
    if rules_in or rules_out:
        attached = group.known_referrers(INTERFACE, "Groups[].GroupId", group["GroupId"])
        yield Evidence(
            f"the default group has permissions where none are wanted (ingress {rules_in}, egress {rules_out})"
            + (f"; network interfaces that carry it: {len(attached)}" if attached else ""),
            {
                "ingress_permissions": rules_in,
                "egress_permissions": rules_out,
                "network_interfaces": sorted(interface.get("NetworkInterfaceId", "") for interface in attached),
            },
            severity=HIGH if attached else None,
        )
