"""A caller that keeps every answer on a tape on its way through."""

from collections.abc import Callable, Mapping
from typing import Any

from auditor.aws.answer import Answer, Caller, CallError, Operation
from auditor.aws.tape import TapeWriter

__all__ = ["RecordingCaller"]

Masked = Callable[[Any], Any]


class RecordingCaller:
    """Passes calls on to another caller, and what they come to both back and onto the tape. Any thread may use it."""

    def __init__(self, caller: Caller, tape: TapeWriter, mask: Masked | None = None) -> None:
        """MASK replaces, in a line's JSON values, what says whose account it is; ``None``: nothing is replaced."""
        self._caller = caller
        self._tape = tape
        self._mask = mask

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Make one call, keep its answer or its error, and return or raise it."""
        line: dict[str, Any] = {"service": service, "operation": operation, "region": region, "params": dict(params)}
        try:
            answer = self._caller.call(service, operation, params, region)
        except CallError as error:
            said = {"fault": str(error.fault), "code": error.code, "message": error.message}
            self._keep(line | {"error": said})
            raise
        self._keep(line | {"date": answer.date.isoformat(), "answer": answer.parsed})
        return answer

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation. Raises CallError when there is no such operation."""
        return self._caller.operation(service, operation)

    def _keep(self, line: Mapping[str, Any]) -> None:
        try:
            kept = line if self._mask is None else self._mask(line)
        except Exception as error:  # noqa: BLE001  (whatever an answer holds, the scan has it)
            self._tape.lack(line, error)
        else:
            self._tape.add(kept)
