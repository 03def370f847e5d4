"""From a stored scan to what a report is made from; no AWS call is made."""

import marshal
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from auditor.aws.permissions import action
from auditor.collect.declare import ResourceType
from auditor.comparison import drift_between, earlier, turns_between
from auditor.kit.check import Check
from auditor.model import FindingState, Resource, Scan, Scope, Score, Tally
from auditor.report import SPENDING_TYPES, Batches, Known, Permission, Previous, ReportInputs, fix_fields
from auditor.savings import priced
from auditor.scan import Judged
from auditor.standard import Standard
from auditor.store import Inventory, Store

__all__ = ["permissions", "report_inputs"]


def report_inputs(
    store: Store,
    scan: Scan,
    standard: Standard,
    checks: Mapping[str, Check],
    types: Mapping[str, ResourceType],
    judged: Judged | None = None,
) -> ReportInputs:
    """Return what the reports of SCAN are made from.

    JUDGED is given when a stored scan was judged again without being stored; else the stored judgement is taken.
    Raises StoreError.
    """
    inventory, before = store.inventory(scan.id), earlier(store, scan)
    tallies: Sequence[Tally]
    scores: Sequence[Score]
    states: Sequence[FindingState] | Batches
    changes: Sequence[FindingState] | None
    if judged is not None and not judged.stored:
        tallies, scores = list(judged.judgement.tallies), judged.scores
        accepted = judged.accepted
        states = [
            replace(state, waiver=accepted.waived.get(state.finding.key))
            for state in store.states(scan.id, judged.judgement.findings)
        ]
        changes = ()
    else:
        tallies, scores = store.tallies(scan.id), store.scores(scan.id)
        states, accepted = partial(store.finding_batches, scan.id), store.accepted(scan.id)
        changes = store.changes(scan.id) if before else None
    nights = store.nights(scan.account, by=scan.id, counting=priced(checks.values()))
    turns = turns_between(store, checks, types, scan, before) if before and changes else ()

    return ReportInputs(
        scan=scan,
        standard=standard,
        checks=checks,
        coverage=list(inventory.coverage.values()),
        states=states,
        tallies=tallies,
        scores=scores,
        previous=Previous(before, store.scores(before.id)) if before else None,
        changes=changes,
        causes={turn.state.finding.key: turn.cause for turn in turns},
        histories=store.histories(scan.id) if before else {},
        drift=drift_between(store, types, scan) if before else None,
        nights=nights,
        bullets=store.bullets([night.scan.id for night in nights]),
        resources=_Packed(inventory, tallies, checks.values(), types),
        offerings=_offerings(inventory, types),
        accepted=accepted,
        spending={type: list(inventory.resources(type)) for type in SPENDING_TYPES},
        permissions=permissions(checks.values(), types),
    )


_SCALAR = (str, int, float)
"""Nothing else can be an argument of a command."""


_LATELY = 16_384
"""Resources that are unpacked at a time."""


class _Packed(Mapping[str, Known]):
    """Name, tags and the fields that fixes name, of the resources that have findings: kept as bytes, for they may be many."""

    def __init__(
        self,
        inventory: Inventory,
        tallies: Iterable[Tally],
        checks: Iterable[Check],
        types: Mapping[str, ResourceType],
    ) -> None:
        fields = fix_fields(checks)
        wanted: dict[str, set[str]] = defaultdict(set)
        for tally in tallies:
            wanted[tally.type].update(tally.failed, tally.unknown)
        self._lately: dict[str, Known] = {}
        self._held = {
            resource.id: marshal.dumps(
                (
                    resource.name,
                    dict(resource.tags),
                    {field: value for field in fields if isinstance(value := resource.document.get(field), _SCALAR)},
                )
            )
            for type, ids in wanted.items()
            if ids
            for resource in _read(inventory, type, ids, fields, types)
        }

    def __getitem__(self, id: str) -> Known:
        known = self._lately.get(id)
        if known is None:
            if len(self._lately) >= _LATELY:
                self._lately.clear()
            known = self._lately[id] = Known(*marshal.loads(self._held[id]))  # noqa: S302 - made above
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def _read(
    inventory: Inventory,
    type: str,
    ids: Container[str],
    fields: frozenset[str],
    types: Mapping[str, ResourceType],
) -> Iterator[Resource]:
    """Yield those of a type's resources that are in IDS; what changes by itself only where it is among the FIELDS wanted."""
    declared = types.get(type)
    if declared is not None and fields.isdisjoint(declared.volatile):
        return inventory.steady(type, ids)
    return (resource for resource in inventory.resources(type) if resource.id in ids)


def _offerings(inventory: Inventory, types: Mapping[str, ResourceType]) -> Mapping[Scope, int]:
    """Return how many resources of each scope are what AWS offers."""
    found: Counter[Scope] = Counter()
    for name in inventory.types():
        declared = types.get(name)
        if declared is not None and declared.offering:
            found.update(scope for scope, id in inventory.ids(name) if declared.offers(id))
    return found


def permissions(checks: Iterable[Check], types: Mapping[str, ResourceType]) -> Mapping[str, Permission]:
    """Return what each operation's permission opens: the types it reads and the checks that need those.

    Keys are operations as a Gap names them: by service (``elbv2:DescribeLoadBalancers``) and by IAM action.
    """
    readers: dict[str, set[str]] = defaultdict(set)
    for check in checks:
        for type in (*check.on, *check.reads):
            readers[type].add(check.id)
    opened: dict[str, tuple[str, set[str], set[str]]] = {}
    for name, declared in types.items():
        for call in declared.every_call:
            allowed = action(call)
            for key in (f"{call.service}:{call.operation}", allowed):
                _, read, blinded = opened.setdefault(key, (allowed, set(), set()))
                read.add(name)
                blinded |= readers[name]
    return {
        key: Permission(allowed, tuple(sorted(read)), tuple(sorted(blinded)))
        for key, (allowed, read, blinded) in opened.items()
    }
