"""FlexBuffers maps of numbers: how custom operators hold their options.

The last byte of a buffer is the width of the root, the one before it its type, and the root lies
before them. Everything is reached by offsets backwards, each of which is checked here; what is
neither a number nor a boolean is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from edgewright.errors import InvalidModel

Number = int | float | bool
_MAP, _BOOL = 9, 26
_INLINE = {1: "int", 2: "uint", 3: "float", _BOOL: "uint"}
_INDIRECT = {6: "int", 7: "uint", 8: "float"}
_FORMATS = {"int": "bhiq", "uint": "BHIQ", "float": " efd"}
_WIDTHS = (1, 2, 4, 8)
_LONGEST_KEY = 256
_MOST_KEYS = 4096


def read_map(data: bytes) -> Mapping[str, Number]:
    """The numbers of a map by their keys.

    Raises:
        InvalidModel: the bytes are not a map, or one of its offsets leads outside of them.
    """
    if len(data) < 3:
        raise _damaged(f"they are {len(data)} bytes")
    if data[-2] >> 2 != _MAP or data[-1] not in _WIDTHS:
        raise _damaged("they are not a map")
    buffer = _Buffer(data)
    root = buffer.follow(len(data) - 2 - data[-1], data[-1])
    return buffer.map(root, 1 << (data[-2] & 3))


def _damaged(what: str) -> InvalidModel:
    return InvalidModel(f"the custom options are damaged: {what}")


class _Buffer:
    """Reads within bounds."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def number(self, kind: str, at: int, width: int) -> Number:
        """A little-endian number of `width` bytes."""
        if at < 0 or at + width > len(self.data):
            raise _damaged(f"byte {at} is beyond their {len(self.data)}")
        code = _FORMATS[kind][_WIDTHS.index(width)]
        if code == " ":
            raise _damaged("a float has one byte")
        value: Number = struct.unpack_from("<" + code, self.data, at)[0]
        return value

    def size(self, at: int, width: int) -> int:
        return int(self.number("uint", at, width))

    def follow(self, at: int, width: int) -> int:
        """Where an offset leads, which is stored at a place."""
        target = at - self.size(at, width)
        if target < 0:
            raise _damaged(f"the offset at byte {at} leads before them")
        return target

    def map(self, at: int, width: int) -> dict[str, Number]:
        """The map whose first value is at a place."""
        count = self.size(at - width, width)
        if count > _MOST_KEYS:
            raise _damaged(f"they have {count} keys")
        keys = self.follow(at - 3 * width, width)
        key_width = self.size(at - 2 * width, width)
        if key_width not in _WIDTHS:
            raise _damaged(f"keys have {key_width} bytes")
        if self.size(keys - key_width, key_width) != count:
            raise _damaged("keys and values differ in number")
        found: dict[str, Number] = {}
        for index in range(count):
            key = self.text(self.follow(keys + index * key_width, key_width))
            kind = self.size(at + count * width + index, 1)
            value = self.value(kind, at + index * width, width)
            if value is not None:
                found[key] = value
        return found

    def value(self, kind: int, at: int, width: int) -> Number | None:
        """A number in place, or one that an offset leads to; None for anything else."""
        type, own = kind >> 2, 1 << (kind & 3)
        if type in _INDIRECT:
            return self.number(_INDIRECT[type], self.follow(at, width), own)
        if type not in _INLINE:
            return None
        value = self.number(_INLINE[type], at, width)
        return bool(value) if type == _BOOL else value

    def text(self, at: int) -> str:
        end = self.data.find(b"\0", at, at + _LONGEST_KEY)
        if end < 0:
            raise _damaged("a key does not end")
        return self.data[at:end].decode("utf-8", "backslashreplace")
