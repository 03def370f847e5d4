"""AWS's cron expressions: whether one fires each month."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit.cron import fires_each_month

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 5 ? * * *)", "cron(0 5 * * ? *)", "cron(0 5 1 * ? *)", "cron(0 5 L * ? *)", "cron(0 5 LW * ? *)",
        "cron(0 5 1,31 * ? *)", "cron(0 5 28/10 * ? *)", "cron(0 5 ? * MON *)", "cron(0 5 ? * mon-fri *)",
        "cron(0 5 ? * 2#1 *)", "cron(0 5 ? * FRIL *)", "cron(0 5 ? * 6L *)", "cron(0 5 ? * L *)", "cron(0 5 ? * SAT-SUN *)",
        "cron(0 5 1 1/1 ? *)", "cron(0 5 15W NOV-FEB,3-10 ? *)", "cron(0 5 ? * MON 2026-2199)", "rate(1 day)",
        "rate(12 hours)", "rate(31 days)", "  cron(0 5 1W * ? *)  ",
    ],
)  # fmt: skip
def test_it_fires_each_month(expression: str) -> None:
    assert fires_each_month(expression, TODAY)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 5 31 * ? *)", "cron(0 5 30 * ? *)", "cron(0 5 1 1/3 ? *)", "cron(0 5 1 JAN,JUL ? *)", "cron(0 5 1 * ? 2026)",
        "cron(0 5 1 * ? 2020)", "cron(0 5 30 2 ? *)", "cron(0 5 ? * 2#5 *)", "cron(0 5 31W * ? *)", "rate(32 days)",
        "rate(999999 minutes)",
    ],
)  # fmt: skip
def test_it_leaves_a_month_out(expression: str) -> None:
    assert not fires_each_month(expression, TODAY)


@pytest.mark.parametrize(
    "expression",
    [
        "", "cron()", "daily", "cron(0 5 1 * ?)", "cron(0 5 32 * ? *)", "cron(0 5 x * ? *)", "cron(0 5 0 * ? *)",
        "cron(0 5 1/0 * ? *)", "rate(one day)", "rate(1 month)", "cron(0 5 1 * ? *", "cron(0 5 ? * 9 *)", "cron(0 5 \u0661 * ? *)",
        "cron(0 5 1 13 ? *)", "cron(0 5 1 * ? 26)", "cron(0 5 ? * MO#2 *)",
    ],
)  # fmt: skip
def test_what_is_none_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"is no|out of its range"):
        fires_each_month(expression, TODAY)


@given(st.text(alphabet="0123456789*?,-/LW#MONJA ", max_size=20), st.dates(date(2000, 1, 1), date(2150, 1, 1)))
def test_any_other_text_is_refused_or_judged(text: str, today: date) -> None:
    try:
        assert fires_each_month(f"cron(0 5 {text})", today) in (True, False)
    except ValueError:
        return


@given(st.sets(st.integers(1, 31), min_size=1), st.sets(st.integers(1, 12), min_size=1))
def test_it_fires_where_the_days_it_names_are(days: set[int], months: set[int]) -> None:
    fields = ",".join(map(str, sorted(days))), ",".join(map(str, sorted(months)))
    each = months == set(range(1, 13)) and min(days) <= 28
    assert fires_each_month(f"cron(0 5 {fields[0]} {fields[1]} ? *)", TODAY) == each
