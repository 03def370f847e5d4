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
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from sqlalchemy import update
from store.nights import START, Nights
from store.test_lives import CHECK, Judge

from auditor.acceptance import Accepted, Attestation, AttestationUse, Waiver, WaiverUse
from auditor.model import Certainty, Coverage, CoverageState, DatedFact, Gap, Price, Saving, ScanStatus, Score
from auditor.store import CheckVersion, Store
from auditor.store.check_versions import as_of
from auditor.store.schema import HEAD, attestations, waivers

FOLDER = Path(__file__).with_name("released")
HURTS = "=cmd|' /C calc'!A0 \x00 \ud800 \\ \x1b[2J <script>"
OTHER = "210987654321"
CUT_SHORT = "310987654321"
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
    versions = {CHECK: CheckVersion("0f" * 16, "1e" * 16), "x": CheckVersion("2d" * 16, "3c" * 16)}
    accepted = _accepted(store, found[1].key)
    assert store.save_judgement(scan.id, found, tallies, scores, accepted=accepted, checks=versions)
    drill = DatedFact(
        "drill", nights.account, "global", "T", "arn:d", "arn:p", HURTS, START, "x:Drills", {"Done": [HURTS]}
    )
    copy = replace(drill, kind="copy", region="eu-west-1", name="c", at=START + timedelta(hours=1))
    assert store.remember(scan, [drill, copy]) == 2
    theirs = nights.volumes._replace(account=OTHER)
    nights.night(nights.volume("theirs", theirs), scopes=[theirs], account=OTHER)
    _continued(nights)
    store.finish_scan(nights.begin(account=OTHER).id, ScanStatus.FAILED, scan.started_at, {})
    store.save_price("ebs", {"usd": 0.025, "name": "Größe"}, fetched_at=scan.started_at, published="2025-12-01")


def _accepted(store: Store, key: str) -> Accepted:
    """What people say: by command, one of each revoked and one that no scan has taken; and a file's waiver of the finding KEY."""
    said: dict[str, Any] = {"until": date(2027, 1, 1), "recorded_by": HURTS}
    of_file = Waiver(
        check=CHECK, reason=HURTS, owner="ada", ticket="OPS-1", until=said["until"], place="waivers.toml:2",
        tag="team=a", resource="*", region="us-east-1", account="123456789012",
    )  # fmt: skip
    stated: dict[str, Any] = {
        "statement": HURTS,
        "author": "ada",
        "given": date(2026, 1, 1),
        "evidence": "https://x.test/",
    }
    revoked = store.keep(Waiver(pattern="p", resource="arn:*", reason="a lake", owner="ada", **said))
    withdrawn = store.keep(Attestation(pattern="p", **stated, **said))
    store.revoke(Waiver, revoked.number, HURTS)
    store.revoke(Attestation, withdrawn.number, HURTS)
    given = store.keep(Attestation(check="x", resource=HURTS, sha256="ab" * 32, **stated, **said))
    store.keep(Waiver(check="later", reason="a lake", owner="ada", ticket="OPS-2", **said))
    with store._database.writing() as connection:  # at a moment that is the same in every store
        for table in (waivers, attestations):
            connection.execute(update(table).where(table.c.recorded_at.is_not(None)).values(recorded_at=START))
            connection.execute(update(table).where(table.c.revoked_at.is_not(None)).values(revoked_at=START))
    given = replace(given, recorded_at=START)
    uses = (AttestationUse(given, "", (("x", "arn:a"),)), AttestationUse(given, "ran out", ()))
    return Accepted({key: of_file}, (WaiverUse(of_file, "active", 1),), uses, (f"told {HURTS}",))


def _continued(nights: Nights) -> None:
    """A scan of another account that was cut short, and the one that takes over what it had read."""
    scope = nights.volumes._replace(account=CUT_SHORT)
    first = nights.begin(account=CUT_SHORT)
    with nights.store.writer(first.id) as writer:
        writer.add(scope, [nights.volume("taken", scope, Size=1, Now=2)], nights.volatile)
        writer.close(Coverage(scope, CoverageState.COMPLETE, None, first.started_at, calls=1))
    nights.store.finish_scan(first.id, ScanStatus.FAILED, first.started_at, {})
    again = nights.begin(account=CUT_SHORT, continues=first.id, taken=[scope])
    nights.store.finish_scan(again.id, ScanStatus.COMPLETE, again.started_at, {"calls": 0})


def history(store: Store) -> dict[str, Any]:
    """All that a store says of its past, as JSON values."""
    said = {
        "waivers": store.waivers(),
        "attestations": store.attestations(),
        "evidence": store.evidence(),
    }
    return {str(scan.id): _of(store, scan.id) for scan in store.scans()} | {"said": _plain(said)}


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
        "accepted": store.accepted(number),
        "versions": _versions(store, number),
        "inventory": {
            "added": drift.added,
            "changed": [change.resource for change in drift.changed],
            "gone": drift.gone,
        },
    }
    return {name: _plain(value) for name, value in told.items()}


def _versions(store: Store, number: int) -> dict[str, Any]:
    """By which code and numbers the checks judged a scan."""
    with store._database.reading() as connection:
        return {check: version._asdict() for check, version in as_of(connection, store.scan(number)).items()}


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
