"""`weights.bin`: aligned, little endian, and laid out by shapes alone."""

import struct
import zlib

import numpy as np

from edgewright.codegen.weights import CRC_OFFSET, HEADER_BYTES, MAGIC, Weights
from edgewright.graph import Quant

LAYOUT = 0x0123456789ABCDEF


def filled(seed: int) -> Weights:
    random = np.random.default_rng(seed)
    weights = Weights([Quant((0.5,), (3,)), None])
    for shape, dtype in (
        ((7,), np.int8),
        ((40, 40), np.float32),
        ((5,), np.int32),
        ((1,), np.int64),
    ):
        weights.add(random.integers(-100, 100, shape).astype(dtype))
    return weights


def test_entries_are_aligned_and_readable() -> None:
    weights = filled(0)
    data = weights.data(LAYOUT)
    assert len(data) == weights.file_bytes
    assert len(data) % 64 == 0
    random = np.random.default_rng(0)
    end = HEADER_BYTES + 8 * 2
    for entry, (shape, dtype) in zip(
        weights.entries,
        (((7,), np.int8), ((40, 40), np.float32), ((5,), np.int32), ((1,), np.int64)),
        strict=True,
    ):
        assert entry.offset >= end
        assert entry.offset % (64 if entry.bytes >= 256 else 16) == 0
        end = entry.offset + entry.bytes
        stored = np.frombuffer(data[entry.offset : end], np.dtype(dtype).newbyteorder("<"))
        wanted = random.integers(-100, 100, shape).astype(dtype)
        np.testing.assert_array_equal(stored.reshape(shape), wanted)


def test_header() -> None:
    data = filled(0).data(LAYOUT)
    magic, version, layout, size, tensors = struct.unpack_from("<4sIQQI", data)
    assert (magic, version, layout, size, tensors) == (MAGIC, 1, LAYOUT, len(data), 2)
    assert struct.unpack_from("<I", data, CRC_OFFSET)[0] == zlib.crc32(data[HEADER_BYTES:])
    assert struct.unpack_from("<fi", data, HEADER_BYTES) == (0.5, 3)
    assert struct.unpack_from("<fi", data, HEADER_BYTES + 8) == (0.0, 0)


def test_other_numbers_have_the_same_layout() -> None:
    one, other = filled(0), filled(1)
    assert one.entries == other.entries
    assert one.data(LAYOUT) != other.data(LAYOUT)
    assert len(one.data(LAYOUT)) == len(other.data(LAYOUT))


def test_big_endian_arrays_are_stored_little() -> None:
    weights = Weights([])
    weights.add(np.array([1, 2], ">i4"))
    entry = weights.entries[0]
    assert weights.data(0)[entry.offset : entry.offset + 8] == struct.pack("<ii", 1, 2)
