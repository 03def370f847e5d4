"""`auditor scans show` and `compare`: what a scan cost, service by service, and two nights beside each other."""

import json
from pathlib import Path
from typing import Any

import pytest
from store.nights import Nights

from auditor.model import ScanStatus
from auditor.store import Store, default_url
from cli.conftest import run


def services(**calls: int) -> dict[str, Any]:
    return {
        name: {"calls": made, "retried": 1, "throttled": made // 10, "failed": 0, "seconds": made / 4}
        for name, made in calls.items()
    }


@pytest.fixture
def two_nights() -> None:
    with Store.open(default_url()) as store:
        nights = Nights(store)
        for number, cost in enumerate((services(ec2=100, iam=8), services(ec2=140, rds=4))):
            scan = nights.night(*(nights.volume(f"vol-{n}") for n in range(number + 2)))
            totals = {
                key: sum(one[key] for one in cost.values()) for key in ("calls", "retried", "throttled", "failed")
            }
            numbers = {"seconds": 12.5 + number, "judging_seconds": 1.25, **totals, "services": cost}
            numbers |= {"continues": {"scan": 1, "scopes": 1, "of": 2}} if number else {}
            store.finish_scan(scan.id, ScanStatus.COMPLETE, scan.started_at, numbers)


@pytest.mark.usefixtures("two_nights")
def test_show_tells_calls_and_time_of_each_service() -> None:
    told = json.loads(run("scans", "show", 2, "--format", "json").stdout)
    assert (told["scan"], told["calls"], told["collecting_seconds"], told["judging_seconds"]) == (2, 144, 13.5, 1.25)
    assert told["services"]["ec2"] == {"calls": 140, "retried": 1, "throttled": 14, "failed": 0, "seconds": 35.0}
    assert (told["continues"], told["scopes"], told["unread"], told["resources"]) == (1, 2, 0, 3)
    table = run("scans", "show", 2).stdout
    assert table.index("ec2") < table.index("rds"), "what took most time comes first"
    assert all(len(line) <= 80 for line in table.splitlines())


@pytest.mark.usefixtures("two_nights")
def test_compare_sets_two_nights_beside_each_other() -> None:
    told = json.loads(run("scans", "compare", 1, 2, "--format", "json").stdout)
    assert told["whole"]["calls"] == {"before": 108, "after": 144, "difference": 36}
    assert told["whole"]["collecting_seconds"] == {"before": 12.5, "after": 13.5, "difference": 1.0}
    by_name = {row["service"]: row for row in told["services"]}
    assert by_name["ec2"]["throttled"] == {"before": 10, "after": 14, "difference": 4}
    assert by_name["iam"]["calls"] == {"before": 8, "after": 0, "difference": -8}
    assert by_name["rds"]["calls"] == {"before": 0, "after": 4, "difference": 4}
    assert told["services"][0]["service"] == "ec2", "what differs most comes first"
    table = run("scans", "compare", 1, 2).stdout
    assert "+36" in table
    assert "-8" in table
    assert "scan 1" in table
    assert all(len(line) <= 80 for line in table.splitlines())


@pytest.mark.usefixtures("two_nights")
def test_a_scan_that_did_not_come_to_its_end_has_no_calls_and_says_so() -> None:
    with Store.open(default_url()) as store:
        Nights(store).begin()
    shown = run("scans", "show", 3)
    assert shown.exit_code == 0
    assert "it did not come to its end" in shown.stdout.replace("the scan", "it")
    told = json.loads(run("scans", "compare", 2, 3, "--format", "json").stdout)
    assert told["whole"]["calls"] == {"before": 144, "after": None, "difference": None}
    assert run("scans", "compare", 2, 3).exit_code == 0


@pytest.mark.usefixtures("two_nights")
def test_the_list_is_as_it_was() -> None:
    assert [row["scan"] for row in json.loads(run("scans", "--format", "json").stdout)] == [2, 1]
    assert len(json.loads(run("scans", "--limit", 1, "--format", "json").stdout)) == 1


@pytest.mark.usefixtures("two_nights")
@pytest.mark.parametrize("arguments", [("show", 99), ("compare", 1, 99), ("show", "x"), ("compare", 1), ("show", -1)])
def test_a_scan_that_is_none_is_usage(arguments: tuple[Any, ...]) -> None:
    refused = run("scans", *arguments)
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1


def test_the_store_can_be_named_before_the_command_and_after_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.db'}"
    with Store.open(url) as store:
        Nights(store).night()
    for arguments in (("scans", "--store", url, "show", 1), ("scans", "show", 1, "--store", url)):
        assert "123456789012" in run(*arguments).stdout
