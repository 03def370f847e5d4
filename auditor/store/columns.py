"""The store's column types: text that may hold anything, moments in UTC, and small JSON values."""

import json
import re
from array import array
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, DateTime, Dialect, Integer, Text, bindparam
from sqlalchemy.types import TypeDecorator

__all__ = ["ID", "JsonText", "Moment", "SafeText", "decode_text", "encode_text", "plain", "some_of"]

ID = BigInteger().with_variant(Integer, "sqlite")
"""A number that identifies a row; SQLite fills in only what is called INTEGER."""

_UNSAFE = re.compile("[\x00\\\\\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")


def some_of(column: ColumnElement[Any]) -> BindParameter[Any]:
    """Return the values of COLUMN that a statement is about: they are told it as ``some`` when it is run.

    A statement that names its rows is part of a cycle, and stays with them until Python looks for garbage.
    """
    return bindparam("some", type_=column.type, expanding=True)


def encode_text(text: str) -> str:
    r"""The text as any database takes it: NUL, lone surrogates and the backslash as ``\uXXXX``.

    PostgreSQL refuses NUL in text, and neither driver encodes a lone surrogate; a tag or a name may hold both.
    """
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def decode_text(text: str) -> str:
    """What ``encode_text`` was given."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


class SafeText(TypeDecorator[str]):
    """Text from an account: any code point, any length, nothing lost."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else encode_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """From the database."""
        return None if value is None else decode_text(value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database; a naive time is the caller's mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the store takes aware times only, not {value!r}")
        value = value.astimezone(UTC)
        # SQLite's datetime keeps no zone.
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """A small JSON value as text, legible with any client."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else encode_text(json.dumps(value, default=plain, ensure_ascii=False))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """From the database."""
        return None if value is None else json.loads(decode_text(value))


def plain(value: Any) -> Any:
    """What a JSON encoder does not know: any mapping is a dict, any tuple, set or array of numbers a list."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, array):
        return value.tolist()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")
