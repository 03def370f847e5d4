"""Attestations before a check: they prove, they end, and they never override what an API shows; on both databases."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import DENIED
from waterworks import CHECKS, HERE, PUMP, Waterworks, a_check, a_standard, scan

from auditor.acceptance import Attestation
from auditor.errors import UsageError
from auditor.kit import NOW, Evidence, Facts
from auditor.ledger import Ledger
from auditor.model import Verdict
from auditor.scan import Judged
from auditor.store import Store

OBSERVED = NOW.date()


@dataclass(frozen=True, slots=True)
class Checked:
    """How old a word may be."""

    most_wet: int


def pump_loved(pump: Facts, want: Checked) -> Iterator[Evidence]:
    """A pump is loved, which no API shows; a wet one is not, whatever anybody says."""
    if pump["Wet"] > 5:
        yield Evidence("nobody loves a wet pump")
        return
    yield from pump.attested("pump-loved", 365)


LOVED = a_check(pump_loved, "water.pumps.dry", PUMP, thresholds=Checked)
ALL = {**CHECKS, "pump-loved": LOVED}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the check where the kit looks up its former ids and patterns."""
    from auditor.kit import CATALOG

    monkeypatch.setitem(CATALOG, "pump-loved", LOVED)


def stated(days: int = 100, **more: Any) -> Attestation:
    fields: dict[str, Any] = {
        "check": "" if "pattern" in more else "pump-loved",
        "statement": "we love it",
        "author": "ada",
        "given": OBSERVED - timedelta(days=30),
        "until": OBSERVED + timedelta(days=days),
        "evidence": "https://wiki.example.com/love",
        "place": "attestations.toml:3",
    }
    return Attestation(**(fields | more))


def judged(store: Store, *held: Attestation, wet: int = 0) -> Judged:
    patterns = tuple(pattern.id for pattern in a_standard())
    ledger = Ledger(attestations=held, checks=ALL, patterns=patterns)
    return scan(store, Waterworks().pumps(damp=wet), a_standard(10), checks=ALL, ledger=ledger)


def verdict(of: Judged) -> tuple[Verdict, str]:
    for finding in of.judgement.findings:
        if finding.check == "pump-loved":
            return finding.verdict, finding.evidence[0].sentence if finding.evidence else finding.reason
    (tally,) = (t for t in of.judgement.tallies if t.check == "pump-loved" and t.region == HERE)
    assert tally.passed
    return Verdict.PASS, ""


def test_nothing_attested_is_unknown_and_says_how(store: Store) -> None:
    found = verdict(judged(store))
    assert found == (
        Verdict.UNKNOWN,
        "attestation answered NotGiven: to be attested: auditor attest --check pump-loved",
    )


def test_a_word_with_evidence_passes_and_the_scan_says_by_whose(store: Store) -> None:
    of = judged(store, stated())
    assert verdict(of)[0] is Verdict.PASS
    (use,) = store.accepted(of.scan.id).attestations
    assert (use.fault, [check for check, _ in use.verdicts]) == ("", ["pump-loved"])
    assert use.attestation == stated()
    assert use.verdicts[0][1].endswith(":damp")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (stated(days=-1), f"the attestation of ada ran out on {OBSERVED - timedelta(days=1)}"),
        (stated(given=OBSERVED - timedelta(days=366)), "the attestation of ada is 366 days old, 365 allowed"),
        (stated(evidence=""), "the attestation of ada names no evidence"),
        (stated(doubt="names a file that has been changed since"), "the attestation of ada names a file that has"),
    ],
)
def test_a_word_that_proves_nothing_fails(store: Store, held: Attestation, said: str) -> None:
    of = judged(store, held)
    found, sentence = verdict(of)
    assert found is Verdict.FAIL
    assert sentence.startswith(said)
    (finding,) = (f for f in of.judgement.findings if f.check == "pump-loved")
    assert finding.evidence[0].facts["author"] == "ada"
    assert store.accepted(of.scan.id).attestations[0].fault


def test_what_an_api_shows_is_not_overridden(store: Store) -> None:
    of = judged(store, stated(), wet=6)
    assert verdict(of) == (Verdict.FAIL, "nobody loves a wet pump")
    assert store.accepted(of.scan.id).attestations[0].verdicts == ()


def test_what_cannot_be_read_is_not_passed_by_a_word(store: Store) -> None:
    works = Waterworks()
    works.rows["ListPumps", HERE] = DENIED
    ledger = Ledger(attestations=(stated(),), checks=ALL, patterns=("water.pumps.dry",))
    of = scan(store, works, a_standard(10), checks=ALL, ledger=ledger)
    assert [t.unread is not None for t in of.judgement.tallies if t.check == "pump-loved" and t.region == HERE] == [
        True
    ]
    assert of.accepted.attestations[0].verdicts == ()


@pytest.mark.parametrize(
    ("more", "reaches"),
    [
        ({"resource": "damp"}, True), ({"resource": "arn:*:damp"}, True), ({"resource": "wet"}, False),
        ({"region": HERE}, True), ({"region": "us-east-1"}, False), ({"account": "999999999999"}, False),
        ({"pattern": "water.pumps.dry"}, True), ({"pattern": "water.pumps.unique"}, False),
        ({"given": OBSERVED + timedelta(days=1)}, False),
    ],
)  # fmt: skip
def test_a_word_holds_where_it_says(store: Store, more: dict[str, Any], reaches: bool) -> None:
    assert verdict(judged(store, stated(**more)))[0] is (Verdict.PASS if reaches else Verdict.UNKNOWN)


def test_a_word_that_proves_it_is_preferred_to_one_that_ended(store: Store) -> None:
    assert verdict(judged(store, stated(days=-1), stated(), stated(evidence="", days=200)))[0] is Verdict.PASS


def test_what_is_wrong_with_words_is_told(store: Store) -> None:
    held = (stated(check="pump-lovd"), stated(evidence=""), stated(days=2000))
    notices = judged(store, *held).accepted.notices
    assert "proves nothing: there is no such check; did you mean pump-loved?" in notices[0]
    assert "ran out on" in notices[1]
    assert len(notices) == 2


def test_a_stored_word_is_kept_revoked_and_listed(store: Store) -> None:
    hostile = "'; DROP TABLE attestations; --\x00\ud800\u202e<script>"
    kept = store.keep(replace(stated(statement=hostile, author=hostile), recorded_by="ada"))
    assert store.attestations() == [kept]
    of = judged(store, *store.attestations())
    ended = store.revoke(Attestation, kept.number, "bob")
    assert store.attestations() == [ended]
    assert ended.revoked_by == "bob"
    assert store.accepted(of.scan.id).attestations[0].attestation == kept
    with pytest.raises(UsageError, match="there is no attestation 9"):
        store.revoke(Attestation, 9, "bob")


@given(st.integers(-400, 400), st.integers(0, 800), st.booleans(), st.one_of(st.none(), st.integers(0, 500)))
def test_a_word_proves_exactly_between_its_days(until: int, age: int, evidence: bool, most: int | None) -> None:
    held = stated(
        given=OBSERVED - timedelta(days=age),
        until=OBSERVED + timedelta(days=until),
        evidence="https://x" if evidence else "",
    )
    holds = until >= 0 and evidence and (most is None or age <= most)
    assert (held.fault(OBSERVED, most) == "") is holds
