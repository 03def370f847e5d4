"""`auditor query` and `auditor db views` as a user meets them."""

import csv
import io
import json
import re
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from store import released

from auditor.cli import main
from auditor.store import Store
from auditor.store.views import VIEWS
from cli.conftest import run
from cli.test_hostile_values import harmless


@pytest.fixture
def told(tmp_path: Path) -> str:
    """Return the URL of a store that holds hostile names."""
    url = f"sqlite:///{tmp_path / 'told.db'}"
    with Store.open(url) as store:
        released.tell(store)
    return url


def test_a_table_fits_the_terminal_and_is_harmless(told: str) -> None:
    result = run("query", "SELECT name, region, since FROM findings ORDER BY name", "--store", told)
    assert result.exit_code == 0, result.output
    assert harmless(result.stdout)
    assert "\\u001b[2J <script>" in result.stdout
    assert "=cmd|" in result.stdout


def test_json_and_csv_are_for_programs(told: str) -> None:
    statement = "SELECT name, name, 1 AS one FROM findings WHERE name LIKE '=cmd%'"
    ((row),) = json.loads(run("query", statement, "--store", told, "--format", "json").stdout)
    assert list(row) == ["name", "name_2", "one"]
    assert row["one"] == 1
    endless = run("query", "SELECT 1e999 AS n", "--store", told, "--format", "json")
    assert json.loads(endless.stdout, parse_constant=pytest.fail) == [{"n": None}], (
        "what is infinite is no number of JSON"
    )
    head, cells = csv.reader(io.StringIO(run("query", statement, "--store", told, "--format", "csv").stdout))
    assert head == ["name", "name_2", "one"]
    assert cells[0].startswith("'=cmd|")
    assert cells[2] == "1"


def test_the_statement_comes_from_a_file_or_standard_input(told: str, tmp_path: Path) -> None:
    file = tmp_path / "question.sql"
    file.write_text("SELECT count(*) AS n FROM scans;\n", encoding="utf-8")
    expected = '[\n  {\n    "n": 9\n  }\n]\n'
    assert run("query", "--file", file, "--store", told, "--format", "json").stdout == expected
    for arguments in ([], ["--file", "-"]):
        given = ["query", *arguments, "--store", told, "--format", "json"]
        assert CliRunner().invoke(main, given, input=file.read_text()).stdout == expected


@pytest.mark.parametrize(
    ("when", "scans"),
    [
        ("1", 1),
        ("2026-01-01", 1),
        ("2026-01-02T01:59:59", 1),
        ("2026-01-02T03:00:00+01:00", 2),
        ("2026-01-03", 3),
        ("today", 9),
    ],
)
def test_as_of_takes_a_scan_or_a_moment(told: str, when: str, scans: int) -> None:
    result = run("query", "SELECT count(*) AS n FROM scans", "--store", told, "--as-of", when, "--format", "json")
    assert json.loads(result.stdout) == [{"n": scans}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["SELECT * FROM findngs"], "there is no view findngs; did you mean findings?"),
        (["DELETE FROM findings"], "only SELECT is allowed"),
        (["SELECT 1", "--file", "x.sql"], "not both"),
        (["--file", "nowhere.sql"], "nowhere.sql: cannot be read: No such file or directory"),
        (["  "], "there is no query"),
        (["SELECT 1", "--as-of", "99"], "there is no scan 99"),
        (["SELECT 1", "--as-of", "2025-01-01"], "no scan had begun by 2025-01-01 23:59 UTC"),
        (["SELECT 1", "--as-of", "last\x1b week"], "is no moment: give a scan's number"),
        (["SELECT 1", "--as-of", "99999999999999999999999"], "there is no scan"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(told: str, arguments: list[str], message: str) -> None:
    result = run("query", *arguments, "--store", told)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert harmless(result.stderr)


def test_the_help_names_every_view() -> None:
    said = set(re.findall(r"\w+", run("query", "--help").stdout))
    assert {name.removesuffix("_history") for name in VIEWS} <= said


def test_more_rows_than_the_limit_are_said(told: str) -> None:
    result = run("query", "SELECT name FROM resources", "--store", told, "--limit", "2", "--format", "csv")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "auditor: only the first 2 rows are shown: there are more (--limit)\n"
    assert run("query", "SELECT name FROM resources WHERE 0", "--store", told).stdout == "No row.\n"


def test_the_views_are_written_for_other_programs(told: str, tmp_path: Path) -> None:
    assert run("db", "views", "--store", told).stdout == f"The views are in {tmp_path / 'told-views.db'}.\n"
    with sqlite3.connect(tmp_path / "told-views.db") as connection:
        assert connection.execute("SELECT count(*) FROM scans").fetchone() == (9,)
    result = run("db", "views", "--store", told, "--to", tmp_path / "told.db")
    assert (result.exit_code, "is the store itself" in result.stderr) == (4, True)
