"""`weights.bin`: every trained number, at offsets that depend on shapes only.

Header (64 bytes, little endian): magic "EWWT", interface version u32, layout hash u64, size of the
file u64, number of interface tensors u32, CRC32 of all that follows the header u32, zeros. Then one
{float32 scale, int32 zero} per interface tensor, then the arrays.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.graph import DType, Quant

MAGIC = b"EWWT"
INTERFACE_VERSION = 1
HEADER_BYTES = 64
CRC_OFFSET = 28


@dataclass(frozen=True)
class Entry:
    """Where one array lies."""

    offset: int
    bytes: int
    dtype: str
    owner: str


class Weights:
    """Collects arrays; offsets are final as soon as they are given out."""

    def __init__(self, interface: list[Quant | None]) -> None:
        self.interface = interface
        self.entries: list[Entry] = []
        self._chunks: list[tuple[int, bytes]] = []
        self._end = HEADER_BYTES + 8 * len(interface)

    def add(self, array: npt.NDArray[Any], owner: str = "") -> tuple[int, DType]:
        """Offset and element type of the stored array: 64-byte aligned, small ones to 16."""
        dtype = DType.of(array.dtype)
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        step = 64 if len(little) >= 256 else 16
        offset = -(-self._end // step) * step
        self._chunks.append((offset, little))
        self.entries.append(Entry(offset, len(little), dtype.value, owner))
        self._end = offset + len(little)
        return offset, dtype

    @property
    def file_bytes(self) -> int:
        """Size of the file: a multiple of 64, so that loads of the last entry stay inside."""
        return -(-self._end // 64) * 64

    def data(self, layout_hash: int) -> bytes:
        """The file."""
        out = bytearray(self.file_bytes)
        out[:28] = struct.pack(
            "<4sIQQI", MAGIC, INTERFACE_VERSION, layout_hash, self.file_bytes, len(self.interface)
        )
        for index, quant in enumerate(self.interface):
            scale, zero = (quant.scale[0], quant.zero[0]) if quant else (0.0, 0)
            struct.pack_into("<fi", out, HEADER_BYTES + 8 * index, scale, zero)
        for offset, chunk in self._chunks:
            out[offset : offset + len(chunk)] = chunk
        struct.pack_into("<I", out, CRC_OFFSET, zlib.crc32(memoryview(out)[HEADER_BYTES:]))
        return bytes(out)
