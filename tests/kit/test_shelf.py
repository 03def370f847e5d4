"""Resources that lie in a file are found by the same joins, in the same order, as those in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.kit.facts import Facts
from auditor.kit.shelf import Shelf
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, Coverage, CoverageState, Gap, Resource, Scope

ACCOUNT, TYPE = "111122223333", "T"
NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
PLACES = ("eu-west-1", "us-east-1", GLOBAL)
KEYS = st.sampled_from(["a", "b", "", "é\ud800", 1, 1.0, True, 0, -1, -2])
ROWS = st.lists(st.tuples(st.sampled_from(PLACES), KEYS, st.lists(KEYS, max_size=3)), max_size=30)


def world(rows: list[tuple[str, Any, list[Any]]], most_bytes: int) -> Inventory:
    held = [
        Resource(TYPE, f"arn:{number}", f"n{number}", ACCOUNT, place, NOW, {"Key": key, "Keys": keys}, {"G": Gap("o", "c")})
        for number, (place, key, keys) in enumerate(rows)
    ]  # fmt: skip
    coverage = {
        scope: Coverage(scope, CoverageState.COMPLETE) for scope in (Scope(ACCOUNT, place, TYPE) for place in PLACES)
    }
    return Inventory(ACCOUNT, lambda _: held, coverage, PLACES, most_bytes=most_bytes)


def ids(found: Any) -> list[str]:
    return [facts.id for facts in found]


@settings(max_examples=100, deadline=None)
@given(ROWS.filter(bool), KEYS, st.lists(KEYS), st.sampled_from([None, *PLACES]))
def test_joins_find_the_same_in_a_file_as_in_memory(
    rows: list[tuple[str, Any, list[Any]]], key: Any, keys: list[Any], region: str | None
) -> None:
    memory, file = world(rows, 10**9), world(rows, 0)
    assert isinstance(file.facts(TYPE), Shelf)
    assert isinstance(memory.facts(TYPE), list)
    for by in ("Key", "Keys[]", "id"):
        assert ids(file.holding(TYPE, by, key, region)) == ids(memory.holding(TYPE, by, key, region))
        assert ids(file.find(TYPE, by, keys, region)) == ids(memory.find(TYPE, by, keys, region))
    assert ids(file.all(TYPE, region)) == ids(memory.all(TYPE, region))
    assert ids(file.facts(TYPE)) == ids(memory.facts(TYPE))
    told: Mapping[Any, Any] = file.places(TYPE)
    assert {place: ids(found) for place, found in told.items()} == {
        place: ids(found) for place, found in memory.places(TYPE).items()
    }


def test_a_resource_of_a_file_is_what_it_was() -> None:
    rows = [("eu-west-1", "a", ["b"])] * 3
    facts = world(rows, 0).facts(TYPE)[1]
    assert (facts.id, facts.name, facts.region, facts.observed_at) == ("arn:1", "n1", "eu-west-1", NOW)
    assert facts["Keys"] == ["b"]
    assert facts._gaps == {"G": Gap("o", "c")}


def test_many_that_are_found_are_counted_without_being_read_and_read_one_by_one() -> None:
    file = world([("eu-west-1", "a", [])] * 1000, 0)
    shelf: Any = file.facts(TYPE)
    read: list[str] = []
    really = shelf._facts

    def facts(packed: Any) -> Facts:
        made: Facts = really(packed)
        read.append(made.id)
        return made

    found = file.holding(TYPE, "Key", "a", "eu-west-1")
    shelf._facts = facts
    assert len(found) == 1000
    assert found
    assert not read
    assert found[999].id == "arn:999"
    assert ids(found[10:12]) == ["arn:10", "arn:11"]
    assert len(read) == 3


def test_what_is_remembered_is_bounded() -> None:
    file = world([("eu-west-1", "x" * 50_000, [])] * 200, 0)
    shelf: Any = file.facts(TYPE)
    for number in range(200):
        assert shelf[number].id == f"arn:{number}"
    assert len(shelf._remembered) < 25


def test_what_all_types_remember_is_bounded_together() -> None:
    file = world([("eu-west-1", "x" * 50_000, [])] * 30, 0)
    shelves: list[Any] = [file.facts(f"T{number}") for number in range(8)]
    for row in range(30):
        for shelf in shelves:
            assert shelf[row].id == f"arn:{row}"
    assert 0 < sum(len(shelf._remembered) for shelf in shelves) <= 40
    assert shelves[-1][29] is shelves[-1][29]


METRICS = {
    "A.Sum": {"Days": 14, "Period": 3600, "Timestamps": ["2026-06-01T00:00:00+00:00"], "Values": [1.5]},
    "B.Sum": {"Days": 14, "Period": 3600, "Timestamps": ["2026-06-01T00:00:00+00:00"], "Values": [1, 2.5]},
    "C.Sum": {"Timestamps": [], "Values": []},
    "E.Sum": {"Timestamps": ["2026-06-01T00:00:00+00:00"] * 2, "Values": [3, -4]},
    "F.Sum": {"Timestamps": ["2026-06-01T00:00:00+00:00"] * 2, "Values": [2**63, 1]},
    "G.Sum": {"Timestamps": ["2026-06-01T00:00:00+00:00"] * 2, "Values": [True, False]},
    "D": None,
}


def listed(metrics: Any) -> Any:
    """Return METRICS with their values as lists: out of a file they are arrays."""
    return {
        name: {**series, "Values": list(series["Values"])} if isinstance(series, dict) else series
        for name, series in metrics.items()
    }


@pytest.mark.parametrize("ask", ["[]", "get", "values", "keys_at", "find"])
def test_metrics_that_were_left_in_the_file_are_there_however_they_are_asked_for(ask: str) -> None:
    held = [Resource(TYPE, "arn:1", "n", ACCOUNT, PLACES[0], NOW, {"A": 1, "Metrics": METRICS})]
    scope = Scope(ACCOUNT, PLACES[0], TYPE)
    inventory = Inventory(
        ACCOUNT, lambda _: held, {scope: Coverage(scope, CoverageState.COMPLETE)}, PLACES, most_bytes=0
    )
    assert isinstance(inventory.facts(TYPE), Shelf)
    (facts,) = inventory.facts(TYPE)
    found: Mapping[str, Any] = {
        "[]": lambda: facts["Metrics"]["B.Sum"]["Days"],
        "get": lambda: facts.get("Metrics", {})["B.Sum"]["Days"],
        "values": lambda: facts.values("Metrics")[0]["B.Sum"]["Days"],
        "keys_at": lambda: cast("Any", facts.keys_at("Metrics")[0])["B.Sum"]["Days"],
        "find": lambda: 14 * len(inventory.holding(TYPE, "Metrics.D.E", "x", None) or "1"),
    }
    assert found[ask]() == 14
    assert facts["A"] == 1
    assert list(facts.metric("A", "Sum").values) == [1.5]


def test_metrics_come_back_from_a_file_as_they_were_and_share_their_moments() -> None:
    held = [Resource(TYPE, f"arn:{n}", "n", ACCOUNT, PLACES[0], NOW, {"Metrics": METRICS}) for n in range(3)]
    scope = Scope(ACCOUNT, PLACES[0], TYPE)
    whole = {scope: Coverage(scope, CoverageState.COMPLETE)}
    for most in (0, 10**9):
        facts = list(Inventory(ACCOUNT, lambda _: held, whole, PLACES, most_bytes=most).facts(TYPE))
        assert [listed(one["Metrics"]) for one in facts] == [METRICS] * 3
        assert repr(listed(facts[0]["Metrics"])) == repr(METRICS)  # 1 is no 1.0, and no True
        assert [listed(one.get("Metrics")) for one in facts] == [METRICS] * 3
        assert type(facts[0]["Metrics"]["B.Sum"]["Values"][0]) is int
        assert facts[0]["Metrics"]["A.Sum"]["Timestamps"] is facts[2]["Metrics"]["B.Sum"]["Timestamps"]
