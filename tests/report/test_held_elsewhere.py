"""Findings that lie in a store are reported as those that are held: in the same order, word for word, and never all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from report import sample

from auditor.model import FindingState
from auditor.report import ReportInputs, build_view, render_html, render_json, render_markdown
from auditor.report.formats.csv import render_csv


def kind(state: FindingState, checks: Sequence[str]) -> tuple[bool, int, int, str]:
    finding = state.finding
    return finding.verdict != "fail", finding.severity.rank, checks.index(finding.check), finding.region


class Elsewhere:
    """Gives findings in batches of one kind, the last of each first, and knows how many it gave."""

    def __init__(self, states: Sequence[FindingState]) -> None:
        self.states = states
        self.given = 0

    def __call__(self, checks: Sequence[str]) -> Iterator[list[FindingState]]:
        for wanted in sorted({kind(state, checks) for state in self.states}):
            batch = [state for state in self.states if kind(state, checks) == wanted]
            self.given += len(batch)
            yield batch[::-1]


def both(inputs: ReportInputs) -> tuple[ReportInputs, Elsewhere]:
    held = Elsewhere(sample.states_of(inputs))
    return replace(inputs, states=held), held


@pytest.mark.parametrize("hostile", [False, True])
def test_every_format_is_the_same_wherever_the_findings_lie(hostile: bool) -> None:
    inputs = sample.inputs(40, hostile=hostile)
    there, _ = both(inputs)
    here = build_view(inputs)
    elsewhere = build_view(there)
    for render in (render_html, render_json, render_csv, render_markdown):
        assert render(here) == render(elsewhere), render.__name__


def test_a_view_reads_the_findings_once_and_a_page_only_its_first_ones_again() -> None:
    there, held = both(sample.inputs(400))
    view = build_view(there)
    count = held.given
    assert count == len(view.findings)
    render_html(view)
    assert held.given - count < count / 2


def test_without_a_scan_before_all_that_fails_was_opened() -> None:
    first = sample.inputs(6, first=True)
    opened = [
        state for state in sample.states_of(first) if state.finding.verdict == "fail" and state.lifecycle == "opened"
    ]
    assert build_view(replace(first, changes=None)).changes == build_view(replace(first, changes=opened)).changes
