"""What the account that pays has counts for the members of its organisation, as its own newest scan in the store read it."""

from collections.abc import Mapping
from typing import Any

import pytest
from scripted import DENIED, Script, raises
from spenders import KNOWN, RULES, TYPES, Spender, scan, verdicts

from auditor.model import Verdict
from auditor.report import build_view
from auditor.reporting import report_inputs
from auditor.store import Store

PAYER, MEMBER = "111111111111", "222222222222"
CHECKS = (
    "budget-monthly-cost", "budget-alert-configured", "cost-anomaly-monitor", "cost-anomaly-subscription",
    "cost-anomalies-reviewed", "commitment-utilization", "compute-commitment-coverage", "compute-commitment-recommendation",
)  # fmt: skip
OF_THE_BILL = CHECKS[5:]
MONITOR = f"arn:aws:ce::{PAYER}:anomalymonitor/1"


def organization(params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    return {
        "Organization": {
            "Id": "o-1",
            "Arn": f"arn:aws:organizations::{PAYER}:organization/o-1",
            "MasterAccountId": PAYER,
        }
    }


def gives(**answer: Any) -> Script:
    return lambda params, region: answer


def payer(**script: Script) -> Spender:
    """An account that pays for an organisation, with a budget of it all, a monitor and somebody who is told."""
    limit = {"Amount": "9000", "Unit": "USD"}
    alert = {"NotificationType": "FORECASTED", "ComparisonOperator": "GREATER_THAN", "Threshold": 100.0}
    used = {"TotalCommitment": "100", "UnusedCommitment": "1", "UtilizationPercentage": "99"}
    usual: dict[str, Script] = {
        "DescribeOrganization": organization,
        "DescribeBudgets": gives(
            Budgets=[{"BudgetName": "all", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}]
        ),
        "DescribeBudgetNotificationsForAccount": gives(
            BudgetNotificationsForAccount=[{"BudgetName": "all", "Notifications": [alert]}]
        ),
        "DescribeSubscribersForNotification": gives(Subscribers=[{"SubscriptionType": "EMAIL", "Address": "(hidden)"}]),
        "GetAnomalyMonitors": gives(
            AnomalyMonitors=[
                {
                    "MonitorArn": MONITOR, "MonitorName": "services", "MonitorType": "DIMENSIONAL",
                    "MonitorDimension": "SERVICE", "LastEvaluatedDate": "2026-06-14",
                }
            ]
        ),
        "GetAnomalySubscriptions": gives(
            AnomalySubscriptions=[
                {
                    "SubscriptionArn": f"arn:aws:ce::{PAYER}:anomalysubscription/1", "SubscriptionName": "finance",
                    "MonitorArnList": [MONITOR], "Subscribers": [{"Type": "EMAIL", "Address": "ada@example.com"}],
                    "Threshold": 50.0,
                }
            ]
        ),
        "GetSavingsPlansUtilization": gives(Total={"Utilization": used}),
    }  # fmt: skip
    return Spender(PAYER, **usual | script)


def member(**script: Script) -> Spender:
    return Spender(MEMBER, **{"DescribeOrganization": organization, **script})


@pytest.fixture
def store(store_url: str) -> Any:
    with Store.open(store_url) as opened:
        yield opened


def test_a_member_whose_payer_was_not_scanned_fails_by_nothing_that_it_does_not_know(store: Store) -> None:
    account = member()
    found = verdicts(scan(store, account, *CHECKS))
    assert Verdict.FAIL not in found.values()
    assert {found[check] for check in OF_THE_BILL} == {Verdict.UNKNOWN}
    assert found["budget-monthly-cost"] is found["cost-anomaly-monitor"] is Verdict.UNKNOWN
    asked = account.count()
    assert asked["GetAnomalyMonitors"] == 1
    assert not {"GetSavingsPlansUtilization", "GetReservationUtilization"} & set(asked), "those are paid for once"


def test_what_the_payer_has_counts_once_its_scan_knows_of_it(store: Store) -> None:
    paid = verdicts(scan(store, payer(), *CHECKS))
    assert paid["budget-monthly-cost"] is paid["cost-anomaly-monitor"] is Verdict.PASS
    assert paid["cost-anomaly-subscription"] is paid["commitment-utilization"] is Verdict.PASS
    judged = scan(store, member(), *CHECKS)
    assert set(verdicts(judged).values()) == {Verdict.NOT_APPLICABLE}
    view = build_view(report_inputs(store, judged.scan, RULES, KNOWN, TYPES, judged))
    assert view.spending.payer == PAYER
    assert PAYER in view.spending.readings["recommendations"].why


def test_a_payer_without_any_is_a_failure_of_its_members_too(store: Store) -> None:
    scan(store, Spender(PAYER, DescribeOrganization=organization), *CHECKS)
    found = verdicts(scan(store, member(), *CHECKS))
    assert found["budget-monthly-cost"] is found["cost-anomaly-monitor"] is Verdict.FAIL


def test_a_payer_that_could_not_be_read_proves_nothing(store: Store) -> None:
    scan(store, payer(DescribeBudgets=raises(DENIED), GetAnomalyMonitors=raises(DENIED)), *CHECKS)
    found = verdicts(scan(store, member(), *CHECKS))
    assert found["budget-monthly-cost"] is found["cost-anomaly-monitor"] is Verdict.UNKNOWN


def test_who_may_not_ask_for_the_organisation_is_not_taken_for_one_that_pays_itself(store: Store) -> None:
    found = verdicts(scan(store, member(DescribeOrganization=raises(DENIED)), *CHECKS))
    assert Verdict.FAIL not in found.values()
    assert found["budget-monthly-cost"] is Verdict.UNKNOWN
