"""Report files are whole or not there, and what prevents them is said in one line."""

import errno
import stat
from pathlib import Path

import pytest

from auditor.errors import ReportError
from auditor.report import ReportView, write_reports

NAMES = ["compliance.html", "cost.html", "executive.html", "compliance.md", "cost.md", "report.json"]


def test_all_formats_under_one_folder(rich: ReportView, tmp_path: Path) -> None:
    written = write_reports(rich, tmp_path / "new" / "folder")
    assert [path.name for path in written] == NAMES
    assert all(path.stat().st_size > 1000 for path in written)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(NAMES)


def test_a_stem_keeps_scans_apart(rich: ReportView, tmp_path: Path) -> None:
    (path,) = write_reports(rich, tmp_path, ["json"], stem="scan-41")
    assert path == tmp_path / "scan-41-report.json"


@pytest.mark.parametrize(("stem", "prefix"), [("", ""), ("scan-41", "scan-41-"), ('a "b" #1', "a%20%22b%22%20%231-")])
def test_the_pages_lead_to_each_other(rich: ReportView, tmp_path: Path, stem: str, prefix: str) -> None:
    compliance, cost, executive = (
        path.read_text("utf-8") for path in write_reports(rich, tmp_path, ["html"], stem=stem)
    )
    assert f'<a href="{prefix}cost.html">' in compliance
    assert f'<a href="{prefix}compliance.html">' in cost
    assert f'<a href="{prefix}cost.html">' in executive


@pytest.mark.parametrize("format", ["html", "md", "json", "csv"])
def test_only_what_is_asked_for(rich: ReportView, tmp_path: Path, format: str) -> None:
    assert {path.suffix for path in write_reports(rich, tmp_path, [format])} == {f".{format}"}


def test_an_older_report_is_replaced(rich: ReportView, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    write_reports(rich, tmp_path, ["json"])
    assert (tmp_path / "report.json").read_bytes().startswith(b'{"schema":1')


def test_an_unknown_format_is_named(rich: ReportView, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no report format 'pdf'; there are html, md, json, csv"):
        write_reports(rich, tmp_path, ["pdf"])


def test_a_file_where_the_folder_should_be(rich: ReportView, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ReportError, match="out is no folder") as caught:
        write_reports(rich, tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_folder_where_the_file_should_be(rich: ReportView, tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(ReportError, match=r"report\.json cannot be written"):
        write_reports(rich, tmp_path, ["json"])
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_full_disk_keeps_the_old_report(rich: ReportView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.json").write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("auditor.report.write.os.fchmod", full)
    with pytest.raises(ReportError, match="No space left on device"):
        write_reports(rich, tmp_path, ["json"])
    assert (tmp_path / "report.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_files_have_the_users_ordinary_permissions(rich: ReportView, tmp_path: Path) -> None:
    (path,) = write_reports(rich, tmp_path, ["json"])
    (tmp_path / "other").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_markdown_keeps_to_the_length_that_is_asked_for(rich: ReportView, tmp_path: Path) -> None:
    lengths = [len(path.read_text("utf-8")) for path in write_reports(rich, tmp_path, ["md"], max_length=4000)]
    assert all(2000 < length <= 4000 for length in lengths)
