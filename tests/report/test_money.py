"""What can be saved: by way, account, service, region and tag, and never added up twice."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report import sample

from auditor.kit import NOW, Check
from auditor.model import Certainty, Evidence, Finding, FindingState, Lifecycle, Saving, Severity, Verdict
from auditor.report import Known, ReportView, build_view, render_cost_html, render_cost_markdown
from auditor.report.view import MoneyView

PATTERNS = {
    "waste": "cost.cleanup.automated-cleanup",
    "size": "cost.right-sizing.right-size",
    "promise": "cost.right-sizing.reserved-instances",
    "elsewhere": "cloud.multi-az.availability-zones",
}


def _cents(number: int) -> float:
    return number / 100


A, B, C = (f"arn:aws:ec2:eu-west-1:{sample.ACCOUNT}:volume/{name}" for name in "abc")


def view_of(
    *savings: tuple[str, str, float | None],
    facts: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> ReportView:
    """Return a report of findings, each of a check's name, a resource and USD a month."""
    base = sample.inputs(1)
    some = next(iter(sample.CHECKS.values()))
    checks: dict[str, Check] = {name: replace(some, id=name, patterns=(id,)) for name, id in PATTERNS.items()}
    states = [
        FindingState(
            Finding(
                f"{number:032x}", check, resource, "AWS::EC2::Volume", resource[-1], sample.ACCOUNT, "eu-west-1",
                Verdict.FAIL, Severity.LOW,
                (Evidence("is idle", facts or {}, saving=Saving(usd, "1 x 1", Certainty.EXACT)),),
            ),
            Lifecycle.OPEN, NOW, 1, NOW,
        )
        for number, (check, resource, usd) in enumerate(savings)
    ]  # fmt: skip
    known = {A: Known("a", tags or {})}
    return build_view(replace(base, checks=checks, states=states, resources=known, changes=[]))


def money_of(*savings: tuple[str, str, float | None], **more: Any) -> MoneyView:
    return view_of(*savings, **more).money


def ways(money: MoneyView) -> dict[str, float]:
    return {share.name: share.usd_month for share in money.by_way}


def test_waste_and_right_sizing_of_one_resource_count_once() -> None:
    money = money_of(("waste", A, 10.0), ("size", A, 4.0), ("size", B, 3.0))
    assert money.total == 13.0
    assert ways(money) == {"waste removal": 10.0, "right-sizing": 3.0, "commitments": 0.0}


def test_commitments_stand_beside_the_total_and_push_nothing_out_of_it() -> None:
    money = money_of(("promise", A, 100.0), ("waste", A, 10.0), ("promise", B, 50.0))
    assert money.total == 10.0
    assert ways(money) == {"waste removal": 10.0, "right-sizing": 0.0, "commitments": 150.0}
    assert [item.counted for item in money.items] == [False, False, True]


def test_of_an_accounts_commitments_the_largest_counts() -> None:
    """What is paid for and not used could take the place of what would be bought."""
    money = money_of(("promise", A, 100.0), ("promise", A, 60.0), ("promise", B, 5.0))
    assert ways(money)["commitments"] == 105.0
    assert money.total == 0.0


def test_where_only_commitments_save_nothing_is_said_to_be_saved() -> None:
    page = render_cost_html(view_of(("promise", A, 100.0)))
    assert "Nothing to delete or resize was found." in page
    assert "$0.00 a month can be saved" not in page
    assert "$100.00" in page


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(PATTERNS)), st.sampled_from([A, B, C]), st.none() | st.integers(0, 10**7).map(_cents)
        ),
        max_size=12,
    )
)
def test_whatever_is_found_no_resource_and_no_commitment_is_added_twice(
    savings: list[tuple[str, str, float | None]],
) -> None:
    money = money_of(*savings)
    largest: dict[str, float] = {}
    for name, resource, usd in savings:
        if name != "promise" and usd is not None:
            largest[resource] = max(largest.get(resource, 0.0), usd)
    assert money.total == round(sum(largest.values()), 2)
    promised: dict[str, float] = {}
    for name, resource, usd in savings:
        if name == "promise" and usd is not None:
            promised[resource] = max(promised.get(resource, 0.0), usd)
    assert ways(money)["commitments"] == round(sum(promised.values()), 2)
    assert len(money.items) + len(money.unpriced) == len(savings)


def test_a_bullet_of_another_section_is_a_way_of_its_own() -> None:
    assert ways(money_of(("elsewhere", A, 1.0)))["other"] == 1.0


def test_ways_without_commitments_make_the_total(view: ReportView) -> None:
    adding = [usd for name, usd in ways(view.money).items() if name != "commitments"]
    assert sum(adding) == pytest.approx(view.money.total, abs=0.02)


def test_tags_are_found_whatever_their_case_and_what_has_none_is_said() -> None:
    money = money_of(("waste", A, 2.0), ("waste", B, 1.0), tags={"ENV": "prod", "Team": "shop"})
    assert [(s.name, s.usd_month) for s in money.by_environment] == [("prod", 2.0), ("not tagged", 1.0)]
    assert [(s.name, s.usd_month) for s in money.by_owner] == [("shop", 2.0), ("not tagged", 1.0)]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"unattached_since": "2026-05-01T10:00:00+00:00"}, "2026-05-01"),
        ({"stopped_at": "2026-04-01T00:00:00+00:00", "Size": 8}, "2026-04-01"),
        ({"unattached_since": "before the 14 days that were looked at"}, "before the 14 days that were looked at"),
        ({"created": "2026-04-01T00:00:00+00:00"}, ""),
    ],
)
def test_the_last_use_is_what_the_evidence_says_and_nothing_else(facts: dict[str, Any], said: str) -> None:
    view = view_of(("waste", A, 2.0), facts=facts)
    assert view.money.items[0].last_use == said
    assert (f"last use: {said}" in render_cost_html(view)) == bool(said)


def test_what_is_not_priced_is_no_part_of_any_sum() -> None:
    money = money_of(("waste", A, None), ("waste", B, 1.0))
    assert (money.total, len(money.unpriced), ways(money)["waste removal"]) == (1.0, 1, 1.0)


def test_bullets_that_nothing_judges_are_named_and_nothing_is_said_of_them(rich: ReportView) -> None:
    page = re.sub(r"<[^>]*>", " ", render_cost_html(rich))
    cost = next(section for section in rich.sections if section.id == "cost")
    blind = [bullet.name for bullet in cost.bullets if bullet.standing == "not judged"]
    assert "Cost alerts" in blind
    assert f"not judged yet: {', '.join(blind)}." in page
    assert "Whether commitments would save something is not judged" in page
    assert "| Cost alerts | Alert on cost anomalies | Not judged" in render_cost_markdown(rich)
