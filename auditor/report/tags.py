"""Tags as readers see them, and which of a resource's say whose it is and where it runs."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.report.columns import Alike, alike
from auditor.report.text import clean_all, short, visible, word

__all__ = ["TagColumns", "clean_tags", "environment", "owner", "tag_columns"]

_ENVIRONMENT = ("environment", "env", "stage")
_OWNER = ("owner", "team", "contact")
_KEY, _VALUE = 256, 512
"""Characters of a tag."""


@dataclass(frozen=True, slots=True)
class TagColumns:
    """The tags of many resources, clean and not endless."""

    alike: list[Alike]
    """All, those of the same keys together."""
    owners: list[str]
    """Whose each resource is; empty where its tags do not say."""
    environments: list[str]
    """Where each runs; likewise."""


def clean_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return a resource's TAGS, clean and not endless."""
    return {word(short(key, _KEY)): visible(short(value, _VALUE)) for key, value in tags.items()}


def tag_columns(tagged: Sequence[Mapping[str, str]]) -> TagColumns:
    """Return the tags of many resources (at least one) as columns."""
    found = alike(tagged)
    if not all(_plain(kind.keys) for kind in found):
        found = alike(list(map(clean_tags, tagged)))
    shown = [Alike(keys, where, list(map(_values, columns))) for keys, where, columns in found]
    owners, environments = ([""] * len(tagged), [""] * len(tagged))
    for keys, where, columns in shown:
        for key, told in zip(_keys_of(keys), (owners, environments), strict=True):
            if key:
                values = columns[keys.index(key)]
                if where is None:
                    told[:] = values
                for place, value in zip(where or (), values, strict=False):
                    told[place] = value
    return TagColumns(shown, owners, environments)


def _values(values: list[str]) -> list[str]:
    if clean_all(values) is values and max(map(len, values)) <= _VALUE:
        return values
    return [visible(short(value, _VALUE)) for value in values]


@functools.lru_cache(maxsize=1024)
def _plain(keys: tuple[str, ...]) -> bool:
    """Tell whether tags of these KEYS are shown under the very same."""
    return all(word(short(key, _KEY)) == key for key in keys)


def environment(tags: Mapping[str, str]) -> str:
    """Return the value of the first of the tags ``environment``, ``env`` and ``stage``, whatever their case; else empty."""
    return _first(tags, _ENVIRONMENT)


def owner(tags: Mapping[str, str]) -> str:
    """Return the value of the first of the tags ``owner``, ``team`` and ``contact``, whatever their case; else empty."""
    return _first(tags, _OWNER)


def _first(tags: Mapping[str, str], keys: tuple[str, ...]) -> str:
    lower = {key.lower(): value for key, value in tags.items()}
    return next((lower[key] for key in keys if key in lower), "")


@functools.lru_cache(maxsize=1024)
def _keys_of(keys: tuple[str, ...]) -> tuple[str, str]:
    """Return which of a resource's tags (its KEYS) say whose it is and where it runs; empty where none does."""
    named = {key: key for key in keys}
    return owner(named), environment(named)
