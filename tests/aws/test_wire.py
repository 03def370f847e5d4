"""What AWS sends becomes JSON values."""

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from auditor.aws.wire import blob_text, header_date, utc_text

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (bounds are naive)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("2026-06-15T03:00:00Z", "2026-06-15T03:00:00+00:00"),
        ("2026-06-15T03:00:00.000Z", "2026-06-15T03:00:00+00:00"),
        ("2026-06-15T03:00:00.120Z", "2026-06-15T03:00:00.120000+00:00"),
        ("2026-06-15T05:00:00+02:00", "2026-06-15T03:00:00+00:00"),
        ("2026-06-15T03:00:00", "2026-06-15T03:00:00+00:00"),
        ("Mon, 15 Jun 2026 03:00:00 GMT", "2026-06-15T03:00:00+00:00"),
        (1781492400, "2026-06-15T03:00:00+00:00"),
        (1781492400.5, "2026-06-15T03:00:00.500000+00:00"),
        ("1781492400", "2026-06-15T03:00:00+00:00"),
    ],
)
def test_timestamps_of_every_form_become_the_same_text(sent: object, text: str) -> None:
    assert utc_text(sent) == text


@given(MOMENTS, st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]))
def test_the_short_way_says_what_botocore_would(moment: datetime, form: str) -> None:
    sent = moment.strftime(form)
    assert utc_text(sent) == parse_timestamp(sent).astimezone(UTC).isoformat()


@given(MOMENTS)
def test_what_was_text_already_stays_the_same_moment(moment: datetime) -> None:
    assert datetime.fromisoformat(utc_text(moment.isoformat())) == moment


def test_what_is_no_timestamp_is_an_error() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        utc_text("yesterday")


@given(st.text())
def test_blobs_of_text_become_that_text(text: str) -> None:
    assert blob_text(base64.b64encode(text.encode()).decode()) == text
    assert blob_text(text.encode()) == text


def test_other_blobs_stay_base64() -> None:
    assert blob_text(base64.b64encode(b"\xff\xfe").decode()) == "//4="


def test_the_date_header_is_a_moment_and_nonsense_is_now() -> None:
    here = datetime.now(UTC).replace(microsecond=0)
    for away in (timedelta(0), timedelta(days=-1), timedelta(hours=47)):
        assert header_date(format_datetime(here + away, usegmt=True)) == here + away
    far = [format_datetime(here + away, usegmt=True) for away in (timedelta(days=-3), timedelta(days=27_000))]
    for nonsense in (None, "", "soon", "Fri, 31 Dec 9999 23:59:59 -1200", *far):
        assert abs((header_date(nonsense) - here).total_seconds()) < 60


def test_the_same_second_is_the_same_text_so_that_metrics_share_their_moments() -> None:
    assert utc_text(1781492400) is utc_text(1781492400)
    assert utc_text(1781492400.0) == utc_text("1781492400") == "2026-06-15T03:00:00+00:00"
