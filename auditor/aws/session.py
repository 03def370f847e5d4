"""Who we are and where we may look: credentials, the account behind them, its regions, and the caller that reads them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from auditor.aws.answer import Caller

__all__ = ["Connection", "Identity", "OperationName", "connect"]


class OperationName(Protocol):
    """Anything that names an operation: a Call of a collector."""

    @property
    def service(self) -> str:
        """boto3's name of the service."""

    @property
    def operation(self) -> str:
        """The operation's name, ``DescribeDBInstances``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials these are."""

    account: str
    partition: str
    """``aws``, ``aws-cn`` or ``aws-us-gov``."""
    arn: str


class Connection:
    """Access to one account. Create it with ``connect``."""

    def identify(self) -> Identity:
        """Ask STS whose credentials these are. Raises CredentialsError, in one line that says what to do."""
        raise NotImplementedError

    def enabled_regions(self) -> tuple[str, ...]:
        """Return the regions the account can use (opted in, or no opt-in needed), sorted. Raises CredentialsError."""
        raise NotImplementedError

    def caller(self) -> Caller:
        """Return what makes the calls: thread-safe, one client per service for all regions, read-only by the guard."""
        raise NotImplementedError


def connect(
    operations: Iterable[OperationName],
    *,
    profile: str = "",
    role_arn: str = "",
    external_id: str = "",
    region: str = "",
) -> Connection:
    """Open access by boto3's own credential chain, then through ROLE_ARN if one is given. Makes no call yet.

    OPERATIONS are all that may ever be sent through it (and the few that finding out who we are needs). AWS_ENDPOINT_URL
    is honoured. Raises CredentialsError for a profile that does not exist.
    """
    raise NotImplementedError
