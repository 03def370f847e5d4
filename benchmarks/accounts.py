"""What being ready to ask costs: the clients of 25 services in 17 regions against stock ones, and one account more.

Run with ``python -m benchmarks accounts``. No request is sent. CPU seconds, and megabytes of resident memory, each measured in
a process of its own; the stock way is one session with a client for each service and region.
"""

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.collect import REGIONS
from benchmarks.memory import resident

ROOT = Path(__file__).resolve().parent.parent
TARGET_READY, TARGET_MORE, TARGET_MORE_MB = 0.6, 0.12, 8


def main() -> None:
    """Print the table."""
    found = {}
    for name in ("stock", "ours"):
        code = f"from benchmarks.accounts import {name}; {name}()"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        found[name] = json.loads(done.stdout)
    stock, own = found["stock"], found["ours"]
    print(f"{own['endpoints']} endpoints ready: stock {stock['seconds']:.2f} s CPU and {stock['mb']:.0f} MB,", end=" ")
    print(
        f"ours {own['seconds']:.2f} s and {own['mb']:.0f} MB, {own['seconds'] / stock['seconds']:.2f}x the CPU", end=" "
    )
    print(f"and {own['mb'] / stock['mb']:.2f}x the memory (target {TARGET_READY} s)")
    print(
        f"one account more, all of its {own['endpoints']} endpoints: {own['more']:.2f} s CPU and {own['more_mb']:.1f} MB,",
        end=" ",
    )
    print(f"{own['more'] / own['seconds']:.2f}x the first one's (target {TARGET_MORE} s, {TARGET_MORE_MB} MB)")


def services() -> list[str]:
    """Return the 25 services that most collectors ask."""
    from auditor.collect import load_types

    calls: dict[str, int] = {}
    for type in load_types().values():
        for call in type.every_call:
            calls[call.service] = calls.get(call.service, 0) + 1
    return sorted(calls, key=lambda name: -calls[name])[:25]


def stock() -> None:
    """Make a client for each service and region, and print what it took."""
    import botocore.session

    _sign_in()
    wanted, before, began = services(), resident(), time.process_time()
    session = botocore.session.get_session()
    held = [session.create_client(service, region_name=region) for service in wanted for region in REGIONS]
    _say(seconds=time.process_time() - began, mb=resident() - before, endpoints=len(held))


def ours() -> None:
    """Have each endpoint ready, then those of more accounts, and print what it took."""
    from auditor.aws.session import connect
    from auditor.collect import load_types

    _sign_in()
    calls, wanted = [call for type in load_types().values() for call in type.every_call], services()
    held: list[Any] = []

    def ready() -> None:
        clients = connect(calls).clients
        held.append([clients.client(service, region) for service in wanted for region in REGIONS])

    before, began = resident(), time.process_time()
    ready()
    seconds, mb = time.process_time() - began, resident() - before
    gc.collect()
    before, began, more = resident(), time.process_time(), 5
    for _ in range(more):
        ready()
    each = (time.process_time() - began) / more
    _say(seconds=seconds, mb=mb, endpoints=len(held[0]), more=each, more_mb=(resident() - before) / more)


def _sign_in() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}


def _say(**found: float) -> None:
    print(json.dumps(found))


if __name__ == "__main__":
    main()
