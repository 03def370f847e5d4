"""Who may do everything: by an inline policy, or by all its policies together."""

from collections.abc import Iterator

from auditor.kit import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    Case,
    Evidence,
    Facts,
    Fix,
    NotApplicable,
    Severity,
    Unavailable,
    check,
)
from auditor.kit.policy import NOBODY, Permit, permit
from auditor.kit.principals import (
    GROUP,
    POLICY,
    ROLE,
    USER,
    administers,
    boundary,
    inline_policies,
    parsed,
    policies_of,
    skip_by_design,
    trusted_services,
)

from ._examples import (
    ADMINISTRATOR,
    CONDITIONAL,
    EVERYTHING,
    IDENTITIES,
    NOTHING,
    POWER_USER,
    READ,
    attached,
    inline,
    managed_policy,
    role,
    user,
)
from .thresholds import LeastPrivilege

PATTERN = "security.access.least-privilege"


@check(
    "iam-inline-policy-no-admin-star",
    pattern=PATTERN,
    on=(USER, GROUP, ROLE),
    severity=CRITICAL,
    fix=Fix(
        cli="aws iam put-{kind}-policy --{kind}-name {name} --policy-name {facts.policy} --policy-document file://policy.json",
        terraform="aws_iam_role_policy.policy",
    ),
    same_as=("prowler:iam_inline_policy_no_administrative_privileges", "service-screener:InlinePolicyFullAdminAccess"),
    passes=[
        Case(user(UserPolicyList=inline(READ))),
        Case(user(UserPolicyList=inline(IDENTITIES)), why="all of IAM is not all: other checks judge it"),
        Case(user(UserPolicyList=inline(POWER_USER)), why="all but IAM"),
        Case(role(RolePolicyList=inline(CONDITIONAL)), type=ROLE, why="a condition restricts it"),
        Case(role(RolePolicyList=inline(NOTHING)), type=ROLE, why="it denies everything"),
    ],
    fails=[
        Case(user(UserPolicyList=inline(EVERYTHING))),
        Case(
            {
                "GroupName": "all",
                "GroupPolicyList": inline({"Statement": {**EVERYTHING["Statement"][0], "Action": ["*:*"]}}),
            },
            type=GROUP,
            why="one statement instead of a list, and another way to write *",
        ),
        Case(
            role(
                RoleName="AWSReservedSSO_Ops_0123456789abcdef",
                RolePolicyList=[{"PolicyName": "AwsSSOInlinePolicy", "PolicyDocument": EVERYTHING}],
            ),
            type=ROLE,
            why="the inline policy of a permission set of IAM Identity Center",
        ),
        Case(
            user(
                UserPolicyList=inline(
                    {"Statement": [{"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}]}
                )
            ),
            why="NotAction that leaves IAM in",
        ),
        Case(
            user(
                UserPolicyList=inline(
                    "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D"
                )
            ),
            why="the document as it is on the wire",
        ),
    ],
    skips=[Case(user(UserPolicyList=[])), Case({"GroupName": "all"}, type=GROUP)],
    unknowns=[Case(user(UserPolicyList=inline("no JSON")))],
)
def iam_inline_policy_no_admin_star(principal: Facts, _want: LeastPrivilege) -> Iterator[Evidence]:
    """No inline policy allows everything.

    Why: Whoever holds such a policy owns the account, whatever the name on it says. As it is inline, it shows up in no list of
    attached policies and is easily forgotten.

    Fix: Write down what is really done (IAM Access Analyzer makes a policy from CloudTrail's records) and allow that.

    Source: IAM User Guide, "Policies and permissions in IAM"; FSBP IAM.1 and CIS 2.14, which ask the same of managed policies;
    the standard's "Least privilege: Minimum required permissions".
    """
    policies = list(inline_policies(principal))
    if not policies:
        raise NotApplicable("it has no inline policy")
    doubt: Unavailable | None = None
    for name, document in policies:
        try:
            (anything, identities) = parsed(principal, document, name).at_large
        except Unavailable as unavailable:
            doubt = doubt or unavailable.kept()
            continue
        if anything and identities and not anything.conditional and not identities.conditional:
            yield Evidence(
                f"the inline policy {name!r} allows every action on every resource without a condition",
                {"policy": name},
            )
    if doubt:
        raise doubt


COMPUTE = frozenset({"ec2.amazonaws.com", "ec2.amazonaws.com.cn", "lambda.amazonaws.com"})
"""Services that run the customer's own code under a role (IAM User Guide, "Service roles")."""


@check(
    "iam-principal-no-admin-access",
    pattern=PATTERN,
    on=(USER, ROLE),
    severity=HIGH,
    fix=Fix(
        cli="aws iam detach-{kind}-policy --{kind}-name {name} --policy-arn POLICY_ARN",
        terraform="aws_iam_role_policy_attachment",
    ),
    reads=(GROUP, POLICY),
    same_as=(
        "prowler:iam_role_administratoraccess_policy",
        "prowler:iam_user_administrator_access_policy",
        "prowler:iam_group_administrator_access_policy",
        "service-screener:FullAdminAccess",
    ),
    passes=[
        Case(user(AttachedManagedPolicies=attached("Read")), related={POLICY: [managed_policy("Read", READ)]}),
        Case(user(), why="no permission at all"),
        Case(
            user(UserPolicyList=inline(POWER_USER), PermissionsBoundary={"PermissionsBoundaryArn": ADMINISTRATOR}),
            why="a boundary grants nothing",
        ),
    ],
    fails=[
        Case(user(AttachedManagedPolicies=attached(ADMINISTRATOR)), why="AWS's policy need not be read"),
        Case(
            user(GroupList=["admins"]),
            related={GROUP: [{"GroupName": "admins", "AttachedManagedPolicies": attached(ADMINISTRATOR)}]},
            why="by a group",
        ),
        Case(
            user(UserPolicyList=inline(POWER_USER), AttachedManagedPolicies=attached("Identities")),
            related={POLICY: [managed_policy("Identities", IDENTITIES)]},
            why="all but IAM, and IAM: together everything",
        ),
        Case(
            role(
                AttachedManagedPolicies=attached(ADMINISTRATOR),
                AssumeRolePolicyDocument={
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
                    ]
                },
            ),
            type=ROLE,
            why="critical: a server holds it",
        ),
        Case(
            user(
                AttachedManagedPolicies=attached(ADMINISTRATOR),
                PermissionsBoundary={"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/Read"},
            ),
            related={POLICY: [managed_policy("Read", READ)]},
            why="low: a boundary caps it",
        ),
        Case(user(UserPolicyList=inline(CONDITIONAL)), why="medium: a condition restricts it"),
        Case(
            user(AttachedManagedPolicies=attached(ADMINISTRATOR), UserPolicyList=inline(NOTHING)),
            why="medium: an explicit Deny may be gone tomorrow",
        ),
        Case(
            user(AttachedManagedPolicies=attached(ADMINISTRATOR, "Read")),
            unread=[POLICY],
            why="proven without the other policy",
        ),
    ],
    skips=[
        Case(role(Path="/aws-service-role/rds.amazonaws.com/"), type=ROLE),
        Case(
            role(RoleName="OrganizationAccountAccessRole", AttachedManagedPolicies=attached(ADMINISTRATOR)), type=ROLE
        ),
    ],
    unknowns=[
        Case(user(AttachedManagedPolicies=attached("Read")), unread=[POLICY]),
        Case(user(GroupList=["admins"]), unread=[GROUP]),
        Case(user(AttachedManagedPolicies=attached("Read")), why="the policy is not in the inventory"),
    ],
)
def iam_principal_no_admin_access(principal: Facts, want: LeastPrivilege) -> Iterator[Evidence]:
    """No user, and no role but those meant for it, may do everything.

    Why: One leaked key or one hijacked server with such rights is the loss of the account. All policies count together: inline,
    attached, and those of its groups. The finding is critical when EC2 or Lambda may assume the role, medium when a
    condition or a Deny restricts it, and low when a permissions boundary caps it.

    Fix: Detach the policy, or take the user out of the group. For emergencies keep one role that is watched, and name it in admin_role_allowlist.

    Source: IAM User Guide, "Security best practices in IAM", "Grant least privilege"; CIS 2.14; the standard's "Least privilege:
    Minimum required permissions".
    """
    skip_by_design(principal, want.admin_role_allowlist)
    held, unread = policies_of(principal)
    if admin := administers(held):
        through = sorted({item.name for item in held if any(item.policy.at_large)})
        softened, severity = _softened(principal, admin, permit([h.policy for h in held], *_IDENTITIES) is None)
        yield Evidence(
            f"it may do everything, by {', '.join(through)}{f', softened by {softened}' if softened else ''}",
            {"policies": through, "softened_by": softened},
            severity=severity,
        )
    if unread:
        raise unread[0]


_IDENTITIES = (f"iam:{NOBODY}", f"arn:aws:iam:::{NOBODY}")


def _softened(principal: Facts, admin: Permit, denied: bool) -> tuple[str, Severity | None]:
    """Return what keeps an administrator from everything, and the severity that is left."""
    try:
        limit = boundary(principal)
        if limit and not all(limit.at_large):
            return "its permissions boundary", LOW
    except Unavailable:
        pass
    if admin.conditional:
        return "a condition", MEDIUM
    if denied:
        return "an explicit Deny", MEDIUM
    try:
        if principal.type == ROLE and trusted_services(principal) & COMPUTE:
            return "", CRITICAL
    except Unavailable:
        pass
    return "", None
