"""The declared calls against moto's server over HTTP: a small account of the six families, read as a scan reads it.

What moto 5.2.5 lacks is answered here instead, with every field of botocore's model filled in.
"""

import json
import os
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from shapes import SESSION, specimen, unknown_fields
from small_account import PLANTED, REGION, SmallAccount

from auditor.aws.answer import Answer, Caller, Operation
from auditor.aws.session import connect
from auditor.collect import load_types
from auditor.collect.declare import ResourceType
from auditor.collect.plan import make_plan
from auditor.collect.rows import arguments, extract, fill
from auditor.collect.run import Collected, collect
from auditor.kit import NOW
from auditor.model import GLOBAL, Coverage, CoverageState, Resource, Scope

ACCOUNT = "123456789012"
MOTO_LACKS = {
    "arc-region-switch:ListPlanExecutions",
    "arc-region-switch:ListPlans",
    "arc-zonal-shift:ListManagedResources",
    "arc-zonal-shift:ListZonalShifts",
    "backup:GetRestoreTestingSelection",
    "backup:ListCopyJobs",
    "backup:ListProtectedResources",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:ListRestoreJobs",
    "backup:ListRestoreTestingPlans",
    "backup:ListRestoreTestingSelections",
    "budgets:DescribeBudgetNotificationsForAccount",
    "budgets:DescribeSubscribersForNotification",
    "ce:GetAnomalies",
    "ce:GetAnomalyMonitors",
    "ce:GetAnomalySubscriptions",
    "ce:GetReservationPurchaseRecommendation",
    "ce:GetReservationUtilization",
    "ce:GetSavingsPlansCoverage",
    "ce:GetSavingsPlansPurchaseRecommendation",
    "ce:GetSavingsPlansUtilization",
    "cloudtrail:LookupEvents",
    "compute-optimizer:GetEBSVolumeRecommendations",
    "compute-optimizer:GetRDSDatabaseRecommendations",
    "dlm:GetLifecyclePolicies",
    "dlm:GetLifecyclePolicy",
    "drs:DescribeJobs",
    "drs:DescribeSourceServers",
    "ec2:DescribeReservedInstances",
    "ec2:DescribeSecurityGroupReferences",
    "ec2:DescribeSecurityGroupVpcAssociations",
    "ec2:DescribeStaleSecurityGroups",
    "elasticache:DescribeEvents",
    "elasticache:DescribeReservedCacheNodes",
    "iam:ListServiceSpecificCredentials",
    "opensearch:DescribeReservedInstances",
    "rds:DescribeDBClusterAutomatedBackups",
    "rds:DescribeReservedDBInstances",
    "redshift:DescribeReservedNodes",
    "savingsplans:DescribeSavingsPlans",
    "wafv2:ListResourcesForWebACL",
}
TOKENS = {"NextToken", "NextPageToken", "nextToken", "Marker", "IsTruncated", "NextMarker"}


class Stubbed:
    """A caller that answers what moto lacks itself, and passes everything else on."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.stubbed: set[str] = set()

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        if f"{service}:{operation}" not in MOTO_LACKS:
            return self.caller.call(service, operation, params, region)
        self.stubbed.add(f"{service}:{operation}")
        whole = specimen(SESSION.get_service_model(service).operation_model(operation).output_shape)
        return Answer({name: value for name, value in whole.items() if name not in TOKENS}, NOW)

    def operation(self, service: str, operation: str) -> Operation:
        return self.caller.operation(service, operation)


@dataclass
class Read:
    """A sink that keeps what it is given, and what the collection came to."""

    resources: list[Resource] = field(default_factory=list)
    closed: list[Coverage] = field(default_factory=list)
    outcome: Collected | None = None
    stubbed: set[str] = field(default_factory=set)
    ids: dict[str, Any] = field(default_factory=dict)
    caller: Caller | None = None

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        # Datapoints are machine numbers until they are written.
        self.resources += [replace(item, document=json.loads(json.dumps(item.document, default=list))) for item in page]

    def close(self, coverage: Coverage) -> None:
        self.closed.append(coverage)

    def of(self, type: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == type]

    def one(self, type: str, name: str) -> Resource:
        found = [resource for resource in self.of(type) if resource.name == name]
        assert len(found) == 1, [resource.name for resource in self.of(type)]
        return found[0]


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    """A small account, read once."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    # Servers of one process share what they hold: whatever a test of another file has made is forgotten.
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    try:
        account = SmallAccount(endpoint).build()
        types = load_types()
        operations = [call for type in types.values() for call in type.every_call]
        caller = Stubbed(connect(operations, region=REGION).caller())
        sink = Read(ids=account.ids, caller=caller)
        plan = make_plan(types.values(), types, ACCOUNT, "aws", (REGION,))
        sink.outcome = collect(plan, caller, sink)
        sink.stubbed = caller.stubbed
        yield sink
    finally:
        del os.environ["AWS_ENDPOINT_URL"]
        server.stop()


# ---- everything ------------------------------------------------------------------------------------------------------


def test_every_type_is_read_completely(read: Read) -> None:
    unread = [(coverage.scope, coverage.gap) for coverage in read.closed if coverage.state != CoverageState.COMPLETE]
    assert not unread
    assert {coverage.scope.type for coverage in read.closed} == set(load_types())


def test_no_field_is_left_unread(read: Read) -> None:
    assert not [(resource.id, resource.gaps) for resource in read.resources if resource.gaps]


def test_moto_still_lacks_what_is_answered_here(read: Read) -> None:
    assert read.stubbed == MOTO_LACKS


def test_no_secret_comes_along(read: Read) -> None:
    assert PLANTED not in json.dumps([[r.name, r.document, dict(r.tags)] for r in read.resources])


def test_documents_hold_what_the_api_gives_and_nothing_else(read: Read) -> None:
    for resource in read.resources:
        assert not unknown_fields(resource.type, resource.document), resource.id


def test_ids_are_arns_and_no_two_are_the_same(read: Read) -> None:
    ids = [resource.id for resource in read.resources if resource.id.partition("/")[0] != "x"]  # "x" is answered here.
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("arn:aws:") for id in ids)


def test_global_types_are_read_once(read: Read) -> None:
    for type in load_types().values():
        if type.scope == "global":
            regions = {resource.region for resource in read.of(type.type)}
            assert regions <= {GLOBAL} or type.region


def test_a_trail_is_listed_once_in_its_home_region(read: Read) -> None:
    """moto, like AWS, repeats a multi-Region trail in every region."""
    trail = read.one("AWS::CloudTrail::Trail", f"of-{REGION}")
    assert [resource.id for resource in read.of("AWS::CloudTrail::Trail")] == [trail.id]
    assert (trail.region, trail.document["HomeRegion"], trail.document["IsLogging"]) == (REGION, REGION, True)
    assert set(trail.document["Selectors"]) == {"EventSelectors", "AdvancedEventSelectors"}


def test_the_account_is_one_resource_that_does_not_say_whose_credentials_read_it(read: Read) -> None:
    account = read.one("AWS::::Account", ACCOUNT)
    assert (account.region, account.document) == (GLOBAL, {"Account": ACCOUNT})
    assert account.id == f"arn:aws:iam::{ACCOUNT}:root"


def test_regions_are_those_that_are_enabled_each_in_itself(read: Read) -> None:
    regions = {resource.region: resource for resource in read.of("AWS::::Region")}
    assert REGION in regions
    assert all(region == resource.document["RegionName"] for region, resource in regions.items())
    assert all(resource.document["OptInStatus"] != "not-opted-in" for resource in regions.values())


@pytest.mark.parametrize("type", [type for type in load_types().values() if type.get], ids=lambda type: type.type)
def test_one_resource_is_read_again_by_its_document(read: Read, type: ResourceType) -> None:
    resource = read.of(type.type)[0]
    assert type.get
    assert read.caller
    params = arguments(type.get, resource.document, "")
    answer = read.caller.call(type.get.service, type.get.operation, params, resource.region)
    (row,) = extract(answer.parsed, type.get.result, frozenset())
    where = {"account": ACCOUNT, "region": REGION, "partition": "aws"}
    assert fill(type.id, row, where, "") == resource.id


# ---- the six families ------------------------------------------------------------------------------------------------


def test_auto_scaling_groups(read: Read) -> None:
    group = read.one("AWS::AutoScaling::AutoScalingGroup", "web")
    assert group.document["MaxSize"] == 4
    assert len(group.document["Instances"]) == 2
    assert group.tags == {"Environment": "production"}
    cpu = group.document["Metrics"]["CPUUtilization.Average"]
    assert (cpu["Days"], cpu["Period"], cpu["Values"]) == (14, 3600, [42.0])
    assert "GroupInServiceInstances.Minimum" not in group.document["Metrics"], "the group does not publish it"
    assert read.one("AWS::AutoScaling::ScalingPolicy", "cpu").document["PolicyType"] == "TargetTrackingScaling"
    assert read.one("AWS::AutoScaling::ScheduledAction", "night").document["Recurrence"] == "0 22 * * *"
    assert [metric.document["MetricName"] for metric in read.of("AWS::CloudWatch::Metric")] == ["mem_used_percent"]
    assert read.one("AWS::CloudWatch::Alarm", "cpu-high").document["Threshold"] == 80.0


def test_launch_templates_have_the_versions_that_matter(read: Read) -> None:
    """The default (1), the latest (3), and the one that a group names (2)."""
    template = read.one("AWS::EC2::LaunchTemplate", "web")
    data = {version["VersionNumber"]: version["LaunchTemplateData"] for version in template.document["Versions"]}
    assert {number: d["InstanceType"] for number, d in data.items()} == {1: "t3.micro", 2: "t3.small", 3: "t3.medium"}


def test_classic_load_balancers(read: Read) -> None:
    balancer = read.one("AWS::ElasticLoadBalancing::LoadBalancer", "classic")
    assert balancer.document["LoadBalancerAttributes"]["CrossZoneLoadBalancing"] == {"Enabled": False}
    assert balancer.document["InstanceHealth"][0]["State"] == "InService"
    assert balancer.tags == {"team": "shop"}
    assert balancer.document["Metrics"]["RequestCount.Sum"]["Values"] == []


def test_load_balancers_with_all_that_hangs_on_them(read: Read) -> None:
    balancers = {r.name: r for r in read.of("AWS::ElasticLoadBalancingV2::LoadBalancer")}
    assert {name: r.tags["team"] for name, r in balancers.items()} == {"shop": "shop", "mail": "mail"}
    assert {entry["Key"] for entry in balancers["shop"].document["Attributes"]} >= {"load_balancing.cross_zone.enabled"}
    assert set(balancers["shop"].document["Metrics"]) == {"RequestCount.Sum"}
    assert set(balancers["mail"].document["Metrics"]) == {"NewFlowCount.Sum", "ProcessedBytes.Sum"}
    listeners = {r.document["LoadBalancerArn"]: r for r in read.of("AWS::ElasticLoadBalancingV2::Listener")}
    assert {arn: r.document["Port"] for arn, r in listeners.items()} == {
        balancers["shop"].id: 80,
        balancers["mail"].id: 25,
    }
    rules = read.of("AWS::ElasticLoadBalancingV2::ListenerRule")
    assert {rule.name for rule in rules} == {"default", "1"}
    for rule in rules:
        assert rule.document["ListenerArn"] == listeners[balancers["shop"].id].id
        assert rule.document["LoadBalancerArn"] == balancers["shop"].id


def test_target_groups_are_looked_into_where_a_balancer_uses_them(read: Read) -> None:
    used, unused = (read.one("AWS::ElasticLoadBalancingV2::TargetGroup", name) for name in ("used", "unused"))
    assert [health["Target"]["Id"] for health in used.document["TargetHealthDescriptions"]] == [read.ids["instance"]]
    assert used.document["Attributes"]
    assert "TargetHealthDescriptions" not in unused.document
    assert unused.document["Tags"] == []


def test_databases_are_told_apart_by_engine(read: Read) -> None:
    assert {r.name for r in read.of("AWS::RDS::DBInstance")} == {"orders", "orders-copy", "shop-1"}
    assert {r.name for r in read.of("AWS::RDS::DBCluster")} == {"shop"}
    assert {r.name for r in read.of("AWS::Neptune::DBCluster")} == {"graph"}
    assert not read.of("AWS::DocDB::DBCluster")
    orders = read.one("AWS::RDS::DBInstance", "orders")
    assert orders.tags == {"team": "orders"}
    assert {"DatabaseConnections.Maximum", "ReadIOPS.Average"} <= set(orders.document["Metrics"])
    copy = read.one("AWS::RDS::DBInstance", "orders-copy")
    assert copy.document["Metrics"]["ReplicaLag.Maximum"]["Period"] == 300
    member = read.one("AWS::RDS::DBInstance", "shop-1")
    assert "AuroraReplicaLag.Maximum" in member.document["Metrics"]
    assert "FreeStorageSpace.Minimum" not in member.document["Metrics"], "an Aurora instance has no storage of its own"


def test_what_databases_are_joined_to(read: Read) -> None:
    assert "orders-by-hand" in {r.name for r in read.of("AWS::RDS::DBSnapshot")}
    assert "shop-by-hand" in {r.name for r in read.of("AWS::RDS::DBClusterSnapshot")}
    assert read.one("AWS::RDS::EventSubscription", "failovers").document["Enabled"] is True
    proxy = read.one("AWS::RDS::DBProxy", "pool")
    assert [target["RdsResourceId"] for target in proxy.document["Targets"]] == ["orders"]
    assert proxy.document["TargetGroups"]
    assert "own" in {r.name for r in read.of("AWS::RDS::DBParameterGroup")}
    topic = read.one("AWS::SNS::Topic", "alerts")
    assert {"Protocol", "SubscriptionArn"} <= set(topic.document["Subscriptions"][0])
    rules = {r.name: r.document for r in read.of("AWS::Events::Rule")}
    assert [target["Arn"] for target in rules["failovers"]["Targets"]] == [topic.id]
    assert "Targets" not in rules["builds"]
    assert {"t3.micro", "t3.medium", "r6g.large"} <= {r.name for r in read.of("AWS::EC2::InstanceType")}


def test_snapshots_and_images_are_this_accounts_own(read: Read) -> None:
    """moto answers OwnerIds=self with a thousand snapshots of others."""
    snapshots = read.of("AWS::EC2::Snapshot")
    assert read.ids["snapshot"] in {r.name for r in snapshots}
    assert {r.document["OwnerId"] for r in snapshots} == {ACCOUNT}
    assert [r.name for r in read.of("AWS::EC2::Image")] == [read.ids["own-image"]]


def test_volumes(read: Read) -> None:
    volume = read.one("AWS::EC2::Volume", read.ids["volume"])
    assert volume.id == f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{read.ids['volume']}"
    assert set(volume.document["Metrics"]) == {"VolumeIdleTime.Sum"}, "it is not attached"


def test_security_groups_and_their_neighbours(read: Read) -> None:
    groups = {r.document["GroupId"]: r for r in read.of("AWS::EC2::SecurityGroup")}
    web = groups[read.ids["group"]]
    assert web.name == "web"
    assert web.document["IpPermissions"][0]["FromPort"] == 22
    assert read.ids["group"] in {r.document["GroupId"] for r in read.of("AWS::EC2::SecurityGroupRule")}
    offices = read.one("AWS::EC2::PrefixList", "offices")
    assert [entry["Cidr"] for entry in offices.document["Entries"]] == ["192.0.2.0/24"]
    assert all("Entries" not in r.document for r in read.of("AWS::EC2::PrefixList") if r.document["OwnerId"] == "AWS")
    assert len(read.of("AWS::ECS::Service")) == 11
    assert read.one("AWS::Lambda::Function", "thumbs").document["EnvironmentVariableNames"] == ["TOKEN"]


def test_users_with_their_row_of_the_credential_report(read: Read) -> None:
    users = {r.name: r for r in read.of("AWS::IAM::User")}
    assert set(users) == {"ada", "grace", "robot"}
    assert {name: r.document["CredentialReport"]["password_enabled"] for name, r in users.items()} == {
        "ada": "true",
        "grace": "false",
        "robot": "false",
    }
    assert users["ada"].tags == {"team": "core"}
    # moto says of every report that it is of 2015; it tells of users that are newer.
    assert users["ada"].document["CredentialReport"]["GeneratedTime"] >= users["ada"].document["CreateDate"][:19]
    assert users["grace"].document["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:GetObject"


def test_access_keys(read: Read) -> None:
    keys = {r.name: r for r in read.of("AWS::IAM::AccessKey")}
    assert set(keys) == set(read.ids["keys"])
    for key, status in zip(read.ids["keys"], ("Active", "Inactive"), strict=True):
        assert keys[key].document["Status"] == status
        assert keys[key].document["LastUsed"] == "N/A"
        assert keys[key].id == f"arn:aws:iam::{ACCOUNT}:user/robot/accesskey/{key}"
        assert "CredentialReport" not in keys[key].document


def test_policy_documents_are_structures(read: Read) -> None:
    role = read.one("AWS::IAM::Role", "machine")
    assert role.document["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    group = read.one("AWS::IAM::Group", "developers")
    assert group.document["GroupPolicyList"][0]["PolicyDocument"]["Statement"]
    policy = next(r for r in read.of("AWS::IAM::ManagedPolicy") if r.id == read.ids["policy"])
    assert policy.document["PolicyVersionList"][0]["Document"]["Statement"]
