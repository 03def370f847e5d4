"""What one scan reads: the selected resource types and their parents, in the asked-for regions of one account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from auditor.aws.partitions import home_region, partition_of
from auditor.collect.declare import Call, ResourceType
from auditor.model import GLOBAL, Scope

__all__ = ["Plan", "make_plan"]

_UNKNOWN_CHAIN = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read, of which account, in which regions."""

    account: str
    partition: str
    regions: tuple[str, ...]
    """The regions regional types are read in."""
    types: Mapping[str, ResourceType]
    """The types to read, parents of asked-for types included, by name."""
    taken: frozenset[Scope] = frozenset()
    """Scopes that an earlier scan read and that are not read again; always with their parents and children."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Every scope that will be closed with a coverage, each once."""
        scopes = (
            Scope(self.account, region, name) for name, type in self.types.items() for region in self.regions_of(type)
        )
        return tuple(scope for scope in scopes if scope not in self.taken)

    def regions_of(self, type: ResourceType) -> tuple[str, ...]:
        """Return where a type's resources are: ``global``, or every region asked for.

        What is listed once for all regions while each row names its own (``ResourceType.region``) is in regions, too: a
        scan of some regions must neither judge what is in the others nor take it for gone.
        """
        return (GLOBAL,) if _has_no_region(type) else self.regions

    def region_of_call(self, call: Call, region: str) -> str | None:
        """Return where CALL is sent for a scope in REGION; ``None`` when this partition has no such place.

        What is global is asked in the partition's home region, or, when that was not asked for, in the first region that was:
        a service control policy may close the home region, and the endpoints of global services answer from anywhere.
        """
        if call.region:
            places = (call.region,) if isinstance(call.region, str) else call.region
            return next((place for place in places if partition_of(place) == self.partition), None)
        if region != GLOBAL:
            return region
        home = home_region(self.partition)
        return home if home in self.regions or not self.regions else self.regions[0]

    def children_of(self, type: ResourceType) -> tuple[ResourceType, ...]:
        """Return the planned types that are listed for each resource of TYPE."""
        return tuple(child for child in self.types.values() if child.parent == type.type)

    def chain_of(self, type: ResourceType) -> int:
        """Return how many calls must follow one another at least, from a type's list to its last descendant's details."""
        own = 2 if type.details or type.metrics else 1
        if type.collect is not None:
            own += max(_UNKNOWN_CHAIN, len(type.calls)) - 1
        children = self.children_of(type)
        return max(own, 1 + max((self.chain_of(child) for child in children), default=0))


def make_plan(
    types: Iterable[ResourceType],
    known: Mapping[str, ResourceType],
    account: str,
    partition: str,
    regions: Iterable[str],
) -> Plan:
    """Plan TYPES and, from KNOWN, the parents they are read through.

    Raises ValueError for a parent that is not declared, is not read where its child is, or is its own ancestor.
    """
    planned: dict[str, ResourceType] = {}
    for type in types:
        _add(type, known, planned, ())
    return Plan(account, partition, tuple(dict.fromkeys(regions)), planned)


def _add(
    type: ResourceType, known: Mapping[str, ResourceType], planned: dict[str, ResourceType], below: tuple[str, ...]
) -> None:
    if type.type in below:
        raise ValueError(f"{type.type} is its own ancestor")
    if type.parent:
        parent = known.get(type.parent)
        if parent is None:
            raise ValueError(f"{type.type}: its parent {type.parent} is not declared")
        if _has_no_region(parent) != _has_no_region(type):
            raise ValueError(f"{type.type} and its parent {type.parent}: one is in regions, the other in none")
        _add(parent, known, planned, (*below, type.type))
    planned[type.type] = type


def _has_no_region(type: ResourceType) -> bool:
    return type.scope == GLOBAL and not type.region
