"""The folder of a site: what the program made in it, one writer at a time, every file whole; nothing else is touched.

What was made stands in ``.auditor-site.json``. A path is noted there before its file is written for the first time, so that
whenever a run dies, the next one knows what is its own.
"""

import contextlib
import fcntl
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Self

from auditor.errors import ReportError, UsageError
from auditor.report import write_file
from auditor.tomlfile import shown

__all__ = ["MANIFEST", "SiteFolder"]

MANIFEST = ".auditor-site.json"
LOCK = ".auditor-site.lock"
_SCHEMA = 1
_TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
"""What a write that was killed leaves behind: a dot, the file's name, a random part."""


class SiteFolder:
    """An open folder of a site; see ``open``. Paths in it are relative, with slashes."""

    def __init__(self, root: Path, files: dict[str, list[Any]], accounts: Mapping[str, str], whole: bool) -> None:
        self.root = root
        self.accounts: dict[str, str] = dict(accounts)
        """Account id -> name of those the site is about, as of the last run; whoever writes says it anew."""
        self.written: list[str] = []
        """Paths this run has made or replaced."""
        self.removed: list[str] = []
        self._files = files
        self._kept: set[str] = set()
        self._whole, self._died = whole, not whole
        self._saved = self._state()

    @classmethod
    @contextlib.contextmanager
    def open(cls, root: Path) -> Iterator[Self]:
        """Open the folder ROOT (made if missing) for one writer, until the end of the context.

        Raises UsageError for a folder that holds something and is no site, ReportError where another run writes into it,
        where it cannot be written, or where its list of files is damaged.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / MANIFEST).exists() and any(entry.name != LOCK for entry in root.iterdir()):
                raise UsageError(
                    f"{shown(str(root))} holds files and is no site of the auditor: name an empty folder or a new one"
                )
            lock = (root / LOCK).open("a")
        except OSError as error:
            raise _refused(root, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ReportError(
                    f"another run is writing the site in {shown(str(root))}: wait for it to end"
                ) from None
            except OSError as error:
                raise _refused(root, error) from error
            yield cls(root, *_read(root / MANIFEST))

    def same(self, paths: Iterable[str], key: str) -> bool:
        """Tell whether all PATHS were made of what KEY names and their files are there, in their lengths; if so they are kept."""
        paths = tuple(paths)
        for path in paths:
            size, _, held = self._files.get(path, (None, None, None))
            file = self.root / path
            try:
                if held != key or file.is_symlink() or file.stat().st_size != size:
                    return False
            except OSError:
                return False
        self._kept.update(paths)
        return True

    def read(self, path: str) -> bytes:
        """Return what the file at PATH holds, as it was made; nothing where it is gone or was changed since."""
        with contextlib.suppress(OSError):
            data = (self.root / path).read_bytes()
            if self._files.get(path, (None, None, None))[1] == sha256(data).hexdigest():
                return data
        return b""

    def claim(self, paths: Iterable[str]) -> None:
        """Note that the files at PATHS are ours, before they are made. Raises ReportError where one is somebody else's."""
        new = [path for path in paths if path not in self._files]
        for path in new:
            if (self.root / path).exists() or (self.root / path).is_symlink():
                raise ReportError(
                    f"{shown(str(self.root / path))} was not made by the auditor and is in the site's way: move it elsewhere"
                )
        self._whole = False
        self._files.update({path: [None, "", ""] for path in new})
        self.save()

    def put(self, path: str, data: bytes, key: str = "") -> None:
        """Have the file at PATH, which was claimed, hold DATA: written only where it does not. KEY names what it was made of."""
        self._kept.add(path)
        entry = [len(data), sha256(data).hexdigest(), key]
        if self._files.get(path) == entry and self.read(path):
            return
        write_file(self.root / path, data)
        self._files[path] = entry
        self.written.append(path)

    def made(self, path: str, key: str) -> None:
        """Note that the file at PATH, which was claimed, has just been made of what KEY names."""
        data = (self.root / path).read_bytes()
        self._kept.add(path)
        self._files[path] = [len(data), sha256(data).hexdigest(), key]
        self.written.append(path)

    def holds(self, path: str, data: bytes) -> bool:
        """Tell whether PATH is known and its file holds DATA already; if so it is kept."""
        if self._files.get(path, (None, None, None))[1] == sha256(data).hexdigest() and self.read(path) == data:
            self._kept.add(path)
            return True
        return False

    def finish(self) -> None:
        """Remove what this site made once and does not hold any more, and what killed runs left; note that it is whole."""
        for path in sorted(set(self._files) - self._kept):
            self._remove(path)
        # A run that was killed before it noted that it had begun can have left nothing but half a list.
        self._sweep() if self._died else self._sweep_in(".", {MANIFEST})
        self._whole = True
        if self._state() != self._saved:
            self.save()

    def _state(self) -> tuple[Any, ...]:
        return dict(self._files), dict(self.accounts), self._whole

    def _remove(self, path: str) -> None:
        file = self.root / path
        _, digest, _ = self._files.pop(path)
        try:
            # What somebody else put there since is theirs.
            if file.is_symlink() or (digest and sha256(file.read_bytes()).hexdigest() != digest):
                return
            file.unlink()
            self.removed.append(path)
            for folder in PurePosixPath(path).parents[:-1]:
                (self.root / folder).rmdir()
        except OSError:
            return  # it is gone already, or its folder holds something else

    def _sweep(self) -> None:
        """Remove half-written files of runs that were killed."""
        names: dict[str, set[str]] = {}
        for path in map(PurePosixPath, (*self._files, MANIFEST)):
            names.setdefault(str(path.parent), set()).add(path.name)
        for folder, held in names.items():
            self._sweep_in(folder, held)

    def _sweep_in(self, folder: str, names: Collection[str]) -> None:
        with contextlib.suppress(OSError):
            for entry in (self.root / folder).iterdir():
                match = _TEMPORARY.fullmatch(entry.name)
                if match and match[1] in names and entry.is_file() and not entry.is_symlink():
                    entry.unlink()

    def save(self) -> None:
        """Note what was made until now."""
        document = {"schema": _SCHEMA, "whole": self._whole, "accounts": self.accounts, "files": self._files}
        write_file(
            self.root / MANIFEST, json.dumps(document, indent=0, sort_keys=True).encode("utf-8", "backslashreplace")
        )
        self._saved = self._state()


def _read(file: Path) -> tuple[dict[str, list[Any]], dict[str, str], bool]:
    """Return files, accounts, and whether the last run came to its end. Raises ReportError."""
    damaged = ReportError(
        f"{shown(str(file))} is damaged, so nothing tells what in this folder is the site's: write into a new folder"
    )
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}, {}, False
    except OSError as error:
        raise _refused(file, error) from error
    except (ValueError, RecursionError):
        raise damaged from None
    try:
        schema, files, accounts = document["schema"], document["files"], document["accounts"]
        sound = all(_inside(path) and len(entry) == 3 for path, entry in files.items())
        known = {str(account): str(name) for account, name in accounts.items()}
        whole = document["whole"] is True
    except (KeyError, TypeError, AttributeError):
        raise damaged from None
    if schema != _SCHEMA:
        raise ReportError(f"{shown(str(file))} is of another version of the auditor: write into a new folder")
    if not sound:
        raise damaged
    return files, known, whole


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and ".." not in parts and not path.startswith("/") and "\0" not in path


def _refused(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"{shown(str(path))} cannot be used for the site: {error.strerror or error}; name another folder"
    )
