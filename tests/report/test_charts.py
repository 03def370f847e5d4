"""Lines over nights: nothing is drawn where nothing is known, and words and table say the same as the line."""

import json
import re

from hypothesis import given
from hypothesis import strategies as some
from report.conftest import view_of

from auditor.model import Severity
from auditor.report import render_html
from auditor.report.charts import HEIGHT, SMALL, WIDTH, Small, charts, small, sparkline
from auditor.report.machine import render_json
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


@given(some.lists(some.tuples(SCORES, some.booleans()), max_size=40))
def test_a_small_line_goes_through_every_score_that_compares_and_no_other(
    values: list[tuple[float | None, bool]],
) -> None:
    nights = [night(score, number, comparable=same) for number, (score, same) in enumerate(values)]
    line = small(nights, [score for score, _ in values])
    recent = values[-14:]
    known = [(index, score) for index, (score, same) in enumerate(recent) if same and score is not None]
    assert (line is None) == (len(known) < 2)
    if line:
        width, high = SMALL
        wanted = {(round(width * index / (len(recent) - 1)), round(high * (1 - score / 100))) for index, score in known}
        drawn = visited(line.path)
        assert drawn <= wanted, "a level stretch is one step"
        assert {min(wanted), max(wanted)} <= drawn
        assert {y for _, y in drawn} == {y for _, y in wanted}
        assert str(int(known[-1][1])) in line.words.rpartition(",")[2] or recent[-1][0] is None or not recent[-1][1]


def visited(path: str) -> set[tuple[int, int]]:
    """Return the places a path of moves, lines and level stretches stops at."""
    found, at = set(), (0, 0)
    for kind, x, y in re.findall(r"([MLHh])(-?\d+)(?: (-?\d+))?", path):
        at = (int(x), at[1]) if kind == "H" else at if kind == "h" else (int(x), int(y))
        found.add(at)
    return found


def test_a_score_that_stays_is_one_stroke_and_one_word() -> None:
    nights = [night(None, number) for number in range(20)]
    line = small(nights, [75.9] * 20)
    assert line == Small("M0 4H78", "Score of 14 nights: 75", "75 since 2026-06-07")


def test_a_score_that_moves_says_when() -> None:
    nights = [night(None, number) for number in range(5)]
    line = small(nights, [50.0, 50.0, None, 60.0, 65.0])
    assert line
    assert line.path == "M0 8H20M58 6H78"
    assert line.words == "50 on 2026-06-01, no score from 06-03, 60 from 06-04, 65 from 06-05"


def test_every_judged_bullet_has_its_line_in_the_page_and_its_scores_in_json(rich: ReportView) -> None:
    html, document = render_html(rich), json.loads(render_json(rich))
    judged = [bullet for section in rich.sections for bullet in section.bullets if bullet.score is not None]
    assert html.count('<svg class="t"') == len(judged) > 5
    scored = {bullet["id"]: bullet for section in document["sections"] for bullet in section["bullets"]}
    for bullet in judged:
        assert len(scored[bullet.id]["trend"]) == len(document["trend"])
        assert scored[bullet.id]["trend"][-1] == bullet.score


def test_a_first_scan_draws_no_line() -> None:
    assert '<svg class="t"' not in render_html(view_of("first"))
