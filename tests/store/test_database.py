"""Opening, upgrading and sharing a store: both databases, several processes, and everything that can be wrong with one."""

import os
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from store.nights import Nights

from auditor.errors import LeaseTaken, StoreError
from auditor.model import Coverage, CoverageState, ScanStatus
from auditor.store import Store, default_url, scan_lease
from auditor.store import upgrade as upgrade_module
from auditor.store.database import Database
from auditor.store.schema import HEAD, REVISIONS, metadata

ROOT = Path(__file__).resolve().parents[2]


def execute(url: str, *statements: str) -> None:
    """Run statements past the store."""
    database = Database(url)
    with database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.dispose()


def describe(url: str) -> object:
    """What a database says of its own tables, for comparing two of them."""
    database = Database(url)
    with database.reading() as connection:
        if database.sqlite:
            rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master")).all()
            # Alembic writes the same statement with other white space and its constraints in another order.
            result: object = sorted((row.type, row.name, sorted(re.split(r"[\s,()]+", row.sql or ""))) for row in rows)
        else:
            columns = "table_name, column_name, data_type, is_nullable, column_default, character_maximum_length"
            query = f"SELECT {columns} FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
            indices = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
            ours = "connamespace = 'public'::regnamespace"
            keys = f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE {ours} ORDER BY 1"
            result = [connection.execute(text(statement)).all() for statement in (query, indices, keys)]
    database.dispose()
    return result


# ---- opening and upgrading ------------------------------------------------------------------------------------------


def test_a_migrated_schema_equals_a_fresh_one(store_url: str) -> None:
    with Store.open(store_url) as store:
        assert store.revision == HEAD
    fresh = describe(store_url)
    tables = ", ".join(f'"{name}"' for name in metadata.tables)
    if store_url.startswith("sqlite"):
        Path(store_url.removeprefix("sqlite:///")).unlink()
    else:
        execute(store_url, f"DROP TABLE {tables}, alembic_version CASCADE")
    database = Database(store_url)
    with database.writing() as connection:
        upgrade_module._migrate(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    database.dispose()
    assert describe(store_url) == fresh


def test_the_program_knows_every_revision_there_is() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from auditor.catalog import bundled

    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS


def test_an_older_store_is_upgraded_only_when_allowed(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(store_url):
        pass
    monkeypatch.setattr(upgrade_module, "HEAD", "next")
    monkeypatch.setattr(upgrade_module, "REVISIONS", (*REVISIONS, "next"))
    upgraded: list[str] = []
    monkeypatch.setattr(upgrade_module, "_migrate", lambda connection: upgraded.append(connection.dialect.name))
    with pytest.raises(StoreError, match="is of an older program: run `auditor db upgrade`"):
        Store.open(store_url, migrate=False)
    assert upgraded == []
    Store.open(store_url).close()
    assert Store.upgrade(store_url) == (HEAD, "next")
    assert len(upgraded) == 2


def test_upgrade_says_what_it_did(store_url: str) -> None:
    assert Store.upgrade(store_url) == ("", HEAD)
    assert Store.upgrade(store_url) == (HEAD, HEAD)


@pytest.mark.parametrize("migrate", [True, False])
def test_a_store_of_a_newer_program_is_refused(store_url: str, migrate: bool) -> None:
    Store.open(store_url).close()
    execute(store_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        StoreError, match=r"is of a newer program \(schema 9999, this one knows .*\): update the auditor"
    ):
        Store.open(store_url, migrate=migrate)
    with pytest.raises(StoreError, match="newer program"):
        Store.upgrade(store_url)


@pytest.mark.parametrize("table", ["scans", "alembic_version", "songs"])
def test_another_programs_database_is_left_alone(store_url: str, table: str) -> None:
    execute(store_url, f"CREATE TABLE {table} (version_num VARCHAR(9))", f"INSERT INTO {table} VALUES ('0006')")
    before = describe(store_url)
    if table == "songs" and store_url.startswith("postgresql"):
        # Programs share a schema on purpose; nobody shares a file.
        Store.open(store_url).close()
        return
    for opening in (Store.open, Store.upgrade, lambda url: Store.open(url, create=False)):
        with pytest.raises(StoreError, match=rf"has tables of another program \({table}\): give the auditor its own"):
            opening(store_url)
    assert describe(store_url) == before
    if store_url.startswith("sqlite"):
        assert Path(store_url.removeprefix("sqlite:///")).read_bytes()[18:20] == b"\1\1", "not even WAL"


def test_whoever_only_reads_makes_no_store(store_url: str) -> None:
    with pytest.raises(StoreError, match=r"there is no store in .* yet: `auditor scan` makes one"):
        Store.open(store_url, create=False)
    if store_url.startswith("sqlite"):
        file = Path(store_url.removeprefix("sqlite:///"))
        assert not file.exists()
        file.touch()
        with pytest.raises(StoreError, match=r"there is no store in .* yet"):
            Store.open(store_url, create=False)
        assert file.read_bytes() == b""
    Store.open(store_url).close()
    Store.open(store_url, create=False).close()


def test_opening_a_store_that_is_up_to_date_imports_no_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    program = (
        f"import sys; from auditor.store import Store; Store.open({url!r}).close(); print('alembic' in sys.modules)"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
        assert done.stdout == "False\n"


def test_the_default_is_a_file_in_the_users_data_directory(home: Path) -> None:
    assert default_url() == f"sqlite:///{home}/data/auditor/store.db"
    with Store.open(default_url()) as store:
        assert store.scans() == []
    assert (home / "data/auditor/store.db").exists()


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path / 'store.db'}").close()
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    with database.reading() as connection:
        pragmas = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in
                   ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}  # fmt: skip
    database.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}


# ---- what is wrong, in one line -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "the store's URL is not understood: use sqlite:////absolute"),
        ("store.db", "the store's URL is not understood"),
        ("sqlite:", "the store's URL is not understood"),
        ("postgresql://host:port/x", "the store's URL is not understood"),
        ("mysql://user:secret@host/x", "a store cannot be kept in 'mysql': use sqlite"),
        ("sqlite://", "the store's URL names no file"),
        ("sqlite:///:memory:", "the store's URL names no file"),
        ("sqlite:////proc/none/store.db", "the store sqlite:////proc/none/store.db cannot be used: "),
        ("sqlite:////", "cannot be opened: check that the folder exists"),
        (
            "postgresql://me:secret@/none?host=/nowhere",
            r"the store postgresql://me:\*\*\*@/none\?host=%2Fnowhere does not answer: ",
        ),
    ],
)
def test_a_wrong_url_is_said_in_one_line_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_kind_of_file_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to look like one" * 100)
    with pytest.raises(StoreError, match="is not a store: it is another kind of file"):
        Store.open(f"sqlite:///{file}")


@pytest.mark.parametrize("found", [b"scans (", b"CREATE TABLE scans", b"tablescansscans"])
def test_a_file_with_other_bytes_in_it_is_said_in_one_line(tmp_path: Path, found: bytes) -> None:
    file = tmp_path / "store.db"
    with Store.open(f"sqlite:///{file}"):
        pass
    whole = file.read_bytes()
    assert found in whole
    file.write_bytes(whole.replace(found, bytes(0xFF - byte for byte in found)))
    with (
        pytest.raises(StoreError, match=r"is damaged: restore it from a backup"),
        Store.open(f"sqlite:///{file}") as store,
    ):
        store.scans()


def test_a_file_that_cannot_be_written_can_still_be_read(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with Store.open(f"sqlite:///{file}") as store:
        scan = Nights(store).night()
    with Store.open(f"sqlite:///file:{file}?mode=ro&uri=true") as store:
        assert store.scan(scan.id) == scan
        with pytest.raises(StoreError, match="cannot be written: give it write permission"):
            Nights(store).begin()


READ_ONLY = """
import os, sys
sys.path.insert(0, "tests")
from auditor.errors import StoreError
from auditor.store import Store
from store.nights import Nights
file = sys.argv[1]
with Store.open(f"sqlite:///{file}", create=False) as store:
    print(len(store.scans()))
    for work in (Nights(store).begin, lambda: os.utime(file) or store.scans()):
        try:
            work()
        except StoreError as error:
            print(error)
"""


def test_a_store_in_a_read_only_folder_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "kept # 100%" / "store.db"
    with Store.open(f"sqlite:///{file}") as store:
        Nights(store).night()
    file.chmod(0o444)
    file.parent.chmod(0o555)
    # Permissions hold for root only without the capabilities to pass them by.
    humbly = (
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
    )
    command = [*humbly, sys.executable, "-c", READ_ONLY, str(file)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    file.parent.chmod(0o755)
    assert said[0] == "1"
    assert said[1].endswith("cannot be written: give it write permission, or name another with --store")
    assert said[2].endswith("was written while it was read from a read-only folder: try again")
    assert list(file.parent.iterdir()) == [file]


def test_a_full_disk_is_said_in_one_line_and_loses_nothing(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        nights = Nights(store)
        first = nights.night(nights.volume("vol-1"))
        with store._database.unmanaged() as connection:
            # The pool hands out this very connection again.
            connection.execute("PRAGMA max_page_count=1")
        scan = nights.begin()
        writer = store.writer(scan.id)
        writer.add(nights.volumes, [nights.volume(f"vol-{number}", Text="x" * 50_000) for number in range(50)])
        with pytest.raises(StoreError, match="is full: make room and start again; what was written before is kept"):
            writer.flush()
        assert len(nights.read(first)) == 1
        with store._database.unmanaged() as connection:
            connection.execute("PRAGMA max_page_count=1000000")
        writer.flush()
        assert nights.rows()["versions"] == 51


def test_a_locked_store_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    Store.open(url).close()
    monkeypatch.setattr("auditor.store.database._BUSY_SECONDS", 0)
    holder = Database(url)
    with Store.open(url) as store, holder.writing():
        with pytest.raises(StoreError, match="has been locked by another process"):
            Nights(store).begin()
        assert store.scans() == []
    holder.dispose()


def test_a_damaged_body_is_said_in_one_line(nights: Nights) -> None:
    scan = nights.night(nights.volume("vol-1"))
    execute_on(nights, "UPDATE versions SET codec = 77")
    with pytest.raises(StoreError, match="the store is damaged: dictionary 76 is missing"):
        nights.read(scan)
    execute_on(nights, "UPDATE versions SET codec = 0")
    with pytest.raises(StoreError, match="the store is damaged: a body cannot be read"):
        nights.read(scan)


def execute_on(nights: Nights, statement: str) -> None:
    with nights.store._database.writing() as connection:
        connection.execute(text(statement))


def test_plain_json_stays_legal(nights: Nights) -> None:
    volume = nights.volume("vol-1")
    scan = nights.night(volume)
    plain = b'{"d": {"VolumeId": "vol-1"}, "n": "vol-1", "t": {"Name": "vol-1"}}'
    with nights.store._database.writing() as connection:
        connection.execute(text("UPDATE versions SET codec = 0, body = :body"), {"body": plain})
    assert nights.read(scan)[volume.id].document == volume.document


def test_a_naive_time_is_the_callers_mistake(nights: Nights) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point
    scan = nights.begin()
    with pytest.raises(StoreError, match="the store takes aware times only"):
        nights.store.finish_scan(scan.id, ScanStatus.COMPLETE, naive, {})


def test_times_come_back_in_utc_to_the_microsecond(nights: Nights) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    finished = nights.store.finish_scan(nights.begin().id, ScanStatus.COMPLETE, moment, {}).finished_at
    assert finished == moment
    assert finished.tzinfo is UTC


# ---- leases ---------------------------------------------------------------------------------------------------------


def test_a_lease_has_one_holder_until_it_is_given_back(store: Store) -> None:
    with store.lease("scan:1", "host-a", 60) as lease:
        lease.heartbeat()
        with pytest.raises(LeaseTaken, match=r"'scan:1' is held by host-a since \d{4}-"):
            store.lease("scan:1", "host-b", 60)
        store.lease("scan:2", "host-b", 60)
    store.lease("scan:1", "host-b", 60)
    lease.release()
    with pytest.raises(LeaseTaken, match="host-b"):
        store.lease("scan:1", "host-a", 60)


def test_a_lease_that_ran_out_can_be_taken_and_is_lost(store: Store) -> None:
    dead = store.lease("scan:1", "host-a", -1)
    dead.heartbeat()
    taken = store.lease("scan:1", "host-b", 60)
    assert taken.token != dead.token
    with pytest.raises(LeaseTaken, match="ran out and was taken by another"):
        dead.heartbeat()
    dead.release()
    taken.heartbeat()


def test_of_many_who_want_a_lease_one_gets_it(store: Store) -> None:
    got: list[str] = []
    barrier = threading.Barrier(8)

    def want(name: str) -> None:
        barrier.wait()
        try:
            store.lease("scan:1", name, 60)
        except LeaseTaken:
            return
        got.append(name)

    threads = [threading.Thread(target=want, args=(f"host-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_scan_whose_lease_ran_out_is_interrupted(nights: Nights) -> None:
    store = nights.store
    alive = store.lease(scan_lease(nights.account), "host-a", 60)
    scan = nights.begin(lease=alive)
    assert store.interrupt_abandoned() == []
    alive.release()
    # Whoever takes up the account's work holds its lease while asking.
    store.lease(scan_lease(nights.account), "host-b", 60)
    assert store.interrupt_abandoned("999999999999") == []
    assert [found.id for found in store.interrupt_abandoned(nights.account)] == [scan.id]
    assert store.scan(scan.id).status is ScanStatus.INTERRUPTED
    assert store.interrupt_abandoned() == []


def test_a_scan_begun_without_a_lease_lives_by_its_accounts(nights: Nights) -> None:
    lease = nights.store.lease(scan_lease(nights.account), "host-a", 60)
    scan = nights.begin()
    assert nights.store.interrupt_abandoned() == []
    lease.release()
    assert [found.id for found in nights.store.interrupt_abandoned()] == [scan.id]


def test_an_interrupted_scan_that_was_overtaken_cannot_be_finished(nights: Nights) -> None:
    old = nights.begin()
    nights.begin()
    assert nights.store.finish_scan(old.id, ScanStatus.COMPLETE, old.started_at, {}).status is ScanStatus.INTERRUPTED


# ---- prices ---------------------------------------------------------------------------------------------------------


def test_a_price_is_kept_with_its_dates_until_a_newer_one(store: Store) -> None:
    moment = datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert store.price("gp3:eu-west-1") is None
    for usd in (0.08, 0.088):
        store.save_price(
            "gp3:eu-west-1", {"usd": usd, "terms": [None, "\x00"]}, fetched_at=moment, published="2025-12-20"
        )
    price = store.price("gp3:eu-west-1")
    assert price is not None
    assert price.body == {"usd": 0.088, "terms": [None, "\x00"]}
    assert (price.fetched_at, price.published) == (moment, "2025-12-20")


# ---- several at once ------------------------------------------------------------------------------------------------

WRITER = """
import sys
sys.path.insert(0, "tests")
from auditor.model import Scope
from auditor.store import Store
from store.nights import Nights
url, account = sys.argv[1:]
scope = Scope(account, "eu-west-1", "AWS::EC2::Volume")
with Store.open(url) as store:
    nights = Nights(store, account)
    for night in range(6):
        nights.night(*(nights.volume(f"vol-{n}", scope, Size=night) for n in range(40)), scopes=[scope], account=account)
"""


def test_processes_that_write_at_once_lose_nothing(store_url: str) -> None:
    accounts = [str(number) * 12 for number in range(1, 4)]
    # The store itself is made by whoever comes first.
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, store_url, account], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for account in accounts
    ]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    assert ends == [("", 0)] * 3
    with Store.open(store_url) as store:
        assert len(store.scans()) == 18
        for account in accounts:
            nights = Nights(store, account)
            for night, scan in enumerate(reversed(store.scans(account))):
                sizes = [item.document["Size"] for item in nights.read(scan).values()]
                assert (scan.status, sizes) == (ScanStatus.COMPLETE, [night] * 40)


KILLED = """
import os, signal, sys
sys.path.insert(0, "tests")
from auditor.model import Coverage, CoverageState
from auditor.store import Store
from store.nights import Nights
url, moment = sys.argv[1:]
store = Store.open(url)
nights = Nights(store)
writer = store.writer(nights.begin().id)
writer.add(nights.volumes, [nights.volume(f"vol-{n}", Size=2) for n in range(100)])
writer.flush()
if moment == "closed":
    writer.close(Coverage(nights.volumes, CoverageState.COMPLETE))
    writer.flush()
writer.add(nights.elsewhere, [nights.volume("vol-1", nights.elsewhere)])
if moment == "writing":
    # Within the transaction, after the rows and before its end.
    from auditor.store.ingest import Ingest
    write = Ingest.write
    Ingest.write = lambda ingest: (write(ingest), os.kill(os.getpid(), signal.SIGKILL))
    writer.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["open", "closed", "writing"])
def test_a_killed_scan_leaves_a_store_that_the_next_scan_makes_whole(store_url: str, moment: str) -> None:
    with Store.open(store_url) as store:
        nights = Nights(store)
        before = [nights.volume(f"vol-{number}", Size=1) for number in range(120)]
        first = nights.night(*before)
        done = subprocess.run([sys.executable, "-c", KILLED, store_url, moment], cwd=ROOT, check=False)
        assert done.returncode == -signal.SIGKILL
        (killed,) = store.interrupt_abandoned()
        assert len(nights.read(killed)) == (100 if moment == "closed" else 0)
        assert [item.document for item in nights.read(first).values()] == [item.document for item in before]
        after = [nights.volume(f"vol-{number}", Size=3) for number in range(1, 121)]
        last = nights.night(*after)
        changes = store.drift(last.id)
        assert [item.document for item in nights.read(last).values()] == [item.document for item in after]
        assert ([ref.name for ref in changes.added], [ref.name for ref in changes.gone]) == (["vol-120"], ["vol-0"])
        assert len(changes.changed) == 119


def test_threads_share_a_writer(nights: Nights) -> None:
    volumes = [nights.volume(f"vol-{number}") for number in range(400)]
    for _ in range(2):
        scan = nights.begin()
        writer = nights.store.writer(scan.id)

        def work(start: int) -> None:
            for number in range(start, 400, 8):
                writer.add(nights.volumes, [volumes[number]])  # noqa: B023 - joined below
                if number % 40 == start:
                    writer.flush()  # noqa: B023

        threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.close(Coverage(nights.volumes, CoverageState.COMPLETE))
        assert nights.read(scan).keys() == {volume.id for volume in volumes}
    assert nights.rows()["versions"] == 400
