"""Service models without the shapes of operations that are never sent: they are two thirds of what clients take in memory."""

import gzip
import threading
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader, Loader

__all__ = ["SlimLoader"]


class _PlainFiles(JSONFileLoader):
    """Reads the same files into plain dictionaries: botocore's ordered ones take thrice the memory and the time."""

    def load_file(self, file_path: str) -> Any:
        """Return what lies in FILE_PATH (without its ending); ``None`` when there is no such file."""
        openers: Mapping[str, Callable[[Path], bytes]] = {
            ".json": Path.read_bytes,
            ".json.gz": lambda path: gzip.decompress(path.read_bytes()),
        }
        for ending, read in openers.items():
            path = Path(file_path + ending)
            if path.is_file():
                return orjson.loads(read(path))
        return None


class SlimLoader(Loader):
    """botocore's loader; of the models of the services it is told of it keeps what their operations need."""

    FILE_LOADER_CLASS = _PlainFiles

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cache: dict[Any, Any] = {}
        self._needed: dict[str, frozenset[str]] = {}
        self._slim: dict[str, tuple[frozenset[str], Any]] = {}
        self._slimming = threading.Lock()

    def need(self, operations: Iterable[tuple[str, str]]) -> None:
        """Keep the shapes of OPERATIONS (service and name), too, from now on."""
        with self._slimming:
            for service, operation in operations:
                self._needed[service] = self._needed.get(service, frozenset()) | {operation}

    def list_available_services(self, type_name: str) -> Any:
        """Return the services that botocore has, by name. Those without a model of the type asked for are among them.

        botocore looks through a thousand folders for each type (paginators, rules of endpoints); one of a service that has none
        is found missing when it is loaded: DataNotFoundError, as before.
        """
        return super().list_available_services("service-2")

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """Load a service's model. Raises botocore's UnknownServiceError and DataNotFoundError."""
        needed = self._needed.get(service_name)
        if type_name != "service-2" or needed is None or api_version is not None:
            return super().load_service_model(service_name, type_name, api_version)
        with self._slimming:
            kept, model = self._slim.get(service_name, (frozenset(), None))
            if model is None or not needed <= kept:
                self.list_available_services(type_name)  # a thousand files are looked at, once
                forgetful = copy(self)
                forgetful._cache = dict(self._cache)  # noqa: SLF001  (ours; botocore's own would keep the whole model)
                model = _slim(Loader.load_service_model(forgetful, service_name, type_name), needed)
                self._slim[service_name] = needed, model
            return model


def _slim(model: Mapping[str, Any], needed: Iterable[str]) -> dict[str, Any]:
    """Return MODEL with all its operations, and of the shapes those that the NEEDED ones are made of."""
    operations, shapes = model.get("operations", {}), model.get("shapes", {})
    kept: dict[str, Any] = {}
    left = [name for operation in needed for name in _references(operations.get(operation))]
    while left:
        name = left.pop()
        if name in shapes and name not in kept:
            kept[name] = _undocumented(shapes[name])
            left += _references(kept[name])
    slim = {
        name: _undocumented(operation) if name in needed else {"name": name, "http": operation.get("http", {})}
        for name, operation in operations.items()
    }
    return {**model, "operations": slim, "shapes": kept, "documentation": ""}


def _undocumented(value: Any) -> Any:
    """Return VALUE, an operation or a shape, without the texts for people, which only a dictionary's name tells apart."""
    if isinstance(value, list):
        return [_undocumented(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _undocumented(item)
        for name, item in value.items()
        if name != "documentation" or not isinstance(item, str)
    }


def _references(value: Any) -> list[str]:
    """Return the names of the shapes that lie anywhere in VALUE."""
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    if not isinstance(value, Mapping):
        return []
    own = value.get("shape")
    inner = [name for item in value.values() for name in _references(item)]
    return [own, *inner] if isinstance(own, str) else inner
