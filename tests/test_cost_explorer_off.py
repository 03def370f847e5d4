"""`scan.cost_explorer = false`: nothing is paid for, what only Cost Explorer knows is unknown, the rest is judged."""

from collections.abc import Mapping
from typing import Any

from scripted import Scripted, at_once
from shapes import SESSION

from auditor import catalog, standard
from auditor.aws.answer import Answer, CallError, Fault, Operation
from auditor.aws.operations import Operations
from auditor.aws.session import Identity
from auditor.collect import load_types
from auditor.kit.money import NoPrices
from auditor.model import ScanStatus, Verdict
from auditor.scan import Judged, ScanRequest, coverage_percent, evaluate, run_scan
from auditor.selection import Selection
from auditor.store import Store

ACCOUNT = "123456789012"
CHECKS = ("budget-monthly-cost", "cost-anomaly-monitor", "cost-anomalies-reviewed", "compute-commitment-coverage")
RULES = standard.load(catalog.bundled("checks") / "patterns.toml")
KNOWN, TYPES = catalog.load_checks(), load_types()


def no_organization(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    raise CallError(Fault.OTHER, "AWSOrganizationsNotInUseException", "none")


class Account(Scripted):
    """An account that pays for itself and has nothing; whatever it is asked, it answers with nothing."""

    region = "us-east-1"

    def __init__(self) -> None:
        super().__init__(
            GetCallerIdentity=lambda params, region: {"Account": ACCOUNT}, DescribeOrganization=no_organization
        )
        self.limiter = at_once()
        self.services: set[str] = set()
        self._operations = Operations(SESSION)

    def identify(self) -> Identity:
        return Identity(ACCOUNT, "aws", f"arn:aws:iam::{ACCOUNT}:user/x")

    def enabled_regions(self) -> tuple[str, ...]:
        return ("us-east-1",)

    def caller(self) -> "Account":
        return self

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        self.services.add(service)
        self.script.setdefault(operation, lambda params, region: {})
        return super().call(service, operation, params, region)

    def operation(self, service: str, operation: str) -> Operation:
        return self._operations.operation(service, operation)


def scan(store: Store, cost_explorer: bool) -> tuple[Judged, Account]:
    account = Account()
    request = ScanRequest(cost_explorer=cost_explorer, selection=Selection(checks=CHECKS))
    return run_scan(request, account, store, RULES, KNOWN, TYPES, NoPrices), account  # type: ignore[arg-type]


def verdicts(judged: Judged) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for tally in judged.judgement.tallies:
        skipped = [id for ids in tally.not_applicable.values() for id in ids]
        for verdict, ids in zip(Verdict, (tally.passed, tally.failed, tally.unknown, skipped), strict=True):
            if ids:
                found[tally.check] = verdict
    return found


def test_it_is_not_asked_and_what_it_knows_is_unknown_and_never_passed(store_url: str) -> None:
    with Store.open(store_url) as store:
        judged, account = scan(store, cost_explorer=False)
        assert "ce" not in account.services
        assert verdicts(judged) == {
            "budget-monthly-cost": Verdict.FAIL,
            "cost-anomaly-monitor": Verdict.UNKNOWN,
            "cost-anomalies-reviewed": Verdict.UNKNOWN,
            "compute-commitment-coverage": Verdict.UNKNOWN,
        }
        reasons = {f.reason for f in judged.judgement.findings if f.verdict is Verdict.UNKNOWN}
        assert all("SwitchedOff: scan.cost_explorer is false" in reason for reason in reasons), reasons
        assert (judged.scan.status, coverage_percent(judged.coverage.values())) == (ScanStatus.COMPLETE, 100.0)


def test_judged_again_a_month_later_it_is_as_unknown_as_it_was(store_url: str) -> None:
    with Store.open(store_url) as store:
        judged, _ = scan(store, cost_explorer=False)
        assert verdicts(evaluate(store, judged.scan, RULES, KNOWN, NoPrices())) == verdicts(judged)


def test_asked_it_says_that_there_is_nothing(store_url: str) -> None:
    with Store.open(store_url) as store:
        judged, account = scan(store, cost_explorer=True)
        assert account.count()["GetAnomalies"] == 1
        [(interval)] = [params["DateInterval"] for params in account.params("GetAnomalies")]
        assert interval == {"StartDate": "2026-03-17", "EndDate": "2026-06-15"}, (
            "by the answers' date, whatever the clock says"
        )
        assert verdicts(judged) == {
            "budget-monthly-cost": Verdict.FAIL,
            "cost-anomaly-monitor": Verdict.FAIL,
            "cost-anomalies-reviewed": Verdict.NOT_APPLICABLE,
            "compute-commitment-coverage": Verdict.UNKNOWN,
        }


def test_switching_it_off_closes_nothing_that_was_known(store_url: str) -> None:
    with Store.open(store_url) as store:
        scan(store, cost_explorer=True)
        judged, _ = scan(store, cost_explorer=False)
        assert not list(store.drift(judged.scan.id).gone)
        states = {state.finding.check: state.finding.verdict for state in store.findings(judged.scan.id)}
        assert states["cost-anomaly-monitor"] is Verdict.UNKNOWN, "a failure that was not looked at again is not mended"
