"""Every page a report can be, written once: each state, and both documents."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from report import sample, spent

from auditor.kit import Facts, NoThresholds
from auditor.model import Evidence
from auditor.report import Known, ReportInputs, ReportView, build_view, write_reports

__all__ = ["NAMES", "OTHER", "STATES", "folder_of", "view_of"]


def _long() -> ReportInputs:
    """Return a scan of which every text that an account can choose has 100,000 characters, with and without gaps."""
    full, name, words = sample.inputs(2), "x" * 100_000, "word " * 20_000
    evidence = (Evidence(words, {"Field": name, "Other": words}),)
    states = [
        replace(state, finding=replace(state.finding, name=name, reason=words, evidence=evidence))
        for state in sample.states_of(full)
    ]
    known = {id: Known(name, {"Environment": name, "Owner": words}) for id in full.resources}
    scan = replace(full.scan, account_name=name)
    return replace(full, scan=scan, states=states, resources=known, spending=spent.resources(sample.ACCOUNT, words))


def _wordy() -> ReportInputs:
    """Return a scan whose checks are the worst there can be, and explain themselves at length; the account's name is long."""
    full = sample.inputs(60, account_name="northwind-mail-order-company-of-the-north-production-eu-central " * 3)
    why = "When this does not hold, what depends on it stops, and nobody learns of it before the customers do. " * 6

    def judge(facts: Facts, want: NoThresholds) -> Iterator[Evidence]:
        yield from ()

    judge.__doc__ = f"{'A title that goes on, ' * 12}and ends\n\nWhy: {why}\nFix: mend it.\nSource: the standard."
    return replace(full, checks={id: replace(check, judge=judge) for id, check in full.checks.items()})


OTHER = "444455556666"


def _waived() -> ReportInputs:
    """Return a scan in which somebody accepted every third failure; every fourth finding is another account's."""
    full = sample.waived()
    states = [
        replace(state, finding=replace(state.finding, account=OTHER)) if number % 4 == 0 else state
        for number, state in enumerate(sample.states_of(full))
    ]
    return replace(full, states=states)


STATES: Mapping[str, Callable[[], ReportInputs]] = {
    "ordinary": lambda: sample.inputs(6),
    "first": lambda: sample.inputs(4, first=True),
    "nothing-found": sample.nothing_found,
    "nothing-read": sample.nothing_read,
    "hostile": lambda: sample.inputs(len(sample.HOSTILE), hostile=True, account_name=sample.HOSTILE[0]),
    "waived": _waived,
    "long": _long,
    "wordy": _wordy,
}
"""State -> how it is made; small, because a browser looks at every element."""
NAMES = ("compliance.html", "cost.html", "executive.html")


@functools.cache
def view_of(state: str) -> ReportView:
    """Return the view of a state."""
    return build_view(STATES[state]())


@functools.cache
def folder_of(state: str) -> Path:
    """Return the folder with the pages of a state."""
    folder = Path(tempfile.mkdtemp(prefix="pages-"))
    write_reports(view_of(state), folder, ["html"])
    return folder
