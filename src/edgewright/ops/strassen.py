"""float32 products of matrices by Strassen's algorithm: when it is used, its weights, its scratch.

One level, in Winograd's form: kernels/conv_strassen_f32.h has the formulas. 1x1 convolutions and
fully connected layers are such products, of rows [M, K] with weights [K, N].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgewright.graph import DType, Node, upper
from edgewright.ops.packing import Float32

if TYPE_CHECKING:
    from edgewright.ops import Array, Packing
    from edgewright.ops.conv import Conv

#: columns of a panel of the packed weights, and floats between rows of sums beside their own
COLUMNS, GAP = 64, 16
#: floats of one register tile
HELD = 16 * 24
#: bytes of the sums of a block, the most and the fewest pairs of rows (conv_strassen_f32.h)
BLOCK_BYTES = 384 * 1024
MOST_PAIRS, FEWEST_PAIRS = 48, 24
#: products of halves, and their share of the eight that the direct form takes
PRODUCTS = 7
SHARE = PRODUCTS / 8
#: Halves are whole vectors.
MULTIPLE = 32
#: Features in and out from which on it pays. Measured on AVX-512 (and AVX2), against the direct
#: form: 64 features in: 0.95 to 1.03 times as fast (0.90 to 0.97); 128: 1.03 to 1.06 (1.00 to
#: 1.01), which blocks of convolutions (plan/blocks.py) gain too, with half the room; 160 to 2048:
#: 1.05 to 1.14 (1.02 to 1.11). 64 out: 0.95 (1.02); 128 to 160: 1.06 to 1.08.
FEWEST_DEPTH, FEWEST_COLUMNS = 160, 128
#: Rows that have to share weights which are 7/4 as large, and multiply-accumulates of a layer whose
#: sums are worth room in the arena: about 40 us.
FEWEST_ROWS, FEWEST_MACS = 32, 4_000_000


class Size(NamedTuple):
    """Of a product."""

    rows: int
    depth: int
    columns: int


def size_of(node: Node) -> Size:
    """Of a 1x1 convolution, or of a fully connected layer."""
    outputs, depth = node.input(1).type.dims[0], node.input(1).type.dims[-1]
    return Size(upper(node.output.type.count) // outputs, depth, outputs)


def fits(node: Node, target: Packing) -> bool:
    """Whether a product of float32 rows with constant weights can be computed in this form.

    Only on 64-bit targets: its weights take 7/4 of the room, and up to 0.7 MB of scratch.
    """
    size, types = size_of(node), (node.input(0).type, node.output.type)
    halves = size.depth % MULTIPLE == 0 and size.columns % MULTIPLE == 0 and size.rows > 1
    static = all(t.is_static for t in types)
    return static and halves and types[0].dtype is DType.FLOAT32 and target.pointer_bytes == 8


def fits_conv(node: Node, op: Conv, target: Packing) -> bool:
    """The same for a convolution, which must be a product of the pixels as they lie."""
    _, kh, kw, _ = node.input(1).type.dims
    plain = (kh, kw) == (1, 1) and op.stride == (1, 1) and op.groups == 1
    return plain and op.pad == ((0, 0), (0, 0)) and fits(node, target)


def saves(node: Node, target: Packing) -> bool:
    """Whether this form pays, as long as nothing was measured: only on x86-64, where it was."""
    size = size_of(node)
    large = size.depth >= FEWEST_DEPTH and size.columns >= FEWEST_COLUMNS
    enough = size.rows >= FEWEST_ROWS and size.rows * size.depth * size.columns >= FEWEST_MACS
    return target.dot == "us" and large and enough


def weights(w: Array) -> Float32:
    """[N, K] (or 1x1 OHWI), computed in float64 and rounded once.

    Returns:
        One axis: panels of 64 columns of a half (the last may be narrower), each [7 factors]
        [columns / 16][K / 2][16].
    """
    matrix = np.asarray(w, np.float64).reshape(w.shape[0], -1)
    (b11, b21), (b12, b22) = (np.split(half, 2, axis=1) for half in np.split(matrix, 2))
    t1, t3 = b12 - b11, b22 - b12
    t2 = b22 - t1
    factors = np.stack([b11, b21, t2, t3, b21 - t2, t1, b22])  # [7, N / 2, K / 2]
    panels = np.split(factors, range(COLUMNS, factors.shape[1], COLUMNS), axis=1)
    blocks = [p.reshape(PRODUCTS, -1, 16, factors.shape[2]).swapaxes(2, 3) for p in panels]
    return np.concatenate([each.astype(np.float32).ravel() for each in blocks])


def scratch_bytes(node: Node) -> int:
    """Bytes of scratch: four sums of halves of a block's rows, two sums of its products, a tile."""
    size = size_of(node)
    row = size.depth // 2 + GAP
    pairs = _pairs(size.rows, row)
    return 4 * (4 * pairs * row + 2 * (pairs * COLUMNS + 16) + HELD)


def _pairs(rows: int, row: int) -> int:
    """Pairs of rows in a block; `row` is the floats of one sum."""
    pairs = (rows + 1) // 2
    fit = min(max(BLOCK_BYTES // (16 * row), FEWEST_PAIRS), MOST_PAIRS)
    return -(-pairs // max(1, (pairs + fit // 2) // fit))
