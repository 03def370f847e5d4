"""What botocore's service models say of an operation: how its pages follow one another, and which members are lists."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped]
from botocore import exceptions
from botocore.model import OperationModel, OperationNotFoundError, ServiceModel

from auditor.aws.answer import CallError, Fault, Operation

__all__ = ["Operations"]

# Where pages follow one another although botocore has no paginator: input and output members that belong together.
_TOKENS = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "NextMarker"),
    ("Marker", "NextMarker"),
    ("Marker", "Marker"),
    ("marker", "nextMarker"),
    ("marker", "marker"),
    ("PaginationToken", "PaginationToken"),
    ("paginationToken", "paginationToken"),
)


class Operations:
    """Reads the service models of a session; makes no client and needs no credentials. Any thread may use it."""

    def __init__(self, session: botocore.session.Session) -> None:
        self._session = session
        self._services: dict[str, ServiceModel] = {}
        self._known: dict[tuple[str, str], Operation] = {}
        self._reading = threading.Lock()

    def forget(self) -> None:
        """Forget what was read; it is read again when it is asked for."""
        self._services.clear()
        self._known.clear()

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation. Raises CallError when there is no such operation."""
        key = (service, operation)
        known = self._known.get(key)
        if known is None:
            with self._reading:  # at the beginning of a scan all threads ask for the same
                known = self._known.get(key)
                if known is None:
                    known = self._known[key] = self._read(service, operation)
        return known

    def model(self, service: str, operation: str) -> OperationModel:
        """Return botocore's model of an operation. Raises CallError when there is no such operation."""
        try:
            model = self._services.get(service)
            if model is None:
                model = self._services[service] = self._session.get_service_model(service)
            return model.operation_model(operation)
        except (exceptions.BotoCoreError, OperationNotFoundError) as error:
            raise CallError(Fault.UNSUPPORTED, "UnknownOperation", f"botocore has no {service}:{operation}") from error

    def _read(self, service: str, name: str) -> Operation:
        operation = self.model(service, name)
        answer = operation.output_shape.members if operation.output_shape else {}
        asked = operation.input_shape.members if operation.input_shape else {}
        lists = frozenset(member for member, shape in answer.items() if shape.type_name == "list")
        return Operation(self._paginator(service, name, asked, answer), lists)

    def _paginator(
        self, service: str, name: str, asked: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> Callable[[Mapping[str, Any]], Mapping[str, Any]] | None:
        loader = self._session.get_component("data_loader")
        try:
            known = loader.load_service_model(service, "paginators-1")["pagination"].get(name)
        except exceptions.DataNotFoundError:
            known = None
        if known:
            return _next_page(
                _several(known["input_token"]), _several(known["output_token"]), known.get("more_results")
            )
        for into, out in _TOKENS:
            if into in asked and out in answer:
                return _next_page([into], [out], None)
        return None


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _next_page(into: list[str], out: list[str], more: str | None) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    paths = [(member, jmespath.compile(path)) for member, path in zip(into, out, strict=True)]
    flag = jmespath.compile(more) if more else None

    def next_page(parsed: Mapping[str, Any]) -> Mapping[str, Any]:
        if flag is not None and not flag.search(parsed):
            return {}
        found = ((member, path.search(parsed)) for member, path in paths)
        following = {member: token for member, token in found if token}
        if flag is not None and not following:
            raise CallError(Fault.OTHER, "TokenMissing", "the answer says that there is more, and not where")
        return following

    return next_page
