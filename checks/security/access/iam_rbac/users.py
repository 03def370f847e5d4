"""IAM users are exceptions: people come in through federation, and permissions through groups."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import HIGH, LOW, MEDIUM, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, ago, check
from auditor.kit.credential_report import credential_report, is_active

from .thresholds import RoleBasedAccess

PATTERN = "security.access.iam-rbac"
USER = "AWS::IAM::User"
DENIED = Gap("iam:GetCredentialReport", "AccessDenied")


def user(made: str = "", **columns: str) -> Document:
    """Return a user with a password and these columns of the credential report, MADE at that time (an hour ago)."""
    row = {
        "user": "maria",
        "arn": "arn:aws:iam::111122223333:user/maria",
        "password_enabled": "true",
        "mfa_active": "true",
        "GeneratedTime": made or ago(hours=1),
        **columns,
    }
    return {"UserName": row["user"], "Arn": row["arn"], "CredentialReport": row}


OFF, NO_SUCH_THING = "false", "not_supported"
ROOT = user(user="<root_account>", arn="arn:aws:iam::111122223333:root", password_enabled=NO_SUCH_THING)
NO_PASSWORD = user(password_enabled=OFF, mfa_active=OFF)


def _skip_break_glass(user: Facts, want: RoleBasedAccess) -> None:
    if user["UserName"] in want.break_glass_users:
        raise NotApplicable("kept for emergencies (break_glass_users)")


@check(
    "iam-user-console-password",
    pattern=PATTERN,
    on=USER,
    severity=MEDIUM,
    fix=Fix(
        cli="aws iam delete-login-profile --user-name {UserName}", terraform="aws_iam_user_login_profile (remove it)"
    ),
    same_as=("service-screener:iamUsersWithFederationAvailable",),
    passes=[NO_PASSWORD],
    fails=[user(), user(mfa_active="false")],
    skips=[ROOT],
    unknowns=[
        Case(NO_PASSWORD, gaps={"CredentialReport": DENIED}),
        Case(user(made=ago(days=2)), why="the report is too old"),
        Case({"UserName": "new"}, why="the user is newer than the report"),
    ],
)
def iam_user_console_password(user: Facts, want: RoleBasedAccess) -> Iterator[Evidence]:
    """No IAM user has a password for the console.

    Why: A password in IAM lives apart from the company's directory: it outlasts its owner's contract, and no one sees it age.
    People sign in through IAM Identity Center or another provider and assume roles. Users named in break_glass_users are
    kept for emergencies and not judged.

    Fix: Give the person access through IAM Identity Center, then delete the login profile.

    Source: IAM User Guide, "Security best practices in IAM": require human users to use federation; the standard's "IAM:
    Role-based access control".
    """
    _skip_break_glass(user, want)
    row = credential_report(user, want.credential_report_max_age_hours)
    if not is_active(row, "password_enabled"):
        return
    count = 1
    if want.max_console_users:
        others = user.referrers(USER, "CredentialReport.password_enabled", "true")
        count = sum(other["UserName"] not in want.break_glass_users for other in others)
    if count > want.max_console_users:
        yield Evidence(
            f"has a console password; {want.max_console_users or 'no'} users with one are accepted",
            {"password_enabled": True, "max_console_users": want.max_console_users},
        )


@check(
    "iam-user-mfa-enabled",
    pattern=PATTERN,
    on=USER,
    severity=HIGH,
    fix=Fix(
        cli="aws iam enable-mfa-device --user-name {UserName} --serial-number MFA_ARN "
        "--authentication-code1 CODE1 --authentication-code2 CODE2",
        terraform="aws_iam_virtual_mfa_device",
    ),
    same_as=(
        "prowler:iam_user_mfa_enabled_console_access",
        "fsbp:IAM.5",
        "fsbp:IAM.19",
        "cis:2.10",
        "service-screener:mfaActive",
    ),
    passes=[user()],
    fails=[user(mfa_active="false")],
    skips=[
        Case(NO_PASSWORD, why="it cannot sign in to the console"),
        ROOT,
    ],
    unknowns=[
        Case(user(), gaps={"CredentialReport": DENIED}),
        Case(user(made=ago(days=2)), why="the report is too old"),
        Case(user(mfa_active="no_information"), why="AWS does not know"),
    ],
)
def iam_user_mfa_enabled(user: Facts, want: RoleBasedAccess) -> Iterator[Evidence]:
    """Every IAM user with a console password has a second factor.

    Why: Passwords are guessed, reused and phished; without a second factor any of these is enough to get in.

    Fix: Let the user register a passkey or an authenticator app; better, take the password away.

    Source: IAM User Guide, "AWS multi-factor authentication in IAM"; FSBP IAM.5 and IAM.19; CIS 2.10; the standard's "IAM:
    Role-based access control".
    """
    row = credential_report(user, want.credential_report_max_age_hours)
    if not is_active(row, "password_enabled"):
        raise NotApplicable("it has no console password")
    if not is_active(row, "mfa_active"):
        yield Evidence("can sign in to the console with a password alone", {"mfa_active": False})


READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
READ_ONLY: list[dict[str, Any]] = [
    {"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
]
PLAIN: dict[str, Any] = {"UserName": "maria", "GroupList": ["developers"], "AttachedManagedPolicies": []}


@check(
    "iam-user-permissions-via-groups",
    pattern=PATTERN,
    on=USER,
    severity=LOW,
    fix=Fix(
        cli="aws iam detach-user-policy --user-name {UserName} --policy-arn POLICY_ARN && "
        "aws iam add-user-to-group --user-name {UserName} --group-name GROUP",
        terraform="aws_iam_user_group_membership",
    ),
    same_as=(
        "prowler:iam_policy_attached_only_to_group_or_roles",
        "fsbp:IAM.2",
        "cis:2.13",
        "service-screener:userNotUsingGroup",
    ),
    passes=[
        PLAIN,
        Case(
            {**PLAIN, "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/Limit"}},
            why="a boundary is no permission",
        ),
    ],
    fails=[
        {**PLAIN, "AttachedManagedPolicies": READ_ONLY},
        {**PLAIN, "UserPolicyList": [{"PolicyName": "read", "PolicyDocument": READ}]},
    ],
    unknowns=[Case(PLAIN, gaps={"AttachedManagedPolicies": Gap("iam:GetAccountAuthorizationDetails", "AccessDenied")})],
)
def iam_user_permissions_via_groups(user: Facts, want: RoleBasedAccess) -> Iterator[Evidence]:
    """A user has its permissions through groups, not by itself.

    Why: Permissions on single users pile up, differ from person to person and stay when the task is over. A group says what a job
    needs, once for all who do it. Users named in break_glass_users are not judged.

    Fix: Attach the policy to a group, put the user into it and detach it from the user.

    Source: FSBP IAM.2; CIS 2.13; IAM User Guide, "IAM user groups"; the standard's "IAM: Role-based access control".
    """
    _skip_break_glass(user, want)
    inline = [policy["PolicyName"] for policy in user.get("UserPolicyList", ())]
    if inline:
        yield Evidence(f"has inline policies of its own: {', '.join(inline)}", {"inline": inline})
    attached = [policy["PolicyName"] for policy in user.get("AttachedManagedPolicies", ())]
    if attached:
        yield Evidence(f"has policies attached to itself: {', '.join(attached)}", {"attached": attached})
