"""What people accept and state, from the command line: made, listed, revoked, told in reports, and stopped by a broken file."""

import csv
import hashlib
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor import catalog
from cli.conftest import run
from cli.endpoint import HOSTILE, Endpoint
from cli.test_hostile_values import harmless

SSH = "security-group-open-admin-port"
POOL = "rds-connection-pooling-evident"
SCAN = ("scan", "--region", "eu-west-1", "--check", SSH)
TODAY = datetime.now(UTC).date()
NASTY = "=cmd|' /C calc'!A0 \x1b[31mred\u202e <script>alert(1)</script> | `x` {{ 7*7 }}"


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def rows(*arguments: object) -> list[dict[str, Any]]:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def waive(**more: Any) -> Any:
    given = {"check": SSH, "reason": "a lake", "owner": "ada", "days": 90, "by": "bob"} | more
    return run("waive", *(part for key, value in given.items() if value is not None for part in (f"--{key}", value)))


def waivers_toml(**more: Any) -> str:
    given = {"check": SSH, "reason": "a lake", "owner": "ada", "until": day(90)} | more
    return "[[waiver]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items())


@pytest.fixture
def account(account: Endpoint) -> Endpoint:
    account.behave()
    return account


def test_a_waiver_is_made_counts_is_listed_and_revoked(account: Endpoint) -> None:
    assert run(*SCAN, "--fail-on", "high", "-q").exit_code == 1
    made = waive(resource="*")
    assert made.exit_code == 0, made.output
    assert f"Waiver 1 is kept until {day(90)}. It is about {len(HOSTILE)} failures of scan 1;" in made.stdout
    assert run("evaluate", "--fail-on", "high", "-q").exit_code == 0
    found = rows("findings", "--check", SSH)
    assert {(row["waived_until"], row["waived_by"], row["waived_for"]) for row in found} == {(day(90), "ada", "a lake")}
    assert "number 1, by bob" in found[0]["waived_in"]
    assert len(rows("findings", "--waived")) == len(HOSTILE)
    assert not rows("findings", "--not-waived", "--check", SSH)
    summary = run(*SCAN).stdout
    assert f"Waived: {len(HOSTILE)}; without waivers the score is" in summary
    assert not [line for line in summary.splitlines() if len(line) > 80 and "audit-reports" not in line]
    (listed,) = rows("waivers", "list")
    assert (listed["number"], listed["state"], listed["subject"], listed["owner"]) == (1, "stands", SSH, "ada")
    revoked = run("waivers", "revoke", 1, "--by", "eve")
    assert "Waiver 1 is revoked" in revoked.stdout
    assert rows("waivers", "list") == []
    assert rows("waivers", "list", "--all")[0]["state"] == "revoked"
    assert run("waivers", "revoke", 1).exit_code == 2
    assert len(rows("findings", "--waived")) == len(HOSTILE), "the stored scan keeps it"
    assert run("evaluate", "--fail-on", "high", "-q").exit_code == 1
    assert [row["state"] for row in rows("waivers", "list", "--as-of", 1)] == ["stands"], "scan 1 went by it"
    assert rows("waivers", "list", "--as-of", 2) == [], "scan 2 was judged again after it had been revoked"
    assert "goes with --as-of" in run("waivers", "list", "--account", "123456789012").output
    assert run("waivers", "list", "--as-of", 1, "--all").exit_code == 2
    assert run("waivers", "list", "--as-of", 99).exit_code == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"check": "security-group-open-admin-prt"}, f"did you mean {SSH}?"),
        (
            {"check": None, "pattern": "security.network.security-group"},
            "did you mean security.network.security-groups?",
        ),
        ({"pattern": "security.network.security-groups"}, "needs either a check or a pattern"),
        ({"check": None}, "needs either a check or a pattern"),
        ({"days": 400}, "365 are allowed"),
        ({"days": None}, "needs until"),
        ({"until": day(3)}, "--until and --days say the same"),
        ({"days": None, "until": day(-1)}, "lies in the past"),
        ({"days": None, "until": "tomorrow"}, "until must be a day"),
        ({"reason": " "}, "needs reason"),
        ({"tag": "env"}, "tag must be"),
        ({"account": "12"}, "account must be"),
        ({"region": "mars"}, "region must be"),
    ],
)
def test_a_wrong_waiver_is_one_line_and_kept_nowhere(more: dict[str, Any], said: str) -> None:
    assert run("db", "upgrade").exit_code == 0
    result = waive(**more)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert rows("waivers", "list") == []


def test_a_waiver_of_an_account_that_was_never_scanned_says_so() -> None:
    assert "There is no finished scan yet." in waive().stdout
    assert "There is no finished scan of 210987654321 yet." in waive(account="210987654321").stdout


def test_a_broken_file_stops_everything_before_the_first_call(
    account: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*SCAN, "-q").exit_code == 0
    Path("waivers.toml").write_text(waivers_toml() + waivers_toml(until="never"))
    # Where nothing listens every call ends with exit code 4.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for command in (SCAN, ("report",), ("evaluate",), ("waivers", "list")):
        result = run(*command)
        assert result.exit_code == 2, command
        assert "waivers.toml:10: waiver: until must be a day, YYYY-MM-DD, not 'never'" in result.stderr
        assert result.stderr.count("\n") == 1
    assert len(rows("scans")) == 1, "no scan was begun"
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    assert rows("findings", "--waived") == []
    checked = run("waivers", "validate")
    assert (checked.exit_code, checked.stdout) == (2, "")
    Path("waivers.toml").write_text(waivers_toml() + waivers_toml(check="no-such-check"))
    assert "there is no check 'no-such-check'" in run("waivers", "validate").stderr
    assert run(*SCAN, "-q").exit_code == 0, "a name that does not exist is told, and stops nothing"
    Path("waivers.toml").write_text(waivers_toml())
    assert "waivers.toml is valid: 1 waiver." in run("waivers", "validate").stdout


@pytest.mark.parametrize("kind", ["waivers", "attestations"])
def test_the_examples_in_the_repository_are_valid_once_they_are_no_comments(kind: str) -> None:
    lines = (catalog.bundled("checks").parent / f"{kind}.example.toml").read_text().splitlines()
    Path(f"{kind}.toml").write_text("\n".join(lines))
    assert run(kind, "validate").exit_code == 0
    entry = [line.removeprefix("# ") for line in lines if line.startswith("# [[") or " = " in line.partition("#")[2]]
    text = "\n".join(line for line in entry if not line.startswith(("pattern", "sha256")))
    for then, now in (("2026-12-31", 90), ("2026-06-01", -30), ("2027-05-31", 90)):
        text = text.replace(then, day(now))
    Path(f"{kind}.toml").write_text(text)
    checked = run(kind, "validate")
    assert checked.exit_code == 0, checked.stderr
    assert f"is valid: 1 {kind[:-1]}." in checked.stdout


def test_what_is_written_into_waivers_is_harmless_everywhere(account: Endpoint) -> None:
    assert waive(reason=NASTY, owner=NASTY, ticket=NASTY, by=NASTY).exit_code == 0
    Path("waivers.toml").write_text(waivers_toml(check="x" + NASTY, reason=NASTY, owner=NASTY))
    stated = run(
        "attest", "--check", POOL, "--statement", NASTY, "--evidence", "https://x.example/" + NASTY, "--author", NASTY,
        "--days", 30, "--by", NASTY,
    )  # fmt: skip
    assert stated.exit_code == 0, stated.output
    outputs = [stated.output, run(*SCAN, "--format", "html,md,json").output]
    lists = (("waivers", "list"), ("attestations", "list"), ("findings", "--waived"))
    outputs += [run(*command).output for command in (*lists, ("waivers", "validate"))]
    assert all(map(harmless, outputs))
    for command in lists:
        text = run(*command, "--format", "csv").stdout
        assert harmless(text)
        assert not [cell for row in csv.reader(io.StringIO(text)) for cell in row if cell.lstrip().startswith("=")]
    folder = next(Path("audit-reports").rglob("*.html")).parent
    page, markdown = (folder / "compliance.html").read_text(), (folder / "compliance.md").read_text()
    assert "<script>alert(1)" not in page + markdown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert harmless(page)
    assert harmless(markdown)
    document = json.loads((folder / "report.json").read_text())
    assert len(document["waived"]) == len(HOSTILE)
    assert document["waived"][0]["waiver"]["reason"].startswith("=cmd|")
    assert {waiver["state"] for waiver in document["waivers"]} == {"active", "unknown"}
    assert document["attestations"][0]["statement"].startswith("=cmd|")
    assert document["score_without_waivers"] <= document["score"]
    assert document["counts"]["waived"] == len(HOSTILE)


def test_an_attestation_is_made_with_the_hash_of_its_file(account: Endpoint, tmp_path: Path) -> None:
    evidence = tmp_path / "pools.txt"
    evidence.write_text("ten each")
    digest = hashlib.sha256(b"ten each").hexdigest()
    given = (
        "attest",
        "--check",
        POOL,
        "--resource",
        "orders",
        "--statement",
        "pooled",
        "--evidence",
        evidence,
        "--days",
        30,
    )
    made = run(*given, "--by", "bob")
    assert made.exit_code == 0, made.output
    assert digest in made.stdout
    (listed,) = rows("attestations", "list")
    assert (listed["state"], listed["sha256"], listed["author"]) == ("stands", digest, "bob")
    assert run("scan", "--region", "eu-west-1", "--check", POOL, "-q").exit_code == 0
    evidence.write_text("none")
    assert rows("attestations", "list")[0]["state"] == "no proof"
    (then,) = rows("attestations", "list", "--as-of", 1)
    assert (then["state"], then["fault"]) == ("stands", ""), "the file was as it was when the scan looked at it"
    assert "changed since" in rows("attestations", "list")[0]["fault"]
    assert run("attestations", "revoke", 1).exit_code == 0
    assert rows("attestations", "list") == []
    missing = run("attest", "--check", POOL, "--statement", "x", "--evidence", tmp_path / "gone", "--days", 3)
    assert missing.exit_code == 2
    assert "the evidence cannot be read" in missing.stderr
    os.mkfifo(tmp_path / "pipe")
    for wrong, said in {
        ("--given", day(9)): "which is yet to come",
        ("--given", "9999-12-31"): "which is yet to come",
        ("--days", "5000"): "365 are allowed",
        ("--evidence", "~nobody-of-that-name/x"): "No such file",
        ("--evidence", str(tmp_path / "pipe")): "the evidence is no file",
        ("--evidence", "/dev/zero"): "the evidence is no file",
        ("--evidence", " "): "evidence is empty",
        ("--evidence", "https://ada:hunter2@wiki.example.com"): "holds a user or a password",
    }.items():
        refused = run(*given, *wrong)
        assert (refused.exit_code, said in refused.stderr, refused.stderr.count("\n")) == (2, True, 1), refused.stderr
    assert rows("attestations", "list") == []


def test_a_broken_file_of_attestations_stops_a_scan() -> None:
    Path("attestations.toml").write_text('[[attestation]]\ncheck = "x"\n')
    result = run(*SCAN)
    assert result.exit_code == 2
    assert "attestations.toml:1: this attestation needs statement" in result.stderr
    Path("attestations.toml").write_text(
        f'[[attestation]]\ncheck = "{POOL}"\nstatement = "s"\nauthor = "a"\ngiven = {day(-1)}\nuntil = {day(9)}\n'
    )
    assert "names no evidence" in run("attestations", "validate").stderr


def test_the_ledger_is_listed_and_an_unknown_kind_is_said() -> None:
    assert run("db", "upgrade").exit_code == 0
    assert "The ledger holds no such fact" in run("evidence", "list", "--kind", "failover").stdout
    result = run("evidence", "list", "--kind", "failovr")
    assert result.exit_code == 2
    assert "did you mean failover?" in result.stderr
    assert run("evidence", "list", "--since", "yesterday").exit_code == 2


def test_a_check_that_takes_no_attestation_is_refused_by_name(tmp_path: Path) -> None:
    given = ("--statement", "x", "--evidence", "https://wiki.example.com/x", "--days", 3)
    for subject in (("--check", SSH), ("--pattern", "security.network.security-groups")):
        refused = run("attest", *subject, *given)
        assert refused.exit_code == 2
        assert subject[1] in refused.stderr
        assert "takes" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert run("attest", "--check", POOL, *given).exit_code == 0
    file = tmp_path / "said.toml"
    text = (
        '[[attestation]]\ncheck = "{}"\nstatement = "x"\nauthor = "ada"\nevidence = "https://wiki.example.com/x"\n'
        "given = {}\nuntil = {}\n"
    )
    file.write_text(text.format(SSH, day(0), day(9)))
    wrong = run("attestations", "validate", file)
    assert wrong.exit_code == 2
    assert f"said.toml:1: check {SSH} takes no attestation" in " ".join(wrong.stderr.split())
    file.write_text(text.format(POOL, day(0), day(9)))
    assert run("attestations", "validate", file).exit_code == 0


def test_accounts_are_named_as_in_the_configuration(tmp_path: Path) -> None:
    Path("config.toml").write_text('[[accounts]]\nname = "shop"\nid = "111122223333"\n\n[[accounts]]\nname = "lab"\n')
    assert waive(account="shop").exit_code == 0
    assert [row["account"] for row in rows("waivers", "list")] == ["111122223333"]
    for name, said in (("shp", "did you mean shop"), ("lab", "does not say the id")):
        wrong = waive(account=name)
        assert wrong.exit_code == 2
        assert said in wrong.stderr
    store = f"sqlite:///{tmp_path / 'other.db'}"
    for kind in ("waivers", "attestations"):
        assert run(kind, "validate", "--store", store).exit_code == 0
