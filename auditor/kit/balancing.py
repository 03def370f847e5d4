"""Load balancers: what a listener leads to, and where balancers and targets stand."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from auditor.kit.facts import Facts, Unavailable
from auditor.model import Document, Gap

__all__ = [
    "ANYWHERE",
    "INSTANCE",
    "LISTENER",
    "LISTENER_RULE",
    "NETWORK_INTERFACE",
    "SUBNET",
    "TARGET_GROUP",
    "attribute",
    "dead_end",
    "forwards_to",
    "speaks_http",
    "zones_of_classic",
    "zones_of_targets",
]

INSTANCE = "AWS::EC2::Instance"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
NETWORK_INTERFACE = "AWS::EC2::NetworkInterface"
SUBNET = "AWS::EC2::Subnet"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

ANYWHERE = "all"
"""The zone Elastic Load Balancing gives a target that lies outside the VPC: every node sends it traffic."""


def attribute(facts: Facts, key: str, default: str = "") -> str:
    """Return the value of the load balancer's or target group's attribute KEY, or DEFAULT where AWS leaves it out.

    Raises Unavailable when the attributes could not be read.
    """
    for item in facts["Attributes"]:
        if item.get("Key") == key:
            return str(item.get("Value", default))
    return default


def forwards_to(actions: Iterable[Document]) -> Iterator[str]:
    """Yield the ARNs of the target groups ACTIONS forward to (an authentication may come before the forward)."""
    for action in actions:
        if action["Type"] != "forward":
            continue
        weighted = (action.get("ForwardConfig") or {}).get("TargetGroups")
        if weighted:
            yield from (target["TargetGroupArn"] for target in weighted)
        elif "TargetGroupArn" in action:
            yield action["TargetGroupArn"]


def dead_end(balancer: Facts) -> str:
    """Return ``""`` when a listener leads anywhere (a registered target, a redirect, a fixed response), else why none does.

    Raises Unavailable when nothing that was read leads anywhere and something could not be read.
    """
    doubt: Unavailable | None = None
    listeners = balancer.known_referrers(LISTENER, "LoadBalancerArn")
    for listener in listeners:
        try:
            if _leads_anywhere(balancer, listener["DefaultActions"]):
                return ""
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    with_rules = [listener for listener in listeners if listener["Protocol"] in ("HTTP", "HTTPS")]
    for rule in (rule for listener in with_rules for rule in listener.known_referrers(LISTENER_RULE, "ListenerArn")):
        try:
            if _leads_anywhere(balancer, rule["Actions"]):
                return ""
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    if doubt:
        raise doubt
    balancer.referrers(LISTENER, "LoadBalancerArn")
    for listener in with_rules:
        listener.referrers(LISTENER_RULE, "ListenerArn")
    return "forwards only to target groups without a target" if listeners else "has no listener"


def _leads_anywhere(balancer: Facts, actions: Sequence[Document]) -> bool:
    if any(action["Type"] in ("redirect", "fixed-response") for action in actions):
        return True
    arns = list(forwards_to(actions))
    doubt: Unavailable | None = None
    for group in [group for arn in arns for group in balancer.known_referrers(TARGET_GROUP, "TargetGroupArn", arn)]:
        try:
            if group["TargetHealthDescriptions"]:
                return True
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    if doubt:
        raise doubt
    balancer.related(TARGET_GROUP, arns, by="TargetGroupArn", required=True)
    return False


def speaks_http(listener: Document, health_check_target: str, http_ports: Sequence[int]) -> bool:
    """Whether a classic load balancer's LISTENER carries HTTP: by its protocol, or raw TCP whose health check shows it.

    HEALTH_CHECK_TARGET is the balancer's ``HealthCheck.Target`` (``HTTP:80/ping``).
    """
    if listener["Protocol"] in ("HTTP", "HTTPS"):
        return True
    return listener["LoadBalancerPort"] in http_ports and health_check_target.startswith(("HTTP:", "HTTPS:"))


def zones_of_classic(balancer: Facts) -> set[str]:
    """Return the names of the zones a Classic Load Balancer is enabled in: those it names, else those of its subnets.

    AWS names them all; some endpoints leave the list empty where subnets are given. Raises Unavailable when a subnet was
    not read.
    """
    zones = set(balancer["AvailabilityZones"])
    if not zones:
        subnets = balancer.related(SUBNET, balancer.get("Subnets", ()), by="SubnetId", required=True)
        zones = {subnet["AvailabilityZone"] for subnet in subnets}
    return zones


def zones_of_targets(group: Facts, targets: Iterable[Any]) -> tuple[set[str], Unavailable | None]:
    """Return the names of the zones in which TARGETS (``TargetHealthDescriptions``) stand, and why some are missing.

    ANYWHERE stands for targets outside the VPC. An instance's zone is its own; an address has the one that was given with
    it, or that of its network interface, or else of the subnet it lies in, in the group's VPC.
    """
    zones: set[str] = set()
    doubt: Unavailable | None = None
    by_instance = group["TargetType"] == "instance"
    for described in targets:
        target = described["Target"]
        try:
            if by_instance:
                zones.add(_instance_zone(group, target["Id"]))
            else:
                zones.add(target.get("AvailabilityZone") or _address_zone(group, target["Id"]))
        except Unavailable as unread:
            doubt = doubt or unread.kept()
    return zones, doubt


def _instance_zone(group: Facts, instance_id: str) -> str:
    instance = group.related(INSTANCE, [instance_id], by="InstanceId", required=True)[0]
    return str(instance["Placement"]["AvailabilityZone"])


def _address_zone(group: Facts, address: str) -> str:
    by = "Ipv6Addresses[].Ipv6Address" if ":" in address else "PrivateIpAddresses[].PrivateIpAddress"
    for interface in group.known_referrers(NETWORK_INTERFACE, by, address):
        if interface.get("VpcId") == group.get("VpcId"):
            return str(interface["AvailabilityZone"])
    for subnet in group.known_referrers(SUBNET, "VpcId", group["VpcId"]):
        if _holds(subnet, address):
            return str(subnet["AvailabilityZone"])
    group.related(NETWORK_INTERFACE, [address], by=by, required=True)
    raise Unavailable(Gap(NETWORK_INTERFACE, "NotFound", f"{address} is not in the inventory"))


def _holds(subnet: Facts, address: str) -> bool:
    """Whether ADDRESS is one of the subnet's: no two subnets of a VPC share one."""
    blocks = (*subnet.values("CidrBlock"), *subnet.values("Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock"))
    try:
        return any(ip_address(address) in ip_network(block, strict=False) for block in blocks)
    except ValueError:
        return False
