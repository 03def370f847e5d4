"""Files for a data lake: whole or not there, the same columns each time, and read back by what reads them."""

import json
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import CliRunner
from pyarrow import dataset, parquet
from store import released
from store.nights import Nights
from store.test_lives import Judge

from auditor import export as exporting
from auditor.cli import main
from auditor.errors import ExportError
from auditor.export import export
from auditor.store import Store
from auditor.store.views import VIEWS, Kind

PLAIN = {
    Kind.TEXT: "string", Kind.JSON: "string", Kind.INTEGER: "int64", Kind.NUMBER: "double", Kind.BOOLEAN: "bool",
    Kind.MOMENT: "timestamp[us, tz=UTC]",
}  # fmt: skip


@pytest.fixture
def told(store_url: str) -> Any:
    with Store.open(store_url) as store:
        released.tell(store)
        yield store


def rows(store: Store, view: str, at: int, account: str) -> list[tuple[Any, ...]]:
    with store.view_rows(view, at=at, account=account) as found:
        return list(found)


def test_parquet_holds_the_views_rows_under_hives_partitions(
    told: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_BATCH", 9)
    written = list(export(told, tmp_path, form="parquet", views=exporting.EXPORTED))
    assert len(written) == 7 * len(exporting.EXPORTED)
    for name in exporting.EXPORTED:
        view = VIEWS[name]
        for file in (tmp_path / name).rglob("*.parquet"):
            table = parquet.ParquetFile(file).read()
            assert {field.name: str(field.type) for field in table.schema} == {
                c.name: PLAIN[c.kind] for c in view.columns
            }
            account, scan = file.parent.name.removeprefix("account="), int(file.stem.removeprefix("scan-"))
            assert [tuple(row.values()) for row in table.to_pylist()] == rows(told, name, scan, account)
            assert file.parent.parent.name == f"date={told.scan(scan).started_at.date()}"
    assert not list(tmp_path.rglob("*.part"))


def test_a_lake_reads_the_partitions_as_columns(told: Store, tmp_path: Path) -> None:
    list(export(told, tmp_path, form="parquet"))
    # The file's own column "account" is the partition's: a reader sees it once.
    lake = dataset.dataset(tmp_path / "resources", partitioning=dataset.partitioning(flavor="hive", schema=pyarrow.schema(
        [("date", pyarrow.string()), ("account", pyarrow.string())])))  # fmt: skip
    table = lake.to_table(filter=dataset.field("date") == "2026-01-05")
    assert set(table.column("account").to_pylist()) == {"123456789012"}
    assert table.num_rows == 139
    accounts = set(lake.to_table(columns=["account"]).column("account").to_pylist())
    assert accounts == {"123456789012", "210987654321", "310987654321"}


def test_json_lines_hold_json_and_not_text_of_it(told: Store, tmp_path: Path) -> None:
    list(export(told, tmp_path, form="jsonl", views=["resources", "scores"], account="123456789012"))
    (file,) = (tmp_path / "resources" / "date=2026-01-05").rglob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    by_name = {line["name"]: line for line in lines}
    assert by_name["v1"]["document"] == {"Encrypted": False, "Size": 1000, "VolumeId": "v1"}
    assert by_name["v1"]["since"] == "2026-01-05T02:00:00Z"
    assert by_name["v4"]["gaps"]["Encrypted"]["code"] == "Throttling"
    assert len(lines) == 139
    assert not (tmp_path / "resources" / "date=2026-01-06").exists()


def test_a_range_of_days_is_kept_to(told: Store, tmp_path: Path) -> None:
    list(export(told, tmp_path, form="jsonl", views=["scores"], first=date(2026, 1, 2), last=date(2026, 1, 3)))
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["date=2026-01-02", "date=2026-01-03"]
    assert list(export(told, tmp_path, form="jsonl", first=date(2027, 1, 1))) == []


def test_the_newest_scan_of_a_day_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        day = iter([datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (2, 14)])
        judge = Judge(Nights(store, _moments=day))
        judge.night(judge.nights.volume("a"))
        list(export(store, tmp_path / "lake", form="parquet"))
        judge.night(judge.nights.volume("a"), judge.nights.volume("b"))
        list(export(store, tmp_path / "lake", form="parquet"))
        files = list((tmp_path / "lake" / "resources").rglob("*.parquet"))
    assert [file.name for file in files] == ["scan-2.parquet"]
    assert parquet.read_metadata(files[0]).num_rows == 2


def test_an_export_that_breaks_off_leaves_whole_files_only(
    told: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(export(told, tmp_path, form="jsonl", views=["resources"], last=date(2026, 1, 2)))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    real = exporting._lines

    def breaking(path: Path, view: Any, found: Any) -> int:
        real(path, view, (row for _, row in zip(range(3), found, strict=False)))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_lines", breaking)
    with pytest.raises(ExportError, match="cannot be written: No space left on device"):
        list(export(told, tmp_path, form="jsonl", views=["resources"]))
    assert {
        path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".jsonl"
    } == before
    assert not list(tmp_path.rglob("*.part"))


def test_what_a_killed_export_left_is_taken_away_a_day_later(told: Store, tmp_path: Path) -> None:
    first = list(export(told, tmp_path, form="jsonl", views=["scores"]))[0].path  # noqa: RUF015
    left, fresh = (first.with_name(f".scan-1.jsonl.{number}.part") for number in (1, 2))
    for file in (left, fresh):
        file.write_text("half a l")
    os.utime(left, (0, 0))
    list(export(told, tmp_path, form="jsonl", views=["scores"]))
    assert (left.exists(), fresh.exists()) == (False, True)


def test_the_command_says_what_it_wrote_and_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Store.open(url) as store:
        released.tell(store)

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(main, ["export", *map(str, arguments), "--store", url])

    result = run(tmp_path / "lake", "--view", "scores", "--from", "2026-01-01", "--to", "2026-01-02")
    assert (result.exit_code, result.stdout) == (0, f"Wrote 2 rows in 2 files below {tmp_path / 'lake'}.\n")
    everything = [word for view in exporting.EXPORTED for word in ("--view", view)]
    assert run(tmp_path / "all", "--format", "jsonl", *everything).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == sorted(exporting.EXPORTED)
    assert run(tmp_path / "lake", "--from", "2030-01-01").stdout == "There is no finished scan to export.\n"
    wrong = run(tmp_path / "lake", "--from", "2026-02-01", "--to", "2026-01-01")
    assert (wrong.exit_code, wrong.stderr) == (2, "auditor: --to 2026-01-01 is before --from 2026-02-01\n")
    (tmp_path / "file").write_text("")
    blocked = run(tmp_path / "file", "--format", "jsonl")
    assert blocked.exit_code == 4
    assert "cannot be written: " in blocked.stderr
    assert len(blocked.stderr.splitlines()) == 1
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    missing = run(tmp_path / "lake")
    assert (missing.exit_code, "pip install 'aws-account-auditor[parquet]'" in missing.stderr) == (2, True)
