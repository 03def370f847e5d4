"""What starting costs: ``auditor --help`` and other commands that touch no account, beside a Python that starts and does nothing.

Run with ``python -m benchmarks start``. Wall milliseconds, the best of several starts; bytecode is compiled before.
"""

import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TARGET, LIMIT = 100, 150
"""Milliseconds of ``auditor --help``: wanted, and at the very most."""
STARTS = 15
HEAVY = ("alembic", "apscheduler", "boto3", "botocore", "jinja2", "moto", "pydantic", "rich", "sqlalchemy")
COMMANDS = (("--help",), ("--version",), ("scan", "--help"), ("checks", "list"), ("policy",))


def main() -> None:
    """Print the table, and which heavy libraries the help imports."""
    package = Path(__file__).resolve().parent.parent / "auditor"
    compileall.compile_dir(package, quiet=2)
    bare = _best([sys.executable, "-c", "pass"])
    print(f"{'':28}{'ms':>8}{'of bare Python':>16}")
    print(f"{'bare Python':28}{bare:8.0f}{1:16.1f}")
    took = {}
    for command in COMMANDS:
        name = " ".join(("auditor", *command))
        took[name] = _best([sys.executable, "-m", "auditor", *command])
        print(f"{name:28}{took[name]:8.0f}{took[name] / bare:16.1f}")
    code = f"import sys, auditor.cli; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    print(f"heavy libraries imported for the help: {', '.join(heavy) or 'none'}")
    helped = took["auditor --help"]
    verdict = "met" if helped <= TARGET else f"missed, within the limit of {LIMIT}" if helped <= LIMIT else "missed"
    print(f"target {TARGET} ms: {verdict}")


def _best(command: Sequence[str]) -> float:
    """Return the wall milliseconds of the quickest of several runs: the others measure what else the machine does."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(STARTS):
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "HOME": folder})
            times.append(time.perf_counter() - began)
    return 1000 * min(times)


if __name__ == "__main__":
    main()
