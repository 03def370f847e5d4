"""What can be saved a month: per resource the largest saving, never a sum; every amount with where it comes from.

Waste removal and right-sizing make the total. Commitments stand beside it: they are bought for what stays after both, and
whoever added them up would save the same hours twice.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from auditor.model import Certainty, FindingState, Saving
from auditor.report.findings import FindingViews
from auditor.report.inputs import ReportInputs
from auditor.report.runs import Run
from auditor.report.text import service, visible, word
from auditor.report.view import MoneyItem, MoneyShare, MoneyView, Way
from auditor.savings import COMMITMENTS, bullet_of

__all__ = ["STALE_DAYS", "UNTAGGED", "Savings"]

STALE_DAYS = 365
"""Prices older than this at the time of the scan are warned about."""
UNTAGGED = "not tagged"
_WAYS = {
    COMMITMENTS: Way.COMMITMENTS,
    "cost.right-sizing.": Way.RIGHT_SIZING,
    "cost.cleanup.": Way.WASTE,
}
"""How a bullet's id begins -> the way its savings are made; the first that fits."""


class _Of(NamedTuple):
    """What savings have in common that come from one run of findings; texts as readers see them."""

    bullet: str
    category: str
    way: Way
    service: str
    region: str
    account: str


class _Row(NamedTuple):
    """A saving, until all are known."""

    state: FindingState
    resource: str
    saving: Saving
    place: int
    """Number of the evidence it belongs to."""
    usd: float | None
    """A month; ``None``: not priced."""
    of: int
    """Number of the run it comes from."""
    owner: str
    environment: str


_Share = tuple[str, float, int]
"""A name, USD a month, and how many savings those are."""


class Savings:
    """Takes a scan's failures in the report's order, and says what mending them saves."""

    def __init__(self, inputs: ReportInputs) -> None:
        self._inputs = inputs
        self._rows: list[_Row] = []
        self._runs: list[_Of] = []

    def add(self, run: Run) -> None:
        """Take the savings of failures that are alike."""
        states, ids, owners, environments = run.states, run.ids, run.tags.owners, run.tags.environments
        number = len(self._runs)
        found = [
            _Row(states[at], ids[at], saving, place, saving.usd_month, number, owners[at], environments[at])
            for at, place, saving in run.savings()
        ]
        if found:
            where = service(word(run.type)), word(run.region), word(run.account)
            self._rows += found
            self._runs.append(_Of(*_served(run.check, self._inputs), *where))

    def view(self, views: FindingViews) -> MoneyView:
        """Return all that was taken, the largest first; VIEWS makes what is shown of a finding."""
        runs = self._runs
        items, unpriced = list[MoneyItem](), list[MoneyItem]()
        adding, committing = list[_Row](), list[_Row]()
        counted, promised = set[str](), set[str]()
        for row in sorted(self._rows, key=lambda row: -(row.usd or 0.0)):
            priced, adds, of = row.usd is not None, False, runs[row.of]
            if priced and of.way is Way.COMMITMENTS:
                if row.resource not in promised:
                    promised.add(row.resource)
                    committing.append(row)
            elif priced and row.resource not in counted:
                adds = True
                counted.add(row.resource)
                adding.append(row)
            item = MoneyItem(
                row.state, row.saving, row.place, row.usd, of.bullet, of.category, of.way, adds or not priced, views
            )
            (items if priced else unpriced).append(item)
        amounts = [row.usd or 0.0 for row in adding]
        certainties = [row.saving.certainty for row in adding]
        certain = {
            one: sum([usd for usd, of in zip(amounts, certainties, strict=True) if of is one]) for one in Certainty
        }
        oldest = visible(min([price.as_of for row in self._rows for price in row.saving.prices], default=""))
        of_runs = [(runs[of], usd, count) for of, usd, count in _totals([row.of for row in adding], amounts)]
        return MoneyView(
            total=round(sum(amounts), 2),
            by_certainty={certainty: round(usd, 2) for certainty, usd in certain.items()},
            items=tuple(items),
            unpriced=tuple(unpriced),
            by_bullet=_shares((of.bullet, usd, count) for of, usd, count in of_runs),
            by_category=_shares((of.category, usd, count) for of, usd, count in of_runs),
            by_service=_shares((of.service, usd, count) for of, usd, count in of_runs),
            by_region=_shares((of.region, usd, count) for of, usd, count in of_runs),
            by_account=_shares((of.account, usd, count) for of, usd, count in of_runs),
            by_environment=_largest(_totals([row.environment or UNTAGGED for row in adding], amounts)),
            by_owner=_largest(_totals([row.owner or UNTAGGED for row in adding], amounts)),
            by_way=_ways([*((of.way, usd, count) for of, usd, count in of_runs), *_promised(committing)]),
            oldest_price=oldest,
            stale=_stale(oldest, self._inputs.scan.started_at),
        )


def _served(check_id: str, inputs: ReportInputs) -> tuple[str, str, Way]:
    """Return the bullet a check's saving belongs to, its sub-chapter, and the way in which it is made."""
    check = inputs.checks.get(check_id)
    bullet = bullet_of(check) if check else ""
    way = next((way for start, way in _WAYS.items() if bullet.startswith(start)), Way.OTHER)
    if bullet not in inputs.standard:
        return "Other", "Other", way
    pattern = inputs.standard[bullet]
    return visible(pattern.bullet), visible(pattern.group), way


def _promised(committing: list[_Row]) -> list[_Share]:
    """Return what commitments save: of each account's the largest, which is no part of the total."""
    return [(Way.COMMITMENTS, sum([row.usd or 0.0 for row in committing]), len(committing))] if committing else []


def _ways(shares: Iterable[_Share]) -> tuple[MoneyShare, ...]:
    """Return what each way saves."""
    made = {share.name: share for share in _shares(shares)}
    always = [way for way in Way if way is not Way.OTHER or way in made]
    return tuple(made.get(way, MoneyShare(str(way), 0.0, 0)) for way in always)


def _totals(keys: list[Any], amounts: list[float]) -> list[tuple[Any, float, int]]:
    """Return the sum and the number of AMOUNTS under each of KEYS, one for each amount, in the order they come first."""
    totals: dict[Any, float] = dict.fromkeys(keys, 0.0)
    for key, usd in zip(keys, amounts, strict=True):
        totals[key] += usd
    return list(zip(totals, totals.values(), Counter(keys).values(), strict=True))  # both in the order they come first


def _shares(parts: Iterable[_Share]) -> tuple[MoneyShare, ...]:
    """Return PARTS of one name together, the largest first."""
    totals: dict[str, tuple[float, int]] = {}
    for name, usd, count in parts:
        before, some = totals.get(name, (0.0, 0))
        totals[name] = before + usd, some + count
    return _largest([(name, usd, count) for name, (usd, count) in totals.items()])


def _largest(shares: list[_Share]) -> tuple[MoneyShare, ...]:
    """Return SHARES, the largest first."""
    rounded = [(name, round(usd, 2), count) for name, usd, count in shares]
    rounded.sort(key=itemgetter(1), reverse=True)
    return tuple([MoneyShare(*share) for share in rounded])


def _stale(as_of: str, now: datetime) -> bool:
    """Tell whether a price's date (``YYYY-MM-DD`` or ``YYYY-MM``) lies more than STALE_DAYS before NOW."""
    try:
        when = date.fromisoformat(as_of if len(as_of) > 7 else f"{as_of}-01")
    except ValueError:
        return False
    return (now.date() - when).days > STALE_DAYS
