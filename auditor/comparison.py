"""Any two scans of an account held against each other: inventory, findings, scores and savings."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from auditor.collect.declare import ResourceType
from auditor.drift import Comparison, Drift, FindingTurn, ResourceRef, differences
from auditor.errors import UsageError
from auditor.kit.check import Check
from auditor.model import Lifecycle, Scan
from auditor.savings import bullet_of, priced
from auditor.store import Store

__all__ = ["TURNS", "compare_scans", "drift_between", "earlier", "savings_by_section", "turns_between"]

TURNS = (Lifecycle.OPENED, Lifecycle.REOPENED, Lifecycle.RESOLVED, Lifecycle.VANISHED, Lifecycle.UNVERIFIED)
"""How a finding can turn, in the order in which it is told."""


def compare_scans(
    store: Store,
    before: Scan,
    after: Scan,
    checks: Mapping[str, Check],
    types: Mapping[str, ResourceType],
    *,
    only_types: Collection[str] = (),
    regions: Collection[str] = (),
    only_checks: Collection[str] = (),
) -> Comparison:
    """Return what differs between two scans; AFTER may be the earlier one: then it is told backwards.

    ONLY_TYPES, REGIONS and ONLY_CHECKS (ids) narrow inventory and findings; scores and savings are always whole. Raises
    UsageError for scans of two accounts, and StoreError.
    """
    if before.account != after.account:
        raise UsageError(
            f"scan {before.id} is of account {before.account}, scan {after.id} of {after.account}: scans of one account"
            " compare"
        )
    turns = [
        turn
        for turn in turns_between(store, checks, types, after, before, only_types=only_types, regions=regions)
        if not only_checks or turn.state.finding.check in only_checks
    ]
    return Comparison(
        before=before,
        after=after,
        differences=differences(before, after),
        drift=drift_between(store, types, after, before, only_types=only_types, regions=regions),
        turns=tuple(sorted(turns, key=_order)),
        scores=(store.scores(before.id), store.scores(after.id)),
        savings=(savings_by_section(store, before, checks), savings_by_section(store, after, checks)),
    )


def _order(turn: FindingTurn) -> tuple[int, int, str, str, str]:
    finding = turn.state.finding
    return TURNS.index(turn.state.lifecycle), finding.severity.rank, finding.check, finding.region, finding.resource


def turns_between(
    store: Store,
    checks: Mapping[str, Check],
    types: Mapping[str, ResourceType],
    after: Scan,
    before: Scan,
    *,
    only_types: Collection[str] = (),
    regions: Collection[str] = (),
) -> list[FindingTurn]:
    """Return which failing findings stand differently at the scan AFTER than at BEFORE, each with what made it turn."""
    reads = {check.id: check.reads for check in checks.values() if check.reads}
    return store.turns(after.id, before.id, types=only_types, regions=regions, reads=reads, volatile=_volatile(types))


def _volatile(types: Mapping[str, ResourceType]) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(declared.volatile) for name, declared in types.items() if declared.volatile}


def drift_between(
    store: Store,
    types: Mapping[str, ResourceType],
    after: Scan,
    before: Scan | None = None,
    *,
    only_types: Collection[str] = (),
    regions: Collection[str] = (),
) -> Drift:
    """Return what differs between two inventories, without what AWS offers (instance types, zones): that is not the account's.

    BEFORE ``None``: what the scan AFTER made known (see ``Store.drift``).
    """
    narrowed: dict[str, Any] = {"volatile": _volatile(types), "types": only_types, "regions": regions}
    found = store.drift(after.id, before.id if before else None, **narrowed)

    def owned(ref: ResourceRef) -> bool:
        return ref.type not in types or not types[ref.type].offers(ref.id)

    return replace(
        found,
        added=tuple(filter(owned, found.added)),
        changed=tuple(change for change in found.changed if owned(change.resource)),
        gone=tuple(filter(owned, found.gone)),
    )


def earlier(store: Store, scan: Scan) -> Scan | None:
    """Return the finished scan before SCAN that was asked for the same, else the one before it, if there is one."""
    return store.previous_scan(scan, alike=True) or store.previous_scan(scan)


def savings_by_section(store: Store, scan: Scan, checks: Mapping[str, Check]) -> Mapping[str, float] | None:
    """Return what could be saved as of SCAN, USD a month by section id, added up as the report's total is.

    Of a resource the largest saving counts, in its section; waived findings and commitments do not. ``None``: the scan
    judged nothing of cost, and found nothing to save.
    """
    counting = priced(checks.values())
    largest: dict[str, tuple[float, str]] = {}
    for check, resource, usd in store.savings(scan.id):
        if check not in counting.beside:
            largest[resource] = max(largest.get(resource, (0.0, "")), (usd, check))
    if not largest and counting.cost.isdisjoint(store.judged_checks(scan.id)):
        return None
    by_section: dict[str, float] = defaultdict(float)
    for usd, check in largest.values():
        by_section[_section(check, checks)] += usd
    return {section: usd for section, usd in sorted(by_section.items()) if usd}


def _section(check: str, checks: Mapping[str, Check]) -> str:
    return bullet_of(checks[check]).partition(".")[0] if check in checks else ""
