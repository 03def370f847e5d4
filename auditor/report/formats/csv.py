"""CSV (RFC 4180): a row for each finding, for spreadsheets."""

import csv
import io
from collections.abc import Iterator
from itertools import chain

from auditor.report.cells import cell
from auditor.report.text import service, short
from auditor.report.view import FindingView, ReportView

__all__ = ["COLUMNS", "csv_pieces", "render_csv"]

COLUMNS = (
    "verdict",
    "severity",
    "section",
    "bullets",
    "check",
    "title",
    "resource",
    "name",
    "type",
    "service",
    "account",
    "account_name",
    "region",
    "evidence",
    "reason",
    "since",
    "since_scan",
    "lifecycle",
    "last_seen",
    "usd_month",
    "command",
    "terraform",
    "console",
    "tags",
    "key",
    "waived_until",
)
"""The columns, in order. Under one version of the JSON schema columns are only added, at the end."""

_LONGEST = 32_766
"""Characters of a cell, one less than Excel's limit: ``cell`` may put one before it. Excel breaks the row at what is longer."""


def render_csv(view: ReportView) -> bytes:
    """Return the findings, failures first, waived ones last, as CSV (UTF-8 with a byte order mark, which spreadsheets ask for)."""
    return b"".join(csv_pieces(view))


def csv_pieces(view: ReportView) -> Iterator[bytes]:
    """Yield the same row by row."""
    text = io.StringIO()
    writer = csv.writer(text)
    sections = {section.id: section.name for section in view.sections}
    writer.writerow(COLUMNS)
    yield text.getvalue().encode("utf-8-sig")
    for finding in chain(view.findings, view.waived):
        text.seek(0)
        text.truncate()
        writer.writerow(map(_fitting, _row(view, sections, finding)))
        yield text.getvalue().encode()


def _fitting(value: object) -> object:
    """Return VALUE as a cell that every spreadsheet takes: longer texts lose their middle."""
    return cell(short(value, _LONGEST) if isinstance(value, str) else value)


def _row(view: ReportView, sections: dict[str, str], finding: FindingView) -> tuple[object, ...]:
    check = view.checks.get(finding.check)
    return (
        finding.verdict,
        finding.severity,
        sections.get(finding.section, ""),
        " ".join(check.patterns) if check else "",
        finding.check,
        check.title if check else "",
        finding.resource,
        finding.name,
        finding.type,
        service(finding.type),
        finding.account,
        view.account_name,
        finding.region,
        "; ".join(item.sentence for item in finding.evidence),
        finding.reason,
        finding.since,
        finding.since_scan,
        finding.lifecycle,
        finding.last_seen,
        "" if finding.usd_month is None else round(finding.usd_month, 2),
        finding.command,
        check.terraform if check else "",
        finding.console,
        ", ".join(f"{key}={value}" for key, value in finding.tags.items()),
        finding.key,
        finding.waiver.until if finding.waiver else "",
    )
