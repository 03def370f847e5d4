"""The view for programs: JSON of a documented, versioned shape with every verdict, resource by resource."""

from auditor.report.view import ReportView

__all__ = ["render_json"]


def render_json(view: ReportView) -> bytes:
    """Return the report as JSON (UTF-8, shape ``"schema": 1``)."""
    raise NotImplementedError
