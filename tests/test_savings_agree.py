"""What can be saved and what fails is the same number in the report, the comparison, the trend and the views."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from waterworks import CHECKS, PUMP, TYPES, Waterworks, a_check, a_standard, scan

from auditor.acceptance import Waiver
from auditor.comparison import compare_scans, savings_by_section
from auditor.kit import Evidence, Facts, NoThresholds
from auditor.ledger import Ledger
from auditor.model import Certainty, Saving, Severity
from auditor.report import build_view
from auditor.reporting import report_inputs
from auditor.savings import COMMITMENTS, priced
from auditor.scan import Judged
from auditor.selection import Selection
from auditor.standard import Pattern, Standard
from auditor.store import Store
from auditor.store.trends import _cut


def pump_wasted(pump: Facts, _: NoThresholds) -> Iterator[Evidence]:
    """A pump is used."""
    if pump["Wet"]:
        yield Evidence("it is wet for nothing", saving=Saving(10.0 * pump["Wet"], "1 x 1", Certainty.EXACT))


def pump_large(pump: Facts, _: NoThresholds) -> Iterator[Evidence]:
    """A pump is no larger than it must be."""
    if pump["Wet"]:
        yield Evidence("it is too large", saving=Saving(12.5 * pump["Wet"], "1 x 1", Certainty.EXACT))


def pump_promised(pump: Facts, _: NoThresholds) -> Iterator[Evidence]:
    """A pump that runs all the time is promised for a year."""
    if pump["Wet"]:
        yield Evidence("it is paid by the hour", saving=Saving(100.0 * pump["Wet"], "1 x 1", Certainty.EXACT))


ALL = CHECKS | {
    check.id: check
    for check in (
        a_check(pump_wasted, "cost.cleanup.pumps", PUMP),
        a_check(pump_large, "cost.right-sizing.pumps", PUMP),
        a_check(pump_promised, COMMITMENTS, PUMP),
    )
}
_WATER = a_standard()
STANDARD = Standard(
    _WATER.title, _WATER.source,
    (*_WATER, *(Pattern(check.patterns[0], "Cost", "Pumps", check.id, check.id) for check in ALL.values()
                if check.patterns[0].startswith("cost."))),
    "digest-cost",
)  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def waived(**more: Any) -> Ledger:
    until = datetime.now(UTC).date() + timedelta(days=30)
    return Ledger((Waiver(reason="a lake", owner="ada", until=until, place="waivers.toml:2", **more),), checks=ALL)


def night(store: Store, works: Waterworks, **more: Any) -> Judged:
    return scan(store, works, STANDARD, checks=ALL, **more)


def agree(store: Store, judged: Judged) -> float:
    """Return what can be saved, which every place says alike, as they do what fails."""
    view = build_view(report_inputs(store, judged.scan, STANDARD, ALL, TYPES))
    (counted,) = store.nights(judged.scan.account, 1, by=judged.scan.id, counting=priced(ALL.values()))
    saved = savings_by_section(store, judged.scan, ALL)
    assert saved is not None
    assert counted.savings == view.nights[-1].savings == view.money.total == round(sum(saved.values()), 2)
    assert counted.severities == view.nights[-1].severities == view.severities
    assert counted.waived == view.nights[-1].waived == len(view.waived)
    asked = store.ask('SELECT "check", resource FROM savings', at=judged.scan.id).rows
    said = {(item.finding.check, item.finding.resource) for item in view.money.items}
    assert {tuple(row) for row in asked} == said
    return view.money.total


def test_waived_savings_and_commitments_are_added_up_nowhere(store: Store) -> None:
    works = Waterworks().pumps(lake=4, pond=1, dry=0)
    first = night(store, works)
    second = night(store, works, ledger=waived(check="pump-large", resource="lake"))
    third = night(store, works, ledger=waived(pattern="cost.cleanup.pumps"))
    fourth = night(store, works.pumps(pond=1), ledger=waived(check="pump-wasted"))
    fifth = night(store, works.pumps(pond=1))
    totals = [agree(store, judged) for judged in (first, second, third, fourth, fifth)]
    assert totals == [62.5, 52.5, 62.5, 12.5, 12.5]
    nights = store.nights(first.scan.account, counting=priced(ALL.values()))
    assert [told.savings for told in nights] == totals
    assert [told.waived for told in nights] == [0, 1, 2, 1, 0]
    assert [told.severities[Severity.HIGH] + told.waived for told in nights] == [8, 8, 8, 4, 4]


def test_where_cost_was_not_judged_nothing_is_said_of_savings(store: Store) -> None:
    works = Waterworks().pumps(lake=4)
    whole = night(store, works)
    narrow = night(store, works, selection=Selection(checks=("pump-dry",)))
    free = night(store, works.pumps(lake=0))
    until_then = store.nights(whole.scan.account, by=narrow.scan.id, counting=priced(ALL.values()))
    assert [told.savings for told in until_then] == [50.0, None]
    nights = store.nights(whole.scan.account, counting=priced(ALL.values()))
    assert [told.savings for told in nights] == [50.0, 0.0], "a narrow night is none of the account's"
    assert compare_scans(store, whole.scan, narrow.scan, ALL, TYPES).savings == ({"cost": 50.0}, None)
    assert compare_scans(store, narrow.scan, free.scan, ALL, TYPES).savings == (None, {})


@given(
    some.integers(1, 12), some.none() | some.integers(13, 20),
    some.lists(some.integers(1, 22), unique=True, max_size=8).map(sorted),
)  # fmt: skip
def test_a_life_cut_by_waivers_is_neither_longer_nor_shorter(since: int, until: int | None, edges: list[int]) -> None:
    ends: list[int | None] = [*edges[1::2], *([None] if len(edges) % 2 else [])]
    spans = list(zip(edges[::2], ends, strict=True))
    pieces = list(_cut(since, until, spans))
    for scan_id in range(25):
        held = [accepted for begin, end, accepted in pieces if begin <= scan_id and (end is None or scan_id < end)]
        lives = since <= scan_id and (until is None or scan_id < until)
        is_waived = any(begin <= scan_id and (end is None or scan_id < end) for begin, end in spans)
        assert held == ([is_waived] if lives else [])
