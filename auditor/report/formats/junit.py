"""JUnit XML, for continuous integration: a suite for each check, a case for each resource it judged."""

import marshal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain, groupby, islice
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, NamedTuple

from auditor.model import Tally
from auditor.report.formats.extra import require
from auditor.report.formats.waived import waiver_words
from auditor.report.text import visible
from auditor.report.view import FindingView, ReportView

if TYPE_CHECKING:
    from junitparser import Failure, Skipped, TestSuite

__all__ = ["junit_pieces", "render_junit"]


class _Said(NamedTuple):
    """What a case says of a finding; plain texts, which are put aside as bytes."""

    resource: str
    severity: str
    sentence: str
    details: str
    reason: str
    waived: str
    """By whom and until when, where it is."""


def render_junit(view: ReportView) -> bytes:
    """Return every pass, failure and unknown as JUnit XML (UTF-8). Raises ReportError without the extra ``formats``.

    What fails is a failure; where it is waived it is skipped, saying by whom and until when. What is unknown is skipped with the
    reason, and so is a scope that could not be read: neither passes, and no build breaks for a missing permission. What is not
    applicable is no case; the suite's property ``not_applicable`` counts it.
    """
    return b"".join(junit_pieces(view))


def junit_pieces(view: ReportView) -> Iterator[bytes]:
    """Yield the same piece by piece. The heads say the sums of what follows them, so that the cases lie in a file meanwhile.

    Raises OSError where the folder for such files is full.
    """
    require(["junit"])
    from junitparser import JUnitXml

    by_check: dict[str, list[Tally]] = defaultdict(list)
    for tally in view.tallies:
        by_check[visible(tally.check)].append(tally)
    document = JUnitXml(f"{view.standard}: {view.title}")
    document.tests = document.failures = document.errors = document.skipped = 0
    with TemporaryFile() as aside, TemporaryFile() as cases:
        places = _put_aside(view, aside)
        suites: list[tuple[bytes, int]] = []
        for id, tallies in by_check.items():
            suite = _suite(view, id, tallies)
            group = f"{view.checks[id].patterns[0]}.{id}" if id in view.checks else id
            _write_cases(suite, group, tallies, _found(aside, places[id]), cases)
            suites.append((suite.tostring().removesuffix(_SUITE_ENDS), cases.tell()))  # type: ignore[no-untyped-call]
            document.tests += suite.tests
            document.failures += suite.failures
            document.skipped += suite.skipped
        document.time = 0.0
        head = document.tostring()  # type: ignore[no-untyped-call]
        yield b"<?xml version='1.0' encoding='utf-8'?>\n"
        if not suites:
            yield head
            return
        yield head.removesuffix(b"/>").rstrip() + b">"
        cases.seek(0)
        for head, end in suites:
            yield head
            while piece := cases.read(min(_PIECE, end - cases.tell())):
                yield piece
            yield _SUITE_ENDS
        yield b"</testsuites>"


_SUITE_ENDS = b"</testsuite>"
_PIECE = 1 << 20
_AT_ONCE = 500


def _put_aside(view: ReportView, file: IO[bytes]) -> dict[str, list[int]]:
    """Write what cases say of findings into FILE; return where those of each check begin."""
    places: dict[str, list[int]] = defaultdict(list)
    for check, alike in groupby(chain(view.findings, view.waived), lambda finding: finding.check):
        while some := [tuple(_said(finding)) for finding in islice(alike, _AT_ONCE)]:
            places[check].append(file.tell())
            marshal.dump(some, file)
    return places


def _said(finding: FindingView) -> _Said:
    waived = waiver_words(finding) if finding.waiver else ""
    return _Said(finding.resource, str(finding.severity), finding.sentence, _details(finding), finding.reason, waived)


def _found(file: IO[bytes], places: list[int]) -> dict[str, _Said]:
    """Return what was put into FILE at PLACES, by resource."""
    found = {}
    for place in places:
        file.seek(place)
        found.update({said[0]: _Said(*said) for said in marshal.load(file)})  # noqa: S302 -- our own file, and nameless
    return found


def _suite(view: ReportView, id: str, tallies: list[Tally]) -> "TestSuite":
    """Return the suite of a check, without its cases."""
    from junitparser import TestSuite

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
    return suite


def _write_cases(
    suite: "TestSuite", group: str, tallies: list[Tally], findings: Mapping[str, _Said], file: IO[bytes]
) -> None:
    """Write the cases of a SUITE into FILE, and their sums into its head."""
    from junitparser import Failure, TestCase

    tests = failures = skipped = 0
    for tally in tallies:
        for name, result in _cases(tally, findings):
            case = TestCase(name, classname=group)
            tests += 1
            if result is not None:
                case.result = [result]
                failed = isinstance(result, Failure)
                failures, skipped = failures + failed, skipped + (not failed)
            file.write(case.tostring())  # type: ignore[no-untyped-call]
    suite.tests, suite.errors, suite.failures, suite.skipped, suite.time = tests, 0, failures, skipped, 0


def _cases(tally: Tally, findings: Mapping[str, _Said]) -> Iterator[tuple[str, "Failure | Skipped | None"]]:
    """Yield the name and the result (``None``: passed) of each case of one check in one account and region."""
    from junitparser import Failure, Skipped

    for resource in map(visible, tally.passed):
        yield resource, None
    for resource in map(visible, tally.failed):
        said = findings.get(resource)
        if said and said.waived:
            yield resource, Skipped(f"{said.waived}; {said.sentence}", "waived")
            continue
        failure = Failure(said.sentence if said else "it fails", said.severity if said else "")
        failure.text = said.details if said else ""
        yield resource, failure
    for resource in map(visible, tally.unknown):
        said = findings.get(resource)
        yield resource, Skipped(said.reason if said else "it could not be judged", "unknown")
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
