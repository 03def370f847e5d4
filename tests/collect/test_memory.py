"""What reading takes in memory does not grow with the account, but for a few bytes that tell its resources apart."""

import subprocess
import sys
from pathlib import Path

import pytest

SMALL, LARGE = 2_000, 12_000
BYTES_OF_A_RESOURCE = 150
"""What may be kept of each until its scope is closed: digest, hash and numbers. As objects in a set it would be 400."""


@pytest.fixture(scope="module")
def most() -> list[int]:
    """The peaks of a first and of a second night, of the small account and of the large one."""
    tests = Path(__file__).parent.parent
    command = [sys.executable, str(tests / "collect" / "reading_memory.py"), str(SMALL), str(LARGE)]
    done = subprocess.run(
        command,
        env={"PYTHONPATH": f"{tests}:{tests.parent}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    return [int(figure) for figure in done.stdout.split()]


@pytest.mark.parametrize("night", [0, 1])
def test_six_times_the_resources_take_no_more_memory_than_it_takes_to_tell_them_apart(
    most: list[int], night: int
) -> None:
    small, large = most[night], most[2 + night]
    assert (large - small) / (LARGE - SMALL) <= BYTES_OF_A_RESOURCE
