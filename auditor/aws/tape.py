"""The tape: a file that holds every answer of a scan, as lines of JSON in one zstandard stream.

The first line is the header, each further line an answer, the last one the end (docs/tape.md has the format). What is written
is pushed to the file at least once a second, so that a scan that is killed leaves a tape that can be read up to there.
"""

import json
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import zstandard

from auditor.errors import TapeError

__all__ = ["FORMAT", "VERSION", "Header", "TapeWriter", "Unrolled", "canonical", "unroll"]

FORMAT = "aws-account-auditor tape"
VERSION = 1
log = logging.getLogger(__name__)

_LEVEL = 6
_FLUSH_BYTES = 1 << 18
_FLUSH_SECONDS = 1.0
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 26
"""Bytes; no answer of AWS's comes near: a page has a thousand rows at most."""
_LARGEST_TAPE = 1 << 34
"""Bytes once unrolled: some ten million resources."""
_ROOM_LEFT = 1 << 30
"""Bytes that unrolling leaves on the disk at least: the scan wants some, and so do others."""
_MAGIC = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Header:
    """What a tape is of: who recorded it when, and what the scan had been asked."""

    recorded_at: datetime
    """When the scan began, UTC."""
    program: str
    """The auditor's version."""
    region: str
    """Where the account itself is asked: who it is, which regions it has."""
    regions: tuple[str, ...] = ()
    """The regions that were asked for; empty: all enabled ones."""
    closed_regions: tuple[str, ...] = ()
    account_name: str = ""
    selection: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cost_explorer: bool = True
    """Whether Cost Explorer was asked."""
    masked: bool = False
    """Whether account ids, names, tags and addresses were replaced."""

    def as_mapping(self) -> dict[str, Any]:
        """Return the header as the tape's first line holds it."""
        return {
            "tape": FORMAT,
            "version": VERSION,
            "recorded_at": self.recorded_at.isoformat(),
            "program": self.program,
            "region": self.region,
            "regions": list(self.regions),
            "closed_regions": list(self.closed_regions),
            "account_name": self.account_name,
            "selection": {name: list(values) for name, values in self.selection.items()},
            "cost_explorer": self.cost_explorer,
            "masked": self.masked,
        }

    @classmethod
    def from_mapping(cls, line: Mapping[str, Any]) -> "Header":
        """Return the header that ``as_mapping`` gave LINE for. Raises LookupError, TypeError, ValueError, OverflowError."""
        recorded = datetime.fromisoformat(line["recorded_at"])
        if recorded.tzinfo is None:
            raise ValueError("recorded_at has no time zone")
        texts = (line["program"], line["region"], line["account_name"])
        lists = (line["regions"], line["closed_regions"], *line["selection"].values())
        if not all(isinstance(text, str) for text in (*texts, *(item for values in lists for item in values))):
            raise TypeError("a text is none")
        return cls(
            recorded_at=recorded.astimezone(UTC),
            program=line["program"],
            region=line["region"],
            regions=tuple(line["regions"]),
            closed_regions=tuple(line["closed_regions"]),
            account_name=line["account_name"],
            selection={name: tuple(values) for name, values in line["selection"].items()},
            cost_explorer=bool(line.get("cost_explorer", True)),
            masked=bool(line["masked"]),
        )


def canonical(value: Any) -> str:
    """Return JSON that is the same for equal values; what is no JSON value (a datetime among a call's arguments) as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class TapeWriter:
    """Writes one tape. Any thread may add to it. What goes wrong while writing ends the tape, never the scan: ``fault`` says it."""

    def __init__(self, path: Path, header: Header, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Create the file at PATH for its owner alone. Raises TapeError when it exists or cannot be made."""
        self.path = path
        self.fault = ""
        """Why the tape broke off or lacks something; empty: it is whole."""
        self._clock = clock
        self._lock = threading.Lock()
        self._answers = 0
        self._pending = 0
        self._flushed = clock()
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
        try:
            self._file: IO[bytes] | None = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except FileExistsError as error:
            raise TapeError(f"{path} exists: name another file with --record, or delete this one first") from error
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or error
            raise TapeError(f"the tape {path} cannot be written: {said}; name another file with --record") from error
        self._write(header.as_mapping(), push=True)

    def add(self, answer: Mapping[str, Any]) -> None:
        """Add an answer's line."""
        with self._lock:
            self._answers += self._write(answer)

    def lack(self, line: Mapping[str, Any], error: Exception) -> None:
        """Note that an answer's LINE is not on the tape because of ERROR: what rests on it will be unknown."""
        with self._lock:
            self._lacks(line, error)

    def _lacks(self, line: Mapping[str, Any], error: Exception) -> None:
        called = f"{line.get('service')}:{line.get('operation')}"
        why = f"could not be kept ({type(error).__name__}): report it"
        self._say(f"the tape {self.path} lacks an answer of {called}, which {why}")

    def _say(self, fault: str) -> None:
        if not self.fault:
            self.fault = fault
            log.warning("%s; the scan goes on", fault)

    def close(self) -> None:
        """Write the end and let go of the file."""
        with self._lock:
            if self._file is None:
                return
            self._write({"end": self._answers})
            if self._file is None:
                return
            try:
                self._file.write(self._compressor.flush())
                self._file.close()
                self._file = None
            except OSError as error:
                self._break_off(error)

    def _write(self, line: Mapping[str, Any], *, push: bool = False) -> bool:
        """Write LINE; whether that could be done."""
        if self._file is None:
            return False
        try:
            # Lone surrogates stay escapes: any text fits into ASCII.
            raw = json.dumps(line, separators=(",", ":"), default=_plain).encode() + b"\n"
        except (RecursionError, TypeError, ValueError) as error:
            self._lacks(line, error)
            return False
        self._pending += len(raw)
        now = self._clock()
        try:
            self._file.write(self._compressor.compress(raw))
            if push or self._pending >= _FLUSH_BYTES or now - self._flushed >= _FLUSH_SECONDS:
                self._file.write(self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
                self._file.flush()
                self._pending, self._flushed = 0, now
        except OSError as error:
            self._break_off(error)
            return False
        return True

    def _break_off(self, error: OSError) -> None:
        self._say(f"the tape {self.path} broke off: {error.strerror or error}")
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError:
            return


class Unrolled:
    """A tape that was read: its header, and its lines in a file without a name that is gone with the process."""

    def __init__(self, path: Path, header: Header, file: IO[bytes], whole: bool) -> None:
        self.path = path
        self.header = header
        self.whole = whole
        """Whether the tape has its end; else it was cut off, and what comes later is not on it."""
        self._file = file

    def lines(self) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
        """Yield place, length and contents of each answer's line. Raises TapeError for a line that is none."""
        self._file.seek(0)
        place = 0
        for number, raw in enumerate(iter(self._file.readline, b""), 2):
            line = _parsed(raw, self.path, number)
            if "end" not in line:
                yield place, len(raw), line
            place += len(raw)

    def line(self, place: int, length: int) -> Mapping[str, Any]:
        """Return the line at PLACE. Any thread may ask."""
        found: Mapping[str, Any] = json.loads(os.pread(self._file.fileno(), length, place))
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def unroll(path: Path) -> Unrolled:
    """Read the tape at PATH. Raises TapeError, in one line, for what is no tape, or one of a newer auditor."""
    try:
        with path.open("rb") as packed:
            if packed.read(4) != _MAGIC:
                raise TapeError(f"{path} is no tape: `auditor scan --record FILE` makes one")
            packed.seek(0)
            return _unroll(path, packed)
    except OSError as error:
        raise TapeError(f"the tape {path} cannot be read: {error.strerror or error}") from error


def _unroll(path: Path, packed: IO[bytes]) -> Unrolled:
    lines = _lines(packed)
    header = _header(path, next(lines, b""))
    file = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the tape is asked)
    room = min(_LARGEST_TAPE, shutil.disk_usage(tempfile.gettempdir()).free - _ROOM_LEFT)
    last, answers = b"", -1
    try:
        for raw in lines:
            room -= len(raw)
            if room < 0:
                raise TapeError(
                    f"{path} is too large for {tempfile.gettempdir()} or for a tape: make room, or set TMPDIR to another disk"
                )
            file.write(raw)
            last, answers = raw, answers + 1
        file.flush()
    except BaseException:
        file.close()
        raise
    return Unrolled(path, header, file, whole=last == b'{"end":%d}\n' % answers)


def _lines(packed: IO[bytes]) -> Iterator[bytes]:
    """Yield the whole lines that can be had; what is damaged or cut off ends them. Raises TapeError for one without end."""
    left = bytearray()
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed, read_across_frames=False)
    while True:
        try:
            chunk = reader.read(_CHUNK)
        except zstandard.ZstdError:
            return
        if not chunk:
            return
        first, *others = chunk.split(b"\n")
        left += first
        if len(left) > _LONGEST_LINE:
            raise TapeError(f"{packed.name} holds a line of more than {_LONGEST_LINE >> 20} MB, and no tape does")
        for other in others:
            yield bytes(left) + b"\n"
            left = bytearray(other)


def _header(path: Path, raw: bytes) -> Header:
    try:
        line = json.loads(raw)
        if line["tape"] != FORMAT:
            raise ValueError("of another program")
        version = line["version"]
        if version == VERSION:
            return Header.from_mapping(line)
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise TapeError(f"{path} is no tape, or its beginning is damaged: record it again") from error
    raise TapeError(f"{path} is a tape of version {version!r}; this auditor reads version {VERSION}: use a newer one")


def _parsed(raw: bytes, path: Path, number: int) -> Mapping[str, Any]:
    try:
        line = json.loads(raw)
    except (RecursionError, ValueError) as error:
        raise TapeError(f"{path}, line {number}: damaged; record it again") from error
    if not isinstance(line, dict):
        raise TapeError(f"{path}, line {number}: no answer; record it again")
    return line
