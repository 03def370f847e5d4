"""Terminals and files that are not UTF-8: nothing breaks, and nothing is shown as something else."""

import json
import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from auditor.cli.encoding import fit_encoding
from auditor.cli.terminal import bar, console
fit_encoding()
console(width=60).print(bar(50, 4) + " shop \u00b7 caf\u00e9 \U0001f600 \u2026")
"""
ASCII = b"##-- shop - caf\\u00e9 \\ud83d\\ude00 ~"
UTF8 = "\u2588\u2588\u2591\u2591 shop \u00b7 caf\u00e9 \U0001f600 \u2026".encode()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    return {**kept, "TERM": "dumb", **more}


def run(program: str = PROGRAM, **more: str) -> bytes:
    done = subprocess.run([sys.executable, "-c", program], env=environment(**more), capture_output=True, check=True)
    return done.stdout.strip()


def on_a_terminal(**more: str) -> bytes:
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment(**more), stdout=theirs, check=True)
        os.close(theirs)
        return os.read(ours, 10_000).strip()
    finally:
        os.close(ours)


@pytest.mark.parametrize("encoding", ["ascii", "us-ascii"])
def test_what_the_encoding_lacks_is_written_as_signs_and_escapes(encoding: str) -> None:
    assert run(PYTHONIOENCODING=encoding) == ASCII


def test_what_the_encoding_has_stays() -> None:
    assert run(PYTHONIOENCODING="latin-1") == ASCII.replace(b"\\u00e9", b"\xe9").replace(b" - ", b" \xb7 ")


def test_utf8_stays_as_it_is() -> None:
    assert run(LC_ALL="C.UTF-8") == UTF8
    assert run(LC_ALL="C") == UTF8, "a file or a pipe: programs read UTF-8"


@pytest.mark.parametrize("name", ["LANG", "LC_ALL"])
def test_a_terminal_of_the_c_locale_gets_ascii(name: str) -> None:
    assert on_a_terminal(**{name: "C"}) == ASCII
    assert on_a_terminal(**{name: "C.UTF-8"}) == UTF8


def test_escapes_are_those_of_json() -> None:
    program = "from auditor.cli.encoding import fit_encoding; fit_encoding(); print('[\"caf\u00e9 \U0001f600\"]')"
    assert json.loads(run(program, PYTHONIOENCODING="ascii")) == ["caf\u00e9 \U0001f600"]
