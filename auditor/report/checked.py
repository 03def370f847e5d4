"""The checks of a scan as readers see them: their pages, and what they concluded."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from auditor.kit import Check
from auditor.model import Tally
from auditor.report.inputs import ReportInputs
from auditor.report.text import visible
from auditor.report.view import CheckView, Counts

__all__ = ["check_view", "check_views", "counts_by_check"]


def counts_by_check(tallies: Iterable[Tally], waived: Mapping[str, int] = Counter()) -> Mapping[str, Counts]:
    """Return each check's verdicts, counted; a scope that could not be read counts as one unknown.

    WAIVED: check id -> how many of its failures are waived; they are counted a second time as such.
    """
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for tally in tallies:
        here = counted[tally.check]
        here[0] += len(tally.passed)
        here[1] += len(tally.failed)
        here[2] += len(tally.unknown) + (tally.unread is not None)
        here[3] += sum(map(len, tally.not_applicable.values()))
    return {check: Counts(here[0], here[1], here[2], here[3], waived.get(check, 0)) for check, here in counted.items()}


def check_views(inputs: ReportInputs, counts: Mapping[str, Counts]) -> dict[str, CheckView]:
    """Return every check's page by id, in the order of the standard's bullets."""
    order = {pattern.id: number for number, pattern in enumerate(inputs.standard)}
    last = len(order)

    def place(check: Check) -> tuple[int, int]:
        return min(order.get(pattern, last) for pattern in check.patterns), check.severity.rank

    return {check.id: check_view(check, counts) for check in sorted(inputs.checks.values(), key=place)}


def check_view(check: Check, counts: Mapping[str, Counts]) -> CheckView:
    """Return a check's page, with what it concluded: COUNTS are by check id."""
    return CheckView(
        id=visible(check.id),
        title=visible(check.title),
        why=visible(check.section("Why")),
        fix=visible(check.section("Fix")),
        source=visible(check.section("Source")),
        severity=check.severity,
        types=check.on,
        patterns=check.patterns,
        command=visible(check.fix.cli),
        terraform=visible(check.fix.terraform),
        same_as=check.same_as,
        counts=counts.get(check.id, Counts()),
        ran=check.id in counts,
    )
