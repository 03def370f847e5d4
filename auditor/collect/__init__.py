"""What is read: resource types as data, and the queue that runs their calls."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache

from auditor.collect.declare import TYPES, ResourceType

__all__ = ["load_types"]


@lru_cache(maxsize=1)
def load_types() -> Mapping[str, ResourceType]:
    """Import every module of auditor.collect.aws and return all declared types by name."""
    package = importlib.import_module("auditor.collect.aws")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return TYPES
