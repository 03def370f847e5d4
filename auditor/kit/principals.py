"""What an IAM user, group or role may do: its policies wherever they hang, and whether they make it an administrator."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.kit.policy import Permit, Policy, grants_everything, parse
from auditor.model import Gap

__all__ = [
    "GROUP",
    "POLICY",
    "ROLE",
    "USER",
    "Held",
    "administers",
    "boundary",
    "document_of",
    "inline_policies",
    "managed",
    "parsed",
    "policies_of",
    "skip_by_design",
    "trusted_services",
]

USER, GROUP, ROLE, POLICY = "AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"

_INLINE = {USER: "UserPolicyList", GROUP: "GroupPolicyList", ROLE: "RolePolicyList"}
_SERVICE_LINKED = "/aws-service-role/"
_ADMINISTRATOR = "iam::aws:policy/AdministratorAccess"
_EVERYTHING = parse({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
"""AWS's AdministratorAccess (AWS Managed Policy Reference): known without reading it."""


class Held(NamedTuple):
    """A policy that a principal holds."""

    name: str
    """For people: ``inline policy X``, ``AdministratorAccess``, ``Deploy of group developers``."""
    policy: Policy


def parsed(resource: Facts, document: Any, name: str) -> Policy:
    """Return the policy of DOCUMENT (a field of RESOURCE called NAME). Raises Unavailable when it cannot be understood."""
    try:
        return parse(document)
    except (ValueError, TypeError) as error:
        raise Unavailable(Gap("iam:GetAccountAuthorizationDetails", "Unparseable", f"{name}: {error}")) from None


def inline_policies(principal: Facts) -> Iterator[tuple[str, Any]]:
    """Yield name and document of each inline policy of a user, group or role. Raises Unavailable when they were not read."""
    for policy in principal.get(_INLINE[principal.type], ()):
        yield policy["PolicyName"], policy.get("PolicyDocument")


def document_of(policy: Facts) -> Any:
    """Return the document of a managed policy's default version. Raises Unavailable when it is not there."""
    for version in policy["PolicyVersionList"]:
        if version.get("IsDefaultVersion") and version.get("Document"):
            return version["Document"]
    raise Unavailable(
        Gap("iam:GetAccountAuthorizationDetails", "FieldMissing", f"{policy.name} has no default version")
    )


def managed(principal: Facts, arn: str) -> Policy:
    """Return the managed policy with this ARN. Raises Unavailable when its document was not read."""
    if arn.endswith(_ADMINISTRATOR):
        return _EVERYTHING
    (found,) = principal.related(POLICY, [arn], required=True)
    return parsed(found, document_of(found), found.name)


def policies_of(principal: Facts) -> tuple[list[Held], list[Unavailable]]:
    """Return the policies of a user or role (inline, attached, by its groups), and why others could not be read."""
    held: list[Held] = []
    unread: list[Unavailable] = []
    _collect(principal, "", held, unread)
    if principal.type == USER:
        try:
            names = principal.get("GroupList", ())
        except Unavailable as unavailable:
            names = ()
            unread.append(unavailable.kept())
        for name in names:
            try:
                (group,) = principal.related(GROUP, [name], by="GroupName", required=True)
            except Unavailable as unavailable:
                unread.append(unavailable.kept())
                continue
            _collect(group, f" of group {name}", held, unread)
    return held, unread


def _collect(principal: Facts, of: str, held: list[Held], unread: list[Unavailable]) -> None:
    """Add the policies of one principal itself, each by itself: one that cannot be read hides no other."""
    try:
        for name, document in inline_policies(principal):
            try:
                held.append(Held(f"inline policy {name}{of}", parsed(principal, document, name)))
            except Unavailable as unavailable:
                unread.append(unavailable.kept())
    except Unavailable as unavailable:
        unread.append(unavailable.kept())
    try:
        for attached in principal.get("AttachedManagedPolicies", ()):
            try:
                held.append(Held(f"{attached['PolicyName']}{of}", managed(principal, attached["PolicyArn"])))
            except Unavailable as unavailable:
                unread.append(unavailable.kept())
    except Unavailable as unavailable:
        unread.append(unavailable.kept())


def administers(held: Iterable[Held]) -> Permit | None:
    """Return whether these policies make an administrator; ``None``: they do not."""
    return grants_everything(item.policy for item in held)


def boundary(principal: Facts) -> Policy | None:
    """Return the permissions boundary; ``None``: there is none. Raises Unavailable when it could not be read."""
    limit: Mapping[str, Any] | None = principal.get("PermissionsBoundary")
    return managed(principal, limit["PermissionsBoundaryArn"]) if limit else None


def trusted_services(role: Facts) -> frozenset[str]:
    """Return the AWS services that may assume ROLE (``ec2.amazonaws.com``). Raises Unavailable when its trust was not read."""
    trust = parsed(role, role["AssumeRolePolicyDocument"], "AssumeRolePolicyDocument")
    return frozenset(
        principal.value
        for statement in trust.allows
        if not statement.not_principals
        for principal in statement.principals
        if principal.kind == "Service"
    )


def skip_by_design(principal: Facts, allowed_roles: Iterable[str]) -> None:
    """Raise NotApplicable for roles that AWS owns (service-linked) and for those that administer by design (ALLOWED_ROLES).

    ALLOWED_ROLES are names, ``*`` is any text; users always count.
    """
    if principal.type != ROLE:
        return
    if str(principal["Path"]).startswith(_SERVICE_LINKED):
        raise NotApplicable("a service-linked role: AWS writes its permissions")
    for pattern in allowed_roles:
        if fnmatch.fnmatchcase(principal["RoleName"], pattern):
            raise NotApplicable(f"it administers by design (admin_role_allowlist: {pattern})")
