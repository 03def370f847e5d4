"""What many checks ask of a network: which addresses CIDRs cover, whether that is the internet, which ports a rule opens."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = [
    "ALL",
    "ALL_PORTS",
    "ICMP",
    "PORT_MAX",
    "PUBLIC_SIZE",
    "TRANSPORTS",
    "PortRange",
    "Span",
    "collapsed",
    "count_ports",
    "covers_internet",
    "internet_versions",
    "is_public",
    "port_ranges",
    "ports_inside",
    "ports_outside",
    "ports_text",
    "protocol_ports",
    "span",
]

PORT_MAX = 65535
"""The highest port of TCP and UDP (RFC 9293, RFC 768: sixteen bits)."""

PortRange = tuple[int, int]
"""First and last port, both included."""

ALL_PORTS: PortRange = (0, PORT_MAX)
ALL = "all"
"""Every protocol: ``-1`` in the API."""
ICMP = frozenset({"icmp", "icmpv6"})
"""Protocols whose FromPort and ToPort are a type and a code (EC2 API, IpPermission)."""
TRANSPORTS = ("tcp", "udp")

_PROTOCOLS = {"-1": ALL, "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}

_NON_PUBLIC: Mapping[int, tuple[str, ...]] = {
    # IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771) and the reserved class E (RFC 1112).
    4: (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    ),
    # Global unicast is 2000::/3 (RFC 4291, IANA IPv6 Address Space); within it the documentation's blocks (RFC 3849, 9637).
    6: ("::/3", "2001:db8::/32", "3fff::/20", "4000::/2", "8000::/1"),
}  # fmt: skip
_LAST = {4: 2**32 - 1, 6: 2**128 - 1}


class Span(NamedTuple):
    """A block of addresses: IP version, first and last address as numbers, both included, and how many."""

    version: int
    first: int
    last: int
    size: int


@lru_cache(maxsize=65536)
def span(cidr: str) -> Span:
    """Return the addresses of CIDR (host bits are ignored, a bare address is one). Raises ValueError."""
    network = ipaddress.ip_network(cidr, strict=False)
    return Span(network.version, int(network.network_address), int(network.broadcast_address), network.num_addresses)


_HIDDEN = {version: tuple(map(span, blocks)) for version, blocks in _NON_PUBLIC.items()}
PUBLIC_SIZE = {version: _LAST[version] + 1 - sum(s.size for s in spans) for version, spans in _HIDDEN.items()}
"""How many addresses are public; fewer can never be the whole internet."""


@lru_cache(maxsize=65536)
def is_public(cidr: str) -> bool:
    """Return whether CIDR holds an address that the internet routes. Raises ValueError."""
    block = span(cidr)
    return not _covers(_HIDDEN[block.version], block.first, block.last)


def internet_versions(cidrs: Iterable[str]) -> tuple[int, ...]:
    """Return the IP versions (4, 6) whose every public address lies in the union of CIDRS.

    ``0.0.0.0/1`` with ``128.0.0.0/1`` is the internet, and so is all of it but the private ranges. Raises ValueError.
    """
    spans = [span(cidr) for cidr in cidrs]
    return tuple(version for version in _LAST if covers_internet(version, [s for s in spans if s.version == version]))


def covers_internet(version: int, spans: Sequence[Span]) -> bool:
    """Return whether SPANS hold every public address of VERSION."""
    if sum(block.size for block in spans) < PUBLIC_SIZE[version]:
        return False
    return _covers((*spans, *_HIDDEN[version]), 0, _LAST[version])


def _covers(spans: Iterable[Span], first: int, last: int) -> bool:
    """Return whether every address from FIRST to LAST lies in one of SPANS."""
    reached = first
    for block in sorted(spans):
        if block.first > reached:
            return False
        reached = max(reached, block.last + 1)
        if reached > last:
            return True
    return False


def collapsed(cidrs: Iterable[str], version: int) -> list[str]:
    """Return the fewest CIDRs of VERSION with the same addresses: two halves become their whole. Raises ValueError."""
    texts = [cidr for cidr in cidrs if span(cidr).version == version]
    if version == 4:
        return [str(n) for n in ipaddress.collapse_addresses(ipaddress.IPv4Network(t, strict=False) for t in texts)]
    return [str(n) for n in ipaddress.collapse_addresses(ipaddress.IPv6Network(t, strict=False) for t in texts)]


# ---- ports ----

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def port_ranges(ports: Iterable[int | str]) -> tuple[PortRange, ...]:
    """Return the ranges of PORTS (numbers, ``"443"`` or ``"27017-27019"``), sorted and merged. Raises ValueError."""
    ranges = []
    for port in ports:
        written = _PORTS.fullmatch(str(port))
        start, end = (int(written[1]), int(written[2] or written[1])) if written else (1, 0)
        if not start <= end <= PORT_MAX:
            raise ValueError(f"{port!r} is no port or range of ports (0 to {PORT_MAX})")
        ranges.append((start, end))
    return _merged(ranges)


def _merged(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    merged: list[PortRange] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def ports_inside(ranges: Sequence[PortRange], within: PortRange) -> tuple[PortRange, ...]:
    """Return the part of RANGES that lies in WITHIN."""
    low, high = within
    return tuple((max(a, low), min(b, high)) for a, b in ranges if a <= high and b >= low)


def ports_outside(ranges: Sequence[PortRange], within: PortRange) -> tuple[PortRange, ...]:
    """Return the ports of WITHIN that lie in none of RANGES (which are sorted)."""
    free, (start, end) = [], within
    for first, last in ports_inside(ranges, within):
        if first > start:
            free.append((start, first - 1))
        start = max(start, last + 1)
    return (*free, (start, end)) if start <= end else tuple(free)


def count_ports(ranges: Iterable[PortRange]) -> int:
    """Return how many different ports lie in RANGES."""
    return sum(last - first + 1 for first, last in _merged(ranges))


def ports_text(ranges: Iterable[PortRange]) -> str:
    """Return RANGES for people: ``22, 3389, 27017-27019``."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def protocol_ports(permission: Mapping[str, Any]) -> tuple[str, PortRange | None]:
    """Return the protocol of an IpPermission or security group rule, and the TCP and UDP ports it opens (``None``: none).

    The protocol is ``tcp``, ``udp``, ``icmp``, ``icmpv6``, ``all`` or a number. Missing ports and -1 are all ports; ``all``
    opens every port, whatever its range says (EC2 API, IpPermission: IpProtocol).
    """
    raw = str(permission["IpProtocol"]).lower()
    protocol = _PROTOCOLS.get(raw, raw)
    if protocol not in TRANSPORTS:
        return protocol, ALL_PORTS if protocol == ALL else None
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if first is None or last is None or first < 0 or last < 0:
        return protocol, ALL_PORTS
    return protocol, (first, last)
