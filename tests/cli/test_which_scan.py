"""One rule for which scan a command tells of: a narrow one never makes the rest look as if it had vanished."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from store.nights import Nights
from store.test_lives import Judge

from auditor.model import Scan, ScanStatus
from auditor.store import Store
from cli.conftest import run

NARROWED = [
    {"selection": {"section": ["cost"]}},
    {"selection": {"check": ["volume-is-encrypted"]}},
    {"regions": ("eu-west-1",), "selection": {"region": ["eu-west-1"]}},
]


@dataclass
class Told:
    """A store with two whole nights and, three days later, a narrow scan that found less."""

    url: str
    nights: Nights
    whole: Scan
    narrow: Scan


@pytest.fixture(params=NARROWED, ids=["section", "check", "region"])
def told(request: pytest.FixtureRequest, store_url: str) -> Iterator[Told]:
    with Store.open(store_url) as store:
        nights = Nights(store)
        judge = Judge(nights)
        volumes = (nights.volume("a"), nights.volume("b", nights.elsewhere))
        judge.night(*volumes, fails=["a"])
        whole = judge.night(*volumes, fails=["a", "b"])
        for _ in range(2):  # nights in which nothing came to its end
            crashed = nights.begin()
            store.finish_scan(crashed.id, ScanStatus.FAILED, crashed.started_at, {})
        narrow = nights.night(volumes[0], scopes=[nights.volumes], **request.param)
        judge.judge(narrow, volumes[0], fails=["a"])
        yield Told(store_url, nights, whole, narrow)


def asked(told: Told, *arguments: object) -> tuple[Any, str]:
    result = run(*arguments, "--store", told.url, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


def said(told: Told, stderr: str, option: str) -> bool:
    expected = f"scan {told.narrow.id} is newer, but was asked for less ({option} {told.narrow.id} shows it)"
    return f"auditor: this is scan {told.whole.id} of" in stderr and expected in stderr and stderr.count("\n") == 1


def test_findings(told: Told) -> None:
    shown, stderr = asked(told, "findings")
    assert [row["name"] for row in shown] == ["a", "b"]
    assert said(told, stderr, "--scan")


def test_a_limit_says_how_many_more_there_are(told: Told) -> None:
    shown, stderr = asked(told, "findings", "--limit", 1)
    assert [row["name"] for row in shown] == ["a"]
    assert "auditor: the worst 1 of 2 findings; more with a higher --limit" in stderr
    shown, stderr = asked(told, "findings", "--limit", 2)
    assert (len(shown), "--limit" in stderr) == (2, False)
    assert run("findings", "--store", told.url, "--limit", 0).exit_code == 2


def test_resources(told: Told) -> None:
    shown, stderr = asked(told, "resources")
    assert {(row["name"], row["read"]) for row in shown} == {("a", "complete"), ("b", "complete")}
    assert said(told, stderr, "--scan")


def test_a_resource(told: Told) -> None:
    shown, stderr = asked(told, "resources", "show", "b")
    assert shown["gone"] is False
    assert said(told, stderr, "--scan")


def test_trend(told: Told) -> None:
    shown, stderr = asked(told, "trend")
    assert [(night["scan"], night["findings"]["high"], night["comparable"]) for night in shown["nights"]] == [
        (1, 1, True),
        (2, 2, True),
    ]
    assert said(told, stderr, "--as-of")


def test_diff(told: Told) -> None:
    shown, stderr = asked(told, "diff")
    assert (shown["before"]["scan"], shown["after"]["scan"]) == (1, told.whole.id)
    assert [(turn["name"], turn["turned"]) for turn in shown["findings"]] == [("b", "opened")]
    assert said(told, stderr, "--until")


def test_a_diff_of_dates_takes_no_narrow_scan_of_the_date(told: Told) -> None:
    later = told.nights.night(told.nights.volume("a"), told.nights.volume("b", told.nights.elsewhere))
    shown, stderr = asked(told, "diff", "--since", f"{told.narrow.started_at:%Y-%m-%d}")
    assert (shown["before"]["scan"], shown["after"]["scan"]) == (told.whole.id, later.id)
    assert stderr == ""


def test_report(told: Told, tmp_path: Path) -> None:
    result = run("report", "--store", told.url, "--format", "json", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert said(told, result.stderr, "--scan")
    (path,) = result.stdout.split()
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    assert report["scan"]["id"] == told.whole.id
    assert [night["scan"] for night in report["trend"]] == [1, told.whole.id]


@pytest.mark.parametrize("statement", ["scores", "findings"])
def test_query(told: Told, statement: str) -> None:
    column = "scan" if statement == "scores" else "name"
    shown, stderr = asked(told, "query", f"SELECT {column} FROM {statement} ORDER BY 1")
    assert [row[column] for row in shown] == ([told.whole.id] if statement == "scores" else ["a", "b"])
    assert stderr == ""


def test_export(told: Told, tmp_path: Path) -> None:
    arguments = ("--store", told.url, "--format", "jsonl")
    result = run("export", tmp_path / "lake", *arguments)
    assert result.exit_code == 0, result.output
    day = f"date={told.narrow.started_at:%Y-%m-%d}/account=123456789012"

    def rows(view: str) -> Sequence[Any]:
        text = (tmp_path / "lake" / view / day / f"scan-{told.narrow.id}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    assert sorted(row["name"] for row in rows("findings")) == ["a", "b"]
    assert {row["scan"] for row in rows("scores")} == {told.whole.id}


@pytest.mark.parametrize("option", ["--scan", "--as-of"])
def test_a_scan_that_is_named_by_its_number_is_told_as_it_is(told: Told, option: str) -> None:
    shown, stderr = asked(told, "findings", option, told.narrow.id)
    assert [row["name"] for row in shown] == ["a"]
    assert stderr == ""


def test_a_date_takes_the_whole_scan_before_a_narrow_one(told: Told) -> None:
    shown, stderr = asked(told, "findings", "--as-of", f"{told.narrow.started_at:%Y-%m-%d}")
    assert [row["name"] for row in shown] == ["a", "b"]
    assert said(told, stderr, "--scan")


def test_the_list_of_scans_holds_them_all(told: Told) -> None:
    shown, _ = asked(told, "scans", "--as-of", f"{told.narrow.started_at:%Y-%m-%d}")
    assert [row["scan"] for row in shown] == [5, 4, 3, 2, 1]


def test_judging_again_is_of_the_newest_scan_and_says_that_it_is_a_part(told: Told) -> None:
    result = run("evaluate", "--store", told.url, "--format", "json")
    assert f"scan {told.narrow.id} was asked for less than scan {told.whole.id}" in result.stderr


def test_an_incomplete_night_that_was_not_narrowed_is_told_and_nothing_of_it_has_vanished(told: Told) -> None:
    judge = Judge(told.nights)
    last = judge.denied(told.nights.volume("b", told.nights.elsewhere), fails=["b"])
    shown, stderr = asked(told, "findings", "--verdict", "fail", "--verdict", "unknown")
    assert {(row["name"], row["lifecycle"]) for row in shown} == {("a", "unverified"), ("b", "open")}
    assert stderr == ""
    nights, _ = asked(told, "trend")
    assert [(night["scan"], night["unverified"]) for night in nights["nights"]] == [(1, 0), (2, 0), (last.id, 1)]
