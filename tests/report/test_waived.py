"""What is waived is said with who, why and until when, in pages and in Markdown; what nobody wrote down is left out."""

import re

import pytest
from report.conftest import view_of
from report.test_markdown import cells, parsed, shape, tables

from auditor.report import render_html, render_markdown
from auditor.report.markdown import escape
from auditor.report.view import WaiverView

VIEW = view_of("waived")
WAIVERS = [*VIEW.waivers, *(finding.waiver for finding in VIEW.waived if finding.waiver)]


def page() -> str:
    """The part of the page about waivers, as a reader sees it."""
    part = render_html(VIEW).partition('<section id="waived"')[2].partition("</section>")[0]
    return re.sub(r"<[^>]+>", " ", part)


@pytest.mark.parametrize("waiver", dict.fromkeys(WAIVERS), ids=lambda waiver: waiver.state)
def test_who_why_and_until_when_stand_in_the_page_and_in_markdown(waiver: WaiverView) -> None:
    assert waiver.owner in page()
    assert f"until {waiver.until}" in page()
    assert "alert(1)" in page()
    text = render_markdown(VIEW, 1_000_000).partition("## Waived")[2]
    row = next(line for line in text.splitlines() if line.startswith(f"| {escape(waiver.subject)} |"))
    assert escape(waiver.owner) in row
    assert escape(waiver.reason[:20]) in row
    assert waiver.until in text


def test_what_has_no_origin_is_written_nowhere_and_the_sentence_is_whole() -> None:
    assert any(not waiver.source for waiver in WAIVERS)
    assert "written in waivers.toml:7" in page()
    assert not re.search(r"written in\s*(?:[;,.<]|$)", page(), re.MULTILINE)


def test_every_waiver_says_how_it_stands_and_what_it_waives() -> None:
    shown = re.sub(r"\s+", " ", page())
    assert f"Holds, and ends soon {len(VIEW.waived)} findings" in shown
    assert "Has ended 2 findings" in shown
    assert "Matches nothing 0 findings" in shown


def test_the_markdown_says_what_became_of_each_finding_and_how_each_bullet_moved() -> None:
    text = render_markdown(VIEW, 1_000_000)
    changes = text.partition("| What became of it |")[2].partition("\n## ")[0]
    told = re.findall(
        r"^\| (New|Back again|Could not be verified|Mended|Gone with its resource) \|", changes, re.MULTILINE
    )
    assert len(told) == sum(VIEW.changes.counts.values()) <= 60
    bullets = text.partition("## The standard")[2].partition("\n## ")[0]
    moved = [bullet for section in VIEW.sections for bullet in section.bullets if bullet.delta]
    assert moved
    for bullet in moved:
        assert f"| {bullet.delta:+.1f} |" in bullets


@pytest.mark.parametrize("limit", [200, 1_500, 3_000, 6_000, 9_000, 12_000, 20_000, 40_000, 60_000])
def test_no_limit_cuts_a_row(limit: int) -> None:
    text = render_markdown(VIEW, limit)
    assert len(text) <= limit
    for table in tables(text):
        assert {cells(line) for line in table} == {cells(table[0])}
    assert all(len(set(widths)) == 1 for widths in shape(parsed(text)))
