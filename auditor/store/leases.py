"""Leases: one holder at a time, across processes and machines; they end by themselves when the holder dies."""

from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

__all__ = ["Lease", "scan_lease"]


def scan_lease(account: str) -> str:
    """The name of the lease that scans of the account share."""
    return f"scan:{account}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was taken; a context manager that gives it back at its end."""

    name: str
    holder: str
    token: str
    acquired_at: datetime
    ttl_seconds: float

    def heartbeat(self) -> None:
        """Hold it for another ``ttl_seconds``; ``LeaseTaken`` when it has been lost to another holder."""
        raise NotImplementedError

    def release(self) -> None:
        """Give it back; nothing happens when it was lost already."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
