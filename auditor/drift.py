"""What differs between two scans: the nouns, and the comparison of two documents field by field. Imports the model only."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from auditor.model import FindingState, Scan, Scope, Score

__all__ = [
    "Cause",
    "Comparison",
    "Drift",
    "FieldChange",
    "FieldKind",
    "FindingTurn",
    "Incomparable",
    "Member",
    "Newly",
    "ResourceChange",
    "ResourceRef",
    "canonical",
    "compare",
    "differences",
]


class Member(NamedTuple):
    """A step into a list: the one item whose FIELDS have these values."""

    fields: tuple[str, ...]
    values: tuple[Any, ...]


Step = str | Member


class FieldKind(StrEnum):
    """How a field differs."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    ITEM_ADDED = "item added"
    """The path is that of a list; the order of its items says nothing."""
    ITEM_REMOVED = "item removed"


class FieldChange(NamedTuple):
    """One difference between two documents."""

    path: tuple[Step, ...]
    kind: FieldKind
    before: Any = None
    after: Any = None

    @property
    def where(self) -> str:
        """The path as text: ``Tags[Key=env].Value``; ``SecurityGroups[]`` for an item of a list."""
        text = ""
        for step in self.path:
            if isinstance(step, Member):
                text += "[" + ",".join(f"{n}={_word(v)}" for n, v in zip(step.fields, step.values, strict=True)) + "]"
            else:
                text += f".{step}" if text else step
        return text + ("[]" if self.kind in (FieldKind.ITEM_ADDED, FieldKind.ITEM_REMOVED) else "")

    @property
    def mirrored(self) -> "FieldChange":
        """The difference seen from the other side."""
        return FieldChange(self.path, _MIRROR[self.kind], self.after, self.before)


_MIRROR = {
    FieldKind.CHANGED: FieldKind.CHANGED,
    FieldKind.ADDED: FieldKind.REMOVED,
    FieldKind.REMOVED: FieldKind.ADDED,
    FieldKind.ITEM_ADDED: FieldKind.ITEM_REMOVED,
    FieldKind.ITEM_REMOVED: FieldKind.ITEM_ADDED,
}


class ResourceRef(NamedTuple):
    """A resource without its document."""

    type: str
    region: str
    id: str
    name: str


class ResourceChange(NamedTuple):
    """A resource that both scans know and that is not the same."""

    resource: ResourceRef
    fields: tuple[FieldChange, ...]
    unread: tuple[str, ...] = ()
    """Fields that one of the two could not read: nothing is said of them."""


class Incomparable(NamedTuple):
    """A scope that one of the two scans did not read: what it holds is neither new nor gone."""

    scope: Scope
    before: str
    """How the first scan read it: a coverage state, or ``not read``."""
    after: str


class Newly(NamedTuple):
    """A field that another version of the program reads, or reads no more: no resource changed by that."""

    type: str
    field: str
    resources: int


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs between two scans' inventories. Fields that change by themselves are no drift."""

    added: tuple[ResourceRef, ...] = ()
    changed: tuple[ResourceChange, ...] = ()
    gone: tuple[ResourceRef, ...] = ()
    incomparable: tuple[Incomparable, ...] = ()
    newly: tuple[Newly, ...] = ()


class Cause(StrEnum):
    """What made a finding turn."""

    ACCOUNT = "account"
    CHECK = "check"
    """The check's code, or that of the kit it stands on, was changed, and nothing that it looks at was."""
    STANDARD = "standard"
    """The numbers it judges by were changed, and nothing that the check looks at was."""
    EITHER = "check or account"
    """Both were changed, and what the finding tells does not say which it was."""
    SCOPE = "scope"
    """One of the two scans did not read or judge it."""


class FindingTurn(NamedTuple):
    """A finding that stands differently; its state's lifecycle says how: opened, reopened, resolved, vanished, unverified."""

    state: FindingState
    """As the later scan sees it; what is resolved or vanished, as the earlier one saw it."""
    cause: Cause


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two scans of an account."""

    before: Scan
    after: Scan
    differences: tuple[str, ...]
    """In words, what is different between their questions; nothing: their scores compare."""
    drift: Drift
    turns: tuple[FindingTurn, ...] = ()
    scores: tuple[Sequence[Score], Sequence[Score]] = ((), ())
    """Before and after."""
    savings: tuple[Mapping[str, float] | None, Mapping[str, float] | None] = field(default_factory=lambda: ({}, {}))
    """USD a month by section id, before and after; per resource the largest saving, never the sum, without waived findings
    and commitments; ``None``: that scan did not judge cost."""

    @property
    def other_program(self) -> bool:
        """Whether another version of the program made the later scan."""
        return self.before.program_version != self.after.program_version


def differences(old: Scan, new: Scan) -> tuple[str, ...]:
    """Return, in words, what is different between the questions of two scans; nothing: their scores compare."""
    found = []
    if old.standard_digest != new.standard_digest:
        found.append("the standard or its numbers were changed")
    if old.checks_digest != new.checks_digest:
        found.append("the checks were changed")
    more, fewer = sorted(set(new.regions) - set(old.regions)), sorted(set(old.regions) - set(new.regions))
    for regions, word in ((more, "more"), (fewer, "fewer")):
        if regions:
            count = f"{len(regions)} region{'s' if len(regions) != 1 else ''}"
            found.append(f"{count} {word} ({', '.join(regions)})")
    if _selection(old) != _selection(new):
        found.append("the scans were narrowed differently")
    return tuple(found)


def _selection(scan: Scan) -> dict[str, frozenset[str]]:
    # Which regions it was is told beside: from where they were named makes no other question.
    return {key: frozenset(values) for key, values in scan.selection.items() if values and key != "region"}


# ---- documents -------------------------------------------------------------------------------------------------------

_ORDERED = frozenset({"command", "args", "entrypoint", "commands", "arguments"})
"""Lists, by the last field of their path in lower case, whose order means something; of all others AWS keeps none."""

_IDENTITIES = (("Key",), ("key",), ("Name",), ("name",), ("Id",), ("id",), ("Arn",), ("arn",), ("Sid",),
               ("IpProtocol", "FromPort", "ToPort"), ("CidrIp",), ("CidrIpv6",))  # fmt: skip
"""Fields by which an item of a list is the same one later, before any that ends like an id."""
_ENDS = ("Id", "Identifier", "Name", "Arn", "ARN")


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Return the differences between two documents (JSON values), by path.

    Nested fields have their own; the items of a list are compared without regard to their order, matched by what identifies
    them (a tag by its key, a rule by protocol and ports) where something does.
    """
    return tuple(_fields(before, after, ()))


def _fields(before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[Step, ...]) -> Iterator[FieldChange]:
    for name in sorted({*before, *after}):
        if name not in after:
            yield FieldChange((*path, name), FieldKind.REMOVED, before[name])
        elif name not in before:
            yield FieldChange((*path, name), FieldKind.ADDED, None, after[name])
        else:
            yield from _values(before[name], after[name], (*path, name))


def _values(before: Any, after: Any, path: tuple[Step, ...]) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _fields(before, after, path)
    elif isinstance(before, list) and isinstance(after, list) and not _is_ordered(path):
        yield from _items(before, after, path)
    elif type(before) is not type(after) or canonical(before) != canonical(after):
        yield FieldChange(path, FieldKind.CHANGED, before, after)


def _is_ordered(path: tuple[Step, ...]) -> bool:
    last = path[-1]
    return isinstance(last, str) and last.lower() in _ORDERED


def _items(before: list[Any], after: list[Any], path: tuple[Step, ...]) -> Iterator[FieldChange]:
    fields = _identity(before, after)
    if fields:
        was, now = ({_values_of(item, fields): item for item in held} for held in (before, after))
        for values in sorted({*was, *now}, key=repr):
            if values not in now:
                yield FieldChange(path, FieldKind.ITEM_REMOVED, was[values])
            elif values not in was:
                yield FieldChange(path, FieldKind.ITEM_ADDED, None, now[values])
            else:
                yield from _fields(was[values], now[values], (*path, Member(fields, values)))
        return
    counts = Counter(map(canonical, after))
    counts.subtract(map(canonical, before))
    for text, count in sorted(counts.items()):
        item = json.loads(text)
        for _ in range(abs(count)):
            if count < 0:
                yield FieldChange(path, FieldKind.ITEM_REMOVED, item)
            else:
                yield FieldChange(path, FieldKind.ITEM_ADDED, None, item)


def _identity(before: list[Any], after: list[Any]) -> tuple[str, ...] | None:
    """Return the fields by which the items of both lists are known, if there are such."""
    if not before or not after or not all(isinstance(item, Mapping) for item in (*before, *after)):
        return None
    ends = sorted(name for name in before[0] if name.endswith(_ENDS))
    for fields in (*_IDENTITIES, *((name,) for name in ends)):
        if all(_is_known(held, fields) for held in (before, after)):
            return fields
    return None


def _is_known(items: Iterable[Mapping[str, Any]], fields: tuple[str, ...]) -> bool:
    seen = set()
    for item in items:
        values = _values_of(item, fields)
        if not isinstance(values[0], str) or not all(isinstance(v, str | int | None) for v in values) or values in seen:
            return False
        seen.add(values)
    return True


def _values_of(item: Mapping[str, Any], fields: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in fields)


def canonical(value: Any) -> str:
    """Return a text that is the same for values that differ in nothing but the order of fields, and of items of lists."""
    return json.dumps(_sorted(value), sort_keys=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: held if name.lower() in _ORDERED and isinstance(held, list) else _sorted(held)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _word(value: Any) -> str:
    return "" if value is None else str(value)
