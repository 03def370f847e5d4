"""The commands against a simulated account: one for all tests of a process."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from auditor.cli import loglines, main
from cli.endpoint import Endpoint, endpoint


@pytest.fixture(scope="session")
def shared_account() -> Iterator[Endpoint]:
    """The simulated account of this process."""
    with endpoint() as running:
        yield running


@pytest.fixture
def account(shared_account: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """The simulated account, well-behaved at the beginning, where the credential chain finds it."""
    shared_account.behave()
    monkeypatch.setenv("AWS_ENDPOINT_URL", shared_account.url)
    return shared_account


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder of the test's own: config.toml and reports are looked for and written there."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("COLUMNS", "80"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Forget what a command, also one of a fixture, did to logging."""
    hooks = threading.excepthook, sys.unraisablehook
    yield
    logging.captureWarnings(capture=False)
    threading.excepthook, sys.unraisablehook = hooks
    for handler in [handler for handler in logging.root.handlers if type(handler).__module__ == loglines.__name__]:
        logging.root.removeHandler(handler)
    logging.root.setLevel(logging.WARNING)
    for name in ("auditor", "apscheduler"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def environment() -> dict[str, str]:
    """Return what the program finds around it: this code, from whatever folder it is started."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the program as a user does."""
    command = [sys.executable, "-m", "auditor", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    process: subprocess.Popen[str] = subprocess.Popen(command, env=environment(), **pipes)
    return process
