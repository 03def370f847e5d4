"""Judging again what a scan stored, wholly and in part, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from waterworks import CHECKS, Waterworks, a_standard, scan

from auditor.kit.money import NoPrices
from auditor.scan import Judged, evaluate
from auditor.selection import Selection
from auditor.standard import Standard
from auditor.store import Store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def judge_again(store: Store, judged: Judged, standard: Standard | None = None, **more: Any) -> Judged:
    return evaluate(store, store.scan(judged.scan.id), standard or a_standard(), CHECKS, NoPrices(), **more)


def test_the_newest_scan_is_judged_anew_without_a_call(store: Store) -> None:
    account = Waterworks().pumps(damp=1, wet=3)
    judged = scan(store, account)
    before = account.calls.copy()
    again = judge_again(store, judged, a_standard(most_wet=2))
    assert account.calls == before
    assert again.stored
    assert {f.name for f in again.judgement.findings} == {"wet"}
    assert {state.finding.name for state in store.findings(judged.scan.id)} == {"wet"}
    kept = store.scan(judged.scan.id)
    assert kept.standard_digest == again.scan.standard_digest == "digest-2"
    assert store.scores(kept.id) == list(again.scores)
    assert kept.finished_at == judged.scan.finished_at


def test_judging_again_by_the_same_standard_changes_nothing(store: Store) -> None:
    account = Waterworks().pumps(damp=1, wet=3)
    scan(store, account)
    judged = scan(store, account.pumps(damp=0, wet=3))
    changes, findings = store.changes(judged.scan.id), store.findings(judged.scan.id)
    judge_again(store, judged)
    assert (store.changes(judged.scan.id), store.findings(judged.scan.id)) == (changes, findings)
    assert store.scan(judged.scan.id).checks_digest == judged.scan.checks_digest


def test_an_older_scan_is_judged_and_history_stays(store: Store) -> None:
    account = Waterworks().pumps(damp=1, wet=3)
    first = scan(store, account)
    scan(store, account.pumps(damp=0, wet=0))
    before = store.findings(first.scan.id), store.scores(first.scan.id), store.scan(first.scan.id)
    again = judge_again(store, first, a_standard(most_wet=2))
    assert not again.stored
    assert {f.name for f in again.judgement.findings} == {"wet"}
    assert again.scan.standard_digest == "digest-2", "what it was judged by this time"
    assert (store.findings(first.scan.id), store.scores(first.scan.id), store.scan(first.scan.id)) == before


def test_judging_a_part_again_keeps_the_rest_and_scores_the_whole(store: Store) -> None:
    account = Waterworks().pumps(wet=3, dry=0).valves(loose="gone", tight="dry")
    judged = scan(store, account)
    again = judge_again(store, judged, selection=Selection(checks=("pump-dry",)))
    assert {f.check for f in again.judgement.findings} == {"pump-dry"}
    assert {state.finding.name for state in store.findings(judged.scan.id)} == {"wet", "loose"}
    assert store.scores(judged.scan.id) == list(judged.scores)
    assert store.scan(judged.scan.id).standard_digest == "digest-0"


def test_a_scan_judged_partly_by_another_standard_compares_with_no_other(store: Store) -> None:
    judged = scan(store, Waterworks().pumps(damp=1).valves(loose="gone"))
    changed, part = a_standard(most_wet=2), Selection(checks=("pump-dry",))
    judge_again(store, judged, changed, selection=part)
    judge_again(store, judged, changed, selection=part)
    mixed = store.scan(judged.scan.id)
    assert mixed.standard_digest == "digest-0+digest-2"
    assert mixed.checks_digest == judged.scan.checks_digest
    assert {state.finding.name for state in store.findings(mixed.id)} == {"loose"}
    judge_again(store, judged, changed)
    assert store.scan(judged.scan.id).standard_digest == "digest-2"


def test_what_a_narrowed_scan_did_not_read_stays_unknown_when_judged_by_more(store: Store) -> None:
    judged = scan(store, Waterworks().pumps(dry=0), selection=Selection(checks=("pump-dry",)))
    assert {t.check for t in judge_again(store, judged).judgement.tallies} == {"pump-dry"}
    again = judge_again(store, judged, selection=Selection(checks=("valve-has-pump",)))
    assert not again.judgement.findings
    assert not again.judgement.tallies, "no valve was asked for: nothing is claimed about any"
