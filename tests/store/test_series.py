"""Metrics come back from the store as they went in, however dense they lie in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.store.series import packed, unpacked

START = datetime(2026, 6, 1, tzinfo=UTC)


def hours(count: int, left_out: int = -1) -> list[str]:
    return [(START + timedelta(hours=hour)).isoformat() for hour in range(count) if hour != left_out]


def there_and_back(metrics: Any) -> Any:
    return unpacked(orjson.loads(orjson.dumps(packed(metrics))))


def series(times: list[str], period: Any = 3600) -> dict[str, Any]:
    return {"Days": 14, "Period": period, "Timestamps": times, "Values": [1.5] * len(times)}


def test_two_weeks_by_the_hour_take_a_fifth_and_share_their_moments() -> None:
    metrics = {f"Ops{number}.Sum": series(hours(336)) for number in range(4)}
    assert len(orjson.dumps(packed(metrics))) < len(orjson.dumps(metrics)) / 5
    back = there_and_back(metrics)
    assert back == metrics
    assert len({id(one["Timestamps"]) for one in back.values()}) == 1


ODD = st.sampled_from([
    None, [], "x", {}, series([]), series(hours(1)), series(hours(5, left_out=2)), series(hours(3), "3600"),
    series(["x", "y"]), series(["9999-12-31T23:00:00+00:00", "x"]), series(hours(3), 0), series(hours(3), True),
    series(hours(3)[::-1]), series(["2026-06-01T00:00:00Z", "2026-06-01T01:00:00Z"]), {"Period": 60},
])  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=3), ODD) | ODD)
def test_anything_comes_back_as_it_was(metrics: Any) -> None:
    assert there_and_back(metrics) == metrics
