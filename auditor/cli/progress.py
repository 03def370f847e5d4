"""How a scan goes: a display of what is done and known to come on a terminal, log lines otherwise."""

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
_SERVICES = 6
"""How many services are shown with a line of their own."""
_WITH_BARS = 56
"""Columns a terminal needs for a bar in each line."""
_BAR = 16


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
    return f"{count:,} {word if count == 1 else word + 's'}"


def _outstanding(progress: "Progress") -> list[tuple[str, int, int]]:
    """Return the services with calls to come, as name, done and known, the most to come first."""
    left = [(name, done, known) for name, (done, known) in progress.services.items() if known > done]
    return sorted(left, key=lambda service: (service[1] - service[2], service[0]))


def _slow(seconds: float) -> str:
    return f"slow, {seconds:.1f} s a call" if seconds < 10 else f"slow, {seconds:.0f} s a call"


class _LogLines:
    """A line when a scan begins, every ten seconds, and when judging begins and ends."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def begun(self, scan: "Scan", types: int, checks: int) -> None:
        """Log what is read."""
        what = f"{_many(types, 'resource type')} in {_many(len(scan.regions), 'region')} for {_many(checks, 'check')}"
        log.info("scan %s of account %s begun: %s", scan.id, scan.account, what)

    def progress(self, progress: "Progress") -> None:
        """Log how many calls have been made, not more often than every ten seconds."""
        if time.monotonic() - self._last < _LOG_EVERY_SECONDS:
            return
        self._last = time.monotonic()
        said = [f"{progress.done:,} of {progress.known:,} known calls made"]
        left = [f"{name} {done:,} of {known:,}" for name, done, known in _outstanding(progress)[:_SERVICES]]
        said += [f"most to come: {', '.join(left)}"] if left else []
        said += [f"throttled: {', '.join(progress.throttled)}"] if progress.throttled else []
        slow = [f"{name} ({seconds:.1f} s a call)" for name, seconds in progress.slow.items()]
        said += [f"slow: {', '.join(slow)}"] if slow else []
        log.info("%s", "; ".join(said))

    def judging(self, type: str, resources: int) -> None:
        """Log what was judged."""
        log.debug("judged %s resources of type %s", resources, type)


class _Display:
    """A line for the whole, and one for each service with most calls to come: done, and known to come.

    What comes is known only as pages come in, so the numbers grow; nothing is guessed. Where a line would be broken it is
    cut; a narrow terminal gets no bars.
    """

    def __init__(self) -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        from auditor.cli.terminal import console

        self._console = console(error=True)
        self._spinner = Spinner("dots")
        self._began = time.monotonic()
        self._head = "Beginning"
        self._progress: Progress | None = None
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> "_Display":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begun(self, scan: "Scan", types: int, checks: int) -> None:
        """Show what is read."""
        self._head, self._progress = f"Reading {scan.account}, {_many(len(scan.regions), 'region')}", None

    def progress(self, progress: "Progress") -> None:
        """Take in how far it is; what is drawn is always the last that was heard."""
        self._progress = progress

    def judging(self, type: str, resources: int) -> None:
        """Say what was judged last."""
        self._head, self._progress = f"Judging: {_many(resources, 'resource')} of {type} done", None

    def _draw(self) -> Any:
        from rich.console import Group

        from auditor.cli.terminal import plain

        width, progress = self._console.width, self._progress
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        known = f" · {progress.done:,} of {progress.known:,} known calls" if progress else ""
        self._spinner.update(
            text=self._line([(f"{plain(self._head)}{known} · {minutes}:{seconds:02}", "bold")], width - 2)
        )
        if progress is None:
            return Group(self._spinner)
        left = _outstanding(progress)
        # One that hangs or is throttled is named even where others have more to come.
        trouble = [service for service in left if service[0] in progress.throttled or service[0] in progress.slow]
        others = [service for service in left if service not in trouble]
        shown = sorted([*trouble, *others][:_SERVICES], key=left.index)
        lines = [self._service(progress, *service, width) for service in shown]
        if len(left) > len(shown):
            more = sum(known - done for name, done, known in left if (name, done, known) not in shown)
            rest = f"  and {_many(len(left) - len(shown), 'service')} more with {_many(more, 'call')} to come"
            lines.append(self._line([(rest, "dim")], width))
        return Group(self._spinner, *lines)

    def _service(self, progress: "Progress", name: str, done: int, known: int, width: int) -> Any:
        from auditor.cli.terminal import plain

        parts = [(f"  {plain(name, 18):<18} ", "")]
        if width >= _WITH_BARS:
            filled = _BAR * done // known if known else 0
            parts += [("━" * filled, "green"), ("━" * (_BAR - filled), "dim"), (" ", "")]
        parts.append((f"{f'{done:,}/{known:,}':>11}", ""))
        if name in progress.throttled:
            parts.append(("  throttled", "yellow"))
        if name in progress.slow:
            parts.append((f"  {_slow(progress.slow[name])}", "yellow"))
        return self._line(parts, width)

    def _line(self, parts: list[tuple[str, str]], width: int) -> Any:
        from rich.text import Text

        line = Text.assemble(*parts, no_wrap=True)
        line.truncate(max(width, 1), overflow="ellipsis")
        return line
