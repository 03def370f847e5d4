"""Marks tell texts apart as a set does, and a list that waits for memory goes on when nothing else is under way."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scripted import Scripted, at_once

from auditor.collect.context import Context
from auditor.collect.marks import Marks
from auditor.collect.plan import make_plan
from auditor.collect.queue import CallQueue


@given(st.lists(st.text(max_size=3), max_size=500))
def test_a_text_is_new_once(texts: list[str]) -> None:
    marks, seen = Marks(), set[str]()
    for text in texts:
        assert marks.add(text) == (text not in seen)
        seen.add(text)
        assert len(marks) == len(seen)


def context(most_rows: int) -> Context:
    nothing: Any = None
    plan = make_plan([], {}, "123456789012", "aws", ["eu-west-1"])
    return Context(plan, CallQueue(Scripted(), threads=1, limiter=at_once()), nothing, most_rows, 60.0)


def test_pages_wait_until_they_fit_and_go_on_one_after_the_other() -> None:
    here, asked = context(100), list[str]()

    def page(name: str) -> Callable[[], None]:
        return lambda: asked.append(name)

    assert not here.hold(page("first"), 60)
    assert here.hold(page("second"), 60)
    assert here.hold(page("small"), 10), "nobody overtakes one that waits"
    here.took(60)
    here.came(60)
    assert asked == []
    here.hand_over(*(None, [], frozenset(), 60))  # type: ignore[arg-type]  # no resources: no scope is asked for
    here.queue.drain()
    assert asked == ["second", "small"]


def test_a_page_that_is_larger_than_the_bound_is_asked_for_alone() -> None:
    here, asked = context(100), list[str]()
    assert not here.hold(lambda: asked.append("huge"), 1_000)
    assert here.hold(lambda: asked.append("next"), 1)
    here.came(1_000)
    assert asked == ["next"]


def test_what_waits_goes_on_when_nothing_else_is_under_way() -> None:
    here, asked = context(100), list[str]()
    here.took(100)  # rows that wait for a batch that never fills up
    assert here.hold(lambda: asked.append("page"), 10)
    here.queue.run(lambda: None, here.idle)
    assert asked == ["page"]
    assert not here.idle()
