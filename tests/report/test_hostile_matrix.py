"""Every kind of hostile text, in every place an account or a person can put one, in every format: valid, and text only."""

import csv
import functools
import io
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from prometheus_client.parser import text_string_to_metric_families
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from report import sample
from report.page import parse
from report.test_formats import SARIF, expected, from_asff, from_csv, from_ocsf, from_sarif
from report.test_json import faults
from report.test_markdown import BLOCKS, OURS, cells, parsed, tables

from auditor.acceptance import Accepted, Attestation, AttestationUse, Waiver, WaiverUse
from auditor.cli.summary import print_summary
from auditor.kit import NOW
from auditor.model import Evidence, Gap, Verdict
from auditor.report import (
    FORMATS,
    ReportInputs,
    ReportView,
    build_view,
    render_cost_html,
    render_cost_markdown,
    render_executive_html,
    render_html,
    render_json,
    render_markdown,
)
from auditor.report.formats.asff import BATCH, render_asff
from auditor.report.formats.csv import COLUMNS, render_csv
from auditor.report.formats.junit import render_junit
from auditor.report.formats.ocsf import render_ocsf
from auditor.report.formats.prometheus import render_prometheus
from auditor.report.formats.sarif import render_sarif
from auditor.report.html import _scripts
from auditor.report.links import HOSTS, console_url
from auditor.report.site import AccountView, SiteView, folder_name, render_site
from auditor.report.summary import summary_of
from auditor.report.text import visible

TEXTS: Mapping[str, str] = {
    "end of script": "</script><script>alert(1)</script></style></title></textarea><svg onload=alert(2)>",
    "event handlers": '"\' onmouseover=alert(1) autofocus onfocus=alert(2) x="><img src=x onerror=alert(3)>',
    "javascript links": "javascript:alert(1)//https://console.aws.amazon.com/",
    "templates": "{{ 7*7 }}{% include '/etc/passwd' %}{# x #}${7*7}",
    "formula": '=HYPERLINK("https://evil.example","x")\t=1+1',
    "other formulas": "\t@SUM(1+1)|cmd'/C calc'!A0",
    "Markdown": "| a | b |\n|---|---|\n# head\n- [x](https://evil.example) ![y](javascript:alert(1)) <b>@everyone</b> `c` ~~~",
    "commands": "$(rm -rf ~); `id` && --endpoint-url=https://evil.example 'q' \"r\" \\",
    "ANSI": "\x1b[31mred\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\x9b2J\x00\x08\r",
    "right to left": "\u202egnp.exe\u2066\u2069\u200f\u061c\u200b\ufeff",
    "100 kB": "word " * 10_000 + "x" * 50_000,
    "surrogates": "lone \ud800 and \udfff, not a character \ufffe\uffff",
    "XML": "]]><!-- --><![CDATA[<x>]]>&amp;&#0;\u2028\u2029\u0085",
    "Prometheus": 'a"} 1\n# HELP evil\nevil 1\\',
}
HARMLESS = "orders"


@functools.cache
def view_of(text: str) -> ReportView:
    """Return the view of a scan in which TEXT stands wherever an account, its users or an administrator can write."""
    with patch.object(sample, "HOSTILE", (text, f"{text} ")):
        full = sample.inputs(3, hostile=True, account_name=text)
    return build_view(_everywhere(full, text))


def _everywhere(full: ReportInputs, text: str) -> ReportInputs:
    gap = Gap("cloudwatch:GetMetricData", "AccessDenied", text)
    waiver = Waiver(
        check="x", reason=text, owner=text, ticket=text, until=NOW.date(), place=text, resource=text, account=text
    )
    attestation = Attestation(
        check="x", statement=text, author=text, given=NOW.date(), until=NOW.date() + timedelta(days=9), evidence=text,
        resource=text, place=text,
    )  # fmt: skip
    states = []
    for number, state in enumerate(sample.states_of(full)):
        finding = state.finding
        if finding.verdict is Verdict.FAIL:
            first, second = finding.evidence[0], Evidence(text, {"nested": {text: [text]}})
            told = replace(first, sentence=text, facts={text: text, "list": [text]})
            finding = replace(finding, evidence=(told, second))
        else:
            finding = replace(finding, reason=text, gaps=(gap,))
        states.append(replace(state, finding=finding, waiver=waiver if number % 4 == 3 else None))
    known = {
        id: replace(held, name=text, tags={text: text, "Environment": text, "Owner": text})
        for id, held in full.resources.items()
    }
    accepted = Accepted(
        waivers=(WaiverUse(waiver, "active", 1),),
        attestations=(AttestationUse(attestation, text, ((text, text),)),),
        notices=(text,),
    )
    coverage = [replace(c, gap=replace(c.gap, message=text)) if c.gap else c for c in full.coverage]
    scan = replace(full.scan, selection={"type": (text,)}, statistics={"tape": text})
    return replace(full, scan=scan, states=states, resources=known, accepted=accepted, coverage=coverage)


# ---- each format: how it is made, and what makes it valid ------------------------------------------------------------


def page(text: str, view: ReportView) -> None:
    """A page holds our elements and no other, loads nothing, and leads to AWS or to a file beside it."""
    read = parse(text)
    ours = {script.strip() for script in _scripts()}
    assert {e.text.strip() for e in read.all("script") if "type" not in e.attributes} <= ours
    assert len(read.all("style")) == 1
    assert len([e for e in read.all("title") if e.path[-1:] == ("head",)]) == 1
    assert {e.tag for e in read.elements}.isdisjoint(
        {"img", "iframe", "object", "embed", "base", "link", "textarea", "include"}
    )
    ids = [e.attributes["id"] for e in read.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    hosts = "|".join(map(re.escape, HOSTS.values()))
    for element in read.elements:
        assert not [
            name for name in element.attributes if name.startswith("on") or name in ("style", "src", "srcdoc", "action")
        ]
        href = element.attributes.get("href", "#")
        assert re.match(rf"#|https://([a-z0-9-]+\.)?({hosts})/|[\w./-]+(#[\w.%-]*)?$", href), href
        assert not href.startswith("//")
    assert "49" not in re.findall(r"(?<=>)49(?=<)", text), "a template ran"


def markdown(text: str, view: ReportView) -> None:
    """Only our own blocks, tables whose rows are whole, no link, no HTML."""
    for token in parsed(text):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in BLOCKS or token.type in ("inline", "fence"), token
        assert {child.type for child in token.children or ()} <= OURS
    for table in tables(text):
        assert {cells(line) for line in table} == {cells(table[0])}
    assert len(text) <= 60_000


def spreadsheet(text: str, view: ReportView) -> None:
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    assert len(rows) == len(view.findings) + len(view.waived)
    for row in rows:
        assert list(row) == list(COLUMNS)
        for value in row.values():
            assert not value.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
            assert len(value) <= 32_767
    assert from_csv(view) == expected(view)


def document(text: str, view: ReportView) -> None:
    assert faults(json.loads(text)) == []


def ocsf(text: str, view: ReportView) -> None:
    for line in text.splitlines():
        ComplianceFinding.model_validate(json.loads(line))
    assert from_ocsf(view) == expected(view)


@functools.cache
def _shape() -> Any:
    return get_session().get_service_model("securityhub").operation_model("BatchImportFindings").input_shape


def asff(text: str, view: ReportView) -> None:
    findings = json.loads(text)
    for start in range(0, len(findings), BATCH):
        report = ParamValidator().validate({"Findings": findings[start : start + BATCH]}, _shape())
        assert not report.has_errors(), report.generate_report()
    assert from_asff(view) == expected(view)


def sarif(text: str, view: ReportView) -> None:
    assert [error.message for error in SARIF.iter_errors(json.loads(text))] == []
    assert from_sarif(view) == expected(view)


def junit(text: str, view: ReportView) -> None:
    root = ElementTree.fromstring(text.encode())
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "testcase", "failure", "skipped", "properties", "property", "system-out",
    }  # fmt: skip
    assert len(list(root.iter("testcase"))) == view.counts.judged + view.counts.unknown


def prometheus(text: str, view: ReportView) -> None:
    names = {family.name for family in text_string_to_metric_families(text)}
    assert names
    assert all(name.startswith("auditor_") for name in names)
    assert all(re.match(r"#|auditor_", line) for line in text.splitlines() if line)


def terminal(text: str, view: ReportView) -> None:
    assert not {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def _summary(view: ReportView) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        print_summary(view, [], 50.0)
    return out.getvalue()


def _site(view: ReportView) -> str:
    """Every page of a site over two such accounts, checked one by one by the caller."""
    shown = [
        AccountView(
            view.account, view.title, folder_name(f"{number}{view.title}"), view.scan, view.status, view.when, summary_of(view),
            view.started[:10], 0, view.nights, {"compliance": "compliance.html"}, {},
        )
        for number in range(2)
    ]  # fmt: skip
    full = sample.inputs(1)
    actions = dict.fromkeys(full.checks, ("rds:DescribeDBInstances",))
    site = SiteView("1.0", "2026-06-15", full.standard, full.checks, actions, tuple(shown))
    return _APART.join(
        text for path, text in render_site(site) if re.search(r"index|accounts|asg-spans|availability-zones", path)
    )


_APART = "\n<!-- another page -->\n"


def pages(text: str, view: ReportView) -> None:
    assert text.count(_APART) >= 6
    for one in text.split(_APART):
        page(one, view)


MADE: Mapping[str, tuple[Callable[[ReportView], str | bytes], Callable[[str, ReportView], None]]] = {
    "compliance.html": (render_html, page),
    "cost.html": (render_cost_html, page),
    "executive.html": (render_executive_html, page),
    "site": (_site, pages),
    "compliance.md": (render_markdown, markdown),
    "cost.md": (render_cost_markdown, markdown),
    "json": (render_json, document),
    "csv": (render_csv, spreadsheet),
    "ocsf": (render_ocsf, ocsf),
    "asff": (render_asff, asff),
    "sarif": (render_sarif, sarif),
    "junit": (render_junit, junit),
    "prometheus": (render_prometheus, prometheus),
    "terminal": (_summary, terminal),
}


def test_every_format_is_in_the_matrix() -> None:
    assert {name.partition(".")[2] or name for name in MADE} >= set(FORMATS)


@pytest.mark.parametrize("format", MADE)
@pytest.mark.parametrize("kind", TEXTS)
def test_it_is_valid_and_the_text_is_only_text(kind: str, format: str) -> None:
    view = view_of(TEXTS[kind])
    make, check = MADE[format]
    made = make(view)
    text = made.decode("utf-8") if isinstance(made, bytes) else made
    text.encode("utf-8")  # no half of a character is left
    check(text, view)
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set("\n\r\ufeff")
    # A zero-width space of ours keeps GitHub from making links of Markdown; it is written as an entity.
    assert not hidden, sorted(map(ascii, hidden))


@pytest.mark.parametrize("kind", TEXTS)
def test_it_counts_what_a_harmless_account_counts(kind: str) -> None:
    """Nothing is lost, and nothing is there twice, for what a thing is called."""
    view, plain = view_of(TEXTS[kind]), view_of(HARMLESS)
    assert view.counts == plain.counts
    assert len(view.findings) == len(plain.findings)
    assert len(view.waived) == len(plain.waived) > 0
    assert view.severities == plain.severities


@pytest.mark.parametrize("partition", HOSTS)
@pytest.mark.parametrize("kind", TEXTS)
def test_an_address_leads_to_the_partitions_console_whatever_a_thing_is_called(kind: str, partition: str) -> None:
    text = TEXTS[kind]
    for name, id, region in (
        (text, f"arn:aws:rds:eu-west-1:1:db:{text}", "eu-west-1"),
        ("db", "arn:x", text),
        (text, text, text),
    ):
        for type in ("AWS::RDS::DBInstance", "AWS::IAM::AccessKey", "AWS::EC2::Volume", text):
            url = console_url(partition, type, id, name, region)
            assert not url or re.match(rf"https://([a-z0-9-]+\.)?{re.escape(HOSTS[partition])}/[\x21-\x7e]*$", url), url
            assert not set(url) & set("<>\"'` \\")


def test_hosts_are_those_of_the_three_partitions() -> None:
    assert HOSTS == {
        "aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com",
    }  # fmt: skip
    assert console_url("aws-iso", "AWS::RDS::DBInstance", "arn:x", "db", "eu-west-1") == ""


def test_what_is_invisible_is_seen_as_an_escape() -> None:
    assert visible(TEXTS["right to left"]).isprintable()
    assert r"\u202egnp.exe" in render_html(view_of(TEXTS["right to left"]))
