"""How the cases beside a check become an inventory, for the test of every check and for the examples on its page."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from auditor.collect import load_types
from auditor.collect.declare import ResourceType
from auditor.engine import judge
from auditor.kit import NOW, Case, Check
from auditor.kit.facts import Facts, values_at
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, Coverage, CoverageState, Document, Finding, Gap, Resource, Scope

ACCOUNT = "111122223333"
REGION = "eu-west-1"


def judge_case(check: Check, case: Case, thresholds: Any, days_later: float = 0) -> Finding:
    """Return CHECK's finding about the resource of CASE, observed so many days later."""
    inventory, subject = inventory_of(check, case)
    if days_later:
        subject = replace(subject, observed_at=NOW + timedelta(days=days_later))
    return judge(check, Facts(subject, inventory), thresholds)


def inventory_of(check: Check, case: Case) -> tuple[Inventory, Resource]:
    """Return the inventory CASE describes, and the resource it is about."""
    subject_type = case.type or check.on[0]
    subject = _resource(subject_type, case.document, 0, case)
    resources: dict[str, list[Resource]] = {subject_type: [subject]}
    for type, documents in case.related.items():
        resources.setdefault(type, []).extend(
            _resource(type, document, number) for number, document in enumerate(documents, 1)
        )
    regions = {REGION} | {r.region for held in resources.values() for r in held if r.region != GLOBAL}
    coverage: dict[Scope, Coverage] = {}
    for type in dict.fromkeys((*check.on, *check.reads)):
        for region in [GLOBAL] if _is_global(type) else sorted(regions):
            scope = Scope(ACCOUNT, region, type)
            denied = Gap(type, "AccessDenied") if type in case.unread else None
            coverage[scope] = Coverage(
                scope, CoverageState.DENIED if denied else CoverageState.COMPLETE, denied, observed_at=NOW
            )
    held = {type: [] if type in case.unread and type != subject_type else list(r) for type, r in resources.items()}
    recorded = {
        type: [_resource(type, document, number) for number, document in enumerate(documents, 1)]
        for type, documents in case.recorded.items()
    }
    inventory = Inventory(
        ACCOUNT,
        lambda type: held.get(type, ()),
        coverage,
        regions,
        kept=lambda type: recorded.get(type, ()),
        attestations=case.attested,
        others=lambda account: _another(account, case, check, regions),
    )
    return inventory, subject


def _another(account: str, case: Case, check: Check, regions: set[str]) -> Inventory | None:
    """Return what the scan of another account read of what the check joins, where the case knows of one."""
    if account not in case.elsewhere:
        return None
    held = {
        type: [replace(_resource(type, document, number), account=account) for number, document in enumerate(documents)]
        for type, documents in case.elsewhere[account].items()
    }
    coverage: dict[Scope, Coverage] = {}
    for type in dict.fromkeys((*check.on, *check.reads)):
        for region in [GLOBAL] if _is_global(type) else sorted(regions):
            scope = Scope(account, region, type)
            coverage[scope] = Coverage(scope, CoverageState.COMPLETE, observed_at=NOW)
    return Inventory(account, lambda type: held.get(type, ()), coverage, regions)


def _is_global(type: str) -> bool:
    declared = load_types().get(type)
    return declared is not None and declared.scope == "global" and not declared.region


def _resource(type: str, document: Document, number: int, case: Case | None = None) -> Resource:
    declared = load_types().get(type)
    region = GLOBAL if _is_global(type) else str(document.get("#region", REGION))
    body = {key: value for key, value in document.items() if key != "#region"}
    gaps = case.gaps if case else {}
    return Resource(
        type=type,
        id=_fill(declared.id if declared else "", body, region) or f"arn:aws:case:{region}:{ACCOUNT}:{type}/{number}",
        name=_fill(declared.name if declared else "", body, region) or f"case-{number}",
        account=ACCOUNT,
        region=region,
        observed_at=NOW,
        document={key: value for key, value in body.items() if key not in gaps},
        gaps=gaps,
        tags=(case.tags if case else {}) or dict(_tags(declared, body)),
    )


def _fill(template: str, document: Mapping[str, Any], region: str) -> str:
    try:
        return template.format_map({"account": ACCOUNT, "region": region, "partition": "aws", **document})
    except (KeyError, IndexError, TypeError):
        return ""


def _tags(declared: ResourceType | None, document: Document) -> Iterator[tuple[str, str]]:
    for path in {declared.tags if declared and declared.tags else "Tags", "Tags", "TagList"}:
        for held in values_at(document, path):
            for tag in held if isinstance(held, list) else ():
                yield tag["Key"], tag.get("Value", "")
