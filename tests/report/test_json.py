"""The JSON report: every verdict, resource by resource, and the same counts as everywhere."""

import json
from collections import Counter
from typing import Any

from report import sample

from auditor.report import ReportView, build_view, render_json


def load(view: ReportView) -> Any:
    return json.loads(render_json(view).decode("utf-8"))


def test_its_shape_is_named(view: ReportView) -> None:
    document = load(view)
    assert document["schema"] == 1
    assert document["scan"]["standard_digest"] == view.standard_digest
    assert list(document) == [
        "schema", "generator", "scan", "verdict", "score", "grade", "score_without_waivers",
        "counts", "severities", "standings", "sections", "coverage",
        "changes", "trend", "checks", "findings", "savings", "waived", "waivers", "attestations",
        "notices", "resources", "unread",
    ]  # fmt: skip


def test_every_verdict_is_there(view: ReportView) -> None:
    document = load(view)
    verdicts = Counter(verdict for resource in document["resources"] for verdict in resource["verdicts"].values())
    counts = document["counts"]
    assert verdicts["pass"] == counts["passed"]
    assert verdicts["fail"] == counts["failed"]
    assert verdicts["not_applicable"] == counts["not_applicable"]
    assert verdicts["unknown"] + len(document["unread"]) == counts["unknown"]


def test_what_is_not_applicable_or_unknown_says_why(rich: ReportView) -> None:
    for resource in load(rich)["resources"]:
        for check, verdict in resource["verdicts"].items():
            assert (verdict in ("not_applicable", "unknown")) == (check in resource["reasons"])


def test_counts_are_those_of_the_view(view: ReportView) -> None:
    document = load(view)
    assert len(document["findings"]) == len(view.findings)
    assert document["severities"] == {str(level): count for level, count in view.severities.items()}
    assert sum(len(section["bullets"]) for section in document["sections"]) == 62
    assert document["savings"]["usd_month"] == view.money.total
    assert document["coverage"]["asked"] == view.coverage.asked


def test_counted_savings_make_the_total(view: ReportView) -> None:
    savings = load(view)["savings"]
    counted = [item for item in savings["items"] if item["counted"]]
    assert round(sum(item["usd_month"] for item in counted), 2) == savings["usd_month"]
    assert len({item["resource"] for item in counted}) == len(counted)


def test_hostile_texts_are_whole_and_visible(hostile: ReportView) -> None:
    text = render_json(hostile).decode("utf-8")
    assert "\u202e" not in text
    names = {resource["name"] for resource in json.loads(text)["resources"]}
    assert sample.HOSTILE[0] in names
    assert r"\u202egpj.exe\u2066\u200b" in names


def test_two_resources_stay_two_whatever_their_names() -> None:
    view = build_view(sample.inputs(len(sample.HOSTILE), hostile=True))
    resources = load(view)["resources"]
    assert len({resource["id"] for resource in resources}) == len(resources)
