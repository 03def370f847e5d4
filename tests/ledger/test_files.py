"""The files of waivers and attestations: every mistake is a line that says where, and nothing of a wrong file is used."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waterworks import CHECKS, a_standard

from auditor import ledger
from auditor.config import AttestationsSettings, Settings, WaiversSettings
from auditor.errors import ConfigError
from auditor.ledger.attestations import read_attestations
from auditor.ledger.book import attestation_files, waiver_files
from auditor.ledger.waivers import read_waivers
from auditor.store import Store

TODAY = date(2026, 6, 15)
GOOD = """# our exceptions
[[waiver]]
check = "pump-dry"
resource = "damp"
reason = "it stands in a lake"
owner = "ada@example.com"
ticket = "OPS-1"
until = 2026-12-31
"""
STATED = """[[attestation]]
pattern = "water.pumps.dry"
statement = "wiped by hand"
evidence = "https://wiki.example.com/wiped"
author = "ada"
given = 2026-06-01
until = "2026-12-31"
"""


def waivers_of(path: Path, text: str) -> tuple[list[str], list[str]]:
    path.write_text(text)
    held, faults = read_waivers(path, 365, TODAY)
    return [waiver.place for waiver in held], [fault.removeprefix(str(path)) for fault in faults]


def test_a_waiver_is_read_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(GOOD + "\n" + GOOD.replace("2026-12-31", '"2026-07-01"'))
    held, faults = read_waivers(path, 365, TODAY)
    assert not faults
    assert [(waiver.place, waiver.until) for waiver in held] == [
        (f"{path}:2", date(2026, 12, 31)),
        (f"{path}:11", date(2026, 7, 1)),
    ]
    assert held[0].source == f"{path}:2"
    assert (held[0].check, held[0].resource, held[0].owner, held[0].ticket) == (
        "pump-dry", "damp", "ada@example.com", "OPS-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("until = 2026-12-31", ""), ":2: this waiver needs until"),
        (("until = 2026-12-31", "until = 2027-06-16"), ":8: waiver: ends on 2027-06-16, 366 days from 2026-06-15: 365 are"),
        (("until = 2026-12-31", "until = 2026-12-31T00:00:00"), ":8: waiver: until must be a day, YYYY-MM-DD"),
        (("until = 2026-12-31", 'until = "soon"'), ":8: waiver: until must be a day, YYYY-MM-DD, not 'soon'"),
        (("until = 2026-12-31", "until = 9999-12-31"), ":8: waiver: ends on 9999-12-31"),
        (('reason = "it stands in a lake"', 'reason = "  "'), ":5: waiver: needs reason"),
        (('reason = "it stands in a lake"', "reason = 5"), ":5: waiver: reason must be a text, not 5"),
        (('owner = "ada@example.com"', ""), ":2: this waiver needs owner"),
        (('owner = "ada@example.com"', 'ownr = "ada"'), ":2: this waiver has no ownr; did you mean owner?"),
        (('check = "pump-dry"', ""), ":2: this waiver needs either a check or a pattern"),
        (('check = "pump-dry"', 'check = "a"\npattern = "b"'), ":2: this waiver needs either a check or a pattern"),
        (('resource = "damp"', 'account = "1111"'), ":4: waiver: account must be an account id of 12 digits"),
        (('resource = "damp"', 'region = "Ireland"'), ":4: waiver: region must be a region (eu-west-1) or global"),
        (('resource = "damp"', 'tag = "env"'), ":4: waiver: tag must be \"key=value\", not 'env'"),
        (('resource = "damp"', 'resource = ""'), ":4: waiver: resource is empty: leave it out"),
        (('resource = "damp"', 'resource = ["damp"]'), ":4: waiver: resource must be a text"),
        (('resource = "damp"', f'resource = "{"x" * 5000}"'), ":4: waiver: resource has 5000 characters"),
        (("[[waiver]]", "[waiver]"), ":2: waiver must be written as [[waiver]]"),
        (("[[waiver]]", "[[waivers]]"), ":2: there is no waivers here; did you mean waiver?; entries are [[waiver]]"),
        (("[[waiver]]", "[[waiver]"), ":2: is not valid TOML"),
        (("[[waiver]]", "waiver = 5"), ":2: waiver must be written as [[waiver]]"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_line_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    places, faults = waivers_of(tmp_path / "waivers.toml", GOOD.replace(*change))
    assert not places
    assert any(fault.startswith(said) for fault in faults), faults


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    broken = GOOD.replace('reason = "it stands in a lake"', "reason = 5").replace("2026-12-31", "2030-01-01")
    places, faults = waivers_of(tmp_path / "waivers.toml", GOOD + broken)
    assert len(places) == 1
    assert [fault.partition(": ")[0] for fault in faults] == [":13", ":16"]


def test_what_looks_like_an_entry_inside_a_text_does_not_move_the_lines(tmp_path: Path) -> None:
    long = '"""it stands\n[[waiver]]\nuntil = 1\n"""'
    text = GOOD.replace('"it stands in a lake"', long) + GOOD.replace("OPS-1", "OPS-2").replace(
        "until = ", "until = 1#"
    )
    _, faults = waivers_of(tmp_path / "waivers.toml", text)
    assert faults == [":19: waiver: until must be a day, YYYY-MM-DD, not 1"]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "waivers.toml"
    path.write_bytes(raw)
    held, faults = read_waivers(path, 365, TODAY)
    assert faults or not held


def settings(folder: Path, **more: object) -> Settings:
    return Settings(folder=folder, **more)  # type: ignore[arg-type]


def test_files_beside_the_configuration_are_found_and_others_are_named(tmp_path: Path) -> None:
    assert waiver_files(settings(tmp_path)) == []
    (tmp_path / "waivers.toml").write_text(GOOD)
    (tmp_path / "attestations.toml").write_text(STATED)
    assert waiver_files(settings(tmp_path)) == [tmp_path / "waivers.toml"]
    assert attestation_files(settings(tmp_path)) == [tmp_path / "attestations.toml"]
    (tmp_path / "waivers.toml").unlink()
    (tmp_path / "waivers.toml").symlink_to(tmp_path / "gone.toml")
    assert waiver_files(settings(tmp_path)) == [tmp_path / "waivers.toml"], (
        "a link that leads nowhere is not overlooked"
    )
    named = settings(
        tmp_path,
        waivers=WaiversSettings(files=("a.toml", "b.toml")),
        attestations=AttestationsSettings(files=("c.toml",)),
    )
    assert waiver_files(named) == [tmp_path / "a.toml", tmp_path / "b.toml"]
    assert attestation_files(named) == [tmp_path / "c.toml"]


def test_nothing_is_waived_by_a_file_with_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_text(GOOD.replace("2026-12-31", later()))
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        held = ledger.load(settings(tmp_path), store, CHECKS, a_standard())
        assert [waiver.ticket for waiver in held.waivers] == ["OPS-1"]
        (tmp_path / "waivers.toml").write_text(GOOD.replace("2026-12-31", later()) + GOOD.replace("until", "untl"))
        with pytest.raises(
            ConfigError, match=r"waivers.toml:10: this waiver has no untl; did you mean until\? \(and 1 more"
        ):
            ledger.load(settings(tmp_path), store, CHECKS, a_standard())


def later(days: int = 90) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


# ---- attestations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("given = 2026-06-01", ""), ":1: this attestation needs given"),
        (("given = 2026-06-01", "given = 2026-06-20"), ":6: attestation: begins on 2026-06-20, which is yet to come"),
        (('until = "2026-12-31"', "until = 2026-05-01"), ":7: attestation: ends on 2026-05-01, before it begins"),
        (('until = "2026-12-31"', "until = 2028-01-01"), ":7: attestation: ends on 2028-01-01, 579 days from"),
        (('author = "ada"', 'sha256 = "abc"'), ":5: attestation: sha256 must be a SHA-256 of 64 hex digits"),
        (('statement = "wiped by hand"', ""), ":1: this attestation needs statement"),
        (("//wiki", "//ada:hunter2@wiki"), ":4: attestation: evidence holds a user or a password before the host"),
        (("/wiped", "/wiped?X-Amz-Signature=hunter2"), ":4: attestation: evidence holds a secret in 'X-Amz-Signature'"),
        (("/wiped", "/#a=1&access_token=hunter2"), ":4: attestation: evidence holds a secret in 'access_token'"),
        (("https://wiki.example.com", "HTTPS://"), ":4: attestation: evidence is a URL without a host"),
        (("//wiki", "//[wiki"), ":4: attestation: evidence is no URL"),
        (("/wiped", f"/{'x' * 5000}"), ":4: attestation: evidence has 5025 characters, 4000 are allowed"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_attestation_is_a_line(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "attestations.toml"
    path.write_text(STATED.replace(*change))
    held, faults = read_attestations(path, 365, TODAY)
    assert not held
    assert any(fault.removeprefix(str(path)).startswith(said) for fault in faults), faults
    assert "hunter2" not in "".join(faults), "a secret is not repeated"


def test_the_evidence_of_an_attestation_is_held_against_its_hash(tmp_path: Path) -> None:
    path, minutes = tmp_path / "attestations.toml", tmp_path / "minutes.txt"
    minutes.write_text("we wiped them")
    digest = hashlib.sha256(b"we wiped them").hexdigest()

    def fault(evidence: str, sha256: str = "") -> str:
        line = f'evidence = "{evidence}"' if evidence else ""
        sha = f'\nsha256 = "{sha256}"' if sha256 else ""
        path.write_text(STATED.replace('evidence = "https://wiki.example.com/wiped"', line + sha))
        (held,), faults = read_attestations(path, 365, TODAY)
        assert not faults
        return held.fault(TODAY)

    assert fault("https://wiki.example.com/wiped") == ""
    assert fault("minutes.txt", digest) == ""
    assert fault("minutes.txt", digest.upper()) == ""
    assert fault("minutes.txt") == "names a file without its SHA-256"
    assert fault("") == "names no evidence"
    assert fault("elsewhere.txt", digest) == "", "what is not here cannot be held against its hash: the hash stands"
    assert fault("x" * 3000, digest) == ""
    minutes.write_text("we did not")
    assert fault("minutes.txt", digest) == "names a file that has been changed since"
    assert fault(".", digest) == ""


def test_an_attestation_ends_by_its_day_and_by_its_age(tmp_path: Path) -> None:
    path = tmp_path / "attestations.toml"
    path.write_text(STATED)
    (held,), _ = read_attestations(path, 365, TODAY)
    assert held.fault(date(2026, 12, 31)) == ""
    assert held.fault(date(2027, 1, 1)) == "ran out on 2026-12-31"
    assert held.fault(date(2026, 6, 30), max_age_days=30) == ""
    assert held.fault(date(2026, 7, 5), max_age_days=30) == "is 34 days old, 30 allowed"
