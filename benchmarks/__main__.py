"""Runs the benchmarks: ``python -m benchmarks [NAME…]``, each in a process of its own; all of them unless told."""

import compileall
import subprocess
import sys
import sysconfig
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def main() -> int:
    """Run the named benchmarks and return 1 when one of them broke, 2 for a name that does not exist."""
    names = sys.argv[1:] or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        print(f"benchmarks: there is no benchmark {unknown[0]}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    # Whoever installs the program has its bytecode; compiling in each process would be measured instead, time and memory.
    for folder in (
        sysconfig.get_path("purelib"),
        *(FOLDER.parent / name for name in ("auditor", "checks", "benchmarks")),
    ):
        compileall.compile_dir(str(folder), quiet=2, workers=0)
    failed = 0
    for name in names:
        print(f"\n== {name}", flush=True)
        # A process each: one's memory and warm caches would be in the other's figures.
        code = f"from benchmarks.{name} import main; main()"
        failed |= subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
