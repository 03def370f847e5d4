"""Whatever happens night after night: what differs between any two, applied to the one, gives the other."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.nights import STATES, Nights

from auditor.drift import Drift, FieldChange, FieldKind, Member, canonical, compare
from auditor.model import CoverageState, Resource, Scan, Scope
from auditor.store import Store

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "\x00\ud800", "{days}"])
TAGS = st.lists(st.fixed_dictionaries({"Key": st.sampled_from("abc"), "Value": SCALARS}), max_size=3)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | TAGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Key", "Id", "x"]), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["Size", "Tags", "Rules", "command"]), VALUES, max_size=3)
NIGHT = st.tuples(st.sampled_from(STATES), st.dictionaries(st.sampled_from("pqrs"), DOCUMENTS, max_size=4))


def applied(changes: tuple[FieldChange, ...], document: Mapping[str, Any]) -> Any:
    """The document after the changes."""
    whole: dict[str, Any] = {"": deepcopy(dict(document))}
    for change in changes:
        held: Any = whole
        steps = ("", *change.path)
        for step in steps[:-1]:
            held = member(held, step) if isinstance(step, Member) else held[step]
        last = steps[-1]
        assert isinstance(last, str)
        if change.kind is FieldKind.ITEM_ADDED:
            held[last].append(change.after)
        elif change.kind is FieldKind.ITEM_REMOVED:
            del held[last][next(i for i, item in enumerate(held[last]) if canonical(item) == canonical(change.before))]
        elif change.kind is FieldKind.REMOVED:
            assert canonical(held.pop(last)) == canonical(change.before)
        else:
            held[last] = change.after
    return whole[""]


def member(items: list[Mapping[str, Any]], step: Member) -> Mapping[str, Any]:
    (found,) = (item for item in items if tuple(item.get(name) for name in step.fields) == step.values)
    return found


@given(before=DOCUMENTS, after=DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_the_changes_of_a_document_lead_from_the_one_to_the_other_and_back(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changes = compare(before, after)
    assert canonical(applied(changes, before)) == canonical(after)
    assert (changes == ()) == (canonical(before) == canonical(after))
    assert sorted(map(repr, compare(after, before))) == sorted(repr(change.mirrored) for change in changes)
    assert compare(before, before) == ()


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Iterator[Iterator[str]]:
    """Yield as many new databases as an example takes."""
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield (f"sqlite:///{Path(folder) / f'{number}.db'}" for number in itertools.count())
    else:
        yield itertools.repeat(request.getfixturevalue("postgres_url"))


@given(told=st.lists(NIGHT, min_size=2, max_size=5))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_drift_between_any_two_nights_says_what_full_copies_would_say(
    urls: Iterator[str], told: list[tuple[CoverageState, dict[str, dict[str, Any]]]]
) -> None:
    with Store.open(next(urls)) as store:
        account = f"{len(store.scans()):012}"
        nights, scope = Nights(store, account), Scope(account, "eu-west-1", "AWS::EC2::Volume")
        copies: list[tuple[Scan, CoverageState, dict[str, Resource]]] = []
        for state, found in told:
            read = {name: nights.volume(name, scope, **document) for name, document in found.items()}
            scan = nights.night(*read.values(), states={scope: state}, scopes=[scope], account=account)
            copies.append((scan, state, {item.id: item for item in read.values()}))
        for (a, was, before), (b, now, after) in itertools.product(copies, repeat=2):
            drift = store.drift(b.id, a.id)
            assert ids(drift.added) == ({*after} - {*before} if was.known else set())
            assert ids(drift.gone) == ({*before} - {*after} if now.known else set())
            changes = {change.resource.id: change.fields for change in drift.changed}
            for id in {*before} & {*after}:
                led = applied(changes.get(id, ()), before[id].document)
                assert canonical(led) == canonical(after[id].document)
            assert {*changes} <= {*before} & {*after}
            assert bool(drift.incomparable) == (not (was.known and now.known))
            mirrored(drift, store.drift(a.id, b.id))
        assert all(not any(parts(store.drift(scan.id, scan.id))) for scan, _, _ in copies)


def ids(refs: Any) -> set[str]:
    return {ref.id for ref in refs}


def parts(drift: Drift) -> tuple[Any, ...]:
    return drift.added, drift.changed, drift.gone


def mirrored(drift: Drift, back: Drift) -> None:
    """What is new from the one side is gone from the other."""
    assert (drift.added, drift.gone) == (back.gone, back.added)
    assert [change.resource for change in drift.changed] == [change.resource for change in back.changed]
    for there, home in zip(drift.changed, back.changed, strict=True):
        assert sorted(map(repr, home.fields)) == sorted(repr(change.mirrored) for change in there.fields)
