"""What a month of nights comes to, in a sentence for people who read one page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from auditor.model import Severity
from auditor.report.text import amount, plural
from auditor.report.view import NightView, ReportView

__all__ = ["Month", "month"]

_DAYS = 31


@dataclass(frozen=True, slots=True)
class Month:
    """The last 31 days."""

    name: str
    """``June 2026``: the month the scan ended in."""
    sentence: str


def month(view: ReportView) -> Month:
    """Return how score, findings and savings went over the last 31 days; only nights that compare with the last count."""
    last = date.fromisoformat((view.finished or view.started)[:10])
    since = (last - timedelta(days=_DAYS)).isoformat()
    nights = [night for night in view.nights if night.comparable and night.day >= since]
    return Month(f"{last:%B %Y}", _sentence(nights))


def _sentence(nights: Sequence[NightView]) -> str:
    if len(nights) < 2:
        return "There is no earlier night of this month to compare with."
    first, last = nights[0], nights[-1]
    parts = [f"Since {first.day} ({plural(len(nights), 'night')})"]
    if first.score is not None and last.score is not None:
        moved = last.score - first.score
        parts.append(
            f"the score {'rose' if moved > 0 else 'fell'} by {abs(moved):.1f} points"
            if round(moved, 1)
            else "the score stayed"
        )
    parts.append(_moved("critical and high findings", _worst(first), _worst(last), lambda value: f"{value:,.0f}"))
    if first.savings is not None and last.savings is not None:
        parts.append(_moved("possible savings", first.savings, last.savings, lambda value: amount(value, 0)))
    return f"{parts[0]} {'; '.join(parts[1:])}."


def _moved(what: str, before: float, now: float, write: Callable[[float], str]) -> str:
    return f"{what} stayed at {write(now)}" if before == now else f"{what} went from {write(before)} to {write(now)}"


def _worst(night: NightView) -> int:
    return night.severities[Severity.CRITICAL] + night.severities[Severity.HIGH]
