"""Makes resources of answers: finds rows, fills arguments and templates, drops what is never kept, reads tags."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from auditor.collect.declare import Call, ResourceType, Row
from auditor.kit.facts import values_at
from auditor.model import Gap, Resource, Scope

__all__ = [
    "Unreadable",
    "arguments",
    "call_key",
    "extract",
    "fill",
    "held",
    "make_resource",
    "merge",
    "tags_of",
    "weight",
]

_FIELD = re.compile(r"\{([^{}]+)\}")
_KEYS = ("Key", "key", "TagKey")
_VALUES = ("Value", "value", "TagValue")
_USUAL_TEXT = 1000
"""A row that takes so many characters as text, and five times as much memory, weighs one."""
_WEIGHED = 8
"""One row in so many is weighed, for all of them."""


class Unreadable(Exception):
    """A row lacks a field that is needed; the gap says which and why."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap


def call_key(call: Call, params: Mapping[str, Any], region: str) -> tuple[str, str, str, str]:
    """Return what two calls share when they are the same request; where their results lie does not matter."""
    return (call.service, call.operation, json.dumps(params, sort_keys=True, default=str), region)


def extract(parsed: Mapping[str, Any], path: str, lists: frozenset[str]) -> Any:
    """Return what lies at PATH in an answer: a list where PATH goes through lists or ends on one, else the value or None.

    LISTS are the answer's top-level lists: one that the answer leaves out is empty.
    """
    if not path:
        return {**{key: [] for key in lists - parsed.keys()}, **parsed} if lists else parsed
    if "[]" in path:
        found = list(values_at(parsed, path))
        return [item for value in found for item in value] if found and _all_lists(found) else found
    found = list(values_at(parsed, path))
    if not found:
        return [] if path in lists else None
    return found[0]


def held(found: Any, call: Call) -> Any:
    """Return what of FOUND, which lies at CALL's result, is held for the code that asks: its rows with the fields it needs."""
    if not call.fields or not isinstance(found, list):
        return found
    return [{name: row[name] for name in call.fields if name in row} for row in found]


def _all_lists(values: list[Any]) -> bool:
    return all(isinstance(value, list) for value in values)


def merge(first: Any, more: Any) -> Any:
    """Return two pages' results as one: lists joined, the lists within whole answers too; else what came first."""
    if isinstance(first, list) and isinstance(more, list):
        return first + more
    if isinstance(first, Mapping) and isinstance(more, Mapping):
        joined = {name: merge(first[name], more[name]) for name in first.keys() & more.keys()}
        return {**more, **first, **joined}
    return more if first is None else first


def arguments(call: Call, row: Row, action: str) -> dict[str, Any]:
    """Return the input of CALL for ROW: its fixed values and those taken from the row. Raises Unreadable without one."""
    params = dict(call.params)
    for member, path in call.args.items():
        value = _value(row, path, action)
        params[member.removesuffix("[]")] = [value] if member.endswith("[]") else value
    return params


def _value(row: Row, path: str, action: str) -> Any:
    head = row.get(path.partition(".")[0].removesuffix("[]"))
    if isinstance(head, Gap):
        raise Unreadable(head)
    found = list(values_at(row, path))
    if not found:
        raise Unreadable(Gap(action, "FieldMissing", f"the row holds no {path}"))
    return found if "[]" in path else found[0]


def fill(template: str, row: Row, where: Mapping[str, str], action: str) -> str:
    """Return TEMPLATE with its fields in braces from WHERE and ROW (paths). Raises Unreadable when one is missing."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return where[name] if name in where else str(_value(row, name, action))

    return _FIELD.sub(value, template)


def weight(rows: list[Row]) -> int:
    """Return how many usual rows would take as much memory as ROWS: at least as many as there are."""
    some = rows[::_WEIGHED]
    text = sum(len(repr(row)) for row in some)
    return max(len(rows), text * len(rows) // (_USUAL_TEXT * len(some))) if some else 0


def tags_of(value: Any) -> dict[str, str]:
    """Return tags as key to value, from any of AWS's forms: lists of Key/Value (key/value, TagKey/TagValue), plain maps."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    tags: dict[str, str] = {}
    for tag in value if isinstance(value, list) else ():
        if isinstance(tag, Mapping):
            key = next((tag[name] for name in _KEYS if name in tag), None)
            if key is not None:
                tags[str(key)] = str(next((tag[name] for name in _VALUES if name in tag), ""))
    return tags


def _without(value: Any, path: list[str]) -> Any:
    """Return VALUE without what lies at PATH, copied only as far as needed: rows are shared."""
    name = path[0]
    if isinstance(value, list):
        return [_without(item, path) for item in value]
    if not isinstance(value, Mapping) or name.removesuffix("[]") not in value:
        return value
    name = name.removesuffix("[]")
    if len(path) == 1:
        return {key: item for key, item in value.items() if key != name}
    return {key: _without(item, path[1:]) if key == name else item for key, item in value.items()}


def make_resource(
    type: ResourceType, values: Row, scope: Scope, partition: str, observed_at: datetime, action: str
) -> Resource:
    """Return the resource whose row and details are VALUES; those that are Gaps become its gaps.

    Raises Unreadable when VALUES lack what its id is made of.
    """
    where = {"account": scope.account, "region": scope.region, "partition": partition}
    id = fill(type.id, values, where, action)
    try:
        name = fill(type.name, values, where, action) if type.name else id
    except Unreadable:
        name = id.rpartition("/")[2].rpartition(":")[2]
    gaps = dict(_gaps(type, values))
    document: Any = {key: value for key, value in values.items() if not isinstance(value, Gap)}
    found = next(values_at(document, type.tags), None) if type.tags else None
    for path in type.drop:
        document = _without(document, path.split("."))
    return Resource(
        type=type.type,
        id=id,
        name=name,
        account=scope.account,
        region=scope.region,
        observed_at=observed_at,
        document=document,
        gaps=gaps,
        tags=tags_of(found),
    )


def _gaps(type: ResourceType, values: Row) -> Iterator[tuple[str, Gap]]:
    dropped = {path for path in type.drop if "." not in path}
    for key, value in values.items():
        if isinstance(value, Gap) and key not in dropped:
            yield key, value
    tags = values.get(type.tags.partition(".")[0]) if type.tags else None
    if isinstance(tags, Gap):
        yield "Tags", tags
