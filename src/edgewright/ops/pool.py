"""What the two kinds of pooling share: the result's type and the call of the C driver."""

from __future__ import annotations

from edgewright.graph import TensorType, upper
from edgewright.ops import require
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


def emit_pool(e: Emit, function: str, window: Window, *rest: str | int) -> None:
    """Call a pooling driver: operands, sizes, window, then whatever it takes besides."""
    kernel, stride, dilation, pad = window
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    e.header("pool.h")
    sizes = [e.dim(x, axis) for axis in range(4)] + [e.dim(y, 1), e.dim(y, 2)]
    numbers = [*kernel, *stride, *dilation, pad[0][0], pad[1][0]]
    e.call(function, e.ptr(x), e.ptr(y), *sizes, *numbers, *rest)
