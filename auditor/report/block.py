"""All findings as one compressed block of columns, which the page's script unpacks into its table."""

import base64
import zlib
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

import orjson

from auditor.model import Lifecycle, Severity, Verdict
from auditor.report.links import percent
from auditor.report.tags import environment, owner
from auditor.report.text import service, type_words
from auditor.report.view import FindingView, ReportView

__all__ = ["columns", "command_marks", "console_marks", "pack"]

_H = TypeVar("_H", bound=Hashable)
_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)
_VERDICTS = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1}


def pack(value: object) -> str:
    """Return VALUE as base64 of zlib-compressed JSON: nothing in it can end a script element."""
    return base64.b64encode(zlib.compress(orjson.dumps(value), 6)).decode()


def columns(view: ReportView) -> dict[str, object]:
    """Return the findings as lists of equal length under ``rows``, and what their numbers point to.

    ``checks``: id, title, why, Terraform attribute, ids of its bullets, fix in words. ``rows.evidence``: for each finding a list
    of a sentence and its facts (pairs of field and value). ``rows.command`` and ``rows.console`` number texts in which marks
    stand for what is the finding's own (``command_marks``, ``console_marks``), so that most findings of a check share one.
    """
    findings = view.findings
    checks, check = _numbered(finding.check for finding in findings)
    sections, section = _numbered(finding.section for finding in findings)
    types, type = _numbered(finding.type for finding in findings)
    regions, region = _numbered(finding.region for finding in findings)
    accounts, account = _numbered(finding.account for finding in findings)
    days, since = _numbered(finding.day for finding in findings)
    histories, history = _numbered(", ".join(turn.words for turn in finding.history) for finding in findings)
    reasons, reason = _numbered(finding.reason for finding in findings)
    tags, tag = _numbered_tags(findings)
    commands, command = _numbered(map(command_marks, findings))
    consoles, console = _numbered(map(console_marks, findings))
    owners, owner_of_tags = _numbered(map(owner, tags))
    environments, environment_of_tags = _numbered(map(environment, tags))
    names = {section.id: section.name for section in view.sections}
    first = view.changes.first
    ranks = {severity: severity.rank for severity in Severity}
    return {
        "account": view.account,
        "scan": view.scan,
        "today": (view.finished or view.started)[:10],
        "checks": [_check(view, id) for id in checks],
        "severities": list(Severity),
        "verdicts": ["Fail", "Unknown"],
        "sections": [names.get(id, "Other") for id in sections],
        "types": [type_words(name) for name in types],
        "services": [service(name) for name in types],
        "regions": regions,
        "accounts": accounts,
        "owners": owners,
        "environments": environments,
        "bullets": {bullet.id: bullet.name for section in view.sections for bullet in section.bullets},
        "days": days,
        "histories": histories,
        "reasons": reasons,
        "tags": [", ".join(f"{key}={value}" for key, value in held.items()) for held in tags],
        "tagged": [[owner, environment] for owner, environment in zip(owner_of_tags, environment_of_tags, strict=True)],
        "commands": commands,
        "consoles": consoles,
        "rows": {
            "severity": [ranks[finding.severity] for finding in findings],
            "verdict": [_VERDICTS[finding.verdict] for finding in findings],
            "check": check,
            "section": section,
            "type": type,
            "region": region,
            "account": account,
            "name": [finding.name for finding in findings],
            "resource": [finding.resource for finding in findings],
            "evidence": [[(item.sentence, item.facts) for item in finding.evidence] for finding in findings],
            "reason": reason,
            "command": command,
            "console": console,
            "since": since,
            "history": history,
            "fresh": [int(not first and finding.lifecycle in _NEW) for finding in findings],
            "tags": tag,
        },
    }


def command_marks(finding: FindingView) -> str:
    """Return the finding's command with U+0001 for its name, U+0002 for its ARN and U+0003 for its region.

    No text of a view holds such characters, so the page puts the same command together again.
    """
    text = finding.command
    for mark, own in (("\x02", finding.resource), ("\x01", finding.name), ("\x03", finding.region)):
        if text and own:
            text = text.replace(own, mark)
    return text


def console_marks(finding: FindingView) -> str:
    """Return the finding's address in the console with the marks of ``command_marks`` for its percent-encoded parts."""
    text = finding.console
    if text:
        if "%" in text or "/" not in finding.resource:  # else the encoded ARN cannot stand in it
            text = text.replace(percent(finding.resource), "\x02")
        text = text.replace(percent(finding.name), "\x01")
        text = text.replace(finding.region, "\x03")
    return text


def _check(view: ReportView, id: str) -> tuple[object, ...]:
    check = view.checks.get(id)
    return (
        (check.id, check.title, check.why, check.terraform, check.patterns, check.fix)
        if check
        else (id, id, "", "", (), "")
    )


def _numbered_tags(findings: Iterable[FindingView]) -> tuple[list[Mapping[str, str]], list[int]]:
    """Return the distinct tags, and for each finding the number of its own; findings of one resource share one object."""
    seen: dict[int, int] = {}
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    held: list[Mapping[str, str]] = []
    column = []
    for finding in findings:
        number = seen.get(id(finding.tags))
        if number is None:
            number = seen[id(finding.tags)] = numbers.setdefault(tuple(finding.tags.items()), len(numbers))
            if number == len(held):
                held.append(finding.tags)
        column.append(number)
    return held, column


def _numbered(values: Iterable[_H]) -> tuple[list[_H], list[int]]:
    """Return the distinct VALUES, and for each of them the number of its own."""
    numbers: dict[_H, int] = {}
    column = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), column
