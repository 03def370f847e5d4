"""The Markdown reports: correct tables, every value as text, never cut in a row."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
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


PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {"text", "softbreak", "em_open", "em_close", "strong_open", "strong_close", "code_inline", "text_special"}
BLOCKS = {
    "heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def parsed(text: str) -> list[Token]:
    return PARSER.parse(text)


def shape(tokens: list[Token]) -> list[list[int]]:
    """Return for each table how many cells each of its rows has."""
    found: list[list[int]] = []
    for token in tokens:
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append(0)
        elif token.type in ("th_open", "td_open"):
            found[-1][-1] += 1
    return found


@pytest.mark.parametrize("limit", [LIMIT, 12_000, 4_000])
@pytest.mark.parametrize("render", [render_markdown, render_cost_markdown])
def test_a_parser_finds_our_tables_and_nothing_an_account_brought(
    view: ReportView, render: Callable[[ReportView, int], str], limit: int
) -> None:
    text = render(view, limit)
    tokens = parsed(text)
    written = [[cells(line) for line in table if not re.fullmatch(r"[|:-]+", line)] for table in tables(text)]
    assert shape(tokens) == written, "every table of ours is one, with every row"
    assert all(len(set(rows)) == 1 for rows in shape(tokens))
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in BLOCKS or token.type in ("inline", "fence"), token
        assert {child.type for child in token.children or ()} <= OURS, token.content
    titles = [
        token.content for before, token in pairwise(tokens) if before.type == "heading_open" and before.tag != "h1"
    ]
    outside = re.sub(r"^(`{3,})sh\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert len(titles) == len(re.findall("^#{2,3} ", outside, re.MULTILINE))


def test_a_reader_sees_a_hostile_name_as_it_is(hostile: ReportView) -> None:
    tokens = parsed(render_markdown(hostile))
    seen = "\n".join(
        "".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"
    ).replace("\u200b", "")
    for name in (sample.HOSTILE[0], sample.HOSTILE[1], sample.HOSTILE[3], sample.HOSTILE[11]):
        assert name in seen


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
@example(1664).via("a head of a section that just fits, and what is said then does not")
def test_no_limit_cuts_a_row_or_leaves_a_block_open(limit: int) -> None:
    text = render_markdown(VIEW, limit)
    assert len(text) <= limit
    for table in tables(text):
        assert {cells(line) for line in table} == {cells(table[0])}
    assert len(re.findall(r"^`{3,}", text, re.MULTILINE)) % 2 == 0


VIEW = build_view(sample.inputs(3, hostile=True))


def test_what_does_not_fit_is_said(rich: ReportView) -> None:
    assert re.search(r"And \d+ more", render_markdown(rich, 20_000))
    text = render_markdown(rich, 5_000)
    assert text.rstrip().splitlines()[-1].startswith("*Cut off here for its length; left out: the rest of ")
    whole = re.findall("^## (.*)", render_markdown(rich), re.MULTILINE)
    there = re.findall("^## (.*)", text, re.MULTILINE)
    assert [title for title in whole if title in text] == whole, "a section is there, or named as left out"
    assert there == whole[: len(there)]


def test_the_five_questions_are_answered_first(rich: ReportView) -> None:
    text = render_markdown(rich).partition("##")[0]
    for question in ("Better or worse", "Most dangerous", "Not seen", "Money", "First to do"):
        assert f"- **{question}:** " in text
    assert f"{rich.money.total:,.2f} USD a month can be saved" in text
    assert rich.checks[rich.risks[0].check].title.rstrip(".") in text


def test_the_last_nights_are_a_table(rich: ReportView) -> None:
    rows = re.findall(r"^\| \d{4}-\d\d-\d\d \|.*", render_markdown(rich), re.MULTILINE)
    assert len(rows) == 14
    assert f"| {rich.scan} | {int(rich.score or 0)} |" in rows[-1]


def test_counts_are_those_of_the_view(view: ReportView) -> None:
    text = render_markdown(view)
    # Where nothing could be judged, a zero would read as "nothing is wrong".
    shown = [f"{count:,}" if view.counts.judged else "\N{EN DASH}" for count in view.severities.values()]
    assert "| " + " | ".join([*shown, f"{view.counts.unknown:,}"]) + " |" in text
    assert not view.findings or f"{len(view.findings):,} finding" in text
    assert len(re.findall(r"\| (?:Does not hold|Could not be read|Holds|Nothing to judge|Not judged) \(", text)) == 62


def test_hostile_names_are_text(hostile: ReportView) -> None:
    for text in (render_markdown(hostile), render_cost_markdown(hostile)):
        outside = re.sub(r"^(`{3,})sh\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert "<" not in outside
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
        ("GH-12 gh-7", "GH-&#8203;12 gh-&#8203;7"),
        ("arn:aws:x::1:secret:n", "arn:&#8203;aws:&#8203;x::&#8203;1:&#8203;secret:n"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_fixes_hold_the_resources_own_names(rich: ReportView) -> None:
    finding = next(finding for finding in rich.findings if finding.command)
    assert finding.command in render_markdown(rich)
