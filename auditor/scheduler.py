"""Scans by the clock: one at a time, missed nights caught up once, dead scans taken up again."""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from auditor.config import Settings
from auditor.errors import AuditorError, ConfigError, LeaseTaken
from auditor.model import Scan, ScanStatus
from auditor.store import Store

__all__ = ["LOOK_SECONDS", "crontab_line", "missed", "next_times", "run", "systemd_units", "trigger_of"]

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""How often it looks for scans whose process died; with the lease's 45 s they are taken up within a minute."""

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Cron's weekdays by number; 0 and 7 are Sunday (APScheduler would take 0 for Monday)."""


def trigger_of(settings: Settings) -> OrTrigger:
    """Return when to scan. Raises ConfigError when the cron expression cannot be read."""
    try:
        return OrTrigger(
            [
                CronTrigger(
                    minute=minute,
                    hour=hour,
                    day=day,
                    month=month,
                    day_of_week=weekday,
                    timezone=ZoneInfo(settings.schedule.timezone),
                )
                for minute, hour, day, month, weekday in _either(_fields(settings))
            ]
        )
    except ValueError as error:
        raise ConfigError(f"schedule.cron {settings.schedule.cron!r}: {error}; five fields as in crontab(5)") from error


_Fields = tuple[str, str, str, str, str]


def _either(fields: _Fields) -> tuple[_Fields, ...]:
    """Return the expressions of which one must fit: where day and weekday are both given, cron takes either (crontab(5))."""
    minute, hour, day, month, weekday = fields
    if day.startswith("*") or weekday.startswith("*"):
        return (fields,)
    return (minute, hour, day, month, "*"), (minute, hour, "*", month, weekday)


def _fields(settings: Settings) -> _Fields:
    """Return the five fields, weekdays by name."""
    fields = settings.schedule.cron.lower().split()
    if len(fields) != 5:
        raise ConfigError(
            f"schedule.cron needs five fields (minute hour day month weekday), not {settings.schedule.cron!r}"
        )
    minute, hour, day, month, weekday = fields
    parts = []
    for part in weekday.split(","):
        span, _, step = part.partition("/")
        named = re.sub(r"\d+", lambda found: _DAYS[int(found[0])] if int(found[0]) < len(_DAYS) else found[0], span)
        parts.append(f"{named}/{step}" if step else named)
    return minute, hour, day, month, ",".join(parts)


def next_times(settings: Settings, count: int, after: datetime | None = None) -> Iterator[datetime]:
    """Yield the next COUNT times a scan is due after AFTER (``None``: now), in the schedule's time zone."""
    trigger, moment = trigger_of(settings), after or datetime.now(UTC)
    for _ in range(count):
        due = trigger.get_next_fire_time(None, moment)
        if due is None:
            return
        yield due
        moment = due + timedelta(seconds=1)


def missed(settings: Settings, last: Scan | None, now: datetime) -> bool:
    """Whether a scan was due between the start of the LAST one and NOW. Never before the first: there is nothing to miss."""
    if last is None:
        return False
    due = next(next_times(settings, 1, last.started_at + timedelta(seconds=1)), None)
    return due is not None and due <= now


def run(
    settings: Settings,
    store: Store,
    account: str | None,
    scan: Callable[[], object],
    stop: threading.Event,
    *,
    again: Callable[[Sequence[Scan]], object] | None = None,
) -> None:
    """Call SCAN whenever the schedule says so, until STOP is set; then a running scan is waited for.

    At the start a missed or interrupted scan of ACCOUNT (``None``: of several, SCAN reads them all) is caught up once. Every
    few seconds scans whose process died are marked interrupted and taken up again: by AGAIN, which is given them, else by
    SCAN. A scan that fails is logged and tried again at its next time.
    """
    schedule = settings.schedule
    grace = schedule.misfire_grace_minutes * 60
    clock = BackgroundScheduler(timezone=ZoneInfo(schedule.timezone), executors={"default": ThreadPoolExecutor(1)})

    def work(dead: Sequence[Scan] = ()) -> None:
        try:
            if dead and again:
                again(dead)
            else:
                scan()
        except LeaseTaken as taken:
            log.info("%s; left to it", taken)
        except AuditorError as error:
            log.error("%s", error)
        except Exception:
            log.exception("the scan failed; it is tried again at its next time")

    job = clock.add_job(work, trigger_of(settings), coalesce=True, max_instances=1, misfire_grace_time=grace)

    def take_up(dead: Sequence[Scan]) -> None:
        if again:
            clock.add_job(work, args=(dead,), misfire_grace_time=None)
        else:
            job.modify(next_run_time=datetime.now(UTC))

    last = store.latest_scan(account, finished=False)
    latest = [last] if account else store.accounts().values()
    cut_short = [scan for scan in latest if scan and scan.status is ScanStatus.INTERRUPTED]
    if missed(settings, last, datetime.now(UTC)):
        log.info("a scan was missed or interrupted; it is caught up now")
        job.modify(next_run_time=datetime.now(UTC))
    elif cut_short:
        log.info("a scan was missed or interrupted; it is caught up now")
        take_up(cut_short)
    clock.start()
    try:
        while not stop.wait(LOOK_SECONDS):
            if abandoned := store.interrupt_abandoned(account):
                for dead in abandoned:
                    log.warning("scan %s died with its process; it is taken up again", dead.id)
                take_up(abandoned)
    finally:
        clock.shutdown(wait=True)


def crontab_line(settings: Settings, command: str) -> str:
    """Return the lines for crontab(5) that run COMMAND by the schedule."""
    return f"CRON_TZ={settings.schedule.timezone}\n{settings.schedule.cron} {command}"


def systemd_units(settings: Settings, command: str) -> tuple[str, str]:
    """Return a systemd service and its timer that run COMMAND by the schedule."""
    calendars = []
    for minute, hour, day, month, weekday in _either(_fields(settings)):
        days = "" if weekday == "*" else f"{_systemd(weekday, 0).title()} "
        date = f"*-{_systemd(month, 1)}-{_systemd(day, 1)}"
        time = f"{_systemd(hour, 0)}:{_systemd(minute, 0)}:00"
        calendars.append(f"OnCalendar={days}{date} {time} {settings.schedule.timezone}\n")
    service = f"[Unit]\nDescription=Audit the AWS account\n\n[Service]\nType=oneshot\nExecStart={command}\nSuccessExitStatus=1 3\n"
    timer = (
        f"[Unit]\nDescription=Audit the AWS account by the clock\n\n[Timer]\n{''.join(calendars)}Persistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
    return service, timer


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _systemd(field: str, first: int) -> str:
    """Return a field of cron, whose least value is FIRST, as systemd.time(7) writes it: ``1..5`` for ``1-5``, ``0/15``."""
    for number, month in enumerate(_MONTHS, 1):
        field = field.replace(month, str(number))
    return re.sub(r"^\*/", f"{first}/", field).replace("-", "..")
