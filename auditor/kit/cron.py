"""AWS's cron expressions: whether one fires each month."""

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta

__all__ = ["fires_each_month"]

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_MONTHS_AHEAD = 24
"""How far is looked ahead: far enough for each month to come by twice."""
_RATE = re.compile(r"rate\((\d{1,6}) (minute|hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]*)\)")


def fires_each_month(expression: str, since: date) -> bool:
    """Return whether EXPRESSION fires in each of the months that follow the one of SINCE (a rate: every 31 days at least).

    EXPRESSION is ``cron(minute hour day-of-month month day-of-week year)`` or ``rate(…)``. Raises ValueError where it is
    neither. Source: EventBridge User Guide, "Cron expressions"; AWS Backup takes the same.
    """
    if rate := _RATE.fullmatch(expression.strip()):
        return int(rate[1]) * {"minute": 1, "hour": 60, "day": 1440}[rate[2]] <= 31 * 1440
    cron = _CRON.fullmatch(expression.strip())
    fields = cron[1].split() if cron else []
    if len(fields) != 6:
        raise ValueError(f"{expression!r} is no cron expression of AWS")
    _, _, days, months, weekdays, years = (field.upper() for field in fields)
    wanted_months = _numbers(months, 1, 12, _MONTHS)
    wanted_years = _numbers(years, 1970, 2199, {})
    _is_meant(since, days, weekdays)  # Whoever writes nonsense hears it in any month.
    for number in range(1, _MONTHS_AHEAD + 1):
        year, month = divmod(since.year * 12 + since.month - 1 + number, 12)
        if month + 1 not in wanted_months or year not in wanted_years:
            return False
        first = date(year, month + 1, 1)
        last = calendar.monthrange(year, month + 1)[1]
        if not any(_is_meant(first.replace(day=day), days, weekdays) for day in range(1, last + 1)):
            return False
    return True


def _is_meant(day: date, days: str, weekdays: str) -> bool:
    in_month, in_week = _in_month(day, days), _in_week(day, weekdays)
    return in_month and in_week


def _in_month(day: date, field: str) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    for part in field.split(","):
        if part == "L" and day.day == last:
            return True
        if part == "LW" and day == _working_day(day, last):
            return True
        if re.fullmatch(r"\d{1,2}W", part):
            wanted = int(part[:-1])
            if wanted <= last and day == _working_day(day, wanted):
                return True
    plain = ",".join(part for part in field.split(",") if "L" not in part and "W" not in part)
    return bool(plain) and day.day in _numbers(plain, 1, 31, {})


def _working_day(month: date, number: int) -> date:
    """Return the day from Monday to Friday of MONTH that lies nearest to its day NUMBER."""
    day = month.replace(day=number)
    last = calendar.monthrange(day.year, day.month)[1]
    if day.weekday() == 5:
        return day - timedelta(days=1) if number > 1 else day + timedelta(days=2)
    if day.weekday() == 6:
        return day + timedelta(days=1) if number < last else day - timedelta(days=2)
    return day


def _in_week(day: date, field: str) -> bool:
    today = (day.weekday() + 1) % 7 + 1
    last = calendar.monthrange(day.year, day.month)[1]
    plain = []
    for part in field.split(","):
        if nth := re.fullmatch(r"(\w+)#([1-5])", part):
            if today == _number(nth[1], _WEEKDAYS) and (day.day - 1) // 7 + 1 == int(nth[2]):
                return True
        elif part != "L" and part.endswith("L"):
            if today == _number(part[:-1], _WEEKDAYS) and day.day + 7 > last:
                return True
        else:
            plain.append("7" if part == "L" else part)
    return bool(plain) and today in _numbers(",".join(plain), 1, 7, _WEEKDAYS)


def _numbers(field: str, lowest: int, highest: int, names: dict[str, int]) -> frozenset[int]:
    return frozenset(number for part in field.split(",") for number in _range(part, lowest, highest, names))


def _range(part: str, lowest: int, highest: int, names: dict[str, int]) -> Iterator[int]:
    """Yield the numbers of ``*``, ``?``, ``3``, ``MON-FRI``, ``1/2`` or ``*/3``. Raises ValueError for anything else."""
    whole, slash, step = part.partition("/")
    stride = _number(step, {}) if slash else 1
    first, dash, last = whole.partition("-")
    if whole in ("*", "?"):
        start, end = lowest, highest
    else:
        start = _number(first, names)
        end = _number(last, names) if dash else highest if slash else start
    if stride < 1 or not lowest <= start <= highest or not lowest <= end <= highest:
        raise ValueError(f"{part!r} is out of its range")
    if start <= end:
        yield from range(start, end + 1, stride)
    else:  # Over the end of the week or the year.
        yield from range(start, highest + 1, stride)
        yield from range(lowest, end + 1, stride)


def _number(text: str, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if re.fullmatch(r"\d{1,4}", text, re.ASCII):
        return int(text)
    raise ValueError(f"{text!r} is no number")
