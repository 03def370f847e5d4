"""What asking the past costs: two nights held against each other, lists as of a scan, nights in a row.

Run with ``python -m benchmarks history``, or ``python benchmarks/history.py [RESOURCES]``: 100,000 unless told; one resource
in three has a finding that counts days. CPU seconds of this process and, for PostgreSQL, of its server, beside reading the
rows of two nights plainly.
"""

import gc
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from auditor.model import Evidence, Finding, Resource, Saving, Scope, Score, Severity, Tally, Verdict
from auditor.store import Store
from benchmarks.store import ACCOUNT, START, Place, _churned, _inventory, _line, _postgresql, _rows, _scan, _sqlite

NIGHTS = 10
CHECKS = 5


def main() -> None:
    """Print the tables."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    gc.set_threshold(50_000, 20, 50)
    inventory = _inventory(size)
    gc.freeze()
    print(f"{size:,} resources, {NIGHTS} nights with 1% churn of resources and findings, {size // 3:,} open findings")
    with tempfile.TemporaryDirectory() as folder:
        _measure(_sqlite(Path(folder)), inventory)
    with _postgresql() as place:
        _measure(place, inventory)


def _measure(place: Place, inventory: dict[Scope, list[Resource]]) -> None:
    print(f"\n{place.name:40}{'CPU s':>8}{'of plain':>10}")
    place.write(_rows(inventory))
    began = place.cpu()
    assert place.read() == place.read()
    plain = place.cpu() - began
    _line("reading two nights plainly", plain, plain)
    with Store.open(place.url) as store:
        scans, rows = [], {}
        for night in range(NIGHTS):
            inventory = _churned(inventory, 0.01 if 0 < night < NIGHTS - 1 else 0.0, night)
            scans.append(_scan(store, night, inventory))
            findings, tallies = _judged(inventory, min(night, NIGHTS - 2), night)
            rows[night] = store.size().tables["finding_versions"].rows
            store.save_judgement(scans[-1], findings, tallies, [Score("account", ACCOUNT, 50.0, "F")])
        unchanged = store.size().tables["finding_versions"].rows - rows[NIGHTS - 1]
        print(f"  an unchanged night adds {unchanged:,} versions of findings")
        gc.collect()
        gc.freeze()
        first, before, after = scans[0], scans[-3], scans[-2]
        one = next(_ids(inventory))
        asked: dict[str, Callable[[], Any]] = {
            "diff of two nights: inventory": lambda: store.drift(after, before),
            "diff of two nights: findings": lambda: store.turns(after, before),
            f"diff over {NIGHTS} nights, both": lambda: (store.drift(after, first), store.turns(after, first)),
            "the list of open findings": lambda: store.finding_list(after, verdicts=[Verdict.FAIL]),
            "the same as of the first night": lambda: store.finding_list(first, verdicts=[Verdict.FAIL]),
            "the same with facts and prices, for reports": lambda: store.findings(after, verdicts=[Verdict.FAIL]),
            "the list of resources, first night": lambda: store.resource_list(first),
            "one resource's history": lambda: store.resource_history(after, one),
            f"the trend of {NIGHTS} nights, and ages": lambda: (store.nights(ACCOUNT), store.lives(after)),
        }
        for name, ask in asked.items():
            began = place.cpu()
            ask()
            _line(name, place.cpu() - began, plain)


def _ids(inventory: dict[Scope, list[Resource]]) -> Iterator[str]:
    return (item.id for resources in inventory.values() for item in resources)


def _judged(inventory: dict[Scope, list[Resource]], turn: int, night: int) -> tuple[list[Finding], list[Tally]]:
    """One resource in three fails, another hundredth of them each TURN; each says how old it is that NIGHT."""
    findings: list[Finding] = []
    tallies = []
    for scope, resources in inventory.items():
        for number in range(CHECKS):
            check, held = f"check-{number}", resources[number::CHECKS]
            failed = [item for place, item in enumerate(held) if place % 3 == 0 and (place + turn) % 100]
            names = {item.id for item in failed}
            passed = tuple(item.id for item in held if item.id not in names)
            tallies.append(Tally(check, scope.account, scope.region, scope.type, passed, tuple(names)))
            findings += [_finding(check, item, night) for item in failed]
    return findings, tallies


def _finding(check: str, item: Resource, night: int) -> Finding:
    said = Evidence(
        "is {days} days old, at most 90 are wanted",
        {"VolumeSize": 100, "wanted_max_days": 90},
        saving=Saving(2.5, "100 GB x 0.025"),
        since=START - timedelta(days=400),
    ).at(START + timedelta(days=night))
    return Finding(
        f"{check}:{item.id}", check, item.id, item.type, item.name, item.account, item.region, Verdict.FAIL,
        Severity.LOW, (said,),
    )  # fmt: skip


if __name__ == "__main__":
    main()
