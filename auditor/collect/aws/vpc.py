"""EC2's networks: VPCs, subnets, routes, interfaces, security groups, prefix lists and endpoints."""

from collections.abc import Sequence
from dataclasses import replace

from auditor.collect.asking import batches, rows_of
from auditor.collect.declare import Call, CallFailed, Collector, ResourceType, Row, is_of_aws

VPC = ResourceType(
    "AWS::EC2::VPC",
    "A virtual network; one that another account shares is listed too, with that account's OwnerId.",
    list=Call("ec2", "DescribeVpcs", "Vpcs", params={"MaxResults": 1000}),
    id="arn:{partition}:ec2:{region}:{OwnerId}:vpc/{VpcId}",
    name="{VpcId}",
    tags="Tags",
    get=Call("ec2", "DescribeVpcs", "Vpcs", args={"VpcIds[]": "VpcId"}),
)

SUBNET = ResourceType(
    "AWS::EC2::Subnet",
    "A range of a VPC's addresses in one Availability Zone.",
    list=Call("ec2", "DescribeSubnets", "Subnets", params={"MaxResults": 1000}),
    id="arn:{partition}:ec2:{region}:{OwnerId}:subnet/{SubnetId}",
    name="{SubnetId}",
    tags="Tags",
    volatile=("AvailableIpAddressCount",),
    get=Call("ec2", "DescribeSubnets", "Subnets", args={"SubnetIds[]": "SubnetId"}),
)

ROUTE_TABLE = ResourceType(
    "AWS::EC2::RouteTable",
    "A route table with its routes and the subnets it is associated with.",
    list=Call("ec2", "DescribeRouteTables", "RouteTables", params={"MaxResults": 100}),
    id="arn:{partition}:ec2:{region}:{OwnerId}:route-table/{RouteTableId}",
    name="{RouteTableId}",
    tags="Tags",
)

NETWORK_INTERFACE = ResourceType(
    "AWS::EC2::NetworkInterface",
    "An elastic network interface, those that AWS services manage for themselves included.",
    list=Call(
        "ec2",
        "DescribeNetworkInterfaces",
        "NetworkInterfaces",
        params={"IncludeManagedResources": True, "MaxResults": 500},
    ),
    id="arn:{partition}:ec2:{region}:{OwnerId}:network-interface/{NetworkInterfaceId}",
    name="{NetworkInterfaceId}",
    tags="TagSet",
)

_SECURITY_GROUPS = Call("ec2", "DescribeSecurityGroups", "SecurityGroups", params={"MaxResults": 500})
# The same list; of all its rows at once only this is held.
_GROUP_IDS = replace(_SECURITY_GROUPS, result="SecurityGroups[].GroupId")

SECURITY_GROUP = ResourceType(
    "AWS::EC2::SecurityGroup",
    "A security group with its ingress and egress permissions.",
    list=_SECURITY_GROUPS,
    id="arn:{partition}:ec2:{region}:{OwnerId}:security-group/{GroupId}",
    name="{GroupName}",
    tags="Tags",
    get=Call("ec2", "DescribeSecurityGroups", "SecurityGroups", args={"GroupIds[]": "GroupId"}),
)

SECURITY_GROUP_RULE = ResourceType(
    "AWS::EC2::SecurityGroupRule",
    "One rule of a security group: one source or destination each, with an id to mend it by.",
    list=Call("ec2", "DescribeSecurityGroupRules", "SecurityGroupRules", params={"MaxResults": 1000}),
    id="arn:{partition}:ec2:{region}:{account}:security-group-rule/{SecurityGroupRuleId}",
    name="{SecurityGroupRuleId}",
    tags="Tags",
)

STALE_SECURITY_GROUP = ResourceType(
    "AWS::EC2::StaleSecurityGroup",
    "A security group with rules that name groups which are gone, or that a deleted peering made unreachable.",
    parent="AWS::EC2::VPC",
    list=Call("ec2", "DescribeStaleSecurityGroups", "StaleSecurityGroupSet", args={"VpcId": "VpcId"}),
    id="arn:{partition}:ec2:{region}:{account}:stale-security-group/{VpcId}/{GroupId}",
    name="{GroupName}",
)

SECURITY_GROUP_VPC_ASSOCIATION = ResourceType(
    "AWS::EC2::SecurityGroupVpcAssociation",
    "A further VPC in which a security group may be used.",
    list=Call("ec2", "DescribeSecurityGroupVpcAssociations", "SecurityGroupVpcAssociations"),
    id="arn:{partition}:ec2:{region}:{account}:security-group-vpc-association/{GroupId}/{VpcId}",
    name="{GroupId}",
)

_REFERENCES_PER_CALL = 200
"""Group ids in one DescribeSecurityGroupReferences; the API documents no limit, this keeps the request small."""


_WAYS_OUT = (
    Call("ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections"),
    Call("ec2", "DescribeTransitGatewayVpcAttachments", "TransitGatewayVpcAttachments"),
    Call("ec2", "DescribeRouteTables", "RouteTables"),
)
"""What leads from a VPC to others, and the route tables, which name a core network."""


def _references() -> Collector:
    """Yield the references that VPCs on the other side of a peering or transit gateway hold to the region's groups.

    Where that cannot be read it is enough to know that no VPC here has another side.
    """
    groups: Sequence[str] = yield _GROUP_IDS
    try:
        yield from rows_of(
            Call("ec2", "DescribeSecurityGroupReferences", "SecurityGroupReferenceSet", params={"GroupId": batch})
            for batch in batches(groups, _REFERENCES_PER_CALL)
        )
    except CallFailed:
        answers = yield _WAYS_OUT
        if any(isinstance(answer, CallFailed) for answer in answers):
            raise
        peerings, attachments, tables = answers
        if peerings or attachments or any("CoreNetworkArn" in route for table in tables for route in table["Routes"]):
            raise


SECURITY_GROUP_REFERENCE = ResourceType(
    "AWS::EC2::SecurityGroupReference",
    "A peer VPC's reference to a security group of this account.",
    collect=_references,
    calls=(_GROUP_IDS, Call("ec2", "DescribeSecurityGroupReferences", "SecurityGroupReferenceSet"), *_WAYS_OUT),
    id="arn:{partition}:ec2:{region}:{account}:security-group-reference/{GroupId}/{ReferencingVpcId}",
    name="{GroupId}",
)


def _customer_managed(prefix_list: Row) -> bool:
    return prefix_list.get("OwnerId") != "AWS"


PREFIX_LIST = ResourceType(
    "AWS::EC2::PrefixList",
    "A managed prefix list. The entries are read of customers' lists only: AWS's own never hold the internet.",
    list=Call("ec2", "DescribeManagedPrefixLists", "PrefixLists"),
    id="{PrefixListArn}",
    name="{PrefixListName}",
    offering=is_of_aws,
    tags="Tags",
    details={"Entries": Call("ec2", "GetManagedPrefixListEntries", "Entries", args={"PrefixListId": "PrefixListId"})},
    details_when={"Entries": _customer_managed},
)

VPC_ENDPOINT = ResourceType(
    "AWS::EC2::VPCEndpoint",
    "A VPC endpoint.",
    list=Call("ec2", "DescribeVpcEndpoints", "VpcEndpoints", params={"MaxResults": 1000}),
    id="arn:{partition}:ec2:{region}:{OwnerId}:vpc-endpoint/{VpcEndpointId}",
    name="{VpcEndpointId}",
    tags="Tags",
)

VPC_ENDPOINT_SERVICE = ResourceType(
    "AWS::EC2::VPCEndpointService",
    "A service of this account that others reach through PrivateLink, and the load balancers behind it.",
    list=Call("ec2", "DescribeVpcEndpointServiceConfigurations", "ServiceConfigurations", params={"MaxResults": 1000}),
    id="arn:{partition}:ec2:{region}:{account}:vpc-endpoint-service/{ServiceId}",
    name="{ServiceName}",
    tags="Tags",
)
