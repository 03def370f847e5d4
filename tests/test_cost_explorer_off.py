"""`scan.cost_explorer = false`: nothing is paid for, what only Cost Explorer knows is unknown, the rest is judged."""

from spenders import KNOWN, RULES, Spender, scan, verdicts

from auditor.kit.money import NoPrices
from auditor.model import ScanStatus, Verdict
from auditor.scan import coverage_percent, evaluate
from auditor.store import Store

ACCOUNT = "123456789012"
CHECKS = ("budget-monthly-cost", "cost-anomaly-monitor", "cost-anomalies-reviewed", "compute-commitment-coverage")


def test_it_is_not_asked_and_what_it_knows_is_unknown_and_never_passed(store_url: str) -> None:
    with Store.open(store_url) as store:
        account = Spender(ACCOUNT)
        judged = scan(store, account, *CHECKS, cost_explorer=False)
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
        judged = scan(store, Spender(ACCOUNT), *CHECKS, cost_explorer=False)
        assert verdicts(evaluate(store, judged.scan, RULES, KNOWN, NoPrices())) == verdicts(judged)


def test_asked_it_says_that_there_is_nothing(store_url: str) -> None:
    with Store.open(store_url) as store:
        account = Spender(ACCOUNT)
        judged = scan(store, account, *CHECKS)
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
        scan(store, Spender(ACCOUNT), *CHECKS)
        judged = scan(store, Spender(ACCOUNT), *CHECKS, cost_explorer=False)
        assert not list(store.drift(judged.scan.id).gone)
        states = {state.finding.check: state.finding.verdict for state in store.findings(judged.scan.id)}
        assert states["cost-anomaly-monitor"] is Verdict.UNKNOWN, "a failure that was not looked at again is not mended"
