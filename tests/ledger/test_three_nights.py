"""Each kind of dated fact: read, kept once over three nights, there when AWS has forgotten it, listed, and judged by."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from scripted import ACCOUNT, DENIED, at_once
from shapes import REPORT_COLUMNS, SESSION

from auditor import catalog, standard
from auditor.aws.answer import Answer, CallError, Operation
from auditor.aws.session import Identity
from auditor.cli import main
from auditor.collect import load_types
from auditor.kit.money import NoPrices
from auditor.model import Verdict
from auditor.scan import Judged, ScanRequest, run_scan
from auditor.store import Store

HERE, THERE = "eu-west-1", "eu-central-1"
NOW = datetime.now(UTC).replace(microsecond=0)
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")
Script = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def ago(days: float = 0, hours: float = 0) -> str:
    return (NOW - timedelta(days=days, hours=hours)).isoformat()


def arn(service: str, rest: str, region: str = HERE) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"


ORDERS, SHOP = arn("rds", "db:orders"), arn("rds", "cluster:shop")
CARTS = arn("elasticache", "replicationgroup:carts")
FRONT = arn("elasticloadbalancing", "loadbalancer/app/front/1")
PLAN = f"arn:aws:arc-region-switch::{ACCOUNT}:plan/shop:abc123"
USER = f"arn:aws:iam::{ACCOUNT}:user/maria"
KEY = "AKIAIOSFODNN7EXAMPLE"


def always(answer: Mapping[str, Any]) -> Script:
    return lambda params: answer


def trail(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """A failover that was called for, and a table that was restored."""
    name = params["LookupAttributes"][0]["AttributeValue"]
    asked = {"FailoverDBCluster": "shop", "RestoreTableToPointInTime": "carts"}.get(name)
    record = {"eventName": name, "requestParameters": {"sourceTableName": asked}}
    named = {"EventId": f"e-{name}", "EventName": name, "Resources": [{"ResourceName": asked}]}
    return {"Events": [{**named, "EventTime": ago(5), "CloudTrailEvent": json.dumps(record)}] if asked else []}


def there(night: int) -> dict[str, Script]:
    """What is still there when AWS has forgotten what was done with it: NIGHT counts back from today."""
    measured = ago(night, 1 / 12)
    database = {
        "DBInstanceIdentifier": "orders",
        "DBInstanceArn": ORDERS,
        "DbiResourceId": "db-ORDERS",
        "Engine": "postgres",
        "DBInstanceStatus": "available",
        "MultiAZ": True,
        "BackupRetentionPeriod": 30,
        "InstanceCreateTime": ago(400),
        "LatestRestorableTime": measured,
    }
    cluster = {
        "DBClusterIdentifier": "shop",
        "DBClusterArn": SHOP,
        "DbClusterResourceId": "cluster-SHOP",
        "Engine": "aurora-mysql",
        "Status": "available",
        "ClusterCreateTime": ago(400),
        "DBClusterMembers": [{"DBInstanceIdentifier": "a"}, {"DBInstanceIdentifier": "b"}],
    }
    group = {
        "ReplicationGroupId": "carts",
        "ARN": CARTS,
        "AutomaticFailover": "enabled",
        "ReplicationGroupCreateTime": ago(400),
    }
    server = {
        "arn": arn("drs", "source-server/s-1"),
        "sourceServerID": "s-1",
        "lastLaunchResult": "NOT_STARTED",
        "lifeCycle": {"addedToServiceDateTime": ago(400)},
    }
    row = dict.fromkeys(REPORT_COLUMNS.split(","), "N/A") | {
        "user": "maria",
        "arn": USER,
        "user_creation_time": ago(400),
        "access_key_1_active": "true",
        "access_key_1_last_rotated": ago(400),
        "access_key_1_last_used_date": ago(5),
    }
    user = {"UserName": "maria", "Arn": USER, "UserId": "1", "CreateDate": ago(400)}
    return {
        "rds:DescribeDBInstances": always({"DBInstances": [database]}),
        "rds:DescribeDBClusters": always({"DBClusters": [cluster]}),
        "elasticache:DescribeReplicationGroups": always({"ReplicationGroups": [group]}),
        "drs:DescribeSourceServers": always({"items": [server]}),
        "backup:ListProtectedResources": always({"Results": [{"ResourceArn": ORDERS, "ResourceType": "RDS"}]}),
        "arc-zonal-shift:ListManagedResources": always({"items": [{"arn": FRONT, "name": "front"}]}),
        "elbv2:DescribeLoadBalancers": always(
            {"LoadBalancers": [{"LoadBalancerArn": FRONT, "LoadBalancerName": "front", "CreatedTime": ago(400)}]}
        ),
        "iam:GetAccountAuthorizationDetails": always({"UserDetailList": [user]}),
        "iam:GenerateCredentialReport": always({"State": "COMPLETE"}),
        "iam:GetCredentialReport": always(
            {"Content": "\n".join([",".join(row), ",".join(row.values())]), "GeneratedTime": ago(night)}
        ),
        "iam:ListAccessKeys": always(
            {
                "AccessKeyMetadata": [
                    {"UserName": "maria", "AccessKeyId": KEY, "Status": "Active", "CreateDate": ago(400)}
                ]
            }
        ),
    }


JOB = {"Status": "COMPLETED", "ResourceType": "RDS", "RecoveryPointArn": "arn:aws:rds:::snapshot:awsbackup:1"}
JOB |= {"SourceResourceArn": ORDERS, "CreationDate": ago(5, 1), "CompletionDate": ago(5)}
SHIFT = {"resourceIdentifier": FRONT, "shiftType": "PRACTICE_RUN", "status": "EXPIRED", "startTime": ago(5)}
SWITCH = {"planArn": PLAN, "executionAction": "activate", "mode": "graceful", "executionRegion": THERE}
SWITCH |= {"executionState": "completed", "startTime": ago(5, 1), "endTime": ago(5)}
DRILL = {"initiatedBy": "START_DRILL", "status": "COMPLETED", "endDateTime": ago(5)}
EVENT = {"SourceType": "db-instance", "SourceIdentifier": "orders", "SourceArn": ORDERS, "Date": ago(5)}
EXPERIMENT = {
    "actions": {"cut": {"actionId": "aws:s3:bucket-pause-replication", "state": {"status": "completed"}}},
    "endTime": ago(5),
}

DONE: dict[str, Script] = {
    "rds:DescribeEvents": lambda params: {
        "Events": [{**EVENT, "EventCategories": ["failover"], "Message": "Multi-AZ instance failover completed"}]
        if params["SourceType"] == "db-instance"
        else []
    },
    "elasticache:DescribeEvents": always(
        {
            "Events": [
                {
                    "SourceIdentifier": "carts",
                    "SourceType": "replication-group",
                    "Message": "Failover from primary node carts-001 to replica node carts-002 completed",
                    "Date": ago(5),
                }
            ]
        }
    ),
    "cloudtrail:LookupEvents": trail,
    "fis:ListExperiments": always(
        {"experiments": [{"id": "E1", "arn": arn("fis", "experiment/E1"), "state": {"status": "completed"}}]}
    ),
    "fis:GetExperiment": always({"experiment": EXPERIMENT}),
    "backup:ListRestoreJobs": always(
        {
            "RestoreJobs": [
                {**JOB, "RestoreJobId": "1", "ValidationStatus": "SUCCESSFUL"},
                {**JOB, "RestoreJobId": "2", "Status": "FAILED", "CreationDate": ago(9)},
            ]
        }
    ),
    "backup:ListCopyJobs": always(
        {
            "CopyJobs": [
                {
                    "CopyJobId": "1",
                    "ResourceArn": ORDERS,
                    "State": "COMPLETED",
                    "CompletionDate": ago(hours=3),
                    "DestinationBackupVaultArn": arn("backup", "backup-vault:second", THERE),
                }
            ]
        }
    ),
    "drs:DescribeJobs": always(
        {
            "items": [
                {
                    **DRILL,
                    "jobID": number,
                    "arn": arn("drs", f"job/{number}"),
                    "participatingServers": [{"sourceServerID": "s-1", "launchStatus": status}],
                }
                for number, status in (("1", "LAUNCHED"), ("2", "FAILED"))
            ]
        }
    ),
    "arc-zonal-shift:ListZonalShifts": always(
        {
            "items": [
                {**SHIFT, "zonalShiftId": "1", "practiceRunOutcome": "SUCCEEDED"},
                {**SHIFT, "zonalShiftId": "2", "practiceRunOutcome": "FAILED", "startTime": ago(9)},
            ]
        }
    ),
    "arc-region-switch:ListPlans": always({"plans": [{"arn": PLAN, "name": "shop", "regions": [HERE, THERE]}]}),
    "arc-region-switch:ListPlanExecutions": always(
        {"items": [{**SWITCH, "executionId": "1"}, {**SWITCH, "executionId": "2", "executionState": "failed"}]}
    ),
}
"""What AWS tells until it forgets it."""

PER_KIND = {
    "failover": 3,
    "experiment": 1,
    "restore": 2,
    "restore-failed": 1,
    "restore-validation": 1,
    "drill": 1,
    "drill-failed": 1,
    "region-switch": 1,
    "region-switch-failed": 1,
    "zonal-shift": 1,
    "zonal-shift-failed": 1,
    "copy": 1,
    "recovery-point": 3,
    "key-use": 1,
}
"""What three nights leave in the ledger: each once, and a measurement for each of the nights."""

PASS_BY = {
    "account-dr-test-quarterly": "arn:aws:iam::123456789012:root",
    "account-failover-test-quarterly": "arn:aws:iam::123456789012:root",
    "account-restore-test-monthly": "arn:aws:iam::123456789012:root",
    "db-restore-tested-monthly": ORDERS,
    "drs-drill-quarterly": arn("drs", "source-server/s-1"),
    "elasticache-failover-tested-quarterly": CARTS,
    "rds-backup-in-second-region": ORDERS,
    "rds-failover-tested-quarterly": ORDERS,
    "restore-duration-within-rto": arn("backup", f"protected-resource:{ORDERS}"),
    "zonal-shift-practised-quarterly": arn("arc-zonal-shift", f"managed-resource:{FRONT}"),
}
"""The checks whose verdict the ledger alone can prove, and of what."""
CHECKS = {id: catalog.load_checks()[id] for id in (*PASS_BY, "iam-access-key-rotated", "rds-recovery-point-within-rpo")}


class Night:
    """The account on one night, so many days ago; what is not scripted is empty there."""

    def __init__(self, days_ago: int, **scripts: Script | CallError) -> None:
        self.scripts: dict[str, Any] = {**there(days_ago), **scripts}
        self.date = NOW - timedelta(days=days_ago)

    def identify(self) -> Identity:
        return Identity(ACCOUNT, "aws", f"arn:aws:iam::{ACCOUNT}:user/auditor")

    def enabled_regions(self) -> tuple[str, ...]:
        return (HERE, THERE)

    def caller(self) -> "Night":
        return self

    def operation(self, service: str, operation: str) -> Operation:
        return Operation()

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        script = self.scripts.get(f"{service}:{operation}")
        if isinstance(script, CallError):
            raise script
        if script and region != THERE:
            return Answer(script(params), self.date)
        if operation == "GetCallerIdentity":
            return Answer({"Account": ACCOUNT}, self.date)
        shape: Any = SESSION.get_service_model(service).operation_model(operation).output_shape
        empty: dict[str, Any] = {"list": [], "map": {}, "structure": {}}
        held = {name: empty[inner.type_name] for name, inner in shape.members.items() if inner.type_name in empty}
        return Answer(held, self.date)


def scan(store: Store, night: Night) -> Judged:
    connection: Any = night
    request = ScanRequest(account_name="shop", threads=2, resume_seconds=0, limiter=at_once())
    return run_scan(request, connection, store, STANDARD, CHECKS, load_types(), NoPrices)


def not_passed(judged: Judged) -> dict[tuple[str, str], str]:
    return {(finding.check, finding.resource): finding.verdict for finding in judged.judgement.findings}


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with three nights: two of which AWS tells all it knows, one after it has forgotten."""
    url = f"sqlite:///{tmp_path_factory.mktemp('nights') / 'store.db'}"
    with Store.open(url) as store:
        for days_ago in (2, 1):
            scan(store, Night(days_ago, **DONE))
        scan(store, Night(0))
    return url


def test_each_kind_is_kept_once_over_three_nights_and_stays_when_aws_has_forgotten_it(store_url: str) -> None:
    with Store.open(store_url) as store:
        scan(store, Night(2, **DONE))
        first = Counter(fact.kind for fact in store.evidence())
        assert first == {**PER_KIND, "recovery-point": 1}
        scan(store, Night(1, **DONE))
        forgotten = scan(store, Night(0))
        kept = store.evidence()
        assert Counter(fact.kind for fact in kept) == PER_KIND
        assert {fact.scan for fact in kept if fact.kind != "recovery-point"} == {kept[-1].scan}, "seen first"
        unproven = not_passed(forgotten)
        assert {check: unproven.get((check, id)) for check, id in PASS_BY.items()} == dict.fromkeys(PASS_BY)


def test_the_kinds_are_all_there_are() -> None:
    assert set(PER_KIND) == {dated.kind for type in load_types().values() for dated in type.dated}


def test_each_kind_is_listed(nights: str) -> None:
    for kind, number in PER_KIND.items():
        result = CliRunner().invoke(main, ["evidence", "list", "--store", nights, "--kind", kind, "--format", "json"])
        assert result.exit_code == 0, result.output
        assert [row["kind"] for row in json.loads(result.stdout)] == [kind] * number


def test_without_the_ledger_nothing_would_be_proven(store_url: str) -> None:
    with Store.open(store_url) as store:
        unproven = not_passed(scan(store, Night(0)))
    verdicts = {check: unproven.get((check, id)) for check, id in PASS_BY.items()}
    assert set(verdicts.values()) <= {Verdict.FAIL, Verdict.NOT_APPLICABLE, None}
    assert {check for check, verdict in verdicts.items() if verdict is None} <= {"restore-duration-within-rto"}


def test_a_key_whose_use_cannot_be_read_tonight_was_in_use_by_the_ledger(nights: str) -> None:
    with Store.open(nights) as store:
        denied = scan(store, Night(0, **{"iam:GenerateCredentialReport": DENIED}))
    (finding,) = (finding for finding in denied.judgement.findings if finding.check == "iam-access-key-rotated")
    assert finding.evidence[0].facts["last_used"] == ago(5)[:10]


def test_a_point_that_stands_still_is_told_beside_how_it_was_on_other_nights(nights: str) -> None:
    stuck = {"rds:DescribeDBInstances": there(3)["rds:DescribeDBInstances"]}
    with Store.open(nights) as store:
        findings = scan(store, Night(0, **stuck)).judgement.findings
    (finding,) = (one for one in findings if (one.check, one.resource) == ("rds-recovery-point-within-rpo", ORDERS))
    assert finding.evidence[0].facts["newest"] == ago(3, 1 / 12)
    assert finding.evidence[0].facts["worst_minutes"] == 5.0


class _Asked:
    """An empty ledger that knows what it was asked for."""

    def __init__(self) -> None:
        self.types: list[str] = []

    def __call__(self, type: str) -> tuple[()]:
        self.types.append(type)
        return ()


def test_the_page_names_for_each_type_the_checks_that_ask_the_ledger_for_it() -> None:
    """By what the checks ask for in their own cases."""
    from cases import inventory_of

    from auditor.engine import judge
    from auditor.kit.facts import Facts

    kept = {name for name, type in load_types().items() if type.dated}
    asked: dict[str, set[str]] = {name: set() for name in kept}
    for check in catalog.load_checks().values():
        if kept.isdisjoint((*check.on, *check.reads)):
            continue
        want = standard.bind(STANDARD[check.patterns[0]], check.thresholds)
        for case in (*check.passes, *check.fails, *check.skips, *check.unknowns):
            told, subject = inventory_of(check, case)
            told._kept = _Asked()
            judge(check, Facts(subject, told), want)
            for type in told._kept.types:
                asked[type].add(check.id)
    assert all(asked.values()), "what no check asks for need not be kept"
    page = (catalog.bundled("checks").parent / "docs" / "evidence.md").read_text()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `AWS::")
    ]
    told_of = {row[0].strip("`"): {part.split("]")[0].strip(" [") for part in row[1].split(",")} for row in rows}
    assert told_of == asked
