"""What a site costs: made whole, brought up to date where nothing changed, and with one night more of every account.

Run with ``python -m benchmarks site``, or ``python benchmarks/site.py [ACCOUNTS [NIGHTS]]``: 40 and 60 unless told. The
accounts are small; the checks and the standard are all that are shipped, which is what a report of a small account weighs.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from auditor import catalog, standard
from auditor.collect import load_types
from auditor.site import Built, SiteFolder, build_site
from auditor.store import Store

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def main() -> None:
    """Print CPU seconds, files written and the part of the whole that each run takes."""
    from sites import ALL_CHECKS, TODAY, an_account, told

    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    nights = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    gc.set_threshold(50_000, 20, 50)  # as the program itself does
    checks, types = {**catalog.load_checks(), **ALL_CHECKS}, load_types()
    shipped = standard.load(catalog.bundled("checks") / "patterns.toml")
    with tempfile.TemporaryDirectory() as place, Store.open(f"sqlite:///{place}/site.db") as store:
        judges = [an_account(store, f"{number:012d}", f"team-{number}") for number in range(accounts)]
        for judge in judges:
            told(store, judge, nights)
        root = Path(place) / "site"

        def build() -> Built:
            with SiteFolder.open(root) as folder:
                return build_site(store, folder, shipped, checks, types, today=TODAY)

        print(f"{accounts} accounts, {nights} nights each, the reports of 30 kept; {len(checks)} checks")
        print(f"{'':30}{'CPU s':>8}{'files':>8}{'of whole':>10}{'ms a night':>12}")
        whole, built = _timed(build)
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / 1e6
        _line("made whole", whole, len(built.written), whole, built.nights)
        seconds, built = _timed(build)
        assert not built.written
        _line("nothing changed", seconds, 0, whole)
        for judge in judges:
            told(store, judge, 1)
        seconds, built = _timed(build)
        _line("a night more of each account", seconds, len(built.written), whole, accounts)
        told(store, judges[0], 1)
        seconds, built = _timed(build)
        _line("a night more of one account", seconds, len(built.written), whole, 1)
        print(f"{size:,.0f} MB")


def _timed(run: Callable[[], Built]) -> tuple[float, Built]:
    began = time.process_time()
    built = run()
    return time.process_time() - began, built


def _line(name: str, seconds: float, files: int, whole: float, nights: int = 0) -> None:
    each = f"{1000 * seconds / nights:12.0f}" if nights else ""
    print(f"{name:30}{seconds:8.2f}{files:8,}{seconds / whole:10.3f}{each}", flush=True)


if __name__ == "__main__":
    main()
