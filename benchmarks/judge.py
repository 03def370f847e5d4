"""What judging costs: the real mix of checks over one large account, in memory and out of the store, beside a trivial check.

Run with ``python -m benchmarks judge`` or ``python benchmarks/judge.py [RESOURCES]`` (100,000 unless told). The account is
made of the checks' own cases, copied under new ids with their joins intact: six copies of what passes to two of what fails
and one of what does not apply or cannot be known; of what by MIX, which is how large accounts look. CPU seconds of this
process; making the account is not counted. After that the same of a healthier account (``healthy``), whose mix and
reasons stand there. Beside each rate a digest of all findings and tallies: a change that is only faster changes none.
All of it is on one core.
"""

import gc
import itertools
import json
import logging
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from cases import ACCOUNT, REGION, inventory_of
from golden import digest

from auditor import catalog, standard
from auditor.collect import load_types
from auditor.engine import Judgement, judge_all
from auditor.kit import NOW, Check, Evidence, Facts, NoThresholds
from auditor.kit.facts import values_at
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, Coverage, CoverageState, Document, Resource, ScanStatus, Scope, Verdict
from auditor.scan import bind_all
from auditor.store import Store
from benchmarks import healthy

TARGET = 250_000
"""Verdicts a second."""
REGIONS = ("ap-south-1", "ca-central-1", "eu-north-1", "sa-east-1")
SHARED = frozenset(
    {
        "AWS::::Region",
        "AWS::EC2::AvailabilityZone",
        "AWS::EC2::InstanceType",
        "AWS::EC2::PrefixList",
        "AWS::RDS::OrderableDBInstanceOption",
    }
)
"""What every account has once, whatever its size."""
MIX = {
    "AWS::EC2::Snapshot": 250,
    "AWS::EC2::Volume": 150,
    "AWS::EC2::SecurityGroup": 40,
    "AWS::IAM::Role": 15,
    "AWS::RDS::DBSnapshot": 10,
    "AWS::RDS::DBInstance": 5,
    "AWS::ElasticLoadBalancingV2::TargetGroup": 5,
}
"""Cells of each type in a turn; one of every other type that a check is about."""
Cell = list[Resource]
"""What a case consists of: a resource and what it is joined to."""
_IDS = re.compile(r"(?<![\w-])((?!vol-ffffffff)(?:ami|eni|i|lt|policy|sg|snap|subnet|vol|vpc)-[0-9a-z]+)(?![\w-])")
"""Ids of what a case only names; ``vol-ffffffff`` is EC2's word for no volume."""
FILLING_ROUNDS = 8
OWN = "@@"
"""Stands in a filled field where a copy's number will."""
COPIES = ((6, "passes"), (2, "fails"), (1, "skips"), (1, "unknowns"))


def main() -> None:
    """Print the table, and what is slowest."""
    size = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 100_000
    gc.set_threshold(50_000, 20, 50)  # as the program itself does
    checks = dict(catalog.load_checks())
    thresholds = bind_all(checks.values(), standard.load(catalog.bundled("checks") / "patterns.toml"))
    logging.disable(logging.ERROR)
    cells = _whole(list(checks.values()), thresholds)
    account = _account(cells, size)
    count = sum(map(len, account.values()))
    print(f"{count:,} resources of {len(account)} types, {len(checks)} checks")
    trivial = _rate("a trivial check of each type", [_trivial(account)], account, thresholds)
    rate = _rate("the real mix, in memory", list(checks.values()), account, thresholds, trivial)
    _rate("the same, all of it in files", list(checks.values()), account, thresholds, trivial, 0)
    _from_store(list(checks.values()), _account(cells, size // 10), thresholds, trivial)
    print(f"target {TARGET:,}/s: {'met' if rate >= TARGET else 'missed'} in memory, {rate / TARGET:.2f}x")
    _slowest(list(checks.values()), account, thresholds)
    del account
    account = _healthy(cells, list(checks.values()), thresholds, size)
    count = sum(map(len, account.values()))
    print(f"a healthier account: {count:,} resources of {len(account)} types")
    rate = _rate("the real mix, in memory", list(checks.values()), account, thresholds, trivial)
    _rate("the same, all of it in files", list(checks.values()), account, thresholds, trivial, 0)
    print(f"target {TARGET:,}/s: {'met' if rate >= TARGET else 'missed'} in memory, {rate / TARGET:.2f}x")
    _slowest(list(checks.values()), account, thresholds)


def _rate(
    name: str,
    checks: Sequence[Check],
    account: Mapping[str, list[Resource]],
    thresholds: Mapping[str, Any],
    trivial: float = 0.0,
    most_bytes: int = 10**12,
) -> float:
    inventory = _inventory(account, most_bytes)
    for type in account:
        inventory.facts(type)
    gc.collect()  # what making the account left is not judging's
    began = time.process_time()
    judgement = judge_all(checks, inventory, lambda check: thresholds.get(check.id, NoThresholds()))
    return _line(name, judgement, time.process_time() - began, trivial)


def _from_store(
    checks: Sequence[Check], account: Mapping[str, list[Resource]], thresholds: Mapping[str, Any], trivial: float
) -> None:
    """Judge a smaller account as a scan does, reading it back from the store; making and storing it takes a while."""
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/store.db") as store:
        held = store.inventory(_store(store, account))
        inventory = Inventory(ACCOUNT, held.resources, held.coverage, REGIONS)
        began = time.process_time()
        judgement = judge_all(checks, inventory, lambda check: thresholds[check.id])
        _line("a tenth, out of the store", judgement, time.process_time() - began, trivial)


def _line(name: str, judgement: Judgement, seconds: float, trivial: float) -> float:
    rate = judgement.verdicts / seconds
    shares = dict.fromkeys(Verdict, 0)
    for tally in judgement.tallies:
        shares[Verdict.PASS] += len(tally.passed)
        shares[Verdict.FAIL] += len(tally.failed)
        shares[Verdict.UNKNOWN] += len(tally.unknown)
        shares[Verdict.NOT_APPLICABLE] += sum(map(len, tally.not_applicable.values()))
    said = ", ".join(f"{100 * number / judgement.verdicts:.0f}% {verdict}" for verdict, number in shares.items())
    beside = f"  {rate / trivial:5.2f}x the trivial one" if trivial else ""
    print(
        f"{name:32}{judgement.verdicts:>11,} verdicts{seconds:8.2f} s{rate:>12,.0f}/s{beside}  ({said})  {digest([judgement])}"
    )
    return rate


def _slowest(checks: Sequence[Check], account: Mapping[str, list[Resource]], thresholds: Mapping[str, Any]) -> None:
    """Print the checks that take the most time, each alone with indices of its own."""
    took = []
    for check in checks:
        inventory = _inventory(account)
        for type in (*check.on, *check.reads):
            inventory.facts(type)
        began = time.process_time()
        verdicts = judge_all([check], inventory, lambda check: thresholds[check.id]).verdicts
        took.append((time.process_time() - began, verdicts, check.id))
    total = sum(seconds for seconds, _, _ in took)
    print("slowest, each alone:")
    for seconds, verdicts, id in sorted(took, reverse=True)[:10]:
        each = 1e6 * seconds / verdicts if verdicts else 0.0
        print(f"  {id:44}{100 * seconds / total:5.1f}% of the time{verdicts:>10,} verdicts{each:8.1f} us each")


# ---- the account -----------------------------------------------------------------------------------------------------


def _healthy(
    cells: Sequence[Cell], checks: Sequence[Check], thresholds: Mapping[str, Any], size: int
) -> dict[str, list[Resource]]:
    """Return a healthier account of at least SIZE resources."""
    kept = [healthy.backed_up(cell) for cell in cells]
    judgement = judge_all(checks, _inventory(_account(kept, 0)), lambda check: thresholds[check.id])
    numbers = {resource.id: number for number, cell in enumerate(kept, 1) for resource in _copy(cell, number)}
    return _account(healthy.healthier(kept, numbers, judgement), size, healthy.MIX)


def _account(cells: Sequence[Cell], size: int, mix: Mapping[str, int] = MIX) -> dict[str, list[Resource]]:
    """Return at least SIZE resources by type, and by region within, whose subjects are mixed by MIX;
    0: each cell once."""
    turns = {
        type: itertools.cycle([cell for cell in cells if cell[0].type == type]) for type in {c[0].type for c in cells}
    }
    shared: dict[str, Resource] = {}
    made: dict[str, list[Resource]] = defaultdict(list)
    count = number = 0
    while count < size or not number:
        for cell in _turn(turns, mix) if size else cells:
            number += 1
            for resource in _copy(cell, number):
                if resource.type in SHARED:
                    shared.setdefault(resource.id, resource)
                else:
                    made[resource.type].append(resource)
                    count += 1
    for resource in shared.values():
        made[resource.type].append(resource)
    return {type: sorted(held, key=lambda r: r.region) for type, held in made.items()}


def _turn(turns: Mapping[str, Iterator[Cell]], mix: Mapping[str, int]) -> Iterator[Cell]:
    """Yield cells of each type by its share."""
    for type, cells in turns.items():
        yield from itertools.islice(cells, mix.get(type, 1))


def _whole(checks: Sequence[Check], thresholds: Mapping[str, Any]) -> list[Cell]:
    """Return every cell, its documents filled with the fields that AWS always answers and other checks ask for.

    A case holds what its own check looks at. What another check then finds missing gets the value that is most common
    among the cases that have it; fields that checks expect to be left out stay out.
    """
    cells = [cell for check in checks for cell in _cells(check)]
    common: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for resource in (resource for cell in cells for resource in cell):
        for field, value in _fields(resource.document):
            common[resource.type, field][json.dumps(value, default=dict)] += 1
    for _ in range(FILLING_ROUNDS):
        judgement = judge_all(checks, _inventory(_account(cells, 0)), lambda check: thresholds[check.id])
        missing = {
            (finding.type, gap.message.removeprefix("the answer did not hold ").removesuffix(" was not read"))
            for finding in judgement.findings
            for gap in finding.gaps
            if gap.code == "FieldMissing"
        }
        filling: dict[str, dict[str, Any]] = defaultdict(dict)
        for type, field in missing & common.keys():
            value = common[type, field].most_common(1)[0][0]
            if field.endswith(("Arn", "ARN", "Id", "Identifier", "Name")):  # the copy's own, not one that all share
                filling[type][field] = _texts(json.loads(value), lambda text: f"{text}{OWN}")
            else:
                filling[type][field] = json.loads(value)
        cells = [[_filled(resource, filling[resource.type]) for resource in cell] for cell in cells]
    return cells


def _fields(document: Document) -> Iterator[tuple[str, Any]]:
    yield from document.items()
    yield from document.get("Metrics", {}).items()


def _filled(resource: Resource, filling: Mapping[str, Any]) -> Resource:
    missing = {field: value for field, value in filling.items() if field not in resource.gaps}
    metrics = {field: value for field, value in missing.items() if "." in field}
    document = {**{field: value for field, value in missing.items() if "." not in field}, **resource.document}
    if metrics and "Metrics" in document:
        document["Metrics"] = {**metrics, **document["Metrics"]}
    return replace(resource, document=document)


def _cells(check: Check) -> Iterator[Cell]:
    """Yield what each case of CHECK consists of, as often as it is to be in the mix."""
    for copies, name in COPIES:
        for case in getattr(check, name):
            if case.unread:  # a whole type that could not be read, which holds for an account, not for a resource
                continue
            inventory, subject = inventory_of(check, case)
            types = dict.fromkeys((subject.type, *case.related))
            held = [facts._resource for type in types for facts in inventory.facts(type)]  # noqa: SLF001
            yield from [held] * copies


def _copy(cell: Cell, number: int) -> Iterator[Resource]:
    """Yield the resources of CELL under new ids, in another region, joined as they were."""
    names = _pattern(tuple(sorted({name for resource in cell for name in _names(resource)}, key=len, reverse=True)))
    region = REGIONS[number % len(REGIONS)]

    def renamed(text: str) -> str:
        own = _IDS.sub(rf"\1-{number}", names.sub(rf"\1-{number}", text) if names else text)
        return own.replace(OWN, f"-{number}").replace(REGION, region)

    for resource in cell:
        yield replace(
            resource,
            id=renamed(resource.id),
            name=renamed(resource.name),
            region=resource.region.replace(REGION, region),
            document=_texts(resource.document, renamed),
        )


@lru_cache(maxsize=10_000)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])") if names else None


def _texts(value: Any, changed: Callable[[str], str]) -> Any:
    """Return VALUE with every text in it CHANGED, except in metrics, which name nobody and are large."""
    if isinstance(value, str):
        return changed(value)
    if isinstance(value, Mapping):
        return {key: item if key == "Metrics" else _texts(item, changed) for key, item in value.items()}
    return [_texts(item, changed) for item in value] if isinstance(value, list | tuple) else value


def _names(resource: Resource) -> Iterator[str]:
    """Yield what RESOURCE is known by to others."""
    if resource.type in SHARED:
        return
    yield resource.id
    yield resource.name
    declared = load_types()[resource.type]
    for field in re.findall(r"\{(\w+)\}", declared.id + declared.name):
        yield from (value for value in values_at(resource.document, field) if isinstance(value, str) and value)


def _inventory(account: Mapping[str, list[Resource]], most_bytes: int = 10**12) -> Inventory:
    return Inventory(ACCOUNT, lambda type: account.get(type, ()), _coverage(account), REGIONS, most_bytes=most_bytes)


def _coverage(account: Mapping[str, list[Resource]]) -> dict[Scope, Coverage]:
    scopes = []
    for name, declared in load_types().items():
        regions = {resource.region for resource in account.get(name, ())} | set(REGIONS)
        scopes += (
            [Scope(ACCOUNT, GLOBAL, name)]
            if declared.scope == GLOBAL
            else [Scope(ACCOUNT, r, name) for r in sorted(regions)]
        )
    return {scope: Coverage(scope, CoverageState.COMPLETE, observed_at=NOW) for scope in scopes}


def _store(store: Store, account: Mapping[str, list[Resource]]) -> int:
    """Store the account as one scan and return its number."""
    scan = store.begin_scan(
        account=ACCOUNT, account_name="benchmark", partition="aws", regions=REGIONS, selection={},
        program_version="0", standard_digest="", checks_digest="", started_at=NOW,
    )  # fmt: skip
    by_scope: dict[Scope, list[Resource]] = defaultdict(list)
    coverage = _coverage(account)
    for held in account.values():
        for resource in held:
            whole = Scope(ACCOUNT, GLOBAL, resource.type)
            by_scope[whole if whole in coverage else resource.scope].append(resource)
    with store.writer(scan.id) as writer:
        for scope, cover in coverage.items():
            unique = list({resource.id: resource for resource in by_scope[scope]}.values())
            for start in range(0, len(unique), 200):
                writer.add(scope, unique[start : start + 200])
            writer.close(cover)
    store.finish_scan(scan.id, ScanStatus.COMPLETE, NOW + timedelta(minutes=5), {})
    return scan.id


def _trivial(account: Mapping[str, list[Resource]]) -> Check:
    """Return a check about everything that looks at one field and finds nothing wrong."""

    def judge(facts: Facts, want: NoThresholds) -> Iterator[Evidence]:
        if facts.get("NoSuchField"):
            yield Evidence("it has one")

    some = next(iter(catalog.load_checks().values()))
    return replace(some, id="trivial", on=tuple(account), judge=judge, thresholds=NoThresholds)


if __name__ == "__main__":
    main()
