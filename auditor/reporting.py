"""From a stored scan to what a report is made from; no AWS call is made."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from auditor.aws.permissions import action
from auditor.collect.declare import ResourceType
from auditor.comparison import drift_between, earlier
from auditor.kit.check import Check
from auditor.model import FindingState, Scan, Scope, Score, Tally
from auditor.report import SPENDING_TYPES, Known, Permission, Previous, ReportInputs, fix_fields
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
    inventory = store.inventory(scan.id)
    tallies: Sequence[Tally]
    scores: Sequence[Score]
    states: Sequence[FindingState]
    if judged is not None and not judged.stored:
        tallies, scores = list(judged.judgement.tallies), judged.scores
        accepted = judged.accepted
        states = [
            replace(state, waiver=accepted.waived.get(state.finding.key))
            for state in store.states(scan.id, judged.judgement.findings)
        ]
        changes: Sequence[FindingState] = ()
    else:
        tallies, scores = store.tallies(scan.id), store.scores(scan.id)
        states, changes, accepted = store.findings(scan.id), store.changes(scan.id), store.accepted(scan.id)
    before = earlier(store, scan)
    nights = store.nights(scan.account, by=scan.id, counting=priced(checks.values()))
    turns = store.turns(scan.id, before.id) if before and changes else ()

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
        resources=_known(store, scan, states, checks.values()),
        offerings=_offerings(inventory, types),
        accepted=accepted,
        spending={type: list(inventory.resources(type)) for type in SPENDING_TYPES},
        permissions=permissions(checks.values(), types),
    )


def _known(store: Store, scan: Scan, states: Iterable[FindingState], checks: Iterable[Check]) -> Mapping[str, Known]:
    """Return name, tags and the fields that fixes name, of the resources that have findings."""
    fields = fix_fields(checks)
    wanted: dict[str, set[str]] = defaultdict(set)
    for state in states:
        wanted[state.finding.type].add(state.finding.resource)
    inventory = store.inventory(scan.id)
    return {
        resource.id: Known(
            resource.name,
            resource.tags,
            {field: resource.document[field] for field in fields if field in resource.document},
        )
        for type, ids in wanted.items()
        for resource in inventory.resources(type)
        if resource.id in ids
    }


def _offerings(inventory: Inventory, types: Mapping[str, ResourceType]) -> Mapping[Scope, int]:
    """Return how many resources of each scope are what AWS offers."""
    found: Counter[Scope] = Counter()
    for name in inventory.types():
        declared = types.get(name)
        if declared is not None and declared.offering:
            found.update(resource.scope for resource in inventory.resources(name) if declared.offers(resource.id))
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
