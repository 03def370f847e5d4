"""Checks of databases, recovery and logs under thresholds an operator may change; the cases use the shipped ones."""

import dataclasses
from typing import Any

import pytest
from cases import judge_case

from auditor import catalog, standard
from auditor.kit import Case, ago
from auditor.model import Finding, Verdict

CHECKS = catalog.load_checks()
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")
DB_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"


def judged(check_id: str, case: Case, **changes: Any) -> Finding:
    check = CHECKS[check_id]
    shipped = standard.bind(STANDARD[check.patterns[0]], check.thresholds)
    return judge_case(check, case, dataclasses.replace(shipped, **changes))


COPIED = Case(
    {
        "DBInstanceIdentifier": "orders",
        "DBInstanceArn": DB_ARN,
        "DBInstanceStatus": "available",
        "InstanceCreateTime": ago(days=100),
        "DBInstanceAutomatedBackupsReplications": [
            {"DBInstanceAutomatedBackupsArn": "arn:aws:rds:us-east-1:111122223333:auto-backup:ab-1"}
        ],
    }
)


@pytest.mark.parametrize(
    ("allowed", "verdict", "said"),
    [
        ((), Verdict.PASS, []),
        (("us-east-1",), Verdict.PASS, []),
        (
            ("eu-central-1",),
            Verdict.FAIL,
            [
                "is copied to us-east-1, where its data may not lie",
                "has a usable copy in 1 of 2 regions: eu-west-1",
            ],
        ),
    ],
)
def test_a_copy_counts_only_where_the_data_may_lie(allowed: tuple[str, ...], verdict: Verdict, said: list[str]) -> None:
    finding = judged("rds-backup-in-second-region", COPIED, allowed_regions=allowed)
    assert finding.verdict == verdict
    assert [evidence.sentence for evidence in finding.evidence] == said


def test_a_copy_in_a_forbidden_region_fails_even_where_other_copies_could_not_be_read() -> None:
    finding = judged(
        "rds-backup-in-second-region",
        dataclasses.replace(COPIED, unread=["AWS::RDS::DBSnapshot"]),
        allowed_regions=("eu-central-1",),
    )
    assert finding.verdict == Verdict.FAIL
    assert finding.gaps


FAILED_OVER = Case(
    {
        "DBInstanceIdentifier": "orders",
        "DBInstanceArn": DB_ARN,
        "DBInstanceStatus": "available",
        "MultiAZ": True,
        "InstanceCreateTime": ago(days=400),
    },
    related={
        "AWS::RDS::Event": [
            {
                "SourceIdentifier": "orders",
                "SourceArn": DB_ARN,
                "SourceType": "db-instance",
                "EventCategories": ["failover"],
                "Message": "Multi-AZ instance failover completed",
                "Date": ago(days=3),
            }
        ]
    },
)


def test_an_unplanned_failover_proves_the_path_unless_only_tests_count() -> None:
    assert judged("rds-failover-tested-quarterly", FAILED_OVER).verdict == Verdict.PASS
    assert judged("rds-failover-tested-quarterly", FAILED_OVER, count_unplanned=False).verdict == Verdict.FAIL


def test_of_an_account_too_an_unplanned_failover_counts_unless_only_tests_do() -> None:
    there = {**FAILED_OVER.related, "AWS::RDS::DBInstance": [FAILED_OVER.document]}
    case = Case({"Account": "111122223333"}, related=there)
    assert judged("account-failover-test-quarterly", case).verdict == Verdict.PASS
    assert judged("account-failover-test-quarterly", case, count_unplanned=False).verdict == Verdict.FAIL


def test_a_drill_that_failed_is_a_test_only_where_the_operator_says_so() -> None:
    launch = {"initiated": {"apiCallDateTime": ago(days=3), "type": "DRILL"}, "status": "FAILED"}
    case = Case(
        {
            "sourceServerID": "s-1",
            "lastLaunchResult": "FAILED",
            "lifeCycle": {"addedToServiceDateTime": ago(days=400), "lastLaunch": launch},
        }
    )
    assert judged("drs-drill-quarterly", case).verdict == Verdict.FAIL
    assert judged("drs-drill-quarterly", case, count_failed=True).verdict == Verdict.PASS


def test_a_test_of_the_account_that_failed_is_shown_and_counts_only_where_the_operator_says_so() -> None:
    servers = [{"sourceServerID": "s-1", "launchStatus": "FAILED"}]
    job = {"initiatedBy": "START_DRILL", "status": "COMPLETED", "participatingServers": servers}
    case = Case({"Account": "111122223333"}, related={"AWS::DRS::Job": [{**job, "endDateTime": ago(days=3)}]})
    failed = judged("account-dr-test-quarterly", case)
    assert failed.verdict == Verdict.FAIL
    assert [evidence.sentence for evidence in failed.evidence] == [
        "nothing shows a test of disaster recovery in 92 days",
        "a drill of Elastic Disaster Recovery 3 days ago failed",
    ]
    assert judged("account-dr-test-quarterly", case, count_failed=True).verdict == Verdict.PASS


def test_an_account_that_is_declared_without_production_needs_no_test_and_the_reason_is_kept() -> None:
    case = Case({"Account": "111122223333"})
    skipped = judged("account-dr-test-quarterly", case, accounts_without_production=("111122223333",))
    assert (skipped.verdict, skipped.reason) == (Verdict.NOT_APPLICABLE, "declared to bear no production workload")
    other = judged("account-dr-test-quarterly", case, accounts_without_production=("444455556666",))
    assert other.verdict == Verdict.FAIL


def test_a_shift_by_aws_proves_a_zone_can_be_left_unless_only_tests_count() -> None:
    arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/1"
    shift = {"zonalShiftId": "1", "resourceIdentifier": arn, "shiftType": "ZONAL_AUTOSHIFT", "startTime": ago(days=3)}
    balancer = {"LoadBalancerArn": arn, "CreatedTime": ago(days=400)}
    case = Case(
        {"arn": arn, "name": "front"},
        related={"AWS::ARCZonalShift::ZonalShift": [shift], "AWS::ElasticLoadBalancingV2::LoadBalancer": [balancer]},
    )
    assert judged("zonal-shift-practised-quarterly", case).verdict == Verdict.PASS
    assert judged("zonal-shift-practised-quarterly", case, count_unplanned=False).verdict == Verdict.FAIL


TOPIC = "arn:aws:sns:eu-west-1:111122223333:operations"


@pytest.mark.parametrize(
    ("protocol", "people", "verdict"),
    [
        ("lambda", False, Verdict.PASS),
        ("lambda", True, Verdict.FAIL),
        ("email", True, Verdict.PASS),
    ],
)
def test_machines_may_listen_unless_a_person_must(protocol: str, people: bool, verdict: Verdict) -> None:
    case = Case(
        {"RegionName": "eu-west-1"},
        related={
            "AWS::RDS::DBInstance": [
                {"DBInstanceIdentifier": "orders", "DBInstanceArn": DB_ARN, "MultiAZ": True},
            ],
            "AWS::RDS::EventSubscription": [{"SnsTopicArn": TOPIC, "Enabled": True, "Status": "active"}],
            "AWS::SNS::Topic": [
                {
                    "TopicArn": TOPIC,
                    "Attributes": {"SubscriptionsConfirmed": "1"},
                    "Subscriptions": [{"SubscriptionArn": f"{TOPIC}:1", "Protocol": protocol}],
                }
            ],
        },
    )
    assert judged("rds-failover-events-notify", case, require_human_subscriber=people).verdict == verdict


def test_the_audit_log_is_wanted_of_mysql_only_when_the_operator_says_so() -> None:
    mysql = Case(
        {
            "DBInstanceIdentifier": "orders",
            "DBInstanceArn": DB_ARN,
            "Engine": "mysql",
            "DBInstanceStatus": "available",
            "EnabledCloudwatchLogsExports": ["error"],
        }
    )
    postgres = dataclasses.replace(
        mysql, document={**mysql.document, "Engine": "postgres", "EnabledCloudwatchLogsExports": ["postgresql"]}
    )
    assert judged("rds-instance-log-exports", mysql).verdict == Verdict.PASS
    assert judged("rds-instance-log-exports", mysql, rds_audit_required=True).verdict == Verdict.FAIL
    assert judged("rds-instance-log-exports", postgres, rds_audit_required=True).verdict == Verdict.PASS


def test_access_logs_can_be_waived_for_all() -> None:
    case = Case({"LoadBalancerName": "web", "LoadBalancerArn": "arn:x", "Type": "application", "Attributes": []})
    assert judged("load-balancer-access-logging", case).verdict == Verdict.FAIL
    assert judged("load-balancer-access-logging", case, access_logs_required=False).verdict == Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("replicas", "verdict"), [(1, Verdict.PASS), (2, Verdict.PASS), (3, Verdict.FAIL)])
def test_a_standby_and_a_read_replica_are_two_replicas(replicas: int, verdict: Verdict) -> None:
    case = Case(
        {
            "DBInstanceIdentifier": "orders",
            "DBInstanceArn": DB_ARN,
            "DBInstanceStatus": "available",
            "MultiAZ": True,
            "ReadReplicaDBInstanceIdentifiers": ["orders-read"],
        }
    )
    assert judged("rds-instance-has-replica", case, min_replicas=replicas).verdict == verdict
