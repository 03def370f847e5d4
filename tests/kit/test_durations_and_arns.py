"""Durations and ARNs as AWS writes them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit import parse_duration
from auditor.kit.arn import account_of, region_of


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("PT0S", timedelta()),
        ("PT1.5S", timedelta(seconds=1.5)),
        ("P2D", timedelta(days=2)),
    ],
)
def test_durations_are_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "5M", "PT5", "P1Y", "PT-5M", "PT5M "])
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


def test_an_arn_names_region_and_account() -> None:
    arn = "arn:aws:rds:eu-west-1:111122223333:db:orders"
    assert (region_of(arn), account_of(arn)) == ("eu-west-1", "111122223333")
    assert (region_of("arn:aws:s3:::bucket"), account_of("arn:aws:s3:::bucket")) == ("", "")


@given(st.text())
def test_any_text_has_a_region_or_none(text: str) -> None:
    assert isinstance(region_of(text), str)
