"""What a security group opens to the whole internet, and whether what stands behind it can be reached from there."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from auditor.kit.facts import Facts, Unavailable
from auditor.kit.network import (
    ALL,
    PUBLIC_SIZE,
    TRANSPORTS,
    PortRange,
    Span,
    covers_internet,
    internet_versions,
    is_public,
    ports_inside,
    protocol_ports,
    span,
)

__all__ = [
    "Opening",
    "Source",
    "has_public_address",
    "may_reach",
    "openings",
    "routed_versions",
    "rule_ids",
    "sources_of",
]


class Source(NamedTuple):
    """Where a permission lets traffic in from: as the rule says it (a CIDR, a prefix list's id), and which CIDRs that is."""

    text: str
    cidrs: tuple[str, ...]
    doubt: Unavailable | None
    """Why the CIDRs are not known: the prefix list could not be read."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Ports of one protocol that a security group opens to the whole internet, or may open: then DOUBT says why."""

    protocol: str
    ports: PortRange | None
    """``None``: neither TCP nor UDP."""
    sources: tuple[str, ...]
    """What the rules say: CIDRs and prefix lists that together are the internet."""
    versions: tuple[int, ...]
    """IP versions, 4 and 6."""
    doubt: Unavailable | None = None


def sources_of(group: Facts, permission: Mapping[str, Any]) -> list[Source]:
    """Return where PERMISSION of GROUP lets traffic in from: CIDRs and prefix lists; other groups are never the internet."""
    sources = [Source(r["CidrIp"], (r["CidrIp"],), None) for r in permission.get("IpRanges", ())]
    sources += [Source(r["CidrIpv6"], (r["CidrIpv6"],), None) for r in permission.get("Ipv6Ranges", ())]
    sources += [_prefix_list(group, r["PrefixListId"]) for r in permission.get("PrefixListIds", ())]
    return sources


def _prefix_list(group: Facts, id: str) -> Source:
    """Return the prefix list's CIDRs; AWS's own lists name AWS's services, never the internet."""
    try:
        (found,) = group.related("AWS::EC2::PrefixList", [id], by="PrefixListId", required=True)
        if found["OwnerId"] == "AWS":
            return Source(id, (), None)
        return Source(id, tuple(entry["Cidr"] for entry in found["Entries"]), None)
    except Unavailable as unavailable:
        return Source(id, (), unavailable.kept())


def openings(group: Facts) -> list[Opening]:
    """Return what GROUP (AWS::EC2::SecurityGroup) opens to the whole internet, IPv4 or IPv6.

    The sources of a port are the union over all permissions that cover it. A permission whose prefix list could not be read
    is returned with its doubt. Raises Unavailable when the permissions themselves could not be read.
    """
    permissions = group["IpPermissions"]
    if not may_reach(permissions, PUBLIC_SIZE[4], PUBLIC_SIZE[6]):
        return []
    return group.remembered(_every_opening)


def _every_opening(group: Facts) -> list[Opening]:
    return list(_openings(group, group["IpPermissions"]))


class _PublicSizes(dict[str, int]):
    """CIDR -> how many addresses it has, 0 where none is public: a lookup is cheaper than a call, and there are many."""

    def __missing__(self, cidr: str) -> int:
        size = span(cidr).size if is_public(cidr) else 0
        if len(self) >= _REMEMBERED:
            self.clear()
        self[cidr] = size
        return size


_REMEMBERED = 65536
_sizes = _PublicSizes()


def may_reach(permissions: Iterable[Mapping[str, Any]], least_v4: int, least_v6: int) -> bool:
    """Return False when PERMISSIONS together have fewer public IPv4 and IPv6 addresses than these, and no prefix list.

    The cheap test before the exact one: nearly all security groups end here.
    """
    sizes, v4, v6 = _sizes, 0, 0
    for permission in permissions:
        if "IpRanges" in permission:
            for item in permission["IpRanges"]:
                v4 += sizes[item["CidrIp"]]
        if "Ipv6Ranges" in permission:
            for item in permission["Ipv6Ranges"]:
                v6 += sizes[item["CidrIpv6"]]
        if permission.get("PrefixListIds"):
            return True
    return v4 >= least_v4 or v6 >= least_v6


class _Row(NamedTuple):
    protocol: str
    ports: PortRange | None
    spans: list[Span]
    texts: tuple[str, ...]


def _openings(group: Facts, permissions: Iterable[Mapping[str, Any]]) -> Iterator[Opening]:
    found: dict[tuple[str, PortRange | None], tuple[set[int], dict[str, None]]] = defaultdict(lambda: (set(), {}))
    rows: dict[int, list[_Row]] = {4: [], 6: []}
    for permission in permissions:
        protocol, ports = protocol_ports(permission)
        sources = sources_of(group, permission)
        for source in sources:
            if source.doubt:
                yield Opening(protocol, ports, (source.text,), (), source.doubt)
        for version, rest in rows.items():
            row = _row(protocol, ports, sources, version)
            if covers_internet(version, row.spans):
                _add(found[protocol, ports], version, _shown(row.texts))
            elif row.spans:
                rest.append(row)
    for version, rest in rows.items():
        if sum(block.size for row in rest for block in row.spans) >= PUBLIC_SIZE[version]:
            for transport in TRANSPORTS:
                for ports, texts in _together(transport, version, rest):
                    _add(found[transport, ports], version, texts)
    for (protocol, ports), (versions, texts_found) in found.items():
        yield Opening(protocol, ports, tuple(texts_found), tuple(sorted(versions)))


def _row(protocol: str, ports: PortRange | None, sources: Iterable[Source], version: int) -> _Row:
    spans: list[Span] = []
    texts = []
    for source in sources:
        own = [block for block in map(span, source.cidrs) if block.version == version]
        if own:
            spans += own
            texts.append(source.text)
    return _Row(protocol, ports, spans, tuple(texts))


def _shown(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one CIDR that is the internet by itself, if there is one, else all that make it up together."""
    return tuple(text for text in texts if text in ("0.0.0.0/0", "::/0")) or texts


def _add(found: tuple[set[int], dict[str, None]], version: int, texts: Iterable[str]) -> None:
    found[0].add(version)
    found[1].update(dict.fromkeys(texts))


def _together(transport: str, version: int, rows: Iterable[_Row]) -> Iterator[tuple[PortRange, tuple[str, ...]]]:
    """Yield the ports of TRANSPORT that are open to the internet only by several permissions together."""
    ranges = [(row.ports, row) for row in rows if row.ports and row.protocol in (transport, ALL)]
    edges = sorted({ports[0] for ports, _ in ranges} | {ports[1] + 1 for ports, _ in ranges})
    for start, end in itertools.pairwise(edges):
        over = [row for ports, row in ranges if ports[0] <= start and ports[1] >= end - 1]
        if covers_internet(version, [block for row in over for block in row.spans]):
            yield (start, end - 1), tuple(dict.fromkeys(text for row in over for text in row.texts))


def rule_ids(group: Facts, opening: Opening) -> list[str]:
    """Return the ids (sgr-…) of the ingress rules behind OPENING, as far as the rules were read."""
    ids = []
    for rule in group.known_referrers("AWS::EC2::SecurityGroupRule", "GroupId", group["GroupId"]):
        try:
            protocol, ports = protocol_ports({"IpProtocol": rule["IpProtocol"], "FromPort": rule.get("FromPort"),
                                              "ToPort": rule.get("ToPort")})  # fmt: skip
            source = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId")
            ours = not rule["IsEgress"] and source in opening.sources and protocol in (opening.protocol, ALL)
            if ours and (ports is None or opening.ports is None or ports_inside((ports,), opening.ports)):
                ids.append(rule["SecurityGroupRuleId"])
        except Unavailable:
            continue
    return sorted(ids)


# ---- what stands behind it ----


def has_public_address(interface: Facts, version: int) -> bool:
    """Return whether INTERFACE (AWS::EC2::NetworkInterface) has a public address of VERSION (4 or 6)."""
    if version == 4:
        own = (interface.get("Association", {}), *interface.values("PrivateIpAddresses[].Association"))
        return any("PublicIp" in association for association in own)
    return any(is_public(address) for address in interface.values("Ipv6Addresses[].Ipv6Address"))


def routed_versions(resource: Facts, subnet_id: str, vpc_id: str) -> tuple[int, ...]:
    """Return the IP versions (4, 6) that the subnet's route table sends to an internet gateway.

    A subnet without an association of its own uses the VPC's main table (VPC User Guide, "Subnet route tables").
    RESOURCE is whoever asks, in the same region. Raises Unavailable when the route tables were not read completely.
    """
    tables = resource.referrers("AWS::EC2::RouteTable", "Associations[].SubnetId", subnet_id) or [
        table
        for table in resource.referrers("AWS::EC2::RouteTable", "VpcId", vpc_id)
        if any(table.values("Associations[].Main"))
    ]
    return internet_versions(
        route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
        for table in tables
        for route in table["Routes"]
        if str(route.get("GatewayId", "")).startswith("igw-")
        and route.get("State") == "active"
        and ("DestinationCidrBlock" in route or "DestinationIpv6CidrBlock" in route)
    )
