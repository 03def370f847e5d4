"""Columns say what their findings say, however it is written down."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from report import sample

from auditor.kit import NOW
from auditor.model import Evidence, Finding, FindingState, Lifecycle, Severity, Verdict
from auditor.report.columns import ARN, NAME, Piece, alike, fact_piece, picked, piece, text_piece
from auditor.report.runs import runs_of
from auditor.report.tags import clean_tags, environment, owner, tag_columns
from auditor.report.text import LONGEST, json_text, short


def told(piece: Piece, names: list[str], arns: list[str]) -> list[Any]:
    """What a piece says of each of as many findings, as the page's script reads it."""
    said = [piece["of"][at] for at in piece["at"]] if isinstance(piece, dict) else piece
    every = said if isinstance(said, list) else [said] * len(names)
    own = zip(every, names, arns, strict=True)
    return [name if text == NAME else arn if text == ARN else text for text, name, arn in own]


words = st.sampled_from(["", "a", "b", "web-1", "arn:web-1", "\x1b", *sample.HOSTILE[:4]])
values = st.one_of(
    words, st.sampled_from([1, 1.0, True, 0, -0.0, False, None]), st.lists(words, max_size=2)
) | st.lists(st.dictionaries(words, st.sampled_from([1, 1.0, True, "1"]), max_size=1), max_size=1)


@given(st.lists(values, min_size=1, max_size=40))
def test_facts_read_as_each_would_alone(facts: list[Any]) -> None:
    names = [f"web-{number % 3}" for number in range(len(facts))]
    arns = [f"arn:{name}" for name in names]
    assert told(fact_piece(facts, names, arns), names, arns) == [short(json_text(value), LONGEST) for value in facts]


@given(st.lists(words | st.integers(0, 3).map(str), min_size=1, max_size=60))
def test_texts_and_numbers_come_back(texts: list[str]) -> None:
    names, arns = [*reversed(texts)], ["arn"] * len(texts)
    assert told(piece(texts), names, arns) == texts
    assert told(text_piece(texts, names, arns), names, arns) == texts
    numbers = [*map(len, texts)]
    assert told(piece(numbers), names, arns) == numbers


@given(st.lists(st.dictionaries(words, st.integers()), min_size=1, max_size=20))
def test_maps_come_back_from_their_columns(maps: list[dict[str, int]]) -> None:
    back: dict[int, dict[str, int]] = {}
    for keys, where, columns in alike(maps):
        rows = zip(*columns, strict=True) if columns else [()] * len(where or maps)
        back |= {
            place: dict(zip(keys, row, strict=True)) for place, row in zip(where or range(len(maps)), rows, strict=True)
        }
    assert [back[place] for place in range(len(maps))] == maps


@given(st.lists(st.dictionaries(words | st.sampled_from(["Owner", "env", "k" * 300]), words), min_size=1, max_size=9))
def test_tags_read_as_each_resources_would_alone(tagged: list[dict[str, str]]) -> None:
    found, clean = tag_columns(tagged), [*map(clean_tags, tagged)]
    assert [(of, at) for of, at in zip(found.owners, found.environments, strict=True)] == [
        (owner(tags), environment(tags)) for tags in clean
    ]
    assert sorted(sorted(kind.keys) for kind in found.alike for _ in kind.where or tagged) == sorted(map(sorted, clean))
    assert picked([1, 2], None) == [1, 2]


def state(name: str, id: str) -> FindingState:
    finding = Finding(
        f"{name}{id}", "c", id, "T", name, "1", "eu-west-1", Verdict.FAIL, Severity.LOW, (Evidence("it is so"),)
    )
    return FindingState(finding, Lifecycle.OPEN, NOW, 1, NOW)


def frame(*named: tuple[str, str]) -> tuple[str, str] | None:
    (run,) = runs_of([state(name, id) for name, id in named], sample.inputs(1), ["c"])
    return run.frame


def test_what_stands_around_a_name_is_said_once_only_where_every_arn_has_it() -> None:
    assert frame(("a", "arn:x/a"), ("b", "arn:x/b")) == ("arn:x/", "")
    assert frame(("a", "arn:a/a/1"), ("b", "arn:a/b/1")) == ("arn:a/", "/1")
    assert frame(("a", "arn:x/a"), ("b", "arn:y/b")) is None
    assert frame(("a", "arn:x/a"), ("b", "arn:x/c")) is None
    # Two ARNs with a line's end, which together read as two names would.
    assert frame(("a", "pa"), ("b\npc", "pb\npc")) is None
    assert frame(("a", "pa\npb"), ("b", "")) is None
    assert frame(("a\x1b", "arn:a\x1b")) is None
    assert frame(("a", "arn\x1b:a")) is None
    assert frame(("a" * 600, "arn:" + "a" * 600)) is None
