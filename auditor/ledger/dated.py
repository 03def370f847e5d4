"""The evidence ledger: dated facts that AWS forgets, kept from each scan and given back to the checks that ask for months."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from auditor.collect.declare import Dated, ResourceType
from auditor.kit.facts import OBSERVED_AT, values_at
from auditor.kit.time import parse_time
from auditor.model import DatedFact, Resource, Scan
from auditor.store import Store

__all__ = ["REACH_DAYS", "facts_of", "remember", "remembered"]

REACH_DAYS = 400
"""How far back checks look: the standard asks for months, quarters and a year."""
_PORTION_DAYS = 100


def remember(store: Store, scan: Scan, types: Mapping[str, ResourceType]) -> int:
    """Keep the dated facts that SCAN read and that the ledger does not hold yet; returns how many those are.

    TYPES are all declared ones. What could not be read whole is left for a scan that can.
    """
    inventory = store.inventory(scan.id)
    read = {scope.type for scope in inventory.coverage}
    found = (
        fact
        for name, declared in types.items()
        if declared.dated and name in read
        for resource in inventory.resources(name)
        for dated in declared.dated
        for fact in facts_of(resource, dated, declared)
    )
    return store.remember(scan, found)


def facts_of(resource: Resource, dated: Dated, declared: ResourceType) -> Iterator[DatedFact]:
    """Yield the dated fact that RESOURCE is, if it is one and was read whole."""
    keep = dated.keep or tuple(resource.document)
    if any(field in resource.gaps for field in keep):
        return
    if dated.when and not dated.when(resource.document):
        return
    text = next(values_at(resource.document, dated.at), None)
    try:
        at = parse_time(text) if isinstance(text, str) else None
    except ValueError:  # "N/A": there is no date
        at = None
    if at is None:
        return
    document = {field: resource.document[field] for field in keep if field in resource.document}
    if dated.measured:
        at = resource.observed_at
        document[OBSERVED_AT] = at.isoformat()
    operations = [f"{call.service}:{call.operation}" for call in declared.every_call]
    yield DatedFact(
        kind=dated.kind,
        account=resource.account,
        region=resource.region,
        type=resource.type,
        id=resource.id,
        about=str(next(values_at(resource.document, dated.about), "")) if dated.about else resource.id,
        name=resource.name,
        at=at,
        once_a_day=dated.once_a_day,
        operation=dated.operation or (operations[0] if operations else resource.type),
        document=document,
    )


def remembered(store: Store, scan: Scan) -> Callable[[str], Iterable[Resource]]:
    """Return what gives a type's dated facts that SCAN or one before it saw, as resources that are gone from AWS."""

    def load(type: str) -> Iterable[Resource]:
        until, last = None, scan.started_at - timedelta(days=REACH_DAYS)
        since = scan.started_at
        while since > last:  # in portions: what is kept once a day of each resource is much
            since = max(since - timedelta(days=_PORTION_DAYS), last)
            for fact in store.evidence(account=scan.account, type=type, since=since, until=until, until_scan=scan.id):
                yield Resource(fact.type, fact.id, fact.name, fact.account, fact.region, scan.started_at, fact.document)
            until = since - timedelta(microseconds=1)

    return load
