"""The schedule: cron's meaning of its fields, missed nights, dead scans, a clean end."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from auditor import scheduler
from auditor.config import ScheduleSettings, Settings
from auditor.errors import ConfigError, CredentialsError, LeaseTaken
from auditor.model import Scan, ScanStatus

ACCOUNT = "111122223333"
MONDAY = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def settings(cron: str, timezone: str = "UTC") -> Settings:
    return Settings(schedule=ScheduleSettings(cron=cron, timezone=timezone))


def due(cron: str, count: int = 3, timezone: str = "UTC") -> list[str]:
    return [f"{moment:%a %m-%d %H:%M}" for moment in scheduler.next_times(settings(cron, timezone), count, MONDAY)]


@pytest.mark.parametrize(
    ("cron", "times"),
    [
        ("0 2 * * *", ["Tue 06-16 02:00", "Wed 06-17 02:00", "Thu 06-18 02:00"]),
        ("0 2 * * 0", ["Sun 06-21 02:00", "Sun 06-28 02:00", "Sun 07-05 02:00"]),
        ("0 2 * * 7", ["Sun 06-21 02:00", "Sun 06-28 02:00", "Sun 07-05 02:00"]),
        ("0 2 * * 1-5", ["Tue 06-16 02:00", "Wed 06-17 02:00", "Thu 06-18 02:00"]),
        ("0 2 * * MON,wed", ["Wed 06-17 02:00", "Mon 06-22 02:00", "Wed 06-24 02:00"]),
        ("30 1,13 * * *", ["Mon 06-15 13:30", "Tue 06-16 01:30", "Tue 06-16 13:30"]),
        ("0 2 1 * 1", ["Mon 06-22 02:00", "Mon 06-29 02:00", "Wed 07-01 02:00"]),
    ],
)
def test_cron_expressions_mean_what_crontab_says(cron: str, times: list[str]) -> None:
    assert due(cron) == times


def test_times_are_in_the_schedules_time_zone_across_a_change_of_clocks() -> None:
    october = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    times = scheduler.next_times(settings("0 2 * * *", "Europe/Berlin"), 2, october)
    assert [moment.astimezone(UTC).hour for moment in times] == [0, 1]


@pytest.mark.parametrize("cron", ["0 2 * * 9", "61 2 * * *", "x 2 * * *", "0 2 * *", "0 2 * * * *"])
def test_a_cron_expression_that_cannot_be_read_is_one_line(cron: str) -> None:
    with pytest.raises(ConfigError) as caught:
        list(scheduler.next_times(settings(cron), 1))
    assert "\n" not in str(caught.value)
    assert "cron" in str(caught.value)


def test_the_units_for_systemd_say_the_same_as_cron() -> None:
    service, timer = scheduler.systemd_units(settings("*/15 8-18 * jan,jul 1-5", "Europe/Berlin"), "auditor scan")
    assert "ExecStart=auditor scan\n" in service
    assert "OnCalendar=Mon..Fri *-1,7-* 8..18:0/15:00 Europe/Berlin\n" in timer
    assert scheduler.systemd_units(settings("0 2 1 * 1"), "x")[1].count("OnCalendar=") == 2


def a_scan(started: datetime, status: ScanStatus = ScanStatus.COMPLETE, id: int = 1) -> Scan:
    return Scan(id, ACCOUNT, "", "aws", status, started, None, ("eu-west-1",), {}, "0", "d", "d")


@pytest.mark.parametrize(
    ("last", "is_missed"),
    [
        (None, False),
        (a_scan(datetime(2026, 6, 15, 2, 0, tzinfo=UTC)), False),
        (a_scan(datetime(2026, 6, 15, 2, 0, 30, tzinfo=UTC)), False),
        (a_scan(datetime(2026, 6, 14, 2, 0, tzinfo=UTC)), True),
        (a_scan(datetime(2026, 6, 15, 1, 0, tzinfo=UTC)), True),
    ],
)
def test_a_night_is_missed_when_one_was_due_since_the_last_scan_began(last: Scan | None, is_missed: bool) -> None:
    assert scheduler.missed(settings("0 2 * * *"), last, MONDAY) == is_missed


class FakeStore:
    """What the schedule asks the store for; a scan can be found dead, once."""

    def __init__(self, last: Scan | None = None, dead: Scan | None = None) -> None:
        self.last, self.dead = last, [dead] if dead else []

    def latest_scan(self, account: str, *, finished: bool) -> Scan | None:
        return self.last

    def interrupt_abandoned(self, account: str) -> list[Scan]:
        dead, self.dead = self.dead, []
        return dead


def run(store: Any, scan: Any, stop: threading.Event) -> None:
    scheduler.run(settings("0 2 29 2 *"), store, ACCOUNT, scan, stop)


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LOOK_SECONDS", 0.01)


def scans_until(store: Any, wanted: int, error: Exception | None = None) -> int:
    """Run the schedule until SCAN was called WANTED times; return how often it was."""
    stop, calls = threading.Event(), []

    def scan() -> None:
        calls.append(1)
        if len(calls) >= wanted:
            stop.set()
        if error:
            raise error

    timer = threading.Timer(20, stop.set)
    timer.start()
    run(store, scan, stop)
    timer.cancel()
    return len(calls)


def test_a_missed_night_is_caught_up_once() -> None:
    assert scans_until(FakeStore(a_scan(datetime(2020, 1, 1, tzinfo=UTC))), 1) == 1


def test_a_scan_whose_process_died_is_taken_up_again() -> None:
    now = datetime.now(UTC)
    assert scans_until(FakeStore(a_scan(now, ScanStatus.RUNNING), dead=a_scan(now, ScanStatus.INTERRUPTED)), 1) == 1


def test_an_interrupted_scan_is_taken_up_at_the_start() -> None:
    assert scans_until(FakeStore(a_scan(datetime.now(UTC), ScanStatus.INTERRUPTED)), 1) == 1


@pytest.mark.parametrize("error", [LeaseTaken("taken"), CredentialsError("expired"), RuntimeError("a bug")])
def test_a_scan_that_fails_does_not_end_the_schedule(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert scans_until(FakeStore(a_scan(datetime(2020, 1, 1, tzinfo=UTC))), 1, error) == 1


def test_it_ends_at_once_when_it_is_stopped() -> None:
    stop = threading.Event()
    stop.set()
    run(FakeStore(), lambda: pytest.fail("nothing was due"), stop)
