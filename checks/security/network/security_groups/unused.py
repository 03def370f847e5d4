"""Security groups that nothing refers to."""

from collections.abc import Iterator
from itertools import chain

from auditor.kit import LOW, Case, Evidence, Facts, Fix, NotApplicable, Unavailable, check

from .thresholds import SecurityGroups

GROUP = "AWS::EC2::SecurityGroup"
INTERFACE = "AWS::EC2::NetworkInterface"
TEMPLATE = "AWS::EC2::LaunchTemplate"
CONFIGURATION = "AWS::AutoScaling::LaunchConfiguration"
FUNCTION = "AWS::Lambda::Function"
ASSOCIATION, VPC = "AWS::EC2::SecurityGroupVpcAssociation", "AWS::EC2::VPC"

HOLDERS = (
    (INTERFACE, "Groups[].GroupId"),
    (TEMPLATE, "Versions[].LaunchTemplateData.SecurityGroupIds[]"),
    (TEMPLATE, "Versions[].LaunchTemplateData.NetworkInterfaces[].Groups[]"),
    (CONFIGURATION, "SecurityGroups[]"),
    (FUNCTION, "VpcConfig.SecurityGroupIds[]"),
    ("AWS::RDS::DBInstance", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ("AWS::RDS::DBCluster", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ("AWS::DocDB::DBInstance", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ("AWS::DocDB::DBCluster", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ("AWS::Neptune::DBInstance", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ("AWS::Neptune::DBCluster", "VpcSecurityGroups[].VpcSecurityGroupId"),
    ("AWS::ElastiCache::CacheCluster", "SecurityGroups[].SecurityGroupId"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "SecurityGroups[]"),
    ("AWS::ElasticLoadBalancing::LoadBalancer", "SecurityGroups[]"),
    ("AWS::ECS::Service", "networkConfiguration.awsvpcConfiguration.securityGroups[]"),
    ("AWS::EC2::VPCEndpoint", "Groups[].GroupId"),
    ("AWS::CodeBuild::Project", "vpcConfig.securityGroupIds[]"),
    ("AWS::Batch::ComputeEnvironment", "computeResources.securityGroupIds[]"),
    ("AWS::EC2::SecurityGroupReference", "GroupId"),
)
"""Who may hold a security group's id, and where in its description: the likeliest first."""
OVER = ("disassociated", "association-failed")
"""States of a VPC association that is none (EC2 API, SecurityGroupVpcAssociation)."""
BY_NAME = ((TEMPLATE, "Versions[].LaunchTemplateData.SecurityGroups[]"), (CONFIGURATION, "SecurityGroups[]"))
"""Where groups of a default VPC may be held by name (EC2 API, RequestLaunchTemplateData: SecurityGroups)."""
RULES = ("IpPermissions[].UserIdGroupPairs[].GroupId", "IpPermissionsEgress[].UserIdGroupPairs[].GroupId")

WEB = {
    "GroupId": "sg-0aa",
    "GroupName": "web",
    "OwnerId": "111122223333",
    "VpcId": "vpc-0aa",
    "IpPermissions": [],
    "IpPermissionsEgress": [],
}
OWN, OTHER, DEFAULT = ({"VpcId": f"vpc-0{name}", "IsDefault": name == "dd"} for name in ("aa", "bb", "dd"))
PAIRS = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-0aa", "UserId": "111122223333"}]}


@check(
    "security-group-unused",
    pattern="security.network.security-groups",
    on=GROUP,
    severity=LOW,
    fix=Fix(
        cli="aws ec2 delete-security-group --group-id {GroupId} --region {region}",
        terraform="aws_security_group (remove it)",
    ),
    reads=tuple(dict.fromkeys((*(type for type, _ in HOLDERS), ASSOCIATION, VPC))),
    same_as=("prowler:ec2_securitygroup_not_used", "fsbp:EC2.22"),
    passes=[
        Case(WEB, related={INTERFACE: [{"NetworkInterfaceId": "eni-0aa", "Groups": [{"GroupId": "sg-0aa"}]}]}),
        Case(
            WEB,
            related={FUNCTION: [{"FunctionName": "idle", "VpcConfig": {"SecurityGroupIds": ["sg-0aa"]}}]},
            why="AWS takes an idle function's network interfaces away",
        ),
        Case(
            WEB,
            related={TEMPLATE: [{"Versions": [{"LaunchTemplateData": {"SecurityGroupIds": ["sg-0aa"]}}]}]},
            why="an Auto Scaling group at zero has no instance",
        ),
        Case(
            WEB,
            related={
                TEMPLATE: [{"Versions": [{"LaunchTemplateData": {"NetworkInterfaces": [{"Groups": ["sg-0aa"]}]}}]}]
            },
        ),
        Case(WEB, related={CONFIGURATION: [{"SecurityGroups": ["web"]}]}, why="held by name, in a default VPC"),
        Case(
            WEB,
            related={
                "AWS::ECS::Service": [
                    {"networkConfiguration": {"awsvpcConfiguration": {"securityGroups": ["sg-0aa"]}}, "desiredCount": 0}
                ]
            },
            why="a service that is scaled to zero",
        ),
        Case(
            WEB, related={GROUP: [{"GroupId": "sg-0bb", "IpPermissions": [PAIRS]}]}, why="another group's rule names it"
        ),
        Case(
            WEB,
            related={"AWS::EC2::SecurityGroupReference": [{"GroupId": "sg-0aa", "ReferencingVpcId": "vpc-0bb"}]},
            why="a peer VPC's rule names it",
        ),
        Case(
            WEB,
            related={INTERFACE: [{"NetworkInterfaceId": "eni-0aa", "Groups": [{"GroupId": "sg-0aa"}]}]},
            unread=[FUNCTION],
            why="one use is enough",
        ),
    ],
    fails=[
        WEB,
        Case({**WEB, "IpPermissions": [PAIRS]}, why="only its own rule names it"),
        Case(WEB, related={INTERFACE: [{"NetworkInterfaceId": "eni-0bb", "Groups": [{"GroupId": "sg-0bb"}]}]}),
        Case(WEB, related={ASSOCIATION: [{"GroupId": "sg-0aa", "VpcId": "vpc-0bb", "State": "disassociated"}]}),
        Case(
            WEB,
            related={VPC: [OWN, DEFAULT]},
            unread=[ASSOCIATION],
            why="there is no other VPC it could be shared with: default VPCs take no part in it",
        ),
        Case(
            WEB,
            related={VPC: [{**OWN, "IsDefault": True}, OTHER]},
            unread=[ASSOCIATION],
            why="a default VPC's group cannot be shared",
        ),
    ],
    skips=[
        Case({**WEB, "GroupName": "default"}),
        Case(
            {**WEB, "GroupName": "default"},
            related={INTERFACE: [{"NetworkInterfaceId": "eni-0aa", "Groups": [{"GroupId": "sg-0aa"}]}]},
            why="used or not, it stays",
        ),
        Case({**WEB, "OwnerId": "444455556666"}, why="shared by another account"),
        Case(
            WEB,
            related={
                VPC: [OWN, OTHER],
                ASSOCIATION: [{"GroupId": "sg-0aa", "VpcId": "vpc-0bb", "State": "associated"}],
            },
        ),
    ],
    unknowns=[
        Case(WEB, unread=[FUNCTION]),
        Case(WEB, related={VPC: [OWN, OTHER]}, unread=[ASSOCIATION]),
        Case(WEB, unread=[ASSOCIATION, VPC]),
    ],
)
def security_group_unused(group: Facts, _want: SecurityGroups) -> Iterator[Evidence]:
    """A security group is used by something.

    Why: Groups that nobody uses hide the ones that matter, and are picked by mistake with rules nobody remembers. It costs
    nothing. A group counts as used when a network interface, a launch template or configuration, a function, a database, a
    cache, a load balancer, an ECS service, a build project, a Batch compute environment, a VPC endpoint, another group's
    rule or a peer VPC names it; it is a finding only when all of these were read.

    Fix: Delete the group; AWS refuses while something it knows of still uses it.

    Source: Amazon VPC User Guide, "Delete a security group"; FSBP EC2.22; the standard's "Security groups: Least privilege
    access".
    """
    id, name = group["GroupId"], group["GroupName"]
    if name == "default":
        raise NotApplicable("a default group cannot be deleted")
    if group["OwnerId"] != group.account:
        raise NotApplicable("another account shares it")
    if id in group.once(_held) or name in group.once(_held_by_name):
        return
    if _shared(group, id):
        raise NotApplicable("it is shared with another VPC")
    if doubt := group.once(_unread):
        raise doubt
    yield Evidence(
        "no network interface, launch template, function, database, load balancer, service, endpoint or rule uses it",
        {"searched": sorted({type for type, _ in HOLDERS} | {GROUP})},
    )


def _held(group: Facts) -> frozenset[str]:
    """Return the ids of the region's groups that something holds, or that another group's rule names."""
    held = {id for type, path in HOLDERS for holder in group.known(type) for id in holder.keys_at(path)}
    named = {
        id for path in RULES for other in group.known(GROUP) for id in other.keys_at(path) if id != other["GroupId"]
    }
    return frozenset(held | named)


def _held_by_name(group: Facts) -> frozenset[str]:
    """Return the names of groups that something in the region holds by name."""
    return frozenset(name for type, path in BY_NAME for holder in group.known(type) for name in holder.keys_at(path))


def _unread(group: Facts) -> Unavailable | None:
    """Return what of all that may hold a group could not be read completely, or ``None``."""
    try:
        for type, path in chain(HOLDERS, BY_NAME, ((GROUP, path) for path in RULES)):
            group.require_read(type, path)
    except Unavailable as unavailable:
        return unavailable.kept()
    return None


def _shared(group: Facts, id: str) -> bool:
    """Return whether GROUP is associated with a further VPC. Raises Unavailable when that is not known.

    Default VPCs take no part in it (EC2 API, AssociateSecurityGroupVpc): without a second other VPC there is none.
    """
    if any(shared.get("State") not in OVER for shared in group.known_referrers(ASSOCIATION, "GroupId", id)):
        return True
    try:
        group.referrers(ASSOCIATION, "GroupId", id)
    except Unavailable:
        others = {vpc["VpcId"] for vpc in group.all(VPC) if not vpc["IsDefault"]}
        if group["VpcId"] in others and len(others) > 1:
            raise
    return False
