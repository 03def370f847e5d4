"""The built wheel, installed where no checkout can be seen, is complete and does what the checkout does."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import auditor

ROOT = Path(__file__).parents[1]
PROGRAM = "auditor.exe" if os.name == "nt" else "auditor"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the source distribution, built from the checkout, and the wheel, built from the former."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder), folder=ROOT)
    with tarfile.open(only(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "source", filter="data")
    source = only((folder / "source").iterdir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), folder=source)
    return folder


@pytest.fixture(scope="module")
def programs(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs of an environment that holds the wheel and our libraries, but not the checkout.

    A folder named in a .pth file has its own .pth files ignored, and so the editable install is out of sight.
    """
    environment = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", str(environment), folder=environment)
    paths = sysconfig.get_paths("venv", {"base": str(environment), "platbase": str(environment)})
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(paths["purelib"]) / "libraries.pth").write_text("\n".join(sorted(libraries)))
    python = str(Path(paths["scripts"]) / "python")
    wheel = str(only(dist.glob("*.whl")))
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install"]
    run(*pip, "--no-deps", "--no-index", "--force-reinstall", wheel, folder=environment)
    return Path(paths["scripts"])


def test_the_wheel_owns_one_name(dist: Path) -> None:
    with zipfile.ZipFile(only(dist.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {"auditor", f"aws_account_auditor-{auditor.__version__}.dist-info"}
    assert "auditor/py.typed" in names


def test_the_wheel_holds_what_the_checkout_has(dist: Path) -> None:
    with zipfile.ZipFile(only(dist.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    bundled = "auditor/_bundled/"
    expected = {name for name in kept() if name.startswith("auditor/")}
    expected |= {bundled + name for name in kept() if name.startswith(("checks/", "reports/", "migrations/"))}
    expected.add(bundled + "config.example.toml")
    assert names == expected


def test_the_source_distribution_holds_what_the_checkout_has(dist: Path) -> None:
    with tarfile.open(only(dist.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert names - {"PKG-INFO"} == kept()


def test_the_installed_package_is_the_one_under_test(programs: Path, tmp_path: Path) -> None:
    where = run(programs / "python", "-c", "import auditor; print(auditor.__file__)", folder=tmp_path).strip()
    assert Path(where).is_relative_to(programs.parent)


@pytest.mark.parametrize("start", [[PROGRAM], ["python", "-m", "auditor"]], ids=["program", "module"])
def test_it_says_its_version(programs: Path, tmp_path: Path, start: list[str]) -> None:
    assert auditor.__version__ in run(programs / start[0], *start[1:], "--version", folder=tmp_path)


def test_it_finds_the_shipped_checks(programs: Path, tmp_path: Path) -> None:
    assert "asg-spans-two-azs" in run(programs / PROGRAM, "checks", "list", folder=tmp_path)


def test_it_finds_the_shipped_standard(programs: Path, tmp_path: Path) -> None:
    assert "cloud.multi-az.availability-zones" in run(programs / PROGRAM, "standard", "show", folder=tmp_path)


def test_it_can_make_its_store(programs: Path, tmp_path: Path) -> None:
    store = tmp_path / "new.db"
    run(programs / PROGRAM, "db", "upgrade", "--store", f"sqlite:///{store}", folder=tmp_path)
    assert store.stat().st_size > 0


def kept() -> set[str]:
    """Return the files of the checkout that git keeps or would keep."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", folder=ROOT).splitlines()
    return {name for name in listed if (ROOT / name).exists()}


def only(paths: Iterator[Path]) -> Path:
    """Return the one path among PATHS."""
    [path] = paths
    return path


def run(*command: str | Path, folder: Path) -> str:
    """Run COMMAND in FOLDER and return what it printed; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
