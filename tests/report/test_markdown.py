"""The Markdown reports: correct tables, every value as text, never cut in a row."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report import sample

from auditor.report import ReportView, build_view, render_cost_markdown, render_markdown
from auditor.report.markdown import LIMIT, escape


def tables(text: str) -> list[list[str]]:
    """Return the tables' lines; code blocks are no tables."""
    found: list[list[str]] = []
    fence = False
    before = ""
    for line in text.splitlines():
        fence ^= line.startswith("```")
        if line.startswith("|") and not fence:
            if not before.startswith("|"):
                found.append([])
            found[-1].append(line)
        before = "" if fence else line
    return found


def cells(line: str) -> int:
    """Count a row's cells as GitHub does: at every pipe that is not escaped."""
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) - 1


@pytest.mark.parametrize("render", [render_markdown, render_cost_markdown])
def test_every_row_has_as_many_cells_as_its_head(view: ReportView, render: object) -> None:
    assert callable(render)
    for table in tables(render(view)):
        assert re.fullmatch(r"\|(?::?-+:?\|)+", table[1]), table[:2]
        assert {cells(line) for line in table} == {cells(table[0])}


def test_it_fits_into_a_comment_whatever_the_scan(view: ReportView) -> None:
    for text in (render_markdown(view), render_cost_markdown(view)):
        assert len(text) <= LIMIT


@settings(max_examples=25, deadline=None)
@given(st.integers(60, 20_000))
def test_no_limit_cuts_a_row_or_leaves_a_block_open(limit: int) -> None:
    text = render_markdown(VIEW, limit)
    assert len(text) <= limit
    for table in tables(text):
        assert {cells(line) for line in table} == {cells(table[0])}
    assert len(re.findall(r"^`{3,}", text, re.MULTILINE)) % 2 == 0


VIEW = build_view(sample.inputs(3, hostile=True))


def test_what_does_not_fit_is_said(rich: ReportView) -> None:
    assert re.search(r"And \d+ more", render_markdown(rich, 20_000))
    assert "Cut off here" in render_markdown(rich, 5_000)


def test_counts_are_those_of_the_view(view: ReportView) -> None:
    text = render_markdown(view)
    # Where nothing could be judged, a zero would read as "nothing is wrong".
    shown = [f"{count:,}" if view.counts.judged else "\N{EN DASH}" for count in view.severities.values()]
    assert "| " + " | ".join([*shown, f"{view.counts.unknown:,}"]) + " |" in text
    assert view.findings == () or f"{len(view.findings):,} finding" in text
    assert len(re.findall(r"\| (?:Does not hold|Could not be read|Holds|Nothing to judge|Not judged) \(", text)) == 62


def test_hostile_names_are_text(hostile: ReportView) -> None:
    for text in (render_markdown(hostile), render_cost_markdown(hostile)):
        outside = re.sub(r"^(`{3,})sh\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert "<" not in outside.replace("<br>", "")
        assert not re.search(r"(?<!\\)\]\(", outside)
        assert not re.search(r"@\w", outside)
        assert "https://" not in outside
        assert "$" not in outside
        text.encode("utf-8")


@given(st.text())
def test_escaped_text_holds_no_live_markup(text: str) -> None:
    shown = escape(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[\]~]", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("[x](y)", r"\[x\](y)"),
        ("@all #12", r"@&#8203;all \#&#8203;12"),
        ("https://a.b www.c", "https:&#8203;//a.b www&#8203;.c"),
        ("$a$", "&#36;a&#36;"),
        ("one\ntwo", "one two"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_fixes_hold_the_resources_own_names(rich: ReportView) -> None:
    finding = next(finding for finding in rich.findings if finding.command)
    assert finding.command in render_markdown(rich)
