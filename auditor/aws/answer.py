"""What a call to AWS comes back with, said without boto3: an answer, or an error of a known family."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Answer", "CallError", "Caller", "Fault", "Operation"]


class Fault(StrEnum):
    """Why a call has no answer; decides whether it is tried again and what its scope's coverage becomes."""

    NOT_HERE = "not here"
    """The service does not exist in the region or the account has not subscribed to it: there is nothing, and that is known."""
    DENIED = "denied"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    """AWS's side or the network: 5xx, connection, timeout, an answer that cannot be parsed."""
    CREDENTIALS = "credentials"
    """Expired or no longer known credentials, a clock that is wrong: every later call would fail alike."""
    GONE = "gone"
    """AWS does not know the thing that was asked for."""
    PARAMETER = "parameter"
    UNSUPPORTED = "unsupported"
    """The endpoint does not implement the operation (a simulated account's answer)."""
    OTHER = "other"
    DEADLINE = "deadline"
    INTERRUPTED = "interrupted"


class CallError(Exception):
    """A call has no answer: the family of its error, AWS's error code and a message that is safe to keep and show."""

    def __init__(self, fault: Fault, code: str, message: str = "", date: datetime | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.fault = fault
        self.code = code
        self.message = message
        self.date = date
        """The Date header of AWS's refusal (UTC); ``None`` when none came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API answered: its fields (JSON values, timestamps as ISO 8601 UTC text) and the Date header (UTC)."""

    parsed: Mapping[str, Any]
    date: datetime


@dataclass(frozen=True, slots=True)
class Operation:
    """What the service model says of an operation that the queue must know: how its pages follow one another."""

    next_page: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """From an answer to the input members that ask for the next page, none after the last; ``None``: one page only."""
    lists: frozenset[str] = frozenset()
    """Top-level members of the answer that are lists: empty where an answer leaves them out."""

    def following(self, parsed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the input members that ask for the page after PARSED; empty after the last page.

        Raises CallError where PARSED says that there is more, and does not say how to ask for it.
        """
        return self.next_page(parsed) if self.next_page else {}


class Caller(Protocol):
    """Makes single calls in one account; any thread may use it."""

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Make one call (``rds``, ``DescribeDBInstances``) and return its answer. Raises CallError."""

    def operation(self, service: str, operation: str) -> Operation:
        """Return what the service model says of an operation. Raises CallError when there is no such operation."""
