"""Scans the waterworks when told to, each scan in a process of its own that can be killed at any moment.

Run as a program: reads an order a line from standard input (``url``, ``night``, ``statement``, ``after``), forks, and prints
the process's exit status when it has ended. Everything is imported once, so that a scan costs what it costs.
"""

import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from waterworks import Waterworks, scan

import auditor.store.writer
from auditor.aws.answer import Answer
from auditor.store import Store

REGIONS = ("ap-south-1", "eu-central-1", "eu-west-1", "us-east-1")


class Nightly(Waterworks):
    """An account that is another one every night, the same whoever reads it, and answers as slowly as AWS: in no order."""

    def __init__(self, night: int, delay: float = 0.002) -> None:
        super().__init__(regions=REGIONS)
        self._delay = delay
        chance = random.Random(night)
        for region in REGIONS:
            pumps = [f"p{number}" for number in range(12) if chance.random() < 0.8]
            self.rows["ListPumps", region] = [{"Id": pump, "Wet": chance.randrange(3)} for pump in pumps]
            self.rows["ListValves", region] = [
                {"Id": f"v{number}", "Pump": f"p{chance.randrange(12)}"} for number in range(6) if chance.random() < 0.9
            ]

    def call(self, *asked: Any) -> Answer:
        time.sleep(random.uniform(0, self._delay))
        return Answer(super().call(*asked).parsed, datetime.now(UTC))


def count_statements(store: Store, last: int | None) -> list[int]:
    """Count what is sent to the database, commits included; kill this process in the middle of statement LAST."""
    from sqlalchemy import event

    sent = [0]

    def one_more(*_: object) -> None:
        sent[0] += 1
        if sent[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)

    for moment in ("after_cursor_execute", "commit", "rollback", "begin"):
        event.listen(store._database.engine, moment, one_more)
    return sent


def work(url: str, night: int, statement: int | None, told: str) -> None:
    """Scan night NIGHT, and note how many statements that took and how long."""
    auditor.store.writer._ROWS = 3
    began = time.monotonic()
    with Store.open(url) as store:
        sent = count_statements(store, statement)
        scan(store, Nightly(night), threads=3)
    Path(told).write_text(json.dumps([sent[0], time.monotonic() - began]))


def main() -> None:
    """Take orders until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        after = order.pop("after")
        child = os.fork()
        if child == 0:
            try:
                work(**order)
                os._exit(0)
            except BaseException as error:  # noqa: BLE001
                print(repr(error), file=sys.stderr, flush=True)  # noqa: T201
                os._exit(1)
        if after is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)  # not yet waited for: the number is still its own
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
