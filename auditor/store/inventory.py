"""What one scan read, as it was then: coverage and resources."""

from collections.abc import Iterator, Mapping

from auditor.model import Coverage, Resource, Scope

__all__ = ["Inventory"]


class Inventory:
    """The coverage and the resources of one scan; resources are streamed, never all held."""

    coverage: Mapping[Scope, Coverage]
    """Every scope the scan closed; a scope that is not here was not read."""

    @property
    def count(self) -> int:
        """How many resources can be read."""
        raise NotImplementedError

    def types(self) -> list[str]:
        """The resource types the scan tried to read, sorted."""
        raise NotImplementedError

    def resources(self, type: str, account: str | None = None) -> Iterator[Resource]:
        """The type's resources in all regions.

        Those of a completely read scope: all that were current; of another: only those this scan saw.
        """
        raise NotImplementedError
