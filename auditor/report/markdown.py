"""The view as GitHub-flavoured Markdown, every value escaped, never cut in the middle of a row."""

from auditor.report.view import ReportView

__all__ = ["LIMIT", "render_cost_markdown", "render_markdown"]

LIMIT = 60_000
"""Characters a Markdown report has at most: it fits into a comment on GitHub (65,536)."""


def render_markdown(view: ReportView, limit: int = LIMIT) -> str:
    """Return the compliance report in at most LIMIT characters."""
    raise NotImplementedError


def render_cost_markdown(view: ReportView, limit: int = LIMIT) -> str:
    """Return the cost report in at most LIMIT characters."""
    raise NotImplementedError
