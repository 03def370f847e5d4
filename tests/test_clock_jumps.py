"""This machine's clock is set back: nothing is older than it can be, no history is lost, no dead lease holds for ever."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import pytest
from killed import Nightly
from scripted import ACCOUNT
from waterworks import scan

from auditor.errors import LeaseTaken
from auditor.model import ScanStatus
from auditor.store import Store, scan_lease

DAY = timedelta(days=1)


class Clock:
    """The clock of this machine, as the program reads it; a test sets it."""

    def __init__(self) -> None:
        self.shift = timedelta()
        real, clock = datetime, self

        class Set(datetime):
            """A datetime whose now is another."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return real.now(tz) + clock.shift  # type: ignore[return-value]

        self.type = Set


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in ("auditor.scan", "auditor.store.leases"):
        monkeypatch.setattr(f"{module}.datetime", made.type)
    return made


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def test_a_clock_that_is_set_back_between_two_nights_loses_no_history(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    first = scan(store, Nightly(1, delay=0))
    before = store.findings(first.scan.id)
    clock.shift = -3 * DAY
    with caplog.at_level(logging.WARNING, "auditor"):
        second = scan(store, Nightly(2, delay=0))
    assert f"before the beginning of scan {first.scan.id}" in caplog.text
    assert second.scan.started_at < first.scan.started_at, "what the clock said is what is kept"
    assert store.latest_scan(ACCOUNT) == second.scan
    assert store.previous_scan(second.scan) == first.scan
    states = store.findings(second.scan.id)
    assert {state.lifecycle for state in states} >= {"open", "opened"}
    for state in states:
        assert state.since <= second.scan.started_at, "nothing has a negative age"
        assert state.last_seen <= second.scan.started_at
    assert store.findings(first.scan.id) == before
    assert store.problems() == []
    clock.shift = timedelta()
    third = scan(store, Nightly(1, delay=0))
    assert [found.id for found in store.scans()] == [3, 2, 1]
    assert {s.finding.key for s in store.findings(third.scan.id)} == {s.finding.key for s in before}


def test_a_clock_that_is_set_back_during_a_scan_does_not_end_it_before_it_began(store: Store, clock: Clock) -> None:
    account = Nightly(1, delay=0)

    def back() -> None:
        clock.shift = -DAY

    account.during["ListPumps", "eu-west-1"] = back
    judged = scan(store, account)
    assert judged.scan.finished_at is not None
    assert timedelta(0) <= judged.scan.finished_at - judged.scan.started_at < timedelta(minutes=5)
    assert judged.scan.statistics["seconds"] >= 0
    assert judged.scan.statistics["judging_seconds"] >= 0
    assert judged.scan.status is ScanStatus.COMPLETE


def test_a_scan_is_never_stored_as_ended_before_it_began(store: Store) -> None:
    judged = scan(store, Nightly(1, delay=0))
    ended = store.finish_scan(judged.scan.id, ScanStatus.COMPLETE, judged.scan.started_at - DAY, {})
    assert ended.finished_at == ended.started_at


def a_lease(tmp_path: Any) -> tuple[Store, Any]:
    store = Store.open(f"sqlite:///{tmp_path / 'leases.db'}")
    return store, store.lease(scan_lease(ACCOUNT), "the dead", 45)


def test_a_dead_holders_lease_ends_in_time_although_the_clock_was_set_back(tmp_path: Any, clock: Clock) -> None:
    store, _ = a_lease(tmp_path)
    clock.shift = -DAY
    with store:
        with pytest.raises(LeaseTaken):
            store.lease(scan_lease(ACCOUNT), "the next", 45)
        clock.shift = -DAY + timedelta(seconds=46)
        assert store.lease(scan_lease(ACCOUNT), "the next", 45).holder == "the next"


def test_a_living_holder_keeps_its_lease_when_the_clock_is_set_back(tmp_path: Any, clock: Clock) -> None:
    store, lease = a_lease(tmp_path)
    with store:
        for seconds in range(0, 200, 11):
            clock.shift = -DAY + timedelta(seconds=seconds)
            lease.heartbeat()
            with pytest.raises(LeaseTaken):
                store.lease(scan_lease(ACCOUNT), "the next", 45)


def test_a_dead_scan_is_found_although_the_clock_was_set_back(tmp_path: Any, clock: Clock) -> None:
    store, lease = a_lease(tmp_path)
    with store:
        begun = store.begin_scan(
            account=ACCOUNT, account_name="", partition="aws", regions=(), selection={}, program_version="1",
            standard_digest="s", checks_digest="c", started_at=datetime.now(UTC), lease=lease,
        )  # fmt: skip
        clock.shift = -DAY
        assert store.interrupt_abandoned(ACCOUNT) == []
        clock.shift = -DAY + timedelta(seconds=46)
        assert [found.id for found in store.interrupt_abandoned(ACCOUNT)] == [begun.id]


def test_what_was_read_before_the_clock_was_set_back_far_is_read_again(store: Store, clock: Clock) -> None:
    class Broken(Exception):
        """What the prices ran into."""

    def no_prices() -> Any:
        raise Broken

    account = Nightly(1, delay=0)
    with pytest.raises(Broken):
        scan(store, account, prices=no_prices)
    clock.shift = -DAY
    account.calls.clear()
    judged = scan(store, account)
    assert len(account.calls) == 8
    assert "continues" not in judged.scan.statistics
