"""What the two kinds of pooling share: the result's type and the call of the C driver."""

from __future__ import annotations

import numpy as np

from edgewright.graph import TensorType, upper
from edgewright.ops import Array, parts, require
from edgewright.ops.conv import output_size
from edgewright.ops.emit import Emit

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
Clamp = tuple[float, float]
Window = tuple[Pair, Pair, Pair, Pads]


def pool_type(x: TensorType, kernel: Pair, stride: Pair, dilation: Pair, pad: Pads) -> TensorType:
    """[N,OH,OW,C] from [N,H,W,C]."""
    require(x.rank == 4, f"pooling needs 4 axes, got {x}")
    height = output_size(x.shape[1], kernel[0], stride[0], dilation[0], pad[0])
    width = output_size(x.shape[2], kernel[1], stride[1], dilation[1], pad[1])
    require(upper(height) > 0 and upper(width) > 0, f"the window is larger than {x}")
    return TensorType(x.dtype, (x.shape[0], height, width, x.shape[3]))


def emit_pool(e: Emit, function: str, window: Window, *rest: str | int | Array) -> None:
    """Call a pooling driver: operands, sizes, window, then whatever it takes besides."""
    kernel, stride, dilation, pad = window
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    e.header("pool.h")
    sizes = [e.dim(x, axis) for axis in range(4)] + [e.dim(y, 1), e.dim(y, 2)]
    numbers: list[str | int] = [*kernel, *stride, *dilation, pad[0][0], pad[1][0]]
    part = parts.open_rows(e, y.type.shape[1], y.type.max_bytes * kernel[0] * kernel[1])
    if part is None or x.type.shape[0] != 1:
        made = [e.weight(each) if isinstance(each, np.ndarray) else each for each in rest]
        e.call(function, e.ptr(x), e.ptr(y), *sizes, *numbers, *made)
        return
    # Some of the lines: the upper border moves away.
    first, line = e.size(part.first), e.size(y.type.shape[2] * y.type.shape[3])
    sizes[4], numbers[-2] = e.size(part.rows), f"{pad[0][0]} - {first} * {stride[0]}"
    made = [part.weight(each) if isinstance(each, np.ndarray) else each for each in rest]
    to = f"{part.ptr(y)} + {first} * {line}"
    part.call(function, part.ptr(x), to, *sizes, *numbers, *made)
    part.close()
