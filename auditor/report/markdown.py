"""The view as GitHub-flavoured Markdown, every value escaped, never cut in the middle of a row."""

import functools
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from auditor.catalog import bundled
from auditor.model import SEVERITY_WEIGHTS
from auditor.report.html import GRADES
from auditor.report.text import number, plural, score_text, short, type_words
from auditor.report.view import ReportView

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["LIMIT", "escape", "render_cost_markdown", "render_markdown"]

LIMIT = 60_000
"""Characters a Markdown report has at most: it fits into a comment on GitHub (65,536)."""

_ROWS = (500, 200, 100, 50, 25, 12, 6, 3, 1, 0)
"""How long lists may get; the first number with which the report fits is taken."""

_COMMANDS = 5
"""Commands shown of each check's fix."""

_LONGEST = 2000
"""Characters of a command that is shown; half a command is none."""

_SPECIAL = re.compile(r"[\\`*_\[\]|~]")
_BREAK = "&#8203;"
"""A zero-width space: it keeps GitHub from making links and mentions of what is only text."""


class _Done(str):
    """Markdown that is finished: it is not escaped again."""

    __slots__ = ()


def render_markdown(view: ReportView, limit: int = LIMIT) -> str:
    """Return the compliance report in at most LIMIT characters."""
    return _fitting("report.md.j2", view, limit)


def render_cost_markdown(view: ReportView, limit: int = LIMIT) -> str:
    """Return the cost report in at most LIMIT characters."""
    return _fitting("cost.md.j2", view, limit)


def escape(text: str) -> str:
    """Return TEXT so that GitHub shows it as it is: no markup, HTML, link, mention, issue reference, formula or entity."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?i)(?:(?<=https)|(?<=http)|(?<=ftp)):(?=//)", f":{_BREAK}", text)
    text = re.sub(r"(?i)\bwww(?=\.)", f"www{_BREAK}", text)
    text = re.sub(r"@(?=\w)", f"@{_BREAK}", text)
    return re.sub(r"(?<!&)#", f"\\#{_BREAK}", text)


def _fitting(template: str, view: ReportView, limit: int) -> str:
    page = _environment().get_template(template)
    text = ""
    commands: dict[str, list[str]] = defaultdict(list)
    for finding in view.findings:
        if 0 < len(finding.command) <= _LONGEST and len(commands[finding.check]) < _COMMANDS:
            commands[finding.check].append(finding.command)
    for rows in _ROWS:
        text = page.render(view=view, rows=rows, weights=SEVERITY_WEIGHTS, grades=GRADES, commands=commands)
        if len(text) <= limit:
            return text
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    """Return as many whole lines of TEXT as LIMIT allows, and a last line that says so."""
    notice = "\n*Cut off here for its length; the HTML report holds everything.*\n"
    kept, fence = "", ""
    for line in text.splitlines(keepends=True):
        opened = re.match(r"(`{3,}|~{3,})", line)
        after = fence
        if opened:
            after = "" if fence and line.startswith(fence) else fence or opened.group()
        if len(kept) + len(line) + len(after) + len(notice) + 1 > limit:
            break
        kept, fence = kept + line, after
    closing = f"{fence}\n" if fence else ""
    return f"{kept}{closing}{notice}" if limit > len(notice) else notice.strip()[:limit]


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
        number=number, plural=plural, score=score_text, short=short, type_words=type_words, usd=_usd, code=_code, fence=_fence,
    )  # fmt: skip
    return environment


def _finalize(value: object) -> str:
    return value if isinstance(value, _Done) else escape(str(value))


def _usd(value: float | None) -> str:
    """Return an amount without the sign that GitHub would take for a formula."""
    return "not priced" if value is None else f"{value:,.2f} USD"


def _runs(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _code(text: str) -> str:
    """Return TEXT as inline code, fit for a table's cell."""
    text = re.sub(r"\s+", " ", text).replace("|", "\\|")
    ticks = "`" * (_runs(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return _Done(f"{ticks}{pad}{text}{pad}{ticks}")


def _fence(text: str) -> str:
    """Return TEXT as a block of code."""
    ticks = "`" * max(3, _runs(text) + 1)
    return _Done(f"{ticks}sh\n{text}\n{ticks}")
