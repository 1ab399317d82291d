"""Winograd's F(2x2, 3x3) for float32 convolutions: when it is used, its weights, its scratch.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewright.graph import DType, Node, upper
from edgewright.ops.packing import LANES, Float32, round_up

if TYPE_CHECKING:
    from edgewright.ops import Array, Packing
    from edgewright.ops.conv import Conv

#: the transformation of a 3-tap kernel
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float64)
#: bytes of transformed input and products that the kernel works on at once (conv_winograd_f32.h),
#: the most and the fewest tiles, and the columns of the products
BLOCK_BYTES = 512 * 1024
MOST_TILES, FEWEST_TILES = 24, 16
WIDEST_TILE = 64
#: Largest share of the direct form's multiplications at which Winograd's pays. The transformations
#: cost as much as 15 % of them at 64 channels and 40 % at 16 (measured on AVX-512: 1.9 and 1.3
#: times the direct form's speed at a share of 0.44).
LARGEST_SHARE = 0.75


def fits(node: Node, op: Conv, target: Packing) -> bool:
    """Whether a convolution can be computed in this form.

    Only on 64-bit targets: its weights take 16/9 of the direct form's, and up to 0.7 MB of scratch,
    which smaller machines do not have.
    """
    outputs, kh, kw, inputs = node.input(1).type.dims
    shape = (kh, kw) == (3, 3) and op.stride == (1, 1) and op.groups == 1
    shape = shape and inputs % LANES == 0 and outputs % LANES == 0
    return shape and node.input(0).type.dtype is DType.FLOAT32 and target.pointer_bytes == 8


def saves(node: Node, op: Conv) -> bool:
    """Whether this form pays, as long as nothing was measured."""
    return 16 * tiles(node, op) <= LARGEST_SHARE * 9 * _pixels(node)


def weights(w: Array) -> Float32:
    """[O, 3, 3, I] as [O / 16, 16 positions, I, 16], computed in float64 and rounded once."""
    kernels = np.asarray(w, np.float64)
    rows = [sum(G[i, k] * kernels[:, k] for k in range(3)) for i in range(4)]
    cells = [[sum(G[j, k] * row[:, k] for k in range(3)) for j in range(4)] for row in rows]
    positions = np.stack([cell for line in cells for cell in line])
    blocks = positions.reshape(16, -1, LANES, w.shape[3])
    return np.ascontiguousarray(blocks.transpose(1, 0, 3, 2), np.float32)


def scratch_bytes(node: Node, op: Conv, block: int = 0) -> int:
    """Bytes of scratch: zeros, the transformed input of a block of tiles, its products.

    `block` is how many tiles; 0: as many as the kernel takes.
    """
    channels, columns = node.input(1).type.dims[3], min(node.input(1).type.dims[0], WIDEST_TILE)
    count = tiles(node, op)
    fit = min(max(BLOCK_BYTES // (64 * (channels + columns)), FEWEST_TILES), MOST_TILES)
    even = -(-count // max(1, (count + fit // 2) // fit))
    if not node.output.type.is_static:  # fewer tiles may come in one larger block
        even = fit + fit // 2
    held = min(block or even, count)
    floats = max(channels, 64) + 16 * (held * channels + 16 + held * columns + 16)
    return 4 * floats


def _pixels(node: Node) -> int:
    batch, height, width, _ = node.output.type.shape
    return upper(batch) * upper(height) * upper(width)


def tiles(node: Node, op: Conv) -> int:
    """Tiles of 2x2 results; a dilated image is several interleaved ones."""
    batch, height, width, _ = node.output.type.shape
    rows, columns = (
        _halves(upper(size), dilation)
        for size, dilation in zip((height, width), op.dilation, strict=True)
    )
    return upper(batch) * op.dilation[0] * op.dilation[1] * rows * columns


def _halves(size: int, dilation: int) -> int:
    """Tiles along one axis of the largest of the interleaved images."""
    return (round_up(size, dilation) // dilation + 1) // 2
