"""How a security group's openings become evidence."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from auditor.kit import Evidence, Facts, Severity, Unavailable
from auditor.kit.exposure import Opening, has_public_address, openings, routed_versions, rule_ids
from auditor.kit.network import ALL, ALL_PORTS, PortRange, ports_inside, ports_text

BLOCKED = ("block-bidirectional", "block-ingress")
"""Modes of VPC Block Public Access that let nothing in (EC2 API, BlockPublicAccessStates)."""

INTERNET = frozenset({"0.0.0.0/0", "::/0"})
_SHOWN_SOURCES = 4


def open_ports(
    group: Facts, ports: Sequence[PortRange], severity: Callable[[Facts, Iterable[int]], Severity | None]
) -> Iterator[Evidence]:
    """Yield evidence for every opening of GROUP to the internet that covers one of PORTS, then raise what is in doubt.

    SEVERITY is asked for each opening, with the IP versions that are open.
    """
    doubt: Unavailable | None = None
    for opening in openings(group):
        hit = ports_inside(ports, opening.ports) if opening.ports else ()
        if not hit:
            continue
        if opening.doubt:
            doubt = doubt or opening.doubt
        else:
            yield evidence(group, opening, hit, severity(group, opening.versions))
    if doubt:
        raise doubt


def evidence(group: Facts, opening: Opening, hit: Sequence[PortRange], severity: Severity | None = None) -> Evidence:
    """Return evidence that the ports HIT are open, with the ids of the rules behind it (one root cause: the rule id)."""
    first, last = opening.ports or (None, None)
    return Evidence(
        f"{what(opening, hit)} {'are' if opening.protocol != ALL and ports_text(hit).count(',') else 'is'} "
        f"open to {sources_text(opening.sources)}{'' if set(opening.sources) <= INTERNET else ' (the whole internet)'}",
        {
            "protocol": opening.protocol,
            "from_port": first,
            "to_port": last,
            "ports": ports_text(hit),
            "sources": list(opening.sources),
            "rules": rule_ids(group, opening),
        },
        severity=severity,
    )


def what(opening: Opening, hit: Sequence[PortRange]) -> str:
    """Return what is open, for people: ``tcp 22``, ``all traffic (with 22, 3389)``, ``icmp``."""
    if opening.protocol == ALL and tuple(hit) == (ALL_PORTS,):
        return "all traffic"
    if opening.protocol == ALL:
        return f"all traffic (with ports {ports_text(hit)})"
    if opening.ports is None:
        return f"IP protocol {opening.protocol}" if opening.protocol.isdecimal() else opening.protocol
    return f"{opening.protocol} {ports_text(hit)}"


def sources_text(sources: Sequence[str]) -> str:
    """Return the sources for people, the first few of many."""
    more = len(sources) - _SHOWN_SOURCES
    return ", ".join(sources[:_SHOWN_SOURCES]) + (f" and {more} more" if more > 0 else "")


def by_reach(severe: Severity, mild: Severity) -> Callable[[Facts, Iterable[int]], Severity | None]:
    """Return a judge of severity: SEVERE when the internet reaches an attached interface, MILD when it reaches nothing.

    ``None`` (the check's own severity) where it lies between, or what is needed could not be read.
    """

    def severity(group: Facts, versions: Iterable[int]) -> Severity | None:
        try:
            interfaces = group.referrers("AWS::EC2::NetworkInterface", "Groups[].GroupId", group["GroupId"])
        except Unavailable:
            return None
        if not interfaces:
            return mild
        open_subnets = [i for i in interfaces if not _blocked(i)]
        if not open_subnets:
            return mild
        return severe if any(_reached(interface, versions) for interface in open_subnets) else None

    return severity


def _blocked(interface: Facts) -> bool:
    """Return whether VPC Block Public Access keeps the internet out of the interface's subnet (or else its VPC)."""
    try:
        for type, key in (("AWS::EC2::Subnet", "SubnetId"), ("AWS::EC2::VPC", "VpcId")):
            (place,) = interface.related(type, [interface[key]], by=key, required=True)
            if mode := place.get("BlockPublicAccessStates", {}).get("InternetGatewayBlockMode"):
                return mode in BLOCKED
    except Unavailable:
        pass
    return False


def _reached(interface: Facts, versions: Iterable[int]) -> bool:
    try:
        public = [version for version in versions if has_public_address(interface, version)]
        routed = routed_versions(interface, interface["SubnetId"], interface["VpcId"]) if public else ()
        return any(version in routed for version in public)
    except Unavailable:
        return False
