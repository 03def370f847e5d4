"""Which IAM actions the declared calls need, and the least-privilege policy made of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Declared", "NeededCall", "action", "documents", "policy"]


class NeededCall(Protocol):
    """A declared call: service, operation, and the action where it is not called alike."""

    @property
    def service(self) -> str:
        """boto3's name of the service."""

    @property
    def operation(self) -> str:
        """The operation's name."""

    @property
    def action(self) -> str:
        """The IAM action, or empty: the service's prefix and the operation's name."""


class Declared(Protocol):
    """A resource type: all that matters here are its calls."""

    @property
    def every_call(self) -> Sequence[NeededCall]:
        """Every call the type may lead to."""


def action(call: NeededCall) -> str:
    """Return the IAM action a call needs, ``elasticloadbalancing:DescribeLoadBalancers``."""
    raise NotImplementedError


def policy(types: Iterable[Declared], extra: Iterable[NeededCall] = ()) -> Mapping[str, Any]:
    """Return one IAM policy document that allows exactly the calls of TYPES and EXTRA; sorted, a statement per service."""
    raise NotImplementedError


def documents(types: Iterable[Declared], extra: Iterable[NeededCall] = ()) -> tuple[Mapping[str, Any], ...]:
    """Return the same as managed policies: each document within IAM's 6,144 characters (white space not counted)."""
    raise NotImplementedError
