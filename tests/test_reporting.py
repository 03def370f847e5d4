"""What reports are made from, out of the store: what the account has is counted, what AWS offers is not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from waterworks import CHECKS, PUMP, TYPES, Waterworks, a_standard, scan

from auditor.collect import declare, load_types
from auditor.collect.declare import ResourceType
from auditor.report import build_view
from auditor.reporting import report_inputs
from auditor.scan import Judged
from auditor.store import Store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def offering(which: Any) -> dict[str, ResourceType]:
    """Return the waterworks' types; of the pumps those are offered that WHICH says."""
    with patch.object(declare, "TYPES", {}):
        return TYPES | {PUMP: replace(TYPES[PUMP], offering=which)}


def counts(store: Store, judged: Judged, which: Any) -> tuple[int, tuple[int, int, int] | None]:
    view = build_view(report_inputs(store, judged.scan, a_standard(), CHECKS, offering(which)))
    return view.coverage.resources, view.changes.resources


@pytest.mark.parametrize(
    ("which", "first", "second", "changes"),
    [
        (False, 4, 4, (1, 1, 1)),
        (True, 2, 2, (0, 0, 0)),
        (lambda id: id.endswith(("wet", "new")), 3, 2, (0, 0, 1)),
    ],
)
def test_what_is_offered_is_in_no_count_of_resources_nor_of_their_changes(
    store: Store, which: Any, first: int, second: int, changes: tuple[int, int, int]
) -> None:
    account = Waterworks().pumps(wet=3, dry=0).valves(a="dry", b="wet")
    assert counts(store, scan(store, account), which) == (first, None)
    assert counts(store, scan(store, account.pumps(wet=4, new=0)), which) == (second, changes)


def test_what_aws_offers_is_marked() -> None:
    types = load_types()
    assert {name for name, type in types.items() if type.offering is True} == {
        "AWS::::Account",
        "AWS::::Region",
        "AWS::CloudTrail::ShadowTrail",  # a trail that is counted where it is at home
        "AWS::EC2::AvailabilityZone",
        "AWS::EC2::InstanceType",
        "AWS::RDS::OrderableDBInstanceOption",
    }
    policy, prefixes = types["AWS::IAM::ManagedPolicy"], types["AWS::EC2::PrefixList"]
    assert policy.offers("arn:aws:iam::aws:policy/AdministratorAccess")
    assert not policy.offers("arn:aws:iam::123456789012:policy/own")
    assert prefixes.offers("arn:aws-cn:ec2:cn-north-1:aws:prefix-list/pl-63a5400a")
    assert not prefixes.offers("arn:aws:ec2:eu-west-1:123456789012:prefix-list/pl-1")
