"""`kill -9` at 50 moments of a scan: the store opens, is consistent, and the next scan ends as an undisturbed one does."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from killed import Nightly
from sqlalchemy import select
from waterworks import scan

from auditor.model import ScanStatus
from auditor.store import Store
from auditor.store.codec import Unpacker
from auditor.store.schema import finding_versions, findings, resources, scopes, tallies, tally_versions, versions

MOMENTS = 50
SEED = 20261128


@dataclass(frozen=True)
class Nursery:
    """Starts scans that can be killed."""

    process: "subprocess.Popen[str]"
    told: Path

    def scan(self, url: str, night: int, *, statement: int | None = None, after: float | None = None) -> int:
        """Scan, killed in the middle of a statement, or so many seconds after its start; returns the exit status."""
        assert self.process.stdin
        assert self.process.stdout
        order = {"url": url, "night": night, "statement": statement, "after": after, "told": str(self.told)}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    command = [sys.executable, str(Path(__file__).parents[1] / "killed.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process, tmp_path / "told")


@contextmanager
def rows_of(store: Store, query: Any) -> Iterator[Any]:
    with store._database.reading() as connection:
        yield connection.execute(query), Unpacker(connection)


def history(store: Store, nights: dict[int, int]) -> dict[str, list[Any]]:
    """Everything the store remembers, with nights in the place of the numbers of scans and rows."""

    def night(scan: int | None) -> int | None:
        return None if scan is None else nights[scan]

    told: dict[str, list[Any]] = {}
    held = select(scopes.c.region, scopes.c.type, resources.c.arn, versions).join_from(versions, resources)
    with rows_of(store, held.join(scopes, scopes.c.id == resources.c.scope_id)) as (rows, unpacker):
        told["versions"] = [
            (*row[:3], night(row.since_scan), night(row.until_scan), unpacker.unpack(row.codec, row.body))
            for row in rows
        ]
    held = select(scopes.c.region, tallies.c.check, tally_versions).join_from(tally_versions, tallies).join(scopes)
    with rows_of(store, held) as (rows, _):
        told["tallies"] = [
            (*row[:2], night(row.since_scan), night(row.until_scan), row.passed, row.failed, row.unknown)
            for row in rows
        ]
    held = select(findings.c.key, finding_versions).join_from(finding_versions, findings)
    with rows_of(store, held) as (rows, unpacker):
        told["findings"] = [
            (
                *(row.key, row.verdict, row.severity, row.lifecycle, row.ended),
                *map(night, (row.since_scan, row.until_scan, row.opened_scan, row.seen_scan)),
                unpacker.unpack(row.codec, row.body),
            )
            for row in rows
        ]
    return {name: sorted(rows, key=repr) for name, rows in told.items()}


def test_a_scan_killed_at_any_moment_leaves_a_store_that_the_next_one_makes_whole(
    store_url: str, nursery: Nursery, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    assert nursery.scan(store_url, 0) == 0
    statements, seconds = json.loads(nursery.told.read_text())
    nights: dict[int, int] = {1: 0}
    continued = cut = in_statements = 0
    for night in range(1, MOMENTS + 1):
        if night % 2:
            status = nursery.scan(store_url, night, statement=chance.randint(1, statements))
        else:
            # What the first scan took says little on a busy machine: each that ends undisturbed says it anew.
            status = nursery.scan(store_url, night, after=chance.uniform(0, seconds))
            if status == 0:
                seconds = min(seconds, json.loads(nursery.told.read_text())[1])
        cut += status == -signal.SIGKILL
        in_statements += night % 2 and status == -signal.SIGKILL
        with Store.open(store_url) as store:
            assert store.problems() == [], f"after the kill in night {night}"
            ended = [found for found in store.scans(limit=2) if found.id not in nights]
            judged = scan(store, Nightly(night, delay=0))
            assert judged.scan.status is ScanStatus.COMPLETE
            assert store.problems() == [], f"after the scan that followed in night {night}"
            nights |= {found.id: night for found in (*ended, judged.scan)}
            continued += "continues" in judged.scan.statistics
    # By the clock a busy machine hits what it hits; the moments that are counted in statements are the same everywhere.
    assert in_statements > MOMENTS * 0.4, "most that are counted in statements were killed before their end"
    assert cut > in_statements, "and so were some that are killed by the clock"
    assert continued > MOMENTS * 0.1, "some had something that could be taken over"
    with Store.open(store_url) as store, Store.open(f"sqlite:///{tmp_path / 'undisturbed.db'}") as other:
        undisturbed = [scan(other, Nightly(night, delay=0)) for night in range(MOMENTS + 1)]
        assert history(store, nights) == history(other, {judged.scan.id: n for n, judged in enumerate(undisturbed)})
        last = max(nights)
        assert store.scores(last) == other.scores(undisturbed[-1].scan.id)
