"""Nights as lines of signs, each as high as its value: fit for narrow terminals, and for those that know letters only."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from auditor.cli.terminal import SEVERITY_STYLES, console, discard_output, plain, print_rows
from auditor.model import Severity
from auditor.trend import Night, Repairs

__all__ = ["print_trend", "spark"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "_.-=+*%#"
_LABEL, _SHORT_LABEL = 22, 12
_NARROW = 60
"""Columns below which a line has a short label, and no first value."""


def spark(values: Sequence[float | None], signs: str, low: float | None = None, high: float | None = None) -> str:
    """Return a sign for each value, the higher the later in SIGNS; a space for ``None``. LOW and HIGH bound the scale."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    bottom, top = min(known) if low is None else low, max(known) if high is None else high
    span = top - bottom

    def sign(value: float | None) -> str:
        if value is None:
            return " "
        place = (value - bottom) / span * len(signs) if span else 0
        return signs[max(0, min(len(signs) - 1, int(place)))]

    return "".join(map(sign, values))


def print_trend(
    nights: Sequence[Night], repairs: Sequence[Repairs], sections: Mapping[str, str], *, plain_signs: bool
) -> None:
    """Print NIGHTS, oldest first, and REPAIRS; SECTIONS names each section id."""
    out = console()
    if not nights:
        out.print("No scan of this account was judged yet; run `auditor scan`.", soft_wrap=True)
        return
    try:
        signs = _LETTERS if plain_signs or not _can_draw() else _BLOCKS
        # Label, first and last value, and the spaces between: the rest of the line is for nights.
        room = max(8, out.width - _SHORT_LABEL - 13 if out.width < _NARROW else min(out.width, 120) - _LABEL - 22)
        shown = nights[-room:]
        _head(out, shown, len(nights))
        _lines(out, shown, sections, signs)
        _apart(out, shown)
        _repairs(out, repairs)
    except BrokenPipeError:
        discard_output()


def _can_draw() -> bool:
    try:
        _BLOCKS.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _head(out: Any, nights: Sequence[Night], count: int) -> None:
    first, last = nights[0].scan, nights[-1].scan
    name = f"{last.account_name} · " if last.account_name else ""
    cut = f" (of {count}: the terminal has no room for more)" if count > len(nights) else ""
    said = f"{len(nights)} night{'s' if len(nights) != 1 else ''}{cut}"
    out.print()
    print_rows(out, [[(f"{name}{last.account}", "bold")]])
    when = f"scan {first.id} of {first.started_at:%Y-%m-%d} to scan {last.id} of {last.started_at:%Y-%m-%d}"
    print_rows(out, [[(f"{said}: {when}", "dim")]])
    out.print()


def _lines(out: Any, nights: Sequence[Night], sections: Mapping[str, str], signs: str) -> None:
    def line(label: str, values: Sequence[float | None], form: Callable[[float], str], *bounds: float) -> None:
        _line(out, label, spark(values, signs, *bounds), values, form)

    line("score", [night.score for night in nights], _one, 0, 100)
    for id in dict.fromkeys(id for night in nights for id in night.sections):
        values = [night.sections.get(id) for night in nights]
        if any(value is not None for value in values):
            line(sections.get(id, id), values, _one, 0, 100)
    out.print()
    for severity in Severity:
        counts: list[float | None] = [night.severities[severity] for night in nights]
        if any(counts):
            line(str(severity), counts, _whole, 0)
    if any(night.waived for night in nights):
        line("waived", [night.waived for night in nights], _whole, 0)
    if any(night.unverified for night in nights):
        line("unverified", [night.unverified for night in nights], _whole, 0)
    line("savings, USD a month", [night.savings for night in nights], _whole, 0)
    line("coverage, %", [night.coverage for night in nights], _one, 0, 100)


def _line(out: Any, label: str, drawn: str, values: Sequence[float | None], form: Callable[[float], str]) -> None:
    known = [value for value in values if value is not None]
    first, last = (form(known[0]), form(known[-1])) if known else ("-", "-")
    out.print(f"{_beginning(out, plain(label), first)} {drawn} {last:>8}".rstrip(), soft_wrap=True)


def _beginning(out: Any, label: str, first: str) -> str:
    if out.width < _NARROW:
        return f"  {label[:_SHORT_LABEL]:{_SHORT_LABEL}}"
    return f"  {label[:_LABEL]:{_LABEL}} {first:>8}"


def _one(value: float) -> str:
    # Cut, never rounded up: 79.99 must not look like the next grade.
    return f"{int(value * 10) / 10:.1f}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _apart(out: Any, nights: Sequence[Night]) -> None:
    """Mark the nights that were asked otherwise than the newest one."""
    apart = [night for night in nights if night.differences]
    if not apart:
        return
    marks = "".join("!" if night.differences else " " for night in nights)
    out.print(f"{_beginning(out, '! otherwise', '')} {marks}".rstrip(), soft_wrap=True)
    out.print()
    said = dict.fromkeys(words for night in apart for words in night.differences)
    print_rows(
        out, [[(f"{len(apart)} of {len(nights)} nights do not compare with the newest: {'; '.join(said)}", "yellow")]]
    )


def _repairs(out: Any, repairs: Sequence[Repairs]) -> None:
    held = [one for one in repairs if one.open or one.repaired or one.unverified or one.vanished]
    if not held:
        return
    out.print()
    print_rows(out, [[("Days open, and days it took to mend (median, nine of ten)", "bold")]])
    rows = [[("", ""), ("open", "dim"), ("age", "dim"), ("mended", "dim"), ("days", "dim"), ("", "")]]
    for one in held:
        notes = [f"{one.at_most} at most" if one.at_most else "", f"{one.unverified} unverified" if one.unverified else "",
                 f"{one.vanished} vanished" if one.vanished else ""]  # fmt: skip
        rows.append(
            [
                (str(one.severity), SEVERITY_STYLES[one.severity]),
                (f"{one.open:,}", ""),
                (_pair(one.age_median, one.age_90), ""),
                (f"{one.repaired:,}", ""),
                (_pair(one.repair_median, one.repair_90), ""),
                (", ".join(filter(None, notes)), "dim"),
            ]
        )
    if out.width < _NARROW:
        notes = [f"{severity[0]}: {note[0]}" for severity, *_, note in rows[1:] if note[0]]
        print_rows(out, [row[:-1] for row in rows], right=[1, 2, 3])
        print_rows(out, [[(note, "dim")] for note in notes])
    else:
        print_rows(out, rows, right=[1, 2, 3, 4])


def _pair(median: float | None, most: float | None) -> str:
    return "-" if median is None or most is None else f"{median:.0f}, {most:.0f}"
