"""Globs of waivers and attestations: what they match, and that nothing makes them hang."""

import re
import sys
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from auditor.acceptance import Waiver, glob_matches

ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"
LETTERS = "ab*?.[\n\ud800"


@given(st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=12))
def test_a_glob_matches_what_the_same_expression_matches(glob: str, text: str) -> None:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)
    assert glob_matches(glob, text) is bool(re.fullmatch(expression, text, re.DOTALL))


@given(st.text(max_size=20))
def test_a_star_matches_anything_and_a_text_itself(text: str) -> None:
    assert glob_matches("*", text)
    assert glob_matches("**" + text.replace("*", "?") + "**", text)


def test_a_hostile_glob_takes_few_steps() -> None:
    """Counted in lines run, not in time: backtracking would take billions."""
    glob, text = "*a?" * 60 + "*b", "a" * 2048
    steps = 0

    def count(*_: object) -> object:
        nonlocal steps
        steps += 1
        assert steps < 10_000
        return count

    before = sys.gettrace()
    sys.settrace(count)  # type: ignore[arg-type]
    try:
        assert not glob_matches(glob, text)
    finally:
        sys.settrace(before)


def waiver(**fields: str) -> Waiver:
    return Waiver(check="x", reason="r", owner="o", until=date(2027, 1, 1), **fields)  # type: ignore[arg-type]


def test_a_glob_that_begins_with_arn_is_held_against_the_arn_and_any_other_against_the_name() -> None:
    place = ("111122223333", "eu-west-1", ARN, "orders")
    for glob in ("arn:*", "arn:aws:rds:*:orders", ARN, "orders", "ord*", "?rders", "*"):
        assert waiver(resource=glob).reaches(*place), glob
    for glob in ("*:orders", "rds", "arn:aws:rds:eu-west-1:111122223333:db:order", "Orders", "arn:aws:s3:::*"):
        assert not waiver(resource=glob).reaches(*place), glob


def test_account_region_and_tag_narrow_a_waiver() -> None:
    place = ("111122223333", "eu-west-1", ARN, "orders")

    def held() -> dict[str, str]:
        return {"env": "dev=1", "empty": ""}

    for fields in ({}, {"account": "111122223333"}, {"region": "eu-west-1"}, {"tag": "env=dev=1"}, {"tag": "empty="}):
        assert waiver(**fields).waives(*place, held) is True, fields
    for fields in ({"account": "999999999999"}, {"region": "global"}, {"tag": "env=dev"}, {"tag": "other=1"}):
        assert waiver(**fields).waives(*place, held) is False, fields
    assert waiver(tag="env=dev").waives(*place, lambda: None) is None, "tags that could not be read decide nothing"
    assert waiver(tag="env=dev", region="us-east-1").waives(*place, lambda: None) is False
