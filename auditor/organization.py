"""The accounts of an AWS organisation: which are scanned, through which role, and which are left out and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.collect.aws.organizations import ACCOUNT, UNIT
from auditor.collect.declare import ResourceType
from auditor.collect.plan import make_plan
from auditor.collect.run import collect
from auditor.config import AccountSettings, OrganizationSettings, Settings
from auditor.errors import CredentialsError, UsageError
from auditor.job import connection_of
from auditor.model import Coverage, CoverageState, Document, Resource, Scope
from auditor.tomlfile import nearest, shown

__all__ = ["TYPES", "Members", "members_of", "role_of", "sort_out"]

TYPES: Mapping[str, ResourceType] = {type.type: type for type in (ACCOUNT, UNIT)}
"""What listing an organisation's accounts reads."""

_DEADLINE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Members:
    """The accounts of an organisation."""

    accounts: tuple[AccountSettings, ...]
    """Those to scan, by name."""
    left_out: tuple[tuple[AccountSettings, str], ...]
    """Those that are not, and why: suspended ones, and those that the settings leave out."""


def members_of(settings: Settings) -> Members:
    """Ask AWS for the organisation's accounts with the credentials of ``[account]``.

    Raises CredentialsError when they may not be listed or could not be listed completely, UsageError for a unit or account
    of the settings that is not there.
    """
    wanted = settings.organization
    connection = connection_of(settings, TYPES)
    identity = connection.identify()
    types = [ACCOUNT, UNIT] if wanted.units or wanted.exclude_units else [ACCOUNT]
    read = _Kept()
    plan = make_plan(types, TYPES, identity.account, identity.partition, ())
    listed = collect(plan, connection.caller(), read, threads=4, deadline_seconds=_DEADLINE_SECONDS)
    for coverage in listed.coverage.values():
        if not coverage.state.known:
            raise CredentialsError(_unlisted(coverage, identity.account))
    accounts = [resource.document for resource in read.of(ACCOUNT.type)]
    if not accounts:
        raise CredentialsError(
            f"account {identity.account} is in no organisation: leave --organization away, and enabled in [organization]"
        )
    units = [resource.document for resource in read.of(UNIT.type)]
    return sort_out(settings, identity.account, identity.partition, accounts, units)


def _unlisted(coverage: Coverage, account: str) -> str:
    gap = coverage.gap
    said = f"{gap}{f': {gap.message}' if gap.message else ''}" if gap else f"{coverage.scope.type} is {coverage.state}"
    advice = "run this again"
    if coverage.state is CoverageState.DENIED:
        advice = (
            f"use the management account or a delegated administrator (this is account {account}), and allow it "
            "(`auditor policy --organization`)"
        )
    return f"the accounts of the organisation could not be listed: {said}; {advice}"


class _Kept:
    """A sink that keeps everything: an organisation has some hundreds of accounts."""

    def __init__(self) -> None:
        self._resources: list[Resource] = []

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        """Keep the page."""
        self._resources.extend(page)

    def close(self, coverage: Coverage) -> None:
        """Do nothing: what ``collect`` returns has it."""

    def of(self, type: str) -> list[Resource]:
        """Return the resources of a type."""
        return [resource for resource in self._resources if resource.type == type]


def sort_out(
    settings: Settings, own: str, partition: str, accounts: Iterable[Document], units: Sequence[Document]
) -> Members:
    """Return which of ACCOUNTS (as ListAccounts has them) are scanned, and how; OWN is the account of the credentials.

    UNITS are root and units with Path and AccountIds; none are needed where the settings name none. Raises UsageError.
    """
    wanted = settings.organization
    # The own account first: others are judged by what it has (the organisation's trail).
    listed = sorted(accounts, key=lambda one: (one["Id"] != own, str(one.get("Name", "")).lower(), one["Id"]))
    inside = _within(units, wanted.units) if wanted.units else None
    outside = _within(units, wanted.exclude_units)
    excluded = _excluded(wanted, listed)
    scanned, left_out = [], []
    for account in listed:
        id = str(account["Id"])
        settled = _settled(settings, own, partition, id, str(account.get("Name", "")))
        # State replaces Status (API reference of Organizations, Account); an older endpoint has only that.
        state = str(account.get("State") or account.get("Status") or "ACTIVE")
        if inside is not None and id not in inside:
            left_out.append((settled, "it is in none of organization.units"))
        elif id in outside:
            left_out.append((settled, "organization.exclude_units names a unit it is in"))
        elif id in excluded:
            left_out.append((settled, "organization.exclude_accounts names it"))
        elif state != "ACTIVE":
            left_out.append((settled, f"the organisation says it is {state.replace('_', ' ').lower()}"))
        else:
            scanned.append(settled)
    if not scanned:
        raise UsageError("no account of the organisation is left to scan: see units and exclude_… in [organization]")
    return Members(tuple(scanned), tuple(left_out))


def role_of(settings: Settings, partition: str, account: str) -> str:
    """Return the ARN of the role that is assumed in ACCOUNT (``*``: in any)."""
    template = settings.organization.role
    if not template.startswith("arn:"):
        template = f"arn:{{partition}}:iam::{{account}}:role/{template.lstrip('/')}"
    return template.replace("{partition}", partition).replace("{account}", account)


def _settled(settings: Settings, own: str, partition: str, id: str, name: str) -> AccountSettings:
    """Return how an account is entered: the own one as it is, the others through the role."""
    base, wanted = settings.account, settings.organization
    if id == own and not wanted.assume_in_own:
        return base.model_copy(update={"id": id, "name": name})
    return base.model_copy(
        update={
            "id": id,
            "name": name,
            "role_arn": role_of(settings, partition, id),
            "external_id": wanted.external_id,
            "via_role_arn": base.role_arn,
            "via_external_id": base.external_id,
        }
    )


def _excluded(wanted: OrganizationSettings, accounts: Sequence[Document]) -> set[str]:
    names = [text for account in accounts for text in (str(account["Id"]), str(account.get("Name", "")))]
    for text in wanted.exclude_accounts:
        if text not in names:
            hint = nearest(text, names)
            raise UsageError(f"organization.exclude_accounts: the organisation has no account {shown(text)}{hint}")
    return {
        str(account["Id"])
        for account in accounts
        if account["Id"] in wanted.exclude_accounts or account.get("Name") in wanted.exclude_accounts
    }


def _within(units: Sequence[Document], wanted: Iterable[str]) -> set[str]:
    """Return the ids of the accounts in the WANTED units or anywhere below them. Raises UsageError."""
    found: set[str] = set()
    inside = {unit["Id"] for text in wanted for unit in [_unit(units, text)]}
    for unit in units:  # each stands after its parent
        if unit["Id"] in inside or unit.get("ParentId") in inside:
            inside.add(unit["Id"])
            found.update(unit["AccountIds"])
    return found


def _unit(units: Sequence[Document], text: str) -> Document:
    """Return the unit of that id, path or name."""
    path = text.strip("/").removeprefix("Root/").lower()
    for called in (
        [unit for unit in units if unit["Id"] == text],
        [unit for unit in units if "/".join(unit["Path"]).lower() == path],
        [unit for unit in units if unit["Name"].lower() == text.lower()],
    ):
        if len(called) > 1:
            paths = ", ".join(shown("/".join(unit["Path"])) for unit in called)
            raise UsageError(f"several units of the organisation are called {shown(text)}: write the path ({paths})")
        if called:
            return called[0]
    names = ["/".join(unit["Path"]) or unit["Name"] for unit in units]
    hint = nearest(text, names) or f"; there are {', '.join(map(shown, names[:8]))}{', …' if len(names) > 8 else ''}"
    raise UsageError(f"the organisation has no unit {shown(text)}{hint}")
