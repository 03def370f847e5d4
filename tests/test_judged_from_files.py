"""A large account, whose resources lie in files while they are judged, gets the same verdicts to the letter as a small one."""

from collections import defaultdict
from typing import Any

import pytest
from cases import ACCOUNT, inventory_of

from auditor import catalog, standard
from auditor.engine import Judgement, judge_all
from auditor.kit.shelf import Shelf
from auditor.kit.world import Inventory
from auditor.model import Coverage, Resource, Scope, Verdict
from auditor.scan import bind_all

CHECKS = dict(catalog.load_checks())
THRESHOLDS = bind_all(CHECKS.values(), standard.load(catalog.bundled("checks") / "patterns.toml"))


@pytest.fixture(scope="module")
def account() -> tuple[dict[str, list[Resource]], dict[Scope, Coverage]]:
    """What all cases of all checks consist of, as one account."""
    held: dict[str, dict[tuple[str, str], Resource]] = defaultdict(dict)
    coverage: dict[Scope, Coverage] = {}
    for check in CHECKS.values():
        for case in (*check.passes, *check.fails, *check.skips, *check.unknowns):
            if case.unread:
                continue
            inventory, subject = inventory_of(check, case)
            coverage |= inventory.coverage
            for type in dict.fromkeys((subject.type, *case.related)):
                for facts in inventory.facts(type):
                    held[type].setdefault((facts.region, facts.id), facts._resource)
    return {type: [by_id[key] for key in sorted(by_id)] for type, by_id in held.items()}, coverage


def judged(account: Any, most_bytes: int) -> tuple[Judgement, Inventory]:
    held, coverage = account
    regions = {scope.region for scope in coverage} - {"global"}
    inventory = Inventory(ACCOUNT, lambda type: held.get(type, ()), coverage, regions, most_bytes=most_bytes)
    return judge_all(CHECKS.values(), inventory, lambda check: THRESHOLDS[check.id]), inventory


@pytest.mark.parametrize("most_bytes", [0, 50_000])
def test_the_same_findings_and_tallies(account: Any, most_bytes: int) -> None:
    usual, inventory = judged(account, 10**9)
    assert not any(isinstance(inventory.facts(type), Shelf) for type in account[0])
    large, inventory = judged(account, most_bytes)
    assert {isinstance(inventory.facts(type), Shelf) for type in account[0]} >= {True}
    assert min(usual.counts[verdict] for verdict in Verdict) > 30
    assert list(large.findings) == list(usual.findings)
    assert list(large.tallies) == list(usual.tallies)
    assert large.counts == usual.counts
    assert not [finding for finding in large.findings if finding.fault]
