"""Which tags of a resource say whose it is and where it runs."""

from collections.abc import Mapping

__all__ = ["environment", "owner"]

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
