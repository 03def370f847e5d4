"""What goes wrong before anything else has happened in the process: still one line, still the right exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def auditor(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "auditor", *words],
        capture_output=True,
        text=True,
        cwd=home,
        env=keep
        | {"AWS_CONFIG_FILE": str(home / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "none")}
        | environment,
        check=False,
    )


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(("words", "environment"), [(("--profile", "nosuch"), {}), ((), {"AWS_PROFILE": "nosuch"})])
def test_a_profile_that_does_not_exist(tmp_path: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
    done = auditor(tmp_path, "scan", *words, "--store", f"sqlite:///{tmp_path}/s.db", **environment)
    assert done.returncode == 4
    assert "profile 'nosuch' does not exist" in the_line(done)


def test_an_endpoint_that_is_no_url(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "foo"}
    done = auditor(tmp_path, "scan", "--store", f"sqlite:///{tmp_path}/s.db", **keys)
    assert done.returncode == 4
    assert "AWS_ENDPOINT_URL" in the_line(done)


def test_a_scan_that_is_not_in_the_store(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    assert auditor(tmp_path, "db", "upgrade", "--store", store).returncode == 0
    done = auditor(tmp_path, "report", "--scan", "99", "--store", store)
    assert done.returncode == 2
    assert "there is no scan 99" in the_line(done)


def test_a_check_that_ends_the_program_is_a_broken_check(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "quits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "config.toml").write_text('[checks]\nfolders = ["ours"]\n')
    done = auditor(tmp_path, "checks", "list")
    assert done.returncode == 2
    assert "quits.py:1: SystemExit: 3" in the_line(done)
