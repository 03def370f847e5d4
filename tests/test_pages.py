"""A long list keeps its order and its items, in memory and in a file, and a full disk is one line."""

import errno
import tempfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import StoreError
from auditor.pages import Pages

ITEMS = st.lists(st.lists(st.text(max_size=50) | st.integers() | st.dictionaries(st.text(), st.text()), max_size=5))


@settings(max_examples=60, deadline=None)
@given(ITEMS, st.sampled_from([0, 200, 10**9]), st.data())
def test_what_is_added_comes_back_in_its_order(pages: list[list[Any]], most: int, data: st.DataObject) -> None:
    held = Pages[Any](most)
    for page in pages:
        held.add(page)
    told = [page for page in pages if page]
    flat = [item for page in told for item in page]
    assert list(held) == list(held) == flat
    assert len(held) == len(flat)
    assert list(held.pages()) == told
    if told:
        start = data.draw(st.integers(0, len(told) - 1))
        end = data.draw(st.integers(start, len(told)))
        assert held.page(start) == told[start]
        assert list(held.pages(start, end)) == told[start:end]


def test_much_goes_to_a_file_and_can_be_added_to_while_it_is_read() -> None:
    held = Pages[str](1000)
    for number in range(300):
        held.add([f"{number}" * 20])
    assert held.in_file
    reading = iter(held)
    first = next(reading)
    held.add(["more"])
    assert [first, *reading][-1] == "more"
    assert len(held) == 301


def test_little_stays_in_memory() -> None:
    held = Pages.of(range(1000))
    assert not held.in_file
    assert list(held) == list(range(1000))
    assert 7 in held
    assert 1000 not in held


def test_a_disk_that_is_full_is_one_line_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    held = Pages[int](0)
    with pytest.raises(StoreError, match=r"No space left on device.*TMPDIR"):
        held.add([1])
