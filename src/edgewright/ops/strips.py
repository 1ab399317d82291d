"""float32 convolutions with windows of one row or column, by products of halves.

Karatsuba's product, three times: kernels/conv_strip_f32.h has the formulas.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from edgewright.graph import DType, Node
from edgewright.ops.packing import LANES, Float32

if TYPE_CHECKING:
    from edgewright.ops import Array, Packing
    from edgewright.ops.conv import Conv

#: results of a tile, columns of products at once
RESULTS, COLUMNS = 8, 64
#: the factors of both halves of the taps, in order: g0, g0 + g1, g1
G = np.array([[1, 0], [1, 1], [0, 1]], np.float64)
#: Largest share of the direct form's multiplications at which it pays; transformations take about
#: a tenth of the time at 128 channels.
LARGEST_SHARE = 0.7
#: Tiles that have to share weights which are 3 to 5 times as large as the direct form's.
FEWEST_TILES = 24


def fits(node: Node, op: Conv, target: Packing) -> bool:
    """Whether a convolution can be computed in this form.

    Only on 64-bit targets: its weights take up to 5 times the room.
    """
    outputs, kh, kw, inputs = node.input(1).type.dims
    across = 1 if kh == 1 else 0  # the axis along which the window lies
    shape = min(kh, kw) == 1 and 3 <= max(kh, kw) <= RESULTS and op.dilation[across] == 1
    shape = shape and op.stride == (1, 1) and op.groups == 1 and op.pad[1 - across] == (0, 0)
    shape = shape and inputs % LANES == 0 and outputs % LANES == 0
    types = node.input(0).type, node.output.type
    static = all(t.is_static for t in types)
    return static and shape and types[0].dtype is DType.FLOAT32 and target.pointer_bytes == 8


def saves(node: Node) -> bool:
    """Whether this form pays, as long as nothing was measured."""
    taps, length = _line(node)
    rest = length % RESULTS
    part = sum(_least(q) < rest for q in _products(taps))
    left = length // RESULTS * len(_products(taps)) + part
    return left <= LARGEST_SHARE * length * taps and _tiles(node) >= FEWEST_TILES


def weights(w: Array) -> Float32:
    """[O, KH, KW, I] as [O / 16, products, I, 16], computed in float64 and rounded once."""
    taps = w.shape[1] * w.shape[2]
    kernels = np.zeros((w.shape[0], RESULTS, w.shape[3]))
    kernels[:, :taps] = np.asarray(w, np.float64).reshape(w.shape[0], taps, w.shape[3])
    halves = kernels.reshape(w.shape[0], 2, 2, 2, w.shape[3])
    cells = []
    for i, j, k in _products(taps):
        factors = np.multiply.outer(np.multiply.outer(G[i], G[j]), G[k])
        cells.append((halves * factors[None, :, :, :, None]).sum(axis=(1, 2, 3)))
    blocks = np.stack(cells).reshape(len(cells), -1, LANES, w.shape[3])
    return np.ascontiguousarray(blocks.transpose(1, 0, 3, 2), np.float32)


def scratch_bytes(node: Node) -> int:
    """Bytes of scratch: zeros, the transformed input of a block of tiles, its products."""
    outputs, _, _, channels = node.input(1).type.dims
    tiles, columns = _tiles(node), min(outputs, COLUMNS)
    fit = 48 if channels > 64 else 24  # ew_strip_tiles
    block = -(-tiles // max(1, (tiles + fit // 2) // fit))
    floats = max(channels, 64) + len(G) ** 3 * (block * (channels + columns) + 32)
    return 4 * floats


def _products(taps: int) -> list[tuple[int, int, int]]:
    """The products that have a tap, as the parts that they take at each level."""
    return [q for q in product(range(3), range(3), range(3)) if _least(q) < taps]


def _least(q: tuple[int, int, int]) -> int:
    """The first tap, and the first result, of a product."""
    return sum(4 >> level for level in range(3) if q[level] == 2)


def _line(node: Node) -> tuple[int, int]:
    """Taps, and results along them."""
    _, kh, kw, _ = node.input(1).type.dims
    _, height, width, _ = node.output.type.dims
    return (kh, height) if kw == 1 else (kw, width)


def _tiles(node: Node) -> int:
    """Tiles of up to eight results of a line."""
    batch, height, width, _ = node.output.type.dims
    length = _line(node)[1]
    return batch * height * width // length * -(-length // RESULTS)
