"""`auditor trend` and `auditor resources`: fit for any terminal, and for programs."""

import csv
import io
import json
from typing import Any

import pytest
from store.test_lives import Judge

from auditor.cli.charts import spark
from cli.conftest import run
from cli.test_diff import HOSTILE, Told, told

__all__ = ["told"]


def listed(told: Told, *arguments: object) -> Any:
    result = run(*arguments, "--store", told.url, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_trend_is_data_for_programs(told: Told) -> None:
    found = listed(told, "trend")
    assert [night["scan"] for night in found["nights"]] == [1, 2, 3]
    assert [night["findings"]["high"] for night in found["nights"]] == [2, 2, 0]
    assert [night["unverified"] for night in found["nights"]] == [0, 0, 2]
    assert [night["coverage"] for night in found["nights"]] == [100.0, 100.0, 50.0]
    assert [one["severity"] for one in found["repairs"]] == ["critical", "high", "medium", "low", "info"]
    assert [night["scan"] for night in listed(told, "trend", "--nights", 1, "--as-of", "2026-01-02")["nights"]] == [2]
    text = run("trend", "--store", told.url, "--format", "csv").stdout
    assert [row["high"] for row in csv.DictReader(io.StringIO(text))] == ["2", "2", "0"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_trend_fits_a_terminal_and_knows_letters_only_where_it_must(
    told: Told, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = run("trend", "--store", told.url, "--ascii")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= width
    assert "score" in result.stdout
    assert not set("▁▂▃▄▅▆▇█") & set(result.stdout)
    assert set("▁▂▃▄▅▆▇█") & set(run("trend", "--store", told.url).stdout)


def test_nights_that_were_asked_otherwise_are_marked(told: Told) -> None:
    nights = told.nights
    narrow = nights.night(nights.volume("a"), scopes=[nights.volumes], regions=("eu-west-1",))
    Judge(nights).judge(narrow, nights.volume("a"))
    table = run("trend", "--store", told.url).stdout
    assert "3 of 4 nights do not compare with the newest: 1 region fewer (us-east-1)" in " ".join(table.split())
    assert [night["comparable"] for night in listed(told, "trend")["nights"]] == [False, False, False, True]


def test_a_spark_is_as_high_as_its_value() -> None:
    assert spark([0, 50, None, 100], "abcd", 0, 100) == "ac d"
    assert spark([5, 5], "abcd") == "aa"
    assert spark([None], "abcd") == " "
    assert spark([-1, 200], "abcd", 0, 100) == "ad"


def test_resources_are_listed_as_of_a_moment(told: Told) -> None:
    assert [row["name"] for row in listed(told, "resources", "--as-of", "2026-01-02")] == ["a", "c"]
    now = listed(told, "resources", "--region", "eu-west-1")
    assert {row["read"] for row in now} == {"denied"}
    assert listed(told, "resources", "--type", "AWS::RDS::DBInstance") == []
    assert listed(told, "resources", "--scan", 1, "--resource", "evil")[0]["name"] == HOSTILE
    table = run("resources", "--store", told.url, "--as-of", "1").stdout
    assert "\x1b" not in table
    assert "\u202e" not in table


def test_a_resource_is_shown_with_its_history(told: Told) -> None:
    arn = "arn:aws:ec2:eu-west-1:123456789012:volume/a"
    found = listed(told, "resources", "show", arn)
    assert (found["name"], found["document"]["Size"], found["gone"]) == ("a", 16, False)
    assert [[change["path"] for change in version["changes"]] for version in found["versions"]] == [
        [],
        ["Size", "Tags[Key=env].Value"],
    ]
    assert listed(told, "resources", "show", "a", "--as-of", "2026-01-01")["document"]["Size"] == 8
    gone = run("resources", "show", "b", "--store", told.url, "--as-of", "2026-01-01")
    assert (gone.exit_code, '"VolumeId": "b"' in gone.stdout) == (0, True)
    table = run("resources", "show", arn, "--store", told.url).stdout
    assert "Size: 8 > 16" in table
    assert "\x1b" not in table
    assert "\u202e" not in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "arn:aws:nothing"], "knows no resource 'arn:aws:nothing'"),
        (["--type", "AWS::EC2::Volum"], "did you mean AWS::EC2::Volume?"),
        (["--region", "nowhere-1"], "no scan of the account read nowhere-1"),
        (["--as-of", "soon"], "'soon' is no moment"),
    ],
)
def test_a_mistake_about_resources_is_one_line(told: Told, arguments: list[str], message: str) -> None:
    result = run("resources", *arguments, "--store", told.url) if arguments[0] == "show" else run(
        "resources", "--store", told.url, *arguments
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.replace('"', "'")
    assert result.stderr.count("\n") == 1
