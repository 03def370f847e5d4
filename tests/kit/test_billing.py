"""Which costs a filter lets through: in three values, so that what is not known is never taken for all or for none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit import NOW, Facts, NotApplicable
from auditor.kit.billing import amount, billed_here, covers, covers_budget, covers_monitor
from auditor.kit.world import Inventory
from auditor.model import Resource

ACCOUNT, OTHER = "111122223333", "222233334444"


def dimension(key: str, *values: str, **fields: Any) -> dict[str, Any]:
    return {"Dimensions": {"Key": key, "Values": list(values), **fields}}


MINE, THEIRS = dimension("LINKED_ACCOUNT", ACCOUNT), dimension("LINKED_ACCOUNT", OTHER)
PART = dimension("SERVICE", "Amazon Redshift")

expressions = st.recursive(
    st.sampled_from([MINE, THEIRS, PART]),
    lambda inner: st.one_of(
        st.builds(lambda item: {"Not": item}, inner),
        st.builds(lambda items: {"And": items}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda items: {"Or": items}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


def lets_through(expression: Any, in_part: bool) -> bool:
    """Whether AWS would let a charge of the account through: of the PART or not."""
    match expression:
        case {"Not": inner}:
            return not lets_through(inner, in_part)
        case {"And": items}:
            return all(lets_through(item, in_part) for item in items)
        case {"Or": items}:
            return any(lets_through(item, in_part) for item in items)
        case _:
            return in_part if expression is PART else expression is MINE


@given(expressions)
def test_all_and_none_are_said_only_of_what_lets_every_charge_or_none_through(expression: Any) -> None:
    passed = {lets_through(expression, in_part) for in_part in (False, True)}
    covered = covers(expression, ACCOUNT)
    assert covered is None or passed == {covered}
    assert covers({"Not": expression}, ACCOUNT) is (None if covered is None else not covered)


@pytest.mark.parametrize(
    ("expression", "covered"),
    [
        (None, True),
        ({}, True),
        (MINE, True),
        (THEIRS, False),
        (PART, None),
        ({"Tags": {"Key": "team", "Values": ["core"]}}, None),
        ({"CostCategories": {"Key": "unit", "Values": ["shop"]}}, None),
        ({"Not": dimension("RECORD_TYPE", "Credit", "Refund")}, True),
        (dimension("RECORD_TYPE", "Usage"), None),
        ({"And": [MINE, {"Not": dimension("RECORD_TYPE", "Tax")}]}, True),
        ({"Or": [PART, MINE]}, True),
        (dimension("LINKED_ACCOUNT", "1111", MatchOptions=["STARTS_WITH"]), None),
        ({"Something": "new"}, None),
    ],
)
def test_what_a_filter_lets_through(expression: Any, covered: bool | None) -> None:
    assert covers(expression, ACCOUNT) is covered


def facts(type: str, document: dict[str, Any], account: str = ACCOUNT, id: str = "arn:aws:x::y:z") -> Facts:
    inventory = Inventory(account, lambda type: (), {}, ())
    return Facts(Resource(type, id, "x", account, "global", NOW, document), inventory)


@pytest.mark.parametrize(
    ("document", "covered"),
    [
        ({}, True),
        ({"CostFilters": {"LinkedAccount": [ACCOUNT, OTHER]}}, True),
        ({"CostFilters": {"LinkedAccount": [OTHER], "Service": ["x"]}}, False),
        ({"CostFilters": {"Service": ["x"]}}, None),
        ({"FilterExpression": MINE, "CostFilters": {"LinkedAccount": [ACCOUNT]}}, True),
        ({"BillingViewArn": f"arn:aws:billing::{ACCOUNT}:billingview/primary"}, True),
        ({"BillingViewArn": f"arn:aws:billing::{ACCOUNT}:billingview/custom-1"}, None),
    ],
)
def test_what_a_budget_counts(document: dict[str, Any], covered: bool | None) -> None:
    assert covers_budget(facts("AWS::Budgets::Budget", document), ACCOUNT) is covered


@pytest.mark.parametrize(
    ("dimension", "own", "another"), [("SERVICE", True, True), ("LINKED_ACCOUNT", True, True), ("TAG", True, None)]
)
def test_what_a_managed_monitor_watches(dimension: str, own: bool, another: bool | None) -> None:
    monitor = facts("AWS::CE::AnomalyMonitor", {"MonitorType": "DIMENSIONAL", "MonitorDimension": dimension})
    assert (covers_monitor(monitor, ACCOUNT), covers_monitor(monitor, OTHER)) == (own, another)


@pytest.mark.parametrize(
    ("spend", "value"),
    [("12.5", 12.5), ({"Amount": "0", "Unit": "USD"}, 0.0), (3, 3.0), ("", None), (None, None), ({}, None), ("x", None),
     ("NaN", None), ("Infinity", None), ([], None)],
)  # fmt: skip
def test_an_amount_is_a_number_or_none(spend: Any, value: float | None) -> None:
    assert amount(spend) == value


def test_what_govcloud_costs_is_on_the_bill_of_another_account() -> None:
    with pytest.raises(NotApplicable):
        billed_here(facts("AWS::::Account", {}, id=f"arn:aws-us-gov:iam::{ACCOUNT}:root"))
    for partition in ("aws", "aws-cn"):
        billed_here(facts("AWS::::Account", {}, id=f"arn:{partition}:iam::{ACCOUNT}:root"))
