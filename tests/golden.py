"""What each check concludes about its own cases, as a digest a check: a change that is only faster changes none.

``python tests/golden.py`` writes ``verdicts.json`` anew, after a change of a check, a sentence or a case that was meant.
"""

import json
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cases import ACCOUNT, inventory_of

from auditor import catalog, standard
from auditor.engine import Judgement, judge_all
from auditor.kit import Check
from auditor.kit.world import Inventory
from auditor.scan import bind_all

FILE = Path(__file__).with_name("verdicts.json")
PLACES = {"memory": 10**9, "files": 0}
"""Where the inventory lies, and the most bytes of it that stay in memory."""


def digest(judgements: "list[Judgement]") -> str:
    """Return 16 hex digits of every finding and tally, to the letter and in their order."""
    made = sha256()
    for judgement in judgements:
        for item in (*judgement.findings, *judgement.tallies):
            made.update(repr(item).encode("utf-8", "surrogatepass"))
    return made.hexdigest()[:16]


def of_check(check: Check, thresholds: Mapping[str, Any], most_bytes: int) -> str:
    """Return the digest of what CHECK concludes about all its cases, each an account of its own."""
    judgements = []
    for case in (*check.passes, *check.fails, *check.skips, *check.unknowns):
        told, _ = inventory_of(check, case)
        inventory = Inventory(
            ACCOUNT,
            told._load,
            told.coverage,
            told._enabled,
            kept=told._kept,
            attestations=case.attested,
            most_bytes=most_bytes,
        )
        judgements.append(judge_all([check], inventory, lambda check: thresholds[check.id]))
    return digest(judgements)


def all_digests(place: str) -> dict[str, str]:
    """Return the digest of every check, the inventory lying in PLACE."""
    checks = dict(catalog.load_checks())
    thresholds = bind_all(checks.values(), standard.load(catalog.bundled("checks") / "patterns.toml"))
    return {id: of_check(check, thresholds, PLACES[place]) for id, check in sorted(checks.items())}


if __name__ == "__main__":
    found = all_digests("memory")
    FILE.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{len(found)} checks written to {FILE}\n")
