"""A scan that was cut short is continued by the next one: what may be taken over, and that nobody can tell from the result."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scripted import ACCOUNT, DENIED
from waterworks import HERE, PUMP, THERE, VALVE, Waterworks, a_type, code, lives, scan

from auditor import collect
from auditor.aws.answer import Answer
from auditor.errors import StoreError
from auditor.model import GLOBAL, Coverage, CoverageState, Gap, Scan, ScanStatus, Scope
from auditor.resume import RESUME_SECONDS, scopes_to_take_over
from auditor.scan import Judged
from auditor.selection import Selection
from auditor.store import Store
from auditor.store.writer import ScopeWriter

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


# ---- what may be taken over -----------------------------------------------------------------------------------------


def a_scan(status: ScanStatus = ScanStatus.INTERRUPTED, digest: str = "t1") -> Scan:
    return Scan(7, ACCOUNT, "", "aws", status, NOW - HOUR, None, (HERE,), {}, "1", "s", "c", {}, digest)


def covered(type: str, state: CoverageState = CoverageState.COMPLETE, **more: Any) -> Coverage:
    return Coverage(Scope(ACCOUNT, HERE, type), state, **({"observed_at": NOW - HOUR} | more))


def taken(
    *coverage: Coverage, before: Scan | None = None, parents: Any = None, limit: float = RESUME_SECONDS
) -> list[str]:
    found = {cover.scope: cover for cover in coverage}
    wanted = [*found, Scope(ACCOUNT, HERE, "Never::Read")]
    kept = scopes_to_take_over(before or a_scan(), found, wanted, parents or {}, "t1", NOW, limit)
    return sorted(scope.type for scope in kept)


def test_what_was_read_whole_is_taken_over_and_nothing_else() -> None:
    gap = Gap("x:List", "AccessDenied")
    assert taken(
        covered("A"),
        covered("B", CoverageState.NOT_OFFERED),
        covered("C", CoverageState.PARTIAL, gap=gap),
        covered("D", CoverageState.DENIED, gap=gap),
        covered("E", CoverageState.FAILED, gap=gap),
        covered("F", gaps={"Tags": gap}),
    ) == ["A", "B"]


@pytest.mark.parametrize("status", [ScanStatus.RUNNING, ScanStatus.INTERRUPTED, ScanStatus.FAILED])
def test_a_scan_that_was_cut_short_is_continued(status: ScanStatus) -> None:
    assert taken(covered("A"), before=a_scan(status)) == ["A"]


@pytest.mark.parametrize("status", [ScanStatus.COMPLETE, ScanStatus.INCOMPLETE])
def test_a_scan_that_came_to_its_end_is_not(status: ScanStatus) -> None:
    assert taken(covered("A"), before=a_scan(status)) == []


@pytest.mark.parametrize("digest", ["", "t0"])
def test_what_was_read_by_other_declarations_is_read_again(digest: str) -> None:
    assert taken(covered("A"), before=a_scan(digest=digest)) == []
    unknown = scopes_to_take_over(a_scan(digest=""), {}, [], {}, "", NOW)
    assert unknown == frozenset()


@pytest.mark.parametrize(
    ("observed", "kept"),
    [(NOW - 3 * HOUR, True), (NOW - 3.01 * HOUR, False), (NOW + HOUR, True), (NOW + 4 * HOUR, False)],
)
def test_what_is_too_old_or_of_a_clock_that_jumped_is_read_again(observed: datetime, kept: bool) -> None:
    assert taken(covered("A", observed_at=observed)) == (["A"] if kept else [])


def test_what_answered_without_a_date_is_as_old_as_the_scan_that_asked() -> None:
    assert taken(covered("A", CoverageState.NOT_OFFERED, observed_at=None)) == ["A"]
    assert taken(covered("A", CoverageState.NOT_OFFERED, observed_at=None), limit=60) == []
    assert taken(covered("A", CoverageState.NOT_OFFERED, observed_at=None, from_scan=3)) == []


def test_a_type_and_what_is_listed_for_it_are_taken_over_together_or_not_at_all() -> None:
    parents = {"Child": "Parent", "Grandchild": "Child"}
    family = [covered(name) for name in ("Parent", "Child", "Grandchild")]
    assert taken(*family, parents=parents) == ["Child", "Grandchild", "Parent"]
    denied = replace(family[2], state=CoverageState.DENIED, gap=Gap("x:List", "AccessDenied"))
    assert taken(*family[:2], denied, covered("Other"), parents=parents) == ["Other"]
    elsewhere = Coverage(Scope(ACCOUNT, GLOBAL, "Child"), CoverageState.FAILED)
    assert taken(*family, elsewhere, parents=parents) == ["Child", "Grandchild", "Parent"]


def test_the_digest_is_of_the_code_that_reads() -> None:
    assert len(collect.digest()) == 64


# ---- scans ----------------------------------------------------------------------------------------------------------


class Dated(Waterworks):
    """Answers at this very moment, as AWS does."""

    ago = timedelta()

    def call(self, *asked: Any) -> Answer:
        return Answer(super().call(*asked).parsed, datetime.now(UTC) - self.ago)


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def works() -> Dated:
    account = Dated()
    account.pumps(wet=3, dry=0).valves(one="wet", stray="nowhere")
    return account


def kill_at(store: Store, account: Waterworks, operation: str, region: str, monkeypatch: pytest.MonkeyPatch) -> Scan:
    """Scan until a call is made, write what is closed by then, and leave everything as a killed process would."""

    def die() -> None:
        raise Killed

    close = ScopeWriter.close

    def closed(writer: ScopeWriter, coverage: Coverage) -> None:
        if (coverage.scope.type.rpartition("::")[2], coverage.scope.region) == (operation, region):
            die()
        close(writer, coverage)
        writer.flush()

    with monkeypatch.context() as patched:
        patched.setattr("auditor.scan._finish_quietly", lambda *_: None)
        patched.setattr(ScopeWriter, "close", closed)
        with pytest.raises(Killed):
            scan(store, account, threads=1)
    killed = store.latest_scan(ACCOUNT, finished=False)
    assert killed is not None
    assert killed.status is ScanStatus.RUNNING
    return killed


def test_the_next_scan_reads_only_what_was_not_complete(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = works()
    killed = kill_at(store, account, "Valve", THERE, monkeypatch)
    complete = store.inventory(killed.id).coverage
    account.calls.clear()
    with caplog.at_level(logging.INFO, "auditor"):
        judged = scan(store, account)
    left = {("ListPumps", HERE), ("ListPumps", THERE), ("ListValves", HERE), ("ListValves", THERE)}
    left -= {(f"List{scope.type.rpartition('::')[2]}s", scope.region) for scope in complete}
    assert set(account.calls) == left
    assert 0 < len(complete) < 4
    assert f"continues scan {killed.id}: {len(complete)} of 4 scopes were complete" in caplog.messages
    assert judged.scan.statistics["continues"] == {"scan": killed.id, "scopes": len(complete), "of": 4}
    assert judged.scan.status is ScanStatus.COMPLETE
    assert code(judged) == 0
    for scope, cover in judged.coverage.items():
        assert cover.from_scan == (killed.id if scope in complete else None)
        if scope in complete:
            assert (cover.observed_at, cover.resources) == (complete[scope].observed_at, complete[scope].resources)


def outcome(store: Store, judged: Judged) -> object:
    """Everything a scan concluded, without numbers of scans and moments."""
    inventory = store.inventory(judged.scan.id)
    return (
        code(judged, "high"),
        judged.scan.status,
        {scope: (cover.state, cover.resources) for scope, cover in judged.coverage.items()},
        sorted((r.id, r.document) for kind in inventory.types() for r in inventory.resources(kind)),
        sorted(
            (s.finding.key, s.finding.verdict, s.lifecycle, s.finding.evidence) for s in store.findings(judged.scan.id)
        ),
        store.tallies(judged.scan.id),
        store.scores(judged.scan.id),
        lives(store, judged),
    )


def test_nobody_can_tell_a_continued_scan_from_an_undisturbed_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'undisturbed.db'}") as other:
        scan(other, works().pumps(wet=1, was=2))
        undisturbed = outcome(other, scan(other, works()))
    scan(store, works().pumps(wet=1, was=2))
    kill_at(store, works(), "Valve", HERE, monkeypatch)
    assert outcome(store, scan(store, works())) == undisturbed


def test_a_continued_scan_that_is_killed_is_continued_in_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    account = works()
    first = kill_at(store, account, "Valve", HERE, monkeypatch)
    second = kill_at(store, account, "Valve", THERE, monkeypatch)
    if not store.inventory(second.id).coverage.keys() - store.inventory(first.id).coverage.keys():
        pytest.fail("the second one read nothing")
    judged = scan(store, account)
    assert {cover.from_scan for cover in judged.coverage.values()} == {first.id, second.id, None}
    assert judged.scan.statistics["continues"] == {"scan": second.id, "scopes": 3, "of": 4}
    assert code(judged) == 0


def test_volatile_fields_of_what_is_taken_over_come_with_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = a_type(PUMP)
    object.__setattr__(pump, "volatile", ("Wet",))
    monkeypatch.setattr("waterworks.TYPES", {PUMP: pump, VALVE: a_type(VALVE)})
    account = works()
    kill_at(store, account, "Valve", HERE, monkeypatch)
    account.calls.clear()
    judged = scan(store, account.pumps(wet=9, dry=9))
    assert ("ListPumps", HERE) not in account.calls
    wet = {r.name: r.document["Wet"] for r in store.inventory(judged.scan.id).resources(PUMP)}
    assert wet == {"wet": 3, "dry": 0}


def test_an_interrupted_scan_is_continued_and_no_resume_starts_over(store: Store) -> None:
    import threading

    stop, released, account = threading.Event(), threading.Event(), works()

    def hang() -> None:
        stop.set()
        released.wait(60)

    account.during["ListValves", THERE] = hang
    interrupted = scan(store, account, stop=stop, threads=1)
    released.set()
    assert interrupted.scan.status is ScanStatus.INTERRUPTED
    account.during.clear()
    account.calls.clear()
    over = scan(store, account, resume_seconds=0)
    assert len(account.calls) == 4
    assert "continues" not in over.scan.statistics
    assert {cover.from_scan for cover in over.coverage.values()} == {None}


def test_a_denied_scope_is_read_again(store: Store) -> None:
    class Broken(Exception):
        """What the prices ran into."""

    def no_prices() -> Any:
        raise Broken

    account = works()
    account.rows["ListValves", HERE] = DENIED
    with pytest.raises(Broken):
        scan(store, account, prices=no_prices)
    account.valves(one="wet")
    account.calls.clear()
    judged = scan(store, account)
    assert set(account.calls) == {("ListValves", HERE)}
    assert judged.scan.status is ScanStatus.COMPLETE


def test_what_is_too_old_is_not_taken_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    account = works()
    account.ago = timedelta(hours=4)
    kill_at(store, account, "Valve", HERE, monkeypatch)
    account.calls.clear()
    scan(store, account)
    assert len(account.calls) == 4


def test_a_narrower_scan_takes_over_only_what_it_wants_and_a_wider_one_reads_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = works()
    killed = kill_at(store, account, "Valve", THERE, monkeypatch)
    complete = len(store.inventory(killed.id).coverage)
    narrow = scan(store, account, regions=(HERE,), selection=Selection(types=(PUMP,)))
    assert {scope.region for scope in narrow.coverage} == {HERE}
    account.calls.clear()
    scan(store, account)
    assert len(account.calls) == 4, "the narrower scan came to its end: there is nothing to continue any more"
    assert complete


def test_a_newer_program_reads_everything_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    account = works()
    kill_at(store, account, "Valve", THERE, monkeypatch)
    monkeypatch.setattr(collect, "digest", lambda: "of a newer program")
    account.calls.clear()
    scan(store, account)
    assert len(account.calls) == 4


def test_a_scan_that_the_store_broke_is_continued(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    account = works()

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "save_judgement", full)
        with pytest.raises(StoreError):
            scan(store, account)
    account.calls.clear()
    judged = scan(store, account)
    assert not account.calls
    assert {cover.from_scan for cover in judged.coverage.values()} == {judged.scan.id - 1}
    assert judged.scan.status is ScanStatus.COMPLETE
