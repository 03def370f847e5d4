"""Report files: whole or not at all."""

from collections.abc import Collection
from pathlib import Path

from auditor.report.view import ReportView

__all__ = ["FORMATS", "write_reports"]

FORMATS: tuple[str, ...] = ("html", "md", "json")


def write_reports(view: ReportView, folder: Path, formats: Collection[str] = FORMATS, *, stem: str = "") -> list[Path]:
    """Write the reports of FORMATS into FOLDER (made if missing) and return their paths.

    Names: ``compliance.html``, ``cost.html``, ``compliance.md``, ``cost.md``, ``report.json``; with STEM, ``STEM-compliance.html``.
    A file that is there is replaced at once, never half-written. Raises ReportError.
    """
    raise NotImplementedError
