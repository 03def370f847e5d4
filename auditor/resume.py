"""Which scopes of a scan that was cut short the next one need not read again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from auditor.model import Coverage, Scan, ScanStatus, Scope

__all__ = ["RESUME_SECONDS", "scopes_to_take_over"]

RESUME_SECONDS = 3 * 3600.0
"""What is older is read again, unless the settings say otherwise: what one scan holds is this far apart at most anyway."""

_CUT_SHORT = (ScanStatus.RUNNING, ScanStatus.INTERRUPTED, ScanStatus.FAILED)
"""How a scan stands that did not come to its end; one that is marked running, while we hold its lease, is dead."""


def scopes_to_take_over(
    before: Scan | None,
    coverage: Mapping[Scope, Coverage],
    wanted: Iterable[Scope],
    parents: Mapping[str, str],
    types_digest: str,
    now: datetime,
    limit_seconds: float = RESUME_SECONDS,
) -> frozenset[Scope]:
    """Return the scopes among WANTED that BEFORE, the account's newest scan, read and that can be kept as they are.

    BEFORE must have been cut short and have read under the same declarations (TYPES_DIGEST). A scope is kept when COVERAGE
    says that it was read whole, not longer than LIMIT_SECONDS from NOW (nor so far in the future: then one of the clocks
    cannot be trusted). A type and what is listed for each of its resources (PARENTS: type -> its parent, or empty) are kept
    together or not at all: children of yesterday's list beside today's parents would be facts that nobody read.
    """
    if before is None or before.status not in _CUT_SHORT or not types_digest or before.types_digest != types_digest:
        return frozenset()
    families: dict[tuple[str, str], list[Scope]] = defaultdict(list)
    for scope in wanted:
        families[_eldest(scope.type, parents), scope.region].append(scope)

    def good(scope: Scope) -> bool:
        found = coverage.get(scope)
        if found is None or not found.whole:
            return False
        # What answered with errors only (the service is not offered) bears no date: it was asked after the scan began.
        moment = found.observed_at or (before.started_at if found.from_scan is None else None)
        return moment is not None and abs((now - moment).total_seconds()) <= limit_seconds

    return frozenset(scope for family in families.values() if all(map(good, family)) for scope in family)


def _eldest(type: str, parents: Mapping[str, str]) -> str:
    while parents.get(type):
        type = parents[type]
    return type
