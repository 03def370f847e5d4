"""Where the shipped folders are, and how a folder of checks becomes modules."""

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path

from auditor.errors import CatalogError, UsageError
from auditor.kit.check import CATALOG, Check
from auditor.tomlfile import nearest

__all__ = ["bundled", "digest", "find", "load_checks"]

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
