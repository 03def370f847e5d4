"""The view as GitHub-flavoured Markdown, every value escaped, never cut in the middle of a row."""

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor.catalog import bundled
from auditor.model import SEVERITY_WEIGHTS
from auditor.report.html import GRADES
from auditor.report.text import brief, number, plural, score_text, short, type_words
from auditor.report.view import ReportView

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["LIMIT", "escape", "render_cost_markdown", "render_markdown"]

LIMIT = 60_000
"""Characters a Markdown report has at most if nothing else is said: it fits into a comment on GitHub (65,536)."""

_ROWS = (
    (500, True), (200, True), (100, True), (50, True), (25, True), (12, True), (6, True),
    (12, False), (6, False), (3, False), (1, False), (0, False),
)  # fmt: skip
"""How long lists may get, and whether the bullets are among them; the first pair with which the report fits is taken."""

_NIGHTS = 14
"""Nights shown of the trend."""

_SPECIAL = re.compile(r"[\\`*_\[\]|~]")
_BREAK = "&#8203;"
"""A zero-width space: it keeps GitHub from making links and mentions of what is only text."""


class _Done(str):
    """Markdown that is finished: it is not escaped again. What a template's macro gives is: its values were escaped in it."""

    __slots__ = ()


def render_markdown(view: ReportView, limit: int = LIMIT) -> str:
    """Return the compliance report in at most LIMIT characters."""
    return _fitting("report.md.j2", view, limit)


def render_cost_markdown(view: ReportView, limit: int = LIMIT) -> str:
    """Return the cost report in at most LIMIT characters."""
    return _fitting("cost.md.j2", view, limit)


def escape(text: str) -> str:
    """Return TEXT so that GitHub shows it as it is: no markup, HTML, link, mention, emoji, issue reference, formula or entity."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?i)(?:(?<=https)|(?<=http)|(?<=ftp)):(?=//)", f":{_BREAK}", text)
    text = re.sub(r"(?i)\bwww(?=\.)", f"www{_BREAK}", text)
    text = re.sub(r"@(?=\w)", f"@{_BREAK}", text)
    text = re.sub(r"(?i)\b(GH-)(?=\d)", rf"\1{_BREAK}", text)
    text = re.sub(r":(?=[\w+-]+:)", f":{_BREAK}", text)
    return re.sub(r"(?<!&)#", f"\\#{_BREAK}", text)


def _fitting(template: str, view: ReportView, limit: int) -> str:
    page = _environment().get_template(template)
    text = ""
    for rows, bullets in _ROWS:
        text = page.render(
            view=view,
            rows=rows,
            bullets=bullets,
            nights=_NIGHTS,
            weights=SEVERITY_WEIGHTS,
            grades=GRADES,
            commands=view.commands,
        )
        text = f"{text.rstrip()}\n"
        if len(text) <= limit:
            return text
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    """Return as many whole lines of TEXT as LIMIT allows, and a last line that says which sections are missing."""
    lines = text.splitlines(keepends=True)
    kept, fence, number = "", "", 0
    for number, line in enumerate(lines):
        opened = re.match(r"(`{3,}|~{3,})", line)
        after = fence
        if opened:
            after = "" if fence and line.startswith(fence) else fence or opened.group()
        # What is said grows by a line that begins a section: its rest is missing then.
        if len(kept) + len(line) + len(after) + len(_notice(lines, number + 1)) + 3 > limit:
            break
        kept, fence = kept + line, after
    notice = _notice(lines, number)
    closing = f"{fence}\n" if fence else ""
    return f"{kept}{closing}\n{notice}\n" if limit > len(notice) + 2 else _SHORTEST[:limit]


_SHORTEST = "*Cut off for its length.*"


def _notice(lines: Sequence[str], number: int) -> str:
    """Return what to say where LINES are cut before line NUMBER: which section is not whole and which are not there."""
    inside, titles = "", []
    fence = ""
    for at, line in enumerate(lines):
        if opened := re.match(r"`{3,}", line):
            fence = "" if fence and line.startswith(fence) else fence or opened.group()
        elif not fence and line.startswith("## "):
            if at < number:
                inside = line[3:].strip()
            else:
                titles.append(line[3:].strip())
    rest = ([f"the rest of {inside}"] if inside else []) + titles
    left_out = f"; left out: {', '.join(rest)}" if rest else ""
    return f"*Cut off here for its length{left_out}. {_WHOLE}*"


_WHOLE = "The HTML report holds everything."


@functools.cache
def _environment() -> "Environment":
    """Return Jinja with every value escaped for Markdown, and an error for every name that does not exist."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(bundled("reports") / "templates"),
        autoescape=False,  # noqa: S701  (finalize escapes for Markdown; HTML's escapes would be shown as text)
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        brief=brief, number=number, plural=plural, score=score_text, short=short, type_words=type_words,
        usd=_usd, code=_code, fence=_fence, capital=_capital, done=_Done,
    )  # fmt: skip
    return environment


def _finalize(value: object) -> str:
    return value if isinstance(value, _Done) else escape(str(value))


def _capital(text: str) -> str:
    """Return TEXT with its first letter made a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def _usd(value: float | None) -> str:
    """Return an amount without the sign that GitHub would take for a formula."""
    return "not priced" if value is None else f"{value:,.2f} USD"


def _runs(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _code(text: str) -> str:
    """Return TEXT as inline code; in a table its pipes would end the cell."""
    text = re.sub(r"\s+", " ", text)
    ticks = "`" * (_runs(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return _Done(f"{ticks}{pad}{text}{pad}{ticks}")


def _fence(text: str) -> str:
    """Return TEXT as a block of code."""
    ticks = "`" * max(3, _runs(text) + 1)
    return _Done(f"{ticks}sh\n{text}\n{ticks}")
