"""What is read: resource types as data, and the queue that runs their calls."""

import hashlib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from auditor.collect.declare import TYPES, ResourceType

__all__ = ["digest", "load_types"]


@lru_cache(maxsize=1)
def load_types() -> Mapping[str, ResourceType]:
    """Import every module of auditor.collect.aws and return all declared types by name."""
    package = importlib.import_module("auditor.collect.aws")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return TYPES


@lru_cache(maxsize=1)
def digest() -> str:
    """Return a hash over the code that reads: every declared type, the queue, and what makes values of answers.

    What two scans read can stand side by side as one only under the same.
    """
    package = Path(__file__).parent
    hashed = hashlib.sha256()
    for folder in (package, package.with_name("aws")):
        for file in sorted(folder.rglob("*.py")):
            hashed.update(file.relative_to(package.parent).as_posix().encode())
            hashed.update(file.read_bytes())
    return hashed.hexdigest()
