"""Values as base64 of zlib-compressed JSON, which a page's script unpacks: nothing in it can end a script element."""

import base64
import zlib
from typing import Any

import orjson

__all__ = ["PackedList", "pack"]

_WELL, _FAST = 9, 4
"""Levels of compression; the second takes a third of the time, for one tenth more."""
_LONG = 1 << 16
"""Bytes of JSON that are compressed fast."""


def pack(value: object) -> str:
    """Return VALUE packed."""
    text = orjson.dumps(value)
    return base64.b64encode(zlib.compress(text, _WELL if len(text) <= _LONG else _FAST)).decode()


class PackedList:
    """A list that is packed while it grows."""

    def __init__(self) -> None:
        self._waiting = bytearray(b"[")
        self._made: list[bytes] = []
        self._compressor: zlib._Compress | None = None

    def add(self, value: Any) -> None:
        """Put VALUE at its end."""
        if self._made or len(self._waiting) > 1:
            self._waiting += b","
        self._waiting += orjson.dumps(value)
        if len(self._waiting) > _LONG:
            self._compressor = self._compressor or zlib.compressobj(_FAST)
            self._made.append(self._compressor.compress(self._waiting))
            self._waiting.clear()

    def text(self) -> str:
        """Return the list packed; nothing can be added any more."""
        compressor = self._compressor or zlib.compressobj(_WELL)
        self._made += [compressor.compress(self._waiting + b"]"), compressor.flush()]
        return base64.b64encode(b"".join(self._made)).decode()
