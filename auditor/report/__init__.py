"""One view of a scan, and the formats that render it: HTML, Markdown, JSON, and those of other programs."""

from auditor.report.build import build_view
from auditor.report.fix import fill_fix, fix_fields
from auditor.report.formats.extra import require
from auditor.report.html import render_cost_html, render_executive_html, render_html
from auditor.report.inputs import Batches, Known, Permission, Previous, ReportInputs
from auditor.report.machine import render_json
from auditor.report.markdown import render_cost_markdown, render_markdown
from auditor.report.spending import SPENDING_TYPES
from auditor.report.view import ReportView
from auditor.report.write import FORMATS, file_names, write_file, write_reports

__all__ = [
    "FORMATS",
    "SPENDING_TYPES",
    "Batches",
    "Known",
    "Permission",
    "Previous",
    "ReportInputs",
    "ReportView",
    "build_view",
    "file_names",
    "fill_fix",
    "fix_fields",
    "render_cost_html",
    "render_cost_markdown",
    "render_executive_html",
    "render_html",
    "render_json",
    "render_markdown",
    "require",
    "write_file",
    "write_reports",
]
