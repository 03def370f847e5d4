"""Which checks say what can be saved, and which of them make the total: the same in reports, comparisons and trends."""

from collections.abc import Iterable
from typing import NamedTuple

from auditor.kit.check import Check

__all__ = ["ALL_ALIKE", "COMMITMENTS", "Priced", "bullet_of", "priced"]

COMMITMENTS = "cost.right-sizing.reserved-instances"
"""The bullet whose savings stand beside the total: commitments are bought for what stays after everything else."""


class Priced(NamedTuple):
    """Ids of checks, former ones among them."""

    cost: frozenset[str] = frozenset()
    """Those of the cost section: a scan that judged none of them says nothing of money."""
    beside: frozenset[str] = frozenset()
    """Those whose savings are no part of the total."""


ALL_ALIKE = Priced()
"""Where no checks are known: every saving is part of the total."""


def bullet_of(check: Check) -> str:
    """Return the id of the bullet a check's saving belongs to: of the cost section if it serves one, else its first."""
    return next((id for id in check.patterns if id.startswith("cost.")), next(iter(check.patterns), ""))


def priced(checks: Iterable[Check]) -> Priced:
    """Return how the savings of CHECKS add up."""
    cost, beside = set[str](), set[str]()
    for check in checks:
        bullet = bullet_of(check)
        if bullet.startswith("cost."):
            cost.update((check.id, *check.aliases))
        if bullet == COMMITMENTS:
            beside.update((check.id, *check.aliases))
    return Priced(frozenset(cost), frozenset(beside))
