"""How a scan goes: a progress display on a terminal, plain log lines otherwise."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor.collect.run import Progress
    from auditor.model import Scan
    from auditor.scan import Listener

__all__ = ["listener"]

log = logging.getLogger("auditor.progress")

_LOG_EVERY_SECONDS = 10.0


@contextmanager
def listener(quiet: bool, *, display: bool = True) -> "Iterator[Listener | None]":
    """Yield what shows a scan's progress: nothing when QUIET, on a terminal a DISPLAY if wanted, else log lines."""
    if quiet:
        yield None
    elif display and sys.stderr.isatty():
        with _Display() as shown:
            yield shown
    else:
        yield _LogLines()


def _many(count: int, word: str) -> str:
    return f"{count} {word if count == 1 else word + 's'}"


class _LogLines:
    """A line when a scan begins, every ten seconds, and when judging ends."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def begun(self, scan: "Scan", types: int, checks: int) -> None:
        """Log what is read."""
        what = f"{_many(types, 'resource type')} in {_many(len(scan.regions), 'region')} for {_many(checks, 'check')}"
        log.info("scan %s of account %s begun: %s", scan.id, scan.account, what)

    def progress(self, progress: "Progress") -> None:
        """Log how many calls have been made, not more often than every ten seconds."""
        if time.monotonic() - self._last >= _LOG_EVERY_SECONDS:
            self._last = time.monotonic()
            slow = f"; throttled: {', '.join(progress.throttled)}" if progress.throttled else ""
            log.info("%s of %s known calls made%s", progress.done, progress.known, slow)

    def judging(self, type: str, resources: int) -> None:
        """Log what was judged."""
        log.debug("judged %s resources of type %s", resources, type)


class _Display:
    """A bar of calls done and known to come; what comes is known only as pages come in, so the bar's end moves."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        from auditor.cli.terminal import console

        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=console(error=True),
            transient=True,
        )
        self._task: Any = None

    def __enter__(self) -> "_Display":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begun(self, scan: "Scan", types: int, checks: int) -> None:
        """Show the bar."""
        self._task = self._bars.add_task(
            f"Reading {scan.account}, {_many(len(scan.regions), 'region')}", total=None, note=""
        )

    def progress(self, progress: "Progress") -> None:
        """Move the bar; name the services with the most calls to come, and those that were throttled."""
        if self._task is None:
            return
        waiting = {name: known - done for name, (done, known) in progress.services.items() if known > done}
        most = sorted(waiting, key=lambda name: -waiting[name])[:3]
        note = ", ".join(most)
        if progress.throttled:
            note += f" (throttled: {', '.join(progress.throttled[:3])})"
        self._bars.update(self._task, completed=progress.done, total=progress.known, note=note)

    def judging(self, type: str, resources: int) -> None:
        """Say what is judged."""
        if self._task is not None:
            self._bars.update(self._task, description="Judging", note=type)
