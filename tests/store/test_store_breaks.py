"""The database is full, read-only, locked, shared or gone in the middle of a scan: nothing is lost, and it is said in a line."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Postgres
from killed import REGIONS, Nightly
from sqlalchemy import event, text
from store.nights import Nights
from waterworks import PUMP, scan

from auditor.aws.answer import Answer
from auditor.errors import StoreError
from auditor.model import Coverage, CoverageState, ScanStatus
from auditor.scan import Judged
from auditor.store import Store
from auditor.store import database as databases
from auditor.store.database import Database, Unavailable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def concluded(store: Store, judged: Judged) -> object:
    """What a scan came to."""
    number = judged.scan.id
    held = store.inventory(number)
    resources = sorted((item.id, repr(item.document)) for kind in held.types() for item in held.resources(kind))
    states = sorted((state.finding.key, state.finding.verdict) for state in store.findings(number))
    return judged.scan.status, resources, states, store.tallies(number), store.scores(number)


@pytest.fixture
def undisturbed(tmp_path: Path) -> object:
    """What two nights come to when nothing happens."""
    with Store.open(f"sqlite:///{tmp_path / 'undisturbed.db'}") as store:
        scan(store, Nightly(1, delay=0))
        return concluded(store, scan(store, Nightly(2, delay=0)))


class Disturbed(Nightly):
    """Has something happen once, in the middle of the second night."""

    def __init__(self, happen: Callable[[], None]) -> None:
        super().__init__(2, delay=0)
        self._happen = happen
        self._left = len(REGIONS)

    def call(self, *asked: Any) -> Answer:
        answer = super().call(*asked)
        self._left -= 1
        if self._left == 0:
            self._happen()
        return answer


# ---- gone, and back -------------------------------------------------------------------------------------------------


def test_a_postgresql_that_is_gone_for_five_seconds_in_mid_scan_costs_nothing(
    postgres: Postgres,
    postgres_url: str,
    undisturbed: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("auditor.store.writer._ROWS", 3)

    def away() -> None:
        postgres.stop()
        threading.Timer(5, postgres.start).start()

    with Store.open(postgres_url) as store:
        scan(store, Nightly(1, delay=0))
        judged = scan(store, Disturbed(away))
        assert concluded(store, judged) == undisturbed
        assert store.problems() == []
    assert "waiting for it, 60 s at most" in caplog.text
    assert "answers again" in caplog.text


@pytest.mark.parametrize("when", ["judging", "saving the judgement"])
def test_a_postgresql_that_restarts_while_judging_costs_nothing(
    postgres: Postgres, postgres_url: str, undisturbed: object, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    happened: list[int] = []

    def restart() -> None:
        if not happened:
            happened.append(1)
            postgres.stop()
            postgres.start()

    class Listener:
        def begun(self, *_: object) -> None: ...

        def progress(self, *_: object) -> None: ...

        def judging(self, *_: object) -> None:
            if when == "judging":
                restart()

    with Store.open(postgres_url) as store:
        scan(store, Nightly(1, delay=0))
        if when != "judging":
            from auditor.store.lives import Lives

            end_missing = Lives.end_missing

            def restarted(*given: Any) -> None:
                restart()
                end_missing(*given)

            monkeypatch.setattr(Lives, "end_missing", restarted)
        judged = scan(store, Nightly(2, delay=0), listener=Listener())
        assert happened
        assert concluded(store, judged) == undisturbed
        assert store.problems() == []


def test_a_postgresql_that_stays_away_ends_the_scan_in_a_line_and_the_next_one_continues(
    postgres: Postgres, postgres_url: str, undisturbed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("auditor.store.writer._ROWS", 3)
    with Store.open(postgres_url) as store:
        scan(store, Nightly(1, delay=0))
        began = time.monotonic()
        with pytest.raises(StoreError) as caught:
            scan(store, Disturbed(postgres.stop))
        took = time.monotonic() - began
        postgres.start()
        assert took < 30, "it is waited for once, not at each further step"
        assert "\n" not in str(caught.value)
        judged = scan(store, Nightly(2, delay=0))
        assert concluded(store, judged) == undisturbed
        assert store.problems() == []


def test_a_database_that_never_answered_is_not_waited_for() -> None:
    began = time.monotonic()
    with pytest.raises(StoreError):
        Store.open("postgresql://nobody@127.0.0.1:1/none")
    assert time.monotonic() - began < databases.PATIENCE_SECONDS / 2


@pytest.mark.parametrize("committed", [True, False])
def test_a_transaction_that_is_lost_on_its_way_is_written_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    nights = Nights(store)
    before = [nights.volume(f"vol-{number}", Size=1, Now=1) for number in range(30)]
    nights.night(*before)
    writing = Database.writing
    lost: list[int] = []

    @contextmanager
    def losing(database: Database, account: str = "") -> Iterator[Any]:
        with writing(database, account) as connection:
            yield connection
            if len(lost) % 2 == 0 and not committed:
                lost.append(1)
                raise Unavailable("the server closed the connection")
        if len(lost) % 2 == 0 and committed:
            lost.append(1)
            raise Unavailable("the server closed the connection")
        lost.append(0)

    scan = nights.begin()
    writer = store.writer(scan.id)
    after = [nights.volume(f"vol-{number}", Size=number % 2, Now=2) for number in range(5, 40)]
    with monkeypatch.context() as patched:
        patched.setattr(Database, "writing", losing)
        for start in range(0, 35, 7):
            writer.add(nights.volumes, after[start : start + 7], nights.volatile)
            writer.flush()
        writer.add(nights.elsewhere, [nights.volume("other", nights.elsewhere, Now=1)], nights.volatile)
        for scope in (nights.volumes, nights.elsewhere):
            writer.close(Coverage(scope, CoverageState.COMPLETE, observed_at=scan.started_at))
        writer.flush()
    assert sum(lost) == 6
    store.finish_scan(scan.id, ScanStatus.COMPLETE, scan.started_at, {})
    read = nights.read(scan)
    assert sorted(item.name for item in read.values()) == sorted(["other", *(item.name for item in after)])
    assert {item.id: item.document for item in after}.items() <= {i: r.document for i, r in read.items()}.items()
    changes = store.drift(scan.id)
    assert (len(changes.added), len(changes.changed), len(changes.gone)) == (11, 12, 5)
    assert store.problems() == []


def test_a_sqlite_store_that_another_process_locks_for_five_seconds_costs_nothing(
    tmp_path: Path, undisturbed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.store.writer._ROWS", 3)
    file = tmp_path / "store.db"
    program = (
        "import sqlite3, sys, time\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n"
        "connection.execute('BEGIN IMMEDIATE'); print('locked', flush=True); time.sleep(5); connection.execute('COMMIT')\n"
    )

    def lock() -> None:
        process = subprocess.Popen([sys.executable, "-c", program, file], stdout=subprocess.PIPE, text=True)
        locking.append(process)
        assert process.stdout
        process.stdout.readline()

    locking: list[subprocess.Popen[str]] = []
    with Store.open(f"sqlite:///{file}") as store:
        scan(store, Nightly(1, delay=0))
        judged = scan(store, Disturbed(lock))
        assert concluded(store, judged) == undisturbed
        assert store.problems() == []
    assert locking[0].communicate()[0] is not None
    assert locking[0].returncode == 0


# ---- full, read-only ------------------------------------------------------------------------------------------------

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.{column} % 7 = 0) EXECUTE FUNCTION full_disk();
"""
"""What PostgreSQL says when its disk is full, in the middle of a statement."""


@contextmanager
def full(store: Store, table: str) -> Iterator[None]:
    """The disk of the store is full: nothing more can be added to a table, or, in SQLite, to the file."""
    database = store._database
    if database.sqlite:

        def limit(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA max_page_count=1")  # no less than the file has: not a page more

        event.listen(database.engine, "connect", limit)
        database.dispose()
        try:
            yield
        finally:
            event.remove(database.engine, "connect", limit)
            database.dispose()
        return
    with database.writing() as connection:
        connection.execute(text(FULL.format(table=table, column="since_scan * 7" if "versions" in table else "id")))
    try:
        yield
    finally:
        with database.writing() as connection:
            connection.execute(text(f"DROP TRIGGER full_disk ON {table}; DROP FUNCTION full_disk()"))


class Crowded(Nightly):
    """So much of everything that no store has room for it by chance."""

    def __init__(self, night: int) -> None:
        super().__init__(night, delay=0)
        for region in REGIONS:
            self.rows["ListPumps", region] = [
                {"Id": f"p{number}", "Wet": number % 3, "Note": f"{night}-{number * 7919:x}" * 8}
                for number in range(400)
            ]


@pytest.mark.parametrize("table", ["resources", "versions", "finding_versions"])
def test_a_full_disk_ends_the_scan_in_a_line_and_the_next_one_makes_it_whole(
    store: Store, table: str, tmp_path: Path
) -> None:
    scan(store, Nightly(1, delay=0))
    with full(store, table):
        with pytest.raises(StoreError, match="is full: make room") as caught:
            scan(store, Crowded(2))
        assert "\n" not in str(caught.value)
        assert store.problems() == []
        assert store.latest_scan() == store.scan(1), "the night before can be read and is what counts"
    broken = store.scan(2)
    assert broken.status in (ScanStatus.FAILED, ScanStatus.RUNNING)
    judged = scan(store, Crowded(2))
    assert store.problems() == []
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        scan(other, Nightly(1, delay=0))
        assert concluded(store, judged) == concluded(other, scan(other, Crowded(2)))


@contextmanager
def _nobody() -> Iterator[None]:
    """Root may write anything: be somebody who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def seen_folder() -> Iterator[Path]:
    """A folder that everybody may look into: pytest's own are ours alone."""
    folder = Path(tempfile.mkdtemp(prefix="auditor-store-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def open_and_scan(url: str) -> None:
    with Store.open(url) as store:
        scan(store, Nightly(2, delay=0))


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_store_that_may_only_be_read_is_said_in_a_line(seen_folder: Path, what: str) -> None:
    file = seen_folder / "held" / "store.db"
    with Store.open(f"sqlite:///{file}") as store:
        scan(store, Nightly(1, delay=0))
    before = file.read_bytes()
    file.chmod(0o444)
    file.parent.chmod(0o777 if what == "file" else 0o555)
    try:
        with _nobody(), pytest.raises(StoreError, match=r"cannot be (written|opened)") as caught:
            open_and_scan(f"sqlite:///{file}")
    finally:
        file.parent.chmod(0o755)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before


def test_a_folder_that_may_only_be_read_takes_no_new_store(seen_folder: Path) -> None:
    seen_folder.chmod(0o555)
    with _nobody(), pytest.raises(StoreError, match="cannot be"):
        Store.open(f"sqlite:///{seen_folder / 'new' / 'store.db'}")


def test_a_postgresql_that_takes_no_changes_is_said_in_a_line(postgres: Postgres, postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        scan(store, Nightly(1, delay=0))
    name = postgres_url.partition("@/")[2].partition("?")[0]
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with Store.open(postgres_url) as store:
        with pytest.raises(StoreError, match="cannot be written: it takes no changes now"):
            scan(store, Nightly(2, delay=0))
        assert [found.id for found in store.scans()] == [1]


# ---- several at once ------------------------------------------------------------------------------------------------

SCANNER = """
import sys
sys.path.insert(0, "tests")
import auditor.store.writer
from dataclasses import replace
from auditor.store import Store, scan_lease
from auditor.errors import LeaseTaken
from killed import Nightly
from waterworks import scan
auditor.store.writer._ROWS = 5
url, account, nights, delay = sys.argv[1:]

class Of(Nightly):
    def identify(self):
        return replace(super().identify(), account=account)

for night in range(int(nights)):
    with Store.open(url) as store:
        try:
            scan(store, Of(night, float(delay)), lease=lambda account: store.lease(scan_lease(account), account, 45))
        except LeaseTaken as taken:
            print("taken", flush=True)
            sys.exit(4)
print("done", flush=True)
"""


def start(url: str, account: str, nights: int, delay: float = 0.002) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SCANNER, url, account, str(nights), str(delay)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_scan_different_accounts_into_one_store_lose_nothing(store_url: str, tmp_path: Path) -> None:
    accounts, nights = [str(number) * 12 for number in range(1, 5)], 4
    running = [start(store_url, account, nights) for account in accounts]
    ends = [(*process.communicate(timeout=300), process.returncode) for process in running]
    assert ends == [("done\n", "", 0)] * len(accounts)
    with Store.open(store_url) as store, Store.open(f"sqlite:///{tmp_path / 'alone.db'}") as other:
        assert store.problems() == []
        for number in range(nights):
            scan(other, Nightly(number, delay=0))
        for account in accounts:
            found, alone = store.scans(account), other.scans()
            assert len(found) == nights
            for one, expected in zip(found, alone, strict=True):
                assert one.status is ScanStatus.COMPLETE
                assert said(store, one.id) == said(other, expected.id)


def said(store: Store, number: int) -> object:
    """What a scan came to, without the account's number."""
    held = store.inventory(number)
    coverage = sorted(
        (scope.region, scope.type, cover.state, cover.resources) for scope, cover in held.coverage.items()
    )
    names = sorted((item.region, item.name, repr(item.document)) for item in held.resources(PUMP))
    states = sorted(
        (s.finding.check, s.finding.region, s.finding.name, s.finding.verdict, s.lifecycle)
        for s in store.findings(number)
    )
    return coverage, names, states, [(score.level, score.value) for score in store.scores(number)]


def test_of_two_scans_of_one_account_at_once_one_runs_and_the_other_says_so(store_url: str) -> None:
    Store.open(store_url).close()
    running = [start(store_url, "1" * 12, 1, delay=0.5) for _ in range(2)]
    ends = sorted((process.communicate(timeout=300)[0], process.returncode) for process in running)
    with Store.open(store_url) as store:
        assert store.problems() == []
        if ends != [("done\n", 0), ("done\n", 0)]:  # one after the other, when the second was slow to start
            assert ends == [("done\n", 0), ("taken\n", 4)]
            assert [found.status for found in store.scans()] == [ScanStatus.COMPLETE]


def test_readers_see_one_state_of_the_store_while_it_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.store.writer._ROWS", 3)
    scan(store, Nightly(1, delay=0))
    expected, seen, over = said(store, 1), [], threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.append(said(store, 1) == expected)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for night in range(2, 6):
            scan(store, Nightly(night))
    finally:
        over.set()
        reader.join()
    assert seen
    assert all(seen)


# ---- what cannot be -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE versions SET until_scan = since_scan WHERE until_scan IS NULL",
            "versions of a resource end before they begin",
        ),
        ("UPDATE versions SET until_scan = NULL", "versions of a resource overlap"),
        ("UPDATE versions SET since_scan = since_scan + 90, until_scan = NULL", "begin with a scan that never was"),
        ("UPDATE versions SET scope_id = scope_id + 1", "versions are in another scope than their resource"),
        ("UPDATE versions SET codec = 99", "rows of versions are packed with a dictionary that is gone"),
        ("UPDATE scans SET status = 'running'", "accounts have a running scan that is not their newest"),
        ("UPDATE finding_versions SET opened_scan = since_scan + 1", "findings opened after the version that says so"),
        (
            "DELETE FROM judgements WHERE scan_id = 2",
            "verdicts begin with a scan after the account's newest judged one",
        ),
        ("UPDATE coverage SET resources = resources + 1 WHERE scan_id = 2", "the newest scan counted"),
    ],
)
def test_what_cannot_be_in_a_store_is_found(store: Store, statement: str, said: str) -> None:
    for night in (1, 2):
        scan(store, Nightly(night, delay=0))
    assert store.problems() == []
    with store._database.writing() as connection:
        connection.execute(text(statement))
    assert said in "\n".join(store.problems())


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with Store.open(f"sqlite:///{file}") as store:
        scan(store, Crowded(1))
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(file.read_bytes())
    half = len(content) // 2
    content[half : half + 8192] = b"\xff" * 8192
    file.write_bytes(content)
    try:
        with Store.open(f"sqlite:///{file}") as store:
            told = "\n".join(store.problems())
    except StoreError as error:
        told = str(error)
    assert "damaged" in told
