"""Every state of a report, built once."""

import functools

import pytest
from report import sample

from auditor.report import ReportView, build_view


@functools.cache
def view_of(state: str) -> ReportView:
    return build_view(sample.STATES[state]())


@pytest.fixture(params=sample.STATES)
def view(request: pytest.FixtureRequest) -> ReportView:
    """Return the view of a scan, once for each state."""
    return view_of(request.param)


@pytest.fixture
def rich() -> ReportView:
    """Return the view of an ordinary scan."""
    return view_of("rich")


@pytest.fixture
def hostile() -> ReportView:
    """Return the view of an account whose users named their things to harm a reader."""
    return view_of("hostile")
