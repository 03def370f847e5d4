"""Budgets, anomalies and commitments: the same in every format, and an empty list never stands for one that was not read."""

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from report import sample, spent

from auditor.kit import NOW
from auditor.model import Coverage, CoverageState, Gap, Resource
from auditor.report import (
    SPENDING_TYPES,
    ReportInputs,
    ReportView,
    build_view,
    render_cost_html,
    render_cost_markdown,
    render_json,
)
from auditor.report.spending import ORGANIZATION

LISTS = {
    "budgets": (spent.BUDGET, "There is no budget"),
    "anomalies": (spent.ANOMALY, "found no anomaly"),
    "usage": (spent.USAGE, "Nothing was committed to"),
    "recommendations": (spent.RECOMMENDATION, "recommends no commitments"),
    "commitments": (spent.PLAN, "holds no Savings Plans"),
}


def of(**changes: Any) -> ReportInputs:
    return replace(sample.inputs(3), **changes)


def unread(type: str, state: CoverageState, gap: Gap | None = None) -> list[Coverage]:
    """The coverage of the sample, with one type in another state."""
    covers = sample.inputs(3).coverage
    return [replace(cover, state=state, gap=gap) if cover.scope.type == type else cover for cover in covers]


class Rows(HTMLParser):
    """Counts the rows of tables' bodies, by the section they stand in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, int] = {}
        self._section, self._body = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._section = dict(attrs).get("id") or ""
        self._body = tag == "tbody" or (self._body and tag != "thead")
        if tag == "tr" and self._body:
            self.rows[self._section] = self.rows.get(self._section, 0) + 1


def test_each_list_is_as_long_in_every_format() -> None:
    view = build_view(of())
    spending = view.spending
    document = json.loads(render_json(view))["spending"]
    counts = {name: len(getattr(spending, name)) for name in LISTS}
    assert counts == {"budgets": 5, "anomalies": 4, "usage": 2, "recommendations": 2, "commitments": 4}
    assert {name: len(document[name]) for name in LISTS} == counts
    rows = Rows(render_cost_html(view)).rows
    assert (rows["budgets"], rows["anomalies"]) == (5, 4)
    assert rows["commitments"] == 2 + 2 + 4
    text = render_cost_markdown(view)
    for section, number in (("Commitments", 2 + 2 + 4), ("Anomalies", 4), ("Budgets", 5)):
        tables = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        heads = tables.count("|---")
        lines = [line for line in tables.splitlines() if line.startswith("|")]
        assert len(lines) - 2 * sum(line.startswith("|---") for line in lines) == number, heads


def test_amounts_are_those_that_were_read() -> None:
    spending = build_view(of()).spending
    budgets = {budget.name: budget for budget in spending.budgets}
    assert {name: budget.standing for name, budget in budgets.items()} == {
        "everything": "within", "legacy": "over", "shop": "will be over", "hours": "within", "auto": "",
    }  # fmt: skip
    assert (budgets["everything"].limit, budgets["everything"].actual, budgets["everything"].forecast) == (
        5000,
        3100.5,
        4800,
    )
    assert budgets["everything"].alerts == ("80% spent", "100% expected")
    assert (budgets["legacy"].alerts, budgets["legacy"].filtered) == ((), True)
    assert budgets["auto"].alerts is None, "its notifications were not read"
    assert [(one.id, one.usd, one.feedback, bool(one.end)) for one in spending.anomalies] == [
        ("a-3", 55.5, "", False), ("a-2", 120.0, "planned activity", True), ("a-1", 812.4, "", True), ("a-4", 99.0, "no", True),
    ]  # fmt: skip
    assert spending.anomalies[0].cause.endswith("EU-Node:ra3.xlplus and 1 more")
    assert [(one.what, one.percent, one.unused_usd) for one in spending.usage] == [
        ("Amazon Redshift", 100.0, 0.0), ("Savings Plans", 74.0, 227.76),
    ]  # fmt: skip
    assert [(one.what, one.usd_month, one.made) for one in spending.recommendations] == [
        ("Compute Savings Plans", 318.6, "2026-06-14"), ("Amazon ElastiCache", 0.0, "2026-06-14"),
    ]  # fmt: skip
    assert [(one.what, one.end) for one in spending.commitments] == [
        ("Savings Plan, Compute, 1.20 USD an hour", "2026-07-04"),
        ("RDS reservation, 2 x db.r6g.large", "2026-08-19"),
        ("EC2 reservation, 4 x m7i.large", "2027-01-01"),
        ("Savings Plan, Database", ""),
    ]


RENDERED: dict[str, Callable[[ReportView], str]] = {"html": render_cost_html, "markdown": render_cost_markdown}


@pytest.mark.parametrize("format", RENDERED)
@pytest.mark.parametrize("name", LISTS)
def test_nothing_is_said_to_be_there_only_where_somebody_looked(name: str, format: str) -> None:
    type, nothing = LISTS[name]
    render = RENDERED[format]
    assert nothing in render(build_view(of(spending={})))
    denied = Gap("x:Read", "AccessDeniedException", "not authorized to perform it")
    for coverage, why in (
        (unread(type, CoverageState.DENIED, denied), "AccessDeniedException"),
        ([cover for cover in sample.inputs(3).coverage if cover.scope.type != type], "did not ask for it"),
        (unread(type, CoverageState.NOT_OFFERED), "does not offer it here" if name != "commitments" else nothing),
    ):
        page = render(build_view(of(spending={}, coverage=coverage)))
        assert why in page
        assert (nothing in page) == (why == nothing)


def test_what_is_left_out_on_purpose_says_so() -> None:
    scan = replace(sample.inputs(3).scan, statistics={"left_out": {spent.ANOMALY: "scan.cost_explorer is false"}})
    reading = build_view(of(scan=scan, spending={})).spending.readings["anomalies"]
    assert (reading.whole, reading.why) == (False, "not read: scan.cost_explorer is false")


def test_a_member_is_told_who_has_the_figures() -> None:
    organization = Resource(
        ORGANIZATION, "arn:x", "o-1", sample.ACCOUNT, "global", NOW, {"MasterAccountId": "999988887777"}
    )
    view = build_view(of(spending={ORGANIZATION: [organization]}))
    assert view.spending.payer == "999988887777"
    for render in RENDERED.values():
        page = render(view)
        assert "999988887777 pays for this one" in page
        assert "recommends no commitments" not in page


def test_what_was_read_in_part_is_shown_with_why_it_is_not_all() -> None:
    gap = Gap("budgets:ViewBudget", "ThrottlingException", "Rate exceeded")
    view = build_view(of(coverage=unread(spent.BUDGET, CoverageState.PARTIAL, gap)))
    for render in RENDERED.values():
        page = render(view)
        assert "Not all of it was read" in page
        assert "ThrottlingException" in page


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"BudgetLimit": None, "CalculatedSpend": None, "Notifications": []},
        {"BudgetLimit": {"Amount": "NaN"}, "CalculatedSpend": {"ActualSpend": {"Amount": "x"}}},
    ],
)
def test_answers_that_hold_less_than_promised_break_nothing(document: dict[str, Any]) -> None:
    held = {type: [Resource(type, "arn:x", "x", sample.ACCOUNT, "global", NOW, document)] for type in SPENDING_TYPES}
    view = build_view(of(spending=held))
    assert view.spending.budgets[0].limit is None
    for render in RENDERED.values():
        assert render(view)


def test_what_is_not_shaped_as_promised_is_not_shown_and_the_list_does_not_pass_for_whole() -> None:
    odd = {
        "Utilization": True,
        "Savings": 7,
        "Metadata": 7,
        "Details": [3],
        "BudgetLimit": "x",
        "Impact": [],
        "RootCauses": 5,
    }
    held = {type: [Resource(type, "arn:x", "x", sample.ACCOUNT, "global", NOW, odd)] for type in SPENDING_TYPES}
    view = build_view(of(spending=held))
    broken = {name for name, reading in view.spending.readings.items() if "not as AWS promises" in reading.why}
    assert {"usage", "recommendations"} <= broken
    for render in RENDERED.values():
        assert "not as AWS promises" in render(view)
