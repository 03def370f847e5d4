"""`auditor site`: what a person sees, and what a mistake says."""

from pathlib import Path

import pytest
from sites import broken_links

from cli.conftest import run
from cli.test_diff import HOSTILE, Told, told

__all__ = ["told"]


def test_a_site_is_made_and_then_brought_up_to_date(told: Told, tmp_path: Path) -> None:
    result = run("site", tmp_path / "site", "--store", told.url, "--nights", 2)
    assert result.exit_code == 0, result.output
    assert "1 account, reports of 2 nights" in result.stdout
    assert "files written" in result.stdout
    assert broken_links(tmp_path / "site") == []
    assert HOSTILE not in (tmp_path / "site/index.html").read_text()
    again = run("site", tmp_path / "site", "--store", told.url, "--nights", 2, "--account", "production")
    assert "nothing has changed" in again.stdout
    assert run("site", tmp_path / "site", "--store", told.url, "--nights", 2, "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--account", "nobody"], 2, "no account in the store is called"),
        (["--account", "999999999999"], 2, "no account in the store"),
        (["--nights", "0"], 2, "range"),
        (["--store", "mysql://x"], 4, "sqlite"),
    ],
)
def test_a_mistake_is_one_line(told: Told, tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    given = arguments if "--store" in arguments else [*arguments, "--store", told.url]
    result = run("site", tmp_path / "site", *given)
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "site" / "index.html").exists()


def test_a_file_or_somebody_elses_folder_is_refused(told: Told, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert run("site", tmp_path / "file", "--store", told.url).exit_code == 2
    (tmp_path / "home").mkdir()
    (tmp_path / "home/index.html").write_text("x")
    refused = run("site", tmp_path / "home", "--store", told.url)
    assert (refused.exit_code, (tmp_path / "home/index.html").read_text()) == (2, "x")
    assert "empty folder" in refused.stderr
