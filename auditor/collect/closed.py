"""Tells regions that the organisation has closed from permissions that are missing: a region is out of reach as a whole."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from auditor.aws.faults import by_organisation
from auditor.model import GLOBAL, Coverage, CoverageState, Gap

__all__ = ["REGION_CLOSED", "may_be_closed", "told_apart"]

REGION_CLOSED = "RegionClosed"


def may_be_closed(coverage: Coverage) -> bool:
    """Whether a scope was denied by a policy of the organisation: its region may be closed as a whole."""
    return (
        coverage.state is CoverageState.DENIED
        and coverage.scope.region != GLOBAL
        and coverage.gap is not None
        and by_organisation(coverage.gap.message)
    )


def told_apart(denied: Sequence[Coverage], others: Iterable[Coverage]) -> list[Coverage]:
    """Return DENIED (all that ``may_be_closed``) with the region's own gap where OTHERS show that the region is closed.

    It is when policies of the organisation deny at least half of what was asked for there, and what answers nevertheless
    (policies that close regions spare some services) has nothing.
    """
    of_region: dict[str, int] = defaultdict(int)
    alive: set[str] = set()
    for coverage in others:
        of_region[coverage.scope.region] += 1
        if coverage.resources:
            alive.add(coverage.scope.region)
    refused: dict[str, int] = defaultdict(int)
    for coverage in denied:
        refused[coverage.scope.region] += 1
    closed = {region for region, count in refused.items() if count >= of_region[region] and region not in alive}
    return [
        replace(coverage, gap=_gap(coverage.scope.region, coverage.gap))
        if coverage.scope.region in closed and coverage.gap
        else coverage
        for coverage in denied
    ]


def _gap(region: str, denial: Gap) -> Gap:
    return Gap(f"every call in {region}", REGION_CLOSED, f"{denial}: {denial.message}")
