"""Addresses and ports: the union of all sources decides what is the internet, whatever way it is written."""

import ipaddress
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit import NOW, Facts
from auditor.kit.exposure import Opening, has_public_address, openings, routed_versions, rule_ids
from auditor.kit.network import (
    PORT_MAX,
    collapsed,
    count_ports,
    internet_versions,
    is_public,
    port_ranges,
    ports_inside,
    ports_outside,
    ports_text,
    protocol_ports,
    span,
)
from auditor.kit.world import Inventory
from auditor.model import Coverage, CoverageState, Gap, Resource, Scope

ACCOUNT, REGION = "111122223333", "eu-west-1"
EVERYTHING = ipaddress.IPv4Network("0.0.0.0/0")
HIDDEN_EIGHTS = {0, 10, 127, *range(224, 256)}
"""First numbers of addresses that are public in no part; all other /8 blocks are public at least in part."""

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
ports = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (min(pair), max(pair)))


def short_cidrs() -> st.SearchStrategy[str]:
    return st.builds(
        lambda first, length: str(ipaddress.ip_network((first << 24, length), strict=False)),
        st.integers(0, 255),
        st.integers(0, 8),
    )


def cut(network: ipaddress.IPv4Network, turns: list[bool]) -> list[ipaddress.IPv4Network]:
    """Cut NETWORK into pieces: each turn halves the first or the last piece."""
    pieces = [network]
    for first in turns:
        piece = pieces.pop(0 if first else -1)
        pieces.extend(piece.subnets())
        pieces.sort()
    return pieces


# ---- addresses ----


@given(addresses, st.integers(0, 32))
def test_a_span_is_the_network_of_its_cidr_whatever_its_host_bits(address: Any, length: int) -> None:
    network = ipaddress.ip_network((address, length), strict=False)
    assert span(f"{address}/{length}")[:3] == (
        network.version,
        int(network.network_address),
        int(network.broadcast_address),
    )


@pytest.mark.parametrize("text", ["", "0.0.0.0/33", "sg-0aa", "300.0.0.0/8", "::/129"])
def test_what_is_no_cidr_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not appear to be"):
        span(text)


@given(st.lists(short_cidrs(), max_size=24))
def test_ipv4_is_the_internet_when_every_public_block_is_in_some_source(cidrs: list[str]) -> None:
    networks = [ipaddress.IPv4Network(cidr) for cidr in cidrs]
    eights = [ipaddress.IPv4Network((number << 24, 8)) for number in range(256) if number not in HIDDEN_EIGHTS]
    whole = all(any(block.subnet_of(network) for network in networks) for block in eights)
    assert (4 in internet_versions(cidrs)) == whole


@given(st.lists(st.booleans(), max_size=24), st.data())
def test_the_internet_in_pieces_is_the_internet_until_a_public_piece_is_missing(
    turns: list[bool], data: st.DataObject
) -> None:
    pieces = cut(EVERYTHING, turns)
    assert internet_versions(map(str, pieces)) == (4,)
    missing = data.draw(st.sampled_from(pieces))
    rest = [str(piece) for piece in pieces if piece != missing]
    assert internet_versions(rest) == (() if is_public(str(missing)) else (4,))


def test_each_ip_version_is_judged_by_itself() -> None:
    assert internet_versions(["::/0"]) == (6,)
    assert internet_versions(["2000::/3"]) == (6,), "all that is routed of IPv6"
    assert internet_versions(["0.0.0.0/0", "::/0"]) == (4, 6)
    assert internet_versions(["0.0.0.0/1", "8000::/1"]) == ()
    assert internet_versions(["::/1", "8000::/1"]) == (6,)
    assert internet_versions([]) == ()


@pytest.mark.parametrize(
    ("cidr", "public"),
    [
        ("10.0.0.0/8", False),
        ("172.16.0.0/12", False),
        ("172.16.0.0/11", True),
        ("100.64.0.0/10", False),
        ("169.254.169.254/32", False),
        ("224.0.0.0/4", False),
        ("0.0.0.0/0", True),
        ("52.0.0.0/8", True),
        ("fd00::/8", False),
        ("fe80::/10", False),
        ("2600::/12", True),
        ("::/0", True),
    ],
)
def test_private_shared_and_local_addresses_are_not_public(cidr: str, public: bool) -> None:
    assert is_public(cidr) is public


@given(st.lists(short_cidrs(), max_size=12))
def test_collapsed_holds_the_same_addresses_in_the_fewest_blocks(cidrs: list[str]) -> None:
    wanted = ipaddress.collapse_addresses(map(ipaddress.IPv4Network, cidrs))
    assert collapsed([*cidrs, "::/0"], 4) == [str(network) for network in wanted]
    assert collapsed([*cidrs, "::/0"], 6) == ["::/0"]


# ---- ports ----


def numbers(ranges: Any) -> set[int]:
    return {port for first, last in ranges for port in range(first, last + 1)}


@given(st.lists(ports, max_size=6), ports)
def test_ports_inside_and_outside_part_a_range_in_two(ranges: list[tuple[int, int]], within: tuple[int, int]) -> None:
    merged = port_ranges(f"{first}-{last}" for first, last in ranges)
    inside, outside = numbers(ports_inside(merged, within)), numbers(ports_outside(merged, within))
    assert inside == numbers(merged) & numbers([within])
    assert outside == numbers([within]) - numbers(merged)
    assert count_ports(ranges) == len(numbers(ranges))


def test_ports_are_written_as_the_standard_writes_them() -> None:
    assert port_ranges([3306, "27017-27019", "443", 27020]) == ((443, 443), (3306, 3306), (27017, 27020))
    assert ports_text(port_ranges([22, "80-90"])) == "22, 80-90"


@pytest.mark.parametrize("port", [-1, 65536, "90-80", "ssh", ""])
def test_what_is_no_port_is_an_error(port: int | str) -> None:
    with pytest.raises(ValueError, match="is no port"):
        port_ranges([port])


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 23}, ("tcp", (22, 23))),
        ({"IpProtocol": "6", "FromPort": 22, "ToPort": 23}, ("tcp", (22, 23))),
        ({"IpProtocol": "17"}, ("udp", (0, PORT_MAX))),
        ({"IpProtocol": "tcp", "FromPort": -1, "ToPort": -1}, ("tcp", (0, PORT_MAX))),
        ({"IpProtocol": "-1"}, ("all", (0, PORT_MAX))),
        ({"IpProtocol": "-1", "FromPort": -1, "ToPort": -1}, ("all", (0, PORT_MAX))),
        ({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}, ("icmp", None)),
        ({"IpProtocol": "58"}, ("icmpv6", None)),
        ({"IpProtocol": "50"}, ("50", None)),
    ],
)
def test_a_permission_opens_the_ports_its_protocol_has(permission: Mapping[str, Any], expected: Any) -> None:
    assert protocol_ports(permission) == expected


# ---- security groups ----


def facts(
    type: str, document: Mapping[str, Any], related: Mapping[str, list[Any]] | None = None, unread: str = ""
) -> Facts:
    """Return a resource among RELATED ones; of UNREAD nothing could be read."""
    held = {
        name: [Resource(name, f"arn:{name}/{n}", str(n), ACCOUNT, REGION, NOW, row) for n, row in enumerate(rows)]
        for name, rows in (related or {}).items()
    }
    coverage = {
        Scope(ACCOUNT, REGION, name): Coverage(Scope(ACCOUNT, REGION, name), CoverageState.COMPLETE) for name in held
    }
    if unread:
        scope = Scope(ACCOUNT, REGION, unread)
        coverage[scope] = Coverage(scope, CoverageState.DENIED, Gap("ec2:Describe", "UnauthorizedOperation"))
    inventory = Inventory(ACCOUNT, lambda name: held.get(name, ()), coverage, [REGION])
    return Facts(Resource(type, f"arn:{type}", "it", ACCOUNT, REGION, NOW, document), inventory)


def group(*permissions: Mapping[str, Any], related: Mapping[str, list[Any]] | None = None, unread: str = "") -> Facts:
    document = {"GroupId": "sg-0aa", "IpPermissions": list(permissions)}
    return facts("AWS::EC2::SecurityGroup", document, related, unread)


def permission(protocol: str, within: tuple[int, int], cidrs: list[str]) -> dict[str, Any]:
    ranges: dict[str, Any] = {} if protocol == "-1" else {"FromPort": within[0], "ToPort": within[1]}
    return {
        "IpProtocol": protocol,
        **ranges,
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr],
    }


SOURCES = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "10.0.0.0/8",
    "52.0.0.0/6",
    "::/0",
    "2000::/4",
    "3000::/4",
    "fd00::/8",
]
permissions = st.builds(
    permission, st.sampled_from(["tcp", "udp", "-1"]), ports, st.lists(st.sampled_from(SOURCES), max_size=3)
)


@given(st.lists(permissions, max_size=6))
def test_a_port_is_open_when_the_sources_of_all_permissions_that_cover_it_are_the_internet(
    given_permissions: list[dict[str, Any]],
) -> None:
    found = openings(group(*given_permissions))
    for transport in ("tcp", "udp"):
        for port in range(42):
            over: list[str] = []
            for held in given_permissions:
                protocol, within = protocol_ports(held)
                if protocol in (transport, "all") and within and within[0] <= port <= within[1]:
                    over += [item["CidrIp"] for item in held["IpRanges"]]
                    over += [item["CidrIpv6"] for item in held["Ipv6Ranges"]]
            versions = {
                version
                for opening in found
                if opening.protocol in (transport, "all")
                and opening.ports
                and ports_inside((opening.ports,), (port, port))
                for version in opening.versions
            }
            assert versions == set(internet_versions(over)), (transport, port)


LISTED = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-0aa"}]}


def test_a_prefix_list_that_cannot_be_read_is_in_doubt_and_hides_nothing_else() -> None:
    web = permission("tcp", (443, 443), ["0.0.0.0/0"])
    found = openings(group(LISTED, web, unread="AWS::EC2::PrefixList"))
    assert [(o.ports, bool(o.doubt), o.sources) for o in found] == [
        ((22, 22), True, ("pl-0aa",)),
        ((443, 443), False, ("0.0.0.0/0",)),
    ]


def test_a_prefix_list_makes_the_internet_together_with_a_rule() -> None:
    half = [{"PrefixListId": "pl-0aa", "OwnerId": ACCOUNT, "Entries": [{"Cidr": "0.0.0.0/1"}]}]
    other = permission("tcp", (0, 100), ["128.0.0.0/1"])
    (opening,) = openings(group(LISTED, other, related={"AWS::EC2::PrefixList": half}))
    assert (opening.ports, opening.versions, set(opening.sources)) == ((22, 22), (4,), {"pl-0aa", "128.0.0.0/1"})


def test_the_rules_behind_an_opening_are_named_where_they_were_read() -> None:
    def rule(id: str, **more: Any) -> dict[str, Any]:
        base = {"GroupId": "sg-0aa", "IsEgress": False, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        return {"SecurityGroupRuleId": id, **base, "CidrIpv4": "0.0.0.0/0", **more}

    rules = [
        rule("sgr-ours"),
        rule("sgr-all", IpProtocol="-1", FromPort=-1, ToPort=-1),
        rule("sgr-egress", IsEgress=True),
        rule("sgr-port", FromPort=80, ToPort=80),
        rule("sgr-source", CidrIpv4="10.0.0.0/8"),
        {"SecurityGroupRuleId": "sgr-poor", "GroupId": "sg-0aa"},
    ]
    opening = Opening("tcp", (22, 22), ("0.0.0.0/0",), (4,))
    assert rule_ids(group(related={"AWS::EC2::SecurityGroupRule": rules}), opening) == ["sgr-all", "sgr-ours"]
    assert rule_ids(group(unread="AWS::EC2::SecurityGroupRule"), opening) == []


# ---- what stands behind ----


def test_an_interface_is_public_by_its_elastic_address_or_its_ipv6_address() -> None:
    type = "AWS::EC2::NetworkInterface"
    assert has_public_address(facts(type, {"Association": {"PublicIp": "18.200.1.1"}}), 4)
    assert has_public_address(facts(type, {"PrivateIpAddresses": [{"Association": {"PublicIp": "18.200.1.1"}}]}), 4)
    assert not has_public_address(facts(type, {"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1"}]}), 4)
    assert has_public_address(facts(type, {"Ipv6Addresses": [{"Ipv6Address": "2600:1f18::1"}]}), 6)
    assert not has_public_address(facts(type, {"Ipv6Addresses": [{"Ipv6Address": "fd00::1"}]}), 6)


def test_a_subnet_without_a_table_of_its_own_is_routed_by_the_main_table() -> None:
    def table(association: dict[str, Any], **route: Any) -> dict[str, Any]:
        return {"VpcId": "vpc-0aa", "Associations": [association], "Routes": [{"State": "active", **route}]}

    main = table({"Main": True}, DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-0aa")
    own = table({"Main": False, "SubnetId": "subnet-own"}, DestinationIpv6CidrBlock="::/0", GatewayId="igw-0aa")
    nat = table({"Main": False, "SubnetId": "subnet-nat"}, DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-0aa")
    dead = table({"SubnetId": "subnet-dead"}, DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-0aa", State="blackhole")
    asking = group(related={"AWS::EC2::RouteTable": [main, own, nat, dead]})
    routed = {name: routed_versions(asking, f"subnet-{name}", "vpc-0aa") for name in ("main", "own", "nat", "dead")}
    assert routed == {"main": (4,), "own": (6,), "nat": (), "dead": ()}
