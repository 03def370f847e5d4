"""Lines over nights as the points of inline SVG, with the words and the table that stand for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auditor.model import Severity
from auditor.report.text import amount, number, score_text
from auditor.report.view import NightView

__all__ = ["HEIGHT", "SMALL", "WIDTH", "Chart", "Line", "Small", "charts", "small", "sparkline"]

WIDTH, HEIGHT = 300, 72
"""Of a chart's drawing, in units of its view box."""
SMALL = (78, 16)
"""Width and height of a small drawing."""
_RECENT = 14
"""Nights in a small drawing: there is one for each bullet."""
_FEWEST = 2
"""Nights that make a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch without a hole."""

    points: str
    """As SVG's polyline takes them."""
    comparable: bool
    """False: these nights were asked otherwise than the last one, and are drawn dashed."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure over the last nights, and what it says in words."""

    id: str
    title: str
    now: str
    """The last night's value."""
    description: str
    lines: tuple[Line, ...]
    end: tuple[float, float] | None
    """Where the last value lies; ``None``: the last night has none."""
    top: str
    """The value at the upper edge; the lower one is zero."""
    first: str
    last: str
    """Days of the first and the last night."""
    rows: tuple[tuple[str, str, bool], ...]
    """Day, value, comparable: the table behind the line, newest first."""


@dataclass(frozen=True, slots=True)
class Small:
    """A score over the last nights that compare with the last one, drawn small: whole units, a level stretch in one step."""

    path: str
    """As SVG's path takes it."""
    title: str
    words: str
    """What stands for the drawing: ``61 on 2026-06-02, 64 from 06-09``."""


def small(nights: Sequence[NightView], trend: Sequence[float | None]) -> Small | None:
    """Return the drawing of TREND, the scores of NIGHTS (oldest first); ``None`` where fewer than two compare and have one."""
    recent = list(zip(nights[-_RECENT:], trend[-_RECENT:], strict=False))
    held = [(index, night.day, value) for index, (night, value) in enumerate(recent) if night.comparable]
    known = [value for _, _, value in held if value is not None]
    if len(known) < _FEWEST:
        return None
    return Small(
        path=_path(held, len(recent)),
        title=f"Score of {len(known)} nights: {_span(score_text(min(known)), score_text(max(known)))}",
        words=_told(held),
    )


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


_Held = Sequence[tuple[int, str, float | None]]


def _path(held: _Held, count: int) -> str:
    """Return a line through the scores HELD (index among COUNT nights, day, score); it breaks where there is none."""
    width, high = SMALL
    text, before = "", -2
    level, level_end = -1, ""
    for index, _, value in held:
        if value is None:
            continue
        x, y = round(width * index / (count - 1)), round(high * (1 - value / 100))
        if index != before + 1:
            text += f"{level_end}M{x} {y}"
            level_end = "h0"  # a single night is a dot
        elif y == level:
            level_end = f"H{x}"
        else:
            text += f"{'' if level_end == 'h0' else level_end}L{x} {y}"
            level_end = ""
        before, level = index, y
    return text + level_end


def _told(held: _Held) -> str:
    """Return the scores HELD in words, each said when it changes."""
    told: list[tuple[str, str]] = []
    for _, day, value in held:
        text = "no score" if value is None else score_text(value)
        if not told or told[-1][1] != text:
            told.append((day, text))
    first, year = told[0], told[0][0][:4]
    rest = [f"{text} from {day[5:] if day[:4] == year else day}" for day, text in told[1:]]
    return ", ".join([f"{first[1]} on {first[0]}" if rest else f"{first[1]} since {first[0]}", *rest])


def charts(nights: Sequence[NightView]) -> tuple[Chart, ...]:
    """Return score, coverage, critical and high findings, and savings over NIGHTS (oldest first); nothing for a single one."""
    if len(nights) < _FEWEST:
        return ()
    worst = (Severity.CRITICAL, Severity.HIGH)
    return (
        _chart("score", "Score", nights, lambda night: night.score, score_text, 100),
        _chart("read", "Read, per cent", nights, lambda night: night.coverage, lambda v: f"{int(v * 10) / 10:g}%", 100),
        _chart(
            "bad", "Critical and high findings", nights, lambda n: sum(n.severities[level] for level in worst), number
        ),
        _chart("saved", "Can be saved a month", nights, lambda night: night.savings, lambda v: amount(v, 0)),
    )


def sparkline(nights: Sequence[NightView], section: str) -> tuple[Line, ...]:
    """Return a section's score over NIGHTS as lines; nothing where fewer than two nights have one."""
    values = [night.sections.get(section) for night in nights]
    if sum(value is not None for value in values) < _FEWEST:
        return ()
    return _lines(values, [night.comparable for night in nights], 100)


def _chart(
    id: str,
    title: str,
    nights: Sequence[NightView],
    of: Callable[[NightView], float | None],
    write: Callable[[float], str],
    top: float = 0,
) -> Chart:
    values = [of(night) for night in nights]
    known = [value for value in values if value is not None]
    high = top or max(known, default=0) or 1
    now = values[-1]
    rows = [
        (night.day, "\N{EN DASH}" if value is None else write(value), night.comparable)
        for night, value in zip(nights, values, strict=True)
    ]
    span = f"{write(min(known))} to {write(max(known))}" if known else "no value"
    return Chart(
        id=id,
        title=title,
        now="\N{EN DASH}" if now is None else write(now),
        description=f"{len(nights)} nights from {nights[0].day} to {nights[-1].day}: {span}; last {rows[-1][1]}",
        lines=_lines(values, [night.comparable for night in nights], high),
        end=None if now is None else _place(len(values) - 1, now, len(values), high),
        top=write(high),
        first=nights[0].day,
        last=nights[-1].day,
        rows=tuple(reversed(rows)),
    )


def _place(index: int, value: float, count: int, high: float) -> tuple[float, float]:
    return round(WIDTH * index / max(1, count - 1), 1), round(HEIGHT * (1 - min(value / high, 1)), 1)


def _lines(values: Sequence[float | None], comparable: Sequence[bool], high: float) -> tuple[Line, ...]:
    """Return the stretches: a night without a value leaves a hole; one that was asked otherwise begins another line."""
    lines: list[Line] = []
    stretch: list[str] = []
    kind = True
    for index, value in enumerate(values):
        if stretch and (value is None or comparable[index] is not kind):
            lines.append(Line(_drawn(stretch), kind))
            stretch = []
        if value is not None:
            kind = comparable[index]
            stretch.append("{},{}".format(*_place(index, value, len(values), high)))
    return (*lines, Line(_drawn(stretch), kind)) if stretch else tuple(lines)


def _drawn(points: list[str]) -> str:
    """Return POINTS; a single one twice, so that it is drawn as a dot."""
    return " ".join(points if len(points) > 1 else points * 2)
