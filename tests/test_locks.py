"""What `make` installs is pinned, hashed, and the same for the demo as for the developer."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([a-z0-9-]+)==([^ \\]+)", re.MULTILINE)
DEV, DEMO, SETUP = (ROOT / "requirements" / f"{name}.lock" for name in ("dev", "demo", "setup"))


@pytest.mark.parametrize("lock", [DEMO, SETUP], ids=["demo", "setup"])
def test_the_developers_environment_holds_the_smaller_ones(lock: Path) -> None:
    assert set(PIN.findall(lock.read_text())) <= set(PIN.findall(DEV.read_text()))


@pytest.mark.parametrize("lock", [DEV, DEMO, SETUP], ids=["dev", "demo", "setup"])
def test_every_pin_has_a_hash_and_no_lock_names_a_registry(lock: Path) -> None:
    text = lock.read_text()
    assert len(PIN.findall(text)) == len(re.findall(r"^\S+==.*\\\n +--hash=sha256:", text, re.MULTILINE))
    assert "://" not in text


@pytest.mark.parametrize(("lock", "extras"), [(DEV, ["demo", "postgres"]), (DEMO, ["demo"])], ids=["dev", "demo"])
def test_every_dependency_of_the_package_is_locked(lock: Path, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(name for extra in extras for name in project["optional-dependencies"][extra])]
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted}
    assert names <= dict(PIN.findall(lock.read_text())).keys()
