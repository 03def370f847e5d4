"""Reads accounts of two sizes into a store and prints the most memory that Python's objects took meanwhile, in bytes.

A process of its own: reading tunes the allocator and the collector. Run with the sizes as arguments.
"""

import gc
import sys
import tempfile
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripted import ACCOUNT, a_type, at_once

from auditor.aws.answer import Answer, Operation
from auditor.collect.declare import Call, Metric
from auditor.collect.plan import make_plan
from auditor.collect.run import collect
from auditor.model import ScanStatus
from auditor.store import Store, writer

PAGE, SPECIAL = 100, 25
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
TYPES = [
    a_type(
        "A::X::Box",
        list=Call("x", "ListBoxes", "Rows"),
        details={"More": Call("x", "GetMore", args={"Id": "Id"})},
        details_when={"More": lambda row: row["Special"]},
    ),
    a_type(
        "A::X::Disk",
        list=Call("x", "ListDisks", "Rows"),
        metrics=(Metric("N", "Load", "Sum", {"Id": "Id"}, days=1, period=3600, when=lambda row: row["Special"]),),
    ),
]


class Account:
    """Makes up each page of so many boxes and disks when it is asked for."""

    def __init__(self, size: int) -> None:
        self.size = size // len(TYPES)

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Answer a call."""
        if operation == "GetMetricData":
            times = [f"2026-06-14T{hour:02}:00:00+00:00" for hour in range(24)]
            series = {"StatusCode": "Complete", "Timestamps": times}
            values = [hour * 1.5 for hour in range(24)]
            asked = [query["Id"] for query in params["MetricDataQueries"]]
            return Answer({"MetricDataResults": [{"Id": id, "Values": values, **series} for id in asked]}, NOW)
        if operation == "GetMore":
            return Answer({"Size": len(params["Id"])}, NOW)
        start = int(params.get("NextToken", 0))
        end = min(start + PAGE, self.size)
        rows = [{"Id": f"{operation}-{number}", "Special": number % SPECIAL == 0} for number in range(start, end)]
        return Answer({"Rows": rows, **({"NextToken": str(end)} if end < self.size else {})}, NOW)

    def operation(self, service: str, operation: str) -> Operation:
        """Return how pages follow one another."""
        return Operation(lambda parsed: {"NextToken": parsed["NextToken"]} if "NextToken" in parsed else {})


def read(size: int) -> list[int]:
    """Read an account of SIZE resources on two nights; return the most bytes that were in use in each."""
    peaks = []
    plan = make_plan(TYPES, {type.type: type for type in TYPES}, ACCOUNT, "aws", ["eu-west-1"])
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{Path(folder) / 'store.db'}") as store:
        for _ in range(2):
            scan = store.begin_scan(
                account=ACCOUNT, account_name="", partition="aws", regions=("eu-west-1",), selection={},
                program_version="0", standard_digest="", checks_digest="", started_at=NOW,
            )  # fmt: skip
            gc.collect()
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with store.writer(scan.id) as kept:
                read = collect(plan, Account(size), kept, threads=2, limiter=at_once(), most_rows=2 * PAGE)
            _, most = tracemalloc.get_traced_memory()
            store.finish_scan(scan.id, ScanStatus.COMPLETE, NOW, {})
            assert sum(coverage.resources for coverage in read.coverage.values()) == size
            peaks.append(most - before)
    return peaks


if __name__ == "__main__":
    writer._ROWS = 2 * PAGE  # what waits to be written is no more than that, however fast this machine is
    tracemalloc.start()
    read(1000)  # what is imported, compiled and cached on the way
    sys.stdout.write(" ".join(str(peak) for size in sys.argv[1:] for peak in read(int(size))))
