"""A caller that answers from a tape: no network, no credentials; what is not on the tape is an error, never an empty answer."""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import botocore.session

from auditor.aws.answer import Answer, CallError, Fault, Operation
from auditor.aws.limits import Limit, Limiter
from auditor.aws.operations import Operations
from auditor.aws.session import Connection
from auditor.aws.tape import Header, Unrolled, canonical
from auditor.errors import TapeError

__all__ = ["NOT_ON_TAPE", "ReplayedConnection", "TapeCaller", "Together"]

NOT_ON_TAPE = "NotOnTape"
"""The code of a call that the tape holds no answer to."""

_MOMENTS = ("StartTime", "EndTime")
"""Arguments that say when the scan was; the tape is of one scan."""
_HOW_MANY = ("MaxResults", "maxResults", "MaxRecords", "MaxItems", "PageSize", "Limit", "limit")
"""Arguments that say how long a page is, not what is asked: another auditor may ask for longer ones."""
_METRICS = ("cloudwatch", "GetMetricData")


class Together(NamedTuple):
    """An operation that is asked for many things at once; which ones share a call depends on which thread was first."""

    ids: str
    """The input's list."""
    result: str
    """The answer's list."""
    match: str
    """The field of an answer that equals the entry of the input."""


class _Place(NamedTuple):
    place: int
    length: int


@dataclass(slots=True)
class _Turns:
    """The outcomes of one request in their order: the last one is given again and again."""

    places: list[_Place]
    next: int = 0


class TapeCaller:
    """Answers single calls from a tape. Any thread may use it."""

    def __init__(
        self, tape: Unrolled, operations: Operations, together: Mapping[tuple[str, str], Together] | None = None
    ) -> None:
        """TOGETHER: the operations that take many things in one call. Raises TapeError for a damaged tape."""
        self._tape = tape
        self._operations = operations
        self._together = dict(together or {})
        self._lock = threading.Lock()
        self._turns: dict[bytes, _Turns] = {}
        self._items: dict[bytes, list[_Place]] = defaultdict(list)
        for place, length, line in tape.lines():
            self._index(_Place(place, length), line)

    def _index(self, place: _Place, line: Mapping[str, Any]) -> None:
        try:
            service, operation, region, params = (line[name] for name in ("service", "operation", "region", "params"))
            _outcome(line)
            key = _key(service, operation, params, region)
            items = self._keys_of_items(service, operation, params, region)
        except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise TapeError(f"{self._tape.path} holds a line that is no answer: record it again") from error
        self._turns.setdefault(key, _Turns([])).places.append(place)
        for item in items.values():
            self._items[item].append(place)

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Return the answer the tape holds. Raises CallError: the one it holds, or NotOnTape."""
        outcome = self._turn(_key(service, operation, params, region))
        if outcome is None:
            outcome = self._gathered(service, operation, params, region)
        if outcome is None:
            rest = "" if self._tape.whole else ", which breaks off before its end,"
            said = f"the tape {self._tape.path.name}{rest} holds no answer to this call"
            outcome = CallError(Fault.OTHER, NOT_ON_TAPE, said)
        if isinstance(outcome, CallError):
            raise outcome
        return outcome

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation. Raises CallError when there is no such operation."""
        return self._operations.operation(service, operation)

    def _turn(self, key: bytes) -> Answer | CallError | None:
        with self._lock:
            turns = self._turns.get(key)
            if turns is None:
                return None
            place = turns.places[min(turns.next, len(turns.places) - 1)]
            turns.next += 1
        return _outcome(self._tape.line(*place))

    # ---- what is asked together --------------------------------------------------------------------------------------

    def _keys_of_items(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> dict[str, bytes]:
        """Return the key of each single thing that a call asks for, by what the answer calls it."""
        if (service, operation) == _METRICS:
            window = _seconds(params)
            queries = params["MetricDataQueries"]
            return {
                q["Id"]: _key(service, operation, {"of": q.get("MetricStat"), "s": window}, region) for q in queries
            }
        together = self._together.get((service, operation))
        if together is None or not isinstance(params.get(together.ids), list):
            return {}
        return {str(id): _key(service, operation, {"of": id}, region) for id in params[together.ids]}

    def _gathered(
        self, service: str, operation: str, params: Mapping[str, Any], region: str
    ) -> Answer | CallError | None:
        """Return an answer put together of what the tape holds on each thing that is asked for."""
        keys = self._keys_of_items(service, operation, params, region)
        if "NextToken" in params or not any(key in self._items for key in keys.values()):
            return None
        together = self._together.get((service, operation), Together("", "MetricDataResults", "Id"))
        found: list[Any] = []
        date = None
        for id, key in keys.items():
            for place in self._items.get(key, ()):
                line = self._tape.line(*place)
                outcome = _outcome(line)
                if isinstance(outcome, CallError):
                    if place == self._items[key][-1]:
                        return outcome
                    continue
                names = self._keys_of_items(service, operation, line["params"], region)
                then = next((name for name, other in names.items() if other == key), None)
                rows = [row for row in outcome.parsed.get(together.result, ()) if row.get(together.match) == then]
                found += [{**row, together.match: id} for row in rows]
                date = date or outcome.date
                if rows and together.ids:
                    break
        return Answer({together.result: found}, date or self._tape.header.recorded_at)


def _key(service: str, operation: str, params: Mapping[str, Any], region: str) -> bytes:
    asked = {name: value for name, value in params.items() if name not in (*_MOMENTS, *_HOW_MANY)}
    return hashlib.blake2b(canonical([service, operation, region, asked]).encode(), digest_size=16).digest()


def _seconds(params: Mapping[str, Any]) -> float:
    start, end = (datetime.fromisoformat(str(params[name])) for name in _MOMENTS)
    return (end - start).total_seconds()


def _outcome(line: Mapping[str, Any]) -> Answer | CallError:
    if "error" in line:
        error = line["error"]
        return CallError(Fault(error["fault"]), str(error["code"]), str(error["message"]))
    if not isinstance(line["answer"], dict):
        raise TypeError("an answer is no object")
    return Answer(line["answer"], datetime.fromisoformat(line["date"]).astimezone(UTC))


class ReplayedConnection(Connection):
    """Access to an account as a tape holds it: no call leaves this machine, and no credentials are looked for."""

    def __init__(self, tape: Unrolled, together: Mapping[tuple[str, str], Together] | None = None) -> None:
        """TOGETHER: see ``TapeCaller``. Raises TapeError for a damaged tape."""
        session = botocore.session.Session()
        # A tape shares nothing with production: no limit to speak of.
        super().__init__(session, tape.header.region, "", "", limiter=Limiter(limits=lambda *_: Limit(1e9, 1e9)))
        self.tape = tape
        self._caller = TapeCaller(tape, self.clients.operations, together)

    @property
    def header(self) -> Header:
        """What the tape is of."""
        return self.tape.header

    def now(self) -> datetime:
        """Return when the tape was recorded, UTC."""
        return self.tape.header.recorded_at

    def caller(self) -> TapeCaller:
        """Return what answers from the tape."""
        return self._caller

    def asking(self) -> TapeCaller:
        """Return the same for questions about the account itself."""
        return self._caller
