"""The evidence ledger: what AWS forgets is kept once, proves what happened, and never that nothing did; on both databases."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest.mock import patch

import pytest
import waterworks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import ACCOUNT, DENIED
from sqlalchemy import text
from waterworks import CHECKS, HERE, PUMP, THERE, Waterworks, a_check, a_standard, scan

from auditor.collect import declare, load_types
from auditor.collect.declare import Call, Dated, ResourceType
from auditor.errors import StoreError
from auditor.kit import Evidence, Facts, NoThresholds
from auditor.kit.time import parse_time
from auditor.ledger.dated import facts_of
from auditor.model import Gap, Resource, Verdict
from auditor.scan import Judged
from auditor.store import Store
from auditor.store.prune import keep
from auditor.store.schema import evidence

DRILL = "Test::Water::Drill"
NOW = datetime.now(UTC)


def day(ago: float) -> str:
    return (NOW - timedelta(days=ago)).isoformat()


with patch.object(declare, "TYPES", {}):
    DRILLS = ResourceType(
        DRILL,
        "A drill.",
        list=Call("water", "ListDrills", "Items"),
        id="arn:{partition}:x:{region}:{account}:{Id}",
        name="{Id}",
        dated=(
            Dated(
                "drill", at="End", about="Pump", when=lambda row: row.get("Done") is True, keep=("Pump", "End", "Id")
            ),
        ),
    )


def pump_drilled(pump: Facts, want: NoThresholds) -> Iterator[Evidence]:
    """A pump had a drill in the last quarter."""
    for drill in pump.recorded(DRILL, "Pump", pump["Id"]):
        if timedelta() <= NOW - parse_time(drill["End"]) <= timedelta(days=92):
            return
    pump.referrers(DRILL, "Pump", pump["Id"])
    yield Evidence("no drill in 92 days")


DRILLED = {"pump-drilled": a_check(pump_drilled, "water.pumps.unique", PUMP, reads=(DRILL,))}
TYPES = {**waterworks.TYPES, DRILL: DRILLS}


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waterworks, "TYPES", TYPES)


def works(*drills: dict[str, Any]) -> Waterworks:
    account = Waterworks().pumps(main=0)
    account.rows["ListDrills", HERE] = list(drills)
    return account


def drill(ago: float, id: str = "d1", done: bool = True, pump: str = "main") -> dict[str, Any]:
    return {"Id": id, "Pump": pump, "End": day(ago), "Done": done, "Secret": "not kept"}


def night(store: Store, account: Waterworks) -> Judged:
    return scan(store, account, checks=DRILLED)


def verdict(judged: Judged) -> Verdict:
    return next((finding.verdict for finding in judged.judgement.findings), Verdict.PASS)


def test_a_drill_that_aws_has_forgotten_still_proves_its_quarter(store: Store) -> None:
    assert verdict(night(store, works(drill(80)))) is Verdict.PASS
    assert verdict(night(store, works())) is Verdict.PASS, "the ledger remembers"
    denied = works()
    denied.rows["ListDrills", HERE] = DENIED
    assert verdict(night(store, denied)) is Verdict.PASS, "what happened is proven without the API"


def test_the_ledger_never_proves_that_nothing_happened(store: Store) -> None:
    denied = works()
    denied.rows["ListDrills", HERE] = DENIED
    assert verdict(night(store, denied)) is Verdict.UNKNOWN
    assert verdict(night(store, works(drill(100)))) is Verdict.FAIL
    assert verdict(night(store, denied)) is Verdict.UNKNOWN, "an old drill in the ledger proves no failure"
    assert verdict(night(store, works())) is Verdict.FAIL


def test_another_regions_and_another_accounts_facts_prove_nothing(store: Store) -> None:
    account = works()
    account.rows["ListDrills", THERE] = [drill(10)]
    assert verdict(night(store, account)) is Verdict.FAIL
    assert verdict(night(store, works())) is Verdict.FAIL


def test_a_fact_is_kept_once_with_its_scan_and_operation(store: Store) -> None:
    first = night(store, works(drill(10), drill(9, "d2", done=False)))
    night(store, works(drill(10), drill(9, "d2", done=False)))
    (fact,) = store.evidence()
    assert (fact.kind, fact.account, fact.region, fact.type) == ("drill", ACCOUNT, HERE, DRILL)
    assert (fact.about, fact.name, fact.operation, fact.scan) == ("main", "d1", "water:ListDrills", first.scan.id)
    assert fact.seen_at == first.scan.started_at
    assert fact.document == {"Pump": "main", "End": day(10), "Id": "d1"}
    night(store, works(drill(10), drill(9, "d2")))
    assert [fact.name for fact in store.evidence()] == ["d2", "d1"], "newest first; a drill that has ended since is one"


def test_an_old_scan_sees_only_what_the_ledger_held_then(store: Store) -> None:
    from auditor.kit.money import NoPrices
    from auditor.scan import evaluate

    before = night(store, works())
    assert verdict(before) is Verdict.FAIL
    night(store, works(drill(10)))
    again = evaluate(store, store.scan(before.scan.id), a_standard(), {**CHECKS, **DRILLED}, NoPrices())
    assert not again.stored
    assert {f.check: f.verdict for f in again.judgement.findings} == {"pump-drilled": Verdict.FAIL}


def test_the_ledger_is_filtered(store: Store) -> None:
    night(store, works(drill(10), drill(20, "d2", pump="other"), drill(30, "d3")))

    def names(**more: Any) -> list[str]:
        return [fact.name for fact in store.evidence(**more)]

    assert names(kinds=["drill"]) == names(account=ACCOUNT, region=HERE, type=DRILL) == ["d1", "d2", "d3"]
    assert names(kinds=["copy"]) == names(account="9") == names(region=THERE) == names(until_scan=0) == []
    assert names(since=NOW - timedelta(days=20)) == ["d1", "d2"], "inclusive"
    assert names(until=NOW - timedelta(days=20)) == ["d2", "d3"]


COLUMNS = ", ".join(column.name for column in evidence.columns)
FORGED = COLUMNS.replace("kind", "'forged'")
ATTACKS = {
    "update": "UPDATE evidence SET kind = 'forged'",
    "update of nothing else": "UPDATE evidence SET at = seen_at WHERE id = 1",
    "delete": "DELETE FROM evidence",
    "upsert": f"INSERT INTO evidence ({COLUMNS}) SELECT {FORGED} FROM evidence WHERE true "
    "ON CONFLICT (account, digest) DO UPDATE SET kind = 'forged'",
    "upsert by id": f"INSERT INTO evidence ({COLUMNS}) SELECT {FORGED} FROM evidence WHERE true "
    "ON CONFLICT (id) DO UPDATE SET kind = 'forged'",
}
OF_SQLITE = {
    "replace": f"REPLACE INTO evidence ({COLUMNS}) SELECT {FORGED} FROM evidence",
    "insert or replace": f"INSERT OR REPLACE INTO evidence ({COLUMNS}) SELECT {FORGED} FROM evidence",
    "replace by digest alone": f"REPLACE INTO evidence ({COLUMNS.replace('id, ', '', 1)}) "
    f"SELECT {FORGED.replace('id, ', '', 1)} FROM evidence",
    "update or replace": "UPDATE OR REPLACE evidence SET kind = 'forged'",
    "update or ignore": "UPDATE OR IGNORE evidence SET kind = 'forged'",
}
OF_POSTGRESQL = {
    "truncate": "TRUNCATE evidence",
    "truncate all": "TRUNCATE evidence, scans CASCADE",
    "merge": "MERGE INTO evidence held USING (SELECT 1) one ON true WHEN MATCHED THEN UPDATE SET kind = 'forged'",
    "delete with": "WITH gone AS (DELETE FROM evidence RETURNING *) SELECT count(*) FROM gone",
}


@pytest.mark.parametrize("attack", [*ATTACKS, *OF_SQLITE, *OF_POSTGRESQL])
def test_nothing_changes_or_takes_away_what_is_kept(store: Store, attack: str) -> None:
    own = OF_SQLITE if store._database.sqlite else OF_POSTGRESQL
    if attack not in {**ATTACKS, **own}:
        pytest.skip("a statement of the other database")
    night(store, works(drill(10)))
    kept = store.evidence()
    assert len(kept) == 1
    with pytest.raises(StoreError, match="append-only"), store._database.writing() as connection:
        connection.execute(text({**ATTACKS, **own}[attack]))
    assert store.evidence() == kept


def test_any_other_program_is_refused_too(tmp_path: Path) -> None:
    """The triggers are the database's own: they hold without a setting of the connection."""
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        night(store, works(drill(10)))
        kept = store.evidence()
        with closing(sqlite3.connect(path)) as other:
            for attack in (*ATTACKS.values(), *OF_SQLITE.values()):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    other.execute(attack)
                other.rollback()
        assert store.evidence() == kept


def test_two_that_saw_the_same_fact_at_once_keep_it_once(store: Store, store_url: str) -> None:
    judged = night(store, works())
    (dated,) = DRILLS.dated
    resources = [replace(a_drill(drill(10, f"d{number}")), id=f"arn:{number}") for number in range(200)]
    facts = [fact for resource in resources for fact in facts_of(resource, dated, DRILLS)]
    begin = Barrier(2)

    def add(_: int) -> int:
        with Store.open(store_url) as mine:
            begin.wait(30)
            return mine.remember(judged.scan, facts)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(add, range(2))) == len(facts)
    assert len(store.evidence()) == len(facts)


def test_pruning_keeps_the_ledger(store: Store) -> None:
    night(store, works(drill(10)))
    night(store, works())
    night(store, works())
    pruned = store.prune([keep("1d")], NOW + timedelta(days=400))
    assert pruned.scans
    assert len(store.evidence()) == 1
    assert verdict(night(store, works())) is Verdict.PASS


def a_drill(document: dict[str, Any], gaps: dict[str, Gap] | None = None) -> Resource:
    return Resource(DRILL, "arn:x", "d1", ACCOUNT, HERE, NOW, document, gaps or {})


def test_what_was_not_read_whole_waits_for_a_scan_that_can() -> None:
    (dated,) = DRILLS.dated
    gap = {"End": Gap("water:ListDrills", "AccessDenied")}
    assert list(facts_of(a_drill(drill(1)), dated, DRILLS))
    assert not list(facts_of(a_drill(drill(1), gap), dated, DRILLS))
    assert list(facts_of(a_drill(drill(1), {"Other": gap["End"]}), dated, DRILLS))
    for end in ("N/A", "", "soon", None, 5, "2026-13-01"):
        assert not list(facts_of(a_drill({**drill(1), "End": end}), dated, DRILLS)), end


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 23)), max_size=12))
def test_the_ledger_holds_each_fact_once_however_often_it_is_seen(
    tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[str, int, int]]
) -> None:
    (dated,) = DRILLS.dated
    daily = replace(dated, once_a_day=True, kind="use")
    midnight = datetime(2026, 6, 1, tzinfo=UTC)
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'store.db'}") as store:
        judged = scan(store, works(), checks=DRILLED)
        for id, days, hours in seen:
            end = (midnight + timedelta(days=days, hours=hours)).isoformat()
            resource = replace(a_drill({"Id": id, "Pump": "p", "End": end, "Done": True}), id=f"arn:{id}")
            facts = [fact for how in (dated, daily) for fact in facts_of(resource, how, DRILLS)]
            store.remember(judged.scan, [*facts, *facts])
        assert len(store.evidence(kinds=["drill"])) == len(set(seen))
        assert len(store.evidence(kinds=["use"])) == len({(id, days) for id, days, _ in seen})


def test_every_declared_fact_names_fields_there_are() -> None:
    """The paths of the shipped declarations, against the API's own models where they are those of the list call."""
    from shapes import unknown_fields

    declared = [(name, dated) for name, type in load_types().items() for dated in type.dated]
    assert {dated.kind for _, dated in declared} == {
        "copy",
        "drill",
        "drill-failed",
        "experiment",
        "failover",
        "key-use",
        "recovery-point",
        "region-switch",
        "region-switch-failed",
        "restore",
        "restore-failed",
        "restore-validation",
        "zonal-shift",
        "zonal-shift-failed",
    }
    for name, dated in declared:
        fields = {path.partition(".")[0].removesuffix("[]") for path in (dated.at, dated.about, *dated.keep) if path}
        assert not unknown_fields(name, dict.fromkeys(fields)), name
