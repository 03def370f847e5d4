"""What one account has and others rely on: known across accounts of one store, and unknown where it was not read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from auditor.kit import NOW, Facts
from auditor.kit.facts import Unavailable
from auditor.kit.world import Inventory
from auditor.model import Coverage, CoverageState, Gap, Resource, Scan, ScanStatus, Scope
from auditor.scan import others_of
from auditor.store import Store

PAYER, MEMBER, REGION = "111111111111", "222222222222", "eu-west-1"
TRAIL = "AWS::CloudTrail::Trail"
ORGANIZATION = "AWS::Organizations::Organization"


def resource(type: str, account: str, document: Mapping[str, Any], age: float = 0) -> Resource:
    return Resource(type, f"arn:{type}:{account}", "x", account, REGION, NOW - timedelta(days=age), document)


def scanned(
    store: Store, account: str, cover: CoverageState = CoverageState.COMPLETE, *, age: float = 0, partition: str = "aws"
) -> Scan:
    """Scan an account that has one trail, AGE days ago."""
    scan = store.begin_scan(
        account=account, account_name="", partition=partition, regions=[REGION], selection={}, program_version="1",
        standard_digest="s", checks_digest="c", started_at=NOW - timedelta(days=age),
    )  # fmt: skip
    scope = Scope(account, REGION, TRAIL)
    gap = None if cover.known else Gap("cloudtrail:DescribeTrails", "AccessDenied", "no")
    with store.writer(scan.id) as writer:
        if cover.known:
            writer.add(scope, [resource(TRAIL, account, {"IsOrganizationTrail": True}, age)], frozenset())
        writer.close(Coverage(scope, cover, gap, NOW - timedelta(days=age), 1 if cover.known else 0))
    status = ScanStatus.COMPLETE if cover.known else ScanStatus.INCOMPLETE
    return store.finish_scan(scan.id, status, NOW - timedelta(days=age), {"enabled_regions": [REGION]})


def member(store: Store) -> Facts:
    """The organisation, as the member account sees it."""
    scan = scanned(store, MEMBER)
    inventory = Inventory(MEMBER, lambda type: (), {}, [REGION], others=others_of(store, scan))
    return Facts(resource(ORGANIZATION, MEMBER, {"MasterAccountId": PAYER}), inventory)


def why_unknown(facts: Facts) -> Gap:
    with pytest.raises(Unavailable) as caught:
        facts.elsewhere(PAYER, TRAIL)
    return caught.value.gap


def test_what_the_management_account_has_counts_for_its_members(store_url: str) -> None:
    with Store.open(store_url) as store:
        scanned(store, PAYER, age=1)
        [trail] = member(store).elsewhere(PAYER, TRAIL)
        assert (trail.account, trail["IsOrganizationTrail"]) == (PAYER, True)


def test_an_account_that_was_not_scanned_or_not_read_or_long_ago_is_unknown(store_url: str) -> None:
    with Store.open(store_url) as store:
        facts = member(store)
        assert why_unknown(facts).code == "NotScanned"
        scanned(store, PAYER, age=8)
        gap = why_unknown(member(store))
        assert gap.code == "TooOld"
        assert "more than 7 days before" in gap.message
        scanned(store, PAYER, CoverageState.DENIED)
        gap = why_unknown(member(store))
        assert (gap.operation, gap.code) == ("cloudtrail:DescribeTrails", "AccessDenied")
        assert f"in account {PAYER}" in gap.message
        scanned(store, PAYER)
        assert member(store).elsewhere(PAYER, TRAIL)


def test_accounts_of_another_partition_are_not_taken_for_ours(store_url: str) -> None:
    with Store.open(store_url) as store:
        scanned(store, PAYER, partition="aws-cn")
        assert why_unknown(member(store)).code == "NotScanned"


def test_a_stored_scan_is_judged_by_what_was_known_of_others_then(store_url: str) -> None:
    with Store.open(store_url) as store:
        scanned(store, PAYER, age=3)
        old = scanned(store, MEMBER, age=2)
        scanned(store, PAYER, CoverageState.DENIED)
        facts = Facts(
            resource(ORGANIZATION, MEMBER, {}, 2),
            Inventory(MEMBER, lambda type: (), {}, [REGION], others=others_of(store, old)),
        )
        assert facts.elsewhere(PAYER, TRAIL), "the scan of today is not looked at"


def test_the_own_account_is_asked_of_its_own_scan() -> None:
    coverage = {Scope(PAYER, REGION, TRAIL): Coverage(Scope(PAYER, REGION, TRAIL), CoverageState.COMPLETE, None, NOW)}
    inventory = Inventory(PAYER, lambda type: [resource(TRAIL, PAYER, {})] if type == TRAIL else [], coverage, [REGION])
    assert Facts(resource(ORGANIZATION, PAYER, {}), inventory).elsewhere(PAYER, TRAIL)
