"""JUnit XML, for continuous integration: a suite for each check, a case for each resource it judged."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from auditor.model import Tally
from auditor.report.formats.extra import require
from auditor.report.formats.waived import waiver_words
from auditor.report.text import visible
from auditor.report.view import FindingView, ReportView

if TYPE_CHECKING:
    from junitparser import Failure, Skipped, TestSuite

__all__ = ["render_junit"]

_Findings = Mapping[tuple[str, str], FindingView]
"""By check and resource."""


def render_junit(view: ReportView) -> bytes:
    """Return every pass, failure and unknown as JUnit XML (UTF-8). Raises ReportError without the extra ``formats``.

    What fails is a failure; where it is waived it is skipped, saying by whom and until when. What is unknown is skipped with the
    reason, and so is a scope that could not be read: neither passes, and no build breaks for a missing permission. What is not
    applicable is no case; the suite's property ``not_applicable`` counts it.
    """
    require(["junit"])
    from junitparser import JUnitXml

    findings = {(finding.check, finding.resource): finding for finding in (*view.findings, *view.waived)}
    by_check: dict[str, list[Tally]] = defaultdict(list)
    for tally in view.tallies:
        by_check[visible(tally.check)].append(tally)
    document = JUnitXml(f"{view.standard}: {view.title}")
    for id, tallies in by_check.items():
        document.add_testsuite(_suite(view, id, tallies, findings))
    document.update_statistics()  # type: ignore[no-untyped-call]
    written = io.BytesIO()
    document.write(written)
    return written.getvalue()


def _suite(view: ReportView, id: str, tallies: list[Tally], findings: _Findings) -> "TestSuite":
    from junitparser import TestCase, TestSuite

    check, suite = view.checks.get(id), TestSuite(id)
    suite.timestamp = view.started
    properties = {
        "account": view.account,
        "scan": str(view.scan),
        "title": check.title if check else id,
        "severity": str(check.severity) if check else "",
        "bullets": " ".join(check.patterns) if check else "",
        "not_applicable": str(sum(len(ids) for tally in tallies for ids in tally.not_applicable.values())),
    }
    for name, value in properties.items():
        suite.add_property(name, value)
    group = f"{check.patterns[0]}.{id}" if check else id
    for tally in tallies:
        for name, result in _cases(id, tally, findings):
            case = TestCase(name, classname=group)
            if result is not None:
                case.result = [result]
            suite.add_testcase(case)
    return suite


def _cases(id: str, tally: Tally, findings: _Findings) -> Iterator[tuple[str, "Failure | Skipped | None"]]:
    """Yield the name and the result (``None``: passed) of each case of one check in one account and region."""
    from junitparser import Failure, Skipped

    for resource in map(visible, tally.passed):
        yield resource, None
    for resource in map(visible, tally.failed):
        finding = findings.get((id, resource))
        if finding and finding.waiver:
            yield resource, Skipped(f"{waiver_words(finding)}; {finding.sentence}", "waived")
            continue
        failure = Failure(finding.sentence if finding else "it fails", str(finding.severity) if finding else "")
        failure.text = _details(finding) if finding else ""
        yield resource, failure
    for resource in map(visible, tally.unknown):
        finding = findings.get((id, resource))
        yield resource, Skipped(finding.reason if finding else "it could not be judged", "unknown")
    if tally.unread:
        scope = visible(f"{tally.type} in {tally.region}")
        yield scope, Skipped(visible(f"could not be read: {tally.unread}"), "unread")


def _details(finding: FindingView) -> str:
    """Return what a reader of a build's log needs: every sentence, its facts, the fix."""
    lines = []
    for evidence in finding.evidence:
        lines.append(evidence.sentence)
        lines += [f"  {name}: {value}" for name, value in evidence.facts]
    if finding.command:
        lines.append(f"fix: {finding.command}")
    return "\n".join(lines)
