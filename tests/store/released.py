"""Stores as released programs left them: the story they hold, and what must be read back of it for ever.

``python tests/store/released.py FOLDER``, run from the root with the tests' PostgreSQL, writes ``REVISION.sqlite3``,
``REVISION.sql`` and ``REVISION.json`` of the program as it is: once for each released revision of the schema.
"""

import dataclasses
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from store.nights import Nights
from store.test_lives import Judge

from auditor.model import Certainty, CoverageState, Gap, Price, Saving, ScanStatus, Score
from auditor.store import Store
from auditor.store.schema import HEAD

FOLDER = Path(__file__).with_name("released")
HURTS = "=cmd|' /C calc'!A0 \x00 \ud800 \\ \x1b[2J <script>"
OTHER = "210987654321"
SAVED = Saving(
    12.5, "500 GB x 0.025", Certainty.ESTIMATE,
    (Price(0.025, "GB-month", "snapshot", "Price List", "2025-12-01", Certainty.EXACT, None),),
)  # fmt: skip


def tell(store: Store) -> None:
    """Fill an empty store with all that a schema has to keep: every kind of night, and every end of a finding."""
    nights = Nights(store)
    judge = Judge(nights)
    many = [nights.volume(f"v{number}", Size=number, Now=number * 2, Encrypted=number > 3) for number in range(140)]
    east = [nights.volume("east", nights.elsewhere, Encrypted=False), nights.volume(HURTS, Encrypted=False)]
    judge.night(*many, *east, fails=["v0", "v1", "v2", "east", HURTS], unknown=["v3"])
    judge.night(*many[1:], *east, fails=["v2", "east", HURTS], unknown=["v3"])  # v0 vanished, v1 resolved
    judge.denied(*east[:1], fails=["east"])  # v2 unverified
    nights.night(*many[:20], states={nights.volumes: CoverageState.PARTIAL})  # not judged
    gap = {"Encrypted": Gap("ec2:DescribeVolumes", "Throttling", "request 7")}
    changed = [nights.volume("v1", Size=1000, Encrypted=False), nights.volume("v4", gaps=gap, Size=4)]
    last = [*changed, *many[5:], *east]
    scan = nights.night(*last)  # v1 reopened
    found = [judge.finding(volume) for volume in last if volume.name in ("v1", "east", HURTS)]
    priced = dataclasses.replace(found[0].evidence[0], saving=SAVED)
    found[0] = dataclasses.replace(found[0], evidence=(priced,))
    tallies = [judge.tally(scope, last, ("v1", "east", HURTS), ()) for scope in (nights.volumes, nights.elsewhere)]
    scores = [Score("account", nights.account, 87.5, "B", 7, 1, 2, 3, 1), Score("section", "databases", None, None)]
    assert store.save_judgement(scan.id, found, tallies, scores)
    theirs = nights.volumes._replace(account=OTHER)
    nights.night(nights.volume("theirs", theirs), scopes=[theirs], account=OTHER)
    store.finish_scan(nights.begin(account=OTHER).id, ScanStatus.FAILED, scan.started_at, {})
    store.save_price("ebs", {"usd": 0.025, "name": "Größe"}, fetched_at=scan.started_at, published="2025-12-01")


def history(store: Store) -> dict[str, Any]:
    """All that a store says of its past, as JSON values."""
    return {str(scan.id): _of(store, scan.id) for scan in store.scans()}


def _of(store: Store, number: int) -> dict[str, Any]:
    inventory, drift = store.inventory(number), store.drift(number)
    told = {
        "scan": store.scan(number),
        "coverage": sorted(inventory.coverage.values(), key=lambda read: read.scope),
        "resources": sorted(
            (item for kind in inventory.types() for item in inventory.resources(kind)), key=lambda item: item.id
        ),
        "changes": store.changes(number),
        "findings": store.findings(number),
        "tallies": store.tallies(number),
        "scores": store.scores(number),
        "inventory": {
            "added": drift.added,
            "changed": [change.resource for change in drift.changed],
            "gone": drift.gone,
        },
    }
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    # Sets have no order of their own; lone surrogates are legal in JSON only as escapes, which json.dumps writes.
    return json.loads(json.dumps(value, default=_known))


def _known(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(value) if hasattr(value, "keys") else str(value)


def missing(expected: Any, found: Any, place: str = "") -> Iterator[str]:
    """Where FOUND does not hold what is EXPECTED; what a newer program says beside it is no fault."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name in found:
                yield from missing(value, found[name], f"{place}.{name}")
            else:
                yield f"{place}.{name} is gone"
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (before, after) in enumerate(zip(expected, found, strict=True)):
            yield from missing(before, after, f"{place}[{number}]")
    elif expected != found:
        yield f"{place}: {expected!r} became {found!r}"


def main(folder: Path) -> None:
    """Write the three files of the schema as it is."""
    import conftest

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{HEAD}.sqlite3"
    file.unlink(missing_ok=True)
    with Store.open(f"sqlite:///{file}") as store:
        tell(store)
        told = history(store)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, no -wal beside it
        connection.execute("VACUUM")
    (folder / f"{HEAD}.json").write_text(json.dumps(told, separators=(",", ":")), encoding="utf-8")
    with conftest.running_postgres() as server:
        server.sql("CREATE DATABASE released")
        with Store.open(server.url("released")) as store:
            tell(store)
            assert not list(missing(told, history(store)))
        where = [f"--host={server.folder}", "--username=postgres", "released"]
        dump: list[str | Path] = [server.programs / "pg_dump", "--inserts", "--no-owner", "--no-privileges", *where]
        text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    # What only psql understands is no part of the store.
    lines = [line for line in text.splitlines() if line and not line.startswith(("\\", "--"))]
    (folder / f"{HEAD}.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
