"""Who may turn some permissions into more."""

from collections.abc import Iterator

from auditor.kit import HIGH, LOW, MEDIUM, Case, Evidence, Facts, Fix, NotApplicable, Severity, Unavailable, check
from auditor.kit.principals import GROUP, POLICY, ROLE, USER, administers, boundary, policies_of, skip_by_design

from ._escalations import INSTANCE, WAYS, Found, Way, ways_up
from ._examples import (
    ADMINISTRATOR,
    EVERYTHING,
    IDENTITIES,
    READ,
    allow,
    attached,
    inline,
    managed_policy,
    role,
    user,
)
from .thresholds import LeastPrivilege

RUN = allow("ec2:RunInstances")
PASS_ONE = allow("iam:PassRole", on="arn:aws:iam::111122223333:role/deploy")
PASS_TO_EC2 = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})
PASS_TO_LAMBDA = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}})
PASS_VARIABLE = allow("iam:PassRole", on="arn:aws:iam::111122223333:role/${aws:PrincipalTag/team}")
SHELL = allow("ssm:StartSession")
FOR_EC2 = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
PROFILE = "arn:aws:iam::111122223333:instance-profile/deploy"
STRONG = role(
    AttachedManagedPolicies=attached(ADMINISTRATOR),
    AssumeRolePolicyDocument=FOR_EC2,
    InstanceProfileList=[{"InstanceProfileName": "deploy", "Arn": PROFILE}],
)
WEAK = role(RolePolicyList=inline(READ), AssumeRolePolicyDocument=FOR_EC2)
SERVER = {"InstanceId": "i-0aa", "IamInstanceProfile": {"Arn": PROFILE}}
_SHOWN = 3


@check(
    "iam-principal-no-privilege-escalation",
    pattern="security.access.least-privilege",
    on=(USER, ROLE),
    severity=HIGH,
    fix=Fix(
        cli="aws iam create-policy-version --policy-arn POLICY_ARN --policy-document file://policy.json --set-as-default",
        terraform="aws_iam_policy.policy",
    ),
    reads=(GROUP, POLICY, INSTANCE),
    same_as=(
        "prowler:iam_policy_allows_privilege_escalation",
        "prowler:iam_inline_policy_allows_privilege_escalation",
        "cloudsplaining:PrivilegeEscalation",
    ),
    passes=[
        Case(user(UserPolicyList=inline(READ))),
        Case(user(UserPolicyList=inline(RUN)), why="half of a way leads nowhere"),
        Case(user(UserPolicyList=inline(RUN, PASS_ONE)), related={ROLE: [WEAK]}, why="the role it may pass is weak"),
        Case(
            user(UserPolicyList=inline(RUN, PASS_TO_LAMBDA)),
            related={ROLE: [STRONG]},
            why="passed to a service it cannot use",
        ),
        Case(
            user(UserPolicyList=inline(allow("iam:CreateAccessKey", on="arn:aws:iam::*:user/${aws:username}"))),
            why="its own keys give it nothing new",
        ),
        Case(
            user(
                UserPolicyList=inline(
                    allow("iam:CreatePolicyVersion"),
                    {"Statement": {"Effect": "Deny", "Action": "iam:Create*", "Resource": "*"}},
                )
            ),
            why="an unconditional Deny takes it away",
        ),
        Case(
            user(UserPolicyList=inline(allow("iam:AttachRolePolicy", on="arn:aws:iam::111122223333:role/app/*"))),
            why="on certain roles only",
        ),
        Case(user(UserPolicyList=inline(SHELL)), related={ROLE: [WEAK]}, why="no instance has an administrator's role"),
    ],
    fails=[
        Case(user(UserPolicyList=inline(allow("iam:createpolicyversion"))), why="actions know no case"),
        Case(user(UserPolicyList=inline(IDENTITIES)), why="all of IAM"),
        Case(
            user(UserPolicyList=inline(RUN), GroupList=["passers"]),
            related={
                GROUP: [{"GroupName": "passers", "GroupPolicyList": inline(allow("iam:Pass*"))}],
            },
            why="half of it in a policy of its group",
        ),
        Case(
            user(UserPolicyList=inline(RUN, PASS_ONE)),
            related={ROLE: [STRONG]},
            why="the one role it may pass is strong",
        ),
        Case(
            user(UserPolicyList=inline(RUN, PASS_TO_EC2)),
            related={ROLE: [STRONG]},
            why="a strong role trusts the service",
        ),
        Case(
            user(UserPolicyList=inline(RUN, PASS_VARIABLE)),
            related={ROLE: [WEAK]},
            why="low: which role cannot be told",
        ),
        Case(
            user(UserPolicyList=inline(allow("iam:PutUserPolicy", on="arn:aws:iam::*:user/${aws:username}"))),
            why="its own inline policy may say anything",
        ),
        Case(
            user(UserPolicyList=inline(allow("iam:*", on="arn:aws:iam::111122223333:user/*"))),
            why="every user is as wide as everything",
        ),
        Case(
            role(
                RoleName="ci",
                RolePolicyList=inline(IDENTITIES),
                PermissionsBoundary={"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/Limit"},
            ),
            type=ROLE,
            related={POLICY: [managed_policy("Limit", READ)]},
            why="low: a boundary caps it",
        ),
        Case(
            user(
                UserPolicyList=inline(
                    allow("iam:CreateAccessKey", Condition={"Bool": {"aws:MultiFactorAuthPresent": True}})
                )
            ),
            why="medium: a condition restricts it",
        ),
        Case(
            user(UserPolicyList=inline(SHELL)),
            related={ROLE: [STRONG], INSTANCE: [SERVER]},
            why="a shell on a server that may do everything",
        ),
        Case(
            user(UserPolicyList=inline(allow("iam:CreatePolicyVersion")), AttachedManagedPolicies=attached("Read")),
            unread=[POLICY],
            why="proven without the other policy",
        ),
    ],
    skips=[
        Case(user(AttachedManagedPolicies=attached(ADMINISTRATOR)), why="iam-principal-no-admin-access fails it"),
        Case(user(UserPolicyList=inline(EVERYTHING))),
        Case(role(Path="/aws-service-role/rds.amazonaws.com/"), type=ROLE),
        Case(role(RoleName="AWSControlTowerExecution", RolePolicyList=inline(IDENTITIES)), type=ROLE),
    ],
    unknowns=[
        Case(user(AttachedManagedPolicies=attached("Read")), unread=[POLICY]),
        Case(user(UserPolicyList=inline(RUN, PASS_ONE)), unread=[ROLE], why="how strong the role is could not be read"),
        Case(user(UserPolicyList=inline(SHELL)), related={ROLE: [STRONG]}, unread=[INSTANCE]),
    ],
)
def iam_principal_no_privilege_escalation(principal: Facts, want: LeastPrivilege) -> Iterator[Evidence]:
    """No user or role can turn its permissions into an administrator's.

    Why: Some permissions are worth all the others: who may write policies, hand out keys or start a server under any role owns
    the account in two steps. All policies count together, as attackers count them. The finding is medium when a condition
    restricts the way, and low when a permissions boundary closes it or a policy variable hides where it leads.

    Fix: Name the roles, users and policies the action is for; allow iam:PassRole for single roles and with iam:PassedToService.

    Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service" and "Policy evaluation logic"; the
    standard's "Least privilege: Minimum required permissions".
    """
    skip_by_design(principal, want.admin_role_allowlist)
    held, unread = policies_of(principal)
    if administers(held):
        raise NotApplicable("it may do everything anyway: iam-principal-no-admin-access judges it")
    found: dict[Severity | None, list[Found]] = {}
    ways = list(ways_up(principal, (item.policy for item in held), unread))
    closed = _closed(principal) if ways else frozenset()
    for way in ways:
        mild = LOW if way.unresolved or way.way in closed else MEDIUM if way.conditional else None
        found.setdefault(mild, []).append(way)
    for severity, alike in found.items():
        more = len(alike) - _SHOWN
        yield Evidence(
            f"it can {'; '.join(way.text for way in alike[:_SHOWN])}{f'; and {more} more' if more > 0 else ''}",
            {"ways": [way.text for way in alike], "policies": sorted({item.name for item in held})},
            severity=severity,
        )
    if unread:
        raise unread[0]


def _closed(principal: Facts) -> frozenset[Way]:
    """Return the ways that the principal's permissions boundary closes, as far as that is known."""
    unread: list[Unavailable] = []
    try:
        limit = boundary(principal)
        left = {found.way for found in ways_up(principal, (limit,), unread)} if limit else WAYS
    except Unavailable:
        return frozenset()
    return frozenset() if unread else frozenset(WAYS).difference(left)
