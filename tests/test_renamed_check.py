"""A check that gets another id: its findings keep their history, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from waterworks import CHECKS, Waterworks, a_standard, lives, scan

from auditor import catalog
from auditor.errors import CatalogError
from auditor.kit import Check
from auditor.kit.check import CATALOG
from auditor.kit.money import NoPrices
from auditor.model import Lifecycle
from auditor.scan import evaluate
from auditor.selection import Selection
from auditor.store import Store

DRY = CHECKS["pump-dry"]
NEWER = replace(DRY, id="pump-is-dry", aliases=("pump-dry",))
NEWEST = replace(DRY, id="pump-without-water", aliases=("pump-is-dry", "pump-dry"))


def called(check: Check) -> dict[str, Any]:
    others = [other for other in CHECKS.values() if other is not DRY]
    return {"checks": {other.id: other for other in (*others, check)}}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def test_findings_stay_open_under_each_new_name_and_are_resolved_under_it(store: Store) -> None:
    account = Waterworks().pumps(damp=1, wet=3)
    first = scan(store, account)
    for check in (NEWER, NEWEST):
        again = scan(store, account, **called(check))
        states = store.findings(again.scan.id)
        assert {(s.finding.check, s.finding.name, s.lifecycle, s.since_scan) for s in states} == {
            (check.id, "damp", Lifecycle.OPEN, first.scan.id),
            (check.id, "wet", Lifecycle.OPEN, first.scan.id),
        }
        assert store.changes(again.scan.id) == []
    last = scan(store, account.pumps(damp=0, wet=3), **called(NEWEST))
    assert lives(store, last) == {"damp": Lifecycle.RESOLVED}
    assert {(s.finding.check, s.finding.name) for s in store.findings(first.scan.id)} == {
        (NEWEST.id, "damp"),
        (NEWEST.id, "wet"),
    }
    assert {tally.check for tally in store.tallies(first.scan.id)} == {NEWEST.id, "pump-unique", "valve-has-pump"}


def test_going_back_to_the_old_name_loses_no_finding(store: Store) -> None:
    account = Waterworks().pumps(wet=3)
    first = scan(store, account)
    scan(store, account, **called(NEWER))
    back = scan(store, account)
    (state,) = store.findings(back.scan.id)
    assert (state.finding.check, state.lifecycle, state.since_scan) == ("pump-dry", Lifecycle.OPEN, first.scan.id)
    forth = scan(store, account, **called(NEWER))
    (state,) = store.findings(forth.scan.id)
    assert (state.finding.check, state.lifecycle, state.since_scan) == (NEWER.id, Lifecycle.OPEN, first.scan.id)


@pytest.mark.parametrize("selection", [None, Selection(checks=("pump-unique",)), Selection(checks=("pump-dry",))])
def test_a_scan_judged_again_by_renamed_checks_keeps_its_findings(store: Store, selection: Selection | None) -> None:
    judged = scan(store, Waterworks().pumps(wet=3))
    checks = called(NEWER)["checks"]
    again = evaluate(store, judged.scan, a_standard(), checks, NoPrices(), selection=selection)
    (state,) = store.findings(judged.scan.id)
    assert (state.finding.check, state.lifecycle) == (NEWER.id, Lifecycle.OPENED)
    assert list(again.scores) == list(judged.scores)


def test_a_renamed_check_of_another_account_keeps_its_name(store: Store) -> None:
    scan(store, Waterworks().pumps(wet=3))
    store.rename_checks("999999999999", {"pump-dry": "pump-is-dry"})
    (latest,) = store.scans()
    assert [state.finding.check for state in store.findings(latest.id)] == ["pump-dry"]


def test_a_former_id_belongs_to_one_check_only(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = next(iter(catalog.load_checks().values()))
    monkeypatch.setitem(CATALOG, "own", replace(DRY, id="own", aliases=(shipped.id,)))
    with pytest.raises(CatalogError, match=shipped.id):
        catalog.load_checks()
