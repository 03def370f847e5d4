"""What breaks a scan, on both databases: signals, time, credentials, the store, another scan; what was read is kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from scripted import ACCOUNT, EXPIRED
from waterworks import CHECKS, HERE, PUMP, THERE, VALVE, Waterworks, a_standard, code, scan

from auditor import job as jobs
from auditor.errors import LeaseTaken, StoreError
from auditor.job import hold
from auditor.kit.money import NoPrices
from auditor.model import CoverageState, Lifecycle, ScanStatus, Scope, Verdict
from auditor.scan import Judged, evaluate
from auditor.store import Lease, Store, scan_lease
from auditor.store.writer import ScopeWriter


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Lets go of calls that hang, at the test's end."""
    event = threading.Event()
    yield event
    event.set()


def test_an_interrupted_scan_keeps_what_was_read(store: Store, released: threading.Event) -> None:
    stop = threading.Event()

    def hang() -> None:
        stop.set()
        released.wait(60)

    account = Waterworks(during={("ListValves", THERE): hang}).pumps(wet=3, dry=0)
    judged = scan(store, account, stop=stop, threads=1)
    assert judged.scan.status is ScanStatus.INTERRUPTED
    assert judged.interrupted
    assert (code(judged), code(judged, "high")) == (130, 130)
    left = judged.coverage[Scope(ACCOUNT, THERE, VALVE)]
    assert left.gap is not None
    assert (left.state, left.gap.code) == (CoverageState.FAILED, "Interrupted")
    held = store.inventory(judged.scan.id)
    assert {resource.name for resource in held.resources(PUMP)} == {"wet", "dry"}
    assert store.latest_scan(ACCOUNT) is None, "it is none that others are compared with"


def test_a_scan_that_ran_out_of_time_is_incomplete(store: Store, released: threading.Event) -> None:
    def hang() -> None:
        released.wait(60)

    account = Waterworks(during={("ListValves", THERE): hang}).pumps(wet=3)
    judged = scan(store, account, deadline_seconds=0.1, threads=1)
    assert judged.scan.status is ScanStatus.INCOMPLETE
    assert (code(judged), code(judged, "high")) == (3, 1)


def test_credentials_that_run_out_leave_an_incomplete_scan(store: Store) -> None:
    account = Waterworks().pumps(wet=3)
    account.rows["ListValves", HERE] = account.rows["ListValves", THERE] = EXPIRED
    judged = scan(store, account)
    assert judged.scan.status is ScanStatus.INCOMPLETE
    assert code(judged) == 3


def test_a_second_interrupt_ends_at_once_and_keeps_what_was_read(store: Store) -> None:
    class Impatient:
        """A person who presses Ctrl-C twice while judging goes on."""

        def begun(self, *_: object) -> None: ...

        def progress(self, *_: object) -> None: ...

        def judging(self, *_: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(store, Waterworks().pumps(wet=3), listener=Impatient())
    (left,) = store.scans()
    assert left.status is ScanStatus.INTERRUPTED
    assert [resource.name for resource in store.inventory(left.id).resources(PUMP)] == ["wet"]
    judged = evaluate(store, left, a_standard(), CHECKS, NoPrices())
    assert {f.name for f in judged.judgement.findings if f.verdict is Verdict.FAIL} == {"wet"}


def test_a_store_that_fails_ends_the_scan_and_keeps_what_was_committed(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = Waterworks().pumps(wet=3)
    scan(store, account)
    with monkeypatch.context() as broken:

        def full(*_: object) -> None:
            raise StoreError("the disk is full")

        broken.setattr(ScopeWriter, "close", full)
        with pytest.raises(StoreError, match="the disk is full"):
            scan(store, account.pumps(dry=0))
    failed = store.latest_scan(ACCOUNT, finished=False)
    assert failed is not None
    assert failed.status is ScanStatus.FAILED
    after = scan(store, account.pumps(wet=3))
    assert {state.lifecycle for state in store.findings(after.scan.id)} == {Lifecycle.OPEN}
    assert "Traceback" not in caplog.text


def test_a_store_that_cannot_even_note_its_failure_does_not_hide_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StoreError("the database is gone")

    monkeypatch.setattr(ScopeWriter, "close", gone)
    monkeypatch.setattr(store, "finish_scan", gone)
    with pytest.raises(StoreError, match="the database is gone"):
        scan(store, Waterworks().pumps(wet=3))
    assert "could not be marked" in caplog.text
    assert "Traceback" not in caplog.text


# ---- one at a time ---------------------------------------------------------------------------------------------------


def under_lease(store: Store, stop: threading.Event | None = None) -> Callable[[str], Any]:
    return lambda account: hold(store, account, stop or threading.Event())


def test_a_second_scan_of_the_account_gives_way_and_the_first_is_not_disturbed(store: Store) -> None:
    refused: list[LeaseTaken] = []

    def another() -> None:
        with pytest.raises(LeaseTaken) as taken:
            scan(store, Waterworks().pumps(other=1), lease=under_lease(store))
        refused.append(taken.value)

    account = Waterworks(during={("ListPumps", HERE): another}).pumps(wet=3)
    judged = scan(store, account, lease=under_lease(store))
    assert len(refused) == 1
    assert "\n" not in str(refused[0])
    assert judged.scan.status is ScanStatus.COMPLETE
    assert store.scans() == [judged.scan]
    scan(store, Waterworks().pumps(wet=3), lease=under_lease(store))


def test_a_scan_that_loses_its_lease_stops_keeps_what_it_read_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE_SECONDS", 0.2)
    stop, held = threading.Event(), list[Lease]()

    @contextmanager
    def noted(account: str) -> Iterator[Lease]:
        with hold(store, account, stop) as lease:
            held.append(lease)
            yield lease

    def slept() -> None:
        # As if this process had slept until its lease had run out, and another had taken it.
        held[0].release()
        store.lease(scan_lease(ACCOUNT), "another", 600)
        assert stop.wait(60)

    account = Waterworks(during={("ListValves", THERE): slept}).pumps(wet=3)
    with pytest.raises(LeaseTaken, match="what it read is kept"):
        scan(store, account, lease=noted, stop=stop, threads=1)
    (left,) = store.scans()
    assert left.status is ScanStatus.INTERRUPTED
    assert [resource.name for resource in store.inventory(left.id).resources(PUMP)] == ["wet"]


def test_a_scan_that_was_overtaken_writes_no_more(store: Store) -> None:
    newer: list[Judged] = []

    def overtake() -> None:
        newer.append(scan(store, Waterworks().pumps(dry=0)))

    account = Waterworks(during={("ListPumps", HERE): overtake}).pumps(wet=3)
    with pytest.raises(StoreError, match="overtaken by scan 2"):
        scan(store, account)
    assert [(s.id, s.status) for s in store.scans()] == [(2, ScanStatus.COMPLETE), (1, ScanStatus.INTERRUPTED)]
    assert store.findings(newer[0].scan.id) == []
