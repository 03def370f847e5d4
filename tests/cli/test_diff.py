"""`auditor diff`, and every list as of a past moment: what a person sees, and what a program reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store.nights import Nights
from store.test_lives import Judge

from auditor.store import Store
from cli.conftest import run

HOSTILE = "evil\x1b[2J\u202e<b>"


class Told:
    """A store with three nights of one account."""

    def __init__(self, store: Store, url: str) -> None:
        self.url, self.nights = url, Nights(store)
        judge, volume = Judge(self.nights), self.nights.volume
        tags = [{"Key": "env", "Value": "test"}, {"Key": "team", "Value": HOSTILE}]
        self.first = judge.night(volume("a", Size=8, Tags=tags), volume("b"), volume(HOSTILE), fails=["b", HOSTILE])
        other = [{"Key": "team", "Value": HOSTILE}, {"Key": "env", "Value": "production"}]
        self.second = judge.night(volume("a", Size=16, Tags=other), volume("c"), fails=["a", "c"])
        self.denied = judge.denied()


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    url = f"sqlite:///{tmp_path / 'told.db'}"
    with Store.open(url) as store:
        yield Told(store, url)


def diff(told: Told, *arguments: object) -> dict[str, Any]:
    result = run("diff", "--store", told.url, *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def names(refs: list[dict[str, Any]]) -> list[str]:
    return [ref["name"] for ref in refs]


def test_a_diff_says_what_is_new_what_changed_field_by_field_and_what_is_gone(told: Told) -> None:
    found = diff(told, told.first.id, told.second.id)
    assert (found["before"]["scan"], found["after"]["scan"]) == (1, 2)
    resources = found["resources"]
    assert names(resources["added"]) == ["c"]
    assert sorted(names(resources["gone"])) == ["b", HOSTILE]
    (changed,) = resources["changed"]
    assert [(field["path"], field["kind"], field["before"], field["after"]) for field in changed["fields"]] == [
        ("Size", "changed", 8, 16),
        ("Tags[Key=env].Value", "changed", "test", "production"),
    ]
    turned = {(turn["name"], turn["turned"], turn["cause"]) for turn in found["findings"]}
    assert turned == {
        ("a", "opened", "account"),
        ("c", "opened", "account"),
        ("b", "vanished", "account"),
        (HOSTILE, "vanished", "account"),
    }
    assert found["scores"] == [{"level": "account", "id": "123456789012", "before": 50.0, "after": 50.0}]
    assert found["not_comparable"] == []


def test_a_scope_that_one_did_not_read_is_not_comparable_and_nothing_of_it_is_gone(told: Told) -> None:
    found = diff(told, 2, 3)
    assert found["resources"] == {"added": [], "changed": [], "gone": []}
    (apart,) = found["not_comparable"]
    assert (apart["region"], apart["before"], apart["after"]) == ("eu-west-1", "complete", "denied")
    assert {turn["turned"] for turn in found["findings"]} == {"unverified"}
    table = run("diff", "--store", told.url).stdout
    assert "Not comparable: 1 scope " in table
    assert "complete > denied" in table


def test_dates_name_scans_and_a_date_is_its_end_in_utc(told: Told) -> None:
    assert diff(told, "--since", "2026-01-01", "--until", "2026-01-02")["after"]["scan"] == 2
    assert diff(told, "2026-01-01T02:00", "2026-01-02T03:00+01:00")["after"]["scan"] == 2
    assert diff(told, "2026-01-01", "2026-01-02T02:59+01:00")["after"]["scan"] == 1
    assert diff(told, "--since", "1", "--as-of", "2026-01-02")["after"]["scan"] == 2


def test_a_date_that_no_scan_lies_behind_is_said(told: Told) -> None:
    result = run("diff", "--store", told.url, "--since", "9999-12-31")
    assert (result.exit_code, result.stderr.count("\n")) == (0, 1)
    assert "nothing lies between: by 9999-12-31 23:59 UTC scan 3 itself had begun" in result.stderr
    assert "had begun by 0001-01-01 23:59 UTC" in run("diff", "--store", told.url, "--since", "0001-01-01").stderr
    assert run("diff", "--store", told.url, "2", "2").stderr == ""


def test_a_diff_backwards_is_the_mirror(told: Told) -> None:
    there, back = diff(told, 1, 2), diff(told, 2, 1)
    assert there["resources"]["added"] == back["resources"]["gone"]
    assert there["resources"]["gone"] == back["resources"]["added"]
    assert diff(told, 2, 2)["resources"] == {"added": [], "changed": [], "gone": []}


def test_filters_narrow_resources_and_findings(told: Told) -> None:
    assert diff(told, 1, 2, "--region", "us-east-1")["resources"] == {"added": [], "changed": [], "gone": []}
    assert diff(told, 1, 2, "--type", "AWS::RDS::DBInstance")["findings"] == []
    assert len(diff(told, 1, 2, "--type", "AWS::EC2::Volume")["findings"]) == 4
    assert diff(told, 1, 2, "--check", "ebs-volume-unattached")["findings"] == []


def test_the_table_fits_a_terminal_and_is_harmless(told: Told) -> None:
    result = run("diff", "--store", told.url, 1, 2)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "Tags[Key=env].Value: test > production" in result.stdout
    assert "2 opened, 2 vanished" in result.stdout
    short = run("diff", "--store", told.url, 1, 2, "--limit", 1).stdout
    assert "and 3 more" in short


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["1", "99"], "there is no scan 99"),
        (
            ["2025-01-01"],
            "no finished scan of account 123456789012 had begun by 2025-01-01 23:59 UTC; the first is scan 1",
        ),
        (["never"], "'never' is no moment"),
        (["1", "--since", "2"], "--since is A, by another name"),
        (["--until", "2", "--as-of", "2"], "--as-of is B, by another name"),
        (["--until", "1"], "there is nothing before it"),
        (["--type", "AWS::EC2::Volum"], "did you mean AWS::EC2::Volume?"),
        (["--check", "ebs-volume-unatached"], "did you mean"),
        (["1", "2", "--region", "eu-west-2"], "neither scan read eu-west-2; did you mean eu-west-1?"),
        (["--account", "999999999999"], "there is no finished scan of account 999999999999"),
        (["9" * 30, "1"], "there is no scan"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(told: Told, arguments: list[str], message: str) -> None:
    result = run("diff", "--store", told.url, *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.replace('"', "'")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_two_accounts_do_not_compare(told: Told) -> None:
    other = told.nights.night(scopes=[told.nights.volumes._replace(account="9" * 12)], account="9" * 12)
    result = run("diff", "--store", told.url, 1, other.id)
    assert result.exit_code == 2
    assert "scans of one account compare" in result.stderr


def test_findings_reports_and_scans_are_listed_as_of_then(told: Told) -> None:
    def listed(*arguments: object) -> Any:
        result = run(*arguments, "--store", told.url, "--format", "json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    assert sorted(row["name"] for row in listed("findings", "--as-of", "2026-01-01")) == ["b", HOSTILE]
    assert sorted(row["name"] for row in listed("findings", "--as-of", "2")) == ["a", "c"]
    assert [row["scan"] for row in listed("scans", "--as-of", "2026-01-02")] == [2, 1]
    assert run("findings", "--store", told.url, "--as-of", "2025-01-01").exit_code == 2
    both = run("findings", "--store", told.url, "--as-of", "1", "--scan", "1")
    assert (both.exit_code, "give one of them" in both.stderr) == (2, True)
    result = run("report", "--store", told.url, "--as-of", "2026-01-01", "--format", "json", "--output", "then")
    assert result.exit_code == 0, result.output
    assert json.loads(Path("then/report.json").read_text())["scan"]["id"] == told.first.id
