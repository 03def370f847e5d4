"""What the demo costs: its whole run by the ordinary command, and the scan in it, beside the time its target allows.

Run with ``python -m benchmarks demo``. Needs the extra ``demo``. Wall seconds; CPU seconds of the auditor and of the
simulated account together.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET = 20.0
"""Seconds that the demo's scan may take on two cores."""


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "auditor", "demo", "--quiet", "--output", folder]
        subprocess.run(command, check=True)
        wall = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = json.loads((Path(folder) / "report.json").read_bytes())
        size = {path.name: path.stat().st_size / 1e6 for path in sorted(Path(folder).iterdir())}
    scan = report["scan"]
    seconds = scan["seconds"]
    print(f"{'':28}{'s':>8}{'of the target':>16}")
    print(f"{'the scan, judging included':28}{seconds:8.1f}{seconds / TARGET:16.2f}")
    print(f"{'the whole command, wall':28}{wall:8.1f}{wall / TARGET:16.2f}")
    cpu = used.ru_utime + used.ru_stime
    print(f"{'the whole command, CPU':28}{cpu:8.1f}{cpu / TARGET:16.2f}")
    print("reports: " + ", ".join(f"{name} {megabytes:.2f} MB" for name, megabytes in size.items()))
    print(f"target {TARGET:g} s for the scan: {'met' if seconds <= TARGET else 'missed'}, {seconds / TARGET:.2f}x")


if __name__ == "__main__":
    main()
