"""float32 convolutions that leave out products with padding (kernels/conv_live_f32.h)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edgewright.graph import DType, Node
from edgewright.ops.packing import LANES, LARGEST_TILE, round_up

if TYPE_CHECKING:
    from edgewright.ops import Packing
    from edgewright.ops.conv import Conv

#: Columns of the results of a tile (EW_F32_COLUMNS)
COLUMNS = 64
#: Largest share of the products at which it pays: tiles end at the borders of the parts, and their
#: results are copied, which costs 2 % at a depth of 256.
LARGEST_SHARE = 0.85


def fits(node: Node, op: Conv, target: Packing) -> bool:
    """Whether a convolution can be computed in this form: one group, no gathered windows."""
    x, (_, kh, kw, inputs) = node.input(0).type, node.input(1).type.dims
    static = x.is_static and node.output.type.is_static  # a strided member of a block may not be
    fits = static and x.dtype is DType.FLOAT32 and target.pointer_bytes == 8
    return fits and kh * kw > 1 and op.groups == 1 and inputs >= LANES


def saves(node: Node, op: Conv) -> bool:
    """Whether it pays: the products that are left, in whole tiles of six rows."""
    _, kh, kw, _ = node.input(1).type.dims
    down, across = (_parts(node, op, axis) for axis in range(2))
    left = sum(
        round_up(rows * columns, LARGEST_TILE // 2) * ky * kx
        for (_, ky), rows in down.items()
        for (_, kx), columns in across.items()
    )
    pixels = sum(down.values()) * sum(across.values())
    return left <= LARGEST_SHARE * pixels * kh * kw


def scratch_bytes(node: Node, target: Packing) -> int:
    """Bytes of scratch: the results of a tile, and where its rows lie."""
    _, kh, kw, _ = node.input(1).type.dims
    pointers = kh * kw * LARGEST_TILE * target.pointer_bytes
    return LARGEST_TILE * COLUMNS * 4 + pointers


def _parts(node: Node, op: Conv, axis: int) -> Counter[tuple[int, int]]:
    """How many output positions there are with the same live taps: (first, how many)."""
    size, count = node.input(0).type.dims[1 + axis], node.output.type.dims[1 + axis]
    taps, (before, _) = node.input(1).type.dims[1 + axis], op.pad[axis]
    stride, dilation = op.stride[axis], op.dilation[axis]
    found: Counter[tuple[int, int]] = Counter()
    for position in range(count):
        live = [k for k in range(taps) if 0 <= position * stride - before + k * dilation < size]
        found[live[0] if live else 0, len(live)] += 1
    return found
