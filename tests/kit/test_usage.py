"""How much something was used: the peak of two metrics together."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cases import judge_case
from hypothesis import given
from hypothesis import strategies as st

from auditor import catalog, standard
from auditor.kit import Case
from auditor.kit.facts import Series
from auditor.kit.usage import both, peak_of_both

_START = datetime(2026, 6, 1, tzinfo=UTC)
_HOURS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=200)


def _series(values: list[int]) -> Series:
    times = tuple(_START + timedelta(hours=number) for number in range(len(values)))
    return Series(times, [float(value) for value in values], 3600)


@given(_HOURS)
def test_the_peak_of_two_metrics_is_the_largest_of_their_sums(hours: list[tuple[int, int]]) -> None:
    read, written = _series([one for one, _ in hours]), _series([other for _, other in hours])

    assert peak_of_both(read, written)[0] == max(both(read, written).values, default=0.0)


@given(_HOURS, st.integers(0, 100))
def test_a_peak_above_what_is_enough_is_a_sum_above_it_and_any_other_is_the_largest(
    hours: list[tuple[int, int]], enough: int
) -> None:
    read, written = _series([one for one, _ in hours]), _series([other for _, other in hours])
    sums = both(read, written).values

    found, _ = peak_of_both(read, written, enough)

    assert found in sums or not sums
    assert found > enough if max(sums, default=0.0) > enough else found == max(sums, default=0.0)


def test_a_peak_of_the_last_hour_is_found_although_the_first_days_were_idle() -> None:
    read, written = _series([0] * 336), _series([0] * 335 + [7])

    assert peak_of_both(read, written, 5)[0] == 7.0
    assert peak_of_both(read, written)[0] == 7.0


def test_what_a_volume_uses_enough_of_is_still_said_to_the_full_where_it_wastes_something_else() -> None:
    check = catalog.load_checks()["ebs-volume-overprovisioned-performance"]
    want: Any = standard.bind(
        standard.load(catalog.bundled("checks") / "patterns.toml")[check.patterns[0]], check.thresholds
    )
    given_ = next(case for case in check.fails if case.why == "the operations, not the throughput")
    metrics: dict[str, Any] = {name: dict(series) for name, series in given_.document["Metrics"].items()}
    busiest = metrics["VolumeReadBytes.Sum"]
    busiest["Values"] = [*busiest["Values"][:-1], 2 * busiest["Values"][-1]]  # 300 MiB/s, only in the last hour

    finding = judge_case(check, Case({**given_.document, "Metrics": metrics}), want)

    assert finding.evidence[0].facts["peak"] == {"IOPS": 100.0, "MiB/s": 300.0}
