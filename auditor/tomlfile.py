"""Files that people write: TOML that knows its lines, and the words for what is wrong in it."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from auditor.errors import AuditorError

__all__ = ["TomlFile", "nearest", "quoted", "shown"]


class TomlFile:
    """A parsed TOML file that knows on which line its tables and keys stand."""

    _PART = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
    _NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
    _STATEMENT = re.compile(
        rf"\s*(?:\[\[\s*(?P<item>{_NAME})\s*\]\]|\[\s*(?P<table>{_NAME})\s*\]|(?P<key>{_NAME})\s*=)"
    )
    _LONG_TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'', re.DOTALL)

    def __init__(self, path: Path, error: type[AuditorError]) -> None:
        """Read PATH. Raises ERROR, in one line with the file and the line, when it cannot be read or parsed."""
        self.path, text = path, ""
        try:
            text = path.read_text(encoding="utf-8-sig")
            self.data: dict[str, Any] = tomllib.loads(text)
        except OSError as fault:
            raise error(f"{path}: cannot be read: {fault.strerror or fault}") from None
        except UnicodeDecodeError:
            raise error(f"{path}: is not a UTF-8 text file") from None
        except (ValueError, RecursionError) as fault:
            raise error(f"{path}{self._line_in(fault, text)}: is not valid TOML: {fault}") from None
        self._lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        items: Counter[tuple[str, ...]] = Counter()
        # What looks like a statement inside a text of several lines is none.
        bare = self._LONG_TEXT.sub(lambda long: "\n" * long[0].count("\n"), text)
        for number, line_text in enumerate(bare.split("\n"), 1):
            if found := self._STATEMENT.match(line_text):
                named = found["item"] or found["table"] or found["key"]
                parts = tuple(part.strip("\"'") for part in re.findall(self._PART, named))
                if found["item"]:
                    items[parts] += 1
                    parts = (*parts, str(items[parts] - 1))
                table, parts = (table, table + parts) if found["key"] else (parts, parts)
                for length in range(1, len(parts) + 1):
                    self._lines.setdefault(parts[:length], number)

    @staticmethod
    def _line_in(error: Exception, text: str) -> str:
        """``:line`` as tomllib's message says it; empty when it says none."""
        if "(at end of document)" in str(error):
            return f":{len(text.splitlines())}"
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        return f":{found[1]}" if found else ""

    def place(self, *keys: str) -> str:
        """``file:line`` of the innermost of KEYS whose line is known; the number of a ``[[table]]``, from "0" on, is a key."""
        for length in range(len(keys), 0, -1):
            if line := self._lines.get(keys[:length]):
                return f"{self.path}:{line}"
        return str(self.path)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for the valid name closest to NAME, or ``""``."""
    import difflib

    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def shown(name: str) -> str:
    """Return a name from a file, safe for a terminal."""
    return name if name.isprintable() and name else repr(name)


def quoted(value: object) -> str:
    """Return a value from a file, safe for a terminal and short."""
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else text[:57] + "..."
