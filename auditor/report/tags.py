"""Which tags of a resource say whose it is and where it runs."""

import functools
from collections.abc import Mapping

__all__ = ["environment", "keys_of", "owner"]

_ENVIRONMENT = ("environment", "env", "stage")
_OWNER = ("owner", "team", "contact")


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
def keys_of(keys: tuple[str, ...]) -> tuple[str, str]:
    """Return which of a resource's tags (its KEYS) say whose it is and where it runs; empty where none does."""
    named = {key: key for key in keys}
    return owner(named), environment(named)
