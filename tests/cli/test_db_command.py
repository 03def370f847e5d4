"""`auditor db`: copy, prune, vacuum and size as a user meets them, and what the doctor says of a store's size."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from store import released

from auditor.store import Store
from cli.conftest import run


@pytest.fixture
def told(tmp_path: Path) -> str:
    """Return the URL of a store with a past."""
    url = f"sqlite:///{tmp_path / 'told.db'}"
    with Store.open(url) as store:
        released.tell(store)
    return url


def test_copy_says_what_was_copied_and_refuses_a_store_that_is_not_empty(told: str, postgres_url: str) -> None:
    result = run("db", "copy", told, postgres_url)
    assert result.exit_code == 0, result.output
    assert "9 scans among them" in result.stdout
    again = run("db", "copy", told, postgres_url)
    assert (again.exit_code, again.stdout) == (4, "")
    assert "is not empty" in again.stderr
    assert len(again.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("sqlite:///nowhere.db", "sqlite:///new.db", "there is no store in sqlite:///nowhere.db"),
        ("mysql://x/y", "sqlite:///new.db", "a store cannot be kept in 'mysql'"),
        ("{told}", "sqlite:///", "the store's URL names no file"),
        ("{told}", "postgresql://u:secret@127.0.0.1:9/none", "the store postgresql://u:***@127.0.0.1:9/none "),
    ],
)
def test_a_copy_that_cannot_be_is_one_line(told: str, source: str, target: str, message: str) -> None:
    result = run("db", "copy", source.replace("{told}", told), target)
    assert (result.exit_code, result.stdout) == (4, "")
    assert message in result.stderr
    assert "secret" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_prune_says_first_what_it_would_do(told: str) -> None:
    dry = run("db", "prune", "--keep", "0d", "--store", told, "--dry-run")
    assert dry.exit_code == 0, dry.output
    one = run("db", "prune", "--keep", "daily", "--store", told, "--dry-run")
    assert one.stdout.startswith("1 scan would be pruned, 8 would be kept.\n")
    assert dry.stdout.startswith("5 scans would be pruned, 4 would be kept.\nRows would be deleted: ")
    assert len(json.loads(run("scans", "--store", told, "--format", "json").stdout)) == 9
    done = run("db", "prune", "--keep", "0d", "--store", told)
    assert done.stdout.startswith("5 scans were pruned, 4 were kept.\nRows deleted: ")
    assert len(json.loads(run("scans", "--store", told, "--format", "json").stdout)) == 4
    gone = run("findings", "--scan", "1", "--store", told)
    assert (gone.exit_code, "scan 1 of 2026-01-01 was pruned" in gone.stderr) == (2, True)
    assert "The store takes " in run("db", "vacuum", "--store", told).stdout
    assert run("db", "prune", "--keep", "0d", "--store", told).stdout == "0 scans were pruned, 4 were kept.\n"


def test_prune_wants_a_rule_it_understands(told: str) -> None:
    for arguments, message in (([], "--keep"), (["--keep", "fortnightly"], "is no rule to keep scans by")):
        result = run("db", "prune", *arguments, "--store", told)
        assert result.exit_code == 2
        assert message in result.stderr


def test_size_is_a_table_that_fits_and_json_for_programs(told: str) -> None:
    table = run("db", "size", "--store", told).stdout
    assert "versions" in table
    assert "a night over" in table
    rows = {row["table"]: row for row in json.loads(run("db", "size", "--store", told, "--format", "json").stdout)}
    assert rows["versions"]["rows"] > 140
    assert rows["versions"]["bytes"] > 4096
    assert rows["leases"]["rows_per_night"] is None


def test_the_doctor_says_how_large_the_store_is_and_warns_when_the_disk_is_too_small(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run("doctor", "--no-probe", "--store", told).output
    assert "MB in a year at that rate" in " ".join(said.split())
    monkeypatch.setattr("auditor.doctor.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000})())
    said = " ".join(run("doctor", "--no-probe", "--store", told).output.split())
    assert "its disk has 0 MB left" in said
    assert "auditor db prune" in said


def test_pruning_goes_by_today(told: str) -> None:
    with Store.open(told) as store:
        ages = [(datetime.now(UTC) - scan.started_at).days for scan in store.scans()]
    assert run("db", "prune", "--keep", f"{max(ages) + 2}d", "--store", told).stdout.startswith(
        "0 scans were pruned, 9"
    )
