"""The standard and the checks by the settings, what of them is judged this time, and which types must be read for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor import catalog
from auditor import standard as standards
from auditor.catalog import find
from auditor.errors import UsageError
from auditor.kit.check import Check
from auditor.model import Severity
from auditor.standard import Standard
from auditor.tomlfile import nearest, shown

if TYPE_CHECKING:
    from auditor.config import Settings

__all__ = [
    "EVERYTHING",
    "Selection",
    "choose_regions",
    "load_checks",
    "load_standard",
    "needed_types",
    "select",
]


@dataclass(frozen=True, slots=True)
class Selection:
    """What narrows a scan; an empty field does not. A check is selected when every field that is not empty names it."""

    sections: tuple[str, ...] = ()
    """Section or group ids, ``cloud`` or ``cloud.multi-az``."""
    patterns: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Resource types the checks are about."""
    severities: tuple[Severity, ...] = ()
    regions: tuple[str, ...] = ()
    """Regions that were named for this one scan, in place of those of the settings; they select no check."""

    def as_mapping(self) -> Mapping[str, tuple[str, ...]]:
        """Return what narrows, as ``Scan.selection`` keeps it: without the empty fields."""
        fields = {
            "section": self.sections,
            "pattern": self.patterns,
            "check": self.checks,
            "type": self.types,
            "severity": tuple(str(severity) for severity in self.severities),
            "region": self.regions,
        }
        return {name: values for name, values in fields.items() if values}

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Sequence[str]]) -> "Selection":
        """Return the selection that ``as_mapping`` gave FIELDS for."""
        return cls(
            sections=tuple(fields.get("section", ())),
            patterns=tuple(fields.get("pattern", ())),
            checks=tuple(fields.get("check", ())),
            types=tuple(fields.get("type", ())),
            severities=tuple(map(Severity, fields.get("severity", ()))),
            regions=tuple(fields.get("region", ())),
        )


EVERYTHING = Selection()


def load_standard(settings: "Settings") -> Standard:
    """Return the shipped standard with the overrides of the settings. Raises StandardError."""
    overrides = [settings.path(text) for text in settings.standard.overrides]
    return standards.load(catalog.bundled("checks") / "patterns.toml", overrides)


def load_checks(settings: "Settings") -> Mapping[str, Check]:
    """Return the shipped checks and those of the settings' folders, by id. Raises CatalogError."""
    return catalog.load_checks(*(settings.path(text) for text in settings.checks.folders))


def select(checks: Mapping[str, Check], standard: Standard, selection: Selection) -> Mapping[str, Check]:
    """Return the selected checks by id. Raises UsageError, with the nearest names, for a name that does not exist."""
    sections = {*standard.sections, *standard.groups}
    _must_exist("section", selection.sections, sections)
    _must_exist("pattern", selection.patterns, [pattern.id for pattern in standard])
    _must_be_judged(selection.types, checks)
    wanted = {find(id, checks).id for id in selection.checks}
    chosen = {
        id: check
        for id, check in checks.items()
        if (not wanted or id in wanted)
        and (not selection.severities or check.severity in selection.severities)
        and (not selection.types or set(check.on) & set(selection.types))
        and (not selection.patterns or set(check.patterns) & set(selection.patterns))
        and (not selection.sections or any(_within(p, selection.sections) for p in check.patterns))
    }
    if not chosen:
        raise UsageError(
            "no check is selected: what was asked for excludes one another (`auditor checks list` shows all)"
        )
    return chosen


def _within(pattern: str, sections: Sequence[str]) -> bool:
    return any(pattern.startswith(f"{section}.") for section in sections)


def _must_exist(what: str, names: Iterable[str], valid: Iterable[str]) -> None:
    known = set(valid)
    for name in names:
        if name not in known:
            raise UsageError(f"no {what} is called {name}{nearest(name, sorted(known))}")


def _must_be_judged(types: Iterable[str], checks: Mapping[str, Check]) -> None:
    """Raise UsageError for a type that no check is about: with the checks it is read for, or the nearest name."""
    judged = {type for check in checks.values() for type in check.on}
    known = judged.union(*(check.reads for check in checks.values()))
    for name in types:
        if name in judged:
            continue
        readers = sorted(id for id, check in checks.items() if name in check.reads)
        if not readers:
            raise UsageError(f"no check is about a resource type called {shown(name)}{nearest(name, sorted(known))}")
        more = f" and {len(readers) - 1} more" if readers[1:] else ""
        raise UsageError(
            f"no check is about {name}; it is read for {readers[0]}{more}: select it by --check {readers[0]}"
        )


def needed_types(checks: Iterable[Check], selection: Selection = EVERYTHING) -> tuple[str, ...]:
    """Return the resource types that CHECKS are about (of the selected ones) and join, each once, sorted."""
    needed: set[str] = set()
    for check in checks:
        needed.update(type for type in check.on if not selection.types or type in selection.types)
        needed.update(check.reads)
    return tuple(sorted(needed))


def choose_regions(asked: Sequence[str], enabled: Sequence[str] | None) -> tuple[str, ...]:
    """Return the regions to read: those ASKED for, or all ENABLED ones (``None``: not known).

    Raises UsageError for one that is known not to be enabled.
    """
    if enabled is None:
        return tuple(dict.fromkeys(asked))
    for region in asked:
        if region not in enabled:
            hint = nearest(region, enabled) or f"; enabled are {', '.join(enabled)}"
            raise UsageError(f"region {region} does not exist or is not enabled in this account{hint}")
    return tuple(dict.fromkeys(asked)) or tuple(enabled)
