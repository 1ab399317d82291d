"""Weights of 8 or 4 bits with a scale for each block: their meaning, and how kernels read them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgewright.graph import DType
from edgewright.ops import Array
from edgewright.ops.packing import LANES, round_up

Float32 = npt.NDArray[np.float32]

#: what block-wise weights may be stored as
STORED = (DType.INT8, DType.UINT8, DType.INT4, DType.UINT4)
#: lowest and highest number of a symmetric quantisation
HIGHEST = {DType.INT8: 127, DType.INT4: 7}


def real(x: Array, scale: Array, zero: Array | None, axis: int, block: int) -> Float32:
    """scale * (x - zero) in float32; scales and zero points are per `block` numbers of `axis`."""
    size = x.shape[axis]

    def spread(array: Array) -> Array:
        return np.take(np.repeat(array, block, axis=axis), np.arange(size), axis=axis)

    centre = x.astype(np.int32) - (0 if zero is None else spread(zero.astype(np.int32)))
    return np.asarray(spread(scale).astype(np.float32) * centre.astype(np.float32))


def quantized(w: Array, dtype: DType, block: int) -> tuple[Array, Float32]:
    """Symmetric quantisation of rows [N, K]: integers, and scales [N, ceil(K / block)].

    The largest magnitude of a block becomes the highest integer; zeros get a scale of 1.
    """
    rows, size = w.shape
    count = -(-size // block)
    padded = np.zeros((rows, count * block), np.float32)
    padded[:, :size] = w
    blocks = padded.reshape(rows, count, block)
    largest = np.abs(blocks).max(axis=2)
    scale = (largest / np.float32(HIGHEST[dtype])).astype(np.float32)
    scale = np.where(scale > 0, scale, np.float32(1.0)).astype(np.float32)
    steps = np.clip(np.rint(blocks / scale[..., None]), -HIGHEST[dtype], HIGHEST[dtype])
    return steps.astype(np.int8).reshape(rows, -1)[:, :size], scale


# -- packing ---------------------------------------------------------------------------------------


def signed(x: Array, dtype: DType) -> tuple[npt.NDArray[np.int8], int]:
    """Stored numbers as signed ones, and what was taken off them."""
    offset = {DType.UINT8: 128, DType.UINT4: 8}.get(dtype, 0)
    return (x.astype(np.int16) - offset).astype(np.int8), offset


def pack_8(w: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """[N, K] as [ceil(N / 16), K, 16], zero-filled."""
    return np.ascontiguousarray(_groups(w).swapaxes(1, 2), np.int8)


def pack_4(w: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """[N, K] as bytes [ceil(N / 16), ceil(K / 8), 16, 4] of two numbers plus 8.

    Byte j holds number 8k + j in its lower half, and 8k + 4 + j in its upper one.
    """
    padded = np.pad(w, ((0, 0), (0, -w.shape[1] % 8)))
    halves = (_groups(padded.reshape(w.shape[0], -1, 2, 4)) + 8).astype(np.uint8)
    packed = halves[:, :, :, 0] | halves[:, :, :, 1] << 4
    return np.ascontiguousarray(packed.swapaxes(1, 2))


def digits_bytes(depth: int, blocks: int, bits: int = 4) -> int:
    """Scratch of `ew_digits_of`, or for 8-bit weights of `ew_quads_of`."""
    digit_bytes = 3 if bits == 4 else 4
    return round_up(12 * blocks, 64) + round_up(digit_bytes * round_up(depth, 8), 64)


def pack_scales(scale: Array) -> Float32:
    """[N, blocks] as float32 [ceil(N / 16), blocks, 16]."""
    return np.ascontiguousarray(_groups(scale).swapaxes(1, 2), np.float32)


def _groups(rows: Array) -> Array:
    """[N, ...] as [ceil(N / 16), 16, ...], zero-filled."""
    fill = [(0, -rows.shape[0] % LANES)] + [(0, 0)] * (rows.ndim - 1)
    return np.pad(rows, fill).reshape(-1, LANES, *rows.shape[1:])
