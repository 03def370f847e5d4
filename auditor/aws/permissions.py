"""Which IAM actions the declared calls need, and the least-privilege policy made of them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Declared", "NeededCall", "action", "actions", "documents", "policy"]

MANAGED_POLICY_CHARACTERS = 6144
"""IAM's limit for a managed policy, white space not counted (IAM user guide, "IAM and AWS STS quotas")."""

# Where IAM's prefix is not boto3's name of the service. Held by test against botocore's models.
_PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "amp": "aps",
    "apigatewayv2": "apigateway",
    "backupsearch": "backup-search",
    "cloudhsmv2": "cloudhsm",
    "codeguruprofiler": "codeguru-profiler",
    "docdb": "rds",
    "dynamodbstreams": "dynamodb",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "keyspaces": "cassandra",
    "kinesisanalyticsv2": "kinesisanalytics",
    "mwaa": "airflow",
    "neptune": "rds",
    "notificationscontacts": "notifications-contacts",
    "opensearch": "es",
    "opensearchserverless": "aoss",
    "resiliencehubv2": "resiliencehub",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "service-quotas": "servicequotas",
    "servicecatalog-appregistry": "servicecatalog",
    "sesv2": "ses",
    "sso-admin": "sso",
    "stepfunctions": "states",
    "timestream-query": "timestream",
    "timestream-write": "timestream",
}
# Operations that IAM knows by another name (service authorization reference, Amazon S3, AWS Budget Service).
_ACTIONS = {
    ("budgets", "DescribeBudgetNotificationsForAccount"): "budgets:ViewBudget",
    ("budgets", "DescribeBudgets"): "budgets:ViewBudget",
    ("budgets", "DescribeSubscribersForNotification"): "budgets:ViewBudget",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "ListDirectoryBuckets"): "s3express:ListAllMyDirectoryBuckets",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
}
# What an operation asks for besides its own: AWS looks things up for the caller, with the caller's permissions (service
# authorization reference, operations of AWS WAF V2 and Compute Optimizer; API reference of GetWebACLForResource).
_BESIDES = {
    ("compute-optimizer", "GetEBSVolumeRecommendations"): ("ec2:DescribeVolumes",),
    ("compute-optimizer", "GetRDSDatabaseRecommendations"): ("rds:DescribeDBClusters", "rds:DescribeDBInstances"),
    ("wafv2", "GetWebACLForResource"): ("elasticloadbalancing:GetLoadBalancerWebACL", "wafv2:GetWebACL"),
    ("wafv2", "ListResourcesForWebACL"): ("elasticloadbalancing:DescribeWebACLAssociation",),
}
# Nothing is asked for who we are: every principal may know that.
_FREE = frozenset({"sts:GetCallerIdentity"})


class NeededCall(Protocol):
    """A declared call: service, operation, and the action where it is not called alike."""

    @property
    def service(self) -> str:
        """boto3's name of the service."""

    @property
    def operation(self) -> str:
        """The operation's name."""

    @property
    def action(self) -> str:
        """The IAM action, or empty: the service's prefix and the operation's name."""


class Declared(Protocol):
    """A resource type: all that matters here are its calls."""

    @property
    def every_call(self) -> Sequence[NeededCall]:
        """Every call the type may lead to."""


def action(call: NeededCall) -> str:
    """Return the IAM action a call needs, ``elasticloadbalancing:DescribeLoadBalancers``."""
    if call.action:
        return call.action
    known = _ACTIONS.get((call.service, call.operation))
    return known or f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"


def actions(calls: Iterable[NeededCall]) -> frozenset[str]:
    """Return all the IAM actions that CALLS need, with those that AWS asks for on their way."""
    needed: set[str] = set()
    for call in calls:
        needed |= {action(call), *_BESIDES.get((call.service, call.operation), ())}
    return frozenset(needed)


def policy(types: Iterable[Declared], extra: Iterable[NeededCall] = (), roles: Sequence[str] = ()) -> dict[str, Any]:
    """Return one IAM policy document that allows exactly the calls of TYPES and EXTRA; sorted, a statement per service.

    All of them list or describe, so ``Resource`` is ``*``: most of these actions know no narrower resource. The regions
    the account may use are part of it. ROLES (ARNs, ``*`` for any account) may be assumed, and no others.
    """
    return _document(_statements(types, extra, roles))


def documents(
    types: Iterable[Declared], extra: Iterable[NeededCall] = (), roles: Sequence[str] = ()
) -> tuple[dict[str, Any], ...]:
    """Return the same as managed policies: each document within IAM's 6,144 characters (white space not counted)."""
    found: list[list[dict[str, Any]]] = [[]]
    for statement in _statements(types, extra, roles):
        for part in _parts(statement):
            if found[-1] and _size(_document([*found[-1], part])) > MANAGED_POLICY_CHARACTERS:
                found.append([])
            found[-1].append(part)
    return tuple(_document(statements) for statements in found)


def _statements(types: Iterable[Declared], extra: Iterable[NeededCall], roles: Sequence[str]) -> list[dict[str, Any]]:
    calls = [call for declared in types for call in declared.every_call]
    needed = actions((*calls, *extra)) | {"ec2:DescribeRegions"}
    services: dict[str, list[str]] = defaultdict(list)
    for name in sorted(needed - _FREE):
        services[name.partition(":")[0]].append(name)
    assuming = {"Sid": "AssumeRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": sorted(set(roles))}
    return [
        *(_statement(service, names) for service, names in sorted(services.items())),
        *([assuming] if roles else []),
    ]


def _statement(service: str, names: list[str], part: int = 0) -> dict[str, Any]:
    sid = "Read" + "".join(word.capitalize() for word in re.split(r"\W+", service)) + (str(part) if part else "")
    return {"Sid": sid, "Effect": "Allow", "Action": names, "Resource": "*"}


def _parts(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """Split a statement that alone is larger than a policy may be."""
    names: list[str] = statement["Action"]
    if _size(_document([statement])) <= MANAGED_POLICY_CHARACTERS:
        return [statement]
    half = len(names) // 2
    service = names[0].partition(":")[0]
    whole = [part for names in (names[:half], names[half:]) for part in _parts(_statement(service, names))]
    return [_statement(service, part["Action"], number) for number, part in enumerate(whole, 1)]


def _document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _size(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))
