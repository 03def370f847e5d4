"""All findings as one compressed block of columns, which the page's script unpacks into its table."""

import base64
import zlib
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import orjson

from auditor.model import Lifecycle, Severity, Verdict
from auditor.report.text import type_words
from auditor.report.view import FindingView, ReportView

__all__ = ["columns", "pack"]

_H = TypeVar("_H", bound=Hashable)
_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)
_VERDICTS = (Verdict.FAIL, Verdict.UNKNOWN)


def pack(view: ReportView) -> str:
    """Return the findings as base64 of zlib-compressed JSON (see ``columns``): nothing in it can end a script element."""
    return base64.b64encode(zlib.compress(orjson.dumps(columns(view)), 6)).decode()


def columns(view: ReportView) -> dict[str, object]:
    """Return the findings as lists of equal length under ``rows``, and what their numbers point to.

    ``checks``: id, title, why, Terraform attribute, ids of its bullets. ``rows.evidence``: for each finding a list of a sentence
    and its facts.
    """
    findings = view.findings
    checks, check = _numbered(findings, lambda finding: finding.check)
    sections, section = _numbered(findings, lambda finding: finding.section)
    types, type = _numbered(findings, lambda finding: finding.type)
    regions, region = _numbered(findings, lambda finding: finding.region)
    levels = list(Severity)
    names = {section.id: section.name for section in view.sections}
    first = view.changes.first
    return {
        "checks": [_check(view, id) for id in checks],
        "severities": levels,
        "verdicts": ["Fail", "Unknown"],
        "sections": [names.get(id, "Other") for id in sections],
        "types": [type_words(name) for name in types],
        "regions": regions,
        "bullets": {bullet.id: bullet.name for section in view.sections for bullet in section.bullets},
        "rows": {
            "severity": [finding.severity.rank for finding in findings],
            "verdict": [_VERDICTS.index(finding.verdict) for finding in findings],
            "check": check,
            "section": section,
            "type": type,
            "region": region,
            "name": [finding.name for finding in findings],
            "resource": [finding.resource for finding in findings],
            "evidence": [[[item.sentence, item.facts] for item in finding.evidence] for finding in findings],
            "reason": [finding.reason for finding in findings],
            "command": [finding.command for finding in findings],
            "console": [finding.console for finding in findings],
            "since": [finding.day for finding in findings],
            "fresh": [int(not first and finding.lifecycle in _NEW) for finding in findings],
            "tags": [", ".join(f"{key}={value}" for key, value in finding.tags.items()) for finding in findings],
        },
    }


def _check(view: ReportView, id: str) -> tuple[object, ...]:
    check = view.checks.get(id)
    return (check.id, check.title, check.why, check.terraform, check.patterns) if check else (id, id, "", "", ())


def _numbered(findings: Iterable[FindingView], of: Callable[[FindingView], _H]) -> tuple[list[_H], list[int]]:
    """Return the distinct values of OF, and for each finding the number of its own."""
    numbers: dict[_H, int] = {}
    column = [numbers.setdefault(of(finding), len(numbers)) for finding in findings]
    return list(numbers), column
