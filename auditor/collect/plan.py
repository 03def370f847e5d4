"""What one scan reads: the selected resource types and their parents, in the asked-for regions of one account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from auditor.collect.declare import ResourceType
from auditor.model import Scope

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read, of which account, in which regions."""

    account: str
    partition: str
    regions: tuple[str, ...]
    """The regions regional types are read in."""
    types: Mapping[str, ResourceType]
    """The types to read, parents of asked-for types included, by name."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Every scope that will be closed with a coverage, each once."""
        raise NotImplementedError


def make_plan(
    types: Iterable[ResourceType], known: Mapping[str, ResourceType], account: str, partition: str, regions: Iterable[str]
) -> Plan:
    """Plan TYPES and, from KNOWN, the parents they are read through. Raises ValueError for a parent that is not declared."""
    raise NotImplementedError
