"""The formats of other programs: each is valid, says what the view says, and carries hostile texts without harm."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import orjson
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from jsonschema import Draft4Validator
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from report import sample

from auditor.cli import options
from auditor.config import Format
from auditor.errors import ReportError
from auditor.model import Lifecycle, Severity, Tally, Verdict
from auditor.report import FORMATS, ReportView, build_view, require, write_reports
from auditor.report.formats import extra
from auditor.report.formats.asff import BATCH, render_asff
from auditor.report.formats.csv import COLUMNS, render_csv
from auditor.report.formats.junit import junit_pieces, render_junit
from auditor.report.formats.ocsf import render_ocsf
from auditor.report.formats.prometheus import render_prometheus
from auditor.report.formats.sarif import render_sarif, sarif_pieces

SARIF = Draft4Validator(
    json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
)
Row = tuple[str, str, str]
"""A finding's key, verdict and severity."""


def expected(view: ReportView) -> Counter[Row]:
    return Counter((f.key, str(f.verdict), str(f.severity)) for f in (*view.findings, *view.waived))


def rows_of_csv(view: ReportView) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_csv(view).decode("utf-8-sig"), newline="")))


def from_csv(view: ReportView) -> Counter[Row]:
    return Counter((row["key"], row["verdict"], row["severity"]) for row in rows_of_csv(view))


def events_of(view: ReportView) -> list[dict[str, Any]]:
    return [json.loads(line) for line in render_ocsf(view).splitlines()]


def from_ocsf(view: ReportView) -> Counter[Row]:
    verdicts = {"Fail": "fail", "Warning": "unknown"}
    events = [event for event in events_of(view) if event["activity_name"] != "Close"]
    return Counter(
        (
            event["finding_info"]["uid"],
            verdicts[event["compliance"]["status"]],
            event["severity"].lower().replace("informational", "info"),
        )
        for event in events
    )


def from_asff(view: ReportView) -> Counter[Row]:
    verdicts = {"FAILED": "fail", "NOT_AVAILABLE": "unknown"}
    return Counter(
        (item["Id"], verdicts[item["Compliance"]["Status"]], item["Severity"]["Original"])
        for item in json.loads(render_asff(view))
        if item["RecordState"] == "ACTIVE"
    )


def from_sarif(view: ReportView) -> Counter[Row]:
    verdicts = {"fail": "fail", "open": "unknown"}
    (run,) = json.loads(render_sarif(view))["runs"]
    return Counter(
        (
            result["partialFingerprints"]["auditorFindingKey/v1"],
            verdicts[result["kind"]],
            result["properties"]["severity"],
        )
        for result in run["results"]
    )


@pytest.mark.parametrize("read", [from_csv, from_ocsf, from_asff, from_sarif])
def test_every_finding_is_there_once_with_its_verdict(
    view: ReportView, read: Callable[[ReportView], Counter[Row]]
) -> None:
    assert read(view) == expected(view)


CLOSED = [
    (Lifecycle.RESOLVED, True, "PASSED", "Pass", "it passes now"),
    (Lifecycle.RESOLVED, False, "NOT_AVAILABLE", "Other", "the check does not concern it any more"),
    (Lifecycle.VANISHED, True, "NOT_AVAILABLE", "Other", "the resource is gone"),
]


@pytest.mark.parametrize(("lifecycle", "passes", "compliance", "status", "why"), CLOSED)
def test_what_ended_is_closed_and_passes_only_where_it_was_seen_to_pass(
    rich: ReportView, lifecycle: Lifecycle, passes: bool, compliance: str, status: str, why: str
) -> None:
    ended = replace(rich.findings[0], key="e" * 32, lifecycle=lifecycle)
    ids = (ended.resource,) if passes else ()
    tally = Tally(ended.check, ended.account, ended.region, ended.type, passed=ids)
    view = replace(rich, closed=(ended,), tallies=(tally,))
    (archived,) = [item for item in json.loads(render_asff(view)) if item["RecordState"] == "ARCHIVED"]
    assert (archived["Id"], archived["Compliance"]["Status"]) == (ended.key, compliance)
    assert archived["Compliance"]["StatusReasons"] == [{"ReasonCode": lifecycle.upper(), "Description": why}]
    (event,) = [event for event in events_of(view) if event["activity_id"] == 3]
    assert (event["finding_info"]["uid"], event["status"], event["type_uid"]) == (ended.key, "Resolved", 200303)
    assert (event["compliance"]["status"], event["status_detail"]) == (status, why)


def test_everything_that_ended_is_closed_once(view: ReportView) -> None:
    keys = Counter(finding.key for finding in view.closed)
    archived = Counter(item["Id"] for item in json.loads(render_asff(view)) if item["RecordState"] == "ARCHIVED")
    events = Counter(e["finding_info"]["uid"] for e in events_of(view) if e["activity_name"] == "Close")
    assert archived == events == keys
    assert len(keys) == sum(view.changes.counts[kind] for kind in (Lifecycle.RESOLVED, Lifecycle.VANISHED))


def samples(view: ReportView) -> dict[tuple[str, str], float]:
    """Return each sample by its name and the label that is its own."""
    return {
        (
            sample.name.removeprefix("auditor_"),
            " ".join(value for label, value in sorted(sample.labels.items()) if not label.startswith("account")),
        ): sample.value
        for family in text_string_to_metric_families(render_prometheus(view).decode("utf-8"))
        for sample in family.samples
    }


def test_junit_counts_every_verdict_but_what_is_not_applicable(view: ReportView) -> None:
    root = ElementTree.fromstring(render_junit(view))
    cases = list(root.iter("testcase"))
    assert len(list(root.iter("failure"))) == view.counts.failed - view.counts.waived
    assert len(list(root.iter("skipped"))) == view.counts.unknown + view.counts.waived
    assert len(cases) == view.counts.judged + view.counts.unknown
    assert not list(root.iter("error"))
    skipped = [int(item.get("value", "")) for item in root.iter("property") if item.get("name") == "not_applicable"]
    assert sum(skipped) == view.counts.not_applicable


def test_sarif_and_junit_are_written_in_pieces_that_are_laid_out_as_a_whole_would_be(rich: ReportView) -> None:
    sarif = list(sarif_pieces(build_view(sample.inputs(150))))
    assert len(sarif) > 2
    for whole in (b"".join(sarif), render_sarif(rich)):
        laid_out = orjson.dumps(orjson.loads(whole), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2)
        assert whole == laid_out
    junit = list(junit_pieces(rich))
    assert len(junit) > len(list(ElementTree.fromstring(b"".join(junit))))
    document = JUnitXml.fromstring(b"".join(junit))
    document.update_statistics()  # type: ignore[no-untyped-call]
    written = io.BytesIO()
    document.write(written)
    assert written.getvalue() == b"".join(junit)


def test_junit_says_the_sums_of_its_suites(rich: ReportView) -> None:
    root = ElementTree.fromstring(render_junit(rich))
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
    assert int(root.get("failures", "")) == rich.counts.failed - rich.counts.waived


def test_metrics_are_the_views_numbers(view: ReportView) -> None:
    said = samples(view)
    assert said.get(("score", "")) == view.score
    for section in view.sections:
        assert said.get(("section_score", section.id)) == section.score
    for level in Severity:
        assert said["findings", level] == view.severities[level]
    assert said["verdicts", "pass"] == view.counts.passed
    assert said["verdicts", "unknown"] == view.counts.unknown
    assert said["scopes", "denied"] == sum(n for state, n in view.coverage.states.items() if state == "denied")
    assert said["scan_start_timestamp_seconds", ""] == datetime.fromisoformat(view.started).timestamp()
    assert sum(value for (name, _), value in said.items() if name == "savings_usd_per_month") == pytest.approx(
        view.money.total, abs=0.05
    )


def test_what_was_not_judged_has_no_score_of_zero(view: ReportView) -> None:
    said = samples(view)
    for section in view.sections:
        assert (("section_score", section.id) in said) == (section.score is not None)


def test_sarif_keeps_to_its_schema(view: ReportView) -> None:
    assert [error.message for error in SARIF.iter_errors(json.loads(render_sarif(view)))] == []


def test_sarif_is_what_code_scanning_shows(view: ReportView) -> None:
    (run,) = json.loads(render_sarif(view))["runs"]
    assert run["automationDetails"]["id"].startswith(f"{view.account}/"), (
        "the category, so accounts do not close each other"
    )
    paths = {}
    for result in run["results"]:
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert set(physical["region"]) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert len(physical["artifactLocation"]["uri"]) < 4096
        hash = result["partialFingerprints"]["primaryLocationLineHash"]
        paths[physical["artifactLocation"]["uri"], result["ruleId"], hash] = result
    assert len(paths) == len(run["results"])
    for rule in run["tool"]["driver"]["rules"]:
        properties = rule["properties"]
        assert len(properties["tags"]) <= 20
        assert ("security" in properties["tags"]) == ("security-severity" in properties)


def test_sarif_says_of_every_result_whether_it_is_suppressed(view: ReportView) -> None:
    (run,) = json.loads(render_sarif(view))["runs"]
    suppressed = {r["partialFingerprints"]["auditorFindingKey/v1"] for r in run["results"] if r["suppressions"]}
    assert suppressed == {finding.key for finding in view.waived}


def test_sarif_names_a_rule_for_every_result(view: ReportView) -> None:
    (run,) = json.loads(render_sarif(view))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


@pytest.fixture(scope="module")
def batch_import() -> Any:
    return get_session().get_service_model("securityhub").operation_model("BatchImportFindings").input_shape


def test_asff_is_what_security_hub_takes(view: ReportView, batch_import: Any) -> None:
    findings = json.loads(render_asff(view))
    validator = ParamValidator()
    for start in range(0, len(findings), BATCH):
        report = validator.validate({"Findings": findings[start : start + BATCH]}, batch_import)
        assert not report.has_errors(), report.generate_report()


def test_asff_keeps_to_the_limits_security_hub_documents(view: ReportView) -> None:
    for finding in json.loads(render_asff(view)):
        assert len(finding["Title"]) <= 256
        assert len(finding["Description"]) <= 1024
        assert len(finding["Remediation"]["Recommendation"]["Text"]) <= 512
        assert len(finding["ProductFields"]) <= 50
        assert all(len(k) <= 128 and len(v) <= 2048 for k, v in finding["ProductFields"].items())
        assert len(finding["Resources"][0]["Tags"]) <= 50
        assert len(finding["Resources"][0]["Id"]) <= 512
        assert len(json.dumps(finding)) <= 240_000
        assert finding["ProductArn"].split(":")[3] == finding["Region"] != "global"


def test_asff_names_types_that_exist(batch_import: Any) -> None:
    from auditor.report.formats.asff import _NAMES

    details = batch_import.members["Findings"].member.members["Resources"].member.members["Details"].members
    without_details = {"AwsRdsDbSubnetGroup"}
    assert set(_NAMES.values()) - without_details <= set(details)


def test_ocsf_events_are_compliance_findings(view: ReportView) -> None:
    for line in render_ocsf(view).splitlines():
        event = json.loads(line)
        assert event["class_uid"] == 2003
        assert event["type_uid"] == 200300 + event["activity_id"]
        assert event["cloud"]["account"]["uid"] == view.account
        ComplianceFinding.model_validate(event)


def test_columns_of_the_csv_are_only_added_at_the_end() -> None:
    known = (
        "verdict,severity,section,bullets,check,title,resource,name,type,service,account,account_name,region,evidence,reason,"
        "since,since_scan,lifecycle,last_seen,usd_month,command,terraform,console,tags,key,waived_until"
    )
    assert ",".join(COLUMNS).startswith(known)


def test_no_cell_of_the_csv_is_a_formula(hostile: ReportView) -> None:
    assert expected(hostile)
    for row in rows_of_csv(hostile):
        assert list(row) == list(COLUMNS)
        for value in row.values():
            assert not value.lstrip().startswith(("=", "+", "-", "@"))
            assert "\n" not in value
            assert len(value) <= 32_767, "Excel breaks the row at a longer one"


@pytest.mark.parametrize(
    "render", [render_csv, render_ocsf, render_asff, render_sarif, render_junit, render_prometheus]
)
def test_no_format_carries_what_a_reader_cannot_see(hostile: ReportView, render: Callable[[ReportView], bytes]) -> None:
    text = render(hostile).decode("utf-8")
    assert not {"\x1b", "\x00", "\u202e", "\u200b"} & set(text)


def test_all_formats_are_written_side_by_side(rich: ReportView, tmp_path: Path) -> None:
    names = {path.name for path in write_reports(rich, tmp_path, FORMATS)}
    assert {
        "findings.csv",
        "findings.ocsf.jsonl",
        "findings.asff.json",
        "findings.sarif",
        "junit.xml",
        "auditor.prom",
    } <= names


def test_an_account_that_nobody_named_is_written_in_every_format(rich: ReportView, tmp_path: Path) -> None:
    nameless = replace(rich, account_name="")
    assert len(write_reports(nameless, tmp_path, FORMATS)) == len(write_reports(rich, tmp_path / "named", FORMATS))
    assert {event["cloud"]["account"]["name"] for event in events_of(nameless)} == {nameless.account}


def test_the_formats_are_the_same_everywhere() -> None:
    assert FORMATS == options.FORMATS == get_args(Format)


def test_a_missing_library_is_one_line_that_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extra.LIBRARIES, "ocsf", "no_such_library")
    with pytest.raises(ReportError, match=r"ocsf needs its extra: pip install 'aws-account-auditor\[formats\]'"):
        require(["json", "ocsf"])


def test_unknown_is_never_a_failure_in_any_format(view: ReportView) -> None:
    unknown = {finding.key for finding in view.findings if finding.verdict is Verdict.UNKNOWN}
    for read in (from_csv, from_ocsf, from_asff, from_sarif):
        assert {key for key, verdict, _ in read(view) if verdict == "fail"}.isdisjoint(unknown)
