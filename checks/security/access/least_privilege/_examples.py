"""Principals and policies for the cases of the checks beside this file, in the API's own shapes."""

from typing import Any

from auditor.kit import Document

Policy = dict[str, Any]


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> Policy:
    """Return a policy that allows ACTIONS on the resources ON."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": on, **more}],
    }


EVERYTHING = allow("*")
IDENTITIES = allow("iam:*", "sts:*")
READ = allow("s3:Get*", "s3:List*")
CONDITIONAL = allow("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
POWER_USER: Policy = {"Statement": [{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}]}
NOTHING: Policy = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def user(**more: Any) -> Document:
    """Return a user with these fields."""
    name = more.get("UserName", "maria")
    arn = f"arn:aws:iam::111122223333:user/{name}"
    return {"UserName": name, "Arn": arn, "Path": "/", "GroupList": [], "AttachedManagedPolicies": [], **more}


def role(**more: Any) -> Document:
    """Return a role with these fields."""
    name = more.get("RoleName", "deploy")
    arn = f"arn:aws:iam::111122223333:role/{name}"
    return {"RoleName": name, "Arn": arn, "Path": "/", "AttachedManagedPolicies": [], **more}


def inline(*documents: Policy | str) -> list[Document]:
    """Return a list of inline policies with these documents."""
    return [{"PolicyName": f"own-{number}", "PolicyDocument": document} for number, document in enumerate(documents, 1)]


def _arn(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:iam::111122223333:policy/{name}"


def attached(*names: str) -> list[Document]:
    """Return a list of attached policies by name or ARN."""
    return [{"PolicyName": name.rpartition("/")[2], "PolicyArn": _arn(name)} for name in names]


def managed_policy(name: str, document: Policy) -> Document:
    """Return a managed policy with this document as its default version; an older one allows everything."""
    return {
        "PolicyName": name,
        "Arn": _arn(name),
        "DefaultVersionId": "v2",
        "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": False, "Document": EVERYTHING},
            {"VersionId": "v2", "IsDefaultVersion": True, "Document": document},
        ],
    }
