"""SARIF 2.1.0 (OASIS), for code scanning and for tools that collect results."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from urllib.parse import quote

import orjson

from auditor.model import Severity, Verdict
from auditor.report.formats.waived import waiver_words
from auditor.report.text import short
from auditor.report.view import CheckView, FindingView, ReportView

__all__ = ["render_sarif", "sarif_pieces"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
"""Within the bands by which GitHub's code scanning names a severity (over 9.0 critical, 7.0 high, 4.0 medium)."""


_PROBLEM_SEVERITY = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "recommendation",
    Severity.INFO: "recommendation",
}
_TAGS = 20
"""Tags a rule may have on GitHub."""
_LONGEST = 200
"""Characters of a name that go into the made-up path."""
_FIRST_LINE = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
"""GitHub's code scanning wants all four; the made-up file is empty."""


def render_sarif(view: ReportView) -> bytes:
    """Return the findings as a SARIF log with one run (UTF-8).

    A failing finding is of kind ``fail``, one that could not be judged of kind ``open`` (SARIF 3.27.9: the tool cannot tell).
    The ARN is the logical location; the physical one is a made-up path ``account/region/type/name``, because viewers ask for a
    file and a line. A waived failure is suppressed; every other result says that it is not (3.27.23: all results or none).
    ``partialFingerprints`` holds the finding's key, which never changes, also under the one name that GitHub reads.
    """
    return b"".join(sarif_pieces(view))


def sarif_pieces(view: ReportView) -> Iterator[bytes]:
    """Yield the same piece by piece: the findings are never held all at once."""
    ids = [id for id, check in view.checks.items() if check.ran]
    ids += sorted({*view.block[0]["check"], *(finding.check for finding in view.waived)} - set(ids))
    numbers = {id: number for number, id in enumerate(ids)}
    run = {
        "tool": {
            "driver": {
                "name": "auditor",
                "version": view.version,
                "rules": [_rule(id, view.checks.get(id)) for id in ids],
            }
        },
        "automationDetails": {"id": f"{quote(view.account)}/{view.scan}"},
        "invocations": [_invocation(view)],
        "results": [_HERE],
        "properties": {
            "account": view.account,
            "accountName": view.account_name,
            "scan": view.scan,
            "standard": view.standard,
            "standardDigest": view.standard_digest,
            "score": view.score,
            "coveragePercent": view.coverage.percent,
        },
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    head, end = orjson.dumps(log, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2).split(orjson.dumps(_HERE))
    head = head.rstrip()
    findings = chain(view.findings, view.waived)
    before = b""
    while some := [_result(finding, numbers[finding.check]) for finding in islice(findings, _AT_ONCE)]:
        text = orjson.dumps(some, option=orjson.OPT_INDENT_2)[1:-2]
        yield head + before + text.replace(b"\n", _INDENT)
        head, before = b"", b","
    yield end if before else head + end.lstrip()


_HERE = "\x01"
"""Stands for the results; no text of a view holds such a character."""
_INDENT = b"\n" + 6 * b" "
"""The results lie three levels deep; in JSON a text has no line breaks."""
_AT_ONCE = 500


def _invocation(view: ReportView) -> dict[str, Any]:
    """Return how the run went: what could not be read are its notifications."""
    ended = {"endTimeUtc": _utc(view.finished)} if view.finished else {}
    return {
        "executionSuccessful": view.status in ("complete", "incomplete"),
        "startTimeUtc": _utc(view.started),
        **ended,
        "toolExecutionNotifications": [
            {
                "level": "warning",
                "message": {"text": f"{gap.operation} answered {gap.code}; {gap.advice}"},
                "properties": {"types": gap.types, "regions": gap.regions, "checks": gap.checks},
            }
            for gap in view.coverage.gaps
        ],
    }


def _utc(iso: str) -> str:
    """Return a moment as SARIF writes it (3.9): with ``Z``."""
    return iso.replace("+00:00", "Z")


def _rule(id: str, check: CheckView | None) -> dict[str, Any]:
    if check is None:
        return {"id": id}
    sections = sorted({pattern.partition(".")[0] for pattern in check.patterns})
    # GitHub ranks what is tagged `security` by the one, and everything else by the other.
    ranked = {"problem.severity": _PROBLEM_SEVERITY[check.severity]}
    if "security" in sections:
        ranked = {"security-severity": _SECURITY_SEVERITY[check.severity]}
    return {
        "id": id,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.why or check.title},
        "help": {"text": check.fix or check.title},
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
        "properties": {
            "tags": ["infrastructure", *sections, *check.patterns][:_TAGS],
            **ranked,
            "severity": check.severity,
            "terraform": check.terraform,
            "sameAs": check.same_as,
        },
    }


def _result(finding: FindingView, rule: int) -> dict[str, Any]:
    failing = finding.verdict is Verdict.FAIL
    text = f"{finding.name}: {'; '.join(e.sentence for e in finding.evidence) or finding.reason or 'no evidence'}"
    parts = (finding.account, finding.region, finding.type, short(finding.name, _LONGEST))
    path = "/".join(quote(part, safe="") for part in parts)
    properties: dict[str, Any] = {
        "severity": finding.severity,
        "verdict": finding.verdict,
        "facts": [dict(evidence.facts) for evidence in finding.evidence],
        "since": finding.since,
        "lifecycle": finding.lifecycle,
        "usdMonth": finding.usd_month,
        "command": finding.command,
        "tags": [f"{key}={value}" for key, value in finding.tags.items()],
    }
    waived = [{"kind": "external", "status": "accepted", "justification": waiver_words(finding)}]
    return {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "kind": "fail" if failing else "open",
        "level": _LEVELS[finding.severity] if failing else "none",
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": path}, "region": _FIRST_LINE},
                "logicalLocations": [
                    {"name": finding.name, "fullyQualifiedName": finding.resource, "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"auditorFindingKey/v1": finding.key, "primaryLocationLineHash": f"{finding.key}:1"},
        "suppressions": waived if finding.waiver and failing else [],
        "properties": properties,
    }
