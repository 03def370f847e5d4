"""What is known of a scope in a few blocks says the same as a dictionary of it would."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from auditor.store.known import KnownHere
from auditor.store.numbers import Marks


def digest(number: int) -> bytes:
    return blake2b(str(number).encode(), digest_size=16).digest()


NUMBERS = st.integers(0, 300)
ADDED = st.lists(st.tuples(NUMBERS, st.none() | st.integers(1, 5)), max_size=300, unique_by=lambda one: one[0])


@given(ADDED, st.integers(0, 300), st.lists(NUMBERS), st.dictionaries(NUMBERS, st.integers(6, 9)), st.lists(NUMBERS))
def test_it_finds_changes_and_counts_as_a_dictionary_does(
    added: list[tuple[int, int | None]], cut: int, seen: list[int], changed: dict[int, int], asked: list[int]
) -> None:
    known, model = KnownHere(), dict(added)
    for part in (added[:cut], added[cut:]):
        places = known.add((digest(n), n + 1000, since, digest(-n) if since else None) for n, since in part)
        assert known.rows([digest(n) for n, _ in part]) == list(places)
    for number, since in changed.items():
        (row,) = known.rows([digest(number)])
        assert (row >= 0) == (number in model)
        if row >= 0:
            known.change(row, since, digest(since))
            model[number] = since
    known.saw(known.rows(digest(number) for number in seen))
    there = {number for number in seen if number in model}
    assert len(known) == len(model)
    assert set(known.seen()) == {digest(number) for number in there}
    for row, number in zip(known.rows(digest(number) for number in asked), asked, strict=True):
        assert (row >= 0) == (number in model)
        if row >= 0:
            assert (known.id(row), known.since(row)) == (number + 1000, model[number])
            hash_ = digest(model[number] or 0) if number in changed else digest(-number)
            assert known.holds(row, hash_) == (model[number] is not None)
            assert not known.holds(row, digest(10**6))
    rows = known.rows(digest(number) for number in asked)
    there |= set(asked) & model.keys()
    assert sorted(known.seen_ids(rows)) == sorted(number + 1000 for number in there)
    assert known.count_seen(rows) == len(there)
    gone = {(number + 1000, since) for number, since in model.items() if number not in there and since is not None}
    assert set(known.unseen(rows)) == gone


ROWS = st.integers(0, 5000) | st.integers(0, 2**63)


@given(st.sets(ROWS), st.lists(ROWS))
def test_marks_are_a_set_of_numbers(added: set[int], asked: list[int]) -> None:
    marks = Marks(added)
    assert all(number in marks for number in added)
    assert [number in marks for number in asked] == [number in added for number in asked]
    assert None not in marks
