"""Security groups with rules that name groups which are gone."""

from collections.abc import Iterator

from auditor.kit import LOW, Case, Evidence, Facts, Fix, Unavailable, check

from .thresholds import SecurityGroups

GROUP = "AWS::EC2::SecurityGroup"
STALE = "AWS::EC2::StaleSecurityGroup"


def allows(*pairs: dict[str, str]) -> dict[str, object]:
    """Return a group that lets PAIRS in, for the cases."""
    permission = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": list(pairs)}
    return {
        "GroupId": "sg-0aa",
        "GroupName": "database",
        "VpcId": "vpc-0aa",
        "IpPermissions": [permission],
        "IpPermissionsEgress": [],
    }


WEB = {"GroupId": "sg-0bb", "UserId": "111122223333"}


@check(
    "security-group-stale-rule",
    pattern="security.network.security-groups",
    on=GROUP,
    severity=LOW,
    fix=Fix(
        cli="aws ec2 revoke-security-group-ingress --group-id {GroupId} --security-group-rule-ids RULE_ID --region {region}",
        terraform="aws_vpc_security_group_ingress_rule.referenced_security_group_id",
    ),
    reads=(STALE,),
    passes=[
        Case(allows(WEB), related={GROUP: [{"GroupId": "sg-0bb", "GroupName": "web"}]}),
        Case(
            allows(WEB),
            related={GROUP: [{"GroupId": "sg-0bb", "GroupName": "web", "VpcId": "vpc-0aa"}]},
            unread=[STALE],
            why="a group of the same VPC is there or is not; AWS's list tells of peered VPCs",
        ),
        Case(allows(), why="no rule names a group"),
        Case(allows({"GroupId": "sg-0aa", "UserId": "111122223333"}), unread=[STALE], why="it names only itself"),
        Case(
            allows({"GroupId": "sg-0cc", "UserId": "444455556666"}), why="another account's groups are not ours to see"
        ),
    ],
    fails=[
        Case(allows(WEB), why="the group it names does not exist"),
        Case(
            allows(WEB),
            related={
                GROUP: [{"GroupId": "sg-0bb", "GroupName": "web"}],
                STALE: [
                    {
                        "GroupId": "sg-0aa",
                        "VpcId": "vpc-0aa",
                        "StaleIpPermissions": [
                            {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [WEB]}
                        ],
                    }
                ],
            },
            why="AWS lists it",
        ),
        Case(
            allows({"GroupId": "sg-0cc", "UserId": "444455556666", "PeeringStatus": "deleted"}),
            why="the peering is gone",
        ),
        Case(allows(WEB), unread=[STALE], why="proven without AWS's list"),
    ],
    unknowns=[
        Case(
            allows(WEB),
            related={GROUP: [{"GroupId": "sg-0bb", "GroupName": "web", "VpcId": "vpc-0bb"}]},
            unread=[STALE],
            why="in a peered VPC, and whether the peering still stands could not be read",
        ),
        Case(allows({"GroupId": "sg-0cc", "UserId": "444455556666"}), unread=[STALE], why="of another account"),
        Case(allows(WEB), unread=[GROUP], why="whether sg-0bb exists could not be read"),
    ],
)
def security_group_stale_rule(group: Facts, _want: SecurityGroups) -> Iterator[Evidence]:
    """No rule of a security group names a group that is gone.

    Why: Such a rule admits nobody today and misleads whoever reads it: one believes that a path is open, or keeps the rule for a
    caller that left long ago.

    Fix: Revoke the rule.

    Source: Amazon VPC Peering Guide, "Work with stale security group rules"; the standard's "Security groups: Least privilege
    access".
    """
    own_id = group["GroupId"]
    pairs = [
        pair
        for permissions in (group["IpPermissions"], group["IpPermissionsEgress"])
        for permission in permissions
        for pair in permission.get("UserIdGroupPairs", ())
        if pair.get("GroupId") != own_id
    ]
    if not pairs:
        return
    doubt: Unavailable | None = None
    try:
        listed = group.referrers(STALE, "GroupId", own_id)
    except Unavailable as unavailable:
        listed, doubt = group.known_referrers(STALE, "GroupId", own_id), unavailable.kept()
    gone = {pair["GroupId"] for pair in pairs if pair.get("PeeringStatus") == "deleted"}
    for stale in listed:
        for field in ("StaleIpPermissions", "StaleIpPermissionsEgress"):
            gone.update(stale.values(f"{field}[].UserIdGroupPairs[].GroupId"))
    if gone or listed:
        yield _names(gone)
    account = group.account
    ours = {p["GroupId"] for p in pairs if p.get("UserId", account) == account and p["GroupId"] not in gone}
    found = group.related(GROUP, ours, by="GroupId")
    if missing := ours.difference(other["GroupId"] for other in found):
        yield _names(missing)
    # A group of the same VPC cannot be deleted while a rule names it; only across a peering can it go unnoticed.
    if doubt:
        beside = {other["GroupId"] for other in found if other.get("VpcId") == group["VpcId"]}
        if any(pair["GroupId"] not in beside for pair in pairs):
            raise doubt


def _names(ids: set[str]) -> Evidence:
    shown = ", ".join(sorted(ids)) or "AWS lists the group without saying which"
    return Evidence(
        f"a rule names a group that is gone or cannot be reached any more: {shown}", {"groups": sorted(ids)}
    )
