"""The view as HTML: one file each, no network, nothing that runs but our own script."""

import base64
import functools
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditor.catalog import bundled
from auditor.model import SEVERITY_WEIGHTS, Certainty, CoverageState
from auditor.report.block import block_text
from auditor.report.charts import HEIGHT, SMALL, WIDTH, charts, small, sparkline
from auditor.report.month import month
from auditor.report.packed import pack
from auditor.report.tags import owner
from auditor.report.text import amount, brief, json_text, number, plural, score_text, short, type_words, visible
from auditor.report.view import CoverageView, FindingView, MoneyView, PriceView, ReportView, Standing, Way

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["GRADES", "ROWS", "look", "render_cost_html", "render_executive_html", "render_html", "render_page"]

ROWS = 500
"""Findings that stand in the page itself, readable without JavaScript."""
FEW = 250
"""Findings up to which each has all its tags and its link there; of more, only whose it is: the page must stay light."""

GRADES = "A from 90, B from 80, C from 70, D from 60, else F"
_SIGNS = {
    Standing.BROKEN: "broken",
    Standing.UNREAD: "unread",
    Standing.HOLDS: "holds",
    Standing.EMPTY: "empty",
    Standing.UNJUDGED: "unjudged",
}
_CLAUSES = {
    Standing.BROKEN: ("does not hold", "do not hold"),
    Standing.UNREAD: ("could not be read", "could not be read"),
    Standing.HOLDS: ("holds", "hold"),
    Standing.EMPTY: ("has nothing to judge", "have nothing to judge"),
    Standing.UNJUDGED: ("is not judged", "are not judged"),
}
_STATE_NAMES = {
    CoverageState.COMPLETE: "read",
    CoverageState.NOT_OFFERED: "not offered there",
    CoverageState.PARTIAL: "read in part",
    CoverageState.DENIED: "denied",
    CoverageState.FAILED: "failed",
}
_CERTAINTY_NAMES = {Certainty.EXACT: "exact", Certainty.ESTIMATE: "estimate", Certainty.UPPER_BOUND: "upper bound"}


def render_html(view: ReportView, others: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the compliance report as one self-contained HTML document; OTHERS: title -> file of the documents beside it."""
    contents = [
        ("verdict", "Verdict", None),
        ("coverage", "Coverage", None),
        ("changes", "Changes", None),
        ("trend", "Trend", None),
        ("risks", "Top risks", None),
        ("standard", "The standard", sum(view.standings.values())),
        ("money", "Money", None),
        ("findings", "Findings", len(view.findings)),
        ("unread", "Not read", len(view.coverage.gaps)),
        ("waived", "Waived and attested", len(view.waived) + len(view.attestations)),
        ("method", "The score", None),
        ("checks", "Checks", sum(check.ran for check in view.checks.values())),
    ]
    block = block_text(view)
    return _render("report.html.j2", view, others, contents=contents, block=block)


def render_executive_html(view: ReportView, others: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return one printed side for the month as a self-contained HTML document; OTHERS as for ``render_html``."""
    return _render("executive.html.j2", view, others, month=month(view))


def render_cost_html(view: ReportView, others: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the cost report as one self-contained HTML document; OTHERS as for ``render_html``."""
    contents: list[tuple[str, str, int | None]] = [("total", "Total", None)]
    if charts(view.nights):
        contents.append(("trend", "Trend", None))
    if view.money.items:
        contents += [("ways", "How it is saved", None), ("shares", "Where it lies", None)]
    mended = [item for item in view.money.items if item.way is not Way.COMMITMENTS]
    if mended:
        contents.append(("items", "Savings", len(mended)))
    if view.money.items or view.money.unpriced:
        contents.append(("unpriced", "Not priced", len(view.money.unpriced)))
    contents += [
        ("commitments", "Commitments", len(view.spending.commitments)),
        ("anomalies", "Anomalies", len(view.spending.anomalies)),
        ("budgets", "Budgets", len(view.spending.budgets)),
        ("bullets", "The standard", None),
        ("method", "The amounts", None),
    ]
    return _render("cost.html.j2", view, others, contents=contents)


@functools.cache
def look() -> str:
    """Return a digest of all that pages are made with: templates, style, scripts and the library."""
    held = hashlib.sha256()
    for path in sorted(path for name in ("templates", "vendor") for path in (bundled("reports") / name).rglob("*")):
        held.update(path.read_bytes() if path.is_file() else b"")
    return held.hexdigest()


def render_page(template: str, **values: Any) -> str:
    """Return a page beside the reports, in their frame: the same style, script and policy. VALUES are the template's own."""
    framed = _frame(_scripts()[:1], _style("style.css", "site.css"))
    framed |= {"signs": _SIGNS, "grades": GRADES, "chart_size": (WIDTH, HEIGHT)}
    return _environment().get_template(template).render(framed | values)


def _frame(scripts: Sequence[str], style: str) -> dict[str, Any]:
    """Return what the frame needs: STYLE and the first of SCRIPTS, and the policy that allows them, the others and nothing else."""
    from markupsafe import Markup

    allowed = " ".join(f"'{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"csp": Markup(policy), "style": Markup(style), "script": Markup(scripts[0])}  # noqa: S704


def _render(template: str, view: ReportView, others: Mapping[str, str], block: str = "", **more: Any) -> str:
    bullets = {bullet.id: bullet.name for section in view.sections for bullet in section.bullets}
    values: dict[str, Any] = {
        "view": view,
        "code": _packed_scripts() if block else "",
        "rows": ROWS,
        "few": FEW,
        "signs": _SIGNS,
        "weights": SEVERITY_WEIGHTS,
        "grades": GRADES,
        "bullets": bullets,
        "others": {name: quote(file) for name, file in others.items()},
        "block": block,
        "charts": charts(view.nights),
        "chart_size": (WIDTH, HEIGHT),
        "small_size": SMALL,
        "small": functools.partial(small, view.nights),
        "sparks": {section.id: sparkline(view.nights, section.id) for section in view.sections},
    }
    frame = _frame(_scripts() if block else _scripts()[:1], _style("style.css"))
    return _environment().get_template(template).render(frame | values | more)


@functools.cache
def _environment() -> "Environment":
    """Return Jinja with everything escaped, and an error for every name that does not exist."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(bundled("reports") / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    return environment


@functools.cache
def _style(*names: str) -> str:
    text = "".join((bundled("reports") / "templates" / name).read_text(encoding="utf-8") for name in names)
    bare = re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    # Spaces around braces and after a colon say nothing; those within the quotes of a `content` are kept.
    return re.sub(r'("[^"]*")| ?([{}]) ?|([:;]) ', lambda found: found[1] or found[2] or found[3], bare)


@functools.cache
def _scripts() -> tuple[str, ...]:
    """Return the page's script, the vendored table library, and the findings table's script."""
    own = [_without_indents(name) for name in ("script.js", "table.js")]
    library = (bundled("reports") / "vendor" / "tanstack.js").read_text(encoding="utf-8").strip()
    return own[0], library, own[1]


@functools.cache
def _packed_scripts() -> str:
    """Return what the page's script starts when there is a table; packed, it is a third as large."""
    return pack(_scripts()[1:])


def _without_indents(name: str) -> str:
    """Return a script without its indents and the lines that are comments only."""
    text = (bundled("reports") / "templates" / name).read_text(encoding="utf-8")
    return re.sub(r"\n(?://[^\n]*|/\*\*[^\n]*\*/)?(?=\n)", "", re.sub(r"\n\s+", "\n", f"\n{text}")).strip()


def _digest(text: str) -> str:
    """Return the hash by which a content security policy names an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _percent(value: float) -> str:
    """Return a share that never looks like all when it is not: 99.96 is 99.9%."""
    return "100%" if value >= 100 else f"{int(value * 10) / 10:g}%"


def _standings(count: int, standing: Standing) -> str:
    """Return ``20 do not hold``."""
    one, many = _CLAUSES[standing]
    return f"{count:,} {one if count == 1 else many}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes}\N{NO-BREAK SPACE}min\N{NO-BREAK SPACE}{rest}\N{NO-BREAK SPACE}s"
        if minutes
        else f"{rest}\N{NO-BREAK SPACE}s"
    )


def _sentence(text: str) -> str:
    """Return TEXT with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def _code(text: str) -> Any:
    """Return one of our own sentences with what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def _coverage_parts(coverage: CoverageView) -> list[tuple[str, str, int]]:
    return [(str(state), name, coverage.states.get(state, 0)) for state, name in _STATE_NAMES.items()]


def _money_parts(money: MoneyView) -> list[tuple[str, str, float]]:
    return [(str(c), name, money.by_certainty.get(c, 0.0)) for c, name in _CERTAINTY_NAMES.items()]


def _alike(findings: Iterable[FindingView]) -> list[list[FindingView]]:
    """Return FINDINGS in runs of one check, verdict, severity and type: what they share is said once above them."""
    return [list(run) for _, run in groupby(findings, lambda f: (f.check, f.verdict, f.severity, f.type))]


_SOURCES = {
    "pricing-api": "Price List API",
    "embedded": "price table",
    "aws-recommendation": "AWS's recommendation",
    "cost-explorer": "Cost Explorer",
}


def _sources(prices: Sequence[PriceView]) -> list[str]:
    """Return where PRICES come from, each source once: ``price table of 2026-08``."""
    return list(
        dict.fromkeys(
            f"{_SOURCES.get(price.source, price.source)} of {price.as_of}"
            + (f", us-east-1 \N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{price.factor:g}" if price.factor else "")
            for price in prices
        )
    )


def _times(formula: str) -> str:
    return formula.replace(" x ", " \N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}").replace(" - ", " \N{MINUS SIGN} ")


def _tag_words(tags: Mapping[str, str]) -> str:
    return ", ".join(map("=".join, tags.items()))


def _owner_words(tags: Mapping[str, str]) -> str:
    """Return the tag that says whose a resource is, or nothing."""
    key = owner({key: key for key in tags})
    return f"{key}={tags[key]}" if key else ""


_FILTERS = {
    "alike": _alike,
    "amount": amount,
    "brief": brief,
    "certainty": _CERTAINTY_NAMES.__getitem__,
    "code": _code,
    "coverage_parts": _coverage_parts,
    "duration": _duration,
    "money_parts": _money_parts,
    "json_text": json_text,
    "number": number,
    "owner_words": _owner_words,
    "percent": _percent,
    "plural": plural,
    "score": score_text,
    "sentence": _sentence,
    "short": short,
    "sources": _sources,
    "standings": _standings,
    "tag_words": _tag_words,
    "times": _times,
    "type_words": type_words,
    "visible": visible,
    "unit_price": "{:.6g}".format,
}
