"""Whether an EventBridge rule's pattern lets an event through: the only sure way to know what a rule hears."""

import json
import operator
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["matches"]

_ABSENT = object()
_COMPARISONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt}


def matches(pattern: str | Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether PATTERN (JSON text as DescribeRule gives it, or its parsed form) matches EVENT.

    Raises ValueError for what is no pattern and for operators that are not known here (``cidr``).

    Source: EventBridge User Guide, "Comparison operators for use in event patterns".
    """
    parsed = json.loads(pattern) if isinstance(pattern, str) else pattern
    if not isinstance(parsed, Mapping):
        raise ValueError("an event pattern must be an object")
    return _object(parsed, event)


def _object(pattern: Mapping[str, Any], event: Any) -> bool:
    held = event if isinstance(event, Mapping) else {}
    return all(_field(key, wanted, held) for key, wanted in pattern.items())


def _field(key: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if key == "$or" and isinstance(wanted, Sequence):
        return any(_object(choice, event) for choice in wanted)
    if isinstance(wanted, Mapping):
        return _object(wanted, event.get(key))
    if not isinstance(wanted, list):
        raise ValueError("a field of an event pattern must be an object or a list")
    value = event.get(key, _ABSENT)
    values = value if isinstance(value, list) else [value]
    return any(_accepts(rule, item) for rule in wanted for item in values or [_ABSENT])


def _accepts(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return value is not _ABSENT and type(rule) is type(value) and bool(rule == value)
    if len(rule) != 1:
        raise ValueError("an operator of an event pattern must stand alone")
    name, wanted = next(iter(rule.items()))
    if name == "exists":
        return (value is not _ABSENT) == bool(wanted)
    if value is _ABSENT:
        return False
    if name == "anything-but":
        return not any(_accepts(item, value) for item in (wanted if isinstance(wanted, list) else [wanted]))
    if name == "numeric":
        return _numeric(wanted, value)
    return _text(name, wanted, value)


def _text(name: str, wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list):
        return any(_text(name, item, value) for item in wanted)
    if isinstance(wanted, Mapping) and name in ("prefix", "suffix") and set(wanted) == {"equals-ignore-case"}:
        lower = value.lower() if isinstance(value, str) else value
        return _text(name, str(wanted["equals-ignore-case"]).lower(), lower)
    if not isinstance(wanted, str) or name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise ValueError(f"the operator {name} of an event pattern is not known")
    if not isinstance(value, str):
        return False
    if name == "prefix":
        return value.startswith(wanted)
    if name == "suffix":
        return value.endswith(wanted)
    if name == "equals-ignore-case":
        return value.lower() == wanted.lower()
    return _wildcard(wanted, value)


def _wildcard(wanted: str, value: str) -> bool:
    r"""Match ``*`` against any text (``\*`` is a star); linear, whatever the pattern."""
    parts = [part.replace("\0", "*") for part in wanted.replace("\\*", "\0").split("*")]
    if len(parts) == 1:
        return value == parts[0]
    first, *middle, last = parts
    if not value.startswith(first) or len(value) < len(first) + len(last) or not value.endswith(last):
        return False
    place, end = len(first), len(value) - len(last)
    for part in middle:
        place = value.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def _numeric(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, list) or len(wanted) % 2 or not set(wanted[::2]) <= set(_COMPARISONS):
        raise ValueError("the operator numeric of an event pattern takes pairs of comparison and number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return all(_COMPARISONS[sign](value, number) for sign, number in zip(wanted[::2], wanted[1::2], strict=True))
