"""Where the shipped folders are, and how a folder of checks becomes modules."""

import ast
import functools
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path

from auditor.errors import CatalogError, UsageError
from auditor.kit.check import CATALOG, Check
from auditor.tomlfile import nearest

__all__ = ["bundled", "code_digests", "digest", "find", "load_checks"]

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = "auditor.checks"
_OWN = "auditor.own_checks_"
_KIT = "auditor.kit"


def bundled(name: str) -> Path:
    """Return the shipped file or folder NAME: inside the wheel, or beside the package in a checkout."""
    inside = _PACKAGE / "_bundled" / name
    return inside if inside.exists() else _PACKAGE.parent / name


def load_checks(*folders: Path) -> Mapping[str, Check]:
    """Load the shipped checks and those of FOLDERS (an organisation's own), and return all by id.

    Raises CatalogError with file and line when a module cannot be loaded or an id is declared twice.
    """
    _load(bundled("checks"), _SHIPPED)
    for number, folder in enumerate(folders):
        if not folder.is_dir():
            raise CatalogError(f"{folder}: no such folder of checks; mend `checks` in the config or --checks")
        _load(folder.resolve(), f"{_OWN}{number}")
    names = Counter(name for check in CATALOG.values() for name in (check.id, *check.aliases))
    for name in (name for name, times in names.items() if times > 1):
        raise CatalogError(f"{name!r} is, or was once, the id of two checks; give one of them another id")
    return CATALOG


def _load(folder: Path, package: str) -> None:
    """Import every module below FOLDER as a submodule of the synthetic package PACKAGE."""
    if package in sys.modules:
        return
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    sys.modules[package] = importlib.util.module_from_spec(spec)
    before = set(CATALOG)
    try:
        for module in pkgutil.walk_packages([str(folder)], f"{package}.", onerror=_reraise):
            importlib.import_module(module.name)
    except (Exception, SystemExit) as error:  # a check that ends the program is a broken check
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            del sys.modules[name]
        for id in set(CATALOG) - before:
            del CATALOG[id]
        raise CatalogError(
            f"{_where(error, folder)}: {_one_line(error)}; mend the check or take it out of the folder"
        ) from error


def _reraise(_name: str) -> None:
    raise  # pkgutil calls this inside its except block


def _where(error: BaseException, folder: Path) -> str:
    """Return file:line of the innermost frame below FOLDER (or of the syntax error)."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    place, trace = str(folder), error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.startswith(str(folder)):
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _one_line(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}"


def find(id: str, checks: Mapping[str, Check]) -> Check:
    """Return the check with this id or former id. Raises UsageError with the nearest names."""
    if id in checks:
        return checks[id]
    for check in checks.values():
        if id in check.aliases:
            return check
    raise UsageError(f"no check is called {id}{nearest(id, checks)} (`auditor checks list` shows all)")


def digest() -> str:
    """Return a hash over the code of all loaded checks and of the kit they stand on.

    Two scans' verdicts compare only under the same checks.
    """
    hashed = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        if name.startswith((_SHIPPED, _OWN, _KIT)) and getattr(module, "__file__", None):
            hashed.update(name.encode())
            hashed.update(Path(str(module.__file__)).read_bytes())
    return hashed.hexdigest()


def code_digests(checks: Iterable[Check]) -> Mapping[str, str]:
    """Return, by check id, a hash over the code of its module and of all modules of checks and kit that this stands on."""
    reached: dict[str, frozenset[str]] = {}
    sources: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    for check in checks:
        start = check.judge.__module__
        if start not in digests:
            hashed = hashlib.sha256()
            for name in sorted(_reached(start, reached, sources)):
                hashed.update(name.encode() + b"\0" + sources[name] + b"\0")
            digests[start] = hashed.hexdigest()[:32]
    return {check.id: digests[check.judge.__module__] for check in checks}


def _reached(start: str, known: dict[str, frozenset[str]], sources: dict[str, bytes]) -> set[str]:
    """Return the modules of checks and kit that START imports, directly or not, with itself; SOURCES gets their code."""
    found, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in known:
            sources[name] = _source(name)
            known[name] = _imports(name, sources[name])
        found.add(name)
        waiting.extend(known[name])
    return found


def _source(name: str) -> bytes:
    file = getattr(sys.modules.get(name), "__file__", None)
    return Path(file).read_bytes() if file and Path(file).suffix == ".py" else b""


@functools.lru_cache(maxsize=1024)
def _imports(name: str, source: bytes) -> frozenset[str]:
    """Return the modules of checks and kit that a module imports from; they are parsed once in the life of a process."""
    return frozenset(_imported(name, source))


def _imported(name: str, source: bytes) -> Iterator[str]:
    package = name if hasattr(sys.modules.get(name), "__path__") else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            base = (
                importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                if node.level
                else node.module
            )
            for alias in node.names:
                yield from _modules(base or "", alias.name)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))


def _modules(base: str, name: str) -> Iterator[str]:
    """Yield the module that NAME of module BASE comes from: a submodule, or the one that a package has it from."""
    if not _is_ours(base):
        return
    if f"{base}.{name}" in sys.modules:
        yield f"{base}.{name}"
    elif base == _KIT:
        yield from (m for m in _kit_modules() if name in getattr(sys.modules[m], "__all__", ()))
    else:
        yield base


def _kit_modules() -> list[str]:
    return [name for name in sys.modules if name.startswith(f"{_KIT}.") and sys.modules[name] is not None]


def _is_ours(name: str) -> bool:
    return name.startswith((_SHIPPED, _OWN, _KIT)) and name in sys.modules
