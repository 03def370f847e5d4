"""From the nouns of a scan to the view every format renders."""

from auditor.report.inputs import ReportInputs
from auditor.report.view import ReportView

__all__ = ["build_view"]


def build_view(inputs: ReportInputs) -> ReportView:
    """Return the view of a scan; built once, rendered in every format."""
    raise NotImplementedError
