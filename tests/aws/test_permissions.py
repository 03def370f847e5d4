"""The policy allows what is declared, and nothing else."""

import json
from dataclasses import dataclass

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.aws import permissions
from auditor.aws.permissions import MANAGED_POLICY_CHARACTERS, action, documents, policy
from auditor.collect import load_types
from auditor.collect.declare import Call

TYPES = load_types()


@dataclass(frozen=True)
class Declared:
    every_call: tuple[Call, ...]


def actions(*found: dict[str, object]) -> list[str]:
    return [
        name
        for document in found
        for statement in document["Statement"]  # type: ignore[attr-defined]
        for name in statement["Action"]
    ]


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (Call("rds", "DescribeDBInstances"), "rds:DescribeDBInstances"),
        (Call("elb", "DescribeTags"), "elasticloadbalancing:DescribeTags"),
        (Call("elbv2", "DescribeTags"), "elasticloadbalancing:DescribeTags"),
        (Call("cloudwatch", "GetMetricData"), "cloudwatch:GetMetricData"),
        (Call("resourcegroupstaggingapi", "GetResources"), "tag:GetResources"),
        (Call("s3", "ListBuckets"), "s3:ListAllMyBuckets"),
        (Call("s3", "GetBucketLifecycleConfiguration"), "s3:GetLifecycleConfiguration"),
        (Call("efs", "DescribeFileSystems"), "elasticfilesystem:DescribeFileSystems"),
        (Call("budgets", "DescribeBudgets", action="budgets:ViewBudget"), "budgets:ViewBudget"),
    ],
)
def test_actions_have_iams_names(call: Call, needed: str) -> None:
    assert action(call) == needed


def test_what_aws_looks_up_on_the_way_is_allowed_too() -> None:
    some = Declared((Call("wafv2", "GetWebACLForResource"), Call("wafv2", "ListResourcesForWebACL")))
    assert actions(policy([some])) == [
        "ec2:DescribeRegions",
        "elasticloadbalancing:DescribeWebACLAssociation",
        "elasticloadbalancing:GetLoadBalancerWebACL",
        "wafv2:GetWebACL",
        "wafv2:GetWebACLForResource",
        "wafv2:ListResourcesForWebACL",
    ]


def test_prefixes_are_what_the_service_models_sign_for() -> None:
    loader = botocore.session.get_session().get_component("data_loader")
    named_otherwise_by_iam = {"cloudwatch": "cloudwatch", "resourcegroupstaggingapi": "tag"}
    for service in sorted({call.service for type in TYPES.values() for call in type.every_call}):
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        signed = metadata.get("signingName") or metadata["endpointPrefix"]
        prefix = action(Call(service, "DescribeX")).partition(":")[0]
        assert prefix == named_otherwise_by_iam.get(service, signed)


def test_the_policy_holds_exactly_the_declared_actions_sorted_and_once() -> None:
    found = actions(policy(TYPES.values()))
    declared = permissions.actions(call for type in TYPES.values() for call in type.every_call)
    # Who we are may be asked by everybody: no policy names it.
    assert sorted(found) == sorted((declared | {"ec2:DescribeRegions"}) - {"sts:GetCallerIdentity"})
    assert all(list(s["Action"]) == sorted(s["Action"]) for s in policy(TYPES.values())["Statement"])


def test_the_policy_of_some_types_holds_only_theirs() -> None:
    some = [TYPES["AWS::RDS::DBSnapshot"]]
    extra = [Call("pricing", "GetProducts")]
    assert actions(policy(some, extra)) == ["ec2:DescribeRegions", "pricing:GetProducts", "rds:DescribeDBSnapshots"]


def test_who_we_are_needs_no_permission() -> None:
    assert "sts:GetCallerIdentity" not in actions(policy([], [Call("sts", "GetCallerIdentity")]))


def test_the_order_of_declarations_does_not_matter() -> None:
    assert policy(TYPES.values()) == policy(reversed(list(TYPES.values())))


def test_statement_ids_are_valid_and_unique() -> None:
    sids = [statement["Sid"] for statement in policy(TYPES.values())["Statement"]]
    assert all(sid.isalnum() and sid.isascii() for sid in sids)
    assert len(set(sids)) == len(sids)


@given(st.integers(0, 400), st.integers(1, 30))
def test_documents_fit_into_managed_policies_and_lose_nothing(operations: int, services: int) -> None:
    calls = tuple(Call(f"service{n % services}", f"DescribeSomethingWithALongName{n}") for n in range(operations))
    found = documents([Declared(calls)])
    assert sorted(actions(*found)) == sorted(actions(policy([Declared(calls)])))
    for document in found:
        assert len(json.dumps(document, separators=(",", ":"))) <= MANAGED_POLICY_CHARACTERS
        sids = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(sids)) == len(sids)
