"""Weights as the kernels read them, and the scratch memory that kernels need.

Every packed array is in blocks of 16 output channels, zero-filled, one group after the other.
The layouts are the ones that `kernels/*.h` document; `tests/kernels/` runs both sides.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgewright.ops.integer.add import AddFixed, AddShort
from edgewright.ops.integer.fixed_point import Multiplier
from edgewright.ops.integer.requantize import Bounds

Float32 = NDArray[np.float32]
Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Weights8 = NDArray[np.int8] | NDArray[np.uint8]

LANES = 16
LARGEST_TILE = 12  # rows of the largest register tile of any ISA (EW_F32_ROWS)
LARGEST_TILE_Q8 = 14  # the same for 8 bits (EW_Q8_ROWS)
ALIGNMENT = 64
DOT_BYTES = 768  # kernels/depthwise_dot_q8.h: the second bytes of weights, 64 lanes
DOT_FIVE_BYTES = 3648  # kernels/depthwise_dot_five_q8.h: constants of 64 lanes
_DOT_ROOM = {(3, 3): DOT_BYTES, (5, 5): DOT_FIVE_BYTES}
WEIGHTS_BYTES, ROWS_BYTES = 256 * 1024, 384 * 1024  # EW_CONV_WEIGHTS_BYTES, EW_CONV_ROWS_BYTES
GATHERED_BELOW = 16  # float32 channels; windows of fewer are copied into whole rows first


def round_up(value: int, to: int) -> int:
    """The smallest multiple of `to` that is not below `value`."""
    return -(-value // to) * to


# -- scratch ---------------------------------------------------------------------------------------


def conv_scratch_bytes(
    kernel: tuple[int, int],
    channels: int,
    element_bytes: int,
    pointer_bytes: int = 8,
    pixels: int = LARGEST_TILE_Q8,
) -> int:
    """Scratch of `ew_conv_*` and, with kernel (1, 1), of `ew_fully_connected_*`.

    Args:
        kernel: height and width of the window.
        channels: input channels of one group.
        element_bytes: 4 for float32, 1 for int8 and uint8.
        pointer_bytes: bytes of a pointer on the target.
        pixels: output pixels of all images; fewer than a tile need fewer gathered rows.
    """
    depth = math.prod(kernel) * channels
    if element_bytes == 1:  # pointers, sums, rows, and what copies of whole vectors write more
        pointers = round_up(LARGEST_TILE_Q8 * pointer_bytes, ALIGNMENT)
        rows = min(LARGEST_TILE_Q8, pixels) * round_up(depth, ALIGNMENT)
        return pointers + ALIGNMENT + rows + ALIGNMENT
    held = min(LARGEST_TILE, pixels)
    pointers = round_up(LARGEST_TILE * pointer_bytes, ALIGNMENT)
    pad = round_up(channels * element_bytes, ALIGNMENT)
    if depth > channels and channels < GATHERED_BELOW:
        return pad + pointers + round_up(held * depth * element_bytes, ALIGNMENT)
    taps = math.prod(kernel)
    return pad + round_up(taps * LARGEST_TILE * pointer_bytes, ALIGNMENT)


def q8_rows_bytes(depth: int, columns: int, pixels: int) -> int:
    """What 8-bit products need besides on x86: rows that are gathered once for all columns.

    Args:
        depth: bytes of a row.
        columns: of one group.
        pixels: rows.
    """
    if round_up(depth, 4) * columns <= WEIGHTS_BYTES:
        return 0
    row_bytes = round_up(depth, ALIGNMENT)
    return min(ROWS_BYTES // row_bytes, pixels) * row_bytes


def q8_image_bytes(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
    channels: int,
    pointer_bytes: int = 8,
) -> int:
    """The same for 8-bit convolutions: a copy of one image with its padding, pointers at its taps.

    Args:
        kernel: height and width of the window.
        stride: of the window.
        dilation: of the window.
        size: height and width of the result.
        channels: of all groups.
        pointer_bytes: bytes of a pointer on the target.
    """
    if kernel == (1, 1):
        return 0
    axes = zip(size, stride, kernel, dilation, strict=True)
    sizes = [(out - 1) * step + (taps - 1) * apart + 1 for out, step, taps, apart in axes]
    pointers = round_up(math.prod(kernel) * LARGEST_TILE_Q8 * pointer_bytes, ALIGNMENT)
    return pointers + round_up(math.prod(sizes) * channels + ALIGNMENT, ALIGNMENT)


def matmul_scratch_bytes(rows: int, inner: int, columns: int, pointer_bytes: int = 8) -> int:
    """Scratch of `ew_matmul_s8` and `_u8`: the second operand packed, its channels, the product's.

    Args:
        rows: of the first operand.
        inner: its columns, and rows of the second.
        columns: of the second.
        pointer_bytes: bytes of a pointer on the target.
    """
    padded = round_up(columns, 16)
    packed, channels = padded * round_up(inner, 4), padded * 3 * 4
    product = conv_scratch_bytes((1, 1), inner, 1, pointer_bytes, rows)
    return packed + channels + product + q8_rows_bytes(inner, columns, rows)


def depthwise_scratch_bytes(
    kernel: tuple[int, int], channels: int, element_bytes: int, pointer_bytes: int = 8
) -> int:
    """Scratch of `ew_depthwise_*`; arguments as `conv_scratch_bytes`, with all input channels."""
    pad = round_up(channels * element_bytes, ALIGNMENT)
    needed = 2 * round_up(math.prod(kernel) * pointer_bytes, ALIGNMENT)
    if element_bytes == 1 and kernel in _DOT_ROOM:  # one ISA level rearranges weights
        needed = max(needed, _DOT_ROOM[kernel])
    return pad + needed


def depthwise_lines_bytes(
    kernel: tuple[int, int],
    stride: int,
    dilation: tuple[int, int],
    columns: int,
    channels: int,
) -> int:
    """What 8-bit depthwise convolutions need besides on x86: a ring of three lines.

    Args:
        kernel: height and width of the window.
        stride: of the window in x.
        dilation: of the window.
        columns: of the result.
        channels: in, as many as out.
    """
    if kernel != (3, 3) or dilation != (1, 1) or stride > 2 or channels not in (8, 16):
        return 0
    return 3 * round_up((round_up(columns, 8) * stride + 2) * channels + ALIGNMENT, ALIGNMENT)


# -- float32 ---------------------------------------------------------------------------------------


def _blocks(w: NDArray[np.generic], groups: int) -> NDArray[np.generic]:
    """[O, ...] as [groups, ceil(O / groups / 16), 16, ...], zero-filled."""
    parts = w.reshape((groups, w.shape[0] // groups, *w.shape[1:]))
    fill = -parts.shape[1] % LANES
    parts = np.pad(parts, [(0, 0), (0, fill)] + [(0, 0)] * (w.ndim - 1))
    return parts.reshape((groups, -1, LANES, *w.shape[1:]))


def pack_f32(w: ArrayLike, bias: ArrayLike | None, groups: int = 1) -> tuple[Float32, Float32]:
    """Weights and bias of a float32 convolution or product.

    Args:
        w: [O, K] (or anything of more axes that flattens to it, such as OHWI).
        bias: [O], or None for zeros.
        groups: of output channels.

    Returns:
        Weights [groups, ceil(N / 16), K, 16] with N = O / groups, and bias
        [groups, ceil(N / 16), 16].
    """
    matrix = np.asarray(w, np.float32)
    matrix = matrix.reshape(matrix.shape[0], -1)
    offsets = np.zeros(len(matrix)) if bias is None else np.asarray(bias)
    packed = _blocks(matrix, groups).swapaxes(2, 3)
    return np.ascontiguousarray(packed, np.float32), _blocks(offsets, groups).astype(np.float32)


def pack_depthwise_f32(w: ArrayLike, bias: ArrayLike | None) -> tuple[Float32, Float32]:
    """Weights and bias of a float32 depthwise convolution.

    Args:
        w: [KH, KW, C], C output channels.
        bias: [C], or None for zeros.

    Returns:
        Weights [ceil(C / 16), KH * KW, 16] and bias [ceil(C / 16), 16].
    """
    taps = np.asarray(w, np.float32)
    packed, offsets = pack_f32(taps.reshape(-1, taps.shape[2]).T, bias)
    return packed[0], offsets[0]


# -- 8 bits ----------------------------------------------------------------------------------------


class Folded(NamedTuple):
    """What a zero point leaves to be added to the sums.

    Attributes:
        bias: int32 [O], with every term that depends on weights alone.
        x_sum_multiplier: times the sum of each row of x; 0 if no row sums are needed.
    """

    bias: Int32
    x_sum_multiplier: int


def stored_offset(dtype: np.dtype[np.generic], dot: str) -> int:
    """What the kernel's dot product adds to activations of this dtype (see simd.h, EW_DOT_US)."""
    if dtype == np.uint8:
        return 0 if dot == "us" else -128
    return 128 if dot == "us" else 0


def stored_weights(w: Weights8) -> Int8:
    """Weights as int8: uint8 ones less 128."""
    return (w.astype(np.int16) - (128 if w.dtype == np.uint8 else 0)).astype(np.int8)


def q8_line(kernel: tuple[int, int], channels: int) -> int:
    """Bytes for each line of a window, whose weights are filled up to them, or 0 for as they are.

    Lines of few channels are then read where they lie, four bytes at a time, though their length
    is no multiple of four; it costs up to half of the products again.
    """
    used = kernel[1] * channels
    line = round_up(used, 4)
    return line if line != used and 2 * line <= 3 * used and kernel != (1, 1) else 0


def pack_q8(w: Weights8, groups: int = 1, line: int = 0) -> Int8:
    """8-bit weights for `ew_conv_s8`, `ew_conv_u8` and `ew_fully_connected_*`.

    Args:
        w: int8 or uint8 [O, K] (or of more axes, as `pack_f32`).
        groups: of output channels.
        line: from `q8_line`; unless it is 0, w is [O, KH, KW, C].

    Returns:
        int8 [groups, ceil(N / 16), ceil(K / 4), 16, 4] with N = O / groups; K = KH * line where
        that is not 0.
    """
    matrix = stored_weights(w).reshape(w.shape[0], -1)
    if line:
        lines = matrix.reshape(w.shape[0], w.shape[1], -1)
        matrix = np.pad(lines, ((0, 0), (0, 0), (0, line - lines.shape[2])))
        matrix = matrix.reshape(w.shape[0], -1)
    matrix = np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % 4)))
    quads = matrix.reshape(matrix.shape[0], -1, 4)
    return np.ascontiguousarray(_blocks(quads, groups).swapaxes(2, 3), np.int8)


def in_pairs(packed: Float32) -> Float32:
    """What `pack_f32` gave [..., K, 16] (K even) as [..., K / 2, 16, 2]."""
    *outer, depth, lanes = packed.shape
    return np.ascontiguousarray(packed.reshape(*outer, depth // 2, 2, lanes).swapaxes(-1, -2))


def pack_few_q8(w: Weights8) -> Int8:
    """8-bit weights [N, K] of few columns for `ew_fully_connected_few_*`.

    Returns:
        int8 [ceil(N / 4), ceil(K / 16), 4, 16].
    """
    columns, depth = w.shape
    matrix = np.pad(stored_weights(w), ((0, -columns % 4), (0, -depth % 16)))
    quads = matrix.reshape(-1, 4, matrix.shape[1] // 16, 16)
    return np.ascontiguousarray(quads.swapaxes(1, 2), np.int8)


def fold_q8(
    w: Weights8,
    bias: ArrayLike | None,
    zeros: tuple[int, int],
    x_dtype: np.dtype[np.generic] | type[np.generic],
    dot: str,
) -> Folded:
    """The terms of sum((x - zx) * (w - zw)) + bias that the dot product of stored bytes leaves.

    Args:
        w: int8 or uint8 [O, ...].
        bias: int32 [O], or None for zeros.
        zeros: zero points of x and w.
        x_dtype: int8 or uint8.
        dot: the target's form of the 8-bit dot product, "us" or "ss".
    """
    x_zero = zeros[0] + stored_offset(np.dtype(x_dtype), dot)
    w_zero = zeros[1] - (128 if w.dtype == np.uint8 else 0)
    matrix = stored_weights(w).reshape(w.shape[0], -1).astype(np.int64)
    total = np.zeros(len(matrix), np.int64) if bias is None else np.asarray(bias, np.int64)
    total = total - x_zero * matrix.sum(axis=1) + matrix.shape[1] * x_zero * w_zero
    return Folded(total.astype(np.int32), -w_zero)


def pack_depthwise_q8(
    w: Weights8, bias: ArrayLike | None, zeros: tuple[int, int]
) -> tuple[Int16, Int32]:
    """Weights and folded bias of an 8-bit depthwise convolution.

    Args:
        w: int8 or uint8 [KH, KW, C], C output channels.
        bias: int32 [C], or None for zeros.
        zeros: zero points of x and w.

    Returns:
        Weights less their zero point, int16 [ceil(C / 16), KH * KW, 16]; bias int32 [C].
    """
    taps = w.astype(np.int64).reshape(-1, w.shape[2]) - zeros[1]
    packed = _blocks(taps.T, 1).swapaxes(2, 3)[0]
    total = np.zeros(w.shape[2], np.int64) if bias is None else np.asarray(bias, np.int64)
    folded = (total - zeros[0] * taps.sum(axis=0)).astype(np.int32)
    return np.ascontiguousarray(packed, np.int16), folded


def pack_q8_channels(bias: Int32, factor: Float32 | Multiplier, groups: int = 1) -> Int32:
    """The per-channel numbers of an 8-bit layer, as `requantize.h` reads them.

    Args:
        bias: folded, int32 [O].
        factor: mode `float`: float32 scales, one or [O]; mode `fixed`: multipliers.
        groups: of output channels.

    Returns:
        int32 [groups, ceil(N / 16), 2 (float) or 3 (fixed), 16].
    """
    if isinstance(factor, Multiplier):
        rows = [bias, factor.value, factor.shift]
    else:
        rows = [bias, np.asarray(factor, np.float32).view(np.int32)]
    columns = np.stack([np.broadcast_to(row, bias.shape) for row in rows], axis=1)
    return np.ascontiguousarray(_blocks(columns, groups).swapaxes(2, 3), np.int32)


class Residual(NamedTuple):
    """The quantised sum of a layer's result and a residual.

    Attributes:
        skip_zero: zero point of the residual.
        zero: zero point of the sum.
        bounds: lowest and highest quantised value of the sum.
        factors: of scales (result, residual, sum): `add_short_constants` in mode `float`,
            `add_fixed_constants` in mode `fixed`.
    """

    skip_zero: int
    zero: int
    bounds: Bounds
    factors: AddShort | AddFixed


def pack_q8_params(
    x_zero: int,
    y_zero: int,
    bounds: Bounds,
    x_sum_multiplier: int = 0,
    skip: Residual | None = None,
) -> Int32:
    """The numbers of an 8-bit layer that no channel has of its own: C's `ew_q8_params`, int32 [15].

    Args:
        x_zero: zero point of x; padding reads it.
        y_zero: zero point of the layer's own result (before a residual is added).
        bounds: lowest and highest quantised value of that result.
        x_sum_multiplier: from `fold_q8`.
        skip: the residual, or None.
    """
    head = [x_zero, y_zero, *bounds, x_sum_multiplier]
    if skip is None:
        return np.array(head + [0] * 10, np.int32)
    if isinstance(skip.factors, AddFixed):
        parts = (skip.factors.first, skip.factors.second, skip.factors.output)
        factors = [int(number) for part in parts for number in (part.value, part.shift)]
    else:
        short = skip.factors
        factors = [short.first, 0, short.second, 0, 0, short.shift]
    return np.array([*head, skip.skip_zero, skip.zero, *skip.bounds, *factors], np.int32)


# -- int16 activations -----------------------------------------------------------------------------


def pack_s16_factors(factor: Multiplier, channels: int) -> Int32:
    """Multipliers, then shifts, of `ew_conv_s16`: int32 [2, channels]."""
    rows = [np.broadcast_to(part, (channels,)) for part in factor]
    return np.ascontiguousarray(np.stack(rows), np.int32)
