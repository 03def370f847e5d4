"""Every check concludes about its cases what it concluded before, to the letter: in memory and out of files."""

import json

import pytest
from golden import FILE, PLACES, all_digests


@pytest.mark.parametrize("place", PLACES)
def test_no_verdict_changes_unless_it_was_meant_to(place: str) -> None:
    before, now = json.loads(FILE.read_text()), all_digests(place)
    changed = sorted(id for id in before.keys() & now.keys() if before[id] != now[id])
    assert not changed, (
        f"what these conclude has changed; if that was meant: python tests/golden.py ({', '.join(changed)})"
    )
    assert len(before.keys() & now.keys()) > 90  # one that is new since is not in the file until it is written anew
