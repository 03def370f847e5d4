"""The story of a scan on both databases: nights that differ, and parts of an account."""

from collections.abc import Iterator

import pytest
from scripted import ACCOUNT, DENIED
from waterworks import CHECKS, HERE, THERE, TYPES, VALVE, Waterworks, a_standard, code, lives, scan

from auditor.errors import CredentialsError, UsageError
from auditor.kit import LOW
from auditor.kit.money import NoPrices
from auditor.model import Lifecycle, ScanStatus, Scope, Verdict
from auditor.scan import coverage_percent, evaluate
from auditor.selection import Selection
from auditor.store import Store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


# ---- nights ----------------------------------------------------------------------------------------------------------


def test_a_whole_scan_is_complete_judged_and_scored(store: Store) -> None:
    judged = scan(store, Waterworks().pumps(wet=3, dry=0).valves(tight="dry", loose="gone"))
    assert judged.scan.status is ScanStatus.COMPLETE
    assert judged.scan.statistics["enabled_regions"] == [HERE, THERE]
    assert judged.scan.statistics["verdicts"] == 6
    assert set(judged.coverage) == {Scope(ACCOUNT, region, name) for region in (HERE, THERE) for name in TYPES}
    assert {f.name: f.verdict for f in judged.judgement.findings} == {"wet": Verdict.FAIL, "loose": Verdict.FAIL}
    assert judged.scores[0].value == 66.67, "the mean of 50, 100 and 50"
    assert store.latest_scan(ACCOUNT) == judged.scan
    assert not judged.interrupted
    assert code(judged) == 0
    assert code(judged, fail_on="high") == 1
    assert code(judged, fail_on="critical") == 0


def test_a_second_night_on_which_nothing_changed_changes_nothing(store: Store) -> None:
    account = Waterworks().pumps(wet=3, dry=0)
    first = scan(store, account)
    second = scan(store, account)
    assert store.changes(second.scan.id) == []
    changes = store.drift(second.scan.id)
    assert (list(changes.added), list(changes.changed), list(changes.gone)) == ([], [], [])
    (state,) = store.findings(second.scan.id)
    assert (state.lifecycle, state.since_scan) == (Lifecycle.OPEN, first.scan.id)
    assert second.scores == first.scores


def test_what_changes_vanishes_and_comes_back_is_told_as_that(store: Store) -> None:
    account = Waterworks().pumps(mended=1, leaking=0, taken=5, coming=0)
    scan(store, account)
    changed = scan(store, account.pumps(mended=0, leaking=2, coming=0))
    assert lives(store, changed) == {
        "mended": Lifecycle.RESOLVED,
        "leaking": Lifecycle.OPENED,
        "taken": Lifecycle.VANISHED,
    }
    assert len(store.drift(changed.scan.id).gone) == 1
    back = scan(store, account.pumps(mended=1, leaking=2, taken=5, coming=0))
    assert lives(store, back) == {"mended": Lifecycle.REOPENED, "taken": Lifecycle.REOPENED}


def test_a_scope_that_is_denied_resolves_nothing_and_says_so(store: Store) -> None:
    account = Waterworks().pumps(wet=3, dry=0)
    scan(store, account)
    account.rows["ListPumps", HERE] = DENIED
    denied = scan(store, account)
    assert denied.scan.status is ScanStatus.INCOMPLETE
    assert lives(store, denied) == {"wet": Lifecycle.UNVERIFIED}
    (state,) = store.findings(denied.scan.id)
    assert (state.finding.verdict, state.finding.evidence[0].sentence) == (Verdict.UNKNOWN, "it is 3 wet")
    assert not store.drift(denied.scan.id).gone
    assert (code(denied), code(denied, min_coverage=75), code(denied, "low", 100)) == (3, 0, 3)
    again = scan(store, account.pumps(wet=3, dry=0))
    (state,) = store.findings(again.scan.id)
    assert (state.finding.verdict, state.lifecycle) == (Verdict.FAIL, Lifecycle.OPEN)


def test_what_is_proven_comes_before_what_is_missing(store: Store) -> None:
    account = Waterworks().pumps(wet=3)
    account.rows["ListValves", HERE] = DENIED
    judged = scan(store, account)
    assert (code(judged, "high"), code(judged, "never")) == (1, 3)


# ---- parts -----------------------------------------------------------------------------------------------------------


def test_only_the_named_regions_are_read(store: Store) -> None:
    account = Waterworks().pumps(wet=3)
    judged = scan(store, account, regions=(HERE, HERE))
    assert judged.scan.regions == (HERE,)
    assert {region for _, region in account.calls} == {HERE}
    assert judged.scan.status is ScanStatus.COMPLETE
    unknown = {f.check for f in judged.judgement.findings if f.verdict is Verdict.UNKNOWN}
    assert unknown == {"pump-unique"}, "the other region could hold another one"


def test_closed_regions_are_out_of_scope_and_make_nothing_unknown(store: Store) -> None:
    account = Waterworks().pumps(dry=0)
    judged = scan(store, account, closed_regions=(THERE,))
    assert {region for _, region in account.calls} == {HERE}
    assert not judged.judgement.findings


def test_with_every_region_closed_nothing_is_begun(store: Store) -> None:
    with pytest.raises(UsageError, match=f"closed_regions names {HERE}, {THERE}"):
        scan(store, Waterworks(), closed_regions=(HERE, THERE))
    assert store.scans() == []


@pytest.mark.parametrize(
    ("selection", "operations", "checks"),
    [
        (Selection(checks=("pump-dry",)), {"ListPumps"}, {"pump-dry"}),
        (Selection(types=(VALVE,)), {"ListPumps", "ListValves"}, {"valve-has-pump"}),
        (Selection(sections=("water.pumps",)), {"ListPumps"}, {"pump-dry", "pump-unique"}),
        (Selection(patterns=("water.valves.pump",)), {"ListPumps", "ListValves"}, {"valve-has-pump"}),
        (Selection(severities=(LOW,)), {"ListPumps"}, {"pump-unique"}),
    ],
)
def test_a_selection_reads_what_its_checks_need_and_no_more(
    store: Store, selection: Selection, operations: set[str], checks: set[str]
) -> None:
    account = Waterworks().pumps(wet=3).valves(tight="wet")
    judged = scan(store, account, selection=selection)
    assert {operation for operation, _ in account.calls} == operations
    assert {tally.check for tally in store.tallies(judged.scan.id)} == checks
    assert judged.scan.selection == selection.as_mapping()


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(checks=("pump-dri",)), "pump-dri; did you mean pump-dry"),
        (Selection(sections=("watr",)), "watr; did you mean water"),
        (Selection(patterns=("water.pumps.dri",)), "did you mean water.pumps.dry"),
        (Selection(types=("Test::Water::Pomp",)), "did you mean Test::Water::Pump"),
        (Selection(checks=("pump-dry",), types=(VALVE,)), "no check is selected"),
    ],
)
def test_a_name_that_does_not_exist_is_said_before_anything_is_read(
    store: Store, selection: Selection, said: str
) -> None:
    account = Waterworks()
    with pytest.raises(UsageError, match=said):
        scan(store, account, selection=selection)
    assert not account.calls
    assert store.scans() == []


def test_a_region_that_is_not_enabled_is_said_with_the_nearest(store: Store) -> None:
    with pytest.raises(UsageError, match=r"region eu-wset-1 .* did you mean eu-west-1"):
        scan(store, Waterworks(), regions=("eu-wset-1",))


def test_regions_that_may_not_be_listed_can_be_named(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    account = Waterworks(regions=CredentialsError("may not call ec2:DescribeRegions")).pumps(wet=3)
    judged = scan(store, account, regions=(HERE,))
    assert judged.scan.status is ScanStatus.COMPLETE
    found = {f.check: (f.verdict, f.gaps) for f in judged.judgement.findings}
    assert found["pump-dry"][0] is Verdict.FAIL
    assert found["pump-unique"][0] is Verdict.UNKNOWN
    assert found["pump-unique"][1][0].operation == "ec2:DescribeRegions"
    assert "ec2:DescribeRegions" in caplog.text
    again = evaluate(store, judged.scan, a_standard(), CHECKS, NoPrices())
    assert {f.check: f.verdict for f in again.judgement.findings} == {
        check: verdict for check, (verdict, _) in found.items()
    }


def test_regions_that_may_not_be_listed_must_be_named(store: Store) -> None:
    with pytest.raises(CredentialsError, match="--region"):
        scan(store, Waterworks(regions=CredentialsError("may not")))
    assert store.scans() == []


def test_nothing_read_is_no_coverage() -> None:
    assert coverage_percent([]) == 0
