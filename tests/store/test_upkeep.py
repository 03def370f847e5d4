"""Copying, pruning, vacuuming and measuring: nothing that matters is lost, and what is said is so."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from store import released
from store.nights import START, Nights
from store.test_lives import Judge

from auditor.errors import StoreError, UnknownScan, UsageError
from auditor.model import CoverageState, Lifecycle
from auditor.store import Keep, Store, copying, keep
from auditor.store.database import Database
from auditor.store.schema import metadata


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite", "sqlite to sqlite"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return the URLs of a source and a target, each kind of way once."""
    source, target = request.param.split(" to ")
    files = {"source": f"sqlite:///{tmp_path / 'source.db'}", "target": f"sqlite:///{tmp_path / 'target.db'}"}
    return (
        files["source"] if source == "sqlite" else request.getfixturevalue("postgres_url"),
        files["target"] if target == "sqlite" else request.getfixturevalue("postgres_url"),
    )


def rows(url: str) -> dict[str, list[Any]]:
    """All rows of all tables."""
    database = Database(url)
    with database.reading() as connection:
        found = {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in metadata.tables.items()
        }
    database.dispose()
    return found


# ---- copying ---------------------------------------------------------------------------------------------------------


def test_a_copy_holds_every_row_and_tells_the_same_history(
    way: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = way
    monkeypatch.setattr(copying, "_BATCH", 7)
    with Store.open(source) as store:
        released.tell(store)
        lease = store.lease("scan:1", "me", 60)
        with lease:
            copied = Store.copy(source, target)
            before = rows(source)
        told = released.history(store)
    assert rows(target) == before
    assert copied == {name: len(found) for name, found in before.items()}
    with Store.open(target, migrate=False) as store:
        assert list(released.missing(told, released.history(store))) == []


def test_life_goes_on_in_a_copy_and_no_number_is_given_twice(way: tuple[str, str]) -> None:
    source, target = way
    with Store.open(source) as store:
        released.tell(store)
        newest = store.scans()[0].id
        with store._database.writing() as connection:
            # The newest scan failed and nothing is of it: an administrator deletes it.
            connection.execute(text(f"DELETE FROM scans WHERE id = {newest}"))
    Store.copy(source, target)
    with Store.open(target) as store:
        nights = Nights(store)
        scan = Judge(nights).night(*[nights.volume(f"new{number}") for number in range(5)], fails=["new1"])
        assert scan.id == newest + 1
        assert {state.finding.name for state in store.findings(scan.id)} == {"new1"}


def test_a_target_that_holds_anything_is_refused(way: tuple[str, str]) -> None:
    source, target = way
    with Store.open(source) as store:
        released.tell(store)
    with Store.open(target) as store:
        store.save_price("x", {}, fetched_at=START)
    before = rows(target)
    with pytest.raises(
        StoreError, match=r"is not empty \(prices has rows\): copy into a new file or an empty database"
    ):
        Store.copy(source, target)
    assert rows(target) == before
    with pytest.raises(StoreError, match="is not empty"):
        Store.copy(source, source)


def test_a_copy_that_breaks_off_leaves_the_target_empty_and_can_be_made_again(
    way: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = way
    with Store.open(source) as store:
        released.tell(store)
    whole = Database.bulk_insert

    def breaking(self: Database, connection: Any, table: Any, given: Any) -> None:
        if table.name == "finding_versions":
            raise KeyboardInterrupt
        whole(self, connection, table, given)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "bulk_insert", breaking)
        with pytest.raises(KeyboardInterrupt):
            Store.copy(source, target)
    assert not any(rows(target).values())
    Store.copy(source, target)
    assert rows(target) == rows(source)


def test_a_lost_row_is_noticed(way: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = way
    with Store.open(source) as store:
        released.tell(store)
    whole = Database.bulk_insert
    monkeypatch.setattr(
        Database, "bulk_insert",
        lambda self, connection, table, given: whole(self, connection, table, given[1:] if table.name == "scores" else given),
    )  # fmt: skip
    with pytest.raises(StoreError, match=r"scores: \d+ of \d+ rows arrived; nothing was copied"):
        Store.copy(source, target)
    assert not any(rows(target).values())


def test_a_source_that_is_no_store_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        Store.copy(f"sqlite:///{tmp_path / 'typo.db'}", f"sqlite:///{tmp_path / 'target.db'}")
    assert list(tmp_path.iterdir()) == []


# ---- pruning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("90d", Keep("all", 90)), ("all:2w", Keep("all", 14)), ("weekly:1y", Keep("weekly", 366)),
        ("monthly", Keep("monthly", None)), ("daily:3m", Keep("daily", 93)), ("0d", Keep("all", 0)),
    ],
)  # fmt: skip
def test_a_rule_is_read(rule: str, expected: Keep) -> None:
    assert keep(rule) == expected


@pytest.mark.parametrize(
    "rule", ["", "90", "-1d", "weekly:", "hourly:1d", "d", "1e3d", "²d", "9999999999d", "weekly:1y:2"]
)
def test_a_wrong_rule_is_said(rule: str) -> None:
    with pytest.raises(UsageError, match="is no rule to keep scans by"):
        keep(rule)


def tell(judge: Judge, days: int = 60) -> None:
    """Sixty nights in which everything happens again and again."""
    nights = judge.nights
    for day in range(days):
        volumes = [nights.volume(f"v{number}", Size=day // (number + 1)) for number in range(6) if (day + number) % 5]
        volumes.append(nights.volume(f"once{day}"))
        fails = [volume.name for number, volume in enumerate(volumes) if (day // 3 + number) % 2]
        if day % 11 == 5:
            judge.denied(fails=())
        elif day % 13 == 7:
            scan = nights.night(*volumes, scopes=[nights.elsewhere], selection={"type": ["x"]})
            judge.judge(scan)
        else:
            judge.night(*volumes, fails=fails)


def histories(store: Store, numbers: Iterator[int]) -> Mapping[str, Any]:
    return {str(number): released._of(store, number) for number in numbers}


def test_kept_scans_read_back_exactly_and_the_others_are_said_to_be_pruned(judge: Judge) -> None:
    store = judge.nights.store
    tell(judge)
    newest = store.scans()[0]
    before = histories(store, (scan.id for scan in store.scans()))
    now = newest.started_at
    rules = [keep("10d"), keep("weekly:5w"), keep("monthly")]
    all_rows = judge.nights.rows()
    promised = store.prune(rules, now, dry_run=True)
    assert judge.nights.rows() == all_rows
    assert len(store.scans()) == 60
    done = store.prune(rules, now)
    assert done == promised
    kept = [scan.id for scan in store.scans()]
    assert (done.scans, done.kept) == (60 - len(kept), len(kept))
    assert 12 <= len(kept) <= 22
    after_rows = judge.nights.rows()
    assert {name: all_rows[name] - count for name, count in after_rows.items() if all_rows[name] != count} == done.rows
    assert done.rows["resources"] > 30
    assert done.rows["versions"] > 60
    assert done.bytes > 0
    for told, found in histories(store, iter(kept)).items():
        # What is new since the scan before is new since the kept scan before; all else is the scan's own.
        expected = {name: value for name, value in before[told].items() if name != "inventory"}
        assert {name: value for name, value in found.items() if name != "inventory"} == expected, told
    for number in set(range(1, 61)) - set(kept):
        with pytest.raises(UnknownScan, match=f"scan {number} of 2026-.* was pruned"):
            store.scan(number)
    again = store.prune(rules, now)
    assert (again.scans, dict(again.rows)) == (0, {})


def test_a_scan_from_before_says_what_is_new_since_the_kept_one_before(judge: Judge) -> None:
    nights = judge.nights
    a, b = nights.volume("a", Size=1), nights.volume("b")
    judge.night(a)
    judge.night(nights.volume("a", Size=2), b)
    last = judge.night(nights.volume("a", Size=3), b)
    nights.store.prune([keep("0d")], last.started_at + timedelta(days=400))
    assert [scan.id for scan in nights.store.scans()] == [last.id]
    changes = nights.store.drift(last.id)
    assert {ref.name for ref in changes.added} == {"a", "b"}


def test_what_is_known_now_is_never_pruned(judge: Judge) -> None:
    store, nights = judge.nights.store, judge.nights
    tell(judge, 20)
    # The last to read and judge one region is an old scan: the newer ones are narrower.
    narrower = [nights.night(scopes=[nights.elsewhere], regions=("us-east-1",)) for _ in range(3)]
    scan = narrower[-1]
    judge.judge(scan)
    views = ("resources", "findings", "scores", "coverage", "savings")
    now = {view: store.ask(f"SELECT * FROM {view}").rows for view in views}
    current = store.findings(scan.id)
    pruned = store.prune([keep("0d")], scan.started_at + timedelta(days=1000))
    assert pruned.scans > 15
    assert {view: store.ask(f"SELECT * FROM {view}").rows for view in views} == now
    assert store.findings(scan.id) == current


def test_a_finding_that_comes_back_after_pruning_is_reopened_and_its_age_stays_true(judge: Judge) -> None:
    nights = judge.nights
    bad, old = nights.volume("bad"), nights.volume("old")
    first = judge.night(bad, old, fails=["bad", "old"])
    last = [judge.night(bad, old, fails=["old"]) for _ in range(4)][-1]
    nights.store.prune([keep("0d")], last.started_at + timedelta(days=400))
    with pytest.raises(UnknownScan):
        nights.store.scan(first.id)
    scan = judge.night(bad, old, fails=["bad", "old"])
    states = {state.finding.name: state for state in nights.store.findings(scan.id)}
    assert states["bad"].lifecycle is Lifecycle.REOPENED
    assert (states["old"].lifecycle, states["old"].since) == (Lifecycle.OPEN, first.started_at)


def test_judging_the_newest_scan_again_after_pruning_changes_nothing(judge: Judge) -> None:
    nights = judge.nights
    bad, good = nights.volume("bad"), nights.volume("good")
    for _ in range(5):
        judge.night(bad, good, fails=["bad"])
    last = judge.night(bad, good, fails=["good"])
    before = nights.store.findings(last.id), judge.changes(last)
    nights.store.prune([keep("0d")], last.started_at + timedelta(days=400))
    assert judge.judge(last, bad, good, fails=["good"])
    assert (nights.store.findings(last.id), judge.changes(last)) == before


def test_other_accounts_and_running_scans_are_left_alone(judge: Judge) -> None:
    nights = judge.nights
    for _ in range(4):
        judge.night(nights.volume("a"), fails=["a"])
    theirs = nights.volumes._replace(account="210987654321")
    for size in range(4):
        nights.night(nights.volume("b", theirs, Size=size), scopes=[theirs], account="210987654321")
    running = nights.begin(account="210987654321")
    pruned = nights.store.prune([keep("0d")], running.started_at + timedelta(days=400))
    assert pruned.scans == 6
    assert [scan.id for scan in nights.store.scans()] == [9, 8, 4]
    found = nights.store.ask("SELECT account, name FROM resources ORDER BY name", at=8).rows
    assert found == [("123456789012", "a"), ("210987654321", "b")]
    # Between the kept scans of one account nothing is known of the other but what its own kept scans saw.
    assert nights.store.ask("SELECT name FROM resources", at=6).rows == [("a",)]


def test_a_scan_that_narrows_is_not_preferred_to_a_whole_one(judge: Judge) -> None:
    nights = judge.nights
    whole = [judge.night(nights.volume("a")).id for _ in range(3)]  # Thursday to Saturday
    nights.night(nights.volume("a"), selection={"type": ["AWS::EC2::Volume"]})
    last = [judge.night(nights.volume("a")) for _ in range(8)]  # Monday to the Monday after
    nights.store.prune([keep("weekly")], last[-1].started_at)
    assert [scan.id for scan in nights.store.scans()] == [last[-1].id, last[-2].id, whole[-1]]


def test_a_scan_of_one_region_is_not_preferred_to_one_of_all(judge: Judge) -> None:
    nights = judge.nights
    whole = [judge.night(nights.volume("a")).id for _ in range(3)]  # Thursday to Saturday
    named: dict[str, Any] = {"regions": ("us-east-1",), "selection": {"region": ["us-east-1"]}}
    nights.night(nights.volume("a"), scopes=[nights.elsewhere], **named)
    last = [judge.night(nights.volume("a")) for _ in range(8)]  # Monday to the Monday after
    nights.store.prune([keep("weekly")], last[-1].started_at)
    assert [scan.id for scan in nights.store.scans()] == [last[-1].id, last[-2].id, whole[-1]]


def test_the_scan_that_speaks_for_an_account_is_kept_while_a_narrower_one_is_newer(judge: Judge) -> None:
    nights = judge.nights
    _, whole = (judge.night(nights.volume("a"), fails=["a"]) for _ in range(2))
    for _ in range(2):
        nights.night(nights.volume("a"), selection={"type": ["AWS::EC2::Volume"]})
    narrow = nights.night(nights.volume("a"), selection={"type": ["AWS::EC2::Volume"]})
    judge.judge(narrow, nights.volume("a"), fails=["a"])
    nights.store.prune([keep("yearly")], narrow.started_at)
    assert [scan.id for scan in nights.store.scans()] == [narrow.id, whole.id]
    assert nights.store.widest_scan(narrow).id == whole.id


def test_an_interrupted_prune_changes_nothing(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(judge, 12)
    before = judge.nights.rows()
    scans = judge.nights.store.scans()
    monkeypatch.setattr("auditor.store.prune._bytes", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        judge.nights.store.prune([keep("0d")], START + timedelta(days=400))
    assert judge.nights.rows() == before
    assert judge.nights.store.scans() == scans


# ---- size ------------------------------------------------------------------------------------------------------------


def test_vacuum_gives_the_room_back_and_keeps_everything(judge: Judge) -> None:
    nights = judge.nights
    for night in range(4):
        nights.night(*[nights.volume(f"v{number}-{night}", Text="x" * 50 + str(number)) for number in range(1500)])
    nights.night(nights.volume("last"))
    nights.store.prune([keep("0d")], START + timedelta(days=400))
    told = released.history(nights.store)
    before, after = nights.store.vacuum()
    assert after < before / 2
    assert nights.store.size().bytes == after
    assert released.history(nights.store) == told


def test_size_says_rows_growth_and_what_a_year_comes_to(judge: Judge) -> None:
    nights = judge.nights
    assert nights.store.size().bytes_per_night is None
    volumes = [nights.volume(f"v{number}", Size=0) for number in range(200)]
    judge.night(*volumes)
    assert (nights.store.size().nights, nights.store.size().in_a_year) == (0, None)
    for night in range(3):
        volumes[night] = nights.volume(f"v{night}", Size=1)
        judge.night(*volumes)
    size = nights.store.size()
    assert size.nights == 3
    assert size.tables["versions"].rows == 203
    assert size.tables["versions"].rows_per_night == 1
    assert size.tables["coverage"].rows_per_night == 2
    assert size.tables["leases"].rows_per_night is None
    assert size.bytes_per_night
    assert size.in_a_year == round(size.bytes + 365 * size.bytes_per_night)
    assert sum(table.bytes or 0 for table in size.tables.values()) <= size.bytes


def test_states_of_scopes_survive(judge: Judge) -> None:
    nights = judge.nights
    nights.night(nights.volume("a"))
    nights.night(states={nights.volumes: CoverageState.PARTIAL})
    last = nights.night(states={nights.volumes: CoverageState.DENIED})
    nights.store.prune([keep("0d")], last.started_at + timedelta(days=400))
    assert nights.store.ask("SELECT name, coverage FROM resources").rows == [("a", "denied")]
