"""Public entry points stand behind a web application firewall."""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.kit import HIGH, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, Unavailable, check
from auditor.kit.network import is_public

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
WEB_ACL = "AWS::WAFv2::WebACL"
GROUP, PREFIX_LIST = "AWS::EC2::SecurityGroup", "AWS::EC2::PrefixList"
DISTRIBUTION, RECORD = "AWS::CloudFront::Distribution", "AWS::Route53::RecordSet"

CLOUDFRONT_LISTS = (
    "com.amazonaws.global.cloudfront.origin-facing",
    "com.amazonaws.global.ipv6.cloudfront.origin-facing",
)
"""AWS's prefix lists of the servers that CloudFront asks origins from (CloudFront Developer Guide, "Locations and IP address
ranges of CloudFront edge servers")."""
WORKING = ("active", "active_impaired")
"""States in which a load balancer serves requests (ELBv2 API, LoadBalancerState)."""


@dataclass(frozen=True, slots=True)
class Waf:
    """Thresholds of ``security.network.waf``."""

    accept_cloudfront_front: bool
    require_managed_rules: bool
    strict_logging: bool
    static_sites: str
    exempt: tuple[str, ...]


ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/0123456789abcdef"
DNS = "shop-1234567890.eu-west-1.elb.amazonaws.com"


def balancer(**more: Any) -> Document:
    """Return a public Application Load Balancer with these fields."""
    return {
        "LoadBalancerArn": ARN,
        "LoadBalancerName": "shop",
        "DNSName": DNS,
        "Scheme": "internet-facing",
        "Type": "application",
        "State": {"Code": "active"},
        "SecurityGroups": ["sg-0aa"],
        **more,
    }


def acl(*arns: str) -> Document:
    """Return a web ACL that is attached to these load balancers."""
    return {
        "ARN": "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/main/11111111-2222-3333-4444-555555555555",
        "Name": "main",
        "ResourceArns": list(arns),
    }


def https(**sources: Any) -> Document:
    """Return a security group that opens HTTPS to these sources."""
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **sources}
    return {"GroupId": "sg-0aa", "GroupName": "shop", "IpPermissions": [permission]}


FROM_CLOUDFRONT = https(PrefixListIds=[{"PrefixListId": "pl-0cf"}])
LISTS: list[Document] = [{"PrefixListId": "pl-0cf", "PrefixListName": CLOUDFRONT_LISTS[0], "OwnerId": "AWS"}]


def distribution(origin: str, web_acl: str = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/cdn/x") -> Document:
    """Return a distribution with this origin and web ACL."""
    return {
        "ARN": "arn:aws:cloudfront::111122223333:distribution/E1EXAMPLE",
        "Id": "E1EXAMPLE",
        "Enabled": True,
        "WebACLId": web_acl,
        "Origins": {"Quantity": 1, "Items": [{"Id": "shop", "DomainName": origin}]},
    }


PUBLIC: dict[str, list[Document]] = {
    LISTENER: [{"ListenerArn": f"{ARN}/1", "LoadBalancerArn": ARN, "Port": 443}],
    GROUP: [https(IpRanges=[{"CidrIp": "0.0.0.0/0"}])],
}
FRONTED: dict[str, list[Document]] = {**PUBLIC, GROUP: [FROM_CLOUDFRONT], PREFIX_LIST: LISTS}


@check(
    "alb-waf-attached",
    pattern="security.network.waf",
    on=LOAD_BALANCER,
    severity=HIGH,
    fix=Fix(
        cli="aws wafv2 associate-web-acl --web-acl-arn WEB_ACL_ARN --resource-arn {LoadBalancerArn} --region {region}",
        terraform="aws_wafv2_web_acl_association",
    ),
    reads=(WEB_ACL, LISTENER, GROUP, PREFIX_LIST, DISTRIBUTION, RECORD),
    same_as=(
        "prowler:elbv2_waf_acl_attached",
        "fsbp:ELB.16",
        "service-screener:ELBEnableWAF",
        "service-screener:wafv2AlbWithoutWebAcl",
    ),
    passes=[
        Case(balancer(), related={**PUBLIC, WEB_ACL: [acl(ARN)]}),
        Case(balancer(), related={**FRONTED, DISTRIBUTION: [distribution(DNS)]}, why="only CloudFront reaches it"),
        Case(
            balancer(),
            related={
                **FRONTED,
                DISTRIBUTION: [distribution("origin.example.com")],
                RECORD: [{"Name": "origin.example.com.", "Type": "A", "AliasTarget": {"DNSName": f"dualstack.{DNS}."}}],
            },
            why="the distribution names it by an alias",
        ),
    ],
    fails=[
        Case(balancer(), related={**PUBLIC, WEB_ACL: [acl()]}, why="the web ACL is attached to others"),
        Case(balancer(), related={**PUBLIC, DISTRIBUTION: [distribution(DNS)]}, why="anybody goes round CloudFront"),
        Case(balancer(), related={**FRONTED, DISTRIBUTION: [distribution(DNS, "")]}, why="CloudFront has no web ACL"),
        Case(balancer(), related=FRONTED, why="no distribution has it as its origin"),
    ],
    skips=[
        balancer(Scheme="internal"),
        balancer(Type="network"),
        balancer(State={"Code": "provisioning"}),
        Case(balancer(), why="no listener"),
    ],
    unknowns=[
        Case(balancer(), related=PUBLIC, unread=[WEB_ACL]),
        Case(balancer(), related=FRONTED, unread=[DISTRIBUTION]),
        Case(
            balancer(),
            related={**FRONTED, DISTRIBUTION: [distribution("origin.example.com")]},
            unread=[RECORD],
            why="whether origin.example.com is this load balancer could not be read",
        ),
        Case(
            balancer(),
            related=PUBLIC,
            gaps={"Scheme": Gap("elasticloadbalancing:DescribeLoadBalancers", "AccessDenied")},
        ),
    ],
)
def alb_waf_attached(balancer: Facts, want: Waf) -> Iterator[Evidence]:
    """A public Application Load Balancer has a web ACL.

    Why: Injections, scanners and floods of requests reach the application itself when nothing looks at them before. A load
    balancer that lets in nobody but CloudFront is as well protected by the distribution's web ACL. WAF Classic does not
    count: AWS ended it on 30 September 2025.

    Fix: Attach a web ACL of AWS WAF, or let in only CloudFront's prefix list and protect the distribution.

    Source: FSBP ELB.16; AWS WAF Developer Guide, "Associating or disassociating protection with an AWS resource"; the standard's
    "WAF: Web Application Firewall for public APIs".
    """
    if balancer["Type"] != "application":
        raise NotApplicable("a web ACL can be attached to Application Load Balancers only")
    if balancer["Scheme"] != "internet-facing":
        raise NotApplicable("it is internal")
    if balancer["State"]["Code"] not in WORKING:
        raise NotApplicable(f"it is {balancer['State']['Code']}")
    if balancer.known_referrers(WEB_ACL, "ResourceArns[]"):
        return
    if exempt := [pattern for pattern in want.exempt if fnmatch.fnmatchcase(balancer.id, pattern)]:
        raise NotApplicable(f"exempt by the standard ({exempt[0]})")
    if not balancer.referrers(LISTENER, "LoadBalancerArn"):
        raise NotApplicable("it has no listener")
    for web_acl in balancer.all(WEB_ACL):
        _ = web_acl["ResourceArns"]
    only_cloudfront = want.accept_cloudfront_front and _only_cloudfront(balancer)
    if only_cloudfront and _protected_front(balancer):
        return
    yield Evidence(
        "the internet reaches it and no web ACL is attached"
        + (
            "; only CloudFront reaches it, but no distribution with a web ACL has it as its origin"
            if only_cloudfront
            else ""
        ),
        {"dns_name": balancer["DNSName"], "only_cloudfront": only_cloudfront},
    )


def _only_cloudfront(balancer: Facts) -> bool:
    """Return whether the security groups let nobody in from outside but CloudFront. Raises Unavailable."""
    fronted, doubt = False, None
    for id in balancer.get("SecurityGroups", ()):
        (group,) = balancer.related(GROUP, [id], by="GroupId", required=True)
        for permission in group["IpPermissions"]:
            cidrs = [r["CidrIp"] for r in permission.get("IpRanges", ())]
            cidrs += [r["CidrIpv6"] for r in permission.get("Ipv6Ranges", ())]
            if any(map(is_public, cidrs)):
                return False
            for listed in permission.get("PrefixListIds", ()):
                try:
                    (found,) = balancer.related(PREFIX_LIST, [listed["PrefixListId"]], by="PrefixListId", required=True)
                    if found["OwnerId"] == "AWS" and found["PrefixListName"] in CLOUDFRONT_LISTS:
                        fronted = True
                    elif found["OwnerId"] == "AWS" or any(is_public(entry["Cidr"]) for entry in found["Entries"]):
                        return False
                except Unavailable as unavailable:
                    doubt = doubt or unavailable.kept()
    if doubt:
        raise doubt
    return fronted


def _protected_front(balancer: Facts) -> bool:
    """Return whether a distribution with a web ACL has this load balancer as an origin. Raises Unavailable."""
    name = _host(balancer["DNSName"])
    origins: set[str] = set()
    for distribution in balancer.all(DISTRIBUTION):
        if distribution["Enabled"] and distribution["WebACLId"]:
            origins.update(map(_host, distribution.values("Origins.Items[].DomainName")))
    if name in origins or not origins:
        return name in origins
    return any(
        _host(record["Name"]) in origins and name in map(_host, _targets(record)) for record in balancer.all(RECORD)
    )


def _targets(record: Facts) -> list[str]:
    return [*record.values("AliasTarget.DNSName"), *record.values("ResourceRecords[].Value")]


def _host(name: str) -> str:
    """Return a DNS name in the one form that can be compared; ``dualstack.`` names the same load balancer."""
    return name.lower().rstrip(".").removeprefix("dualstack.")
