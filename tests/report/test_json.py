"""The JSON report: every verdict, resource by resource, and the same counts as everywhere."""

import json
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker
from report import sample

from auditor.cli import main
from auditor.report import ReportView, build_view, render_json
from auditor.report.machine import SCHEMA, schema_text


def load(view: ReportView) -> Any:
    return json.loads(render_json(view).decode("utf-8"))


def test_its_shape_is_named(view: ReportView) -> None:
    document = load(view)
    assert document["schema"] == 1
    assert document["scan"]["standard_digest"] == view.standard_digest
    assert list(document) == [
        "schema", "generator", "scan", "verdict", "score", "grade", "score_without_waivers",
        "counts", "severities", "standings", "sections", "coverage",
        "changes", "trend", "checks", "findings", "savings", "spending", "waived", "closed", "waivers",
        "attestations", "notices", "resources", "unread",
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


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(lambda text: datetime.fromisoformat(text).utcoffset() == timedelta())
FORMATS.checks("date", raises=ValueError)(lambda text: bool(date.fromisoformat(text)))


def closed(schema: Any) -> Any:
    """Return SCHEMA with every member refused that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed(part) for key, part in schema.items()}
    return {**strict, "additionalProperties": False} if "required" in schema else strict


SHIPPED = json.loads(schema_text())
STRICT = Draft202012Validator(closed(SHIPPED), format_checker=FORMATS)


def faults(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in STRICT.iter_errors(document)]


def test_the_shipped_schema_is_one() -> None:
    Draft202012Validator.check_schema(SHIPPED)
    assert SHIPPED["properties"]["schema"]["const"] == SCHEMA


def test_every_report_keeps_to_the_schema_and_has_no_member_beyond_it(view: ReportView) -> None:
    assert faults(load(view)) == []


def test_the_schema_takes_what_later_versions_add(rich: ReportView) -> None:
    document = load(rich)
    document["later"] = document["findings"][0]["later"] = 1
    assert Draft202012Validator(SHIPPED).is_valid(document)
    assert len(faults(document)) == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("score",), 101),
        (("grade",), "E"),
        (("scan", "started"), "2026-06-15T03:00:00+02:00"),
        (("findings", 0, "verdict"), "pass"),
        (("findings", 0, "severity"), None),
        (("counts", "failed"), -1),
        (("severities",), {"urgent": 1}),
        (("savings", "items", 0, "way"), "magic"),
    ],
)
def test_the_schema_refuses_what_no_report_says(rich: ReportView, path: tuple[Any, ...], value: Any) -> None:
    document = load(rich)
    *parents, last = path
    held = document
    for step in parents:
        held = held[step]
    held[last] = value
    assert faults(document)


def test_a_missing_member_is_refused_wherever_it_lacks(rich: ReportView) -> None:
    for name in load(rich):
        document = load(rich)
        del document[name]
        assert faults(document), name


def test_what_ended_is_whole_and_not_among_the_findings(rich: ReportView) -> None:
    document = load(rich)
    ended = [finding["lifecycle"] for finding in document["closed"]]
    assert Counter(ended) == {"resolved": 5, "vanished": 1}
    assert not {finding["key"] for finding in document["closed"]} & {finding["key"] for finding in document["findings"]}


def test_the_command_prints_the_schema() -> None:
    result = CliRunner().invoke(main, ["report", "--schema"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, SHIPPED)


def test_shares_add_up_to_the_total(view: ReportView) -> None:
    savings = load(view)["savings"]
    for name, shares in savings["shares"].items():
        adding = [share for share in shares if share["name"] != "commitments"]
        assert round(sum(share["usd_month"] for share in adding), 2) == pytest.approx(savings["usd_month"], abs=0.02), (
            name
        )
