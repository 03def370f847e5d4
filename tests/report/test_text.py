"""Prose made shorter for people: it ends where a sentence or a word ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.report.text import brief


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        ("It is short.", 40, "It is short."),
        ("One zone fails. Then all of it is gone for hours.", 40, "One zone fails. …"),
        ("One zone fails. Then all is gone.", 33, "One zone fails. Then all is gone."),
        ("One sentence that goes on and on, without an end in sight", 35, "One sentence that goes on and on…"),
        ("No. But then it goes on and on without an end", 35, "No. But then it goes on and on…"),
        ("Ports, e.g. 22 and 3389, stand open to everybody", 31, "Ports, e.g. 22 and 3389, stand…"),
        ("Version 5.7 of the engine ends in 2026", 24, "Version 5.7 of the…"),
    ],
)
def test_it_ends_where_a_sentence_or_a_word_ends(text: str, length: int, shown: str) -> None:
    assert brief(text, length) == shown


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(8, 60))
def test_it_keeps_to_its_length_and_says_that_it_is_not_all(text: str, length: int) -> None:
    shown = brief(text, length)
    assert len(shown) <= length
    assert shown == text or "…" in shown


@given(
    st.lists(st.text(st.sampled_from("abcdefg"), min_size=1, max_size=8), min_size=1, max_size=30), st.integers(30, 60)
)
def test_no_word_is_cut(words: list[str], length: int) -> None:
    assert set(brief(" ".join(words), length).removesuffix("…").split()) <= set(words)
