"""AWS Organizations: the organisation an account is in, its accounts, and the units these are sorted into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from auditor.collect.asking import raise_first, side_by_side
from auditor.collect.declare import Call, CallFailed, Collector, ResourceType, Row

_NO_ORGANIZATION = ("AWSOrganizationsNotInUseException",)

DESCRIBE = Call("organizations", "DescribeOrganization", "Organization", absent=_NO_ORGANIZATION)

ORGANIZATION = ResourceType(
    "AWS::Organizations::Organization",
    "The organisation that the account is in; MasterAccountId is its management account, the payer. Any member may ask.",
    list=DESCRIBE,
    id="{Arn}",
    name="{Id}",
    scope="global",
    drop=("MasterAccountEmail", "AvailablePolicyTypes"),
)

ACCOUNT = ResourceType(
    "AWS::Organizations::Account",
    "An account of the organisation. Only its management account and delegated administrators may list them.",
    list=Call("organizations", "ListAccounts", "Accounts", absent=_NO_ORGANIZATION),
    id="{Arn}",
    name="{Name}",
    scope="global",
    drop=("Email",),
)

_ROOTS = Call("organizations", "ListRoots", "Roots", absent=_NO_ORGANIZATION)
_UNITS = Call("organizations", "ListOrganizationalUnitsForParent", "OrganizationalUnits")
_ACCOUNTS = Call("organizations", "ListAccountsForParent", "Accounts")


def _units() -> Collector:
    """Yield root and units level by level, each with the names above it and the ids of the accounts right in it.

    A unit that was met before is not gone into again: an answer in which units hold each other must not go on for ever.
    """
    met: set[str] = set()
    level: Sequence[Mapping[str, Any]] = [{**root, "Path": [], "ParentId": None} for root in (yield _ROOTS) or ()]
    while level:
        parents = [{"ParentId": unit["Id"]} for unit in level]
        accounts = yield from side_by_side(replace(_ACCOUNTS, params=parent) for parent in parents)
        below = yield from side_by_side(replace(_UNITS, params=parent) for parent in parents)
        yield [
            {**unit, "AccountIds": [account["Id"] for account in found]}
            for unit, found in zip(level, accounts, strict=True)
            if not isinstance(found, CallFailed)
        ]
        raise_first([*accounts, *below])
        met |= {unit["Id"] for unit in level}
        level = [unit for unit in _below(level, below) if unit["Id"] not in met]


def _below(level: Sequence[Row], below: Sequence[Sequence[Row]]) -> Iterator[Mapping[str, Any]]:
    for unit, children in zip(level, below, strict=True):
        for child in children:
            yield {**child, "Path": [*unit["Path"], child["Name"]], "ParentId": unit["Id"]}


UNIT = ResourceType(
    "AWS::Organizations::OrganizationalUnit",
    "A unit of the organisation, or its root, with the accounts right in it. Only management and delegated accounts may ask.",
    collect=_units,
    calls=(_ROOTS, _UNITS, _ACCOUNTS),
    id="{Arn}",
    name="{Name}",
    scope="global",
    drop=("PolicyTypes",),
)
