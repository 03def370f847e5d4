"""Lines over nights: nothing is drawn where nothing is known, and words and table say the same as the line."""

from hypothesis import given
from hypothesis import strategies as some

from auditor.model import Severity
from auditor.report.charts import HEIGHT, WIDTH, charts, sparkline
from auditor.report.view import NightView, ReportView

SCORES = some.none() | some.floats(min_value=0, max_value=100)


def night(score: float | None, number: int = 0, *, comparable: bool = True) -> NightView:
    return NightView(
        scan=number,
        day=f"2026-06-{number % 28 + 1:02}",
        comparable=comparable,
        score=score,
        letter=None,
        sections={"cloud": score},
        severities=dict.fromkeys(Severity, number),
        unverified=0,
        savings=10.0 * number,
        coverage=score,
    )


def points(lines: object) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for line in lines for point in line.points.split()]  # type: ignore[attr-defined, misc]


@given(some.lists(some.tuples(SCORES, some.booleans()), min_size=2, max_size=60))
def test_every_known_value_is_drawn_inside_the_box_and_no_other(values: list[tuple[float | None, bool]]) -> None:
    nights = [night(score, number, comparable=same) for number, (score, same) in enumerate(values)]
    chart = charts(nights)[0]
    drawn = points(chart.lines)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)
    assert len(set(drawn)) == sum(score is not None for score, _ in values)
    assert len(chart.rows) == len(values)
    assert (chart.end is None) == (values[-1][0] is None)


@given(some.lists(SCORES, min_size=2, max_size=60))
def test_a_night_without_a_value_leaves_a_hole(scores: list[float | None]) -> None:
    chart = charts([night(score, number) for number, score in enumerate(scores)])[0]
    stretches = sum(
        score is not None and (not index or scores[index - 1] is None) for index, score in enumerate(scores)
    )
    assert len(chart.lines) == stretches


def test_nights_that_do_not_compare_are_another_line() -> None:
    nights = [night(50, 0, comparable=False), night(60, 1, comparable=False), night(70, 2), night(80, 3)]
    assert [line.comparable for line in charts(nights)[0].lines] == [False, True]
    assert [same for _, _, same in charts(nights)[0].rows] == [True, True, False, False]


def test_one_night_makes_no_line() -> None:
    assert charts([night(50)]) == ()
    assert charts([]) == ()
    assert sparkline([night(50), night(None, 1)], "cloud") == ()
    assert sparkline([night(50), night(60, 1)], "no-such-section") == ()


def test_an_unknown_value_is_a_dash_and_never_zero() -> None:
    chart = charts([night(50), night(None, 1)])[0]
    assert chart.now == "\N{EN DASH}"
    assert chart.rows[0][1] == "\N{EN DASH}"


def test_the_last_value_of_the_chart_is_the_reports_own(rich: ReportView) -> None:
    score = charts(rich.nights)[0]
    assert rich.score is not None
    assert score.now == str(int(rich.score))
