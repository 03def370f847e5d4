"""Values of findings that are alike as columns: what is equal is said once, and what comes again by its number.

A *piece* is what a column says of one run of findings: a text or a number, which holds for all; a list, of one for each; or an
object, whose ``at`` says of each which one of ``of`` it is.
"""

import marshal
from collections.abc import Mapping, Sequence
from itertools import chain, count
from typing import Any, NamedTuple, TypeVar

from auditor.report.text import LONGEST, clean_all, json_text, short

__all__ = ["ARN", "NAME", "Alike", "Piece", "alike", "fact_piece", "picked", "piece", "text_piece"]

T = TypeVar("T")
Piece = str | int | list[Any] | dict[str, list[Any]]
NAME, ARN = "\x01", "\x02"
"""What stands for a finding's own name and ARN. No text of a view holds such characters."""
_FEW = 16
"""Numbers that are as short themselves."""
_ATOMS = (str, int, bool, type(None))
"""Types whose equal values read the same."""


class Alike(NamedTuple):
    """Maps of the same keys, in the same order."""

    keys: tuple[str, ...]
    where: list[int] | None
    """Their places in the list they come from; ``None``: they are all of it."""
    columns: list[list[Any]]
    """The values of each key."""


def picked(values: list[T], places: list[int] | None) -> list[T]:
    """Return the VALUES at PLACES; ``None``: all."""
    return values if places is None else [values[place] for place in places]


def alike(maps: Sequence[Mapping[str, Any]]) -> list[Alike]:
    """Return MAPS as columns, those of the same keys together, in the order the keys come first."""
    keys = list(map(tuple, maps))
    if keys.count(keys[0]) == len(keys):
        return [Alike(keys[0], None, _columns(maps))]
    places: dict[tuple[str, ...], list[int]] = {}
    for place, own in enumerate(keys):
        places.setdefault(own, []).append(place)
    return [Alike(own, where, _columns([maps[place] for place in where])) for own, where in places.items()]


def _columns(maps: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    return list(map(list, zip(*[held.values() for held in maps], strict=True)))


def piece(values: list[Any]) -> Piece:
    """Return texts or numbers, at least one, as a piece."""
    different = dict.fromkeys(values)
    if len(different) == 1:
        return values[0]  # type: ignore[no-any-return]
    return _numbered(values, different, list(different)) if _again(different, values) else values


def _again(different: Mapping[Any, Any], values: list[Any]) -> bool:
    """Tell whether so few of VALUES are DIFFERENT that their numbers are shorter."""
    return len(different) * 2 <= len(values) and (isinstance(values[0], str) or len(values) > _FEW)


def _numbered(values: list[Any], different: Mapping[Any, Any], shown: list[Any]) -> Piece:
    """Return VALUES as the numbers of those that are DIFFERENT, which stand there as SHOWN."""
    number = dict(zip(different, count()))
    return {"of": shown, "at": [number[value] for value in values]}


def text_piece(texts: list[str], names: list[str], arns: list[str]) -> Piece:
    """Return TEXTS as a piece, with a mark for one that is its finding's name or ARN."""
    if texts == names:
        return NAME
    if texts == arns:
        return ARN
    made = piece(texts)
    if made is not texts:
        return made
    every = zip(texts, names, arns, strict=True)
    return [NAME if text == name else ARN if text == arn else text for text, name, arn in every]


def fact_piece(values: list[Any], names: list[str], arns: list[str]) -> Piece:
    """Return the values of one fact as a piece: as readers see them, not endless, with marks as ``text_piece`` sets them."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds.issubset(_ATOMS):
        different = dict.fromkeys(values)
        if len(different) == 1 and len(values) > 1:
            return _text(values[0])
        if _again(different, values):
            return _numbered(values, different, list(map(_text, different)))
    return text_piece(_texts(values, kinds), names, arns)


def _text(value: object) -> str:
    return short(json_text(value), LONGEST)


def _texts(values: list[Any], kinds: set[type]) -> list[str]:
    """Return ``_text`` of each, of these KINDS; those that are of one are made together."""
    if kinds == {str}:
        return values if all(values) and clean_all(values) is values else list(map(_text, values))
    if kinds == {int}:
        return list(map(str, values))
    if kinds == {list}:
        within = list(chain.from_iterable(values))
        if set(map(type, within)) == {str} and all(values) and all(within) and clean_all(within) is within:
            return [short(", ".join(some), LONGEST) for some in values]
    made: dict[bytes, str] = {}
    texts = []
    for value in values:
        try:
            key = marshal.dumps(value)
        except ValueError:  # of a type of Python's own
            texts.append(_text(value))
            continue
        if key not in made:
            made[key] = _text(value)
        texts.append(made[key])
    return texts
