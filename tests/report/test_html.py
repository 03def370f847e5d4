"""The HTML reports: one file, nothing loads, nothing runs but our script, everything is there without it."""

import base64
import dataclasses
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote

import pytest
from report import sample
from report.page import Page, parse

from auditor.kit import Fix
from auditor.model import CoverageState, Verdict
from auditor.report import ReportView, build_view, render_cost_html, render_executive_html, render_html, render_markdown
from auditor.report.block import COLUMNS
from auditor.report.html import FEW, GRADES, ROWS, _scripts
from auditor.report.links import HOSTS
from auditor.report.tags import environment, owner
from auditor.report.text import type_words
from auditor.report.view import FindingView, ScopeRow
from auditor.score import LETTERS

ORDER = [
    "verdict", "coverage", "changes", "trend", "risks", "standard", "money", "findings", "unread", "waived", "method", "checks",
]  # fmt: skip


def both(view: ReportView) -> list[str]:
    return [render_html(view), render_cost_html(view), render_executive_html(view)]


def block(page: Page) -> dict[str, Any]:
    """Return the legend, with the columns under ``rows``, as the page's script reads them."""
    legend, *lines = (json.loads(zlib.decompress(base64.b64decode(line))) for line in page.one("data").text.split())
    runs, kinds = legend["runs"], legend["kinds"]
    assert legend["columns"] == list(COLUMNS)
    rows = {name: list(_whole(runs, pieces)) for name, pieces in zip(COLUMNS, lines, strict=False) if name != "tags"}
    tags = [_groups(groups, length) for groups, length in zip(lines[COLUMNS.index("tags")], runs, strict=True)]
    rows["tags"] = [
        ", ".join(f"{key}={value}" for kind, values in told for key, value in zip(kinds[kind], values, strict=True))
        for told in chain.from_iterable(tags)
    ]
    pages = lines[len(COLUMNS) :]
    assert [sum(len(page) for page in pages[:number]) for number in range(len(pages))] == legend["pages"]
    said = [_groups(groups, length) for groups, length in zip(chain.from_iterable(pages), runs, strict=True)]
    rows["evidence"] = [
        [_evidence(kinds, rows, row, *item) for item in items] for row, items in enumerate(chain.from_iterable(said))
    ]
    return {**legend, "rows": rows}


def _whole(runs: list[int], pieces: list[Any]) -> Iterator[Any]:
    for length, piece in zip(runs, pieces, strict=True):
        yield from (_at(piece, place) for place in range(length))


def _at(piece: Any, place: int) -> Any:
    if isinstance(piece, dict):
        return piece["of"][piece["at"][place]]
    return piece[place] if isinstance(piece, list) else piece


def _groups(groups: list[list[Any]], length: int) -> list[list[tuple[int, list[Any]]]]:
    """Return for each finding of a run the kind of what is said of it, and what that is."""
    told: list[list[tuple[int, list[Any]]]] = [[] for _ in range(length)]
    for kind, where, *pieces in groups:
        for at, place in enumerate(where or range(length)):
            told[place].append((kind, [_at(piece, at) for piece in pieces]))
    return told


def _evidence(kinds: list[list[str]], rows: dict[str, list[Any]], row: int, kind: int, said: list[Any]) -> list[Any]:
    sentence, *values = said
    name = rows["name"][row]
    own = {"\x01": name, "\x02": rows["resource"][row].replace("\x01", name)}
    pairs = zip(kinds[kind], values, strict=True)
    return [
        rows["sentence"][row] if sentence == 0 else sentence,
        [[field, own.get(text, text)] for field, text in pairs],
    ]


def test_it_is_a_well_formed_page(view: ReportView) -> None:
    for text in both(view):
        assert text.startswith("<!doctype html>")
        page = parse(text)
        ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(view: ReportView) -> None:
    for text in both(view):
        page = parse(text)
        ids = {element.attributes.get("id") for element in page.elements}
        for link in page.all("a"):
            href = link.attributes["href"]
            assert not href.startswith("#") or href[1:] in ids, href
        for use in page.all("use"):
            assert use.attributes["href"][1:] in ids


def test_nothing_is_loaded_and_links_lead_to_aws_only(view: ReportView) -> None:
    for text in both(view):
        page = parse(text)
        for element in page.elements:
            assert element.tag not in {"link", "img", "iframe", "object", "embed", "base", "video", "audio", "source"}
            assert "src" not in element.attributes
            assert "style" not in element.attributes
            assert not [name for name in element.attributes if name.startswith("on")]
            href = element.attributes.get("href", "#")
            hosts = "|".join(re.escape(host) for host in HOSTS.values())
            assert href.startswith("#") or re.match(rf"https://([a-z0-9-]+\.)?({hosts})/", href), href
        assert not re.search(r"url\(|@import", page.all("style")[0].text)


def unpacked(text: str) -> list[str]:
    return [str(held) for held in json.loads(zlib.decompress(base64.b64decode(text)))]


def test_the_policy_allows_our_style_and_script_by_hash_and_nothing_else(view: ReportView) -> None:
    for text in both(view):
        page = parse(text)
        (meta,) = [m for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"]
        policy = dict(part.strip().partition(" ")[::2] for part in meta.attributes["content"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["img-src"] == "data:"
        assert "unsafe" not in meta.attributes["content"]
        scripts = [element.text for element in page.all("script") if "type" not in element.attributes]
        packed = [element for element in page.all("script") if element.attributes.get("id") == "code"]
        scripts += [text for element in packed for text in unpacked(element.text)]
        for directive, texts in [("style-src", [page.all("style")[0].text]), ("script-src", scripts)]:
            digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
            assert policy[directive] == " ".join(f"'sha256-{digest}'" for digest in digests)
        assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_parts_come_in_the_order_of_a_readers_questions(view: ReportView) -> None:
    page = parse(render_html(view))
    sections = [e.attributes["id"] for e in page.all("section") if e.path[-1:] == ("main",)]
    assert sections == ORDER
    assert len(page.all("h1")) == 1
    assert page.all("h1")[0].text == f"{view.verdict}."


def test_the_counts_are_those_of_the_view(view: ReportView) -> None:
    page = parse(render_html(view))
    rows = page.all("tr", class_="row")
    assert len(rows) == min(len(view.findings), ROWS)
    assert len([e for e in page.elements if e.attributes.get("id", "").startswith("b-")]) == 62
    if view.findings:
        columns = block(page)["rows"]
        assert {len(column) for column in columns.values()} == {len(view.findings)}
        assert columns["verdict"].count(0) == view.counts.failed - view.counts.waived
        assert columns["name"] == [finding.name for finding in view.findings]


def whole(columns: dict[str, Any], row: int) -> dict[str, Any]:
    """Return what the page's script says of a row, in a finding's words."""
    rows = columns["rows"]
    name = rows["name"][row]
    id = rows["resource"][row].replace("\x01", name)
    parts = id.split("/")
    own = {"\x01": name, "\x02": id, "\x03": re.sub("^.*[:/]", "", id), "\x04": parts[-3] if len(parts) > 3 else name}

    def put(text: str, encode: Callable[[str], str]) -> str:
        return re.sub("[\x01-\x04]", lambda mark: encode(own[mark[0]]), text)

    return {
        "check": columns["checks"][rows["check"][row]][0],
        "severity": columns["severities"][rows["severity"][row]],
        "verdict": columns["verdicts"][rows["verdict"][row]].lower(),
        "type": columns["types"][rows["type"][row]],
        "region": columns["regions"][rows["region"][row]],
        "account": columns["accounts"][rows["account"][row]],
        "name": name,
        "resource": id,
        "sentence": rows["sentence"][row],
        "evidence": rows["evidence"][row],
        "reason": rows["reason"][row],
        "command": put(rows["command"][row], str),
        "console": put(rows["console"][row], lambda text: quote(text, safe="~")),
        "day": columns["days"][rows["since"][row]],
        "tags": put(rows["tags"][row], str),
        "owner": columns["owners"][rows["owner"][row]],
        "environment": columns["environments"][rows["environment"][row]],
        "history": rows["history"][row],
        "fresh": rows["fresh"][row],
    }


def told(view: ReportView, finding: FindingView) -> dict[str, Any]:
    """Return the same of a finding itself."""
    fresh = not view.changes.first and finding.lifecycle in ("opened", "reopened")
    return {
        **{name: getattr(finding, name) for name in ("check", "severity", "verdict", "region", "account", "name")},
        **{name: getattr(finding, name) for name in ("resource", "sentence", "reason", "command", "console", "day")},
        "type": type_words(finding.type),
        "evidence": [[item.sentence, [list(fact) for fact in item.facts]] for item in finding.evidence],
        "tags": ", ".join(f"{key}={value}" for key, value in finding.tags.items()),
        "owner": owner(finding.tags),
        "environment": environment(finding.tags),
        "history": ", ".join(turn.words for turn in finding.history),
        "fresh": int(fresh),
    }


def test_what_the_script_unpacks_is_every_finding_word_for_word(view: ReportView) -> None:
    if view.findings:
        columns = block(parse(render_html(view)))
        assert [whole(columns, row) for row in range(columns["count"])] == [told(view, held) for held in view.findings]


_FACTS = (
    """x --name {name} --id {id} --of {facts.%s} --in Zones={facts.zones} '{"a":"{facts.observed}"}' --n {facts.none}"""
)


@pytest.mark.parametrize("field", ["VolumeId", "DBInstanceIdentifier", "GroupId"])
def test_what_the_script_unpacks_of_commands_that_name_facts_is_word_for_word_too(field: str) -> None:
    full = sample.inputs(len(sample.HOSTILE), hostile=True)
    fix = Fix(_FACTS % field)
    view = build_view(
        dataclasses.replace(full, checks={id: dataclasses.replace(check, fix=fix) for id, check in full.checks.items()})
    )
    columns = block(parse(render_html(view)))
    commands = [whole(columns, row)["command"] for row in range(len(view.findings))]
    assert commands == [finding.command for finding in view.findings]
    said = {name: value for finding in view.findings for item in finding.evidence[:1] for name, value in item.facts}
    assert {field, "zones", "observed"} <= set(said)
    assert any("--in Zones=a " in command and " --n NONE" in command for command in commands)


def test_failures_stand_in_the_page_before_what_is_unknown() -> None:
    view = build_view(sample.inputs(40))
    heads = parse(render_html(view)).all("tr", class_="of")
    unknown = [head.text.startswith("Unknown") for head in heads]
    assert unknown == sorted(unknown)
    assert set(unknown) == {True, False}


def test_a_finding_shows_all_one_needs_without_a_script(rich: ReportView) -> None:
    page = parse(render_html(rich))
    rows = page.all("tr", class_="row")
    assert len(rows) == min(len(rich.findings), ROWS)
    for row, finding in zip(rows, rich.findings, strict=False):
        for wanted in (finding.name, finding.sentence, finding.command, finding.resource, finding.day, finding.region):
            assert wanted in row.text
        for name, value in (fact for item in finding.evidence for fact in item.facts):
            assert name in row.text or value in (finding.name, finding.resource)
            assert value in row.text
    heads = "".join(head.text for head in page.all("tr", class_="of"))
    for finding in rich.findings[:ROWS]:
        check = rich.checks[finding.check]
        assert check.title in heads
        assert finding.verdict is not Verdict.FAIL or check.terraform in heads


@pytest.mark.parametrize("size", [20, 120])
def test_without_a_script_few_findings_have_tags_and_link_and_more_of_them_whose_they_are(size: int) -> None:
    view = build_view(sample.inputs(size))
    few = len(view.findings) <= FEW
    assert few == (size == 20)
    rows = parse(render_html(view)).all("tr", class_="row")
    assert len(rows) == min(len(view.findings), ROWS)
    assert any(finding.console for finding in view.findings)
    for row, finding in zip(rows, view.findings, strict=False):
        assert owner(finding.tags) in row.text
        assert ("AWS console" in row.text) == (few and bool(finding.console))
        for key, value in finding.tags.items() if few else ():
            assert f"{key}={value}" in row.text


def test_every_check_that_ran_has_its_page_in_the_file(rich: ReportView) -> None:
    page = parse(render_html(rich))
    for check in rich.checks.values():
        assert page.one(f"check-{check.id}").tag == "details"


def test_hostile_names_are_text_and_nothing_else(hostile: ReportView) -> None:
    for text in both(hostile):
        page = parse(text)
        ours = [script.strip() for script in _scripts()]
        assert {e.text.strip() for e in page.all("script") if "type" not in e.attributes} <= set(ours)
        assert not page.all("img")
        assert len(page.all("style")) == 1
        assert not [e for e in page.all("a") if e.attributes["href"].startswith("javascript")]
        assert hostile.title in page.all("main")[0].text or "{{ 7*7 }}{% raw %}" in page.all("main")[0].text
        text.encode("utf-8")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", text)


def test_long_texts_lose_their_middle_in_the_table_and_are_whole_in_the_details(hostile: ReportView) -> None:
    page = parse(render_html(hostile))
    names = [element for element in page.all("b") if element.path[-2:] == ("tr", "td")]
    assert names
    assert all(len(element.text) <= 64 for element in names)
    assert any("x" * 10_000 in element.text for element in page.all("dd"))


def test_the_account_name_cannot_break_out_of_the_title(hostile: ReportView) -> None:
    (title,) = parse(render_html(hostile)).all("title")[:1]
    assert title.text.startswith(sample.HOSTILE[0])


def test_many_findings_stay_a_small_file() -> None:
    view = build_view(sample.inputs(900))
    assert len(view.findings) > 5000
    assert len(render_html(view).encode()) < 3_000_000


def test_a_thousand_findings_are_a_light_file() -> None:
    view = build_view(sample.inputs(154))
    assert len(view.findings) > 1000
    assert len(render_html(view).encode()) < 700_000


def test_a_first_scan_has_no_column_of_dates_that_are_all_the_same() -> None:
    first = build_view(sample.inputs(3, first=True))
    heads = [e.attributes["data-key"] for e in parse(render_html(first)).all("th") if "data-key" in e.attributes]
    assert heads == ["severity", "name", "finding", "region"]
    assert "since" not in parse(render_cost_html(first)).one("items").text
    assert "Since" not in render_markdown(first)


def test_services_that_hold_nothing_share_a_line(rich: ReportView) -> None:
    rows = (ScopeRow("EC2", {CoverageState.COMPLETE: 3}, 7), ScopeRow("Batch", {CoverageState.COMPLETE: 3}, 0))
    view = dataclasses.replace(rich, coverage=dataclasses.replace(rich.coverage, services=rows))
    page = parse(render_html(view))
    (table,) = [e for e in page.all("table") if "By service" not in e.text and "Scopes of each service" in e.text]
    assert "EC2" in table.text
    assert "Batch" not in table.text
    assert "1 service was read besides, and holds nothing: Batch." in page.one("coverage").text


def test_empty_states_say_so() -> None:
    found = parse(render_html(build_view(sample.nothing_found())))
    assert "No findings: everything that could be judged passes." in found.one("findings").text
    assert "Nothing is waived." in found.one("waived").text
    unread = parse(render_html(build_view(sample.nothing_read())))
    assert "because nothing could be judged" in unread.one("findings").text
    assert "100 of 100" not in unread.all("main")[0].text
    cost = parse(render_cost_html(build_view(sample.nothing_read()))).all("main")[0].text
    assert "not known" in cost
    assert "No savings were found" not in cost
    assert "could be priced" not in cost
    first = parse(render_html(build_view(sample.inputs(3, first=True))))
    assert "first scan of the account" in first.one("changes").text


def test_a_table_that_sorts_says_how(rich: ReportView) -> None:
    heads = [e for e in parse(render_html(rich)).all("th") if "data-key" in e.attributes]
    assert len(heads) == 5
    assert [head.attributes["aria-sort"] for head in heads if "aria-sort" in head.attributes] == ["ascending"]


def test_every_table_has_a_caption_and_every_chart_a_title(rich: ReportView) -> None:
    for text in both(rich):
        page = parse(text)
        assert len(page.all("caption")) == len(page.all("table"))
        ids = {element.attributes.get("id") for element in page.elements}
        for svg in page.all("svg"):
            labels = svg.attributes.get("aria-labelledby", "").split()
            # A small line names itself by the title within.
            named = set(labels) <= ids if labels else svg.attributes.get("role") == "img" and svg.text.strip()
            assert svg.attributes.get("aria-hidden") == "true" or named


def test_the_cost_page_shows_price_source_and_date_of_every_amount(rich: ReportView) -> None:
    text = parse(render_cost_html(rich)).one("items").text
    for item in rich.money.items:
        assert item.formula.replace(" x ", " \N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}") in text
        for price in item.prices:
            assert f"{price.item}: ${price.usd:.6g} per {price.unit}, price table of {price.as_of}" in text


def test_what_is_not_priced_is_listed_on_the_cost_page(rich: ReportView) -> None:
    text = parse(render_cost_html(rich)).one("unpriced").text
    assert rich.money.unpriced
    assert all(item.finding.name in text for item in rich.money.unpriced)


def test_the_grades_explained_are_the_grades_given() -> None:
    *graded, (_, last) = LETTERS
    assert ", ".join(f"{letter} from {least:g}" for least, letter in graded) + f", else {last}" == GRADES


@pytest.mark.parametrize("state", ["rich", "many"])
def test_the_page_says_how_many_findings_it_leaves_to_the_script(state: str) -> None:
    view = build_view(sample.STATES[state]())
    note = parse(render_html(view)).one("static").text
    assert (f"{ROWS} of" in note) == (len(view.findings) > ROWS)
    assert f"{len(view.findings):,}" in note


def test_unknown_findings_never_offer_a_fix(rich: ReportView) -> None:
    assert all(not finding.command for finding in rich.findings if finding.verdict is Verdict.UNKNOWN)


def test_the_executive_page_says_the_month_and_at_most_five_risks(view: ReportView) -> None:
    page = parse(render_executive_html(view))
    main = page.all("main")[0].text
    assert view.verdict in main
    assert len([e for e in page.all("li") if "ol" in e.path]) == min(5, len(view.risks))
    if view.money.items:
        assert f"${view.money.total:,.0f}" in main


def test_the_month_compares_only_nights_that_were_asked_the_same(rich: ReportView) -> None:
    main = parse(render_executive_html(rich)).all("main")[0].text
    first = next(night for night in rich.nights if night.comparable)
    assert f"Since {first.day}" in main
    alone = dataclasses.replace(rich, nights=rich.nights[-1:])
    assert "no earlier night" in parse(render_executive_html(alone)).all("main")[0].text
