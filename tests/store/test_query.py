"""Questions in SQL: every view and column answers, now and as of a night; nothing can be written; limits are told."""

import importlib.util
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from store import released
from store.nights import START, Nights
from store.test_lives import Judge

from auditor.errors import QueryError, StoreError
from auditor.model import CoverageState, Gap, Lifecycle, Resource
from auditor.store import Store
from auditor.store import query as query_module
from auditor.store.views import VIEWS, Kind

ROOT = Path(__file__).resolve().parents[2]
OF_KIND = {Kind.TEXT: str, Kind.INTEGER: int, Kind.NUMBER: float, Kind.BOOLEAN: int, Kind.MOMENT: str, Kind.JSON: str}


def examples() -> list[tuple[str, str]]:
    spec = importlib.util.spec_from_file_location("docs_generate_queries", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[tuple[str, str]] = module.queries()
    return found


@pytest.fixture
def told(store: Store) -> Store:
    released.tell(store)
    with store._database.writing() as connection:
        connection.execute(text("UPDATE scores SET strict = value"))
    return store


@pytest.fixture
def judge(nights: Nights) -> Judge:
    return Judge(nights)


def rows(store: Store, statement: str, **asked: Any) -> list[tuple[Any, ...]]:
    return list(store.ask(statement, **asked).rows)


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, as the database has them."""
    with store._database.reading() as connection:
        from auditor.store.schema import metadata

        return {
            name: sorted(map(tuple, connection.execute(text(f'SELECT * FROM "{name}"'))), key=repr)
            for name in metadata.tables
        }


def test_every_column_of_every_view_is_of_its_kind(told: Store) -> None:
    for view in VIEWS.values():
        answer = told.ask(f"SELECT * FROM {view.name}")
        assert answer.columns == tuple(column.name for column in view.columns)
        assert answer.rows, view.name
        for row in answer.rows:
            for column, value in zip(view.columns, row, strict=True):
                assert value is None or isinstance(value, OF_KIND[column.kind]), (view.name, column.name)
                if column.kind is Kind.JSON and value is not None:
                    json.loads(str(value))


def test_every_column_is_filled_somewhere(told: Store) -> None:
    nights = Nights(told)
    denied = nights.night(states={nights.volumes: CoverageState.DENIED})
    for view in VIEWS.values():
        counts = ", ".join(f'count("{column.name}")' for column in view.columns)
        # What is denied fails no more, and what does not fail is not waived.
        answers = [told.ask(f"SELECT {counts} FROM {view.name}", at=at).rows[0] for at in (denied.id - 1, denied.id)]
        empty = [column.name for column, *found in zip(view.columns, *answers, strict=True) if not any(found)]
        assert empty == [], view.name


def test_the_resources_are_those_of_the_inventory(nights: Nights) -> None:
    gap = Gap("ec2:Get", "Denied", "no")
    volumes = [nights.volume("a", Size=1, Now=5), nights.volume("b", gaps={"Policy": gap}), nights.volume("c", Size=2)]
    nights.night(*volumes)
    nights.night(nights.volume("a", Size=3, Now=6), volumes[1])
    now = rows(nights.store, "SELECT name, document, gaps, since_scan, tags ->> 'Name' FROM resources ORDER BY name")
    assert [(name, json.loads(body), json.loads(gaps), since, tag) for name, body, gaps, since, tag in now] == [
        ("a", {"VolumeId": "a", "Size": 3, "Now": 6}, {}, 2, "a"),
        ("b", {"VolumeId": "b"}, {"Policy": {"operation": "ec2:Get", "code": "Denied", "message": "no"}}, 1, "b"),
    ]
    then = rows(nights.store, "SELECT name, document ->> 'Size', document ->> 'Now' FROM resources ORDER BY name", at=1)
    assert then == [("a", 1, 5), ("b", None, None), ("c", 2, None)]
    assert rows(nights.store, "SELECT name, since_scan, until_scan FROM resources_history ORDER BY 1, 2") == [
        ("a", 1, 2), ("a", 2, None), ("b", 1, None), ("c", 1, 2),
    ]  # fmt: skip
    assert rows(nights.store, "SELECT name, until_scan FROM resources_history ORDER BY 1", at=1) == [
        ("a", None), ("b", None), ("c", None),
    ]  # fmt: skip


def test_what_could_not_be_read_is_still_there_and_says_so(nights: Nights) -> None:
    nights.night(nights.volume("a"))
    nights.night(states={nights.volumes: CoverageState.DENIED})
    assert rows(nights.store, "SELECT name, coverage, read_scan FROM resources") == [("a", "denied", 2)]
    assert rows(nights.store, "SELECT state, operation, code FROM coverage WHERE region = 'eu-west-1'") == [
        ("denied", nights.denied.operation, nights.denied.code)
    ]


def test_the_findings_of_a_moment_are_those_the_store_tells(judge: Judge, nights: Nights) -> None:
    bad, good = nights.volume("bad"), nights.volume("good")
    scans = [
        judge.night(bad, good, fails=["bad"]),
        judge.night(bad, good, fails=["bad", "good"]),
        judge.denied(),
        judge.night(bad, good, fails=["good"]),
        judge.night(bad, good, fails=["bad", "good"], unknown=[]),
    ]
    statement = "SELECT key, lifecycle, since_scan, since, last_seen, verdict FROM findings ORDER BY key"
    expected: list[tuple[Any, ...]] = []
    for scan in scans:
        expected = [
            (state.finding.key, str(state.lifecycle), state.since_scan, f"{state.since:%Y-%m-%dT%H:%M:%S}Z",
             f"{state.last_seen:%Y-%m-%dT%H:%M:%S}Z", str(state.finding.verdict))
            for state in nights.store.findings(scan.id)
        ]  # fmt: skip
        assert rows(nights.store, statement, at=scan.id) == sorted(expected)
    assert rows(nights.store, statement) == sorted(expected)
    ended = rows(nights.store, "SELECT name, until_scan FROM findings_history WHERE ended = 'resolved'")
    assert ended == [("bad", scans[3].id)]
    assert Lifecycle.REOPENED in {state.lifecycle for state in nights.store.findings(scans[-1].id)}


def test_the_example_queries_work(told: Store) -> None:
    for _, statement in examples():
        told.ask(statement)
        told.ask(statement, at=1)


def test_there_are_ten_example_queries_and_most_have_something_to_say(told: Store) -> None:
    assert len(examples()) >= 10
    assert sum(bool(told.ask(statement).rows) for _, statement in examples()) >= 7


WRITES = (
    "DELETE FROM findings",
    "DELETE FROM findings RETURNING *",
    "INSERT INTO findings SELECT * FROM findings RETURNING 1",
    "UPDATE findings SET name = 'x' RETURNING *",
    "REPLACE INTO scans SELECT * FROM scans",
    "WITH x AS (SELECT 1) DELETE FROM findings",
    "DROP TABLE findings",
    "DROP TABLE IF EXISTS leases",
    "CREATE TABLE x (y)",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE VIRTUAL TABLE x USING fts5(y)",
    "CREATE TRIGGER t AFTER INSERT ON findings BEGIN SELECT 1; END",
    "ALTER TABLE findings ADD COLUMN x",
    "ATTACH '{file}' AS other",
    "ATTACH 'file:{file}?mode=rwc' AS other",
    "VACUUM INTO '{file}'",
    "VACUUM",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA user_version",
    "SELECT * FROM pragma_table_info('findings')",
    "SELECT load_extension('{file}')",
    "SELECT writefile('{file}', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT * FROM sqlite_master",
    "SELECT name FROM sqlite_temp_master",
    "SELECT * FROM dbstat",
    "SELECT * FROM leases",
    "SELECT * FROM main.leases",
    "WITH findings AS (SELECT * FROM sqlite_master) SELECT * FROM findings",
    "SELECT 1; DELETE FROM findings",
    "SELECT 1; SELECT 2",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT x",
    "REINDEX",
    "ANALYZE",
    "DETACH main",
    "",
    "-- nothing",
    "SELECT 'half",
    "SELECT '\x00'",
    "SELECT '\ud800'",
    # What PostgreSQL would understand never reaches it.
    "COPY findings TO PROGRAM 'touch {file}'",
    "COPY (SELECT 1) TO '{file}'",
    "SELECT lo_export(1, '{file}')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_terminate_backend(1)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT nextval('scans_id_seq')",
    "SELECT dblink_exec('host=/tmp', 'DROP TABLE scans')",
    "SELECT query_to_xml('DELETE FROM findings', true, true, '')",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "DO $$ BEGIN DELETE FROM findings; END $$",
    "SELECT * INTO stolen FROM findings",
    "SELECT * FROM findings FOR UPDATE",
    "CALL x()",
)


def test_nothing_but_reading_the_views_is_possible(nights: Nights, tmp_path: Path) -> None:
    judge = Judge(nights)
    judge.night(nights.volume("bad"), fails=["bad"])
    before, files = everything(nights.store), sorted(tmp_path.rglob("*"))
    for statement in WRITES:
        with pytest.raises(QueryError) as told:
            nights.store.ask(statement.replace("{file}", str(tmp_path / "written")), seconds=5)
        assert "\n" not in str(told.value)
        assert everything(nights.store) == before, statement
        assert sorted(tmp_path.rglob("*")) == files, statement


HURTS = ("'; DROP TABLE findings; --", '"; DELETE FROM scans; --', "$1 :x %s ?", "\\'; --\x00\ud800")


def test_names_and_tags_are_values_and_never_statements(nights: Nights) -> None:
    for number, name in enumerate(HURTS):
        _named(nights, name, number * 2 + 1)
    nights.store.publish_views()
    assert len(nights.store.scans()) == len(HURTS) * 2


def _named(nights: Nights, name: str, first: int) -> None:
    judge = Judge(nights)
    volume = nights.volume(name)
    hostile = Resource(
        volume.type, volume.id, name, volume.account, volume.region, START, {name: name}, {}, {name: name}
    )
    judge.night(hostile, fails=[name])
    judge.night(nights.volume("other"))
    store = nights.store
    assert nights.read(store.scan(first))[hostile.id].tags == {name: name}
    assert judge.changes(store.scan(first + 1)) == {name: Lifecycle.VANISHED}
    shown = name.replace("\x00", "\\u0000").replace("\ud800", "\\ud800")
    assert rows(store, "SELECT name FROM findings", at=first) == [(shown,)]
    ((document, tags),) = rows(store, "SELECT document, tags FROM resources", at=first)
    assert json.loads(document)[shown] == shown
    assert json.loads(tags) == {shown: shown}


def test_what_nests_too_deeply_is_said_and_breaks_nothing(nights: Nights) -> None:
    deep: list[object] = []
    for _ in range(700):
        deep = [deep]
    nights.night(nights.volume("deep", Policy=deep), nights.volume("flat", Size=1))
    found = dict(rows(nights.store, "SELECT name, document FROM resources"))
    assert found["deep"] == '"nested too deeply to be shown"'
    assert rows(nights.store, "SELECT name FROM resources WHERE document ->> 'Size' = 1") == [("flat",)]
    nights.store.publish_views()


def test_limits_are_told(told: Store) -> None:
    assert told.ask("SELECT name FROM resources", limit=5).more
    assert len(told.ask("SELECT name FROM resources", limit=5).rows) == 5
    assert not told.ask("SELECT count(*) FROM resources", limit=1).more
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    with pytest.raises(QueryError, match=r"took longer than 0\.1 seconds and was stopped"):
        told.ask(endless, seconds=0.1)
    with pytest.raises(QueryError, match="too big"):
        told.ask("SELECT hex(zeroblob(900000000))")


def test_an_answer_that_is_too_large_as_a_whole_is_refused_in_one_line(told: Store) -> None:
    each = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9000) SELECT hex(zeroblob(8000)) FROM n"
    with pytest.raises(QueryError, match=r"^the answer holds more than 100 MB: .*$"):
        told.ask(each)
    assert len(told.ask(each, limit=5000).rows) == 5000


def test_a_wrong_name_is_told_with_the_nearest(told: Store) -> None:
    with pytest.raises(QueryError, match="there is no view findngs; did you mean findings"):
        told.ask("SELECT * FROM findngs")
    with pytest.raises(QueryError, match="there is no column severty; did you mean severity"):
        told.ask("SELECT severty FROM findings")
    with pytest.raises(QueryError, match="the query is not understood: near"):
        told.ask("SELECT name FORM findings")


def test_what_analysis_needs_is_allowed(told: Store) -> None:
    assert rows(told, "SELECT count(*) FROM (SELECT DISTINCT type FROM resources)") == [(1,)]
    assert rows(
        told,
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9) SELECT count(*), max(x) FROM n",
    )
    assert rows(told, "SELECT j.key FROM resources, json_each(document) AS j GROUP BY 1")
    assert rows(told, "SELECT fullkey FROM resources, json_tree(tags) LIMIT 3")
    assert rows(told, "SELECT row_number() OVER (ORDER BY name) FROM resources LIMIT 2") == [(1,), (2,)]
    assert rows(told, "EXPLAIN QUERY PLAN SELECT * FROM findings")
    assert told.ask("SELECT 1 AS a, 2 AS a, x'ff'").columns == ("a", "a_2", "x'ff'")
    assert rows(told, "SELECT x'00ff';") == [("00ff",)]
    assert rows(told, "SELECT name FROM Findings AS f JOIN RESOURCES r USING (name, type) LIMIT 0") == []


def test_columns_that_a_statement_does_not_name_are_not_copied_and_never_missed(told: Store) -> None:
    def copied(statement: str) -> dict[str, list[str]]:
        return {view.name: [column.name for column in view.columns] for view in query_module.named(statement)}

    assert copied("SELECT TYPE, Count( * ) FROM resources GROUP BY 1") == {"resources": ["type"]}
    assert copied("SELECT count(*) FROM scans") == {"scans": ["scan"]}
    every = [column.name for column in VIEWS["resources"].columns]
    for statement in ("SELECT r.* FROM resources r", "SELECT name FROM resources NATURAL JOIN coverage"):
        assert copied(statement)["resources"] == every
    for view in VIEWS.values():
        whole = told.ask(f"SELECT * FROM {view.name}")
        for place, column in enumerate(view.columns):
            alone = told.ask(f'SELECT "{column.name}" FROM {view.name}')
            assert [row[0] for row in alone.rows] == [row[place] for row in whole.rows]


def test_a_signal_stops_a_statement(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise KeyboardInterrupt

    clock = query_module._Clock(60)
    monkeypatch.setattr("auditor.store.query.time.monotonic", broken)
    monkeypatch.setattr(query_module, "_Clock", lambda seconds: clock)
    with pytest.raises(KeyboardInterrupt):
        told.ask("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n")


def test_a_moment_before_any_scan_is_none(told: Store) -> None:
    assert told.scan_before(START - timedelta(seconds=1)) is None
    assert told.scan_before(START) == 1
    assert told.scan_before(START + timedelta(days=1, hours=1)) == 2


# ---- for other programs ----------------------------------------------------------------------------------------------


def test_the_published_views_are_read_without_the_auditor(told: Store, store_url: str, tmp_path: Path) -> None:
    told.publish_views()
    told.publish_views()
    if store_url.startswith("sqlite"):
        with sqlite3.connect(tmp_path / "store-views.db") as connection:
            found: dict[str, list[Any]] = {name: list(connection.execute(f"SELECT * FROM {name}")) for name in VIEWS}
            (size,) = connection.execute("SELECT max(document ->> 'Size') FROM resources").fetchone()
        assert found == {name: rows(told, f"SELECT * FROM {name}") for name in VIEWS}
    else:
        with told._database.reading() as pg:
            found = {name: list(pg.execute(text(f"SELECT * FROM auditor_views.{name}"))) for name in VIEWS}
            size = pg.scalar(text("SELECT max((document ->> 'Size')::int) FROM auditor_views.resources"))
            doc = pg.scalar(text("SELECT obj_description('auditor_views.findings'::regclass)"))
        assert doc == VIEWS["findings"].doc
        assert {name: len(seen) for name, seen in found.items()} == {
            name: len(rows(told, f"SELECT * FROM {name}")) for name in VIEWS
        }
    assert size == 1000


def test_what_was_granted_on_published_views_stays(postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        released.tell(store)
        store.publish_views()
        with store._database.writing() as connection:
            connection.execute(text("GRANT SELECT ON auditor_views.findings TO public"))
            connection.execute(text("ALTER TABLE auditor_views.scores ADD COLUMN older int"))
        store.publish_views()
        with store._database.reading() as connection:
            granted = connection.scalar(
                text("SELECT relacl::text FROM pg_class WHERE oid = 'auditor_views.findings'::regclass")
            )
            assert "=r/" in str(granted)
            columns = connection.execute(text("SELECT * FROM auditor_views.scores")).keys()
            assert list(columns) == [column.name for column in VIEWS["scores"].columns]


def test_views_can_be_written_to_any_file_but_the_store(told: Store, tmp_path: Path, store_url: str) -> None:
    assert told.publish_views(tmp_path / "new" / "bi.db") == str(tmp_path / "new" / "bi.db")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["bi.db"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be written to"):
        told.publish_views(tmp_path / "folder")
    assert [path for path in tmp_path.iterdir() if path.name.endswith(".part")] == []
    if store_url.startswith("sqlite"):
        with pytest.raises(StoreError, match="is the store itself"):
            told.publish_views(tmp_path / "store.db")
