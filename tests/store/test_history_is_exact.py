"""Whatever happens night after night, each night is remembered as it was."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.nights import STATES, Nights

from auditor.model import Gap, Resource, Scope
from auditor.store import Store

NAMES = ("a", "b\x00", "c\ud800", "d" * 300)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
GAPS = st.sampled_from([{}, {"Policy": Gap("x:Get", "Denied", "1")}, {"Now": Gap("cw:Get", "Throttling")}])
CONTENT = st.tuples(st.dictionaries(st.sampled_from(["Size", "State"]), VALUES), st.none() | VALUES, GAPS)
READ = st.dictionaries(st.sampled_from(NAMES), CONTENT)
SCOPE = st.tuples(st.sampled_from(STATES), READ)
NIGHT = st.tuples(SCOPE, SCOPE)


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Iterator[Iterator[str]]:
    """Yield as many new databases as an example takes."""
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield (f"sqlite:///{Path(folder) / f'{number}.db'}" for number in itertools.count())
    else:
        url = request.getfixturevalue("postgres_url")
        yield itertools.repeat(url)


@given(told=st.lists(NIGHT, min_size=1, max_size=6))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_every_night_is_read_back_as_it_was(urls: Iterator[str], told: list[tuple[Any, Any]]) -> None:
    with Store.open(next(urls)) as store:
        # PostgreSQL's database is used by all examples: an account of its own sets each apart.
        account = f"{len(store.scans()):012}"
        scopes = [Scope(account, region, "AWS::EC2::Volume") for region in ("eu-west-1", "us-east-1")]
        nights = Nights(store, account)
        expected = []
        for night in told:
            read = [_resource(nights, scope, name, *content)
                    for scope, (_, found) in zip(scopes, night, strict=True) for name, content in found.items()]  # fmt: skip
            states = {scope: state for scope, (state, _) in zip(scopes, night, strict=True)}
            scan = nights.night(*read, states=states, scopes=scopes, account=account)
            expected.append((scan, {item.id: replace(item, observed_at=scan.started_at) for item in read}, states))
        for scan, resources, states in expected:
            assert nights.read(scan) == resources
            coverage = store.inventory(scan.id).coverage
            assert {scope: read.state for scope, read in coverage.items()} == states
            assert store.inventory(scan.id).count == len(resources)


def _resource(
    nights: Nights, scope: Scope, name: str, document: Mapping[str, Any], now: Any, gaps: Mapping[str, Gap]
) -> Resource:
    fields = dict(document) | ({} if now is None or "Now" in gaps else {"Now": now})
    return nights.volume(name, scope, gaps=gaps, **fields)
