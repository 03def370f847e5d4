"""Takes in what collectors read, page by page, and closes scopes."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from auditor.model import Coverage, Resource, Scope

__all__ = ["ScopeWriter"]


class ScopeWriter:
    """A scan's way into the store; a context manager that writes the rest at its end. Any thread may call it."""

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str] = frozenset()) -> None:
        """Take one page of a scope; ``volatile`` names the top-level fields that change by themselves."""
        raise NotImplementedError

    def close(self, coverage: Coverage) -> None:
        """End a scope. Read completely (or not offered): what was not seen is gone. Otherwise nothing is.

        ``coverage.resources`` is counted here; the number given is not looked at.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Write what is held back."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
