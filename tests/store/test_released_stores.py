"""A store of any released program is brought up to date with everything in it."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from store import released
from store.nights import Nights
from store.test_lives import Judge

from auditor.engine import finding_key
from auditor.errors import StoreError
from auditor.model import Lifecycle
from auditor.store import Store
from auditor.store.schema import HEAD, REVISIONS

RELEASED = ("0001", "0005")
"""The newest revision of each release; a release adds its own (CONTRIBUTING, "Releases")."""


@pytest.fixture(params=["sqlite", "postgresql"])
def left_behind(request: pytest.FixtureRequest, tmp_path: Path, revision: str) -> str:
    """Return the URL of a store as a released program left it, once on each database."""
    if request.param == "sqlite":
        shutil.copy(released.FOLDER / f"{revision}.sqlite3", tmp_path / "store.db")
        return f"sqlite:///{tmp_path / 'store.db'}"
    import psycopg

    url: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute((released.FOLDER / f"{revision}.sql").read_text(encoding="utf-8").encode())
    return url


@pytest.mark.parametrize("revision", RELEASED)
def test_a_released_store_is_upgraded_and_its_history_is_read_back(left_behind: str, revision: str) -> None:
    expected = json.loads((released.FOLDER / f"{revision}.json").read_text(encoding="utf-8"))
    assert len(expected) >= 7
    for night in expected.values():  # in which order a night's resources are read is no promise
        night.get("resources", []).sort(key=lambda item: item["id"])
    if revision != HEAD:
        with pytest.raises(StoreError, match="run `auditor db upgrade`"):
            Store.open(left_behind, migrate=False)
    assert Store.upgrade(left_behind) == (revision, HEAD)
    with Store.open(left_behind, migrate=False) as store:
        assert list(released.missing(expected, released.history(store))) == []


@pytest.mark.parametrize("revision", RELEASED)
def test_life_goes_on_in_an_upgraded_store(left_behind: str, revision: str) -> None:
    with Store.open(left_behind) as store:
        before = len(store.scans())
        nights = Nights(store)
        judge = Judge(nights)
        newest = store.latest_scan(nights.account)
        assert newest
        still = [
            nights.volume("east", nights.elsewhere, Encrypted=False),
            nights.volume("v1", Size=1000, Encrypted=True),
        ]
        scan = judge.night(*still, fails=["east"])
        assert scan.id > newest.id
        assert len(store.scans()) == before + 1
        assert judge.lives(scan) == {"east": Lifecycle.OPEN}
        assert judge.changes(scan) == {"v1": Lifecycle.RESOLVED, released.HURTS: Lifecycle.VANISHED}
        assert store.price("ebs") is not None


@pytest.mark.parametrize("revision", ["0001"])
def test_a_finding_whose_arn_names_no_account_goes_on_under_its_accounts_own_key(left_behind: str) -> None:
    arn = "arn:aws:s3:::logs"
    old = hashlib.sha256(f"volume-is-encrypted\0{arn}\0".encode()).hexdigest()[:32]
    engine = create_engine(left_behind)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE findings SET key = :key, resource = :arn WHERE id = 1"), {"key": old, "arn": arn}
        )
        account = connection.scalar(
            text("SELECT account FROM findings f JOIN tallies t ON t.id = tally_id JOIN scopes s ON s.id = scope_id "
                 "WHERE f.id = 1")
        )  # fmt: skip
    engine.dispose()
    Store.upgrade(left_behind)
    with Store.open(left_behind) as store:
        keys = store.ask(f"SELECT key FROM findings_history WHERE resource = '{arn}'").rows
    assert {key for (key,) in keys} == {finding_key("volume-is-encrypted", arn, account)}


def test_every_released_revision_has_its_fixture() -> None:
    assert set(RELEASED) <= set(REVISIONS)
    assert sorted(path.stem for path in released.FOLDER.glob("*.sqlite3")) == sorted(RELEASED)


def test_a_history_that_lost_something_is_noticed() -> None:
    assert list(released.missing({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}], "new": 1})) == [".a[1].b: 2 became 3"]
    assert list(released.missing({"a": 1}, {})) == [".a is gone"]
    assert list(released.missing([1, 2], [1])) == [": [1, 2] became [1]"]
