"""What a scan ends with on the terminal: scores, what is new, what is worst, what could not be read, where the reports are."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.cli.terminal import SEVERITY_STYLES, bar, console, plain
from auditor.model import Lifecycle, Severity

if TYPE_CHECKING:
    from auditor.report import ReportView

__all__ = ["print_summary"]

_LETTER_STYLES = {"A": "bold green", "B": "green", "C": "yellow", "D": "bold yellow", "F": "bold red"}
_SHOWN = 5
"""How many risks and gaps are shown; the report has them all."""


def print_summary(view: "ReportView", reports: Sequence[Path], coverage: float) -> None:
    """Print the summary of VIEW; COVERAGE is per cent of what was asked for."""
    out = console()
    out.print()
    _head(out, view)
    _sections(out, view)
    _changes(out, view)
    _risks(out, view)
    _money(out, view)
    _gaps(out, view, coverage)
    _reports(out, reports)


def _line(out: Any, *parts: tuple[str, str]) -> None:
    from rich.text import Text

    out.print(Text.assemble("  ", *parts))


def _title(out: Any, text: str) -> None:
    out.print()
    _line(out, (text, "bold"))


def _head(out: Any, view: "ReportView") -> None:
    name = f"{plain(view.account_name, 40)} " if view.account_name else ""
    regions = f"{len(view.regions)} region{'s' if len(view.regions) != 1 else ''}"
    took = f" · {view.seconds:.0f} s" if view.seconds is not None else ""
    _line(out, (f"{name}{view.account}", "bold"), (f" · {regions} · scan {view.scan} · {view.started}{took}", "dim"))
    style = _LETTER_STYLES.get(view.letter or "", "dim")
    _line(out, (f" {view.letter or '-'} ", f"reverse {style}"), (f" {plain(view.verdict)}", "bold"))


def _sections(out: Any, view: "ReportView") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column("  Section", no_wrap=True, min_width=20)
    table.add_column("")
    for name in ("score", "", "pass", "fail", "unknown"):
        table.add_column(name, justify="right", no_wrap=True)
    for section in view.sections:
        delta = f"{section.delta:+.1f}" if section.delta else ""
        table.add_row(
            f"  {plain(section.name, 26)}",
            bar(section.score, 16),
            f"{section.score:.0f} {section.letter}" if section.score is not None else "-",
            delta,
            *(f"{number:,}" for number in (section.counts.passed, section.counts.failed, section.counts.unknown)),
            style=_LETTER_STYLES.get(section.letter or "", "dim").removeprefix("bold "),
        )
    out.print()
    out.print(table)


def _changes(out: Any, view: "ReportView") -> None:
    if view.changes.first:
        return
    counts = {name: view.changes.counts.get(name, 0) for name in Lifecycle}
    said = [f"{number:,} {name}" for name, number in counts.items() if number and name is not Lifecycle.OPEN]
    delta = f", score {view.changes.delta:+.1f}" if view.changes.delta is not None else ""
    _title(out, f"Since scan {view.changes.previous} ({view.changes.previous_at})")
    _line(out, (f"{', '.join(said) or 'nothing changed'}{delta}", ""))
    for why in view.changes.why_not:
        _line(out, (plain(why), "dim"))


def _risks(out: Any, view: "ReportView") -> None:
    worst = [risk for risk in view.risks if risk.severity.rank <= Severity.HIGH.rank]
    if not worst:
        return
    _title(out, "Worst first")
    for risk in worst[:_SHOWN]:
        check = view.checks.get(risk.check)
        _line(
            out,
            (f"{risk.severity:<8}", SEVERITY_STYLES[risk.severity]),
            (f" {risk.count:>5,} ", ""),
            (plain(check.title if check else risk.check, max(30, out.width - 20)), ""),
        )
    if len(worst) > _SHOWN:
        _line(out, (f"and {len(worst) - _SHOWN} more in the report", "dim"))


def _money(out: Any, view: "ReportView") -> None:
    money = view.money
    if not money.items and not money.unpriced:
        return
    sure = ", ".join(
        f"{amount:,.2f} {str(name).replace('_', ' ')}" for name, amount in money.by_certainty.items() if amount
    )
    _title(out, f"Can be saved: {money.total:,.2f} USD a month at list price")
    more = f"; {len(money.unpriced)} not priced" if money.unpriced else ""
    _line(out, (f"{sure}{more}; prices of {money.oldest_price or 'no date'}", "dim"))


def _gaps(out: Any, view: "ReportView", coverage: float) -> None:
    gaps = view.coverage.gaps
    read = f"{int(coverage * 10) / 10:g}% of {view.coverage.asked:,} scopes read whole, {view.coverage.resources:,} resources"
    _title(out, read if not gaps else f"Could not be read ({read})")
    for gap in gaps[:_SHOWN]:
        blinds = f"blinds {len(gap.checks)} check{'s' if len(gap.checks) != 1 else ''}"
        _line(out, (plain(f"{gap.operation} {gap.code}", out.width - 25), "magenta"), (f"  {blinds}", "dim"))
    if len(gaps) > _SHOWN:
        _line(out, (f"and {len(gaps) - _SHOWN} more in the report; `auditor doctor` says what to do", "dim"))


def _reports(out: Any, reports: Sequence[Path]) -> None:
    if not reports:
        return
    _title(out, "Reports")
    for path in reports:
        _line(out, (plain(path.absolute()), ""))
    out.print()
