"""The inventory of one account as checks see it: resources by type, joined through indices that are built once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from auditor.acceptance import Attestation
from auditor.kit.check import CATALOG
from auditor.kit.dense import Dense, Packed
from auditor.kit.facts import Facts
from auditor.kit.money import NoPrices, PriceBook
from auditor.kit.shelf import Lately, Shelf
from auditor.model import GLOBAL, Coverage, Gap, Resource, Scope
from auditor.pages import MOST_BYTES, Pages

__all__ = ["Inventory"]

_MOST_BYTES = MOST_BYTES // 2
"""Resources lie in the file without the names of their fields, and take that much more in memory."""
_KEPT = "kept in the ledger: "
"""Before a type's name: what of it the evidence ledger kept, whether or not this scan still saw it."""


class Inventory:
    """Everything that was read of one account in one scan; loads a type when it is first asked for.

    Types stay in memory until they are too large together; from then on further ones lie in files (``auditor.kit.shelf``).
    """

    def __init__(
        self,
        account: str,
        load: Callable[[str], Iterable[Resource]],
        coverage: Mapping[Scope, Coverage],
        enabled_regions: Iterable[str] | None,
        prices: PriceBook | None = None,
        *,
        kept: Callable[[str], Iterable[Resource]] | None = None,
        attestations: Sequence[Attestation] = (),
        most_bytes: int = _MOST_BYTES,
        others: Callable[[str], "Inventory | None"] | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> None:
        """LOAD returns the resources of a type; ENABLED_REGIONS are all regions of the account, asked for or not.

        ``None``: which they are could not be read; then nothing is known to be read everywhere but what is global. KEPT
        returns what the evidence ledger holds of a type; ATTESTATIONS are what people state of the account. MOST_BYTES is
        what stays in memory (see ``auditor.pages``). OTHERS returns the newest inventory of another account in the store.
        LEFT_OUT are types that were not read on purpose, with why.
        """
        self.account = account
        self.coverage = coverage
        self.prices: PriceBook = prices or NoPrices()
        self.memo: dict[Any, Any] = {}
        self.attested: dict[tuple[int, str, str], tuple[Attestation, str, str, str]] = {}
        """Each attestation that a check was given: it, check, resource, and why it proves nothing there (empty: it does)."""
        self._load = load
        self._kept = kept
        self._attestations = attestations
        self._room = most_bytes
        self._others = others
        self._left_out = left_out or {}
        self._kept_names: dict[str, str] = {}
        self._worlds: dict[str, Inventory | None] = {}
        self._enabled = None if enabled_regions is None else frozenset(enabled_regions)
        self._types: dict[str, list[Facts] | Shelf] = {}
        self._lately = Lately()
        self._places: dict[str, dict[str, list[Facts]]] = {}
        self._indices: dict[tuple[str, str, str | None], dict[str, tuple[Facts, ...]]] = {}
        self._unread: dict[tuple[str, str | None, str], Gap | None] = {}

    def other(self, account: str) -> "Inventory | None":
        """Return what the newest scan of another ACCOUNT read, or ``None`` when none is in the store."""
        if account not in self._worlds:
            self._worlds[account] = self._others(account) if self._others else None
        return self._worlds[account]

    def read_since(self, type: str) -> datetime | None:
        """Return when the oldest part of TYPE was read, or ``None`` when that is not known."""
        moments = [cover.observed_at for scope, cover in self.coverage.items() if scope.type == type]
        return min((moment for moment in moments if moment), default=None)

    def facts(self, type: str) -> Sequence[Facts]:
        """Return every resource of TYPE that was read, in all regions."""
        held = self._types.get(type)
        if held is None:
            held = self._types[type] = self._loaded(type)
        return held

    def _loaded(self, type: str) -> list[Facts] | Shelf:
        pages, dense = Pages[Packed](self._room), Dense()
        for resource in self._read(type):
            pages.add([dense.packed(resource)])
        if pages.in_file:
            return Shelf(pages, dense, self, self._lately)
        self._room -= pages.bytes
        return [Facts(dense.whole(packed), self) for packed in pages]

    def places(self, type: str) -> Mapping[tuple[str, str], Sequence[Facts]]:
        """Return the resources of TYPE by account and region."""
        held = self.facts(type)
        if isinstance(held, Shelf):
            return {(self.account, region): held.at(region) for region in held.regions}
        places: dict[tuple[str, str], list[Facts]] = {}
        for facts in held:
            places.setdefault((facts.account, facts.region), []).append(facts)
        return places

    def _read(self, type: str) -> Iterable[Resource]:
        if not type.startswith(_KEPT):
            return self._load(type)
        return self._kept(type.removeprefix(_KEPT)) if self._kept else ()

    def recorded(self, type: str, by: str, key: str, region: str | None) -> Sequence[Facts]:
        """Return the resources of TYPE that hold KEY at the path BY, and those the evidence ledger kept of earlier scans."""
        found, kept = self.holding(type, by, key, region), self._kept_names.get(type)
        if kept is None:
            kept = self._kept_names[type] = _KEPT + type if len(self.facts(_KEPT + type)) else ""
        return [*found, *self.holding(kept, by, key, region)] if kept else found

    def all_recorded(self, type: str, region: str | None) -> list[Facts]:
        """Return every resource of TYPE that was read, and those the evidence ledger kept of earlier scans."""
        return [*self._within(type, region), *self._within(_KEPT + type, region)]

    def attestation(self, check: str, facts: Facts, max_age_days: int | None) -> Attestation | None:
        """Return what was attested of FACTS for CHECK (id), rather one that proves it; ``None`` when nothing was."""
        declared, today = CATALOG.get(check), facts.observed_at.date()
        former, patterns = (declared.aliases, declared.patterns) if declared else ((), ())
        found = [
            held
            for held in self._attestations
            if held.given <= today
            and held.is_about(check, former, patterns)
            and held.reaches(facts.account, facts.region, facts.id, facts.name)
        ]
        if not found:
            return None
        best = min(found, key=lambda held: (bool(held.fault(today, max_age_days)), -held.until.toordinal()))
        fault = best.fault(today, max_age_days)
        self.attested[id(best), check, facts.id] = (best, check, facts.id, fault)
        return best

    def all(self, type: str, region: str | None) -> Sequence[Facts]:
        """Return every resource of TYPE in REGION (and ``global``), or in all regions."""
        found = self._within(type, region)
        return found.copy() if isinstance(found, list) else found

    def _within(self, type: str, region: str | None) -> Sequence[Facts]:
        held = self.facts(type)
        if region is None:
            return held
        if isinstance(held, Shelf):
            return held.within(region)
        places = self._places.get(type)
        if places is None:
            places = self._places[type] = defaultdict(list)
            for facts in held:
                places[facts.region].append(facts)
        if GLOBAL in places and len(places) > 1:
            return [facts for facts in held if facts.region in (region, GLOBAL)]
        return places.get(GLOBAL) or places.get(region) or []

    def find(self, type: str, by: str, keys: Iterable[str], region: str | None) -> Sequence[Facts]:
        """Return the resources of TYPE that hold one of KEYS at the path BY, each once, in the keys' order."""
        index = self._indices.get((type, by, region))
        if index is None:
            held = self.facts(type)
            if isinstance(held, Shelf):
                return held.find(by, keys, region)
            index = self._index(type, by, region)
        lists = [index[key] for key in keys if key in index]
        if len(lists) < 2:  # by far the usual case, and an index lists each only once under a key
            return lists[0] if lists else ()
        return list({id(facts): facts for held in lists for facts in held}.values())

    def holding(self, type: str, by: str, key: str, region: str | None) -> Sequence[Facts]:
        """Return the resources of TYPE that hold KEY at the path BY: ``find`` with one key, which is what most joins ask."""
        index = self._indices.get((type, by, region))
        if index is None:
            held = self.facts(type)
            if isinstance(held, Shelf):
                return held.holding(by, key, region)
            index = self._index(type, by, region)
        return index.get(key, ())

    def _index(self, type: str, by: str, region: str | None) -> dict[str, tuple[Facts, ...]]:
        """Build the index of one region: a join must not pay for the resources of all the others."""
        made: dict[str, tuple[Facts, ...]] = {}  # of tuples, which nobody can change who is given one
        several: dict[str, list[Facts]] = {}
        for facts in self._within(type, region):
            keys = facts.keys_at(by)
            for key in keys if len(keys) < 2 else dict.fromkeys(keys):
                if key not in made:  # most keys are held by one
                    made[key] = (facts,)
                elif key in several:
                    several[key].append(facts)
                else:
                    several[key] = [*made[key], facts]
        for key, found in several.items():
            made[key] = tuple(found)
        self._indices[type, by, region] = made
        return made

    def unread(self, type: str, region: str | None, by: str = "") -> Gap | None:
        """Return why TYPE was not read completely in REGION (``None``: in any enabled region), or ``None`` when it was.

        BY is a path that resources are looked for by: its first field must have been read of each.
        """
        key = (type, region, by)
        try:
            return self._unread[key]
        except KeyError:
            gap = self._why_unread(type, region, by.partition(".")[0].removesuffix("[]"))
            self._unread[key] = gap
            return gap

    def _why_unread(self, type: str, region: str | None, field: str) -> Gap | None:
        if type in self._left_out:
            return Gap(type, "SwitchedOff", self._left_out[type])
        whole = self.coverage.get(Scope(self.account, GLOBAL, type))
        if whole is not None:
            scopes: list[tuple[str, Coverage | None]] = [(GLOBAL, whole)]
        elif region in (None, GLOBAL) and self._enabled is None:
            return Gap("ec2:DescribeRegions", "NotRead", "which regions the account uses could not be read")
        else:
            # A global resource has no region of its own: what it is joined to may lie in any.
            regions = [region] if region not in (None, GLOBAL) else sorted(self._enabled or ())
            scopes = [(name, self.coverage.get(Scope(self.account, str(name), type))) for name in map(str, regions)]
        for name, coverage in scopes:
            if coverage is None:
                return Gap(type, "NotRead", f"{type} was not asked for in {name}")
            if not coverage.state.known:
                return coverage.gap or Gap(type, "NotRead", f"{type} is {coverage.state} in {name}")
            if field in coverage.gaps:
                return coverage.gaps[field]
        return None
