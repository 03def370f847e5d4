"""Report files: whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from auditor.errors import ReportError
from auditor.report.formats.asff import asff_pieces
from auditor.report.formats.csv import csv_pieces
from auditor.report.formats.extra import require
from auditor.report.formats.junit import junit_pieces
from auditor.report.formats.ocsf import ocsf_pieces
from auditor.report.formats.prometheus import render_prometheus
from auditor.report.formats.sarif import sarif_pieces
from auditor.report.html import render_cost_html, render_executive_html, render_html
from auditor.report.machine import json_pieces
from auditor.report.markdown import LIMIT, render_cost_markdown, render_markdown
from auditor.report.view import ReportView

__all__ = ["FORMATS", "file_names", "write_file", "write_reports"]

_PAGES = {
    "compliance.html": "Compliance report",
    "cost.html": "Cost report",
    "executive.html": "Executive page",
}


_FILES: Mapping[str, Mapping[str, Callable[[ReportView, Mapping[str, str], int], str | bytes | Iterator[bytes]]]] = {
    "html": {
        "compliance.html": lambda view, others, _: render_html(view, others),
        "cost.html": lambda view, others, _: render_cost_html(view, others),
        "executive.html": lambda view, others, _: render_executive_html(view, others),
    },
    "md": {
        "compliance.md": lambda view, _, limit: render_markdown(view, limit),
        "cost.md": lambda view, _, limit: render_cost_markdown(view, limit),
    },
    "json": {"report.json": lambda view, *_: json_pieces(view)},
    "csv": {"findings.csv": lambda view, *_: csv_pieces(view)},
    "ocsf": {"findings.ocsf.jsonl": lambda view, *_: ocsf_pieces(view)},
    "asff": {"findings.asff.json": lambda view, *_: asff_pieces(view)},
    "sarif": {"findings.sarif": lambda view, *_: sarif_pieces(view)},
    "junit": {"junit.xml": lambda view, *_: junit_pieces(view)},
    "prometheus": {"auditor.prom": lambda view, *_: render_prometheus(view)},
}
"""Format -> file -> how it is made from a view, the pages it leads to (title -> address), and how long Markdown may be."""
FORMATS: tuple[str, ...] = tuple(_FILES)


def write_reports(
    view: ReportView,
    folder: Path,
    formats: Collection[str] = ("html", "md", "json"),
    *,
    stem: str = "",
    max_length: int = LIMIT,
    above: Mapping[str, str] = MappingProxyType({}),
) -> list[Path]:
    """Write the reports of FORMATS into FOLDER (made if missing) and return their paths.

    Names: ``compliance.html``, ``cost.html``, ``executive.html``, ``compliance.md``, ``cost.md``, ``report.json``,
    ``findings.csv``, ``findings.ocsf.jsonl``, ``findings.asff.json``, ``findings.sarif``, ``junit.xml``, ``auditor.prom``;
    with STEM, ``STEM-compliance.html``. A Markdown file has at most MAX_LENGTH
    characters. ABOVE: title -> address of pages elsewhere that the HTML pages lead to. A file that is there is
    replaced at once, never half-written. Raises ReportError.
    """
    if unknown := [name for name in formats if name not in _FILES]:
        raise ReportError(f"there is no report format {unknown[0]!r}; there are {', '.join(FORMATS)}")
    require(formats)
    _make(folder)

    def named(name: str) -> str:
        return f"{stem}-{name}" if stem else name

    written = []
    for format in FORMATS:
        for name, render in _FILES[format].items() if format in formats else ():
            path = folder / named(name)
            beside = {title: named(file) for file, title in _PAGES.items() if file != name}
            _replace(path, render(view, {**above, **beside}, max_length))
            written.append(path)
    return written


def file_names(formats: Collection[str]) -> tuple[str, ...]:
    """Return the names of the files that ``write_reports`` writes for FORMATS."""
    return tuple(name for format in FORMATS if format in formats for name in _FILES[format])


def write_file(path: Path, content: str | bytes) -> None:
    """Put CONTENT at PATH in one step, its folder made if missing. Raises ReportError."""
    _make(path.parent)
    _replace(path, content)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error, "is no folder one can write to") from error


def _replace(path: Path, content: str | bytes | Iterator[bytes]) -> None:
    """Put CONTENT at PATH in one step: readers see the old file or the new one."""
    pieces = [content.encode("utf-8", "backslashreplace")] if isinstance(content, str) else content
    if isinstance(pieces, bytes):
        pieces = [pieces]
    made = ""
    try:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        Path(made).replace(path)
        made = ""
    except OSError as error:
        raise _refused(path, error, "cannot be written") from error
    finally:
        if made:  # it was not whole
            with contextlib.suppress(OSError):
                Path(made).unlink()


def _umask() -> int:
    """Return the process's umask; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _refused(path: Path, error: OSError, what: str) -> ReportError:
    reason = error.strerror or type(error).__name__
    return ReportError(
        f"{path} {what}: {reason}; make room there or choose another folder (the scan itself is in the store)"
    )
