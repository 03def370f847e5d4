"""Security groups that open ports nobody allowed, or open them to a large part of the internet."""

import re
from collections.abc import Iterator

from auditor.kit import LOW, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, Unavailable, check
from auditor.kit.exposure import Opening, may_reach, openings, rule_ids, sources_of
from auditor.kit.network import (
    ALL,
    ICMP,
    PortRange,
    collapsed,
    internet_versions,
    is_public,
    port_ranges,
    ports_outside,
    ports_text,
    protocol_ports,
)

from ._openings import evidence, sources_text, what
from .open_ports import (
    EVERYTHING_LIST,
    GROUP,
    OFFICES,
    OFFICES_LIST,
    PATTERN,
    PREFIX_LIST,
    RULE,
    WEB,
    all_traffic,
    group,
    tcp,
)
from .thresholds import SecurityGroups

PING = {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _tagged(group: Facts, want: SecurityGroups) -> tuple[PortRange, ...]:
    """Return the ports that the group's own tag allows (``public-ports=8443 500-510``); what is no port is ignored."""
    ranges: list[PortRange] = []
    for word in re.split(r"[\s,;/+]+", group.tags.get(want.public_ports_tag, "")):
        try:
            ranges += port_ranges([word])
        except ValueError:
            continue
    return tuple(ranges)


@check(
    "security-group-open-unauthorized-port",
    pattern=PATTERN,
    on=GROUP,
    severity=MEDIUM,
    fix=Fix(
        cli="aws ec2 modify-security-group-rules --group-id {GroupId} --security-group-rules "
        "'SecurityGroupRuleId=RULE_ID,SecurityGroupRule={IpProtocol=tcp,FromPort=443,ToPort=443,CidrIpv4=0.0.0.0/0}' "
        "--region {region}",
        terraform="aws_vpc_security_group_ingress_rule.from_port",
    ),
    reads=(PREFIX_LIST, RULE),
    same_as=("fsbp:EC2.18", "prowler:ec2_securitygroup_allow_ingress_from_internet_to_any_port"),
    passes=[
        Case(group(WEB, tcp(80, 80, "0.0.0.0/0", "::/0"))),
        Case(group(tcp(8443, 8443, "10.0.0.0/8"))),
        Case(group(WEB, PING), why="being pinged is no exposure"),
        Case(group(tcp(22, 22, "0.0.0.0/0")), why="security-group-open-admin-port fails it; one cause, one finding"),
        Case(group({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}), why="fails as all traffic"),
        Case(
            group({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, tcp(8443, 8443, "0.0.0.0/0")),
            why="8443 is part of all traffic",
        ),
        Case(
            group({**OFFICES, "FromPort": 443, "ToPort": 443}),
            unread=[PREFIX_LIST],
            why="443 may be open to anybody, whoever stands in the prefix list",
        ),
    ],
    fails=[
        Case(group(tcp(8443, 8443, "0.0.0.0/0"))),
        Case(group(tcp(8443, 8443, "::/0")), why="IPv6 alone"),
        Case(group(tcp(80, 100, "0.0.0.0/0")), why="from 80 to 100 is not 80"),
        Case(
            group(tcp(80, 443, "0.0.0.0/0")),
            why="ports of file shares lie between 80 and 443, and hundreds that no other check names",
        ),
        Case(group(tcp(20, 25, "0.0.0.0/0")), why="22 and 23 are ports of administration, the other four are not"),
        Case(
            group({**OFFICES, "FromPort": 8080, "ToPort": 8080}),
            related={PREFIX_LIST: [EVERYTHING_LIST]},
            why="a prefix list that holds the internet",
        ),
        Case(group(tcp(8440, 8445, "0.0.0.0/0")), tags={"public-ports": "8080 8443"}, why="the tag allows 8443 alone"),
        Case(group({"IpProtocol": "47", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}), why="a protocol without ports: GRE"),
    ],
    skips=[
        Case(group(WEB, tcp(8443, 8443, "0.0.0.0/0")), tags={"public-ports": "8443"}, why="allowed by the group's tag"),
    ],
    unknowns=[Case(group({**OFFICES, "FromPort": 8080, "ToPort": 8080}), unread=[PREFIX_LIST])],
)
def security_group_open_unauthorized_port(group: Facts, want: SecurityGroups) -> Iterator[Evidence]:
    """A security group opens to the internet only the ports that may be public.

    Why: Every open port is a program that strangers can talk to. Web traffic is meant for them; the rest seldom is. A range
    from 80 to 443 is not these two ports: it opens 362 others. Ports of administration and databases, and everything at once,
    have checks of their own: they are left out here and not counted twice. A tag on the group may allow further ports; then the check is not applicable and says so.

    Fix: Narrow the rule to the port that is meant, or to the addresses that need it. A port the public must reach goes into
    allowed_public_ports or the group's tag.

    Source: FSBP EC2.18; Amazon VPC User Guide, "Security group rules"; the standard's "Security groups: Least privilege
    access".
    """
    if not (found := openings(group)):
        return
    everything = all_traffic([opening for opening in found if not opening.doubt], want.all_traffic_min_ports)
    tagged: tuple[PortRange, ...] | None = None
    excused: list[str] = []
    doubt: Unavailable | None = None
    for opening in found:
        ports = opening.ports
        if ports is None and opening.protocol in ICMP and not want.icmp_is_exposure:
            continue
        if opening.protocol in everything or ALL in everything:
            continue
        free = ports_outside(want.judged_elsewhere, ports) if ports else ()
        if ports and not free:
            continue
        if opening.doubt:
            doubt = doubt or opening.doubt
            continue
        if free:
            tagged = _tagged(group, want) if tagged is None else tagged
            if not (left := _outside_all(free, tagged)):
                excused.append(what(opening, free))
                continue
            free = left
        yield evidence(group, opening, free)
    if doubt:
        raise doubt
    if excused:
        raise NotApplicable(f"the tag {want.public_ports_tag} allows what is open: {'; '.join(excused)}")


def _outside_all(free: tuple[PortRange, ...], allowed: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    """Return the ports of FREE that lie in none of ALLOWED."""
    kept = port_ranges(f"{first}-{last}" for first, last in allowed)
    return tuple(part for within in free for part in ports_outside(kept, within))


@check(
    "security-group-wide-public-range",
    pattern=PATTERN,
    on=GROUP,
    severity=LOW,
    fix=Fix(
        cli="aws ec2 revoke-security-group-ingress --group-id {GroupId} --security-group-rule-ids {facts.rules} --region {region}",
        terraform="aws_vpc_security_group_ingress_rule.cidr_ipv4",
    ),
    reads=(PREFIX_LIST, RULE),
    same_as=("prowler:ec2_securitygroup_allow_wide_open_public_ipv4",),
    passes=[
        Case(group(tcp(22, 22, "10.0.0.0/8", "100.64.0.0/10")), why="private and shared addresses are not public"),
        Case(group(tcp(22, 22, "18.200.0.0/16"))),
        Case(group(tcp(443, 443, "52.0.0.0/6")), why="443 may be open to anybody"),
        Case(group(tcp(22, 22, "0.0.0.0/0")), why="the whole internet is another check's finding"),
        Case(group(tcp(22, 22, "fd00::/8")), why="unique local addresses are not public"),
        Case(group(OFFICES), related={PREFIX_LIST: [OFFICES_LIST]}),
    ],
    fails=[
        Case(group(tcp(22, 22, "52.0.0.0/8"))),
        Case(group(tcp(8080, 8080, "52.0.0.0/9", "52.128.0.0/9")), why="two halves are the whole"),
        Case(group(tcp(22, 22, "2600::/12")), why="IPv6"),
        Case(group(tcp(22, 22, "0.0.0.0/1")), why="half of the internet"),
        Case(
            group(OFFICES),
            related={PREFIX_LIST: [{**OFFICES_LIST, "Entries": [{"Cidr": "3.0.0.0/8"}]}]},
            why="inside a prefix list",
        ),
        Case(group({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "52.0.0.0/8"}]}), why="all traffic has no ports"),
    ],
    skips=[
        Case(group(tcp(8443, 8443, "52.0.0.0/8")), tags={"public-ports": "8443"}, why="allowed by the group's tag"),
    ],
    unknowns=[Case(group(OFFICES), unread=[PREFIX_LIST])],
)
def security_group_wide_public_range(group: Facts, want: SecurityGroups) -> Iterator[Evidence]:
    """A security group opens no port to a large part of the internet.

    Why: Sixteen million addresses are the provider's, not the partner's: anybody can rent one of them. A range this wide lets
    in strangers almost as well as the whole internet, and looks like a restriction.

    Fix: Replace the range by the addresses that are meant, best as a prefix list.

    Source: Amazon VPC User Guide, "Security group rules"; the standard's "Security groups: Least privilege access".
    """
    permissions = group["IpPermissions"]
    if not may_reach(permissions, *want.too_wide):
        return
    excused: list[str] = []
    doubt: Unavailable | None = None
    for permission in permissions:
        if not may_reach((permission,), *want.too_wide):
            continue
        protocol, ports = protocol_ports(permission)
        free = ports_outside(want.allowed, ports) if ports else ()
        if not free and (ports or (protocol in ICMP and not want.icmp_is_exposure)):
            continue
        sources = sources_of(group, permission)
        doubt = doubt or next((source.doubt for source in sources if source.doubt), None)
        public = [cidr for source in sources for cidr in source.cidrs if is_public(cidr)]
        for version, limit in ((4, want.wide_prefix_v4), (6, want.wide_prefix_v6)):
            whole = collapsed(public, version)
            wide = [cidr for cidr in whole if int(cidr.rpartition("/")[2]) <= limit]
            if not wide or version in internet_versions(whole):
                continue
            left = _outside_all(free, _tagged(group, want)) if free else ()
            opening = Opening(protocol, ports, tuple(s.text for s in sources if set(s.cidrs) & set(public)), (version,))
            if free and not left:
                excused.append(what(opening, free))
                continue
            yield Evidence(
                f"{what(opening, left)} is open to {sources_text(wide)}, wider than a range may be "
                f"(a prefix of /{limit + 1} or longer)",
                {
                    "protocol": protocol,
                    "ports": ports_text(left),
                    "ranges": wide,
                    "sources": list(opening.sources),
                    "rules": rule_ids(group, opening),
                },
            )
    if doubt:
        raise doubt
    if excused:
        raise NotApplicable(f"the tag {want.public_ports_tag} allows what is open: {'; '.join(excused)}")
