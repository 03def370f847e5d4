"""The types that need code: what they make of answers, of answers that wait, and of answers that are denied."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collect import load_types
from auditor.collect.aws.ce import last_month
from auditor.collect.aws.iam import report_rows, with_documents
from auditor.collect.declare import Call, CallFailed, Now, Wait
from auditor.kit import NOW
from auditor.model import Gap

DENIED = Gap("x:Y", "AccessDenied")
Reply = Callable[[Call], Any]


def play(type: str, reply: Reply) -> tuple[list[Mapping[str, Any]], list[str], CallFailed | None]:
    """Run a type's generator: the rows it yields, the operations it asks for (waits too), and how it failed."""
    declared = load_types()[type]
    assert declared.collect
    collector, sent = declared.collect(), None
    rows: list[Mapping[str, Any]] = []
    asked_for: list[str] = []

    def answer(call: Call) -> Any:
        asked_for.append(call.operation)
        found = reply(call)
        return CallFailed(found) if isinstance(found, Gap) else found

    try:
        asked = next(collector)
        while True:
            sent = None
            if isinstance(asked, Call):
                sent = answer(asked)
                if isinstance(sent, CallFailed):
                    asked = collector.throw(sent)
                    continue
            elif isinstance(asked, Wait):
                asked_for.append("wait")
            elif isinstance(asked, Now):
                sent = NOW
            elif asked and isinstance(asked[0], Call):
                sent = [answer(call) for call in asked if isinstance(call, Call)]
            else:
                rows.extend(row for row in asked if isinstance(row, Mapping))
            asked = collector.send(sent)
    except StopIteration:
        return rows, asked_for, None
    except CallFailed as failed:
        return rows, asked_for, failed


def replies(**answers: Any) -> Reply:
    """Answer each operation with its value; a list of a list's answers is given one after the other."""
    left = {name: list(value) if isinstance(value, tuple) else value for name, value in answers.items()}

    def reply(call: Call) -> Any:
        value = left[call.operation]
        return (value.pop(0) if len(value) > 1 else value[0]) if isinstance(answers[call.operation], tuple) else value

    return reply


# ---- the credential report -------------------------------------------------------------------------------------------

ADA = {"Arn": "arn:aws:iam::111122223333:user/ada", "UserName": "ada"}
GRACE = {"Arn": "arn:aws:iam::111122223333:user/grace", "UserName": "grace"}
REPORT = {
    "Content": f"user,arn,user_creation_time,password_enabled\nada,{ADA['Arn']},2026-01-01T00:00:00+00:00,true\n",
    "GeneratedTime": "2026-06-15T01:00:00+00:00",
}
NOT_READY = Gap("iam:GetCredentialReport", "ReportInProgress")
NOT_THERE = Gap("iam:GetCredentialReport", "ReportNotPresent")


def users(**answers: Any) -> tuple[list[Mapping[str, Any]], list[str], CallFailed | None]:
    usual = {
        "GetAccountAuthorizationDetails": [ADA],
        "ListServiceSpecificCredentials": [],
        "GenerateCredentialReport": {"State": "STARTED"},
        "GetCredentialReport": REPORT,
    }
    return play("AWS::IAM::User", replies(**{**usual, **answers}))


def test_a_user_gets_its_row_of_the_report() -> None:
    (ada,), asked, failed = users()
    assert ada["CredentialReport"]["password_enabled"] == "true"
    assert ada["CredentialReport"]["GeneratedTime"] == "2026-06-15T01:00:00+00:00"
    assert "wait" not in asked
    assert failed is None


def test_a_report_that_is_being_made_is_waited_for() -> None:
    (ada,), asked, _ = users(GetCredentialReport=(NOT_READY, NOT_READY, REPORT))
    assert ada["CredentialReport"]["user"] == "ada"
    assert asked[-5:] == ["GetCredentialReport", "wait", "GetCredentialReport", "wait", "GetCredentialReport"]


def test_a_report_that_expired_meanwhile_is_asked_for_anew() -> None:
    (ada,), asked, _ = users(GetCredentialReport=(NOT_THERE, REPORT))
    assert ada["CredentialReport"]["user"] == "ada"
    assert asked[-4:] == ["GetCredentialReport", "wait", "GenerateCredentialReport", "GetCredentialReport"]


def test_a_report_that_never_comes_is_unread_not_absent() -> None:
    (ada,), asked, failed = users(GetCredentialReport=NOT_READY)
    assert ada["CredentialReport"] == NOT_READY
    assert 5 <= asked.count("wait") <= 20
    assert failed is None


@pytest.mark.parametrize("operation", ["GenerateCredentialReport", "GetCredentialReport"])
def test_a_report_that_is_denied_leaves_the_users_with_a_gap(operation: str) -> None:
    (ada,), _, failed = users(**{operation: DENIED})
    assert ada["CredentialReport"] == DENIED
    assert failed is None


def test_a_user_who_is_newer_than_the_report_is_unread() -> None:
    (_, grace), _, _ = users(GetAccountAuthorizationDetails=[ADA, GRACE])
    assert grace["CredentialReport"].code == "UserNotInReport"


def test_users_that_are_denied_are_no_empty_list() -> None:
    rows, _, failed = users(GetAccountAuthorizationDetails=DENIED)
    assert not rows
    assert failed
    assert failed.gap == DENIED


def test_service_specific_credentials_go_to_their_user() -> None:
    credential = {"UserName": "ada", "ServiceSpecificCredentialId": "1"}
    (ada, grace), _, _ = users(GetAccountAuthorizationDetails=[ADA, GRACE], ListServiceSpecificCredentials=[credential])
    assert ada["ServiceSpecificCredentials"] == [credential]
    assert grace["ServiceSpecificCredentials"] == []
    (ada,), _, _ = users(ListServiceSpecificCredentials=DENIED)
    assert ada["ServiceSpecificCredentials"] == DENIED


def test_a_report_is_never_older_than_what_it_tells() -> None:
    """An endpoint may date the report wrongly (moto: 2015)."""
    rows = report_rows({**REPORT, "GeneratedTime": "2015-02-02T20:02:02+00:00"})
    assert rows[ADA["Arn"]]["GeneratedTime"] == "2026-01-01T00:00:00+00:00"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_whatever_a_user_is_called_the_report_is_read(name: str) -> None:
    quoted = name.replace('"', '""')
    content = f'user,arn,user_creation_time\n"{quoted}","arn:{quoted}",2026-01-01T00:00:00+00:00\n'
    rows = report_rows({"Content": content, "GeneratedTime": "2026-06-15T01:00:00+00:00"})
    assert len(rows) == 1


# ---- access keys -----------------------------------------------------------------------------------------------------

KEY = {"UserName": "ada", "AccessKeyId": "AKIA1", "Status": "Active", "CreateDate": "2026-02-02T10:00:00+00:00"}
SLOTS = {
    "access_key_1_last_rotated": "2026-01-01T10:00:00+00:00",
    "access_key_1_last_used_date": "2026-06-01T00:00:00+00:00",
    "access_key_2_last_rotated": "2026-02-02T10:00:00+00:00",
    "access_key_2_last_used_date": "N/A",
}


def last_used(key: Mapping[str, Any], report: object) -> Any:
    shape = load_types()["AWS::IAM::AccessKey"].shape
    assert shape
    row = shape({**key, "CredentialReport": report})
    assert "CredentialReport" not in row
    return row["LastUsed"]


def test_a_keys_last_use_is_that_of_the_slot_it_was_made_in() -> None:
    assert last_used(KEY, SLOTS) == "N/A"
    assert last_used({**KEY, "CreateDate": SLOTS["access_key_1_last_rotated"]}, SLOTS) == "2026-06-01T00:00:00+00:00"
    assert last_used({**KEY, "CreateDate": "2026-02-02T10:00:00.250000+00:00"}, SLOTS) == "N/A"


def test_a_key_that_the_report_does_not_know_has_no_known_last_use() -> None:
    assert last_used({**KEY, "CreateDate": "2026-06-15T02:00:00+00:00"}, SLOTS).code == "KeyNotInReport"
    assert last_used(KEY, DENIED) == DENIED


def test_keys_are_listed_of_users_who_have_any_or_who_may() -> None:
    listed = load_types()["AWS::IAM::AccessKey"].parent_when
    assert listed
    none = dict.fromkeys(SLOTS, "N/A")
    assert not listed({"CredentialReport": none})
    assert listed({"CredentialReport": SLOTS})
    assert listed({"CredentialReport": DENIED})


def test_signing_certificates_are_asked_for_where_the_report_says_there_are_some_or_does_not_say() -> None:
    (ada,), _, _ = users()
    asked = load_types()["AWS::IAM::User"].details_when["SigningCertificates"]
    columns = ("cert_1_last_rotated", "cert_2_last_rotated")
    assert ada["SigningCertificates"] == []
    assert asked(ada), "this report has no such columns"
    assert not asked({"CredentialReport": dict.fromkeys(columns, "N/A")})
    assert asked({"CredentialReport": {columns[0]: "N/A", columns[1]: "2026-01-01T00:00:00+00:00"}})
    assert asked({"CredentialReport": DENIED})


# ---- policy documents ------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_policy_documents_are_read_whether_encoded_or_not(document: dict[str, str]) -> None:
    text = json.dumps(document)
    for written in (document, text, quote(text)):
        role = {"RolePolicyList": [{"PolicyName": "p", "PolicyDocument": written}], "AssumeRolePolicyDocument": written}
        read = with_documents(role)
        assert read == {
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document}],
            "AssumeRolePolicyDocument": document,
        }


def test_a_policy_document_that_is_no_json_stays_text() -> None:
    assert with_documents({"PolicyDocument": "%7Bbroken"}) == {"PolicyDocument": "%7Bbroken"}


# ---- launch templates, instance types, classes -----------------------------------------------------------------------


def test_numbered_versions_that_groups_name_are_read_and_missing_ones_are_none() -> None:
    def version(number: int) -> dict[str, Any]:
        return {"LaunchTemplateId": "lt-1", "VersionNumber": number}

    mixed = {"LaunchTemplateId": "lt-1", "Version": "7"}
    groups = [
        {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "$Latest"}},
        {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "3"}},
        {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}},
        {
            "MixedInstancesPolicy": {
                "LaunchTemplate": {
                    "LaunchTemplateSpecification": {},
                    "Overrides": [
                        {"InstanceType": "m5.large", "LaunchTemplateSpecification": mixed},
                    ],
                }
            }
        },
    ]
    asked: list[Mapping[str, Any]] = []

    def reply(call: Call) -> Any:
        if call.operation == "DescribeLaunchTemplates":
            return [{"LaunchTemplateId": "lt-1"}, {"LaunchTemplateId": "lt-2"}]
        if call.operation == "DescribeAutoScalingGroups":
            return groups
        asked.append(call.params)
        return [version(1), version(3)] if "LaunchTemplateId" not in call.params else [version(2)]

    (first, second), _, failed = play("AWS::EC2::LaunchTemplate", reply)
    assert asked[1:] == [{"LaunchTemplateId": "lt-1", "Versions": ["2", "7"]}]
    assert [found["VersionNumber"] for found in first["Versions"]] == [1, 2, 3]
    assert second["Versions"] == []
    assert failed is None


@pytest.mark.parametrize("operation", ["DescribeLaunchTemplateVersions", "DescribeAutoScalingGroups"])
def test_versions_that_are_denied_are_unread(operation: str) -> None:
    answers = {
        "DescribeLaunchTemplates": [{"LaunchTemplateId": "lt-1"}],
        "DescribeLaunchTemplateVersions": [],
        "DescribeAutoScalingGroups": [],
    }
    (template,), _, _ = play("AWS::EC2::LaunchTemplate", replies(**{**answers, operation: DENIED}))
    assert template["Versions"] == DENIED


def test_instance_types_of_what_could_be_read_are_kept_when_the_rest_is_denied() -> None:
    rows, _, failed = play(
        "AWS::EC2::InstanceType",
        replies(
            DescribeInstances=["t3.micro"],
            DescribeDBInstances=DENIED,
            DescribeInstanceTypes=[{"InstanceType": "t3.micro", "Hypervisor": "nitro"}],
        ),
    )
    assert rows == [{"InstanceType": "t3.micro"}]
    assert failed
    assert failed.gap == DENIED


def test_a_class_that_can_be_had_with_several_storages_is_one_option() -> None:
    option = {"Engine": "postgres", "EngineVersion": "16.3", "DBInstanceClass": "db.m7g.large", "MultiAZCapable": False}
    rows, asked, _ = play(
        "AWS::RDS::OrderableDBInstanceOption",
        replies(
            DescribeDBInstances=[{"Engine": "postgres", "EngineVersion": "16.3"}] * 3
            + [{"Engine": "neptune", "EngineVersion": "1.3"}],
            DescribeOrderableDBInstanceOptions=[
                {**option, "StorageType": "gp2"},
                {**option, "StorageType": "gp3", "MultiAZCapable": True},
            ],
        ),
    )
    assert rows == [{**option, "MultiAZCapable": True}]
    assert asked.count("DescribeOrderableDBInstanceOptions") == 1


# ---- ECS -------------------------------------------------------------------------------------------------------------


def test_services_are_described_ten_at_a_time_and_one_denied_cluster_hides_no_other() -> None:
    sizes: list[int] = []

    def reply(call: Call) -> Any:
        if call.operation == "ListClusters":
            return ["open", "shut"]
        if call.operation == "ListServices":
            return DENIED if call.params["cluster"] == "shut" else [f"s{number}" for number in range(21)]
        sizes.append(len(call.params["services"]))
        return [{"serviceArn": arn} for arn in call.params["services"]]

    rows, _, failed = play("AWS::ECS::Service", reply)
    assert len(rows) == 21
    assert sizes == [10, 10, 1]
    assert failed
    assert failed.gap == DENIED


def test_a_plans_executions_are_asked_for_in_both_its_regions_and_are_each_there_once() -> None:
    arn = "arn:aws:arc-region-switch::111122223333:plan/shop:abc123"
    asked: list[tuple[str, Any]] = []

    def reply(call: Call) -> Any:
        if call.operation == "ListPlans":
            return [{"arn": arn, "regions": ["eu-west-1", "eu-central-1", "eu-north-1"]}]
        asked.append((call.params["planArn"], call.region))
        if call.region == "eu-north-1":
            return DENIED
        return [{"planArn": arn, "executionId": id} for id in ("1", "2" if call.region == "eu-west-1" else "3")]

    rows, _, failed = play("AWS::ARCRegionSwitch::PlanExecution", reply)
    assert asked == [(arn, region) for region in ("eu-west-1", "eu-central-1", "eu-north-1")]
    assert [row["executionId"] for row in rows] == ["1", "2", "3"]
    assert failed, "one region could not be asked: there may be more"


def test_capacity_providers_are_those_of_clusters_without_aws_own() -> None:
    asked: list[Any] = []

    def reply(call: Call) -> Any:
        if call.operation == "ListClusters":
            return ["one", "two"]
        if call.operation == "DescribeClusters":
            return [{"capacityProviders": ["FARGATE", "machines"]}, {"capacityProviders": ["machines"]}]
        asked.append(call.params["capacityProviders"])
        return [{"name": "machines"}]

    rows, _, _ = play("AWS::ECS::CapacityProvider", reply)
    assert rows == [{"name": "machines"}]
    assert asked == [["machines"]]


# ---- what one call cannot tell and others can ------------------------------------------------------------------------

ACLS = [{"ARN": "acl-1", "Name": "shop"}, {"ARN": "acl-2", "Name": "spare"}]
BALANCERS = [
    {"LoadBalancerArn": "shop", "Type": "application"},
    {"LoadBalancerArn": "bare", "Type": "application"},
    {"LoadBalancerArn": "gate", "Type": "network"},
]


def web_acls(**answers: Any) -> tuple[dict[str, Any], list[str]]:
    usual = {
        "ListWebACLs": ACLS,
        "ListResourcesForWebACL": DENIED,
        "DescribeLoadBalancers": BALANCERS,
        "GetWebACLForResource": ({"ARN": "acl-1"}, None),
    }
    rows, asked, failed = play("AWS::WAFv2::WebACL", replies(**{**usual, **answers}))
    assert failed is None
    return {row["Name"]: row["ResourceArns"] for row in rows}, asked


def test_web_acls_are_asked_for_their_load_balancers() -> None:
    attached, asked = web_acls(ListResourcesForWebACL=(["shop"], []))
    assert attached == {"shop": ["shop"], "spare": []}
    assert "GetWebACLForResource" not in asked


def test_load_balancers_are_asked_for_their_web_acl_where_web_acls_do_not_tell() -> None:
    attached, asked = web_acls()
    assert attached == {"shop": ["shop"], "spare": []}
    assert asked.count("GetWebACLForResource") == 2


@pytest.mark.parametrize("operation", ["DescribeLoadBalancers", "GetWebACLForResource"])
def test_a_web_acls_load_balancers_are_unread_when_neither_side_tells(operation: str) -> None:
    attached, _ = web_acls(**{operation: DENIED})
    assert attached == {"shop": DENIED, "spare": DENIED}


def references(**answers: Any) -> CallFailed | None:
    usual = {
        "DescribeSecurityGroups": ["sg-1"],
        "DescribeSecurityGroupReferences": DENIED,
        "DescribeVpcPeeringConnections": [],
        "DescribeTransitGatewayVpcAttachments": [],
        "DescribeRouteTables": [{"Routes": [{"GatewayId": "local"}]}],
    }
    rows, _, failed = play("AWS::EC2::SecurityGroupReference", replies(**{**usual, **answers}))
    assert not rows
    return failed


def test_without_another_side_no_other_side_refers_to_a_group() -> None:
    assert references() is None


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("DescribeVpcPeeringConnections", [{"VpcPeeringConnectionId": "pcx-1"}]),
        ("DescribeTransitGatewayVpcAttachments", [{"TransitGatewayAttachmentId": "tgw-attach-1"}]),
        (
            "DescribeRouteTables",
            [{"Routes": [{"CoreNetworkArn": "arn:aws:networkmanager::111122223333:core-network/x"}]}],
        ),
        ("DescribeVpcPeeringConnections", DENIED),
        ("DescribeTransitGatewayVpcAttachments", DENIED),
        ("DescribeRouteTables", DENIED),
    ],
)
def test_references_are_unread_where_there_may_be_another_side(operation: str, answer: Any) -> None:
    failed = references(**{operation: answer})
    assert failed
    assert failed.gap == DENIED


def test_of_awss_own_policies_those_in_use_are_kept() -> None:
    def kept(arn: str, **counts: int) -> bool:
        only = load_types()["AWS::IAM::ManagedPolicy"].only
        assert only
        return only({"Arn": arn, **counts})

    own, awss = "arn:aws:iam::111122223333:policy/deploy", "arn:aws:iam::aws:policy/job-function/Billing"
    assert kept(own, AttachmentCount=0, PermissionsBoundaryUsageCount=0)
    assert kept(awss, AttachmentCount=1, PermissionsBoundaryUsageCount=0)
    assert kept(awss, AttachmentCount=0, PermissionsBoundaryUsageCount=1)
    assert kept(awss), "how often it is attached is not told"
    assert not kept(awss, AttachmentCount=0, PermissionsBoundaryUsageCount=0)


# ---- what is paid ----------------------------------------------------------------------------------------------------

IDENTITY = {"Account": "111122223333"}
OF_THE_BILL = {"AWS::CE::CommitmentUsage": 6, "AWS::CE::PurchaseRecommendation": 5}
"""How many there are in every account that pays for itself: of what it commits to, and of what it could."""
ALERT = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
BUDGET = {"BudgetName": "all", "BudgetType": "COST"}
USED = {"Utilization": {"UtilizationPercentage": "97"}}


def budgets(**answers: Any) -> tuple[list[Mapping[str, Any]], list[str], CallFailed | None]:
    usual = {
        "GetCallerIdentity": IDENTITY,
        "DescribeBudgets": [BUDGET],
        "DescribeBudgetNotificationsForAccount": [
            {"BudgetName": "all", "Notifications": [{**ALERT, "NotificationState": "ALARM"}]},
        ],
        "DescribeSubscribersForNotification": [{"SubscriptionType": "EMAIL", "Address": "(hidden)"}],
    }
    return play("AWS::Budgets::Budget", replies(**{**usual, **answers}))


def test_a_budget_has_its_notifications_and_how_somebody_is_told_but_not_who() -> None:
    [budget], asked, failed = budgets()
    assert failed is None
    assert asked.count("DescribeBudgetNotificationsForAccount") == 1
    assert budget["Notifications"] == [{**ALERT, "Subscribers": [{"SubscriptionType": "EMAIL"}]}]


def test_a_budget_of_which_no_notification_is_told_has_none() -> None:
    [budget], asked, _ = budgets(DescribeBudgetNotificationsForAccount=[])
    assert budget["Notifications"] == []
    assert "DescribeSubscribersForNotification" not in asked


@pytest.mark.parametrize("operation", ["DescribeBudgetNotificationsForAccount", "DescribeSubscribersForNotification"])
def test_notifications_that_could_not_be_read_are_a_gap_of_each_budget_and_never_none(operation: str) -> None:
    [budget], _, failed = budgets(**{operation: DENIED})
    assert failed is None
    assert budget["Notifications"] == DENIED


def test_budgets_that_may_not_be_listed_are_unread() -> None:
    rows, _, failed = budgets(DescribeBudgets=DENIED)
    assert (rows, failed and failed.gap) == ([], DENIED)


def figures(type: str, **answers: Any) -> tuple[list[Mapping[str, Any]], list[str], CallFailed | None]:
    usual: dict[str, Any] = {
        "GetCallerIdentity": IDENTITY,
        "DescribeOrganization": None,
        "GetSavingsPlansUtilization": USED,
        "GetSavingsPlansCoverage": [],
        "GetReservationUtilization": None,
        "GetSavingsPlansPurchaseRecommendation": {},
        "GetReservationPurchaseRecommendation": {},
    }
    return play(type, replies(**{**usual, **answers}))


@pytest.mark.parametrize("type", OF_THE_BILL)
@pytest.mark.parametrize("shared", [False, True])
def test_cost_explorer_is_not_paid_for_figures_that_the_payer_has(type: str, shared: bool) -> None:
    """A call that a type is listed by as well gives its one answer as a row."""
    organization: Any = {"MasterAccountId": "999988887777"}
    rows, asked, failed = figures(type, DescribeOrganization=[organization] if shared else organization)
    assert (rows, failed) == ([], None)
    assert asked == ["GetCallerIdentity", "DescribeOrganization"]


@pytest.mark.parametrize("organization", [None, [], {"MasterAccountId": "111122223333"}, DENIED])
def test_who_pays_itself_or_may_not_ask_who_does_has_figures(organization: Any) -> None:
    [plans, *reserved], asked, _ = figures("AWS::CE::CommitmentUsage", DescribeOrganization=organization)
    assert len(asked) == 2 + 7
    assert plans["Utilization"] == USED
    assert [row["ReservationUtilization"] for row in reserved] == [None] * 5, "there are no figures, which is an answer"


def test_a_figure_that_could_not_be_read_is_a_gap_beside_the_others() -> None:
    [plans, *reserved], _, failed = figures("AWS::CE::CommitmentUsage", GetReservationUtilization=DENIED)
    assert failed is None
    assert plans["Utilization"] == USED
    assert [row["ReservationUtilization"] for row in reserved] == [DENIED] * 5
    rows, _, _ = figures("AWS::CE::PurchaseRecommendation", GetReservationPurchaseRecommendation=DENIED)
    assert [row["ReservationSummary"] for row in rows[1:]] == [DENIED] * 4


def test_a_services_recommendation_is_counted_once_however_many_pages_repeat_it() -> None:
    said = {"RecommendationSummary": {"TotalEstimatedMonthlySavingsAmount": "80"}}
    pages = {"Recommendations": [said, said], "Metadata": {"GenerationTimestamp": "2026-06-14"}}
    rows, _, _ = figures("AWS::CE::PurchaseRecommendation", GetReservationPurchaseRecommendation=pages)
    assert {row["For"]: row["ReservationSummary"] for row in rows[1:]}["Amazon ElastiCache"] == said[
        "RecommendationSummary"
    ]


@given(st.integers(0, 80 * 365 * 86400))
def test_the_last_month_is_whole_and_two_days_over(seconds: int) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    month = last_month(now)
    start, end = (date.fromisoformat(month[name]) for name in ("Start", "End"))
    assert (start.day, end.day) == (1, 1)
    assert timedelta(days=28) <= end - start <= timedelta(days=31)
    assert timedelta(days=2) <= now - datetime.combine(end, time(), UTC) < timedelta(days=33)


def test_of_who_is_told_of_anomalies_topics_are_kept_and_people_are_not() -> None:
    shape = load_types()["AWS::CE::AnomalySubscription"].shape
    assert shape
    topic = {"Type": "SNS", "Address": "arn:aws:sns:us-east-1:111122223333:costs"}
    kept = shape({"Subscribers": [topic, {"Type": "EMAIL", "Address": "ada@example.com", "Status": "CONFIRMED"}]})
    assert kept["Subscribers"] == [topic, {"Type": "EMAIL", "Status": "CONFIRMED"}]


# ---- every generator -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", [name for name, type in load_types().items() if type.collect])
def test_a_generator_in_an_empty_account_ends(type: str) -> None:
    told = {"GetCredentialReport": REPORT, "GetCallerIdentity": IDENTITY}
    rows, _, failed = play(type, lambda call: told.get(call.operation, []))
    assert len(rows) == OF_THE_BILL.get(type, 0)
    assert failed is None


@pytest.mark.parametrize("type", [name for name, type in load_types().items() if type.collect])
def test_a_generator_that_is_denied_everything_says_so(type: str) -> None:
    rows, _, failed = play(type, lambda call: DENIED)
    assert not rows
    assert failed
    assert failed.gap == DENIED
