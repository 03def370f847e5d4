"""What is practised once a quarter and judged for the whole account: one of several kinds of evidence is enough."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auditor.kit.facts import Facts, Unavailable
from auditor.kit.restores import is_recent
from auditor.kit.time import DAYS, parse_time
from auditor.model import Evidence

__all__ = ["EXPERIMENT", "Reader", "Rehearsal", "by_experiment", "missing"]

EXPERIMENT = "AWS::FIS::Experiment"

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Something that was practised, or had to be done for real, and whether it worked."""

    at: datetime
    what: str
    """``a drill of Elastic Disaster Recovery``."""
    worked: bool
    id: str
    """The id of the resource that tells it: the ledger holds what was read once more."""


Reader = Callable[[Facts, datetime], Rehearsal | None]
"""Returns what a resource tells, or ``None`` where it is no rehearsal; given the moment before which nothing counts any more.

Raises Unavailable where it may be one that counts."""


def by_experiment(experiment: Facts, what: str, counts: Callable[[Mapping[str, Any]], bool]) -> Rehearsal | None:
    """Return what an experiment of Fault Injection Service tells by those of its actions that COUNT; WHAT people call it.

    It is none while it runs, without such an action, and when it skips all of them: that is a dry run.
    """
    status = experiment["state"].get("status")
    if status not in ("completed", "failed", "stopped"):
        return None
    whole = experiment["Experiment"]
    actions = [action for action in whole.get("actions", {}).values() if counts(action)]
    skipped = whole.get("experimentOptions", {}).get("actionsMode") == "skip-all"
    if skipped or not actions or not whole.get("endTime"):
        return None
    worked = status == "completed" and any(action.get("state", {}).get("status") == "completed" for action in actions)
    return Rehearsal(parse_time(whole["endTime"]), what, worked, experiment.id)


def missing(
    account: Facts,
    check: str,
    readers: Mapping[str, Reader],
    days: int,
    *,
    called: str,
    count_failed: bool = False,
) -> Iterator[Evidence]:
    """Yield what is wrong where nothing shows a rehearsal in the last DAYS, in any region, that worked.

    READERS are asked about every resource of their type that was read or that the evidence ledger kept. CALLED is what
    people call it (``test of disaster recovery``), CHECK the asking check's id, for attestations; COUNT_FAILED: a rehearsal
    that failed is one, too. Raises Unavailable where there could be others than are known.
    """
    now, gap = account.observed_at, None
    since = now - timedelta(days=days)
    known: set[Rehearsal] = set()
    for type, reader in readers.items():
        for one in account.all_recorded(type, everywhere=True):
            try:
                found = reader(one, since)
            except Unavailable as unavailable:
                gap = gap or unavailable.kept()
            else:
                known |= {found} if found else set()
    recent = [one for one in known if is_recent(one.at, now, days)]
    if any(one.worked or count_failed for one in recent) or account.attestation(check, days):
        return
    for type in readers:
        account.require_read(type, everywhere=True)
    if gap:
        raise gap
    yield from _evidence(known, recent, days, called)
    with suppress(Unavailable):  # Nobody is bound to attest what an API shows.
        yield from account.attested(check, days)


def _evidence(known: set[Rehearsal], recent: list[Rehearsal], days: int, called: str) -> Iterator[Evidence]:
    newest = max((one for one in known if one.worked), key=_order, default=None)
    yield Evidence(
        f"the newest known {called}, {newest.what}, is {DAYS} days old, {days} allowed"
        if newest
        else f"nothing shows a {called} in {days} days",
        {"days": days, "newest": newest.at.isoformat() if newest else None, "shown_by": newest.id if newest else None},
        since=newest.at if newest else None,
    )
    for one in sorted(recent, key=_order, reverse=True)[:_SHOWN]:
        yield Evidence(f"{one.what} {DAYS} days ago failed", {"shown_by": one.id}, since=one.at)


def _order(one: Rehearsal) -> tuple[datetime, str]:
    return one.at, one.id
