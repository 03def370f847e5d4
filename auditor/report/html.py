"""The view as HTML: one file each, no network, nothing that runs but our own script."""

from auditor.report.view import ReportView

__all__ = ["render_cost_html", "render_html"]


def render_html(view: ReportView) -> str:
    """Return the compliance report as one self-contained HTML document."""
    raise NotImplementedError


def render_cost_html(view: ReportView) -> str:
    """Return the cost report as one self-contained HTML document."""
    raise NotImplementedError
