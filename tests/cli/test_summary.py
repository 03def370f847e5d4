"""The summary at the widths people have: lines that fit, words that are whole, numbers that are not rounded up."""

import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from report.sample import inputs

from auditor.cli import terminal
from auditor.cli.summary import print_summary
from auditor.cli.terminal import bar, console, print_rows
from auditor.model import Lifecycle
from auditor.report import ReportView, build_view
from cli.conftest import run
from cli.endpoint import Endpoint

WIDTHS = (40, 60, 80, 120)


@pytest.fixture(scope="module")
def view() -> ReportView:
    """A report with everything in it."""
    return build_view(inputs())


def shown(view: ReportView, capsys: pytest.CaptureFixture[str], coverage: float = 93.21, *paths: Path) -> str:
    print_summary(view, paths, coverage)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", WIDTHS)
def test_lines_fit_and_do_not_trail_off(
    width: int, view: ReportView, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = shown(view, capsys).splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []
    assert all(line.startswith("  ") for line in lines if line)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_wraps_is_indented_below_itself(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    words = "every word of this sentence is whole, however narrow the terminal may be, and nothing is lost of it " * 2
    print_rows(
        console(width=width), [[("high", ""), ("12x", ""), (words, "")], [("low", ""), ("1x", ""), ("short", "")]]
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("  high  12x  every")
    assert lines[-1] == "  low   1x   short"
    assert all(line.startswith(" " * 13) and line[13] != " " for line in lines[1:-1])
    assert " ".join(" ".join(line[13:] for line in lines[:-1]).split()) == " ".join(words.split())


def test_it_says_what_must_hold_and_how_often_it_does_not(view: ReportView, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(view, capsys)
    assert "What must hold, and how often it does not" in text
    worst = view.risks[0]
    assert f"{worst.count:,}x" in text
    assert view.checks[worst.check].title.split()[0] in text


def test_coverage_is_never_rounded_up(view: ReportView, capsys: pytest.CaptureFixture[str]) -> None:
    assert "99.9% of" in shown(view, capsys, 99.99)
    assert "100% of" in shown(view, capsys, 100.0)


def test_a_score_is_never_rounded_up(view: ReportView, capsys: pytest.CaptureFixture[str]) -> None:
    nearly = replace(view.sections[0], score=79.97, letter="C")
    assert " 79 C " in shown(replace(view, sections=(nearly, *view.sections[1:])), capsys)


def test_a_check_that_broke_is_said_and_not_everything_was_judged(
    view: ReportView, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage = replace(view.coverage, gaps=())
    whole = replace(view, coverage=coverage, faults=())
    assert "Everything could be read and judged" in shown(whole, capsys, 100.0)
    text = shown(replace(whole, faults=(replace(view.findings[0], check="our-own-check"),)), capsys, 100.0)
    assert "our-own-check: its own fault" in text
    assert "Everything could be" not in text


def test_section_names_are_whole_in_the_narrowest_terminal(
    view: ReportView, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = shown(view, capsys).splitlines()
    for section in view.sections:
        if section.score is not None:
            (line,) = [line for line in lines if line.startswith(f"  {section.name} ")]
            assert f"{int(section.score)} {section.letter}" in line
            assert line.endswith(f" {section.counts.failed:,}")


def test_it_says_what_became_of_findings_and_how_money_is_saved(
    view: ReportView, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = shown(view, capsys)
    assert f"{view.changes.counts[Lifecycle.OPENED]} new, 1 back again, 5 mended, 1 gone with their resource" in text
    assert f"right-sizing {view.money.by_way[1].usd_month:,.2f}" in " ".join(text.split())


def test_a_path_is_never_broken(
    view: ReportView, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = Path("/a" * 100)
    assert f"  {path}\n" in shown(view, capsys, 100.0, path)


def test_a_scan_that_judged_nothing_has_a_summary_too(view: ReportView, capsys: pytest.CaptureFixture[str]) -> None:
    empty = replace(view, score=None, letter=None, sections=(), risks=(), findings=())
    assert view.account in shown(empty, capsys, 0)


@pytest.mark.parametrize(("value", "drawn"), [(None, "····"), (0, "░░░░"), (50, "██░░"), (100, "████")])
def test_a_score_is_drawn_as_a_bar(value: float | None, drawn: str) -> None:
    assert bar(value, 4) == drawn


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(console(), [[("red", "bold red")]])
    assert capsys.readouterr().out == "  red\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    print_rows(console(), [[("red", "red")]])
    assert "31" not in capsys.readouterr().out


def test_a_narrow_scan_has_a_short_summary(account: Endpoint) -> None:
    result = run("scan", "--region", "eu-west-1", "--check", "security-group-open-admin-port")
    assert "Nothing judged in" in result.stdout
    assert all(len(line) <= 80 or "/audit-reports/" in line for line in result.stdout.splitlines())
    assert terminal.plain(result.stdout.replace("\n", " ")) == result.stdout.replace("\n", " ")


def test_operations_are_whole_in_the_narrowest_terminal(
    view: ReportView, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    words = shown(view, capsys).split()
    assert view.coverage.gaps
    for gap in view.coverage.gaps[:6]:
        assert f"{gap.operation[:30]}" in " ".join(words)
        assert gap.code in words


@pytest.mark.parametrize(("delta", "said"), [(0.04, False), (-0.04, False), (0.0, False), (1.26, True)])
def test_a_score_that_moved_by_nothing_one_can_write_did_not_move(
    delta: float, said: bool, view: ReportView, capsys: pytest.CaptureFixture[str]
) -> None:
    sections = tuple(replace(section, delta=delta) for section in view.sections)
    text = shown(replace(view, sections=sections, changes=replace(view.changes, delta=delta)), capsys)
    assert ("score +1.3" in text, "+1.3  " in text) == (said, said)
    assert "+0.0" not in text
    assert "-0.0" not in text


@pytest.mark.parametrize(
    ("environment", "escapes"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
    ],
)
def test_a_terminal_gets_colours_unless_it_is_dumb_or_asked_not_to(environment: dict[str, str], escapes: bool) -> None:
    """Seen through a real pseudo-terminal; under NO_COLOR only weight is left."""
    code = "from auditor.cli.terminal import console; console().print('x', style='bold red')"
    leader, follower = pty.openpty()
    bare = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")
    }
    subprocess.run([sys.executable, "-c", code], stdout=follower, env=bare | environment, check=True, timeout=60)
    os.close(follower)
    text = os.read(leader, 10_000).decode()
    os.close(leader)
    assert ("31m" in text) == escapes
    assert "x" in text
