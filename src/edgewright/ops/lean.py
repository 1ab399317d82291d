"""8-bit layers on microcontrollers: weights as `kernels/lean.h` reads them, scratch, and calls.

They take the place of the sixteen-lane kernels where `Target.lean_step` says so: sixteen lanes live
in memory on a core with a dozen registers, and gather more rows than such a core has RAM for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgewright.graph import DType, Node, Value
from edgewright.ops.integer.fixed_point import Multiplier
from edgewright.ops.packing import Int8, Int16, Int32, Weights8, round_up, stored_weights

if TYPE_CHECKING:
    from edgewright.ops.emit import Emit, Packing

ROWS = {1: 2, 4: 2, 16: 3}  # EW_LEAN_ROWS by step: rows of a tile
CHANNELS = {1: 4, 4: 4, 16: 8}  # EW_LEAN_CHANNELS: channels that a depthwise window takes at once
TOGETHER = {1: 1, 4: 1, 16: 4}  # EW_LEAN_TOGETHER: channels that are finished at once
NUMBER_BYTES = {1: 1, 4: 2, 16: 1}  # of ew_lean_x


def applies(target: Packing, value: Value) -> bool:
    """Whether the lean kernels compute on this activation: 8-bit ones, on microcontrollers."""
    return target.lean_step > 0 and value.type.dtype in (DType.INT8, DType.UINT8)


# -- packing ---------------------------------------------------------------------------------------


def pack_lean(w: Weights8, step: int, groups: int = 1) -> Int8:
    """8-bit weights for `ew_conv_lean`.

    Args:
        w: int8 or uint8 [O, K] (or of more axes that flatten to it, such as OHWI).
        step: numbers that a multiplication takes, `Target.lean_step`.
        groups: of output channels.

    Returns:
        int8 [groups, ceil(N / 2), ceil(K / step), 2, step] with N = O / groups, zero-filled;
        step 1: [groups, ceil(N / 2), 2, K].
    """
    matrix = stored_weights(w).reshape(groups, w.shape[0] // groups, -1)
    fill = ((0, 0), (0, -matrix.shape[1] % 2), (0, -matrix.shape[2] % step))
    matrix = np.pad(matrix, fill)
    blocks = matrix.reshape(groups, matrix.shape[1] // 2, 2, -1, step)
    if step > 1:
        blocks = blocks.swapaxes(2, 3)
    return np.ascontiguousarray(blocks, np.int8)


def pack_depthwise_lean(
    w: Weights8, bias: ArrayLike | None, zeros: tuple[int, int], step: int
) -> tuple[Int16, Int32]:
    """Weights and folded bias for `ew_depthwise_lean`.

    Args:
        w: int8 or uint8 [KH, KW, C], C output channels.
        bias: int32 [C], or None for zeros.
        zeros: zero points of x (as the kernel sees it: less 128 for uint8) and w.
        step: `Target.lean_step`.

    Returns:
        Weights less their zero point, int16 [ceil(C / n), KH * KW, n] with n = CHANNELS[step];
        bias int32 [C].
    """
    taps = w.astype(np.int64).reshape(-1, w.shape[2]) - zeros[1]
    total = np.zeros(w.shape[2], np.int64) if bias is None else np.asarray(bias, np.int64)
    total = total - zeros[0] * taps.sum(axis=0)
    together = CHANNELS[step]
    padded = np.pad(taps, ((0, 0), (0, -taps.shape[1] % together)))
    if step == 4:  # as SXTB16 spreads the activations
        padded = padded.reshape(len(taps), -1, 2, 2).swapaxes(2, 3)
    blocks = padded.reshape(len(taps), -1, together).swapaxes(0, 1)
    return np.ascontiguousarray(blocks, np.int16), total.astype(np.int32)


def pack_lean_channels(
    bias: Int32, factor: NDArray[np.float32] | Multiplier, step: int, groups: int = 1
) -> Int32:
    """The per-channel numbers of a layer: bias, multiplier (or the bits of a scale), right shift.

    Args:
        bias: folded, int32 [O].
        factor: mode `float`: float32 scales [O]; mode `fixed`: multipliers.
        step: `Target.lean_step`.
        groups: of output channels.

    Returns:
        int32 [groups, ceil(N / n), 3, n] with N = O / groups and n = TOGETHER[step], zero-filled.
    """
    if isinstance(factor, Multiplier):
        rows = [bias, factor.value, -factor.shift]
    else:
        bits = np.ascontiguousarray(factor, np.float32).view(np.int32)
        rows = [bias, bits, np.zeros_like(bias)]
    columns = np.stack(rows, axis=1).reshape(groups, -1, 3)
    padded = np.pad(columns, ((0, 0), (0, -columns.shape[1] % TOGETHER[step]), (0, 0)))
    blocks = padded.reshape(groups, -1, TOGETHER[step], 3).swapaxes(2, 3)
    return np.ascontiguousarray(blocks, np.int32)


# -- scratch ---------------------------------------------------------------------------------------


def conv_scratch_bytes(
    depth: int, step: int, pixels: int, gathers: bool, copies: bool = True
) -> int:
    """Bytes of scratch of `ew_conv_lean`: the rows of a tile, and the bytes of one.

    Args:
        depth: numbers of a row: the window's taps times the channels of a group.
        step: `Target.lean_step`.
        pixels: rows in all.
        gathers: whether rows are put together, since they do not lie in x as they are.
        copies: whether the result may overwrite x.
    """
    row = round_up(depth, step) * NUMBER_BYTES[step]
    if NUMBER_BYTES[step] > 1 and pixels == 1 and not gathers:  # read as it is
        return round_up(depth, 4) if copies else 0
    if not gathers:
        return min(pixels, ROWS[step]) * row
    return ROWS[step] * row + (round_up(depth, 4) if NUMBER_BYTES[step] > 1 else 0)


def depthwise_scratch_bytes(
    kernel: tuple[int, int], dilation: tuple[int, int], columns: int, channels: int, target: Packing
) -> int:
    """Bytes of scratch of `ew_depthwise_lean`: a pointer for each row, and the ring of lines.

    Args:
        kernel: height and width of the window.
        dilation: of the window.
        columns: pixels of a line that windows see, padding included.
        channels: of the output.
        target: the target.
    """
    pixel = round_up(channels, CHANNELS[target.lean_step]) * NUMBER_BYTES[target.lean_step]
    lines = (kernel[0] - 1) * dilation[0] + 1
    return kernel[0] * target.pointer_bytes + lines * columns * pixel


# -- calls -----------------------------------------------------------------------------------------


def flip(value: Value) -> str:
    """What the kernels invert in each activation: they compute on signed numbers."""
    return "0x80" if value.type.dtype is DType.UINT8 else "0"


def mode(e: Emit, once: bool = False) -> str:
    """The end of the names of kernels that requantise."""
    return "float" if e.requantization == "float" else "once" if once else "fixed"


def is_pointwise(node: Node) -> bool:
    """Whether a convolution's rows are rows of x, so that its result may overwrite them."""
    x, y = node.input(0).type, node.output.type
    kernel = node.input(1).type.dims[1:3]
    strides = tuple(node.attrs.get("stride", (1, 1)))
    groups = node.attrs.get("groups", 1)
    return math.prod(kernel) * groups == 1 and strides == (1, 1) and x.shape == y.shape
