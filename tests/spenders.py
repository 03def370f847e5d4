"""Accounts that are asked what they cost, over everything that a scan does but the network."""

from collections.abc import Mapping
from typing import Any

from scripted import Script, Scripted, at_once
from shapes import SESSION

from auditor import catalog, standard
from auditor.aws.answer import Answer, CallError, Fault, Operation
from auditor.aws.operations import Operations
from auditor.aws.session import Identity
from auditor.collect import load_types
from auditor.kit.money import NoPrices
from auditor.model import Verdict
from auditor.scan import Judged, ScanRequest, run_scan
from auditor.selection import Selection
from auditor.store import Store

RULES = standard.load(catalog.bundled("checks") / "patterns.toml")
KNOWN, TYPES = catalog.load_checks(), load_types()


def no_organization(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    raise CallError(Fault.OTHER, "AWSOrganizationsNotInUseException", "none")


class Spender(Scripted):
    """An account that pays for itself and has nothing, but for what SCRIPT answers; it notes the services it was asked."""

    region = "us-east-1"

    def __init__(self, account: str, **script: Script) -> None:
        usual: dict[str, Script] = {
            "GetCallerIdentity": lambda params, region: {"Account": account},
            "DescribeOrganization": no_organization,
        }
        super().__init__(**usual | script)
        self.account = account
        self.limiter = at_once()
        self.services: set[str] = set()
        self._operations = Operations(SESSION)

    def identify(self) -> Identity:
        return Identity(self.account, "aws", f"arn:aws:iam::{self.account}:user/x")

    def enabled_regions(self) -> tuple[str, ...]:
        return ("us-east-1",)

    def caller(self) -> "Spender":
        return self

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        self.services.add(service)
        self.script.setdefault(operation, lambda params, region: {})
        return super().call(service, operation, params, region)

    def operation(self, service: str, operation: str) -> Operation:
        return self._operations.operation(service, operation)


def scan(store: Store, account: Spender, *checks: str, cost_explorer: bool = True) -> Judged:
    """Scan the account for CHECKS."""
    request = ScanRequest(cost_explorer=cost_explorer, selection=Selection(checks=checks))
    return run_scan(request, account, store, RULES, KNOWN, TYPES, NoPrices)  # type: ignore[arg-type]


def verdicts(judged: Judged) -> dict[str, Verdict]:
    """Return each check's verdict about the account."""
    found: dict[str, Verdict] = {}
    for tally in judged.judgement.tallies:
        skipped = [id for ids in tally.not_applicable.values() for id in ids]
        for verdict, ids in zip(Verdict, (tally.passed, tally.failed, tally.unknown, skipped), strict=True):
            if ids:
                found[tally.check] = verdict
    return found
