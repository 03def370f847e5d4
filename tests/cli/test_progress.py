"""What is shown while a scan runs: what is done and known to come, who is slow or throttled; on any terminal, in log lines."""

import io
import itertools
import logging
import re
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from scripted import REGION, THROTTLED, Scripted, a_type, pages, read

from auditor.cli import progress as shown
from auditor.cli import terminal
from auditor.collect import run as collecting
from auditor.collect.declare import Call
from auditor.collect.run import Progress
from auditor.model import Scan, ScanStatus

SCAN = Scan(
    12,
    "111122223333",
    "",
    "aws",
    ScanStatus.RUNNING,
    datetime(2026, 1, 1, tzinfo=UTC),
    None,
    (REGION,),
    {},
    "1",
    "s",
    "c",
)
MANY = Progress(
    done=1234,
    known=5678,
    services={
        "ec2": (90, 400),
        "s3": (10, 400),
        "iam": (50, 50),
        "rds": (1, 2),
        "application-autoscaling": (3, 30),
        "kms": (1, 20),
        "lambda": (1, 10),
        "sns": (1, 9),
        "sqs": (1, 8),
        "zz-hanging": (0, 1),
    },
    throttled=("ec2", "iam"),
    slow={"zz-hanging": 63.2, "s3": 2.5},
)


def drawn(progress: Progress | None, monkeypatch: pytest.MonkeyPatch, width: int = 80, **environment: str) -> list[str]:
    """What the display shows on a terminal of that width."""
    for name in ("NO_COLOR", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | environment).items():
        monkeypatch.setenv(name, value)
    console = Console(file=io.StringIO(), force_terminal=True, width=width, highlight=False, markup=False)
    monkeypatch.setattr(terminal, "console", lambda **_: console)
    display = shown._Display()
    display.begun(SCAN, 40, 100)
    if progress is not None:
        display.progress(progress)
    console.print(display._draw())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def bare(lines: list[str]) -> list[str]:
    """Lines without what makes them bold or dim."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def test_calls_done_and_known_to_come_are_shown_as_a_whole_and_by_service(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = bare(drawn(MANY, monkeypatch, NO_COLOR="1"))
    assert "Reading 111122223333, 1 region · 1,234 of 5,678 known calls · 0:0" in lines[0]
    text = "\n".join(lines)
    assert "90/400" in text
    assert "10/400" in text
    assert "iam" not in text, "nothing of it is to come"
    assert "and 3 services more with 16 calls to come" in text


def test_slow_and_throttled_services_are_named_even_where_others_have_more_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = drawn(MANY, monkeypatch, NO_COLOR="1")
    (ec2,) = [line for line in lines if "ec2" in line]
    (hanging,) = [line for line in lines if "zz-hanging" in line]
    (s3,) = [line for line in lines if " s3 " in line]
    assert "throttled" in ec2
    assert "slow, 63 s a call" in hanging
    assert "slow, 2.5 s a call" in s3


@pytest.mark.parametrize("width", [1, 10, 20, 39, 55, 56, 80, 200])
def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = bare(drawn(MANY, monkeypatch, width, NO_COLOR="1"))
    assert all(cell_len(line) <= width for line in lines)
    assert ("━" in "\n".join(lines)) == (width >= 56)


def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[3" in "\n".join(drawn(MANY, monkeypatch))
    plain = "\n".join(drawn(MANY, monkeypatch, NO_COLOR="1"))
    assert "\x1b[3" not in plain
    assert "\x1b[9" not in plain


def test_names_cannot_carry_control_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = Progress(1, 2, {"\x1b]0;owned\x07x": (1, 2)})
    assert "\x1b" not in "\n".join(bare(drawn(hostile, monkeypatch, NO_COLOR="1")))


def test_log_lines_say_the_same_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shown, "_LOG_EVERY_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, "auditor"):
        shown._LogLines().progress(MANY)
    (line,) = caplog.messages
    assert line.startswith("1,234 of 5,678 known calls made; most to come: s3 10 of 400, ec2 90 of 400, ")
    assert line.endswith("; throttled: ec2, iam; slow: zz-hanging (63.2 s a call), s3 (2.5 s a call)")


# ---- where the numbers come from ------------------------------------------------------------------------------------


def test_what_is_told_is_what_was_called_and_a_hanging_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "SLOW_SECONDS", 0.3)
    released, told, throttles = threading.Event(), list[Progress](), [THROTTLED, THROTTLED]

    def hang(params: Any, region: str) -> Any:
        released.wait(30)
        return {"Items": []}

    def throttled(params: Any, region: str) -> Any:
        if throttles:
            raise throttles.pop()
        return {"Items": []}

    def hear(progress: Progress) -> None:
        told.append(progress)
        if "quiet" in progress.slow:
            released.set()

    caller = Scripted(ListA=pages("Items", [{"Id": "1"}], [{"Id": "2"}], [{"Id": "3"}]), ListB=throttled, ListC=hang)
    types = [
        a_type("A", list=Call("busy", "ListA", "Items")),
        a_type("B", list=Call("pressed", "ListB", "Items")),
        a_type("C", list=Call("quiet", "ListC", "Items")),
    ]
    read(caller, *types, on_progress=hear)
    last = told[-1]
    assert last.services == {"busy": (3, 3), "pressed": (1, 1), "quiet": (1, 1)}
    assert (last.done, last.known) == (5, 5)
    assert last.throttled == ("pressed",)
    assert any(progress.slow.get("quiet", 0) >= 0.3 and progress.services["quiet"] == (0, 1) for progress in told)
    for before, after in itertools.pairwise(told):
        assert before.done <= after.done <= after.known
        assert before.known <= after.known
