"""What a scan ends with on the terminal: score, sections, what is new, what is worst, what could not be read, the reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.cli.terminal import SEVERITY_STYLES, Part, bar, console, discard_output, plain, print_rows
from auditor.model import Lifecycle, Severity

if TYPE_CHECKING:
    from auditor.report import ReportView

__all__ = ["print_summary"]

_LETTER_STYLES = {"A": "bold green", "B": "green", "C": "yellow", "D": "bold yellow", "F": "bold red"}
_WIDEST = 100
"""Columns beyond which lines become hard to read."""
_NARROW = 56
"""Columns below which what stands side by side stands one below the other."""
_SHOWN = 6
"""How many risks and gaps are shown; the report has them all."""
_FATES = {
    Lifecycle.OPENED: "new",
    Lifecycle.REOPENED: "back again",
    Lifecycle.RESOLVED: "mended",
    Lifecycle.VANISHED: "gone with their resource",
    Lifecycle.UNVERIFIED: "could not be verified",
}
_COSTLY = 3
"""How many services are named for the time they took."""


def print_summary(
    view: "ReportView", reports: Sequence[Path], coverage: float, statistics: Mapping[str, Any] | None = None
) -> None:
    """Print the summary of VIEW; COVERAGE is per cent of what was asked for, STATISTICS (the scan's) what reading it cost.

    A reader that goes away is no error.
    """
    out = console()
    try:
        out.print()
        _head(out, view)
        _sections(out, view)
        _changes(out, view)
        _risks(out, view)
        _money(out, view)
        _accepted(out, view)
        _gaps(out, view, coverage)
        _calls(out, view, statistics or {})
        _reports(out, reports)
    except BrokenPipeError:
        discard_output()


def _rows(out: Any, rows: Sequence[Sequence[Part]], right: Sequence[int] = ()) -> None:
    print_rows(out, rows, right=right, widest=_WIDEST)


def _title(out: Any, text: str, note: str = "") -> None:
    out.print()
    _rows(out, [[(text, "bold")]])
    if note:
        _rows(out, [[(note, "dim")]])


def _head(out: Any, view: "ReportView") -> None:
    name = f"{plain(view.account_name, 40)} · " if view.account_name else ""
    regions = f"{len(view.regions)} region{'s' if len(view.regions) != 1 else ''}"
    took = f" · {view.seconds:.0f} s" if view.seconds is not None else ""
    _rows(out, [[(f"{name}{view.account}", "bold")]])
    if view.tape:
        _rows(out, [[(f"not the account itself: read from the tape {plain(view.tape)}", "yellow")]])
    began = f"{view.started[:10]} {view.started[11:16]} UTC"
    _rows(out, [[(f"{view.coverage.resources:,} resources · {regions} · scan {view.scan} · {began}{took}", "dim")]])
    for taken in view.coverage.taken:
        had = f"continues scan {taken.scan}: {taken.scopes:,} of {view.coverage.asked:,} scopes were complete"
        _rows(out, [[(had, "dim")]])
    out.print()
    style = _LETTER_STYLES.get(view.letter or "", "dim")
    _rows(out, [[(f" {view.letter or '-'} ", f"reverse {style}"), (view.verdict, "bold")]])


def _sections(out: Any, view: "ReportView") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    judged = [section for section in view.sections if section.score is not None or section.counts.unknown]
    if not judged:
        return
    length = 16 if out.width >= 80 else 8 if out.width >= 68 else 0
    narrow = out.width < _NARROW
    changed = any(_moved(section.delta) for section in judged)
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column("Section", overflow="fold", max_width=26)
    table.add_column("score", justify="right", no_wrap=True)
    if length:
        table.add_column("", no_wrap=True)
    for name in (*([""] if changed else []), *(["fail"] if narrow else ["pass", "fail", "unknown"])):
        table.add_column(name, justify="right", no_wrap=True)
    for section in judged:
        # Cut, never rounded up: 79.9 must not look like the next grade.
        style = _LETTER_STYLES.get(section.letter or "", "dim").removeprefix("bold ")
        counts = [section.counts.passed, section.counts.failed, section.counts.unknown]
        counts = counts[1:2] if narrow else counts
        table.add_row(
            plain(section.name),
            Text(f"{int(section.score)} {section.letter}" if section.score is not None else "-", style=style),
            *([Text(bar(section.score, length), style=style)] if length else []),
            *([_moved(section.delta)] if changed else []),
            *(Text(f"{number:,}", style="" if number else "dim") for number in counts),
        )
    out.print()
    out.print(Padding(table, (0, 0, 0, 2), expand=False), width=min(out.width, _WIDEST))
    idle = [plain(section.name) for section in view.sections if section not in judged]
    if idle:
        _rows(out, [[(f"Nothing judged in {', '.join(idle)}", "dim")]])


def _changes(out: Any, view: "ReportView") -> None:
    if view.changes.first:
        return
    counts = {name: view.changes.counts.get(name, 0) for name in Lifecycle}
    said = [f"{number:,} {_FATES[name]}" for name, number in counts.items() if number and name in _FATES]
    moved = _moved(view.changes.delta)
    delta = f"; score {moved}" if moved else ""
    _title(out, f"Since scan {view.changes.previous} ({view.changes.previous_at})")
    _rows(out, [[(f"{', '.join(said) or 'no finding changed'}{delta}", "")]])
    if view.changes.why_not:
        _rows(out, [[(f"the scores do not compare: {'; '.join(view.changes.why_not)}", "dim")]])


def _risks(out: Any, view: "ReportView") -> None:
    worst = [risk for risk in view.risks if risk.severity.rank <= Severity.HIGH.rank]
    if not worst:
        return
    _title(out, "What must hold, and how often it does not")
    rows = []
    for risk in worst[:_SHOWN]:
        check = view.checks.get(risk.check)
        holds = check.title if check else risk.check
        rows.append([(str(risk.severity), SEVERITY_STYLES[risk.severity]), (f"{risk.count:,}x", ""), (holds, "")])
    _rows(out, rows, right=[1])
    if len(worst) > _SHOWN:
        _rows(out, [[(f"and {len(worst) - _SHOWN} more critical and high ones in the report", "dim")]])


def _money(out: Any, view: "ReportView") -> None:
    money = view.money
    if not money.items and not money.unpriced:
        return
    sure = [f"{amount:,.2f} {str(name).replace('_', ' ')}" for name, amount in money.by_certainty.items() if amount]
    said = [", ".join(sure)] if sure else []
    said += [f"{share.name} {share.usd_month:,.2f}" for share in money.by_way if share.items]
    said += [f"{len(money.unpriced):,} not priced"] if money.unpriced else []
    said += [f"prices of {money.oldest_price}"] if money.oldest_price else []
    _title(out, f"Can be saved: {money.total:,.2f} USD a month at list price", "; ".join(said))


def _accepted(out: Any, view: "ReportView") -> None:
    """Print what is waived, with the scores as if it were not, and what somebody should look at."""
    if not view.waived and not view.notices:
        return
    strict = f"; without waivers the score is {_cut(view.strict)}" if view.waived and view.strict is not None else ""
    without = [
        f"{plain(section.name)} {_cut(section.strict)}"
        for section in view.sections
        if section.counts.waived and section.strict is not None and section.strict != section.score
    ]
    _title(out, f"Waived: {len(view.waived):,}{strict}", f"without waivers: {', '.join(without)}" if without else "")
    for notice in view.notices[:_SHOWN]:
        _rows(out, [[(notice, "yellow")]])
    if len(view.notices) > _SHOWN:
        _rows(out, [[(f"and {len(view.notices) - _SHOWN} more in the report", "dim")]])


def _moved(delta: float | None) -> str:
    """Return by how much a score moved, ``+1.2``; nothing where it is not known or less than can be written."""
    return f"{delta:+.1f}" if delta is not None and abs(delta) >= 0.05 else ""


def _cut(score: float) -> str:
    """Return a score cut, never rounded up: 79.96 must not look like the next grade."""
    return f"{int(score * 10) / 10:g}"


def _gaps(out: Any, view: "ReportView", coverage: float) -> None:
    gaps = view.coverage.gaps
    # Cut, never rounded up: what is not all must not read 100%.
    read = f"{int(coverage * 10) / 10:g}% of {view.coverage.asked:,} scopes were read whole"
    broken = sorted({finding.check for finding in view.faults})
    if not gaps and not broken:
        _title(out, f"Everything could be read and judged: {read}" if coverage >= 100 else read)
        return
    _title(out, "What could not be read or judged", read)
    rows: list[Sequence[Part]] = [
        [("1 check broke", "dim"), (f"{check}: its own fault; the log says where", "magenta")]
        for check in broken[:_SHOWN]
    ]
    for gap in gaps[:_SHOWN]:
        blinds = f"{len(gap.checks)} check{'s' if len(gap.checks) != 1 else ''} blind"
        rows.append([(blinds, "dim"), (f"{gap.operation}: {gap.code}", "magenta")])
    if out.width < _NARROW:
        # A column of counts would leave no room for names that have no spaces.
        for (count, style), what in rows:
            _rows(out, [[what], [(f"  {count}", style)]])
    else:
        _rows(out, rows, right=[0])
    hidden = max(0, len(gaps) - _SHOWN) + max(0, len(broken) - _SHOWN)
    if hidden:
        _rows(out, [[(f"and {hidden} more in the report", "dim")]])


def _calls(out: Any, view: "ReportView", statistics: Mapping[str, Any]) -> None:
    """Say what reading cost: calls and time in all, and of the services that took most of it."""
    services = statistics.get("services") or {}
    if not services:
        return
    total = f"{statistics['calls']:,} call{'s' if statistics['calls'] != 1 else ''} in {statistics['seconds']:,.0f} s"
    _title(out, f"Read with {total}", f"all services: auditor scans show {view.scan}")
    most = sorted(services.items(), key=lambda service: (-service[1]["seconds"], service[0]))[:_COSTLY]
    rows = []
    for name, numbers in most:
        told = [f"{numbers['seconds']:,.1f} s in all"]
        told += [f"{numbers[key]:,} {key}" for key in ("throttled", "retried", "failed") if numbers.get(key)]
        rows.append([(f"{numbers['calls']:,}x", ""), (plain(name, 30), ""), (", ".join(told), "dim")])
    _rows(out, rows, right=[0])


def _reports(out: Any, reports: Sequence[Path]) -> None:
    if not reports:
        return
    _title(out, "Reports")
    for path in reports:
        # A path is never wrapped: whoever copies it wants it whole.
        out.print(f"  {plain(path.absolute())}", soft_wrap=True)
    out.print()
