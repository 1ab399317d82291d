"""Winograd's F(4x4, 3x3) for 8-bit convolutions, exactly: when it is used, weights, scratch.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.3, with all
fractions multiplied out; `kernels/conv_winograd_q8.h` says why no bit is lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgewright.graph import DType, Node, upper
from edgewright.ops.packing import ALIGNMENT, LANES, round_up

if TYPE_CHECKING:
    from edgewright.ops import Array, Packing
    from edgewright.ops.conv import Conv

#: the transformation of a 3-tap kernel, times 24, 6, 6, 24, 24 and 6
P = np.array([[6, 0, 0], [1, 1, 1], [1, -1, 1], [1, 2, 4], [1, -2, 4], [0, 0, 6]], np.int32)
#: input channels up to which a sum of their products is within 2**25: 9 * 128 * 128 each
MOST_CHANNELS = 224
#: tiles that are worked on at once, and rows of the last register tile that may not exist
TILES, SPARE = 56, 16
#: columns of the widest register tile of any ISA (16 * EW_Q8_BLOCKS)
WIDEST_TILE = 32
#: What the parts of the algorithm cost, in multiplications of the direct form that take as long;
#: measured on AVX-512 VNNI (int16 products are half as fast as int8 ones).
PRODUCT, INPUT, OUTPUT = 2, 600, 900
#: The same for each weight that the second cache does not hold, and its share of that cache.
WEIGHT, HELD_BYTES = 384, 512 * 1024
#: It must be faster by this, because its weights are eight times as large.
LEAST_GAIN = 1.05


def fits(node: Node, op: Conv, target: Packing) -> bool:
    """Whether a convolution can be computed in this form.

    Only on x86: elsewhere int8 products are four times as fast as int16 ones, or memory is short.
    """
    x, w = node.input(0).type, node.input(1).type
    outputs, kh, kw, inputs = w.dims
    shape = (kh, kw) == (3, 3) and op.stride == (1, 1) == op.dilation and op.groups == 1
    shape = shape and inputs % LANES == 0 and outputs % LANES == 0 and inputs <= MOST_CHANNELS
    symmetric = w.dtype is DType.INT8 and not (w.quant and any(w.quant.zero))
    x86 = target.dot == "us" and target.pointer_bytes == 8
    return shape and symmetric and x.dtype.bits == 8 and x86


def saves(node: Node) -> bool:
    """Whether this form pays, as long as nothing was measured."""
    outputs, _, _, inputs = node.input(1).type.dims
    direct = 9 * _pixels(node) * inputs * outputs
    count = tiles(node)
    cost = count * (36 * PRODUCT * inputs * outputs + INPUT * inputs + OUTPUT * outputs)
    if 72 * inputs * outputs > HELD_BYTES:
        cost += WEIGHT * inputs * outputs
    return direct > LEAST_GAIN * cost


def weights(w: Array) -> NDArray[np.int16]:
    """int8 [O, 3, 3, I] as [O / 16, 36 positions, I / 2, 16, 2]."""
    positions = np.einsum("ia,jb,oabc->ijoc", P, P, w.astype(np.int32), optimize=False)
    pairs = positions.reshape(36, -1, LANES, w.shape[3] // 2, 2)
    return np.ascontiguousarray(pairs.transpose(1, 0, 3, 2, 4), np.int16)


def scratch_bytes(node: Node, block: int = 0) -> int:
    """Bytes of scratch: a pixel of padding, the transformed input of a block of tiles, products.

    `block` is how many tiles; 0: the kernel's own number.
    """
    inputs = node.input(1).type.dims[3]
    rows = min(block or TILES, tiles(node)) + SPARE
    transformed = 2 * (rows * round_up(inputs, 32) + 32)
    return round_up(inputs, ALIGNMENT) + 36 * (transformed + 4 * (rows * WIDEST_TILE + 16))


def _pixels(node: Node) -> int:
    return math.prod(upper(size) for size in node.output.type.shape[:3])


def tiles(node: Node) -> int:
    """Tiles of 4x4 results."""
    batch, height, width, _ = (upper(size) for size in node.output.type.shape)
    return batch * -(-height // 4) * -(-width // 4)
